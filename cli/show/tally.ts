/** What a display knows of a run from its events: how far it is, what runs now and since when. */
import type { Event, Kind } from "../../engine/types.ts";
import { bringsPackage } from "./package-events.ts";
import { Pulls } from "./pulls.ts";
import { oneLine } from "./text.ts";

export interface Running {
  readonly name: string;
  readonly kind: Kind;
  /** On the display's clock, ms. */
  readonly since: number;
  /** Of a flash or the like; total null when it is not known. */
  readonly done: number;
  readonly total: number | null;
  /** What it is busy with; null where that goes without saying. */
  readonly at: string | null;
  readonly argv: readonly string[] | null;
}

export class Tally {
  total = 0;
  ran = 0;
  hits = 0;
  failed = 0;
  /** Monitors that have begun. */
  watched = 0;
  cancelled = 0;
  readonly running = new Map<number, Running>();
  readonly pulls = new Pulls();
  /** Actions that bring packages: they are shown as these. */
  private readonly bringing = new Map<number, readonly string[] | null>();
  private readonly upToDate: () => number;

  /** `upToDate`: how many actions are known to need nothing; there are no events for them. */
  constructor(upToDate: () => number) {
    this.upToDate = upToDate;
  }

  get done(): number {
    return this.ran + this.hits + this.failed + this.cancelled + this.upToDate();
  }

  get waiting(): number {
    return Math.max(0, this.total - this.done - this.running.size - this.bringing.size);
  }

  take(e: Event, now: number): void {
    switch (e.type) {
      case "plan":
        this.total = e.actions;
        return;
      case "start":
        if (e.kind === "monitor") this.watched++;
        if (bringsPackage(e.kind)) this.bringing.set(e.id, e.argv ?? null);
        else this.running.set(e.id, { name: nameOf(e), kind: e.kind, since: now, done: 0, total: null, at: null, argv: e.argv ?? null });
        return;
      case "progress": {
        const running = this.running.get(e.id);
        if (running !== undefined) this.running.set(e.id, { ...running, done: e.done, total: e.total, at: e.at });
        return;
      }
      case "end":
        this.running.delete(e.id);
        this.bringing.delete(e.id);
        if (e.status === "ran") this.ran++;
        else if (e.status === "failed") this.failed++;
        else if (e.status === "cancelled") this.cancelled++;
        else this.hits++;
        return;
      case "fetch":
        this.pulls.take(e, now);
        return;
    }
  }

  /** The command of an action that runs, where it is told. */
  argvOf(id: number): readonly string[] | null {
    return this.running.get(id)?.argv ?? this.bringing.get(id) ?? null;
  }

  /** What has been running longest comes first. */
  longest(): Running[] {
    return [...this.running.values()].sort((a, b) => a.since - b.since);
  }
}

/** `compile uno src/main.cpp`: one line, safe to print. */
export function nameOf(action: { readonly kind: Kind; readonly env: string; readonly label: string }): string {
  return oneLine([action.kind, action.env, action.label].filter((w) => w !== "").join(" "));
}
