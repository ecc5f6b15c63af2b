/** What a display knows of a run from its events: how far it is, what runs now and since when. */
import type { Event, Kind } from "../../engine/types.ts";
import { oneLine } from "./text.ts";

export interface Running {
  readonly name: string;
  readonly kind: Kind;
  /** On the display's clock, ms. */
  readonly since: number;
  /** Of a flash or the like; total null when it is not known. */
  readonly done: number;
  readonly total: number | null;
  readonly argv: readonly string[] | null;
}

export interface Pull {
  readonly name: string;
  readonly state: "waiting" | "downloading" | "unpacking" | "installing";
  readonly since: number;
  readonly bytes: number;
  readonly total: number | null;
}

export class Tally {
  total = 0;
  ran = 0;
  hits = 0;
  failed = 0;
  cancelled = 0;
  readonly running = new Map<number, Running>();
  readonly pulls = new Map<string, Pull>();
  private readonly upToDate: () => number;

  /** `upToDate`: how many actions are known to need nothing; there are no events for them. */
  constructor(upToDate: () => number) {
    this.upToDate = upToDate;
  }

  get done(): number {
    return this.ran + this.hits + this.failed + this.cancelled + this.upToDate();
  }

  get waiting(): number {
    return Math.max(0, this.total - this.done - this.running.size);
  }

  take(e: Event, now: number): void {
    switch (e.type) {
      case "plan":
        this.total = e.actions;
        return;
      case "start":
        this.running.set(e.id, { name: nameOf(e), kind: e.kind, since: now, done: 0, total: null, argv: e.argv ?? null });
        return;
      case "progress": {
        const running = this.running.get(e.id);
        if (running !== undefined) this.running.set(e.id, { ...running, done: e.done, total: e.total });
        return;
      }
      case "end":
        this.running.delete(e.id);
        if (e.status === "ran") this.ran++;
        else if (e.status === "failed") this.failed++;
        else if (e.status === "cancelled") this.cancelled++;
        else this.hits++;
        return;
      case "fetch": {
        const name = pullName(e);
        if (e.state === "done" || e.state === "failed") this.pulls.delete(name);
        else this.pulls.set(name, { name, state: e.state, since: this.pulls.get(name)?.since ?? now, bytes: e.bytes, total: e.total });
        return;
      }
    }
  }

  /** What has been running longest comes first. */
  longest(): Running[] {
    return [...this.running.values()].sort((a, b) => a.since - b.since);
  }
}

export function pullName(e: { readonly package: string; readonly version: string }): string {
  return oneLine(`${e.package} ${e.version}`);
}

/** `compile uno src/main.cpp`: one line, safe to print. */
export function nameOf(action: { readonly kind: Kind; readonly env: string; readonly label: string }): string {
  return oneLine([action.kind, action.env, action.label].filter((w) => w !== "").join(" "));
}
