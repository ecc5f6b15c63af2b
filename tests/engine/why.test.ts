/** Each cause, from the evidence of two walks. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Evidence, EvidenceSink, walkReads, walkStatic } from "../../engine/key.ts";
import type { ActionSpec, CanonPath, Cause, Digest, Read } from "../../engine/types.ts";
import { causes } from "../../engine/why.ts";
import { files, paths, sha256, spec } from "./spec.ts";

const BASE = spec({ name: "a", argv: ["cc", "-O2", "-O2", "x.c"], vars: { V: "1" }, inputs: files("x.c"), outputs: paths("x.o") });
const X = sha256("x.c");
const Y = sha256("y");

type Reads = readonly (readonly [is: Read["is"], path: string, digest: string])[];

function evidence(s: ActionSpec, reads: Reads, digests: Readonly<Record<string, string>> = {}): Evidence {
  const sink = new EvidenceSink((text) => text);
  walkStatic(s, "/p", (r) => (digests[r.path] ?? sha256(r.path)) as Digest, sink);
  walkReads(
    reads.map(([is, path]) => ({ is, path: path as CanonPath })),
    reads.map(([, , digest]) => digest as Digest),
    sink,
  );
  return sink.evidence(s.inputs.length);
}

/** Reads before and now, what differs in the action, digests of its inputs now, the causes. */
const table: readonly (readonly [string, Reads, Reads, Partial<ActionSpec>, Record<string, string>, readonly Partial<Cause>[]])[] = [
  ["nothing", [], [], {}, {}, []],
  ["an input", [], [], {}, { "x.c": Y }, [{ cause: "input-changed", file: "x.c" as CanonPath, old: `sha256:${X}`, new: `sha256:${Y}` }]],
  ["a header", [["file", "a.h", X]], [["file", "a.h", Y]], {}, {}, [{ cause: "input-changed", file: "a.h" as CanonPath }]],
  ["a header gone", [["file", "a.h", X]], [["file", "a.h", "absent"]], {}, {}, [{ cause: "input-removed", file: "a.h" as CanonPath }]],
  ["a header that would be found first", [["absent", "b.h", "absent"]], [["absent", "b.h", "present"]], {}, {}, [{ cause: "input-added" }]],
  [
    "a header that came with a change",
    [["file", "a.h", X]],
    [
      ["file", "a.h", Y],
      ["file", "b.h", X],
    ],
    {},
    {},
    [{ cause: "input-changed" }],
  ],
  ["a header that nothing else explains", [], [["file", "b.h", X]], {}, {}, [{ cause: "input-added", file: "b.h" as CanonPath }]],
  [
    "a header found first now",
    [["absent", "b.h", "absent"]],
    [["file", "b.h", X]],
    {},
    {},
    [{ cause: "input-added", file: "b.h" as CanonPath }],
  ],
  ["a header found elsewhere now", [["file", "a.h", X]], [["absent", "a.h", "absent"]], {}, {}, [{ cause: "input-removed" }]],
  [
    "a header no more read",
    [
      ["file", "a.h", X],
      ["file", "b.h", X],
    ],
    [["file", "a.h", Y]],
    {},
    {},
    [{ cause: "input-changed" }],
  ],
  ["an input more", [], [], { inputs: files("x.c", "y.c") }, {}, [{ cause: "input-added", file: "y.c" as CanonPath }]],
  ["an input less", [], [], { inputs: [] }, {}, [{ cause: "input-removed", file: "x.c" as CanonPath }]],
  ["an argument more", [], [], { argv: ["cc", "-O2", "-O2", "-g", "x.c"] }, {}, [{ cause: "arg-added", arg: "-g" }]],
  ["one of two equal arguments less", [], [], { argv: ["cc", "-O2", "x.c"] }, {}, [{ cause: "arg-removed", arg: "-O2" }]],
  ["another order", [], [], { argv: ["cc", "-O2", "x.c", "-O2"] }, {}, [{ cause: "arg-removed" }, { cause: "arg-added" }]],
  ["a variable", [], [], { vars: { V: "2" } }, {}, [{ cause: "var-changed", name: "V", old: "1", new: "2" }]],
  ["a variable gone", [], [], { vars: {} }, {}, [{ cause: "var-changed", name: "V", old: "1", new: "" }]],
  ["a tool", [], [], { tool: Y }, {}, [{ cause: "tool-changed", name: "tool" }]],
  ["a rule", [], [], { rule: Y }, {}, [{ cause: "rule-changed", name: "rule" }]],
  ["an output more", [], [], { outputs: paths("x.o", "x.su") }, {}, [{ cause: "rule-changed", name: "output" }]],
  [
    "how reads are found",
    [],
    [],
    { discover: { by: "trace", libraries: [], search: [] } },
    {},
    [{ cause: "rule-changed", name: "discover" }],
  ],
];
for (const [name, before, now, change, digests, want] of table) {
  test(name, () => {
    const found = causes(evidence(BASE, before), evidence({ ...BASE, ...change }, now, digests));
    assert.is(found.length, want.length, JSON.stringify(found));
    for (const [i, cause] of want.entries()) assert.equal({ ...found[i], ...cause }, found[i]);
  });
}

test.run();
