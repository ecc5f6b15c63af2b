/** What a run is asked for, and what comes of it. */
import type { Counts } from "./action-events.ts";
import type { Files } from "./files.ts";
import type { Goal } from "./goals.ts";
import type { Graph, Outside } from "./graph.ts";
import type { Timeline } from "./timeline.ts";
import type { ActionId, ActionResult, ActionSpec, Failure, ProjectPath } from "./types.ts";

export interface RunRequest {
  /** The first plan of each env. */
  readonly plans: readonly ActionSpec[];
  readonly goals: readonly Goal[];
  readonly jobs: number;
  readonly keepGoing: boolean;
  /** Ignore recorded results: of the goals ("fresh"), of the cache but not of this project ("no-cache"). */
  readonly records: "use" | "fresh" | "no-cache";
  /** Decide, but run nothing but plans. */
  readonly dryRun: boolean;
  /** Names the command in start events. */
  readonly commands: boolean;
  /** Names the causes in end events. */
  readonly causes: boolean;
  /** Counted up while the run goes on: actions found in place have no events. */
  readonly progress: { upToDate: number };
  /** Told when each action did what; null: nobody wants to know. */
  readonly timeline: Timeline | null;
  /** What an effect that a plan gave stands for in this run: itself, or one for each of several devices; null: every one for itself. */
  readonly bind: ((effect: ActionSpec) => readonly ActionSpec[]) | null;
  /** Called once, before the first monitor begins: every file is made, and no state is written after it. Not called where nothing is monitored. */
  readonly onMade: ((outcome: RunOutcome) => Promise<void>) | null;
  /** Instead of plans and goals, which are empty then. */
  readonly resume: Resume | null;
}

/** The actions of a kept graph that a few changed files reach: what a run looks at instead of plans and goals. */
export interface Resume {
  /** In the order of the graph; no plans. */
  readonly specs: readonly ActionSpec[];
  readonly outside: Outside;
  /** Actions outside, all up to date. */
  readonly upToDate: number;
  readonly builds: readonly { readonly env: string; readonly profile: string }[];
  /** What is known of the files already. */
  readonly files: Files;
}

export interface RunOutcome {
  readonly graph: Graph;
  readonly files: Files;
  readonly failures: readonly Failure[];
  readonly cancelled: boolean;
  /** False when the next run must look again: something changed during this one, failed, or was only pretended. */
  readonly trusted: boolean;
  /** Something that an action read changed while it ran, to the end. */
  readonly disturbed: boolean;
  readonly counts: Counts & { readonly actions: number };
  /** What each goal turned out to stand for. */
  readonly resolved: ReadonlyMap<Goal, readonly ProjectPath[]>;
  /** Target names of each env. */
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, readonly ProjectPath[]>>;
  /** Every needed action that is settled, with its result. */
  readonly results: ReadonlyMap<ActionId, ActionResult>;
}
