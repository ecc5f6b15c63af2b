/** One action decided, by small named cases: what is kept, shared, restored, run again, refused. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ActionSpec, ProjectPath, Read } from "../../engine/types.ts";
import { ends } from "./observe.ts";
import { atOnce, Machine, type Program, runOn } from "./machine.ts";
import { out, step, planOf, go, scenarioOf, statuses, machineWith, chain } from "./cases.ts";

test("an equal output is the end of a change", async () => {
  const head = atOnce((argv, disk) => {
    disk.write(argv[0] ?? "", disk.read(argv[1] ?? "")?.slice(0, 1) ?? "");
    return { code: 0, log: "" };
  });
  const machine = machineWith({ x: "1 one" });
  const actions = { a: [step("a", "head", ["x"], { argv: ["head", out("a", "head"), "x"] }), step("a", "end", [out("a", "head")])] };
  await go(machine, { actions, programs: { head } });
  machine.disk.write("x", "1 two");
  const again = await go(machine, { actions, programs: { head } });
  assert.equal(statuses(again), { "a/head": "ran" });
});

test("equal actions of two envs run once", async () => {
  const machine = machineWith({ x: "1" });
  const observed = await go(machine, { actions: { a: chain("a", "x"), b: chain("b", "x") } }, { jobs: 4 });
  assert.equal([observed.outcome.counts.ran, observed.outcome.counts.hits], [3, 3]);
  const hit = ends(observed.events).find((e) => e.status === "hit" && e.label === "app.hex");
  assert.is(hit?.output, `${out(hit?.env ?? "", "app.hex")} done\n`, "the log names the env's own folder");
});

test("sharing: outputs only within the folder, never not at all", async () => {
  const machine = machineWith({ x: "1" });
  const of = (env: string, sharing: ActionSpec["sharing"]) => [step(env, "x.o", ["x"], { sharing })];
  const own = await go(machine, { actions: { a: of("a", "outputs"), b: of("b", "outputs") } });
  assert.is(own.outcome.counts.ran, 2);
  const never = { a: [step("a", "effect", ["x"], { kind: "flash", sharing: "never", outputs: [] })] };
  await go(machine, { actions: never });
  assert.is((await go(machine, { actions: never })).outcome.counts.ran, 1);
});

test("an input that changes while its action runs: the action runs again, and the result is of the new content", async () => {
  const machine = machineWith({ x: "1" });
  let changes = 1;
  const between = () => {
    // After the input was read, in the same tick and of the same size.
    if (changes-- === 1) machine.disk.write("x", "2");
  };
  const actions = { a: [step("a", "x.o", ["x"])] };
  const { outcome } = await go(machine, { actions, between });
  assert.is(machine.disk.text(out("a", "x.o")), "2");
  assert.not(outcome.trusted);
  assert.is((await go(machine, { actions })).outcome.counts.ran, 0);
});

test("an input that changed before an action began, and that another action finds changed while it runs, is not taken for what it was", async () => {
  const machine = machineWith({ x: "1" });
  let isReadAgain = false;
  /** Reads the old content, and ends when the other has read the new one. */
  const first: Program = function* ([output = ""], disk) {
    const text = disk.read("x") ?? "";
    while (!isReadAgain) yield;
    disk.write(output, text);
    return { code: 0, log: "" };
  };
  const between: Program = function* ([output = ""], disk) {
    disk.write(output, "");
    yield;
    machine.disk.write("x", "2");
    machine.disk.tick();
    return { code: 0, log: "" };
  };
  /** Waits for the slot of the one between; ends when the first has been found disturbed, and run again. */
  const second: Program = function* ([output = ""], disk) {
    const text = disk.read("x") ?? "";
    isReadAgain = true;
    for (let i = 0; i < 50; i++) yield;
    disk.write(output, text);
    return { code: 0, log: "" };
  };
  const programs = { first, between, second };
  const action = (name: string, inputs: readonly string[]) => step("a", name, inputs, { argv: [name, out("a", name)] });
  const actions = { a: [action("first", ["x"]), action("between", []), action("second", ["x"])] };
  const made = () => ["first", "second"].map((name) => machine.disk.text(out("a", name)));
  await go(machine, { actions, programs }, { jobs: 2 });
  assert.equal(made(), ["2", "2"]);
  machine.disk.write("x", "1");
  machine.disk.tick();
  await go(machine, { actions, programs });
  assert.equal(made(), ["1", "1"]);
});

