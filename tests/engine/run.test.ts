/** The run loop by small named cases: order, failure, cancellation, what is removed, what is shared, what is refused. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ok } from "../../engine/failure.ts";
import type { Goal } from "../../engine/goals.ts";
import type { RunRequest } from "../../engine/run.ts";
import type { ActionSpec, Planned, ProjectPath, Read } from "../../engine/types.ts";
import { checkEvents, ends } from "./observe.ts";
import { atOnce, files, Machine, type Observed, paths, type Program, type Random, runOn, type Scenario, spec } from "./world.ts";

const out = (env: string, name: string) => `.fb/build/${env}/release/${name}`;

/** An action that copies its inputs into its output; one whose first input says "bad" fails after half of its output. */
function step(env: string, name: string, inputs: readonly string[], more: Partial<ActionSpec> = {}): ActionSpec {
  const output = out(env, name);
  return spec({
    name: `${env}/release/${name}`,
    label: name,
    kind: "step",
    env,
    argv: ["copy", output, ...inputs],
    inputs: files(...inputs),
    outputs: paths(output),
    ...more,
  });
}

const copy: Program = function* (argv, disk) {
  const [output = "", ...inputs] = argv;
  disk.write(output, "half");
  yield;
  const text = inputs.map((i) => disk.read(i) ?? "").join("");
  if (text.includes("bad")) return { code: 1, log: "bad\n" };
  yield;
  disk.write(output, text);
  return { code: 0, log: `${output} done\n` };
};

interface Case {
  readonly actions: Readonly<Record<string, readonly ActionSpec[]>>;
  readonly programs?: Readonly<Record<string, Program>>;
  readonly between?: () => void;
  readonly random?: Random;
  /** Plans that throw. */
  readonly broken?: boolean;
}

/** What the env's plan, and each plan among the actions by its name, plans. */
function scenarioOf(c: Case): Scenario {
  const plan = (name: string): Planned => ({
    actions: c.actions[name] ?? [],
    targets: {
      all: (c.actions[name] ?? []).flatMap((a) => (a.kind === "plan" ? [] : a.outputs.length > 0 ? a.outputs : [a.name as ProjectPath])),
    },
    notes: [],
  });
  return {
    programs: { copy, ...c.programs },
    planner: {
      plan(action) {
        if (c.broken === true) throw new Error("a bug");
        return ok(plan(action.argv[1] ?? ""));
      },
    },
    includesOf: () => [],
    ...(c.between === undefined ? {} : { between: c.between }),
    ...(c.random === undefined ? {} : { random: c.random }),
  };
}

/** Part of a plan's key, so that a case may plan anew on the same machine. */
function planOf(env: string, name = env, inputs: readonly string[] = [], version = ""): ActionSpec {
  return spec({
    name: `${env}/release/plan-${name}`,
    kind: "plan",
    env,
    argv: ["plan", name, version],
    inputs: files(...inputs),
    claims: [],
  });
}

async function go(
  machine: Machine,
  c: Case,
  request: Partial<RunRequest> = {},
  stop: AbortController = new AbortController(),
): Promise<Observed> {
  const envs = Object.keys(c.actions).filter((name) => name.length === 1);
  const version = JSON.stringify(c.actions);
  const goals: Goal[] = envs.map((env) => ({ env, profile: "release", target: "all" }));
  const plans = envs.map((env) => planOf(env, env, [], version));
  const observed = await runOn(machine, scenarioOf(c), { plans, goals, ...request }, stop.signal);
  checkEvents(observed, stop.signal.aborted);
  return observed;
}

function statuses({ events }: Observed): Record<string, string> {
  return Object.fromEntries(ends(events).map((e) => [`${e.env}/${e.label}`, e.status]));
}

function machineWith(there: Readonly<Record<string, string>>): Machine {
  const machine = new Machine();
  for (const [path, text] of Object.entries(there)) machine.disk.write(path, text);
  machine.disk.tick();
  return machine;
}

