/** The times of one run, from the process's start to its end: moments of actions, and what fb did before, between and after them. */
import type { RunOutcome } from "../../engine/run-request.ts";
import type { Moment, Timeline } from "../../engine/timeline.ts";
import type { ActionId, ActionSpec, Event, Kind, Status } from "../../engine/types.ts";

/** A piece of time in a lane, in milliseconds since the process began. */
export interface Span {
  readonly what: "fb" | "hash" | "restore" | "run" | "record";
  readonly name: string;
  readonly lane: string;
  readonly from: number;
  readonly to: number;
  /** Null of what belongs to no action. */
  readonly action: Timed | null;
}

/** An action with its times; those that it never came to are null. */
export interface Timed {
  readonly id: ActionId;
  readonly spec: ActionSpec;
  /** Null of one that was kept in place, and of plans. */
  readonly status: Status | null;
  readonly times: Readonly<Partial<Record<Moment, number>>>;
  readonly needs: readonly ActionId[];
}

export class RunTimes implements Timeline {
  private readonly moments = new Map<ActionId, Partial<Record<Moment, number>>>();
  private readonly lanes = new Map<ActionId, string>();
  private readonly statuses = new Map<ActionId, Status>();
  private readonly laps: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  private last = 0;

  /** Milliseconds since the process began. */
  now(): number {
    return performance.now();
  }

  at(id: ActionId, moment: Moment): void {
    let times = this.moments.get(id);
    if (times === undefined) {
      times = {};
      this.moments.set(id, times);
    }
    times[moment] = this.now();
  }

  /** Takes an event of the run. */
  note(event: Event): void {
    if (event.type === "start") this.lanes.set(event.id, event.lane);
    if (event.type === "end") this.statuses.set(event.id, event.status);
  }

  /** What fb did since the last lap. name: null where it was the run of actions. */
  lap(name: string | null): void {
    const now = this.now();
    if (name !== null) this.laps.push({ name, from: this.last, to: now });
    this.last = now;
  }

  actions({ graph }: RunOutcome): Timed[] {
    return [...this.moments].map(([id, times]) => {
      const { spec, needs } = graph.node(id);
      return { id, spec, needs, times, status: this.statuses.get(id) ?? null };
    });
  }

  /** All spans, in lanes in which none overlaps another. */
  spans(actions: readonly Timed[]): Span[] {
    const own = this.laps.map((lap): Span => ({ ...lap, what: "fb", lane: "fb", action: null }));
    const found: Span[] = [];
    for (const action of actions) {
      const { deciding, decided, started, ended, settled } = action.times;
      const { kind, label } = action.spec;
      const name = kind === "plan" ? label : `${kind} ${label}`;
      const lane = poolOf(kind) ?? this.lanes.get(action.id) ?? "fb";
      const add = (what: Span["what"], from: number | undefined, to: number | undefined, where: string) => {
        if (from !== undefined && to !== undefined && to > from) found.push({ what, name, lane: where, from, to, action });
      };
      add("hash", deciding, decided, "fb");
      if (started === undefined) add("restore", decided, settled, "fb");
      else add("run", started, ended ?? settled, lane);
      add("record", ended, settled, "fb");
    }
    return [...own, ...found].sort((a, b) => a.from - b.from || b.to - a.to).map(inLanes());
  }
}

/** Downloads and archives have lanes of their own; null: the slot's. */
function poolOf(kind: Kind): string | null {
  return kind === "fetch" || kind === "extract" || kind === "install" ? kind : null;
}

/** Puts spans, by their begin, into the first lane of their kind that is free then: `fb`, `fb 2`. Slots keep theirs as far as they are free. */
function inLanes(): (span: Span) => Span {
  const busy = new Map<string, number>();
  return (span) => {
    let lane = span.lane;
    for (let n = 2; (busy.get(lane) ?? 0) > span.from; n++) lane = `${span.lane} ${n}`;
    busy.set(lane, span.to);
    return { ...span, lane };
  };
}
