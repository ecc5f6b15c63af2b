/**
 * Who holds which device: a state machine without clock, sockets or devices. Times are given to it, what follows from a step is what it answers.
 *
 *            take exclusive            release, expiry, client gone
 *   free ───────────────────► held ───────────────────────────────────► free
 *            monitors: paused   │ taken over (with a reason): the holder is told, the new one holds          monitors: resumed
 *
 * A device has one exclusive lease at most, and any number of monitor leases. A monitor lease under an exclusive one is *paused*: it holds its place, not the device.
 * Exclusive goes before monitors, always; two exclusives conflict, and the second is told of the first, unless it takes over.
 */

export type Mode = "exclusive" | "monitor";

export interface Lease {
  readonly id: string;
  readonly device: string;
  readonly mode: Mode;
  /** The client's name for itself. */
  readonly client: string;
  /** What for, in a person's words. */
  readonly description: string;
  /** Milliseconds since 1970, as are all times here. */
  readonly since: number;
  /** Null: until it is released or its client is gone. */
  readonly expires: number | null;
  /** A process that must live; null: none is known. */
  readonly pid: number | null;
}

export interface Wish {
  readonly device: string;
  readonly mode: Mode;
  readonly client: string;
  readonly description: string;
  /** Milliseconds; null: no end. */
  readonly ttl: number | null;
  readonly pid: number | null;
  /** Exclusive only: who holds it loses it, for this reason. */
  readonly takeover: string | null;
  /** Monitor only: under an exclusive lease it is granted paused; else it is refused. */
  readonly patient: boolean;
}

/** What a step has done beyond what was asked, in order. */
export type Effect =
  | { readonly is: "ended"; readonly lease: Lease; readonly why: Why; readonly by: string; readonly reason: string }
  /** All monitors of the device, those that come later too. */
  | { readonly is: "paused"; readonly device: string; readonly by: string; readonly reason: string }
  | { readonly is: "resumed"; readonly device: string };

/** Who it is, for people: its process, where it is known. */
export function nameOf({ client, pid }: Pick<Lease, "client" | "pid">): string {
  return pid === null ? client : `process ${pid}`;
}

export type Why = "released" | "expired" | "client-gone" | "taken";

export type Answer =
  | { readonly granted: Lease; readonly effects: readonly Effect[] }
  /** The lease that stands in the way. */
  | { readonly conflict: Lease };

export class Leases {
  readonly #all = new Map<string, Lease>();
  readonly #newId: () => string;

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  all(): Lease[] {
    return [...this.#all.values()];
  }

  get(id: string): Lease | null {
    return this.#all.get(id) ?? null;
  }

  exclusiveOf(device: string): Lease | null {
    return this.all().find((l) => l.device === device && l.mode === "exclusive") ?? null;
  }

  monitorsOf(device: string): Lease[] {
    return this.all().filter((l) => l.device === device && l.mode === "monitor");
  }

  /** Leases that are over at this time must have been ended before (expire). */
  take(wish: Wish, now: number): Answer {
    const held = this.exclusiveOf(wish.device);
    if (held !== null && wish.mode === "monitor" && !wish.patient) return { conflict: held };
    if (held !== null && wish.mode === "exclusive" && wish.takeover === null) return { conflict: held };
    const { device, mode, client, description, ttl, pid } = wish;
    const lease = { id: this.#newId(), device, mode, client, description, since: now, expires: ttl === null ? null : now + ttl, pid };
    const effects: Effect[] = [];
    if (mode === "exclusive") {
      const reason = wish.takeover ?? description;
      if (held !== null) {
        this.#all.delete(held.id);
        effects.push({ is: "ended", lease: held, why: "taken", by: nameOf(lease), reason });
      } else effects.push({ is: "paused", device, by: nameOf(lease), reason });
    }
    this.#all.set(lease.id, lease);
    return { granted: lease, effects };
  }

  /** Null: there is no such lease. */
  release(id: string): readonly Effect[] | null {
    const lease = this.#all.get(id);
    return lease === undefined ? null : this.#end([lease], "released");
  }

  /** Another time to live, from now on; false: there is no such lease. */
  renew(id: string, ttl: number | null, now: number): boolean {
    const lease = this.#all.get(id);
    if (lease !== undefined) this.#all.set(id, { ...lease, expires: ttl === null ? null : now + ttl });
    return lease !== undefined;
  }

  /** Ends what is over at this time. */
  expire(now: number): readonly Effect[] {
    return this.#end(
      this.all().filter((l) => l.expires !== null && l.expires <= now),
      "expired",
    );
  }

  clientGone(client: string): readonly Effect[] {
    return this.#end(
      this.all().filter((l) => l.client === client),
      "client-gone",
    );
  }

  /** Ends the leases of processes that are no more. */
  processesGone(alive: (pid: number) => boolean): readonly Effect[] {
    return this.#end(
      this.all().filter((l) => l.pid !== null && !alive(l.pid)),
      "client-gone",
    );
  }

  /** When the next lease is over; null: none will be. */
  nextExpiry(): number | null {
    const times = this.all().flatMap((l) => (l.expires === null ? [] : [l.expires]));
    return times.length === 0 ? null : Math.min(...times);
  }

  #end(leases: readonly Lease[], why: Why): Effect[] {
    const effects: Effect[] = [];
    for (const lease of leases) {
      this.#all.delete(lease.id);
      effects.push({ is: "ended", lease, why, by: nameOf(lease), reason: "" });
    }
    for (const { device, mode } of leases) if (mode === "exclusive") effects.push({ is: "resumed", device });
    return effects;
  }
}
