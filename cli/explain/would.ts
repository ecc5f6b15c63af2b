/** `fb explain -n`: what would run now, from the events of a dry run. */
import { type Acted, Chains, firstCauses } from "../../engine/explain.ts";
import { actionLabel } from "../../engine/label.ts";
import type { RunOutcome } from "../../engine/run.ts";
import type { Event } from "../../engine/types.ts";
import type { Explanation, Past } from "./explain.ts";

/** events: of a dry run that named its causes. */
export function explainDry(events: readonly Event[], { graph }: RunOutcome, past: Past, target: string): Explanation {
  const acted = events.flatMap((e): Acted[] => {
    if (e.type !== "end") return [];
    const { spec } = graph.node(e.id);
    return [
      {
        name: spec.name,
        label: actionLabel(spec),
        kind: e.kind,
        env: e.env,
        status: e.status,
        outputs: e.outputs,
        causes: e.why,
        same: false,
      },
    ];
  });
  const chains = new Chains([acted, ...past.runs.map((run) => past.actions(run))], new Map());
  const found = acted.map((a) => ({ a, chains: chains.of(a) }));
  return {
    run: null,
    target,
    first: firstCauses(found.flatMap((f) => f.chains)),
    actions: found.map(({ a: { label, status, causes }, chains: of }) => ({
      ...{ label, status, cutoff: false, origin: null },
      ...{ why: causes, chain: of.map((c) => c.path) },
    })),
  };
}
