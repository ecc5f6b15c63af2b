/** Numbers that follow from a seed, for generated cases: whoever has the seed has the case again. */

/** FB_SEED, else a new one; printed, so that a failure can be had again. */
export function newSeed(): number {
  const seed = Number(process.env["FB_SEED"] ?? Date.now() % 1_000_000);
  process.stdout.write(`(FB_SEED=${seed}) `);
  return seed;
}

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** At least 0, below 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number below `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  /** One of a list that is not empty. */
  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  /** Each of a list with the same chance, in its order. */
  some<T>(all: readonly T[], p: number): T[] {
    return all.filter(() => this.chance(p));
  }

  shuffled<T>(all: readonly T[]): T[] {
    const left = [...all];
    return all.map(() => left.splice(this.below(left.length), 1)[0] as T);
  }

  /** So many of a list, in any order; all of a shorter one. */
  sample<T>(all: readonly T[], count: number): T[] {
    return this.shuffled(all).slice(0, count);
  }
}
