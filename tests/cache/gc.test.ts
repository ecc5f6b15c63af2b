/** Collection: the bound holds, the least recently used go, nothing young goes, and builds beside it lose nothing but hits. */
import { spawn } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cacheLimit, clear, collect, maybeCollect, noteAdded, stats, verify } from "../../cache/gc.ts";
import type { Cache } from "../../cache/open.ts";
import { keyOf, open, sha, someResult, staticKeyOf, temporary } from "./help.ts";

const content = (i: number) => `${i} `.repeat(5000).slice(0, 10_000);

/** n results of one blob of 10 kB each; the i-th last used i hours after the first, all at least two days ago. */
function filled(folder: string, n: number): Cache {
  const c = open(folder);
  for (let i = 0; i < n; i++) add(c, i);
  c.flush();
  for (let i = 0; i < n; i++) {
    age(c, i);
    const used = Buffer.alloc(4);
    used.writeUInt32LE(Math.floor(Date.now() / 60_000) - 100_000 + i * 60);
    c.db.transact(() => c.db.put("used", Buffer.from(keyOf(`k${i}`), "hex"), used));
  }
  return c;
}

function add(c: Cache, i: number): void {
  const file = join(c.folder, "in");
  writeFileSync(file, content(i));
  c.blobs.put(file, sha(content(i)));
  c.actions.record(staticKeyOf(`s${i}`), keyOf(`k${i}`), someResult(`r${i}`, [content(i)]));
}

function age(c: Cache, i: number): void {
  utimesSync(c.blobs.path(sha(content(i))), 1_000_000, 1_000_000);
}

const has = (c: Cache, i: number) => c.actions.get(keyOf(`k${i}`)) !== undefined && existsSync(c.blobs.path(sha(content(i))));
const databaseBytes = (c: Cache) => stats(c, 0).bytes - 10_000 * stats(c, 0).blobs;

test("least recently used first, down to nine tenths of the bound, entries with their blobs", async () => {
  const folder = temporary();
  const c = filled(folder, 40);
  const limit = databaseBytes(c) + 300_000;
  const done = collect(c, limit);
  assert.ok(done !== null && done.entries > 10 && done.blobs === done.entries && done.left <= limit, JSON.stringify(done));
  for (let i = 0; i < 40; i++) assert.is(has(c, i), i >= (done?.entries ?? 0), `${i}`);
  const after = stats(c, limit);
  assert.is(after.entries, 40 - (done?.entries ?? 0));
  assert.is(after.blobs, after.entries);
  assert.equal(c.actions.reads(staticKeyOf("s0")), []);
  assert.is(c.actions.reads(staticKeyOf("s39")).length, 1);
  assert.is(c.db.count("sets"), after.entries);
  assert.is(collect(c, limit)?.entries, 0);
  await c.close();
});

test("a hit makes an entry the most recently used", async () => {
  const folder = temporary();
  const c = filled(folder, 20);
  c.actions.get(keyOf("k0"));
  c.flush();
  collect(c, databaseBytes(c) + 100_000);
  assert.ok(has(c, 0));
  assert.not.ok(has(c, 1));
  await c.close();
});

test("within the bound nothing goes but blobs that nobody names; none that is young", async () => {
  const folder = temporary();
  const c = filled(folder, 5);
  for (const [text, young] of [
    ["old orphan", false],
    ["young orphan", true],
  ] as const) {
    writeFileSync(join(folder, "in"), text);
    c.blobs.put(join(folder, "in"), sha(text));
    if (!young) utimesSync(c.blobs.path(sha(text)), 1_000_000, 1_000_000);
  }
  const temps = [".tmp-1-x-0", ".tmp-1-x-1"].map((n) => join(dirname(c.blobs.path(sha("old orphan"))), n));
  for (const t of temps) writeFileSync(t, "");
  utimesSync(temps[0] ?? "", 1_000_000, 1_000_000);
  assert.equal(
    [collect(c, 1e9)?.entries, existsSync(c.blobs.path(sha("old orphan"))), existsSync(c.blobs.path(sha("young orphan")))],
    [0, false, true],
  );
  assert.equal(
    temps.map((t) => existsSync(t)),
    [false, true],
  );
  await c.close();
});

test("what was put or used within the hour stays even beyond the bound", async () => {
  const folder = temporary();
  const c = filled(folder, 3);
  add(c, 100);
  c.flush();
  collect(c, 0);
  assert.equal([has(c, 0), has(c, 1), has(c, 2), has(c, 100)], [false, false, false, true]);
  await c.close();
});

