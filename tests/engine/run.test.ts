/** The run loop by small named cases: order, failure, cancellation, claims. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ends } from "./observe.ts";
import { atOnce, type Observed } from "./machine.ts";
import { out, step, go, statuses, machineWith, chain } from "./cases.ts";

test("a first run runs all, the second nothing", async () => {
  const machine = machineWith({ x: "1" });
  const first = await go(machine, { actions: { a: chain("a", "x") } });
  assert.equal(first.outcome.counts, { actions: 3, ran: 3, hits: 0, upToDate: 0, failed: 0 });
  const second = await go(machine, { actions: { a: chain("a", "x") } });
  assert.equal(second.outcome.counts, { actions: 3, ran: 0, hits: 0, upToDate: 3, failed: 0 });
  assert.equal(ends(second.events), []);
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

test("a bug is thrown to the caller, not swallowed", async () => {
  const machine = machineWith({ x: "1" });
  try {
    await go(machine, { actions: { a: chain("a", "x") }, broken: true });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, "a bug");
  }
});

test.run();
