/** The graph: producers, what is refused, and that a refusal leaves it as it was. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Graph } from "../../engine/graph.ts";
import type { ActionSpec } from "../../engine/types.ts";
import { files, paths, spec } from "./spec.ts";

function action(name: string, inputs: readonly string[], outputs: readonly string[], more: Partial<ActionSpec> = {}): ActionSpec {
  return spec({ name, inputs: files(...inputs), outputs: paths(...outputs), ...more });
}

function needs(graph: Graph, name: string): string[] {
  const node = graph.named(name);
  return (node?.needs ?? []).map((id) => graph.node(id).spec.name).sort();
}

/** What is there first, what is added, the code of the refusal ("" for none). */
const table: readonly (readonly [name: string, there: readonly ActionSpec[], added: readonly ActionSpec[], code: string])[] = [
  ["one producer each", [action("a", [], ["x"])], [action("b", ["x"], ["y"])], ""],
  ["two producers", [action("a", [], ["x"])], [action("b", [], ["x"])], "graph.two-producers"],
  ["two producers in one growth", [], [action("a", [], ["x"]), action("b", [], ["x"])], "graph.two-producers"],
  ["two producers, in other case", [action("a", [], ["out/X.o"])], [action("b", [], ["out/x.o"])], "graph.two-producers"],
  ["an output within another's folder", [action("a", [], ["gen/"])], [action("b", [], ["gen/deep/x"])], "graph.two-producers"],
  ["the same in other case", [action("a", [], ["Gen/"])], [action("b", [], ["gen/x"])], "graph.two-producers"],
  ["a folder around another's output", [action("a", [], ["gen/deep/x"])], [action("b", [], ["gen/"])], "graph.two-producers"],
  ["a file where another needs a folder", [action("a", [], ["gen"])], [action("b", [], ["gen/x"])], "graph.two-producers"],
  ["a folder where another makes a file", [action("a", [], ["gen/x"])], [action("b", [], ["gen"])], "graph.two-producers"],
  ["an own output within an own folder", [], [action("a", [], ["gen/", "gen/x"])], ""],
  ["neighbours", [action("a", [], ["gen/"])], [action("b", [], ["gen2/x", "ge"])], ""],
  ["the same action again", [action("a", ["i"], ["x"])], [action("a", ["i"], ["x"])], ""],
  ["another action of that name", [action("a", ["i"], ["x"])], [action("a", ["j"], ["x"])], "graph.two-actions"],
  ["a cycle of one", [], [action("a", ["x"], ["x"])], "graph.cycle"],
  ["a cycle of three", [], [action("a", ["z"], ["x"]), action("b", ["x"], ["y"]), action("c", ["y"], ["z"])], "graph.cycle"],
  ["a cycle through orderOnly", [], [action("a", [], ["x"], { orderOnly: paths("y") }), action("b", ["x"], ["y"])], "graph.cycle"],
  ["a cycle through a folder", [], [action("a", ["gen/"], ["x"]), action("b", ["x"], ["gen/y"])], "graph.cycle"],
  ["a producer after its reader", [action("a", ["x"], ["y"])], [action("b", [], ["x"])], "graph.late-producer"],
  ["a producer after its reader in one growth", [], [action("a", ["x"], ["y"]), action("b", [], ["x"])], ""],
];
for (const [name, there, added, code] of table) {
  test(name, () => {
    const graph = new Graph();
    assert.ok(graph.grow(there).ok);
    const grown = graph.grow(added);
    assert.is(grown.ok ? "" : grown.failure.code, code);
  });
  if (code === "") continue;
  test(`${name}: refused, the graph is as before`, () => {
    const graph = new Graph();
    graph.grow(there);
    const nodes = JSON.stringify(graph.nodes);
    graph.grow([action("good", ["in"], ["good.o"]), ...added]);
    assert.is(JSON.stringify(graph.nodes), nodes);
    assert.is(graph.named("good"), undefined);
    assert.is(graph.producer("good.o"), undefined);
    for (const node of graph.nodes) assert.equal([...graph.usersOf(node.id)], []);
    // What was refused may come again without what was wrong with it.
    const again = graph.grow([action("good", ["in"], ["good.o"]), action("user", ["good.o"], ["end"])]);
    assert.ok(again.ok);
    assert.equal(needs(graph, "user"), ["good"]);
  });
}

test("a refusal names both actions and the path", () => {
  const graph = new Graph();
  graph.grow([action("uno/cc:a", [], ["out/A.o"])]);
  const grown = graph.grow([action("uno/cc:b", [], ["out/a.o"])]);
  assert.match(grown.ok ? "" : grown.failure.message, /out\/a\.o.*uno\/cc:a.*uno\/cc:b/);
});

test("needs: files, files in folders, folders, what is made in a folder, orderOnly; each once and no values", () => {
  const graph = new Graph();
  graph.grow([
    action("header", [], ["gen/a.h"]),
    action("pages", [], ["pages/"]),
    action("one", [], ["data/one"]),
    action("two", [], ["data/deep/two"]),
    action("user", ["gen/a.h", "pages/index.html", "pages/", "leaf.c"], ["u"], { orderOnly: paths("gen/a.h", "nothing") }),
    action("image", ["data/"], ["fs.bin"]),
    spec({ name: "value", inputs: [{ is: "value", path: "data/one" as never }], outputs: paths("v") }),
  ]);
  assert.equal(needs(graph, "user"), ["header", "pages"]);
  assert.equal(needs(graph, "image"), ["one", "two"]);
  assert.equal(needs(graph, "value"), []);
});

test("dependants are all that follows, each once", () => {
  const graph = new Graph();
  graph.grow([action("a", [], ["a"]), action("b", ["a"], ["b"]), action("c", ["a", "b"], ["c"]), action("d", [], ["d"])]);
  const a = graph.named("a");
  assert.ok(a);
  assert.equal([...graph.dependants(a.id)].map((id) => graph.node(id).spec.name).sort(), ["b", "c"]);
});

test("growing: consumers come later and keep their ids", () => {
  const graph = new Graph();
  const first = graph.grow([action("a", [], ["a"])]);
  const second = graph.grow([action("a", [], ["a"]), action("b", ["a"], ["b"])]);
  assert.ok(first.ok && second.ok);
  if (first.ok && second.ok) assert.equal([first.value[0], second.value], [0, [0, 1]]);
});

test.run();
