/** Lists of reads that actions share: their digests are those of the files as they are believed now, whatever was forgotten since. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Files } from "../../engine/files.ts";
import { Graph } from "../../engine/graph.ts";
import { fullKey, readsDigest, readsJson } from "../../engine/key.ts";
import { ReadSets } from "../../engine/read-sets.ts";
import type { CanonPath, Read, StaticKey } from "../../engine/types.ts";
import { newSeed, Random } from "../random.ts";
import { Machine, worldOf } from "./machine.ts";
import { includesOf, PLANNER, PROGRAMS } from "./model.ts";
import { hashing, spec } from "./spec.ts";

const OUT = ".fb/build/a/release";
const read = (is: Read["is"], path: string): Read<CanonPath> => ({ is, path: path as CanonPath });
const PATHS = ["x.h", "y.h", "a/x.h", "a/b/z.h", "@out/made.h"];
const ALL = [
  ...PATHS.flatMap((path) => [read("file", path), read("absent", path)]),
  read("file", "a/"),
  read("listing", "a"),
  read("includes", "x.h"),
  read("value", "V"),
];

function setup() {
  const machine = new Machine();
  const files = new Files(worldOf(machine, { programs: PROGRAMS, planner: PLANNER, includesOf }));
  const graph = new Graph();
  return { machine, files, graph, sets: new ReadSets(files, graph, hashing) };
}

test("generated: digests, sum and text are of now", () => {
  const seed = newSeed();
  for (let n = 0; n < 60; n++) {
    const random = new Random(seed + n);
    const { machine, files, sets } = setup();
    const lists = Array.from({ length: 5 }, () => random.some(ALL, 0.5));
    for (let i = 0; i < 30; i++) {
      const path = random.pick(PATHS).replace("@out", OUT);
      const goes = random.chance(0.3);
      if (goes) machine.disk.remove(path);
      else if (!machine.disk.isDir(path)) machine.disk.write(path, `${random.below(3)}`);
      // What is not forgotten is believed to be as it was.
      if (goes || random.chance(0.7)) files.forget(goes || random.chance(0.8) ? path : path.slice(0, path.lastIndexOf("/") + 1));
      // Equal to one of before, and another array.
      const list = sets.shared([...random.pick(lists)]);
      const now = list.map((each) => files.digest({ is: each.is, path: each.path.replace("@out", OUT) as Read["path"] }));
      assert.equal(sets.digests(list, OUT), now, `seed ${seed} + ${n}`);
      assert.is(sets.sum(list, OUT), readsDigest(hashing, list, now));
      assert.is(sets.json(list, OUT), readsJson(list, now));
    }
  }
});

test("equal lists are one, others are not; one list in two envs has two answers", () => {
  const { machine, sets } = setup();
  machine.disk.write(`${OUT}/made.h`, "1");
  const list = [read("file", "x.h"), read("absent", "y.h")];
  assert.is(sets.shared(list), list);
  assert.is(sets.shared([read("file", "x.h"), read("absent", "y.h")]), list);
  for (const other of [[], [read("file", "x.h")], [read("file", "x.h"), read("file", "y.h")], [read("file", "x.h"), read("absent", "z.h")]])
    assert.is(sets.shared(other), other);
  const made = [read("file", "@out/made.h")];
  const [one, two] = [OUT, ".fb/build/b/release"].map((out) => fullKey(hashing, "k" as StaticKey, sets.sum(made, out)));
  assert.is.not(one, two);
});

test("what an action makes is told, also when the action comes later", () => {
  const { graph, sets } = setup();
  const list = [read("file", "@out/made.h"), read("file", "x.h"), read("value", "V")];
  assert.equal(sets.made(list, OUT), []);
  graph.grow([spec({ name: "m", outputs: [`${OUT}/made.h` as Read["path"]] })]);
  assert.equal(
    sets.made(list, OUT).map(({ path }) => path),
    [`${OUT}/made.h`],
  );
});

test.run();
