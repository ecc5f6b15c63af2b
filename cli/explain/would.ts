/** `fb explain -n`: what would run now, from the events of a dry run. */
import type { LocalState } from "../../cache/state.ts";
import { type Acted, Chains, firstCauses } from "../../engine/explain.ts";
import type { Evidence } from "../../engine/key.ts";
import { actionLabel } from "../../engine/label.ts";
import { outFolder } from "../../engine/paths.ts";
import type { RunOutcome } from "../../engine/run-request.ts";
import type { ActionSpec, Cause, Event } from "../../engine/types.ts";
import { plansOf } from "../run-history.ts";
import type { Explanation, Past } from "./explain.ts";
import { hiddenAsVariables, type Gone, outputsOf, sourcesOf } from "./told.ts";

/** events: of a dry run that named its causes. wanted: names of the actions to tell of, null for all. */
export function explainDry(
  events: readonly Event[],
  { graph }: RunOutcome,
  past: Past,
  state: LocalState,
  target: string,
  wanted: ReadonlySet<string> | null,
): Explanation {
  const builds = [...new Map(graph.nodes.map(({ spec: { env, profile } }) => [`${env}/${profile}`, { env, profile }])).values()];
  const built = new Set(past.runs.flatMap((run) => run.builds.map(({ env, profile }) => `${env}/${profile}`)));
  const acted = events.flatMap((e): Acted[] => {
    if (e.type !== "end") return [];
    const { spec } = graph.node(e.id);
    const isNew = e.why.some((c) => c.cause === "first-build");
    return [
      {
        name: spec.name,
        label: actionLabel(spec),
        kind: e.kind,
        env: e.env,
        status: e.status,
        outputs: e.outputs,
        causes: isNew && built.has(`${spec.env}/${spec.profile}`) ? asNew(spec, e.why) : asTold(e.why),
        same: false,
        isNew,
      },
    ];
  });
  const gone = goneFrom(state, builds, (name) => graph.named(name) !== undefined);
  const plans = plansOf(builds, state);
  const chains = new Chains([acted, ...past.runs.map((run) => past.actions(run))], gone, (action, at) => {
    const run = past.runs[at - 1];
    return run === undefined ? past.replannedSince(action, plans, past.runs, acted, gone) : past.replanned(action, run);
  });
  const told = wanted === null ? acted : acted.filter((a) => wanted.has(a.name));
  const found = told.map((a) => ({ a, chains: chains.of(a) }));
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

/** In an env that was built before, what is new is its source. */
function asNew(spec: ActionSpec, why: readonly Cause[]): readonly Cause[] {
  const source = spec.inputs.find((r) => r.is === "file" && !r.path.startsWith(".fb/build/"));
  return source === undefined ? why : [{ cause: "input-added", file: source.path }];
}

function asTold(why: readonly Cause[]): readonly Cause[] {
  return [...why.filter((c) => !("arg" in c)), ...hiddenAsVariables(why.filter((c) => "arg" in c))];
}

/** What the outputs were made from of actions that have a last run and that nothing plans any more. */
function goneFrom(
  state: LocalState,
  builds: readonly Build[],
  isPlanned: (name: string) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const gone: Gone[] = [];
  for (const name of state.actions()) {
    const build = builds.find(({ env, profile }) => name.startsWith(`${env}/${profile}/`));
    const last = build === undefined || isPlanned(name) ? undefined : state.last(name);
    if (build === undefined || last === undefined) continue;
    const seen = JSON.parse(last.evidence) as Evidence;
    gone.push({ seen, outputs: outputsOf(seen, { name, env: build.env }), out: outFolder(build.env, build.profile) });
  }
  return sourcesOf(gone);
}

interface Build {
  readonly env: string;
  readonly profile: string;
}
