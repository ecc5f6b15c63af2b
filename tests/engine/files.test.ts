/** What a run believes of files: young ones, edits that leave no trace in a signature, links, listings, trees. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ABSENT, Files, PRESENT } from "../../engine/files.ts";
import { RecordingIo } from "../../engine/recording-io.ts";
import type { Read } from "../../engine/types.ts";
import { includesOf, PLANNER, PROGRAMS } from "./model.ts";
import { Machine, worldOf } from "./machine.ts";
import type { MemDisk } from "./mem-disk.ts";
import { sha256 } from "./spec.ts";

const read = (is: Read["is"], path: string): Read => ({ is, path: path as Read["path"] });

function open(machine: Machine): Files {
  return new Files(worldOf(machine, { programs: PROGRAMS, planner: PLANNER, includesOf }));
}

function machineWith(there: Readonly<Record<string, string>>): Machine {
  const machine = new Machine();
  for (const [path, text] of Object.entries(there)) machine.disk.write(path, text);
  return machine;
}

test("an old file is hashed once, ever", () => {
  const machine = machineWith({ x: "1" });
  machine.disk.tick();
  assert.is(open(machine).content("x"), sha256("1"));
  assert.is(machine.memo.size, 1);
  let reads = 0;
  const disk = machine.disk as unknown as { read: MemDisk["read"] };
  const original = machine.disk.read.bind(machine.disk);
  disk.read = (path) => {
    reads++;
    return original(path);
  };
  assert.is(open(machine).content("x"), sha256("1"));
  assert.is(reads, 0);
});

test("a young file is not believed by the next run: an edit in the same tick leaves an equal signature", () => {
  const machine = machineWith({ x: "1" });
  assert.is(open(machine).content("x"), sha256("1"));
  machine.disk.write("x", "2");
  assert.is(open(machine).content("x"), sha256("2"));
});

test("an edit of equal size and time is seen by its ctime", () => {
  const machine = machineWith({ x: "1" });
  const mtime = machine.disk.clock;
  machine.disk.tick();
  assert.is(open(machine).content("x"), sha256("1"));
  machine.disk.write("x", "2", { mtime });
  assert.is(open(machine).content("x"), sha256("2"));
});

/** What happens between hashing and the end of a run; whether the file is still what was hashed, and whether settle() lets the next run believe it. */
const table: readonly (readonly [string, (disk: MemDisk) => void, unchanged: boolean, settles: boolean])[] = [
  ["nothing, and the clock moves", (d) => d.tick(), true, true],
  ["nothing, and the clock stands", () => {}, true, false],
  ["other content in the same tick", (d) => d.write("x", "2"), false, false],
  ["other content in the same tick, then time passes", (d) => [d.write("x", "2"), d.tick()], false, false],
  ["the same content again, later", (d) => [d.tick(), d.write("x", "1")], false, false],
  ["removed", (d) => [d.tick(), d.remove("x")], false, false],
  ["replaced by the same content", (d) => [d.writeAtomic("x", "1"), d.tick()], false, false],
];
for (const [name, happens, unchanged, settles] of table) {
  test(`a young file: ${name}`, () => {
    const machine = machineWith({ x: "1" });
    const files = open(machine);
    files.content("x");
    happens(machine.disk);
    assert.is(files.unchanged(read("file", "x")), unchanged);
    assert.is(files.settle(), settles);
    assert.is(machine.memo.size, settles ? 1 : 0);
  });
}

test("absent: nothing, and a folder in a file's place, are; a file is not", () => {
  const machine = machineWith({ "dir/x": "1" });
  const files = open(machine);
  assert.is(files.digest(read("absent", "nothing/at/all")), ABSENT);
  assert.is(files.digest(read("absent", "dir")), ABSENT);
  assert.is(files.digest(read("absent", "dir/x")), PRESENT);
  assert.ok(files.unchanged(read("absent", "nothing/at/all")));
  machine.disk.write("nothing/at/all", "");
  assert.not(files.unchanged(read("absent", "nothing/at/all")));
  files.forget("nothing/at/all");
  assert.is(files.digest(read("absent", "nothing/at/all")), PRESENT);
});

test("a declared file that is not there is what it was until it appears", () => {
  const machine = machineWith({});
  const files = open(machine);
  assert.is(files.content("x"), ABSENT);
  assert.ok(files.unchanged(read("file", "x")));
  machine.disk.write("x", "");
  assert.not(files.unchanged(read("file", "x")));
});

test("links: the content of what they lead to; where they lead may change", () => {
  const machine = machineWith({ "/opt/one": "1", "/opt/two": "2" });
  machine.disk.link("x", "/opt/one");
  machine.disk.tick();
  const files = open(machine);
  assert.is(files.content("x"), sha256("1"));
  machine.disk.link("x", "/opt/two");
  assert.not(files.unchanged(read("file", "x")));
  assert.is(open(machine).content("x"), sha256("2"));
});

test("listings: names and kinds, not content; fb's own files do not count", () => {
  const machine = machineWith({ "src/a.c": "1", "fb.lock": "", "platformio.ini": "" });
  const files = open(machine);
  const [src, top] = [files.digest(read("listing", "src")), files.digest(read("listing", ""))];
  machine.disk.write("src/a.c", "2");
  machine.disk.write(".fb/state/x", "");
  machine.disk.write("compile_commands.json", "[]");
  assert.is(open(machine).digest(read("listing", "src")), src);
  assert.is(open(machine).digest(read("listing", "")), top);
  assert.ok(files.unchanged(read("listing", "src")));
  machine.disk.write("src/b.c", "");
  assert.not(files.unchanged(read("listing", "src")));
  assert.is.not(open(machine).digest(read("listing", "src")), src);
  machine.disk.remove("src/b.c");
  machine.disk.remove("src/a.c");
  machine.disk.write("src/a.c/x", "");
  assert.is.not(open(machine).digest(read("listing", "src")), src);
});

