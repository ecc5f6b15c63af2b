import { execFileSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { clock } from "../../../cli/host/clock.ts";
import { DiskError, openDisk } from "../../../cli/host/disk.ts";
import { hashing } from "../../../cli/host/hash.ts";
import { tempDir } from "./help.ts";
import { newSeed, Random } from "../../random.ts";

const random = new Random(newSeed());

function project() {
  const dir = tempDir();
  return { dir, disk: openDisk(dir) };
}

function thrown(act: () => unknown): DiskError {
  try {
    act();
  } catch (e) {
    if (e instanceof DiskError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
}

test("signatures follow links and say null of nothing", () => {
  const { dir, disk } = project();
  fs.writeFileSync(path.join(dir, "a"), "hello");
  fs.symlinkSync("a", path.join(dir, "link"));
  fs.symlinkSync("gone", path.join(dir, "broken"));
  fs.symlinkSync("loop", path.join(dir, "loop"));
  const s = fs.statSync(path.join(dir, "a"), { bigint: true });
  const want = { dev: s.dev, ino: s.ino, size: 5n, mtimeNs: s.mtimeNs, ctimeNs: s.ctimeNs };
  for (const at of ["a", "./a", "link", path.join(dir, "a")]) assert.equal(disk.sign(at), want);
  for (const at of ["gone", "broken", "loop", "a/b", "no/such", "n".repeat(300), "a\0b"]) {
    assert.is(disk.sign(at), null, at);
    assert.is(disk.isDir(at), false);
    assert.is(disk.isExecutable(at), false);
    assert.is(disk.realpath(at), null);
    assert.is(disk.list(at), null);
  }
  assert.is(disk.realpath("link"), fs.realpathSync(path.join(dir, "a")));
  assert.is(disk.sign("")?.ino, fs.statSync(dir, { bigint: true }).ino);
});

test("listings: byte order, links followed, what is neither file nor folder counts as a file", () => {
  const { dir, disk } = project();
  const names = ["b", "a", "B", "a.c", "a-c", "é", "\uffee", "😀", "10", "9", "zz"];
  for (const n of names) fs.writeFileSync(path.join(dir, n), "");
  fs.mkdirSync(path.join(dir, "dir"));
  fs.symlinkSync("dir", path.join(dir, "to-dir"));
  fs.symlinkSync("a", path.join(dir, "to-a"));
  fs.symlinkSync("gone", path.join(dir, "broken"));
  execFileSync("mkfifo", [path.join(dir, "fifo")]);
  const list = disk.list("") ?? [];
  assert.equal([...disk.links("")].sort(), ["broken", "to-a", "to-dir"]);
  assert.is(disk.links("nowhere").size, 0);
  const want = [...names, "dir", "to-dir", "to-a", "broken", "fifo"].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
  assert.equal(
    list.map((e) => e.name),
    want,
  );
  assert.equal(
    list.filter((e) => e.is === "dir").map((e) => e.name),
    ["dir", "to-dir"],
  );
  assert.is(disk.sign("fifo"), null);
  assert.equal(disk.list("dir"), []);
  assert.equal(disk.list("to-dir/"), []);
});

test("byte order of generated names", () => {
  const { dir, disk } = project();
  const letters = ["a", "b", "Z", "-", "\u00e9", "\ud7ff", "\ue000", "\uffee", "😀", "𐀀"];
  for (let i = 0; i < 200; i++)
    fs.writeFileSync(path.join(dir, Array.from({ length: 1 + random.below(4) }, () => letters[random.below(letters.length)]).join("")), "");
  const got = (disk.list("") ?? []).map((e) => e.name);
  assert.equal(
    got,
    [...got].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))),
  );
});

test("writing replaces, makes folders, and leaves nothing beside it", () => {
  const { dir, disk } = project();
  disk.writeAtomic("x/y/z", "one");
  fs.linkSync(path.join(dir, "x/y/z"), path.join(dir, "kept"));
  const before = disk.sign("x/y/z");
  disk.writeAtomic("x/y/z", new Uint8Array([116, 119, 111]));
  assert.is(Buffer.from(disk.read("x/y/z")).toString(), "two");
  assert.is(Buffer.from(disk.read("kept")).toString(), "one", "a hard link keeps the old content");
  disk.writeAtomic("x/y/z", "two");
  assert.is.not(disk.sign("x/y/z")?.ino, before?.ino, "equal content is written too");
  assert.equal(disk.list("x/y"), [{ name: "z", is: "file" }]);
  assert.is(thrown(() => disk.writeAtomic("x/y", "folder in the way")).code, "EISDIR");
  assert.equal(disk.list("x"), [{ name: "y", is: "dir" }], "a failure leaves nothing either");
});

