/** Every format there and back, compared with what the system's own tar and unzip make of the same archive, where they are. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { extract, extractDefaults, type ExtractOptions } from "../../../cache/extract/extract.ts";
import { temporary } from "../help.ts";
import { arOf, tarOf, zipOf } from "./archives.ts";
import { treeOf } from "./tree-of.ts";

const has = (program: string) => spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
const long = `${"long folder name ".repeat(10)}x`;

function run(program: string, args: readonly string[], cwd: string): void {
  const ended = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (ended.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${ended.error?.message ?? ended.stderr}`);
}

/** Modes, links, long names, other alphabets, empty files and folders, and enough bytes for several blocks of every compression. */
function makeSource(folder: string): void {
  const write = (path: string, data: string | Uint8Array, mode = 0o644) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), data);
    chmodSync(join(folder, path), mode);
  };
  write("bin/tool", "#!/bin/sh\n", 0o755);
  write("lib/höader 日本.h", "text");
  write(`${long}/${long}/file`, "deep");
  write("lib/empty", "");
  write("lib/noise.a", Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * i * 2654435761) >>> 24)));
  write("lib/zeros", Buffer.alloc(1_200_000));
  mkdirSync(join(folder, "empty folder"));
  symlinkSync("tool", join(folder, "bin/link"));
  symlinkSync("../lib", join(folder, "bin/lib"));
  symlinkSync("nowhere", join(folder, "dangling"));
  linkSync(join(folder, "bin/tool"), join(folder, "bin/tool-1.0"));
}

const unpack = (archive: string, into: string, more: Partial<ExtractOptions> = {}) =>
  extract(archive, into, { ...extractDefaults, label: archive, ...more });

const compressions = [
  ["", null],
  [".gz", "gzip"],
  [".bz2", "bzip2"],
  [".xz", "xz"],
  [".zst", "zstd"],
] as const;

for (const [suffix, program] of compressions)
  for (const own of suffix === ".bz2" || suffix === ".xz" ? [false, true] : [false])
    test(`tar${suffix}${own ? ", by fb's own decoder" : ""}`, async () => {
      if (!has("tar") || (program !== null && !has(program))) return console.log(`no ${program ?? "tar"} here: left out`);
      const root = temporary();
      makeSource(join(root, mkdirName(root, "source")));
      run("tar", ["--format=gnu", "-cf", join(root, "a.tar"), "-C", join(root, "source"), "."], root);
      if (program !== null) run(program, ["-f", join(root, "a.tar")], root);
      // zstd keeps what it was given. The name says nothing of the format.
      const made = join(root, `a.tar${suffix}`);
      const got = await unpack(made, join(root, "ours"), own ? { findProgram: () => null } : {});
      assert.ok(got.ok, got.ok ? "" : got.failure.message);
      mkdirSync(join(root, "theirs"));
      run("tar", ["-xf", made, "-C", join(root, "theirs")], root);
      assert.equal(treeOf(join(root, "ours")), treeOf(join(root, "theirs")));
      assert.equal(treeOf(join(root, "ours")), treeOf(join(root, "source")));
      assert.is(statSync(join(root, "ours/bin/tool")).ino, statSync(join(root, "ours/bin/tool-1.0")).ino);
      const cut = readFileSync(made);
      writeFileSync(join(root, "cut"), cut.subarray(0, cut.length - 700));
      const bad = await unpack(join(root, "cut"), join(root, "bad"), own ? { findProgram: () => null } : {});
      assert.ok(
        suffix === "" || (!bad.ok && bad.failure.code === "extract.damaged"),
        bad.ok ? "a cut off archive was taken" : bad.failure.message,
      );
      assert.is(existsSync(join(root, "bad")), bad.ok);
    });

test("tar in pax and v7 form", async () => {
  if (!has("tar")) return;
  for (const format of ["pax", "ustar", "v7"]) {
    const root = temporary();
    mkdirSync(join(root, "source/d/empty"), { recursive: true });
    writeFileSync(join(root, "source/d/file"), "x");
    if (format === "pax") writeFileSync(join(root, `source/d/${"ü".repeat(120)}`), "y");
    symlinkSync("d", join(root, "source/link"));
    run("tar", [`--format=${format}`, "-cf", "../a", "d", "link"], join(root, "source"));
    const got = await unpack(join(root, "a"), join(root, "ours"));
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.equal(treeOf(join(root, "ours")), treeOf(join(root, "source")));
  }
});

test("zip", async () => {
  if (!has("zip") || !has("unzip")) return console.log("no zip or unzip here: left out");
  const root = temporary();
  makeSource(join(root, mkdirName(root, "source")));
  run("zip", ["-qry", "../a", "."], join(root, "source"));
  const got = await unpack(join(root, "a.zip"), join(root, "ours"));
  assert.ok(got.ok, got.ok ? "" : got.failure.message);
  run("unzip", ["-q", "a.zip", "-d", "theirs"], root);
  assert.equal(treeOf(join(root, "ours")), treeOf(join(root, "theirs")));
  assert.equal(treeOf(join(root, "ours")), treeOf(join(root, "source")));
});

