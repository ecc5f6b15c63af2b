/** The package store: whole or not there, the same digest for the same content, no name that leads out of it. */
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packageFolder } from "../../cache/package-name.ts";
import { type InstallRequest, installDefaults, plainLayout, Store } from "../../cache/store.ts";
import { newSeed, Random } from "../random.ts";
import { type TarEntry, tarOf, zipOf } from "./extract/archives.ts";
import { sha, temporary } from "./help.ts";

const seed = newSeed();

const file = (name: string, data: string | Uint8Array, mode = 0o644): TarEntry => ({ name, type: "0", data: Buffer.from(data), mode });
const tool = [
  file("bin/gcc", "#!/bin/sh\n", 0o755),
  { name: "bin/g++", type: "2", target: "gcc" },
  file("include/a b\n.h", "x"),
  { name: "empty/", type: "5" },
];

function request(folder: string, archive: Uint8Array, more: Partial<InstallRequest> = {}): InstallRequest {
  const path = join(folder, `archive-${sha(archive).slice(0, 8)}`);
  writeFileSync(path, archive);
  return { name: "tool", version: "1.0", archive: path, sha256: sha(archive), label: "https://x/tool.tar", layout: plainLayout, ...more };
}

const visible = (folder: string) => readdirSync(folder).filter((n) => !n.startsWith("."));

test("installed: read-only, listed, found by recipe and digest, verified, removed", async () => {
  const root = temporary();
  const store = new Store(join(root, "packages"));
  const asked = request(root, tarOf(tool));
  const got = await store.install(asked);
  assert.ok(got.ok, got.ok ? "" : got.failure.message);
  const p = got.value;
  assert.equal(readdirSync(store.folder), [`tool@1.0-${p.digest.slice(0, 8)}`]);
  assert.is(statSync(p.folder).mode & 0o777, 0o555);
  assert.is(statSync(join(p.folder, "bin")).mode & 0o777, 0o555);
  assert.is(statSync(join(p.folder, "bin/gcc")).mode & 0o777, 0o555);
  assert.is(statSync(join(p.folder, "include/a b\n.h")).mode & 0o777, 0o444);
  assert.equal(store.list(), [p]);
  assert.equal(store.list("other"), []);
  assert.equal(store.find("tool", "1.0", { recipe: p.recipe }), p);
  assert.equal(store.find("tool", "1.0", { digest: p.digest }), p);
  assert.is(store.find("tool", "1.1", { digest: p.digest }), null);
  assert.is(store.find("../tool", "1.0", { digest: p.digest }), null);
  assert.equal(
    store.entries(p)?.map((e) => e.path),
    ["bin", "bin/g++", "bin/gcc", "empty", "include", "include/a b\n.h"],
  );
  assert.ok((await store.verify(p)).ok);
  rmSync(asked.archive);
  const again = await store.install(asked);
  assert.ok(again.ok && again.value.folder === p.folder, "the archive is not needed again");
  store.remove(p);
  assert.equal(readdirSync(store.folder), []);
  store.remove(p);
});

test("the same content has the same digest, whatever the archive, its order and times", async () => {
  const root = temporary();
  const digests: string[] = [];
  const members = [file("a", "1"), file("b/c", "2", 0o755), { name: "l", type: "2", target: "a" }];
  const archives = [
    tarOf(members),
    gzipSync(tarOf([...members].reverse())),
    tarOf(members.map((m) => ({ ...m, name: `./${m.name}`, mode: (m as TarEntry).mode === 0o755 ? 0o4711 : 0o600 }))),
    zipOf([
      { name: "b/c", mode: 0o100755, data: Buffer.from("2") },
      { name: "a", mode: 0o100640, data: Buffer.from("1") },
      { name: "l", mode: 0o120777, data: Buffer.from("a") },
    ]),
  ];
  for (const [i, archive] of archives.entries()) {
    const got = await new Store(join(root, `s${i}`)).install(request(root, archive));
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    digests.push(got.value.digest);
  }
  assert.equal([...new Set(digests)].length, 1);
  const other = [
    tarOf([file("a", "1"), file("b/c", "2"), members[2] as TarEntry]),
    tarOf([file("a", "1"), file("b/d", "2", 0o755), members[2] as TarEntry]),
  ];
  for (const [i, archive] of other.entries()) {
    const got = await new Store(join(root, `o${i}`)).install(request(root, archive));
    assert.ok(got.ok && !digests.includes(got.value.digest));
  }
  // In one store both ways end at one folder.
  const store = new Store(join(root, "s0"));
  const got = await store.install(request(root, archives[3] as Buffer));
  assert.ok(got.ok && got.value.digest === digests[0]);
  assert.is(visible(store.folder).length, 1);
});

