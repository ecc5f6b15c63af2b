/** Unclean ends: many processes at once, kills at any moment, damaged files, full disks. Nothing wrong ever comes back, and the cache can always be opened. */
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { verify } from "../../cache/gc.ts";
import { openCache } from "../../cache/open.ts";
import { processName } from "../../cache/processes.ts";
import { checker, keyOf, open, sha, someResult, staticKeyOf, temporary } from "./help.ts";
import { newSeed, Random } from "../random.ts";

const writer = fileURLToPath(new URL("writer-child.ts", import.meta.url));

function start(folder: string, name: string, count: number) {
  const child = spawn(process.execPath, [writer, folder, name, `${count}`], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  let onLine = (_lines: number) => {};
  child.stdout.on("data", (d: Buffer) => {
    out += d.toString();
    onLine(out.split("\n").length - 1);
  });
  child.stderr.on("data", (d: Buffer) => {
    err += d.toString();
  });
  const ended = new Promise<{ code: number | null; recorded: number; err: string }>((resolve) =>
    child.on("close", (code) => {
      const lines = out.split("\n").slice(0, -1);
      resolve({ code, recorded: Number(lines.at(-1)?.split(" ")[1] ?? -1), err });
    }),
  );
  const after = (lines: number) =>
    new Promise<void>((resolve) => {
      onLine = (n) => n >= lines && resolve();
      void ended.then(() => resolve());
    });
  return { child, ended, after };
}

/** What was committed is found, or is a miss with no wrong word. */
function found(folder: string, name: string, upTo: number): number {
  const c = open(folder);
  let n = 0;
  for (let i = 0; i <= upTo; i++) {
    const r = c.actions.get(keyOf(`${name} ${i}`));
    if (r?.outputs[0] === undefined) continue;
    if (c.blobs.restore(r.outputs[0].digest, r.outputs[0].size, join(folder, "restored"), false) === "done") n++;
  }
  void c.close();
  return n;
}

test("ten processes at once lose nothing", async () => {
  const folder = temporary();
  const all = await Promise.all(Array.from({ length: 10 }, (_, n) => start(folder, `${n}`, 40).ended));
  assert.equal(
    all.map((a) => `${a.code} ${a.err}`),
    all.map(() => "0 "),
  );
  for (let n = 0; n < 10; n++) assert.is(found(folder, `${n}`, 39), 40, `process ${n}`);
  const c = open(folder);
  // Read sets of several processes for one static key are all kept, up to eight.
  for (let i = 0; i < 10; i++) assert.is(c.actions.reads(staticKeyOf(`shared ${i}`)).length, 8);
  const v = verify(c);
  assert.equal([v.entries, v.badEntries, v.badBlobs], [400, 0, 0]);
  assert.equal(c.troubles(), []);
  await c.close();
  assert.equal(readdirSync(join(folder, "open")).sort(), ["boot", "left"]);
});

test("kill -9 at random moments, others living on: committed records stay, nothing wrong comes back", async () => {
  const random = new Random(newSeed());
  const folder = temporary();
  const survivor = start(folder, "1", 0);
  await survivor.after(1);
  for (let round = 0; round < 20; round++) {
    const victim = start(folder, `v${round}`, 0);
    await victim.after(random.below(6));
    // Any moment: within the next few milliseconds, whatever it does then.
    const turns = random.below(300);
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
    victim.child.kill("SIGKILL");
    const end = await victim.ended;
    assert.is(end.code, null, end.err);
    assert.is(found(folder, `v${round}`, end.recorded), end.recorded + 1);
  }
  survivor.child.kill("SIGKILL");
  const end = await survivor.ended;
  assert.is(end.err, "");
  assert.is(found(folder, "1", end.recorded), end.recorded + 1);
  const c = open(folder);
  const v = verify(c);
  assert.equal([v.badEntries, v.badBlobs, c.troubles()], [0, 0, []]);
  await c.close();
});

/** A closed cache with some entries. */
async function filled(): Promise<string> {
  const folder = temporary();
  const c = open(folder);
  for (let i = 0; i < 300; i++) c.actions.record(staticKeyOf(`s${i}`), keyOf(`k${i}`), { ...someResult(`r${i}`), log: "log ".repeat(200) });
  await c.close();
  return folder;
}

const size = (file: string) => statSync(file).size;
function zero(file: string, from: number, bytes: number): void {
  writeSync(openSync(file, "r+"), Buffer.alloc(bytes), 0, bytes, from);
}

/** A process that did not leave: its marker names a process that is no more. */
function uncleanEnd(folder: string): void {
  writeFileSync(join(folder, "open", "4194304-1-00000000"), "");
}

for (const [name, damage] of [
  ["truncated to a half", (f: string) => truncateSync(f, Math.floor(size(f) / 2))],
  ["truncated to one page", (f: string) => truncateSync(f, 4096)],
  ["truncated to ten bytes", (f: string) => truncateSync(f, 10)],
  ["first meta page zeroed", (f: string) => zero(f, 0, 4096)],
  ["both meta pages zeroed", (f: string) => zero(f, 0, 8192)],
  ["all zeroed", (f: string) => zero(f, 0, size(f))],
  ["not a database", (f: string) => writeFileSync(f, "something else ".repeat(10_000))],
  ["of another version", (f: string) => writeSync(openSync(f, "r+"), Buffer.from([9]), 0, 1, 28)],
] as const)
  for (const unclean of [false, true])
    test(`${name}, after ${unclean ? "an unclean" : "a clean"} end: moved aside with a warning`, async () => {
      const folder = await filled();
      damage(join(folder, "actions", "data.mdb"));
      if (unclean) uncleanEnd(folder);
      const c = open(folder);
      const [warning] = c.troubles();
      assert.is(warning?.severity, "warning");
      assert.is(warning?.code, "cache.moved-aside");
      const aside = readdirSync(folder).filter((n) => n.startsWith("actions.bad-"));
      assert.is(aside.length, 1);
      assert.ok(warning?.message.includes(join(folder, aside[0] ?? "")));
      assert.is(c.actions.get(keyOf("k1")), undefined);
      c.actions.record(staticKeyOf("s"), keyOf("k"), someResult("new"));
      assert.ok((await c.close()).ok);
      const again = open(folder);
      assert.equal(again.troubles(), []);
      assert.equal(again.actions.get(keyOf("k")), someResult("new"));
      await again.close();
    });

test("pages zeroed anywhere after an unclean end: moved aside, or all that is found is right", async () => {
  const random = new Random(newSeed());
  const whole = await filled();
  const pages = size(join(whole, "actions", "data.mdb")) / 4096;
  for (let round = 0; round < 12; round++) {
    const folder = temporary();
    mkdirSync(join(folder, "actions"));
    mkdirSync(join(folder, "open"));
    copyFileSync(join(whole, "actions", "data.mdb"), join(folder, "actions", "data.mdb"));
    const at = 2 + random.below(pages - 2);
    zero(join(folder, "actions", "data.mdb"), at * 4096, 4096);
    uncleanEnd(folder);
    const c = open(folder);
    for (let i = 0; i < 300; i++) {
      const r = c.actions.get(keyOf(`k${i}`));
      if (r !== undefined) assert.equal({ ...r }, { ...someResult(`r${i}`), log: "log ".repeat(200) });
    }
    await c.close();
  }
});

test("a killed process's marker costs one check, then none", async () => {
  const folder = await filled();
  uncleanEnd(folder);
  writeFileSync(join(folder, "open", `${processName().split("-")[0]}-1-${processName().split("-")[2]}`), "");
  const log = join(folder, "checks");
  const counting = ["/bin/sh", "-c", `echo x >> '${log}'; exec "$@"`, "sh", ...checker];
  for (let i = 0; i < 3; i++) {
    const c = openCache(folder, counting);
    assert.ok(c.ok && c.value.troubles().length === 0);
    assert.equal(c.value.actions.get(keyOf("k7"))?.log, "log ".repeat(200));
    await c.value.close();
  }
  assert.is(readFileSync(log, "utf8"), "x\n");
});

test("the first to open it after a boot checks it", async () => {
  const folder = await filled();
  const log = join(folder, "checks");
  const counting = ["/bin/sh", "-c", `echo x >> '${log}'; exec "$@"`, "sh", ...checker];
  for (let i = 0; i < 3; i++) {
    if (i === 1) writeFileSync(join(folder, "open", "boot"), "another");
    const c = openCache(folder, counting);
    assert.ok(c.ok && c.value.troubles().length === 0);
    await c.value.close();
    assert.is(existsSync(log) ? readFileSync(log, "utf8") : "", i === 0 ? "" : "x\n");
  }
});

test("a check that cannot run does not trust the file", async () => {
  const folder = await filled();
  uncleanEnd(folder);
  const c = openCache(folder, ["/no/such/program"]);
  assert.ok(c.ok && c.value.troubles()[0]?.code === "cache.moved-aside");
  await c.value.close();
});

test("ten processes that find a damaged database: one moves it aside, all go on", async () => {
  const folder = await filled();
  truncateSync(join(folder, "actions", "data.mdb"), 20_000);
  uncleanEnd(folder);
  const all = await Promise.all(Array.from({ length: 10 }, (_, n) => start(folder, `${n}`, 10).ended));
  assert.equal(
    all.map((a) => `${a.code} ${a.err}`),
    all.map(() => "0 "),
  );
  assert.is(readdirSync(folder).filter((n) => n.startsWith("actions.bad-")).length, 1);
  for (let n = 0; n < 10; n++) assert.is(found(folder, `${n}`, 9), 10);
});

test("a full disk is a failure at flush, exit 4, and corrupts nothing", async () => {
  const folder = await filled();
  const blocks = Math.ceil(size(join(folder, "actions", "data.mdb")) / 512) + 8;
  const script = `
    import { keyOf, open, someResult, staticKeyOf, sha } from ${JSON.stringify(new URL("help.ts", import.meta.url).href)};
    import { writeFileSync } from "node:fs";
    const c = open(${JSON.stringify(folder)});
    for (let i = 0; i < 2000; i++) c.actions.record(staticKeyOf("n" + i), keyOf("n" + i), { ...someResult("n" + i), log: "log ".repeat(500) });
    const flushed = c.flush();
    const closed = await c.close();
    const troubles = c.troubles();
    writeFileSync(1, JSON.stringify({ flushed, closed, troubles }));`;
  // A limit on the size of files stands for the full disk: both are errors of write(2), and this one needs no mount.
  const ran = spawnSync("/bin/sh", ["-c", `ulimit -f ${blocks}; exec "$@"`, "sh", process.execPath, "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  assert.is(ran.status, 0, ran.stderr);
  const out = JSON.parse(ran.stdout) as {
    flushed: { ok: boolean; failure: { exit: number; code: string } };
    closed: { ok: boolean };
    troubles: { code: string }[];
  };
  assert.equal(
    [out.flushed.ok, out.flushed.failure.exit, out.flushed.failure.code, out.closed.ok],
    [false, 4, "cache.disk-full", false],
    ran.stdout,
  );
  assert.equal(
    out.troubles.map((t) => t.code),
    ["cache.disk-full"],
  );
  const c = open(folder);
  assert.equal(c.troubles(), []);
  for (let i = 0; i < 300; i++) assert.equal({ ...c.actions.get(keyOf(`k${i}`)) }, { ...someResult(`r${i}`), log: "log ".repeat(200) });
  c.actions.record(staticKeyOf("s"), keyOf("after"), someResult("after"));
  assert.ok((await c.close()).ok);
});

test("a blob that does not fit on the disk is not kept, nor is its record; the failure says so once", async () => {
  const folder = await filled();
  writeFileSync(join(folder, "big"), Buffer.alloc(900_000, "x"));
  writeFileSync(join(folder, "bigger"), Buffer.alloc(1_900_000, "y"));
  const script = `
    import { keyOf, open, someResult, staticKeyOf, sha } from ${JSON.stringify(new URL("help.ts", import.meta.url).href)};
    import { readFileSync, writeFileSync } from "node:fs";
    const c = open(${JSON.stringify(folder)});
    for (const name of ["big", "bigger"]) {
      const text = readFileSync(${JSON.stringify(folder)} + "/" + name);
      c.blobs.put(${JSON.stringify(folder)} + "/" + name, sha(text));
      c.actions.record(staticKeyOf(name), keyOf(name), someResult(name, [text.toString()]));
    }
    await c.close();
    writeFileSync(1, JSON.stringify({ troubles: c.troubles(), kept: ["big", "bigger"].filter((n) => c.actions.get(keyOf(n)) !== undefined) }));`;
  const blocks = Math.ceil(size(join(folder, "actions", "data.mdb")) / 512) + 100;
  const ran = spawnSync("/bin/sh", ["-c", `ulimit -f ${blocks}; exec "$@"`, "sh", process.execPath, "--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  const out = JSON.parse(ran.stdout) as { troubles: { code: string }[]; kept: string[] };
  assert.equal([out.troubles.map((t) => t.code), out.kept], [["cache.disk-full"], []], ran.stderr);
  const c = open(folder);
  assert.equal([verify(c).badBlobs, c.actions.get(keyOf("big"))], [0, undefined]);
  assert.not.ok(existsSync(c.blobs.path(sha(readFileSync(join(folder, "big"))))));
  await c.close();
});

test.run();
