/** Generated hostile archives: whatever they hold, nothing outside of the folder is made or changed, and what is unpacked has no way out. */
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { extract, extractDefaults } from "../../../cache/extract/extract.ts";
import { leadsOut } from "../../../cache/extract/links.ts";
import { segmentsOf } from "../../../cache/extract/names.ts";
import { Tree } from "../../../cache/extract/tree.ts";
import { newSeed, Random } from "../../random.ts";
import { temporary } from "../help.ts";
import { type TarEntry, tarOf, type ZipEntry, zipOf } from "./archives.ts";
import { treeOf } from "./tree-of.ts";

const seed = newSeed();

/** Parts that mostly name the same few places, so that entries meet. */
const parts = [
  "a",
  "b",
  "a",
  "b",
  "c",
  "..",
  ".",
  "",
  "A",
  "x\\..\\..\\y",
  "C:",
  "nul",
  "ä",
  "…",
  "con.txt",
  "a".repeat(260),
  "\u0001",
  "-rf",
  "~",
];
const outside = [
  "../victim",
  "../../victim",
  "/tmp/fb-hostile-victim",
  "a/../../victim",
  "../target/../victim",
  "../sibling/file",
  "//etc/passwd",
];

function someName(r: Random, root: string): string {
  if (r.chance(0.08)) return r.pick([...outside, `${root}/victim`, `${root}/sibling/file`]);
  return (
    Array.from({ length: 1 + r.below(4) }, () => r.pick(r.chance(0.95) ? ["a", "b", "c"] : parts)).join("/") + (r.chance(0.1) ? "/" : "")
  );
}

function someTarget(r: Random, root: string): string {
  if (r.chance(0.15)) return r.pick([...outside, `${root}/sibling`, "..", "../..", "/"]);
  return Array.from({ length: 1 + r.below(4) }, () => r.pick(["a", "b", "c", ".."])).join("/");
}

function someTar(r: Random, root: string): Buffer {
  const entries = Array.from({ length: 1 + r.below(8) }, (): TarEntry => {
    const type = r.chance(0.03) ? r.pick(["3", "4", "6", "S", "V", "M", "7", "D", "Z"]) : r.pick(["0", "0", "5", "2", "2", "1"]);
    const name = someName(r, root);
    return {
      name,
      type,
      mode: r.pick([0o644, 0o755, 0o4755, 0o2777, 0o1777, 0, 0o7777]),
      ...(type === "1" || type === "2" ? { target: type === "1" && r.chance(0.6) ? someName(r, root) : someTarget(r, root) } : {}),
      ...(type === "0" ? { data: Buffer.from(`evil ${name}`) } : {}),
      ...(r.chance(0.1)
        ? { pax: { path: r.pick([...outside, someName(r, root)]), ...(r.chance(0.3) ? { linkpath: someTarget(r, root) } : {}) } }
        : {}),
    };
  });
  const tar = tarOf(entries, r.chance(0.9));
  return r.chance(0.3) ? gzipSync(tar) : tar;
}

function someZip(r: Random, root: string): Buffer {
  return zipOf(
    Array.from({ length: 1 + r.below(8) }, (): ZipEntry => {
      const link = r.chance(0.35);
      const odd = r.chance(0.05);
      return {
        name: r.chance(0.05) ? "a\0b" : someName(r, root),
        mode: odd ? r.pick([0o020666, 0o010644, 0o060644, 0o140755]) : link ? 0o120777 : r.pick([0o100644, 0o100755, 0o104755, 0]),
        data: Buffer.from(link ? someTarget(r, root) : "evil"),
        stored: r.chance(0.5),
        ...(r.chance(0.03) ? { crc: 1 } : {}),
        ...(r.chance(0.03) ? { size: 2 } : {}),
      };
    }),
  );
}

/** All that lies below a folder. Node's own recursive listing follows links, round and round. */
function namesIn(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((e) => {
    const path = folder === "" ? e.name : `${folder}/${e.name}`;
    return e.isDirectory() ? [path, ...namesIn(root, path)] : [path];
  });
}

