/** Actions that are run for what they do: when they start, what keeps them from it, and that nothing repeats them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ActionSpec, Event, Kind } from "../../engine/types.ts";
import { atOnce, type Observed } from "./machine.ts";
import { chain, go, machineWith, out, statuses, step } from "./cases.ts";

function effect(
  kind: Kind,
  name: string,
  { reads = [], device = "d" }: { reads?: readonly string[]; device?: string } = {},
  env = "a",
): ActionSpec {
  const argv = [name.includes("bad") ? "fails" : "does", name];
  const claims = [{ on: "device", device, mode: kind === "monitor" ? "monitor" : "exclusive" }] as const;
  return step(env, name, reads, { kind, sharing: "never", outputs: [], argv, claims });
}

const does = atOnce((argv) => ({ code: 0, log: `${argv[1]} done\n` }));
const fails = atOnce((argv) => ({ code: 1, log: `${argv[1]} failed` }));
const programs = { does, fails };

/** What began and ended, in order: "+name", "-name". */
function order({ events }: Observed): string[] {
  return events.flatMap((e: Event) => (e.type === "start" ? [`+${e.label}`] : e.type === "end" ? [`-${e.label}`] : []));
}

const IMAGE = out("a", "app.hex");

test("effects without inputs wait for all files of their env; a monitor for everything, after the host was told", async () => {
  const told: number[] = [];
  const observed = await go(
    machineWith({ x: "1", y: "2" }),
    {
      actions: {
        a: [
          effect("erase", "erase"),
          effect("monitor", "watch", { reads: [IMAGE] }),
          ...chain("a", "x"),
          effect("flash", "flash", { reads: [IMAGE] }),
        ],
        b: chain("b", "y"),
      },
      programs,
    },
    { jobs: 1, onMade: async (outcome) => void told.push(outcome.counts.ran) },
  );
  const seen = order(observed);
  const at = (what: string) => seen.indexOf(what);
  assert.ok(at("+erase") > seen.indexOf("-app.hex"), seen.join(" "));
  assert.ok(at("+flash") > at("-erase"), seen.join(" "));
  assert.is(at("+watch"), seen.length - 2, seen.join(" "));
  assert.equal(told, [8], "six files, erase and flash");
  assert.equal(observed.outcome.failures, []);
});

test("no effect of an env whose build failed, -k or not; another env's are performed", async () => {
  for (const keepGoing of [false, true]) {
    const actions = {
      a: [...chain("a", "x"), effect("erase", "erase"), effect("monitor", "watch")],
      b: [...chain("b", "y"), effect("flash", "flash b", { device: "e" }, "b")],
    };
    const observed = await go(machineWith({ x: "bad", y: "1" }), { actions, programs }, { keepGoing });
    assert.not("a/erase" in statuses(observed));
    assert.not("a/watch" in statuses(observed));
    assert.is(statuses(observed)["b/flash b"], "ran");
  }
});

test("a device that failed gets nothing more and its env is not watched; other devices go on", async () => {
  const actions = {
    a: [
      effect("erase", "bad erase", { device: "1" }),
      effect("flash", "flash 1", { device: "1" }),
      effect("flash", "flash 2", { device: "2" }),
      effect("monitor", "watch"),
    ],
  };
  const observed = await go(machineWith({}), { actions, programs });
  assert.equal(statuses(observed), { "a/bad erase": "failed", "a/flash 2": "ran" });
  assert.equal(
    observed.outcome.failures.map((f) => f.exit),
    [5],
  );
});

test("effects are performed in every run, once, though their input changes meanwhile", async () => {
  const machine = machineWith({ x: "1" });
  const actions = { a: [...chain("a", "x"), effect("flash", "flash", { reads: [IMAGE] })] };
  const spoils = atOnce((_, disk) => {
    disk.write(IMAGE, "spoiled meanwhile");
    return { code: 0, log: "" };
  });
  for (let i = 0; i < 2; i++) {
    const observed = await go(machine, { actions, programs: { does: spoils } });
    assert.equal(
      order(observed).filter((what) => what.endsWith("flash")),
      ["+flash", "-flash"],
    );
  }
});

test("bind gives one action for each device", async () => {
  const machine = machineWith({});
  const bind = (spec: ActionSpec): ActionSpec[] =>
    ["1", "bad 2", "3"].map((device) => ({
      ...spec,
      name: `${spec.name}@${device}` as ActionSpec["name"],
      label: device,
      argv: [device.startsWith("bad") ? "fails" : "does", device],
      claims: [{ on: "device", device, mode: "exclusive" }],
    }));
  const observed = await go(machine, { actions: { a: [effect("flash", "flash")] }, programs }, { bind });
  assert.equal(statuses(observed), { "a/1": "ran", "a/bad 2": "failed", "a/3": "ran" });
});

test("a dry run performs nothing", async () => {
  const observed = await go(
    machineWith({ x: "1" }),
    { actions: { a: [...chain("a", "x"), effect("flash", "flash", { reads: [IMAGE] })] }, programs },
    { dryRun: true },
  );
  assert.is(observed.events.filter((e) => e.type === "start").length, 0);
  assert.is(statuses(observed)["a/flash"], "ran");
});

test.run();