test("removing", () => {
  const { dir, disk } = project();
  disk.writeAtomic("t/a/b", "");
  disk.writeAtomic("f", "");
  fs.symlinkSync("t", path.join(dir, "link"));
  disk.remove("gone");
  disk.remove("f/under");
  disk.remove("link/");
  assert.is(disk.sign("link"), null);
  assert.ok(disk.sign("t/a/b"), "a link is removed, not what it leads to");
  assert.is(disk.removeEmptyDir("t"), false);
  assert.is(disk.removeEmptyDir("gone"), false);
  assert.is(disk.removeEmptyDir("f"), false);
  disk.remove("t/");
  disk.remove("f");
  disk.makeDir("m/n");
  disk.makeDir("m/n");
  assert.is(disk.removeEmptyDir("m/n"), true);
  assert.equal(disk.list(""), [{ name: "m", is: "dir" }]);
  for (const at of ["", ".", "..", "m/..", "/", dir]) assert.throws(() => disk.remove(at), /refused to remove/);
});

test("errors name the path and what to do", () => {
  const { disk } = project();
  disk.writeAtomic("file", "x");
  const missing = thrown(() => disk.read("gone.h"));
  assert.equal([missing.code, missing.failure.exit, missing.failure.code, missing.failure.file], ["ENOENT", 4, "disk.missing", "gone.h"]);
  assert.match(missing.failure.message, /cannot read gone\.h: it is not there/);
  assert.is(thrown(() => disk.read("")).code, "EISDIR");
  const way = thrown(() => disk.makeDir("file/x/y")).failure;
  assert.equal([way.code, way.file], ["disk.in-the-way", "file"], "what is to be moved away, not what could not be made");
  assert.is(thrown(() => disk.writeAtomic("/dev/full/x", "")).failure.code, "disk.in-the-way");
  const table: readonly (readonly [string, string, RegExp])[] = [
    ["EACCES", "disk.no-access", /ls -ld p/],
    ["EROFS", "disk.read-only", /writable/],
    ["ENOSPC", "disk.full", /fb cache gc/],
    ["EDQUOT", "disk.full", /space/],
    ["EMFILE", "disk.too-many-files", /ulimit -n/],
    ["EIO", "disk.failed", /dmesg/],
  ];
  for (const [code, id, hint] of table) {
    const { failure } = new DiskError("write", "p", code, null);
    assert.is(failure.code, id);
    assert.match(failure.hint, hint);
    assert.match(failure.message, new RegExp(`^cannot write p: .*${code}`));
  }
});

test("the disk's clock is what files written now get, or a little older", () => {
  const { disk } = project();
  let last = 0n;
  for (let i = 0; i < 50; i++) {
    const now = disk.now();
    assert.ok(now >= last);
    last = now;
    disk.writeAtomic("w", String(i));
    assert.ok((disk.sign("w")?.mtimeNs ?? 0n) >= now);
  }
  disk.writeAtomic("w", "");
  const written = disk.sign("w")?.mtimeNs ?? 0n;
  while (disk.now() <= written);
  disk.close();
  assert.ok(disk.now() > written);
  disk.close();
});

test("hashers agree with node:crypto however they are fed", () => {
  const texts = ["", "a", "é€😀", "x".repeat(70_000), "\0"];
  for (let i = 0; i < 200; i++) {
    const h = hashing.hasher();
    const c = crypto.createHash("sha256");
    for (let n = random.below(8); n > 0; n--) {
      const text = texts[random.below(texts.length)] ?? "";
      const data = random.next() < 0.3 ? Buffer.from(text) : text;
      h.update(data);
      c.update(data);
    }
    assert.is(h.digest(), c.digest("hex"));
  }
  assert.is(hashing.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.is(hashing.sha256(Buffer.from("abc")), hashing.sha256("abc"));
});

test("a sleep ends with its time or its stop", async () => {
  const stop = new AbortController();
  await clock.sleep(1, stop.signal);
  const long = clock.sleep(1_000_000, stop.signal);
  stop.abort();
  await long;
  await clock.sleep(1_000_000, stop.signal);
  assert.ok(clock.monotonicMs() > 0);
});

test.run();