test("an input that changes while an action waits for its claim: the result is not recorded for the old content", async () => {
  const machine = machineWith({ x: "1" });
  let changes = 1;
  // While the first of them runs; the other has been decided upon by then.
  const between = () => {
    if (changes-- === 1) machine.disk.write("x", "2");
  };
  const actions = { a: [step("a", "one.o", ["x"]), step("a", "two.o", ["x"])] };
  await go(machine, { actions, between }, { jobs: 1 });
  assert.equal(
    ["one.o", "two.o"].map((name) => machine.disk.text(out("a", name))),
    ["2", "2"],
  );
  machine.disk.write("x", "1");
  machine.disk.tick();
  await go(machine, { actions });
  assert.equal(
    ["one.o", "two.o"].map((name) => machine.disk.text(out("a", name))),
    ["1", "1"],
  );
});

test("a young input that changes in its own tick is noticed, though its signature is equal", async () => {
  const machine = new Machine();
  machine.disk.write("x", "1");
  let left = 1;
  const slow: Program = function* (argv, disk) {
    const text = disk.read("x") ?? "";
    yield;
    disk.write(argv[0] ?? "", text);
    return { code: 0, log: "" };
  };
  const between = () => {
    if (left-- === 1) machine.disk.write("x", "2");
  };
  await go(machine, { actions: { a: [step("a", "x.o", ["x"], { argv: ["slow", out("a", "x.o")] })] }, programs: { slow }, between });
  assert.is(machine.disk.text(out("a", "x.o")), "2");
});

for (const [how, prepare, bear] of [
  ["a file", () => {}, (m) => m.disk.write("inc/h", "late")],
  ["a link in a folder that stays", (m) => m.disk.link("inc/h", "../elsewhere/h"), (m) => m.disk.write("elsewhere/h", "late")],
  ["a folder with a file", () => {}, (m) => m.disk.write("sub/h", "late")],
] as const satisfies readonly (readonly [string, (m: Machine) => void, (m: Machine) => void])[])
  test(`a header that comes into being while its includer is compiled: ${how}`, async () => {
    const machine = machineWith({ x: "1" });
    for (const file of ["inc/other", "elsewhere/other"]) machine.disk.write(file, "");
    prepare(machine);
    machine.disk.tick();
    let runs = 0;
    const compile: Program = function* (_, disk) {
      const found = ["sub/h", "inc/h"].find((path) => disk.read(path) !== null);
      const text = found === undefined ? "" : disk.read(found);
      if (runs++ === 0) bear(machine);
      yield;
      disk.write(out("a", "x.o"), text ?? "");
      disk.write(out("a", "x.d"), `x.o: x ${found ?? ""}`);
      return { code: 0, log: "" };
    };
    const action = step("a", "x.o", ["x"], {
      kind: "compile",
      argv: ["compile"],
      discover: { by: "depfile", path: out("a", "x.d") as ProjectPath, quote: [], search: ["sub", "inc"] },
    });
    const scenario = {
      ...scenarioOf({ actions: { a: [action] }, programs: { compile } }),
      includesOf: () => [{ text: "h", quote: true, how: "include" as const }],
    };
    await runOn(machine, scenario, { plans: [planOf("a")], goals: [{ env: "a", profile: "release", target: "all" }] });
    assert.ok(runs > 1);
    assert.is(machine.disk.text(out("a", "x.o")), "late");
  });

