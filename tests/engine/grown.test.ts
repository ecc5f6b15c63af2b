/** What a plan grew comes back from its bytes, wherever these lie in a buffer. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { packPlanned, unpackPlanned } from "../../engine/grown.ts";
import type { Planned, ProjectPath } from "../../engine/types.ts";
import { files, paths, spec } from "./spec.ts";

const planned: Planned = {
  actions: ["a", "ä", "\ufeffb"].map((name) =>
    spec({ name, argv: ["cc", "-Os", `src/${name}.c`], inputs: files(`src/${name}.c`), outputs: paths(`out/${name}.o`) }),
  ),
  targets: { all: ["out/a.o", "out/ä.o"] as ProjectPath[], none: [] },
  notes: [{ code: "x", severity: "warning", exit: 1, message: "m", file: null, line: 0, column: 0, hint: "\ufeff" }],
};

test("it comes back as it was", () => {
  assert.equal(unpackPlanned(packPlanned(planned)), planned);
  const nothing: Planned = { actions: [], targets: {}, notes: [] };
  assert.equal(unpackPlanned(packPlanned(nothing)), nothing);
});

test("from bytes that begin anywhere", () => {
  const bytes = packPlanned(planned);
  for (const offset of [1, 2, 3, 4]) {
    const inside = new Uint8Array(bytes.length + offset).subarray(offset);
    inside.set(bytes);
    assert.equal(unpackPlanned(inside), planned);
  }
});

test("what its actions have in common is one object", () => {
  const [a, b] = unpackPlanned(packPlanned(planned)).actions;
  assert.is(a?.vars, b?.vars);
  assert.is(a?.claims, b?.claims);
});

test.run();
