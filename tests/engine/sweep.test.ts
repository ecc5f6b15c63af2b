/** What is removed, and when, by small named cases. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Goal } from "../../engine/goals.ts";
import type { ActionSpec, ProjectPath } from "../../engine/types.ts";
import { atOnce, type Program } from "./machine.ts";
import { paths } from "./spec.ts";
import { out, step, planOf, go, statuses, machineWith, chain } from "./cases.ts";

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

test.run();
