/** The names that templates of the rules may use in an env. */
import { UNIX_TIME } from "../engine/execute.ts";
import type { EnvPlan } from "./env-plan.ts";
import type { Bound } from "./expand.ts";
import { imageName } from "./plan-actions.ts";
import type { Resolved } from "./resolve.ts";
import { FLAG_SCOPES, type FlagScope } from "./schema.ts";

/** What stands before anything is resolved: names that rules may use and that `when` looks at. */
export function namesOf(plan: EnvPlan): ReadonlyMap<string, Bound> {
  const names = new Map<string, Bound>([
    ...plan.names,
    ...[...plan.tools].map(([name, tool]) => [`tool.${name}`, tool.folder] as const),
    ["env", plan.env],
    ["profile", plan.profile],
    ["framework", plan.frameworkFolder],
    ["framework.version", plan.frameworkVersion],
    ["framework.numbers", plan.frameworkVersion.split(".")],
  ]);
  if (plan.variantFolder !== null) names.set("variant", plan.variantFolder);
  return names;
}

/** The paths of an env's images by their kind. build: its folder of outputs. */
export function imagesOf(plan: EnvPlan, resolved: Resolved, build: string): ReadonlyMap<string, string> {
  return new Map(["elf", "hex", "bin", "uf2"].map((kind) => [kind, `${build}/${imageName(plan, resolved, kind)}`]));
}

/** `known` with what is made of it: places of outputs, and what board and user say. */
export function templateNames(
  plan: EnvPlan,
  known: ReadonlyMap<string, Bound>,
  resolved: Resolved,
  build: string,
  said: { readonly defined: readonly string[]; readonly user: (scope: FlagScope) => readonly string[] },
): ReadonlyMap<string, Bound> {
  return new Map<string, Bound>([
    ...known,
    ["build", build],
    ["gen", `${build}/gen`],
    ["unix_time", UNIX_TIME],
    ["defined", said.defined],
    ["data", plan.dataDir],
    ...[...imagesOf(plan, resolved, build)].map(([kind, path]) => [`image.${kind}`, path] as const),
    // -U become undefines (compose).
    ...FLAG_SCOPES.map((each) => [`user.${each}`, said.user(each).filter((word) => !word.startsWith("-U"))] as const),
  ]);
}
