/** Views: what becomes a node, what an edge, and what of a graph that does not fit its last runs. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Graph } from "../../engine/graph.ts";
import type { ActionSpec } from "../../engine/types.ts";
import { View } from "../../engine/view.ts";
import { type Seen, viewOf } from "../../engine/view-build.ts";
import { files, paths, spec } from "./spec.ts";

function viewWith(specs: readonly ActionSpec[], seen: Partial<Seen> = {}): View {
  const graph = new Graph();
  assert.ok(graph.grow(specs).ok);
  return new View(viewOf({ graph, targets: new Map(), packages: [], builtBy: new Map(), last: () => null, ...seen }));
}

/** The labels that a label leads to. */
function edges(view: View, label: string): string[] {
  const [id] = view.named(label);
  assert.ok(id !== undefined, `there is no ${label}`);
  return [...view.edges(id as number)].map((edge) => view.label(edge));
}

test("a folder that an action makes: what lies in it is made by the action", () => {
  const view = viewWith([
    spec({ name: "a/release/gen:g", kind: "step", outputs: paths(".fb/build/a/release/gen/") }),
    spec({ name: "a/release/cc:o", inputs: files(".fb/build/a/release/gen/x.h"), outputs: paths(".fb/build/a/release/o") }),
  ]);
  assert.equal(edges(view, ".fb/build/a/release/gen/x.h"), ["step:a:gen/"]);
  assert.equal(edges(view, "compile:a:o"), [".fb/build/a/release/gen/x.h"]);
});

test("a folder that an action takes stands for all that is made in it", () => {
  const view = viewWith([
    spec({ name: "a/release/gen:x", kind: "step", outputs: paths("data/x.bin") }),
    spec({ name: "a/release/fs:f", kind: "step", inputs: files("data/"), outputs: paths(".fb/build/a/release/fs.bin") }),
  ]);
  assert.equal(edges(view, "data/"), ["data/x.bin"]);
  assert.equal(edges(view, "data/x.bin"), ["step:a:data/x.bin"]);
});

test("what an action read before it was planned otherwise does not lead in a circle", () => {
  const view = viewWith(
    [
      spec({ name: "a/release/one:x", inputs: files("s.c"), outputs: paths("x") }),
      spec({ name: "a/release/two:y", inputs: files("x"), outputs: paths("y") }),
    ],
    { last: ({ name }) => ({ files: name.endsWith(":x") ? ["y", "old.h"] : ["x"], ms: 1 }) },
  );
  assert.equal(edges(view, "compile:a:x"), ["s.c"]);
  assert.equal(edges(view, "compile:a:y"), ["x"]);
});

test("plans are no nodes; absent files and listings are no inputs; an action without outputs has its label", () => {
  const absent = [
    { is: "absent", path: "no.h" },
    { is: "listing", path: "src" },
    { is: "includes", path: "s.c" },
  ] as unknown as ActionSpec["inputs"];
  const view = viewWith([
    spec({ name: "a/release/plan", kind: "plan" }),
    spec({ name: "a/release/flash", kind: "flash", label: "board", inputs: absent }),
  ]);
  assert.equal(
    Array.from({ length: view.size }, (_, id) => view.label(id)),
    ["flash:a:board", "s.c"],
  );
});

test("the deeper folder says whose a file is", () => {
  const packages = [
    { name: "sys", version: "", prefix: "/usr" },
    { name: "core", version: "1", prefix: "/usr/share/core" },
  ];
  const view = viewWith(
    [spec({ name: "a/release/cc:o", inputs: files("/usr/share/core/a.h", "/usr/include/b.h", "/usrx/c.h"), outputs: paths("o") })],
    {
      packages,
    },
  );
  assert.equal(edges(view, "/usr/share/core/a.h"), ["pkg:core@1"]);
  assert.equal(edges(view, "/usr/include/b.h"), ["pkg:sys"]);
  assert.equal(edges(view, "/usrx/c.h"), []);
});

test.run();