const chain = (env: string, source: string) => [
  step(env, "x.o", [source]),
  step(env, "app.elf", [out(env, "x.o")], { kind: "link" }),
  step(env, "app.hex", [out(env, "app.elf")]),
];

test("a first run runs all, the second nothing", async () => {
  const machine = machineWith({ x: "1" });
  const first = await go(machine, { actions: { a: chain("a", "x") } });
  assert.equal(first.outcome.counts, { actions: 3, ran: 3, hits: 0, upToDate: 0, failed: 0 });
  const second = await go(machine, { actions: { a: chain("a", "x") } });
  assert.equal(second.outcome.counts, { actions: 3, ran: 0, hits: 0, upToDate: 3, failed: 0 });
  assert.equal(ends(second.events), []);
});

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

test("the first failure starts nothing more of its env; other envs go on", async () => {
  const machine = machineWith({ x: "bad", y: "1" });
  const later = step("a", "later", ["y"]);
  const { outcome, events } = await go(machine, { actions: { a: [step("a", "x.o", ["x"]), later], b: chain("b", "y") } }, { jobs: 1 });
  const got = statuses({ outcome, events } as Observed);
  assert.is(got["a/x.o"], "failed");
  assert.is(got["b/app.hex"], "ran");
  assert.equal(outcome.counts.failed, 1);
  assert.not("a/later" in got);
});

test("-k leaves out only what depends on the failure", async () => {
  const machine = machineWith({ x: "bad", y: "1" });
  const observed = await go(machine, { actions: { a: [...chain("a", "x"), step("a", "other", ["y"])] } }, { jobs: 1, keepGoing: true });
  assert.equal(statuses(observed), { "a/x.o": "failed", "a/other": "ran" });
});

for (const keepGoing of [false, true]) {
  test(`a failure takes what was made of it before: no stale image survives${keepGoing ? " (-k)" : ""}`, async () => {
    const machine = machineWith({ x: "1", y: "2" });
    const actions = { a: [...chain("a", "x"), step("a", "other", ["y"])] };
    await go(machine, { actions });
    machine.disk.write("x", "bad");
    await go(machine, { actions }, { keepGoing });
    assert.equal([...machine.disk.tree(".fb").keys()], [out("a", "other")]);
    machine.disk.write("x", "1");
    const fixed = await go(machine, { actions });
    assert.equal(statuses(fixed), { "a/x.o": "hit", "a/app.elf": "hit", "a/app.hex": "hit" });
  });
}

test("an image that is planned only after the failure goes, too", async () => {
  const machine = machineWith({ x: "1", list: "l" });
  const late = planOf("a", "late", [out("a", "list")]);
  const [object, elf, hex] = chain("a", "x");
  const actions = { a: [object, step("a", "list", ["list"]), late] as ActionSpec[], late: [elf, hex] as ActionSpec[] };
  const goals: Goal[] = ["all"].map((target) => ({ env: "a", profile: "release", target }));
  await go(machine, { actions }, { goals });
  assert.ok(machine.disk.isFile(out("a", "app.hex")));
  machine.disk.write("x", "bad");
  machine.disk.write("list", "m");
  await go(machine, { actions }, { goals, keepGoing: true });
  assert.not(machine.disk.isFile(out("a", "app.hex")));
  assert.not(machine.disk.isFile(out("a", "app.elf")));
});

test("an image of a plan that never came to be planned goes, too", async () => {
  const machine = machineWith({ x: "1", list: "l" });
  const [object, elf, hex] = chain("a", "x");
  const actions = {
    a: [object, step("a", "list", ["list"]), planOf("a", "late", [out("a", "list")])] as ActionSpec[],
    late: [elf, hex] as ActionSpec[],
  };
  await go(machine, { actions });
  machine.disk.write("list", "bad");
  const { events } = await go(machine, { actions }, { keepGoing: true });
  assert.equal([...machine.disk.tree(".fb").keys()], [out("a", "x.o")]);
  assert.ok(events.filter((e) => e.type === "plan").pop()?.final);
});