test("a header that goes away between the action that read it and the one that finds another in its place: it counts when it comes back", async () => {
  const machine = machineWith({ x: "1", "sub/h": "first", "inc/h": "second" });
  let goes = 1;
  const compile = atOnce((argv, disk) => {
    if (goes-- === 1) machine.disk.remove("sub/h");
    const found = ["sub/h", "inc/h"].find((path) => disk.read(path) !== null) ?? "";
    disk.write(argv[0] ?? "", disk.read(found) ?? "");
    disk.write(out("a", "x.d"), `x.o: x ${found}`);
    return { code: 0, log: "" };
  });
  const reads = step("a", "head", ["sub/h"]);
  const compiles = step("a", "x.o", ["x", out("a", "head")], {
    kind: "compile",
    argv: ["compile", out("a", "x.o")],
    discover: { by: "depfile", path: out("a", "x.d") as ProjectPath, quote: [], search: ["sub", "inc"] },
  });
  const scenario = {
    ...scenarioOf({ actions: { a: [reads, compiles] }, programs: { compile } }),
    includesOf: () => [{ text: "h", quote: true, how: "include" as const }],
  };
  const run = () => runOn(machine, scenario, { plans: [planOf("a")], goals: [{ env: "a", profile: "release", target: "all" }] });
  await run();
  assert.is(machine.disk.text(out("a", "x.o")), "second");
  machine.disk.write("sub/h", "first");
  machine.disk.tick();
  await run();
  assert.is(machine.disk.text(out("a", "x.o")), "first");
});

test("inputs that never come to rest are a failure, not a loop", async () => {
  const machine = machineWith({ x: "1" });
  let n = 0;
  const { outcome } = await go(machine, { actions: { a: [step("a", "x.o", ["x"])] }, between: () => machine.disk.write("x", String(n++)) });
  assert.is(outcome.failures[0]?.code, "run.inputs-change");
  assert.not(machine.disk.isFile(out("a", "x.o")));
});

test("a file that is read but made by an action that is not waited for is an error; so is looking for one", async () => {
  for (const found of [true, false]) {
    const machine = machineWith({ x: '#include "gen.h"' });
    const reader = atOnce((argv, disk) => {
      disk.write(argv[0] ?? "", "o");
      disk.write(out("a", "x.d"), `x.o: x ${found ? out("a", "gen.h") : "inc/gen.h"}`);
      return { code: 0, log: "" };
    });
    machine.disk.write("inc/gen.h", "");
    machine.disk.tick();
    const reading = step("a", "x.o", ["x"], {
      argv: ["reader", out("a", "x.o")],
      discover: { by: "depfile", path: out("a", "x.d") as ProjectPath, quote: [], search: [".fb/build/a/release", "inc"] },
    });
    // The maker comes later: it waits for x.o.
    const actions = { a: [reading, step("a", "gen.h", [out("a", "x.o")])] };
    if (found) machine.disk.write(out("a", "gen.h"), "stale");
    const scenario = {
      ...scenarioOf({ actions, programs: { reader } }),
      includesOf: () => [{ text: "gen.h", quote: true, how: "include" as const }],
    };
    const { outcome } = await runOn(machine, scenario, { plans: [planOf("a")], goals: [{ env: "a", profile: "release", target: "all" }] });
    assert.is(outcome.failures[0]?.code, "graph.undeclared-read", String(found));
  }
});

test("a record whose blob is gone is dropped and the action runs", async () => {
  const machine = machineWith({ x: "1" });
  const actions = { a: chain("a", "x") };
  await go(machine, { actions });
  machine.disk.remove(".fb/build");
  machine.blobs.clear();
  const again = await go(machine, { actions });
  // The first puts the blob of all three back, whose content is equal.
  assert.equal([again.outcome.counts.ran, again.outcome.counts.hits], [1, 2]);
});

test("a cache that promises what it can not give does not hold up the run", async () => {
  const machine = machineWith({ x: "1" });
  const actions = { a: chain("a", "x") };
  await go(machine, { actions });
  machine.disk.remove(".fb/build");
  machine.blobs.clear();
  const results = machine.results as unknown as { delete: () => boolean };
  results.delete = () => false;
  assert.is((await go(machine, { actions })).outcome.counts.ran, 1);
});

test("a value that an action names is part of what it rests on", async () => {
  const machine = machineWith({ x: "1" });
  const action = step("a", "x.o", ["x"]);
  const actions = { a: [{ ...action, inputs: [...action.inputs, { is: "value", path: "LEVEL" } as unknown as Read] }] };
  await go(machine, { actions });
  machine.values.set("LEVEL", "2");
  const again = await go(machine, { actions });
  assert.equal(statuses(again), { "a/x.o": "ran" });
});

test.run();
