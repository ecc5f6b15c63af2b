/** Priorities are the longest way to the end; the queue gives the greatest first. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { priorities, ReadyQueue } from "../../engine/critical.ts";
import { Graph } from "../../engine/graph.ts";
import type { ActionId } from "../../engine/types.ts";
import { files, paths, spec } from "./spec.ts";
import { newSeed, Random } from "../random.ts";

const seed = newSeed();

/** A graph of n actions that only take from earlier ones. */
function generated(random: Random, n: number): Graph {
  const graph = new Graph();
  const specs = Array.from({ length: n }, (_, i) =>
    spec({
      name: String(i),
      inputs: files(...Array.from({ length: i === 0 ? 0 : random.below(4) }, () => `o${random.below(i)}`)),
      outputs: paths(`o${i}`),
    }),
  );
  assert.ok(graph.grow(specs).ok);
  return graph;
}

test(`longest ways against brute force (seed ${seed})`, () => {
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    const n = 1 + random.below(14);
    const graph = generated(random, n);
    const durations = Array.from({ length: n }, () => 1 + random.below(9));
    const needed = new Set<ActionId>();
    const need = (id: ActionId) => {
      needed.add(id);
      for (const other of graph.node(id).needs) need(other);
    };
    for (let i = random.below(3); i >= 0; i--) need(random.below(n) as ActionId);
    const longest = (id: ActionId): number => {
      const ways = [...graph.usersOf(id)].filter((u) => needed.has(u)).map(longest);
      return (durations[id] ?? 0) + Math.max(0, ...ways);
    };
    const got = priorities(graph, needed, (name) => durations[Number(name)]);
    for (const id of needed) assert.is(got[id], longest(id));
  }
});

test("an action that never ran counts as its kind does: a link outweighs an objcopy", () => {
  const graph = new Graph();
  graph.grow([spec({ name: "link", kind: "link" }), spec({ name: "copy", kind: "objcopy" })]);
  const [link = 0, copy = 0] = priorities(graph, new Set([0, 1] as ActionId[]), () => undefined);
  assert.ok(link > copy);
});

test(`the queue is a sorted list (seed ${seed})`, () => {
  const random = new Random(seed);
  const queue = new ReadyQueue();
  let order = new Float64Array(0);
  let model: ActionId[] = [];
  let next = 0;
  const sort = () => model.sort((a, b) => (order[b] ?? 0) - (order[a] ?? 0) || a - b);
  for (let i = 0; i < 3000; i++) {
    const action = random.below(12);
    if (action === 0) {
      order = Float64Array.from({ length: next + 5 }, () => random.below(8));
      queue.reorder(order);
    } else if (action < 7) {
      queue.push(next as ActionId);
      model.push(next++ as ActionId);
    } else {
      sort();
      assert.is(queue.pop(), model[0]);
      model = model.slice(1);
    }
    assert.is(queue.size, model.length);
  }
});

test.run();
