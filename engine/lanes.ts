/** Lanes that running actions are shown in: as many as run at once, each of them used again. */
export class Lanes {
  /** By number, true while an action is shown in it. */
  private readonly taken: boolean[] = [];

  /** The lowest in which nothing is shown now. */
  take(): number {
    const free = this.taken.indexOf(false);
    const lane = free < 0 ? this.taken.length : free;
    this.taken[lane] = true;
    return lane;
  }

  release(lane: number): void {
    this.taken[lane] = false;
  }
}
