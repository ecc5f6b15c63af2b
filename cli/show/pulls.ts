/** The packages that a run brings: which are under way, how far and how fast, and how many there are; and what is said of one in a line. */
import type { Event } from "../../engine/types.ts";
import { bytes, oneLine } from "./text.ts";
import { seconds } from "./time.ts";

type FetchEvent = Extract<Event, { type: "fetch" }>;

export interface Pull {
  /** Name and version, safe to print. */
  readonly name: string;
  readonly state: "waiting" | "downloading" | "unpacking" | "installing";
  /** When it was first worked at, on the display's clock, ms; null while it waits for that. */
  readonly since: number | null;
  /** Of the state. */
  readonly bytes: number;
  readonly total: number | null;
  readonly from: string | null;
  /** Something came over the network, or from a registry's client. */
  readonly downloaded: boolean;
  /** Bytes a second at `mark`. */
  readonly rate: number | null;
  readonly mark: { readonly at: number; readonly bytes: number };
}

const MARK_MS = 1000;

export class Pulls {
  readonly active = new Map<string, Pull>();
  done = 0;
  failed = 0;

  get count(): number {
    return this.active.size + this.done + this.failed;
  }

  /** What it was before the event; null for a new one. */
  take(e: FetchEvent, now: number): Pull | null {
    const name = pullName(e);
    const before = this.active.get(name) ?? null;
    const { state } = e;
    if (state === "done" || state === "failed") {
      this.active.delete(name);
      this[state]++;
      return before;
    }
    const { bytes: had, total, from } = e;
    const since = before?.since ?? (state === "waiting" ? null : now);
    const downloaded = before?.downloaded === true || (state === "downloading" && had > 0);
    const moved = before === null || before.state !== state || had < before.bytes || (before.bytes === 0 && had > 0);
    const marked = moved ? { mark: { at: now, bytes: had }, rate: null } : markOf(before, had, now);
    this.active.set(name, { name, state, since, bytes: had, total, from, downloaded, ...marked });
    return before;
  }

  /** What is worked at, the longest first, then what waits. */
  inOrder(): Pull[] {
    const at = (pull: Pull) => (pull.state === "waiting" ? Number.POSITIVE_INFINITY : (pull.since ?? 0));
    return [...this.active.values()].sort((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)));
  }

  /** `6 packages, 3 active, 2 done`. */
  footer(): string {
    const { count, done, failed } = this;
    const active = [...this.active.values()].filter((pull) => pull.state !== "waiting").length;
    const parts = [`${count} package${count === 1 ? "" : "s"}`, `${active} active`, `${done} done`];
    if (failed > 0) parts.push(`${failed} failed`);
    return parts.join(", ");
  }
}

function markOf({ mark, rate }: Pull, had: number, now: number): Pick<Pull, "mark" | "rate"> {
  const ms = now - mark.at;
  return ms < MARK_MS ? { mark, rate } : { mark: { at: now, bytes: had }, rate: ((had - mark.bytes) / ms) * 1000 };
}

/** Bytes a second, of about the last second; it falls while nothing comes. null: not known yet. */
export function rateOf({ state, bytes: had, total, mark, rate }: Pull, now: number): number | null {
  if (state !== "downloading" || had === 0 || had === total) return null;
  const ms = now - mark.at;
  return ms > 2 * MARK_MS || (rate === null && ms >= 500) ? ((had - mark.bytes) / ms) * 1000 : rate;
}

/** 0 to 1; null where nobody knows. */
export function shareOf({ bytes: had, total }: Pick<Pull, "bytes" | "total">): number | null {
  return total === null || total === 0 ? null : Math.min(1, had / total);
}

export function rateText(rate: number): string {
  return `${bytes(Math.max(0, Math.round(rate)))}/s`;
}

/** The version that an archive's address stands for says nothing to anybody. */
export function pullName(e: { readonly package: string; readonly version: string }): string {
  return oneLine(e.version.startsWith("0.0.0+url-") ? e.package : `${e.package} ${e.version}`);
}

/** `toolchain-atmelavr 7.3.0: downloading, 42% of 38.0 MB, 3.1 MB/s`. */
export function pullText(pull: Pull, now: number): string {
  const { name, state, bytes: had, total } = pull;
  const share = shareOf(pull);
  const parts: string[] = [state];
  if (share !== null && state !== "installing") parts.push(`${Math.floor(share * 100)}% of ${bytes(total ?? 0)}`);
  else if (had > 0 && state === "downloading") parts.push(bytes(had));
  const rate = rateOf(pull, now);
  if (rate !== null) parts.push(rateText(rate));
  return `${name}: ${parts.join(", ")}`;
}

/** `fetched toolchain-atmelavr 7.3.0: 57.2 MB in 10.2 s`, once it is there; null where there is nothing to say: the system's own is used. */
export function broughtText(e: FetchEvent, before: Pull | null, now: number): string | null {
  if (e.bytes === 0 && e.total === null) return null;
  const size = bytes(e.total ?? e.bytes);
  return `${before?.downloaded === true ? "fetched" : "unpacked"} ${pullName(e)}: ${size} in ${seconds(now - (before?.since ?? now))}`;
}