test("on cancellation only the outputs of what was cancelled go", async () => {
  const machine = machineWith({ x: "1", y: "2" });
  const actions = { a: [...chain("a", "x"), step("a", "other", ["y"])] };
  await go(machine, { actions });
  machine.disk.write("x", "3");
  const stop = new AbortController();
  const observed = await go(machine, { actions, between: () => stop.abort() }, {}, stop);
  assert.equal(statuses(observed), { "a/x.o": "cancelled" });
  assert.ok(observed.outcome.cancelled);
  assert.equal([...machine.disk.tree(".fb").keys()], [out("a", "app.elf"), out("a", "app.hex"), out("a", "other")]);
});

test("what ended well when Ctrl-C came is kept", async () => {
  const machine = machineWith({ x: "1" });
  const stop = new AbortController();
  const once = atOnce((argv, disk) => {
    disk.write(argv[0] ?? "", "whole");
    stop.abort();
    return { code: 0, log: "" };
  });
  const actions = { a: [step("a", "x.o", ["x"], { argv: ["once", out("a", "x.o")] })] };
  const observed = await go(machine, { actions, programs: { once } }, {}, stop);
  assert.equal(statuses(observed), { "a/x.o": "ran" });
  assert.is(machine.disk.text(out("a", "x.o")), "whole");
});

