/** A kept graph says which actions a change reaches: those that take, make or have read it, and all that need these. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Files } from "../../engine/files.ts";
import { Graph } from "../../engine/graph.ts";
import { keepGraph, KeptGraph } from "../../engine/kept-graph.ts";
import type { ActionResult, ActionSpec } from "../../engine/types.ts";
import { newSeed, Random } from "../random.ts";
import { Machine } from "./machine.ts";
import { files, hashing, paths, spec } from "./spec.ts";

const RESULT: ActionResult = { outputs: [], log: "", reads: [], grown: null, ms: 0, origin: "" };

function kept(specs: readonly ActionSpec[]): KeptGraph {
  const graph = new Graph();
  assert.ok(graph.grow(specs).ok);
  const { disk } = new Machine();
  const host = { disk, hashing, memo: null as never, value: () => undefined, includesOf: () => [], directivesOf: () => "" };
  return new KeptGraph(keepGraph(graph, new Map(graph.nodes.map((n) => [n.id, RESULT])), new Files(host)));
}

/** Said again, slowly. */
function reached(specs: readonly ActionSpec[], changed: ReadonlySet<string>, names: ReadonlySet<string>): string[] {
  const touches = (path: string) => changed.has(path) || (path.endsWith("/") && [...changed].some((c) => c.startsWith(path)));
  const hit = new Set(
    specs
      .filter((s) => names.has(s.name) || s.inputs.some((i) => touches(i.path)) || s.outputs.some(touches))
      .flatMap((s) => [s.name, ...s.outputs]),
  );
  for (let before = -1; before !== hit.size; ) {
    before = hit.size;
    for (const s of specs) if (s.inputs.some((i) => hit.has(i.path))) for (const name of [s.name, ...s.outputs]) hit.add(name);
  }
  return specs.filter((s) => hit.has(s.name)).map((s) => s.name);
}

test("generated changes reach what they should, few of them and many", () => {
  const random = new Random(newSeed());
  for (let round = 0; round < 60; round++) {
    const made: string[] = [];
    const specs = Array.from({ length: 1 + random.below(40) }, (_, i) => {
      const leaf = () => (random.below(6) === 0 ? `dir${random.below(4)}/` : `dir${random.below(4)}/f${random.below(30)}`);
      const inputs = Array.from({ length: random.below(5) }, () =>
        made.length > 0 && random.below(2) === 0 ? (made[random.below(made.length)] as string) : leaf(),
      );
      const outputs = Array.from({ length: 1 + random.below(2) }, (_o, k) => `out/${i}/o${k}`);
      made.push(...outputs);
      return spec({ name: `step ${i}`, kind: "step", inputs: files(...new Set(inputs)), outputs: paths(...outputs) });
    });
    const graph = kept(specs);
    for (const count of [0, 1, 3, 40]) {
      const changed = new Set(
        Array.from({ length: count }, () =>
          random.below(3) === 0 ? (made[random.below(made.length)] as string) : `dir${random.below(5)}/f${random.below(40)}`,
        ),
      );
      const names = new Set(Array.from({ length: random.pick([0, 1, 2, 40]) }, () => `step ${random.below(50)}`));
      const found = graph.affected(changed, names).map((place) => graph.spec(place).name as string);
      assert.equal(found, reached(specs, changed, names), [...changed, ...names].join(" "));
    }
  }
});

test.run();
