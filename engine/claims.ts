/** The resources that actions hold while they run: counted ones (cpu, network, disk) and named ones (console, devices). */
import type { Claim } from "./types.ts";

export interface Hold {
  release(): void;
}

export class Pool {
  private readonly free: Map<string, number>;
  private readonly total: ReadonlyMap<string, number>;
  private readonly named = new Map<string, { exclusive: boolean; count: number }>();

  /** capacity: units of each counted resource. */
  constructor(capacity: Readonly<Record<"cpu" | "network" | "disk", number>>) {
    this.total = new Map(Object.entries(capacity));
    this.free = new Map(this.total);
  }

  /** Takes all of the claims or none; null when one of them is held. A claim of more units than there are takes all of them. */
  take(claims: readonly Claim[]): Hold | null {
    if (!claims.every((c) => this.fits(c))) return null;
    for (const c of claims) this.add(c, 1);
    let held = true;
    return {
      release: () => {
        if (held) for (const c of claims) this.add(c, -1);
        held = false;
      },
    };
  }

  private units(c: Claim & { units: number }): number {
    return Math.min(c.units, this.total.get(c.on) ?? c.units);
  }

  private fits(c: Claim): boolean {
    if (c.on === "console" || c.on === "device") {
      const there = this.named.get(nameOf(c));
      if (there === undefined || there.count === 0) return true;
      return c.on === "device" && c.mode === "monitor" && !there.exclusive;
    }
    return (this.free.get(c.on) ?? 0) >= this.units(c);
  }

  private add(c: Claim, sign: 1 | -1): void {
    if (c.on === "console" || c.on === "device") {
      const there = this.named.get(nameOf(c));
      const exclusive = c.on === "console" || c.mode === "exclusive";
      this.named.set(nameOf(c), { exclusive, count: (there?.count ?? 0) + sign });
    } else this.free.set(c.on, (this.free.get(c.on) ?? 0) - sign * this.units(c));
  }
}

function nameOf(c: Claim): string {
  return c.on === "device" ? `device:${c.device}` : c.on;
}
