/** The actions that run now: the claims that they hold, and those whose results other envs wait for. */
import { type Hold, Pool } from "./claims.ts";
import type { Node } from "./graph.ts";
import type { StaticKey } from "./types.ts";

export class AtWork {
  private readonly pool: Pool;
  /** Of those whose results all envs may use, by key. */
  private readonly makers = new Map<StaticKey, Promise<void>>();
  private count = 0;
  private freed = false;

  constructor(jobs: number) {
    this.pool = new Pool({ cpu: Math.max(1, jobs), network: 4, disk: 2 });
  }

  /** Something runs, or waits for what runs. */
  get any(): boolean {
    return this.count > 0;
  }

  /** Whether a claim was given back since this was last asked. */
  takeFreed(): boolean {
    const { freed } = this;
    this.freed = false;
    return freed;
  }

  isMaking(sk: StaticKey): boolean {
    return this.makers.has(sk);
  }

  /** Calls `then` when what makes the same now has ended; false: nothing does. */
  after(sk: StaticKey, then: () => void): boolean {
    const maker = this.makers.get(sk);
    if (maker === undefined) return false;
    this.count++;
    void maker.then(() => {
      this.count--;
      then();
    });
    return true;
  }

  /** Starts `work`, which never rejects, if the action's claims are free. ended: `made` where others may have waited for it. */
  start({ spec }: Node, sk: StaticKey, work: (hold: Hold) => Promise<void>, ended: (made: boolean) => void): boolean {
    const hold = this.pool.take(spec.claims);
    if (hold === null) return false;
    const all = work(hold).finally(() => {
      this.release(hold);
      const made = this.makers.get(sk) === all;
      if (made) this.makers.delete(sk);
      this.count--;
      ended(made);
    });
    this.count++;
    if (spec.sharing === "all") this.makers.set(sk, all);
    return true;
  }

  /** Gives claims back before the work has ended; a second time does nothing. */
  release(hold: Hold): void {
    hold.release();
    this.freed = true;
  }
}