test("names that come while a run goes on: its findings are not to be kept", () => {
  const machine = machineWith({ "src/a.c": "1" });
  machine.disk.tick();
  const files = open(machine);
  files.digest(read("listing", "src"));
  assert.ok(files.settle());
  machine.disk.write("src/b.c", "");
  assert.not(files.settle());
});

test("a folder as one input: names, contents and modes below it", () => {
  const machine = machineWith({ "data/a": "1", "data/deep/b": "2" });
  machine.disk.tick();
  const files = open(machine);
  const digest = files.content("data/");
  assert.ok(files.unchanged(read("file", "data/")));
  const changes: readonly (() => void)[] = [
    () => machine.disk.write("data/deep/b", "3"),
    () => machine.disk.write("data/deep/c", ""),
    () => machine.disk.write("data/a", "1", { executable: true }),
    () => machine.disk.rename("data/a", "data/z"),
  ];
  for (const change of changes) {
    const before = open(machine);
    const was = before.content("data/");
    change();
    assert.not(before.unchanged(read("file", "data/")));
    assert.is.not(open(machine).content("data/"), was);
    assert.is(files.content("data/"), digest);
  }
  files.forget("data/deep/b");
  assert.is.not(files.content("data/"), digest, "a tree is forgotten with what is in it");
});

test("a folder with links back to it, and to the folder above: each file of it counts once", () => {
  const machine = machineWith({ "data/deep/b": "2" });
  machine.disk.link("data/deep/x", "..");
  machine.disk.link("data/deep/y", "..");
  machine.disk.link("data/deep/self", ".");
  machine.disk.link("data/one", "deep");
  assert.equal(open(machine).below("data/").sort(), ["data/deep/b", "data/one/b"]);
  const was = open(machine).content("data/");
  machine.disk.write("data/deep/b", "3");
  assert.is.not(open(machine).content("data/"), was);
});

test("include texts are kept only for the content that they were scanned from", () => {
  const machine = machineWith({ x: '#include "a.h"' });
  machine.disk.tick();
  const files = open(machine);
  files.content("x");
  machine.disk.write("x", '#include "b.h"');
  assert.is(files.includes("x")?.[0]?.text, "b.h");
  assert.is(machine.memoValues.size, 0);
  machine.disk.write("x", '#include "a.h"');
  machine.disk.tick();
  assert.is(open(machine).includes("x")?.[0]?.text, "a.h");
});

test("of forty libraries that are unchanged no file is scanned; of one edit, that file", () => {
  const paths = Array.from({ length: 40 }, (_, i) => `lib/l${i}/l${i}.h`);
  const machine = machineWith(Object.fromEntries(paths.map((path) => [path, `#include "${path}"`])));
  machine.disk.tick();
  const scanned = (): string[] => {
    const texts: string[] = [];
    const counting = (content: Uint8Array) => {
      texts.push(new TextDecoder().decode(content));
      return includesOf(content);
    };
    const files = new Files(worldOf(machine, { programs: PROGRAMS, planner: PLANNER, includesOf: counting }));
    for (const path of paths) files.digest(read("includes", path));
    return texts;
  };
  assert.is(scanned().length, 40);
  assert.equal(scanned(), []);
  machine.disk.write("lib/l7/l7.h", '#include "other.h"');
  machine.disk.tick();
  assert.equal(scanned(), ['#include "other.h"']);
  machine.disk.write("lib/l7/l7.h", '#include "lib/l7/l7.h"');
  machine.disk.tick();
  assert.equal(scanned(), []);
});

test("an edit that changes no include changes no includes digest", () => {
  const machine = machineWith({ x: '#include "a.h"\nint x' });
  const digest = open(machine).digest(read("includes", "x"));
  machine.disk.write("x", 'int y\n#include "a.h"');
  assert.is(open(machine).digest(read("includes", "x")), digest);
  machine.disk.write("x", '#include "b.h"');
  assert.is.not(open(machine).digest(read("includes", "x")), digest);
});

test("what a plan looks at is recorded, once each", () => {
  const machine = machineWith({ "src/a.c": "", "a.cfg": "1" });
  machine.values.set("LEVEL", "3");
  const world = worldOf(machine, { programs: PROGRAMS, planner: PLANNER, includesOf });
  const io = new RecordingIo(new Files(world), world);
  io.list("src");
  io.exists("src/b.c");
  io.read("a.cfg");
  io.read("b.cfg");
  io.digest("a.cfg");
  io.includes("src/a.c");
  io.value("LEVEL");
  assert.equal(
    io.reads.map((r) => `${r.is} ${r.path}`),
    ["listing src", "file a.cfg", "absent b.cfg", "includes src/a.c", "value LEVEL"],
  );
});

test("a value by its name: set, changed, unset", () => {
  const machine = machineWith({});
  const of = () => open(machine).digest(read("value", "LEVEL"));
  const unset = of();
  machine.values.set("LEVEL", "1");
  const one = of();
  machine.values.set("LEVEL", "2");
  assert.is(new Set([unset, one, of()]).size, 3);
});

test("the youngest file is what a snapshot waits for", () => {
  const machine = machineWith({ x: "1" });
  const files = open(machine);
  assert.is(files.youngest(), null);
  files.content("x");
  assert.is(files.youngest(), machine.disk.clock);
  machine.disk.tick();
  assert.ok(files.settle());
  assert.is(files.youngest(), null);
});

test.run();
