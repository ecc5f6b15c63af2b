/** Small named cases of runs: actions that copy files, planned as a case says, on a machine in memory. */
import { ok } from "../../engine/failure.ts";
import type { Goal } from "../../engine/goals.ts";
import type { RunRequest } from "../../engine/run-request.ts";
import type { ActionSpec, Planned, ProjectPath } from "../../engine/types.ts";
import type { Random } from "../random.ts";
import { checkEvents, ends } from "./observe.ts";
import { Machine, type Observed, type Program, runOn, type Scenario } from "./machine.ts";
import { files, paths, spec } from "./spec.ts";

export const out = (env: string, name: string) => `.fb/build/${env}/release/${name}`;

/** An action that copies its inputs into its output; one whose first input says "bad" fails after half of its output. */
export function step(env: string, name: string, inputs: readonly string[], more: Partial<ActionSpec> = {}): ActionSpec {
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

export const copy: Program = function* (argv, disk) {
  const [output = "", ...inputs] = argv;
  disk.write(output, "half");
  yield;
  const text = inputs.map((i) => disk.read(i) ?? "").join("");
  if (text.includes("bad")) return { code: 1, log: "bad\n" };
  yield;
  disk.write(output, text);
  return { code: 0, log: `${output} done\n` };
};

export interface Case {
  readonly actions: Readonly<Record<string, readonly ActionSpec[]>>;
  readonly programs?: Readonly<Record<string, Program>>;
  readonly between?: () => void;
  readonly random?: Random;
  /** Plans that throw. */
  readonly broken?: boolean;
}

/** What the env's plan, and each plan among the actions by its name, plans. */
export function scenarioOf(c: Case): Scenario {
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
export function planOf(env: string, name = env, inputs: readonly string[] = [], version = ""): ActionSpec {
  return spec({
    name: `${env}/release/plan-${name}`,
    kind: "plan",
    env,
    argv: ["plan", name, version],
    inputs: files(...inputs),
    claims: [],
  });
}

export async function go(
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

export function statuses({ events }: Observed): Record<string, string> {
  return Object.fromEntries(ends(events).map((e) => [`${e.env}/${e.label}`, e.status]));
}

export function machineWith(there: Readonly<Record<string, string>>): Machine {
  const machine = new Machine();
  for (const [path, text] of Object.entries(there)) machine.disk.write(path, text);
  machine.disk.tick();
  return machine;
}

export const chain = (env: string, source: string) => [
  step(env, "x.o", [source]),
  step(env, "app.elf", [out(env, "x.o")], { kind: "link" }),
  step(env, "app.hex", [out(env, "app.elf")]),
];