/** No link below `root` resolves to a place outside of it, whatever the text of its target. */
function assertInside(root: string): void {
  const real = realpathSync(root);
  for (const name of namesIn(root)) {
    const path = join(root, name);
    if (existsSync(path)) assert.ok(`${realpathSync(path)}/`.startsWith(`${real}/`), `${name} leads to ${realpathSync(path)}`);
    assert.is((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7000, 0, `${name} has setuid, setgid or sticky`);
  }
}

test("200 hostile tar and zip archives touch nothing outside", async () => {
  const root = temporary();
  const sandbox = join(root, "sandbox");
  mkdirSync(join(sandbox, "sibling"), { recursive: true });
  writeFileSync(join(sandbox, "sibling/file"), "mine");
  symlinkSync("sibling", join(sandbox, "link"));
  const target = join(sandbox, "target");
  let taken = 0;
  const refused = new Map<string, number>();
  for (let n = 0; n < 200; n++) {
    const r = new Random(seed + n);
    const archive = join(root, "archive");
    writeFileSync(archive, n % 2 === 0 ? someTar(r, sandbox) : someZip(r, sandbox));
    const options = {
      ...extractDefaults,
      label: `case ${n}`,
      strip: r.chance(0.3),
      subfolder: r.chance(0.2) ? "a" : "",
      foldCase: r.chance(0.2),
      outsideLinks: r.chance(0.3) ? ("omit" as const) : ("refuse" as const),
    };
    const before = treeOf(sandbox, true);
    const got = await extract(archive, target, options);
    if (got.ok) {
      taken++;
      assertInside(target);
      const listed = got.value.entries.map((e) => e.path);
      assert.equal([...listed].sort(), namesIn(target).sort(), `case ${n}`);
    } else {
      assert.is(got.failure.exit, 4);
      refused.set(got.failure.code, (refused.get(got.failure.code) ?? 0) + 1);
      assert.not(existsSync(target), `case ${n} left its folder`);
    }
    rmSync(target, { recursive: true, force: true });
    assert.equal(treeOf(sandbox, true), before, `case ${n}`);
    assert.not(existsSync("/tmp/fb-hostile-victim"));
    assert.equal(readdirSync(root).sort(), ["archive", "sandbox"]);
  }
  // The generator must not make only nonsense, nor only harmless archives.
  if (process.env["FB_SHOW"] === "1") console.log(taken, refused);
  assert.ok(taken >= 3, `${taken} of 200 were unpacked`);
  assert.ok((refused.get("extract.escape") ?? 0) >= 50, JSON.stringify([...refused]));
});

/** One danger each, with the code that it must end with; null: unpacked. */
const file = (name: string, data = "evil"): TarEntry => ({ name, type: "0", data: Buffer.from(data) });
const link = (name: string, target: string): TarEntry => ({ name, type: "2", target });
const dangers: readonly (readonly [name: string, archive: Buffer, code: string | null])[] = [
  ["tar: ..", tarOf([file("../x")]), "extract.escape"],
  ["tar: absolute", tarOf([file("/tmp/fb-hostile-victim")]), "extract.escape"],
  ["tar: backslashes", tarOf([file("..\\x")]), "extract.escape"],
  ["tar: drive", tarOf([file("C:/x")]), "extract.escape"],
  ["tar: pax path", tarOf([{ ...file("ok"), pax: { path: "../x" } }]), "extract.escape"],
  ["tar: through a link of the archive", tarOf([link("a", "."), file("a/x")]), "extract.escape"],
  ["tar: link out", tarOf([link("a", "../x")]), "extract.escape"],
  ["tar: absolute link", tarOf([link("a", "/etc")]), "extract.escape"],
  ["tar: link out behind a link", tarOf([file("d/e/f"), link("d/l", "e/.."), link("m", "d/l/../..")]), "extract.escape"],
  ["tar: a harmless link", tarOf([file("d/e/f"), link("d/l", "../d/e/f"), link("none", "d/nothing")]), null],
  ["tar: a link to itself", tarOf([link("a", "b"), link("b", "a")]), "extract.escape"],
  ["tar: hard link out", tarOf([{ name: "a", type: "1", target: "../sibling/file" }]), "extract.escape"],
  ["tar: hard link to what is not there", tarOf([{ name: "a", type: "1", target: "b" }]), "extract.escape"],
  ["tar: file replaces a folder", tarOf([file("a/b"), file("a")]), "extract.entry"],
  ["tar: link replaces a folder", tarOf([file("a/b"), link("a", "b")]), "extract.entry"],
  ["tar: file replaces a link", tarOf([file("b"), link("a", "b"), file("a")]), null],
  ["tar: device", tarOf([{ name: "a", type: "3" }]), "extract.entry"],
  ["tar: fifo", tarOf([{ name: "a", type: "6" }]), "extract.entry"],
  ["tar: sparse", tarOf([{ name: "a", type: "S" }]), "extract.entry"],
  ["tar: nothing", gzipSync(tarOf([])), "extract.damaged"],
  ["zip: nothing", zipOf([]), "extract.empty"],
  ["tar: cut off", tarOf([file("a", "x".repeat(5000))]).subarray(0, 3000), "extract.damaged"],
  ["gz: cut off", gzipSync(tarOf([file("a", "x".repeat(5000))])).subarray(0, 60), "extract.damaged"],
  ["gz: of text", gzipSync("only text, no tar"), "extract.unknown"],
  ["gz: in gz", gzipSync(gzipSync(tarOf([file("a")]))), "extract.unknown"],
  ["HTML", Buffer.from("<!doctype html><p>Log in"), "extract.html"],
  ["text", Buffer.from("404: Not Found"), "extract.unknown"],
  ["empty", Buffer.alloc(0), "extract.damaged"],
  ["zip: ..", zipOf([{ name: "../x", mode: 0o100644 }]), "extract.escape"],
  ["zip: backslashes", zipOf([{ name: "..\\x", mode: 0 }]), "extract.escape"],
  ["zip: link out", zipOf([{ name: "x", mode: 0o120777, data: Buffer.from("../y") }]), "extract.escape"],
  [
    "zip: through a link",
    zipOf([
      { name: "x", mode: 0o120777, data: Buffer.from("y") },
      { name: "x/z", mode: 0o100644 },
    ]),
    "extract.escape",
  ],
  ["zip: device", zipOf([{ name: "x", mode: 0o020666 }]), "extract.entry"],
  ["zip: wrong CRC", zipOf([{ name: "x", mode: 0o100644, data: Buffer.from("a"), crc: 5 }]), "extract.damaged"],
  ["zip: wrong size", zipOf([{ name: "x", mode: 0o100644, data: Buffer.from("aaaa"), size: 2 }]), "extract.damaged"],
  ["zip: encrypted", zipOf([{ name: "x", mode: 0o100644, data: Buffer.from("aaaaaaaaaaaaaaaa"), stored: true, flags: 1 }]), "extract."],
];

for (const [name, archive, code] of dangers)
  test(name, async () => {
    const root = temporary();
    writeFileSync(join(root, "archive"), archive);
    const got = await extract(join(root, "archive"), join(root, "target"), { ...extractDefaults, label: "the archive" });
    if (code === null) assert.ok(got.ok, got.ok ? "" : got.failure.message);
    else
      assert.ok(!got.ok && got.failure.code.startsWith(code), got.ok ? "it was unpacked" : `${got.failure.code}: ${got.failure.message}`);
    if (!got.ok) assert.match(got.failure.message, /^the archive: /);
    assert.equal(readdirSync(root).sort(), got.ok ? ["archive", "target"] : ["archive"]);
  });

test("bombs: by size, by ratio, by count", async () => {
  const root = temporary();
  const archive = join(root, "archive");
  const limits = { entries: 50, bytes: 2_000_000, ratio: 100, ratioFloor: 100_000 };
  const zeros = Buffer.alloc(1_500_000);
  const noise = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * i * 2654435761) >>> 24));
  const bombs = [
    gzipSync(tarOf([{ name: "a", type: "0", data: zeros }])),
    zipOf([{ name: "a", mode: 0, data: zeros }]),
    tarOf([{ name: "a", type: "0", data: noise }]),
    tarOf(Array.from({ length: 51 }, (_, i) => file(`f${i}`))),
    zipOf(Array.from({ length: 51 }, (_, i) => ({ name: `f${i}`, mode: 0 }))),
  ];
  // What lies outside of the wanted folder counts too.
  for (const [i, bomb] of bombs.entries())
    for (const subfolder of i === 1 ? [""] : ["", "elsewhere"]) {
      writeFileSync(archive, bomb);
      const got = await extract(archive, join(root, "target"), { ...extractDefaults, label: "bomb", limits, subfolder });
      assert.ok(!got.ok && got.failure.code === "extract.limit", got.ok ? `bomb ${i}` : `bomb ${i}: ${got.failure.message}`);
      assert.equal(readdirSync(root), ["archive"]);
    }
});

