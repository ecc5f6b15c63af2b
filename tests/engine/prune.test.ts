/** Pruning: what was made and is made no more goes, nothing else does; the journal is ahead of the actions. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Journal, prune, writtenBelow } from "../../engine/prune.ts";
import type { ProjectState, Read } from "../../engine/types.ts";
import { MemDisk } from "./mem-disk.ts";
import { paths, spec } from "./spec.ts";

const OUT = ".fb/build/a/release";

/** On disk, listed before, alive now, left on disk; paths below the output folder, "/" at the end of folder outputs. */
const table: readonly (readonly [string, readonly string[], readonly string[], readonly string[], readonly string[]])[] = [
  ["a dead file", ["x", "y"], ["x", "y"], ["y"], ["y"]],
  ["nobody's file stays", ["x", "mine"], ["x"], [], ["mine"]],
  ["empty folders go", ["d/e/x"], ["d/e/x"], [], []],
  ["folders with something stay", ["d/e/x", "d/mine"], ["d/e/x"], [], ["d/mine"]],
  ["a dead folder with all in it", ["g/a", "g/h/b"], ["g/"], [], []],
  ["a living folder keeps what was a file", ["g/a"], ["g/a"], ["g/"], ["g/a"]],
  ["a folder that became files", ["g/a", "g/b"], ["g/"], ["g/a"], ["g/a"]],
  ["a file that became a folder", ["g"], ["g"], ["g/a"], []],
  ["a file that is a folder now", ["g/a"], ["g"], ["g/a"], ["g/a"]],
  ["another case is another file", ["Foo.o"], ["Foo.o"], ["foo.o"], []],
  ["already gone", [], ["x", "d/y"], [], []],
];
for (const [name, there, before, now, left] of table) {
  test(name, () => {
    const disk = new MemDisk();
    const below = (list: readonly string[]) => list.map((p) => `${OUT}/${p}`);
    for (const path of below(there)) disk.write(path, "x");
    disk.write("src/main.c", "x");
    const removed = prune(disk, OUT, [...below(before), "src/main.c"], below(now));
    assert.equal([...disk.tree(OUT).keys()], below(left));
    assert.equal(removed.sort(), below(there.filter((p) => !left.includes(p))).sort());
    assert.ok(disk.isFile("src/main.c"), "what lies elsewhere is never touched");
    assert.not(disk.isDir(`${OUT}/d/e`) && left.length === 0);
  });
}

test("where case does not count the living file is not taken for the dead one", () => {
  const disk = new MemDisk();
  disk.write(`${OUT}/foo.o`, "x");
  // The same inode under both names: what a disk without case answers.
  const folding = new Proxy(disk, {
    get(target, property) {
      if (property === "sign") return (path: string) => target.sign(path.toLowerCase().replace(OUT.toLowerCase(), OUT));
      const value = target[property as keyof MemDisk] as unknown;
      return typeof value === "function" ? (value as () => void).bind(target) : value;
    },
  });
  prune(folding, OUT, [`${OUT}/Foo.o`], [`${OUT}/foo.o`]);
  assert.ok(disk.isFile(`${OUT}/foo.o`));
});

test("what is written: outputs, depfile and response file, of this folder alone", () => {
  const action = spec({
    name: "x",
    outputs: paths(`${OUT}/x.o`, "src/made.h"),
    rspfile: { path: `${OUT}/x.rsp` as Read["path"], text: "" },
    discover: { by: "depfile", path: `${OUT}/x.d` as Read["path"], quote: [], search: [] },
  });
  assert.equal(writtenBelow(OUT, [action, action]), [`${OUT}/x.d`, `${OUT}/x.o`, `${OUT}/x.rsp`]);
});

test("the journal writes in the order of the calls, and only what is new", async () => {
  const written: string[] = [];
  const waits: (() => void)[] = [];
  const state = {
    outputs: () => ["a"],
    setOutputs: async (_: string, list: readonly string[]) => {
      await new Promise<void>((resolve) => waits.push(resolve));
      written.push(list.join());
    },
    unfinished: () => null,
    setUnfinished: () => {},
  } as unknown as ProjectState;
  const journal = new Journal(state, () => 0n);
  journal.note(OUT, ["a"]);
  await journal.begin(OUT);
  journal.note(OUT, ["a", "b"]);
  journal.note(OUT, ["a", "b"]);
  journal.note(OUT, ["a"]);
  let ready = false;
  const done = journal.begin(OUT).then(() => (ready = true));
  for (let i = 0; i < 5; i++) await null;
  assert.not(ready);
  for (let i = 0; i < 20; i++) {
    waits.shift()?.();
    await null;
  }
  await done;
  assert.equal(written, ["a,b", "a"]);
});

test.run();
