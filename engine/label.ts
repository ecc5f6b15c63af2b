/** How people name the nodes of the graph: the labels of `fb query`, `fb explain` and `fb graph`, as the command-line contract has them. */
import { outFolder } from "./paths.ts";
import type { ActionSpec } from "./types.ts";

/** `compile:uno:src/main.cpp.o`: kind, env, first output below the output folder; an action without outputs has its own label there. */
export function actionLabel({
  kind,
  env,
  profile,
  outputs,
  label,
}: Pick<ActionSpec, "kind" | "env" | "profile" | "outputs" | "label">): string {
  const out = `${outFolder(env, profile)}/`;
  const [first = label] = outputs;
  return `${kind}:${env}:${first.startsWith(out) ? first.slice(out.length) : first}`;
}

/** `:firmware@uno`. */
export function targetLabel(name: string, env: string): string {
  return `:${name}@${env}`;
}

/** `pkg:NAME@VERSION`; without a version where nothing tells it. */
export function packageLabel(name: string, version: string): string {
  return version === "" ? `pkg:${name}` : `pkg:${name}@${version}`;
}
