/** Leases in the daemon's time: granted when the port is free, ended when their time is over or their process is gone, told to who cares. */
import { randomUUID } from "node:crypto";
import { alive } from "./find.ts";
import { type Effect, type Lease, Leases, nameOf, type Wish } from "./leases.ts";
import type { Log } from "./log.ts";

/** How often processes are looked for that hold leases and have no connection here. */
const LOOK_MS = 1000;

export interface ClaimFaces {
  /** Gives the device's port away; it is free when this settles. */
  pause(device: string, reason: string, by: string): Promise<void>;
  resume(device: string): void;
  /** A lease is over; whoever holds it may be another than who released it. */
  lost(lease: Lease, text: string): void;
  /** Something is different from before. */
  changed(): void;
}

export class Claims {
  readonly leases = new Leases(randomUUID);
  readonly #faces: ClaimFaces;
  readonly #log: Log;
  #expiry: NodeJS.Timeout | null = null;
  #look: NodeJS.Timeout | null = null;

  constructor(faces: ClaimFaces, log: Log) {
    this.#faces = faces;
    this.#log = log;
  }

  /** Settles when the device is free for who asked. The lease that stands in the way is a conflict. */
  async take(wish: Wish): Promise<{ readonly granted: Lease } | { readonly conflict: Lease }> {
    const now = Date.now();
    void this.#perform(this.leases.expire(now));
    // A process that can not be seen from here (another container) says nothing by being gone.
    const seen = wish.pid !== null && alive(wish.pid) ? wish.pid : null;
    const answer = this.leases.take({ ...wish, pid: seen }, now);
    if ("conflict" in answer) return answer;
    const { granted } = answer;
    this.#log.line(`lease ${granted.id}: ${granted.mode} of ${granted.device} for ${holderText(granted)}`);
    this.#faces.changed();
    await this.#perform(answer.effects);
    return { granted };
  }

  /** False: there is no such lease. */
  release(id: string): boolean {
    const effects = this.leases.release(id);
    if (effects !== null) void this.#perform(effects);
    return effects !== null;
  }

  renew(id: string, ttl: number | null): boolean {
    const renewed = this.leases.renew(id, ttl, Date.now());
    this.#wind();
    return renewed;
  }

  clientGone(client: string): void {
    void this.#perform(this.leases.clientGone(client));
  }

  /** Ends what has no process any more; how many. */
  clear(): number {
    const before = this.leases.all().length;
    void this.#perform([...this.leases.expire(Date.now()), ...this.leases.processesGone(alive)]);
    return before - this.leases.all().length;
  }

  close(): void {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    if (this.#look !== null) clearInterval(this.#look);
  }

  async #perform(effects: readonly Effect[]): Promise<void> {
    this.#wind();
    if (effects.length > 0) this.#faces.changed();
    for (const effect of effects) {
      switch (effect.is) {
        case "paused":
          await this.#faces.pause(effect.device, effect.reason, effect.by);
          break;
        case "resumed":
          // Unless somebody else has taken it meanwhile.
          if (this.leases.exclusiveOf(effect.device) === null) this.#faces.resume(effect.device);
          break;
        case "ended": {
          this.#log.line(`lease ${effect.lease.id}: ${effect.why}${effect.reason === "" ? "" : ` by ${effect.by}: ${effect.reason}`}`);
          this.#faces.lost(effect.lease, whyText(effect));
          break;
        }
        default:
          return effect satisfies never;
      }
    }
  }

  /** Sets the timers anew: none runs where nothing can end by itself. */
  #wind(): void {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    const next = this.leases.nextExpiry();
    this.#expiry =
      next === null
        ? null
        : setTimeout(() => void this.#perform(this.leases.expire(Date.now())), Math.min(Math.max(0, next - Date.now()), 1 << 30)).unref();
    const wanted = this.leases.all().some((l) => l.pid !== null);
    if (wanted) this.#look ??= setInterval(() => void this.#perform(this.leases.processesGone(alive)), LOOK_MS).unref();
    else if (this.#look !== null) {
      clearInterval(this.#look);
      this.#look = null;
    }
  }
}

/** Who, for people. */
export function holderText(lease: Lease): string {
  return `${lease.description} (${nameOf(lease)})`;
}

function whyText(effect: Extract<Effect, { is: "ended" }>): string {
  switch (effect.why) {
    case "released":
      return "it was released";
    case "expired":
      return "its time was over";
    case "client-gone":
      return "its client was gone";
    case "taken":
      return `${effect.by} took the device: ${effect.reason}`;
    default:
      return effect.why satisfies never;
  }
}
