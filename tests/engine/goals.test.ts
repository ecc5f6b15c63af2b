/** What targets stand for, by small named cases. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { out, step, planOf, go, statuses, machineWith, chain } from "./cases.ts";

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

test.run();