const entries = [
  { name: "./", type: "5" },
  { name: "./usr/share/core/", type: "5" },
  { name: "./usr/share/core/main.cpp", type: "0", data: Buffer.from("int main;") },
  { name: "./usr/share/core/License", type: "2", target: "../../../../common/GPL" },
  { name: "./usr/share/core/same", type: "2", target: "main.cpp" },
  { name: "./usr/share/doc/copyright", type: "0", data: Buffer.from("(c)") },
];

test("deb, of every compression; a subfolder of it; links to other packages", async () => {
  const root = temporary();
  const tar = tarOf(entries);
  for (const [name, data] of [
    ["data.tar", tar],
    ["data.tar.gz", gzipSync(tar)],
    ["data.tar.zst", zstdCompressSync(tar)],
  ] as const) {
    const archive = join(root, "x");
    writeFileSync(
      archive,
      arOf([
        ["debian-binary", Buffer.from("2.0\n")],
        ["control.tar.gz", gzipSync(tarOf([{ name: "control", type: "0", data: Buffer.from("odd") }]))],
        [name, data],
      ]),
    );
    const refused = await unpack(archive, join(root, name), { subfolder: "usr/share/core" });
    assert.ok(!refused.ok && refused.failure.code === "extract.escape" && refused.failure.message.includes("License"));
    const got = await unpack(archive, join(root, name), { subfolder: "usr/share/core", outsideLinks: "omit" });
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.is(got.value.kind, "deb");
    assert.equal(got.value.omitted, ["License"]);
    assert.equal(
      got.value.entries.map((e) => e.path),
      ["main.cpp", "same"],
    );
  }
  const none = await unpack(join(root, "x"), join(root, "none"), { subfolder: "opt/core" });
  assert.ok(!none.ok && none.failure.code === "extract.subfolder" && none.failure.message.includes("usr"));
  writeFileSync(join(root, "y"), arOf([["debian-binary", Buffer.from("2.0\n")]]));
  const odd = await unpack(join(root, "y"), join(root, "none"));
  assert.ok(!odd.ok && odd.failure.code === "extract.damaged");
});

test("strip takes a single top folder off, and nothing else", async () => {
  const root = temporary();
  const file = (name: string) => ({ name, type: "0", data: Buffer.from(name) });
  const table = [
    [
      [file("top/a"), file("top/d/b")],
      ["a", "d", "d/b"],
    ],
    [
      [file("top/a"), file("other")],
      ["other", "top", "top/a"],
    ],
    [[file("a")], ["a"]],
    [[file("top/top/a")], ["top", "top/a"]],
    [
      [file("top/a"), { name: "l", type: "2", target: "top" }],
      ["l", "top", "top/a"],
    ],
    [[file("__MACOSX/._a"), file("top/a")], ["a"]],
  ] as const;
  for (const [i, [made, want]] of table.entries()) {
    writeFileSync(join(root, "a"), tarOf(made));
    const got = await unpack(join(root, "a"), join(root, `t${i}`), { strip: true });
    assert.ok(got.ok, got.ok ? "" : got.failure.message);
    assert.equal(
      got.value.entries.map((e) => e.path),
      want,
    );
    for (const e of got.value.entries) assert.ok(existsSync(join(root, `t${i}`, e.path)));
  }
  writeFileSync(join(root, "a"), tarOf([file("top/a"), { name: "top/l", type: "2", target: "../top/a" }]));
  const got = await unpack(join(root, "a"), join(root, "t"), { strip: true });
  assert.ok(!got.ok && got.failure.code === "extract.escape");
});

test("who may execute what: the archive's bit, or the rule's; nothing else of its mode", async () => {
  const root = temporary();
  const names = ["bin/a", "bin/b", "lib/c"];
  writeFileSync(join(root, "a"), zipOf(names.map((name) => ({ name, mode: name === "lib/c" ? 0o106755 : 0, data: Buffer.from(name) }))));
  const got = await unpack(join(root, "a"), join(root, "t"), { executables: ["bin/*"] });
  assert.ok(got.ok, got.ok ? "" : got.failure.message);
  for (const name of names) assert.is(statSync(join(root, "t", name)).mode & 0o7777, 0o755);
  const plain = await unpack(join(root, "a"), join(root, "u"), { readOnly: true });
  assert.ok(plain.ok);
  assert.is(statSync(join(root, "u/bin/a")).mode & 0o7777, 0o444);
  assert.is(statSync(join(root, "u/lib/c")).mode & 0o7777, 0o555);
});

test("an interruption leaves no folder", async () => {
  const root = temporary();
  writeFileSync(join(root, "a"), tarOf([{ name: "f", type: "0", data: Buffer.alloc(3_000_000, 1) }]));
  const stop = new AbortController();
  const got = await unpack(join(root, "a"), join(root, "t"), { signal: stop.signal, onProgress: () => stop.abort() });
  assert.ok(!got.ok && got.failure.code === "extract.aborted");
  assert.not(existsSync(join(root, "t")));
});

function mkdirName(root: string, name: string): string {
  mkdirSync(join(root, name));
  return name;
}

test.run();
