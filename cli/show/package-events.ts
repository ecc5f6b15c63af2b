/** What the engine says of the actions that bring packages, told of each package: the `fetch` events of the command-line contract, at most ten a second for each. */
import type { ActionId, Event, EventSink, Kind } from "../../engine/types.ts";

/** The kinds of actions that bring a package, in their order. */
const PACKAGE_KINDS = ["fetch", "extract", "install"] as const;
type PackageKind = (typeof PACKAGE_KINDS)[number];
type FetchEvent = Extract<Event, { type: "fetch" }>;

const STATES: Readonly<Record<PackageKind, FetchEvent["state"]>> = { fetch: "downloading", extract: "unpacking", install: "installing" };
const EVERY_MS = 100;

export function bringsPackage(kind: Kind): kind is PackageKind {
  return (PACKAGE_KINDS as readonly Kind[]).includes(kind);
}

/** Passes everything on, with `fetch` events beside; `progress` of packages and `queued` are in them and end here. now: as of the displays. */
export function packageEvents(sink: EventSink, now: () => number): EventSink {
  const packages = new Map<string, Bringing>();
  const byAction = new Map<ActionId, Bringing>();
  const of = (label: string): Bringing => {
    let found = packages.get(label);
    if (found === undefined) {
      const at = label.lastIndexOf(" ");
      found = new Bringing(label.slice(0, at), label.slice(at + 1), sink, now);
      packages.set(label, found);
    }
    return found;
  };
  return {
    emit(e) {
      switch (e.type) {
        case "queued":
          if (bringsPackage(e.kind)) of(e.label).is("waiting", e.t);
          return;
        case "progress": {
          const bringing = byAction.get(e.id);
          if (bringing === undefined) break;
          return bringing.progress(e);
        }
        case "start":
          if (!bringsPackage(e.kind)) break;
          sink.emit(e);
          byAction.set(e.id, of(e.label));
          return of(e.label).is(STATES[e.kind], e.t);
        case "end":
          if (!bringsPackage(e.kind)) break;
          byAction.delete(e.id);
          of(e.label).settle(e.t);
          sink.emit(e);
          if (e.status === "failed") of(e.label).is("failed", e.t);
          else if (e.status === "ran" && e.kind === "install") of(e.label).is("done", e.t);
          return;
      }
      sink.emit(e);
    },
  };
}

class Bringing {
  private readonly package: string;
  private readonly version: string;
  private readonly sink: EventSink;
  private readonly now: () => number;
  private state: FetchEvent["state"] | null = null;
  private bytes = 0;
  private total: number | null = null;
  private from: string | null = null;
  private saidAt = Number.NEGATIVE_INFINITY;
  private heldBack = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(name: string, version: string, sink: EventSink, now: () => number) {
    this.package = name;
    this.version = version;
    this.sink = sink;
    this.now = now;
  }

  is(state: FetchEvent["state"], t: number): void {
    if (this.state === state) return;
    if (state === "unpacking") this.bytes = 0;
    this.state = state;
    this.say(t);
  }

  progress({ t, done, total, at }: Extract<Event, { type: "progress" }>): void {
    const moved = at !== null && at !== this.from;
    this.bytes = done;
    this.total = total;
    if (at !== null) this.from = at;
    if (moved || this.now() - this.saidAt >= EVERY_MS) this.say(t);
    else {
      this.heldBack = true;
      // Nothing more may come for long: the server stalls.
      this.timer ??= setTimeout(() => this.settle(t + EVERY_MS), EVERY_MS).unref();
    }
  }

  /** Says the last of a state before the next one begins. */
  settle(t: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.heldBack) this.say(t);
  }

  private say(t: number): void {
    const { package: name, version, bytes, total, state, from } = this;
    if (state === null) throw new Error(`${name} has no state yet`);
    this.saidAt = this.now();
    this.heldBack = false;
    this.sink.emit({ t, type: "fetch", package: name, version, bytes, total, state, from });
  }
}
