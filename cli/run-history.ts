/** Keeps what a run did in the project's history, for `fb explain`: its ends of actions, and where what they saw is kept. */
import type { Run, RunAction } from "../engine/run-record.ts";
import type { LocalState } from "../cache/state.ts";
import type { RunOutcome } from "../engine/run-request.ts";
import type { ActionId, Cause, Event, RunResult } from "../engine/types.ts";

type End = Event & { readonly type: "end" };

/** About the run beside what its events say. */
export interface RunFacts extends Pick<Run, "request" | "builds" | "tools"> {
  readonly began: Date;
}

export class RunRecorder {
  private readonly ends = new Map<ActionId, End>();

  /** Takes an event of the run. */
  note(event: Event): void {
    if (event.type === "end") this.ends.set(event.id, event);
  }

  /** Adds the run to the history, if it did anything, after the state was flushed. */
  keep(state: LocalState, { graph, resolved, results }: RunOutcome, result: RunResult, { began, ...facts }: RunFacts): void {
    if (this.ends.size === 0) return;
    const actions = [...this.ends.values()].map(({ id, kind, env, label, status, ms, why }): RunAction => {
      const { name } = graph.node(id).spec;
      const seen = status === "failed" || status === "cancelled" ? null : state.changed(name);
      // What evidence tells is worked out when it is asked for.
      const kept = seen === null ? why : why.filter(({ cause }) => UNSEEN.has(cause));
      const origin = status === "hit" ? (results.get(id)?.origin ?? null) : null;
      return {
        name,
        kind,
        env,
        label,
        status,
        ms,
        why: kept,
        origin,
        before: seen === null ? state.evidenceRef(name) : seen.before,
        after: seen?.after ?? null,
        same: seen?.same ?? false,
      };
    });
    const targets: Record<string, Record<string, readonly string[]>> = {};
    for (const [goal, paths] of resolved) targets[goal.env] = { ...targets[goal.env], [goal.target]: paths };
    const links: Record<string, string> = {};
    for (const { id, kind } of this.ends.values()) {
      const { env, profile } = graph.node(id).spec;
      const program = kind === "link" ? results.get(id)?.outputs[0] : undefined;
      if (program !== undefined) links[`${env}/${profile}`] = program.digest;
    }
    const { actions: count, ran, hits, upToDate, failed, status, ms } = result;
    state.addRun({
      time: began.toISOString(),
      status,
      ms,
      counts: { actions: count, ran, hits, upToDate, failed },
      targets,
      ...facts,
      actions,
      links,
      plans: plansOf(facts.builds, state),
      gone: state.gone(),
    });
  }
}

/** Of envs that were planned, now or earlier. After flush(). */
export function plansOf(builds: Run["builds"], state: LocalState): Run["plans"] {
  return Object.fromEntries(
    builds.flatMap(({ env, profile }) => {
      const ref = state.evidenceRef(`${env}/${profile}/plan`);
      return ref === null ? [] : [[`${env}/${profile}`, ref]];
    }),
  );
}

/** Causes that nothing shows which an action saw; all others are found by comparing that. */
const UNSEEN: ReadonlySet<Cause["cause"]> = new Set(["output-missing", "output-changed", "forced", "evicted"]);