test("due once a day, or when more was added than fits", async () => {
  const folder = temporary();
  const c = filled(folder, 3);
  noteAdded(c);
  assert.is.not(maybeCollect(c, 1e9), null);
  assert.is(maybeCollect(c, 1e9), null);
  add(c, 7);
  assert.is(maybeCollect(c, 1e9), null);
  appendFileSync(join(folder, "added"), "999999999\n2");
  assert.is.not(maybeCollect(c, 1e9), null);
  assert.is(maybeCollect(c, 1e9), null);
  writeFileSync(join(folder, "gc.json"), JSON.stringify({ at: Date.now() - 86_400_001, bytes: 0 }));
  assert.is.not(maybeCollect(c, 1e9), null);
  writeFileSync(join(folder, "gc.json"), "{");
  assert.is.not(maybeCollect(c, 1e9), null);
  await c.close();
});

test("one collector at a time; a killed one does not count", async () => {
  const folder = temporary();
  const c = filled(folder, 2);
  writeFileSync(join(folder, "gc.lock"), readdirSync(join(folder, "open"))[0] ?? "");
  assert.is(collect(c, 1e9), null);
  writeFileSync(join(folder, "gc.lock"), "999999999-1-00000000");
  assert.is.not(collect(c, 1e9), null);
  await c.close();
});

test("a folder that was deleted meanwhile needs no collecting", () => {
  const c = open(temporary());
  rmSync(c.folder, { recursive: true });
  assert.is(maybeCollect(c, 1e6), null);
});

test("verify removes flipped and cut blobs, and the records that miss one", async () => {
  const folder = temporary();
  const c = filled(folder, 10);
  for (const [i, damage] of [
    [1, (p: string) => appendFileSync(p, "x")],
    [2, (p: string) => writeFileSync(p, content(3))],
    [4, (p: string) => rmSync(p)],
  ] as const) {
    const path = c.blobs.path(sha(content(i)));
    chmodSync(path, 0o644);
    damage(path);
  }
  c.db.transact(() => c.db.put("results", Buffer.from(keyOf("k5"), "hex"), Buffer.from("rubbish")));
  const { bytes, ...counts } = verify(c);
  assert.equal(counts, { entries: 6, blobs: 7, badEntries: 4, badBlobs: 2 });
  assert.is(bytes, 70_000);
  for (let i = 0; i < 10; i++) assert.is(has(c, i), ![1, 2, 4, 5].includes(i), `${i}`);
  assert.equal({ ...verify(c), bytes: 0 }, { entries: 6, blobs: 7, bytes: 0, badEntries: 0, badBlobs: 0 });
  await c.close();
});

test("clear leaves nothing, and the cache can be used again", async () => {
  const folder = temporary();
  assert.is(await clear(filled(folder, 5)), null);
  assert.not.ok(existsSync(join(folder, "actions")));
  const c = open(folder);
  assert.equal([stats(c, 1).entries, stats(c, 1).blobs], [0, 0]);
  add(c, 1);
  c.flush();
  assert.ok(has(c, 1));
  await c.close();
});

for (const [text, bytes] of [
  [undefined, 1e10],
  ["", 1e10],
  ["123", 123],
  ["5k", 5000],
  ["500MB", 5e8],
  ["1.5 GB", 1.5e9],
  ["2GiB", 2 * 1024 ** 3],
  ["1tb", 1e12],
  ["lots", null],
  ["-1", null],
] as const)
  test(`FB_CACHE_LIMIT ${text}`, () => {
    const limit = cacheLimit({ FB_CACHE_LIMIT: text });
    assert.equal(limit.ok ? limit.value : null, bytes);
  });

test("builds go on while it collects: what a build gets is right or a miss", async () => {
  const folder = temporary();
  const c = filled(folder, 60);
  const writer = fileURLToPath(new URL("writer-child.ts", import.meta.url));
  const children = [1, 2, 3].map((n) => spawn(process.execPath, [writer, folder, `${n}`, "60"], { stdio: ["ignore", "pipe", "inherit"] }));
  const ends = children.map((child) => new Promise<number | null>((resolve) => child.on("exit", resolve)));
  let running = true;
  const all = Promise.all(ends).then((codes) => {
    running = false;
    return codes;
  });
  while (running) {
    collect(c, databaseBytes(c) + 100_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await all, [0, 0, 0]);
  const { badBlobs } = verify(c);
  assert.is(badBlobs, 0);
  assert.is(readFileSync(join(folder, "gc.json"), "utf8").includes("bytes"), true);
  await c.close();
});

test.run();
