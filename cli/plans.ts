/** The plans of a run: which envs it builds, and the action that each begins with. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { ActionSpec, Planned, Planner, ProjectPath, Result } from "../engine/types.ts";
import { nearest } from "../rules/nearest.ts";
import { planEnv } from "../rules/plan-env.ts";
import type { Project } from "../rules/project.ts";
import type { RunCommand } from "./command.ts";
import { buildId } from "./home.ts";
import { hashing } from "./host/hash.ts";
import type { PlanInput } from "./plan-input.ts";

/** The envs that targets and flags name, else default_envs, else all, in file order. */
export function wantedEnvs(project: Project, command: Pick<RunCommand, "envs" | "targets">): Result<readonly string[]> {
  const all = [...project.envs.keys()];
  const named = [...command.envs, ...command.targets.flatMap((t) => (t.env === null ? [] : [t.env]))];
  const chosen = named.length > 0 ? named : project.defaultEnvs.length > 0 ? project.defaultEnvs : all;
  if (all.length === 0) {
    return fail(
      failure("env.none", 3, "platformio.ini has no [env:NAME] section", {
        file: "platformio.ini",
        line: 1,
        hint: "add one, as `[env:uno]`",
      }),
    );
  }
  const unknown = chosen.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, all);
    const hint = near.length > 0 ? `did you mean ${near.map((n) => `"${n}"`).join(" or ")}?` : `its envs: ${all.join(" ")}`;
    const fromIni = named.length === 0;
    const place = fromIni ? { ...project.config.origin("platformio", "default_envs", unknown), hint } : { hint };
    return fail(failure("env.unknown", fromIni ? 3 : 2, `platformio.ini has no env "${unknown}"`, place));
  }
  return ok(all.filter((name) => chosen.includes(name)));
}

/** The first plan of an env: its key holds everything that planInput found, and fb's own build. */
export function planAction(env: string, profile: string, input: PlanInput): ActionSpec {
  const text = JSON.stringify(input.plan, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  return { ...plan(env, profile), sharing: "folder", argv: ["plan", "env", hashing.sha256(text)] };
}

/**
 * What an env begins with whose packages are not all here: it grows what fetches them, and itself again after these, until the env can be planned. step: how often it
 * has grown; after: what it waits for.
 */
export function packagesAction(env: string, profile: string, step: number, after: readonly ProjectPath[]): ActionSpec {
  const name = `${env}/${profile}/packages-${step}`;
  return {
    ...plan(env, profile),
    name,
    label: `packages of ${env}`,
    sharing: "never",
    argv: ["plan", "packages", String(step)],
    orderOnly: after,
  };
}

/** The plan of an env of which nothing but the packages is wanted. */
export function emptyPlan(env: string, profile: string): ActionSpec {
  return { ...plan(env, profile), name: `${env}/${profile}/deps`, sharing: "never", argv: ["plan", "deps"] };
}

function plan(env: string, profile: string): Omit<ActionSpec, "sharing" | "argv"> {
  return {
    name: `${env}/${profile}/plan`,
    kind: "plan",
    label: `plan ${env}`,
    env,
    profile,
    vars: {},
    unkeyed: { argv: [], vars: {} },
    rspfile: null,
    inputs: [],
    orderOnly: [],
    outputs: [],
    tool: hashing.sha256(buildId),
    rule: hashing.sha256("plan"),
    discover: { by: "nothing" },
    claims: [],
  };
}

/** Plans envs by what was found for each; a plan of another env is a bug. packages: grows those of packagesAction. */
export function plannerOf(inputs: ReadonlyMap<string, PlanInput>, packages: (action: ActionSpec) => Promise<Result<Planned>>): Planner {
  return {
    plan: (action, io) => {
      if (action.argv[1] === "packages") return packages(action);
      if (action.argv[1] === "deps") return ok({ actions: [], targets: {}, notes: [] });
      const input = inputs.get(action.env);
      if (input === undefined) throw new Error(`no input for the plan of ${action.env}`);
      return planEnv(input.plan, io, (text) => hashing.sha256(text));
    },
  };
}
