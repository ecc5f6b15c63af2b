/** The lanes of a runner: each runs one command at a time, the lowest idle one comes first. */
import type { Ran, Runner } from "../../engine/types.ts";

/** A runner whose processes can be ended at once, without waiting: for the second Ctrl-C. */
export interface HostRunner extends Runner {
  killNow(): void;
}

export type Command = Parameters<Runner["run"]>[0];

export interface Lane {
  readonly number: number;
  run(command: Command, stop: AbortSignal): Promise<Ran>;
  /** Stops what runs, as a stop signal would. */
  cancel(): void;
  /** Of an idle lane: ends what its actions left in the background, and removes its files. */
  close(): Promise<void>;
  killNow(): void;
}

class LaneRunner implements HostRunner {
  readonly #most: number;
  readonly #open: (number: number) => Lane;
  readonly #lanes: Lane[] = [];
  readonly #idle: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  readonly #running = new Set<Promise<Ran>>();
  #closed = false;

  constructor(most: number, open: (number: number) => Lane) {
    this.#most = most;
    this.#open = open;
  }

  async run(command: Command, stop: AbortSignal): Promise<Ran> {
    if (this.#closed) throw new Error("run after close");
    const lane = await this.#take();
    const run = lane.run(command, stop);
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
      this.#giveBack(lane);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running.size > 0) {
      for (const lane of this.#lanes) lane.cancel();
      await Promise.allSettled(this.#running);
    }
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  killNow(): void {
    for (const lane of this.#lanes) lane.killNow();
  }

  /** The lowest number first, so that a run with one action at a time opens one lane. Callers hold claims and never wait here; should one, it waits its turn. */
  #take(): Lane | Promise<Lane> {
    const idle = this.#idle.shift();
    if (idle !== undefined) return idle;
    if (this.#lanes.length === this.#most) return new Promise((resolve) => this.#waiting.push(resolve));
    const lane = this.#open(this.#lanes.length + 1);
    this.#lanes.push(lane);
    return lane;
  }

  #giveBack(lane: Lane): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      next(lane);
      return;
    }
    this.#idle.push(lane);
    this.#idle.sort((a, b) => a.number - b.number);
  }
}

/** At most `most` lanes, opened as they are needed and numbered from 1. */
export function openLanes(most: number, open: (number: number) => Lane): HostRunner {
  return new LaneRunner(most, open);
}