test("depfile and response file of a cancelled action go with it", async () => {
  const machine = machineWith({ x: "1" });
  const stop = new AbortController();
  const compile: Program = function* (_, disk) {
    disk.write(out("a", "x.d"), "x.o: x");
    yield;
    return { code: 0, log: "" };
  };
  const action = step("a", "x.o", ["x"], {
    argv: ["compile"],
    rspfile: { path: out("a", "x.rsp") as ProjectPath, text: "-O2" },
    discover: { by: "depfile", path: out("a", "x.d") as ProjectPath, quote: [], search: [] },
  });
  await go(machine, { actions: { a: [action] }, programs: { compile }, between: () => stop.abort() }, {}, stop);
  assert.equal([...machine.disk.tree(".fb").keys()], []);
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

test("a dead output is gone before another action can read it, though a second plan is still open", async () => {
  const machine = machineWith({ x: "1", list: "l" });
  const peek = atOnce((argv, disk) => {
    const found = disk.read(out("a", "dead")) !== null;
    disk.write(argv[0] ?? "", found ? "dead seen" : "clean");
    disk.write(out("a", "p.d"), `p: ${found ? out("a", "dead") : ""}`);
    return { code: 0, log: "" };
  });
  const peeker = (waits: readonly string[]) =>
    step("a", "p", ["x"], {
      argv: ["peek", out("a", "p")],
      orderOnly: paths(...waits),
      discover: { by: "depfile", path: out("a", "p.d") as ProjectPath, quote: [], search: [] },
    });
  const late = [step("a", "list", ["list"]), planOf("a", "late", [out("a", "list")])];
  await go(machine, {
    actions: { a: [step("a", "dead", ["x"]), peeker([out("a", "dead")]), ...late], late: [step("a", "end", ["x"])] },
    programs: { peek },
  });
  assert.is(machine.disk.text(out("a", "p")), "dead seen");
  await go(machine, { actions: { a: [peeker([]), ...late], late: [step("a", "end", ["x"])] }, programs: { peek } });
  assert.is(machine.disk.text(out("a", "p")), "clean");
});

test("what a second plan made stays in place while it is planned again", async () => {
  const machine = machineWith({ x: "1", list: "l" });
  const actions = { a: [step("a", "list", ["list"]), planOf("a", "late", [out("a", "list")])], late: [step("a", "end", ["x"])] };
  await go(machine, { actions });
  const again = await go(machine, { actions });
  assert.equal([again.outcome.counts.ran, again.outcome.counts.hits], [0, 0]);
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

test("a dry run changes nothing", async () => {
  const machine = machineWith({ x: "1" });
  const observed = await go(machine, { actions: { a: chain("a", "x") } }, { dryRun: true });
  assert.equal(statuses(observed), { "a/x.o": "ran", "a/app.elf": "ran", "a/app.hex": "ran" });
  assert.equal([...machine.disk.tree("/p").keys()], ["/p/x"]);
  assert.not(observed.outcome.trusted);
});

test("claims beyond what there is are met by all there is: no deadlock", async () => {
  const machine = machineWith({ x: "1" });
  const wide = step("a", "x.o", ["x"], { claims: [{ on: "cpu", units: 64 }] });
  for (const jobs of [0, 1, 3])
    assert.is((await go(machine, { actions: { a: [wide] } }, { jobs, records: "fresh" })).outcome.counts.ran, 1);
});

test("no more actions at once than jobs, and the claim of a device is exclusive", async () => {
  const machine = machineWith({ x: "1" });
  const actions = {
    a: Array.from({ length: 20 }, (_, i) => step("a", `o${i}`, ["x"], { argv: ["copy", out("a", `o${i}`), "x", String(i)] })),
  };
  const { events } = await go(machine, { actions }, { jobs: 3 });
  let now = 0;
  let most = 0;
  for (const e of events) {
    if (e.type === "start") most = Math.max(most, ++now);
    if (e.type === "end") now--;
  }
  assert.is(most, 3);
  const device = Array.from({ length: 4 }, (_, i) =>
    step("a", `f${i}`, ["x"], { sharing: "never", claims: [{ on: "device", device: "/dev/x", mode: "exclusive" }] }),
  );
  const flashed = await go(machine, { actions: { a: device } }, { jobs: 4 });
  assert.is(
    flashed.events.findIndex((e) => e.type === "start") + 1,
    flashed.events.findIndex((e) => e.type === "end"),
  );
});

test("the longest way starts first", async () => {
  const machine = machineWith({ x: "1" });
  const actions = { a: [step("a", "short", ["x"]), ...chain("a", "x")] };
  const { events } = await go(machine, { actions }, { jobs: 1 });
  assert.is(events.find((e) => e.type === "start")?.label, "x.o");
});

test("a target that no plan names: what there is instead", async () => {
  const machine = machineWith({ x: "1" });
  const { outcome } = await go(
    machine,
    { actions: { a: chain("a", "x") } },
    { goals: [{ env: "a", profile: "release", target: "firmwear" }] },
  );
  assert.is(outcome.failures[0]?.code, "target.unknown");
  assert.match(outcome.failures[0]?.hint ?? "", ":all");
});

test("goals: a path, a path in @out, and what is made from a path", async () => {
  for (const [target, want] of [
    [out("a", "app.elf"), ["a/x.o", "a/app.elf"]],
    ["@out/x.o", ["a/x.o"]],
    ["x^", ["a/x.o"]],
  ] as const) {
    const observed = await go(
      machineWith({ x: "1" }),
      { actions: { a: chain("a", "x") } },
      { goals: [{ env: "a", profile: "release", target }] },
    );
    assert.equal(Object.keys(statuses(observed)), [...want]);
  }
});

test("a target is all that its plans say of it", async () => {
  const machine = machineWith({ x: "1", y: "2" });
  const actions = { a: [step("a", "one", ["x"]), planOf("a", "late", [out("a", "one")])], late: [step("a", "two", ["y"])] };
  const { outcome } = await go(machine, { actions });
  assert.equal([...outcome.resolved.values()], [[out("a", "one"), out("a", "two")]]);
  assert.is(outcome.counts.ran, 2);
});

test("a bug is thrown to the caller, not swallowed", async () => {
  const machine = machineWith({ x: "1" });
  try {
    await go(machine, { actions: { a: chain("a", "x") }, broken: true });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, "a bug");
  }
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