test("verify names what was changed; a damaged one is replaced by the next install", async () => {
  const root = temporary();
  const store = new Store(join(root, "packages"));
  const asked = request(root, tarOf(tool));
  type Change = readonly [says: RegExp, change: (folder: string) => void];
  const changes: Change[] = [
    [/bin\/gcc has another content/, (f) => rewrite(join(f, "bin/gcc"), "#!/bin/xx\n")],
    [/bin\/gcc has \d+ bytes/, (f) => rewrite(join(f, "bin/gcc"), "")],
    [/bin\/gcc is not executable/, (f) => chmodSync(join(f, "bin/gcc"), 0o444)],
    [/bin\/g\+\+ is missing/, (f) => open(join(f, "bin"), () => unlinkSync(join(f, "bin/g++")))],
    [/empty is missing/, (f) => open(f, () => rmSync(join(f, "empty"), { recursive: true }))],
    [/include\/new does not belong/, (f) => open(join(f, "include"), () => writeFileSync(join(f, "include/new"), ""))],
    [
      /manifest/,
      (f) => open(f, () => rewrite(join(f, ".fb-manifest"), readFileSync(join(f, ".fb-manifest"), "utf8").replace("555", "444"))),
    ],
    [
      /is not a link to gcc/,
      (f) =>
        open(join(f, "bin"), () => {
          unlinkSync(join(f, "bin/g++"));
          symlinkSync("../../../..", join(f, "bin/g++"));
        }),
    ],
  ];
  for (const [says, change] of changes) {
    const got = await store.install(asked);
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.ok((await store.verify(got.value)).ok);
    change(got.value.folder);
    const bad = await store.verify(got.value);
    assert.ok(
      !bad.ok && bad.failure.code === "store.damaged" && says.test(bad.failure.message),
      bad.ok ? String(says) : bad.failure.message,
    );
    store.remove(got.value);
  }
  const got = await store.install(asked);
  assert.ok(got.ok);
  open(got.value.folder, () => rewrite(join(got.value.folder, ".fb-manifest"), ""));
  assert.equal(store.list(), []);
  const again = await store.install(asked);
  assert.ok(again.ok && (await store.verify(again.value)).ok);
});

function open(folder: string, work: () => void): void {
  chmodSync(folder, 0o755);
  work();
  chmodSync(folder, 0o555);
}

function rewrite(path: string, text: string): void {
  const { mode } = statSync(path);
  chmodSync(path, 0o644);
  writeFileSync(path, text);
  chmodSync(path, mode);
}

test("hostile names and versions never name a folder outside, good ones are told apart", async () => {
  const bad = [
    "",
    ".",
    "..",
    "../x",
    "a/../b",
    "/etc",
    "a/b/c",
    "-rf",
    ".hidden",
    "a\nb",
    "a\0b",
    "a\\b",
    "x".repeat(300),
    "a:b",
    "a\u202eb",
    "ä",
    " a",
    "a ",
    "a  b",
    "a@b",
    "~",
    "a.",
    "@/x",
    "@x/",
    "con\u0000",
  ];
  for (const text of bad) {
    for (const [name, version] of [
      [text, "1.0"],
      ["tool", text],
    ] as const) {
      const got = packageFolder(name, version);
      if (got.ok) assert.match(got.value, /^[A-Za-z0-9][^/\\\0\n]*@[A-Za-z0-9][^/\\\0\n]*$/);
      else assert.ok(got.failure.code === "store.name" && !/[\0\n]/.test(got.failure.message));
    }
    assert.not(packageFolder(text, "1.0").ok, JSON.stringify(text));
  }
  const good = [
    ["toolchain-atmelavr", "1.70300.191015+sha.1", "toolchain-atmelavr@1.70300.191015+sha.1"],
    ["@scope/name", "1.0.0-rc.1", "scope+name@1.0.0-rc.1"],
    ["adafruit/Adafruit GFX Library", "1!7.3.0.post3", "adafruit+Adafruit GFX Library@1!7.3.0.post3"],
    ["arduino-core-avr", "1:1.8.7+dfsg-1~deb12u1", "arduino-core-avr@1!1.8.7+dfsg-1~deb12u1"],
  ] as const;
  for (const [name, version, want] of good) {
    const got = packageFolder(name, version);
    assert.is(got.ok ? got.value : got.failure.message, want);
  }
  const root = temporary();
  mkdirSync(join(root, "packages"));
  writeFileSync(join(root, "mine"), "mine");
  for (const text of bad) {
    const before = readdirSync(root).length;
    const archive = tarOf([file("a", "x")]);
    const got = await new Store(join(root, "packages")).install({ ...request(root, archive), name: text });
    assert.ok(!got.ok && got.failure.exit === 3);
    assert.ok(readdirSync(root).length <= before + 1 && readdirSync(join(root, "packages")).length === 0);
  }
});

