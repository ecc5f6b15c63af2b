/** Lanes that running actions are shown in: as many as run at once, each of them used again. */
export interface Shown {
  /** From now on it is shown, whether a lane is free or not: it has ended. */
  now(): void;
  /** Its lane is free again. */
  release(): void;
}

interface Entry {
  readonly counts: boolean;
  readonly show: (lane: number) => void;
  lane: number | null;
}

export class Lanes {
  /** By number, true while an action is shown in it. */
  private readonly taken: boolean[] = [];
  private readonly most: number;
  /** Of the shown ones those that count. */
  private counted = 0;
  private readonly waiting: Entry[] = [];

  /** most: how many actions that count are shown at once. One more runs for a moment while another's result is recorded, which nobody needs to see. */
  constructor(most: number) {
    this.most = most;
  }

  /** show: told the lowest lane in which nothing is shown, at once or as soon as one is free. */
  enter(counts: boolean, show: (lane: number) => void): Shown {
    const entry: Entry = { counts, show, lane: null };
    if (counts && this.counted >= this.most) this.waiting.push(entry);
    else this.begin(entry);
    return {
      now: () => {
        const at = this.waiting.indexOf(entry);
        if (at < 0) return;
        this.waiting.splice(at, 1);
        this.begin(entry);
      },
      release: () => this.end(entry),
    };
  }

  private begin(entry: Entry): void {
    const free = this.taken.indexOf(false);
    entry.lane = free < 0 ? this.taken.length : free;
    this.taken[entry.lane] = true;
    if (entry.counts) this.counted++;
    entry.show(entry.lane);
  }

  private end(entry: Entry): void {
    const at = this.waiting.indexOf(entry);
    if (at >= 0) this.waiting.splice(at, 1);
    if (entry.lane === null) return;
    this.taken[entry.lane] = false;
    entry.lane = null;
    if (!entry.counts) return;
    this.counted--;
    const next = this.counted < this.most ? this.waiting.shift() : undefined;
    if (next !== undefined) this.begin(next);
  }
}
