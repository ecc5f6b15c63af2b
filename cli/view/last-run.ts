/** What the last run that did something did, action by action, why, and by what ways: from the project's history, as `fb explain` tells it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Run } from "../../engine/run-record.ts";
import { LocalState } from "../../cache/state.ts";
import type { Cause } from "../../engine/types.ts";
import { type ExplainedAction, explain, Past } from "../explain/explain.ts";
import { scanner } from "../explain/scanner.ts";

export interface LastRun extends Pick<Run, "run" | "time" | "request" | "status" | "ms" | "counts"> {
  /** By label. chain: from each first cause to the action. */
  readonly actions: ReadonlyMap<
    string,
    {
      readonly status: ExplainedAction["status"];
      readonly ms: number;
      readonly why: readonly Cause[];
      readonly chain: ExplainedAction["chain"];
    }
  >;
}

/** Null where there is none. folder: the project's. */
export function lastRun(folder: string): LastRun | null {
  if (!existsSync(join(folder, ".fb/state/history"))) return null;
  const state = LocalState.open(join(folder, ".fb"));
  if (!state.ok) return null;
  const past = new Past(state.value, scanner(folder));
  const [last] = past.runs;
  if (last === undefined) return null;
  const { run, time, request, status, ms, counts } = last;
  const took = new Map(past.actions(last).map((a) => [a.label, a.was.ms]));
  const told = explain(past, last, "", null).actions.filter((a) => !a.cutoff);
  const actions = told.map(({ label, status: did, why, chain }) => [label, { status: did, ms: took.get(label) ?? 0, why, chain }] as const);
  return { run, time, request, status, ms, counts, actions: new Map(actions) };
}