test("an archive that is refused leaves nothing; nor does one that brings the store's own file", async () => {
  const root = temporary();
  const store = new Store(join(root, "packages"));
  for (const entries of [[file("a", "x"), file("../b", "y")], [file(".fb-manifest", "{}")], [file(".FB-Manifest/x", "{}")]]) {
    const got = await store.install(request(root, tarOf(entries)));
    assert.ok(!got.ok && got.failure.code.startsWith("extract."), got.ok ? "installed" : got.failure.code);
    assert.equal(readdirSync(store.folder), []);
  }
  const stop = new AbortController();
  const got = await store.install(request(root, tarOf(tool)), { ...installDefaults, signal: stop.signal, onProgress: () => stop.abort() });
  assert.ok(!got.ok && got.failure.code === "extract.aborted");
  assert.equal(readdirSync(store.folder), []);
});

const child = fileURLToPath(new URL("store-child.ts", import.meta.url));

function install(store: string, asked: InstallRequest) {
  const process_ = spawn(process.execPath, [child, store, asked.archive, asked.sha256], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  process_.stdout.on("data", (d: Buffer) => (text += d));
  const ended = new Promise<{ code: number | null; text: string }>((resolve) => process_.on("close", (code) => resolve({ code, text })));
  return { process: process_, ended };
}

/** 200 files, 6 MB: long enough to be killed in each of its stages. */
function large(): Buffer {
  return gzipSync(
    tarOf(Array.from({ length: 200 }, (_, i) => file(`d${i % 20}/f${i}`, Buffer.alloc(30_000, `${i} `), i % 3 === 0 ? 0o755 : 0o644))),
    { level: 1 },
  );
}

test("several processes that install the same package at once end with one good copy", async () => {
  const root = temporary();
  const folder = join(root, "packages");
  const asked = request(root, large());
  const ends = await Promise.all([0, 1, 2].map(() => install(folder, asked).ended));
  assert.equal(
    ends.map((e) => e.code),
    [0, 0, 0],
    ends.map((e) => e.text).join(),
  );
  assert.is(new Set(ends.map((e) => e.text)).size, 1);
  assert.is(readdirSync(folder).length, 1, readdirSync(folder).join());
  const p = new Store(folder).list()[0];
  assert.ok(p !== undefined && (await new Store(folder).verify(p)).ok);
});

test("kill -9 at 30 random moments: never half a package, the next install completes and verifies", async () => {
  const root = temporary();
  const asked = request(root, large());
  const random = new Random(seed);
  const folder = join(root, "packages");
  const store = new Store(folder);
  const began = performance.now();
  assert.is((await install(folder, asked).ended).code, 0);
  const wholeMs = performance.now() - began;
  let killed = 0;
  let leftovers = 0;
  for (let n = 0; n < 30; n++) {
    for (const p of store.list()) store.remove(p);
    const run = install(folder, asked);
    // Half of them as soon as its temporary folder is there, plus a little: the start of Node is most of the time, and nothing is to be seen in it.
    const until = performance.now() + wholeMs * random.next();
    const after = random.chance(0.7) ? random.next() * 60 : null;
    let seen = 0;
    while (run.process.exitCode === null) {
      if (seen === 0 && readdirSync(folder).some((f) => f.startsWith(".tmp-"))) seen = performance.now();
      if (after !== null ? seen > 0 && performance.now() >= seen + after : performance.now() >= until) break;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    run.process.kill("SIGKILL");
    if ((await run.ended).code === null) killed++;
    if (readdirSync(folder).some((f) => f.startsWith(".tmp-"))) leftovers++;
    for (const p of store.list()) assert.ok((await store.verify(p)).ok, `kill ${n}: half a package is seen`);
    assert.is(store.list().length, visible(folder).length, `kill ${n}: ${readdirSync(folder)}`);
    const got = await store.install(asked);
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.ok((await store.verify(got.value)).ok);
    store.sweep();
    assert.equal(readdirSync(folder), [got.value.folder.slice(folder.length + 1)]);
  }
  console.log(`${killed} of 30 killed in time, ${leftovers} in the middle of an install`);
  assert.ok(leftovers >= 3, `only ${leftovers} were killed in the middle`);
});

test("what a living process has under way is left alone", async () => {
  const root = temporary();
  const store = new Store(join(root, "packages"));
  const got = await store.install(request(root, tarOf(tool)));
  assert.ok(got.ok);
  const { processName } = await import("../../cache/processes.ts");
  const mine = `.tmp-${processName()}-99`;
  mkdirSync(join(store.folder, mine));
  mkdirSync(join(store.folder, ".tmp-1-1-0-0"));
  mkdirSync(join(store.folder, ".gone-1-1-0-0"));
  utimesSync(join(store.folder, mine), 1, 1);
  store.sweep();
  assert.equal(
    readdirSync(store.folder).filter((n) => n.startsWith(".")),
    [mine],
  );
  assert.ok(existsSync(got.value.folder));
});

test.run();