test("folders wait for what is put into them: a bomb of folders makes none", () => {
  const root = temporary();
  const limits = { entries: 4, bytes: 100, ratio: 1, ratioFloor: 100 };
  const tree = new Tree(join(root, "t"), { ...extractDefaults, isExecutable: () => false, limits }, 1);
  for (const name of ["a/b", "c", "d"]) tree.folder(name);
  assert.equal(readdirSync(join(root, "t")), []);
  tree.file("a/b/f", 0o644)?.end();
  assert.equal(readdirSync(join(root, "t"), { recursive: true }).sort(), ["a", "a/b", "a/b/f"]);
  assert.throws(() => tree.folder("e"), /more than 4 entries/);
  tree.finish();
  assert.equal(readdirSync(join(root, "t"), { recursive: true }).sort(), ["a", "a/b", "a/b/f", "c", "d"]);
});

test("names that Windows can not have, and names that only case tells apart", async () => {
  for (const name of ["con", "a/NUL.txt", "com1", "ab:c", "a.", "b ", 'q"', "a\u0001"])
    assert.throws(() => segmentsOf(name, true), /Windows/);
  for (const name of ["console", "a/null.txt", "..a", "a..b", "ä"]) assert.ok(segmentsOf(name, true).length > 0);
  const root = temporary();
  writeFileSync(join(root, "archive"), tarOf([file("Lib/a"), file("lib/b")]));
  const folding = { ...extractDefaults, label: "x", foldCase: true };
  const got = await extract(join(root, "archive"), join(root, "t"), folding);
  assert.ok(!got.ok && got.failure.code === "extract.entry" && /upper from lower case/.test(got.failure.message));
});

test("where links lead", () => {
  const links = new Map([
    ["in", "d/e"],
    ["d/up", ".."],
    ["loop", "loop"],
  ]);
  const out = (path: string, target: string, depth = 0) => leadsOut(path.split("/"), target, depth, (p) => links.get(p) ?? null) !== null;
  const table = [
    ["x", "a", 0, false],
    ["x", "..", 0, true],
    ["a/x", "..", 0, false],
    ["a/x", "../..", 0, true],
    ["x", "in/..", 0, false],
    ["x", "in/../..", 0, false],
    ["x", "in/../../..", 0, true],
    ["x", "d/up/..", 0, true],
    ["x", "loop", 0, true],
    ["top/x", "../top/y", 1, true],
    ["top/x", "y", 1, false],
    ["x", "/etc", 0, true],
    ["x", "C:\\x", 0, true],
    ["x", "", 0, true],
  ] as const;
  for (const [path, target, depth, want] of table) assert.is(out(path, target, depth), want, `${path} -> ${target}`);
});

test.run();
