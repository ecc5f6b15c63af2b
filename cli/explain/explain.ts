/** `fb explain`: of a run, what set it off and how that reached each action. The value of `--json`, which the display shows too. */
import type { Run } from "../../engine/run-record.ts";
import type { LocalState } from "../../cache/state.ts";
import { type Acted, type Chain, Chains, firstCauses, type Replanned } from "../../engine/explain.ts";
import type { Cause } from "../../engine/types.ts";
import { replanned } from "./replan.ts";
import { evidenceOf, goneIn, profileOf, tell, type Teller, type Told } from "./told.ts";
import type { Upstream } from "./upstream.ts";

export interface ExplainedAction {
  readonly label: string;
  readonly status: "ran" | "hit" | "remote-hit" | "up-to-date" | "failed" | "cancelled";
  /** What it takes was made again and is as it was, so it did not run. */
  readonly cutoff: boolean;
  /** Of a hit: the project or the remote that the result came from. */
  readonly origin: string | null;
  readonly why: readonly Cause[];
  readonly chain: readonly (readonly string[])[];
}

export interface Explanation {
  /** Null where nothing was run, only looked at. */
  readonly run: number | null;
  readonly target: string;
  readonly first: readonly Cause[];
  readonly actions: readonly ExplainedAction[];
}

/** Everything the history has, newest first, with the actions of each run told once they are asked for. */
export class Past {
  readonly runs: readonly Run[];
  private readonly teller: Teller;
  private readonly told = new Map<Run, Told[]>();

  constructor(state: LocalState, includesOf: Teller["includesOf"]) {
    this.runs = state.history.numbers().flatMap((number) => state.history.run(number) ?? []);
    this.teller = { state, includesOf, tools: Object.assign({}, ...this.runs.map((run) => run.tools)) as Record<string, string> };
  }

  /** Why the plan of an action's env is another one in a run than in the last run before it after which the action was as it should be. */
  replanned(action: Acted, run: Run): Replanned | null {
    return this.replannedSince(
      action,
      run.plans,
      this.runs.filter((r) => r.run < run.run),
      this.actions(run),
      this.gone(run),
    );
  }

  /** The same for plans that belong to no run. all: what acts with the action. */
  replannedSince(
    action: Acted,
    plans: Run["plans"],
    earlier: readonly Run[],
    all: readonly Acted[],
    gone: ReadonlyMap<string, readonly string[]>,
  ): Replanned | null {
    const build = `${action.env}/${profileOf(action)}`;
    const isRight = (r: Run) =>
      r.status === "ok" || r.actions.some((a) => a.name === action.name && (a.status === "ran" || a.status === "hit"));
    const before = earlier.find((r) => r.plans[build] !== undefined && isRight(r))?.plans[build];
    const now = plans[build];
    if (before === undefined || now === undefined || `${before}` === `${now}`) return null;
    const [was, is] = [evidenceOf(before, this.teller.state), evidenceOf(now, this.teller.state)];
    if (was === null || is === null) return null;
    return replanned(
      was,
      is,
      all.filter((a) => `${a.env}/${profileOf(a)}` === build),
      gone,
    );
  }

  gone(run: Run): ReadonlyMap<string, readonly string[]> {
    return goneIn(run, this.teller.state);
  }

  actions(run: Run): Told[] {
    let told = this.told.get(run);
    if (told === undefined) {
      const earlier = this.runs.filter((r) => r.run < run.run);
      const built = new Set(earlier.flatMap((r) => r.actions.map((a) => `${a.env}/${profileOf(a)}`)));
      // The oldest run that is kept was hardly the first.
      for (const action of run.actions) if (action.before !== null) built.add(`${action.env}/${profileOf(action)}`);
      told = tell(run, this.teller, built);
      this.told.set(run, told);
    }
    return told;
  }
}

/** upstream: of what was asked for, null for everything. */
export function explain(past: Past, run: Run, target: string, upstream: Upstream | null): Explanation {
  const earlier = past.runs.filter((r) => r.run < run.run);
  const all = past.actions(run);
  const runs = [run, ...earlier];
  const chains = new Chains(
    runs.map((r) => past.actions(r)),
    past.gone(run),
    (action, at) => past.replanned(action, runs[at] ?? run),
  );
  const wanted = upstream === null ? all : all.filter((a) => upstream.actions.has(a.name));
  const found = new Map<Told, readonly Chain[]>(wanted.map((a) => [a, chains.of(a)]));
  const actions = wanted.map((a): ExplainedAction => {
    const { status, origin } = a.was;
    return { label: a.label, status, cutoff: false, origin, why: a.causes, chain: (found.get(a) ?? []).map((c) => c.path) };
  });
  const kept = (upstream?.cutOff(all) ?? []).map(
    ({ label, by }): ExplainedAction => ({ label, status: "up-to-date", cutoff: true, origin: null, why: [], chain: [[by, label]] }),
  );
  return { run: run.run, target, first: firstCauses([...found.values()].flat()), actions: [...actions, ...kept] };
}
