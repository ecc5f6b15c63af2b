/** The virtual boards of this process, each in a process of its own: started when its port is first wanted, and kept with all that its flash holds. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Store } from "../../../cache/store.ts";
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Failure, Result } from "../../../engine/types.ts";
import { addressText } from "../address.ts";
import type { Said } from "./process.ts";
import { machineNamed } from "./qemu/machines.ts";
import { startSim } from "./start.ts";
import { isPico } from "./virtual-board.ts";

/** Where Debian's arduino-core-avr lies. */
const DEBIAN_CORE = "/usr/share/arduino/hardware/arduino/avr";

/** What avrdude opens as net:HOST:PORT and a monitor as socket://HOST:PORT. note: what somebody should know of this board; null for nothing. */
export interface SimPlace {
  readonly host: string;
  readonly port: number;
  readonly note: string | null;
}

export interface ListedSim {
  readonly board: string;
  readonly unit: number;
  readonly port: number;
}

interface Running {
  readonly place: Promise<Result<SimPlace>>;
  readonly stop: AbortController;
  /** Its process has ended. */
  ended: Promise<void>;
}

export class SimBoards {
  readonly #cores: () => readonly string[];
  readonly #running = new Map<string, Running>();
  readonly #ports = new Map<string, ListedSim>();

  /** cores: folders of Arduino cores, which have the boards' bootloaders; asked for each board that is started (coresAtHand). */
  constructor(cores: () => readonly string[]) {
    this.#cores = cores;
  }

  /** unit: from 1. Failures (exit 5): a board that is not simulated, no core that has its bootloader. */
  portOf(board: string, unit: number): Promise<Result<SimPlace>> {
    const name = nameOf(board, unit);
    const there = this.#running.get(name);
    if (there !== undefined) return there.place;
    const stop = new AbortController();
    const started = this.#start(board, unit, stop);
    const running: Running = { place: started.place, stop, ended: started.ended };
    this.#running.set(name, running);
    // One that has ended, or never began, is started anew when it is wanted again.
    void running.ended.then(() => {
      if (this.#running.get(name) !== running) return;
      this.#running.delete(name);
      this.#ports.delete(name);
    });
    return running.place;
  }

  /** Those that run. */
  list(): readonly ListedSim[] {
    return [...this.#ports.values()];
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ ended }) => ended));
  }

  #start(board: string, unit: number, stop: AbortController): { readonly place: Promise<Result<SimPlace>>; readonly ended: Promise<void> } {
    let settle: (place: Result<SimPlace>) => void = () => {};
    const place = new Promise<Result<SimPlace>>((resolve) => {
      settle = resolve;
    });
    const ended = this.#run(board, unit, stop.signal, settle);
    return { place, ended };
  }

  /** Settles `place` once; ends when the board's process does. */
  async #run(board: string, unit: number, stop: AbortSignal, place: (result: Result<SimPlace>) => void): Promise<void> {
    let first: Failure | null = null;
    for (const core of isPico(board) || machineNamed(board) !== null ? [""] : this.#cores()) {
      for await (const said of startSim(["serve", board, core], stop)) {
        if ("failure" in said) first ??= said.failure;
        if (!isServing(said)) continue;
        const { port, note } = said;
        this.#ports.set(nameOf(board, unit), { board, unit, port });
        place(ok({ host: "127.0.0.1", port, note }));
        first = null;
      }
      if (this.#ports.has(nameOf(board, unit)) || stop.aborted) break;
    }
    // Heard by nobody where the place was told before.
    place(fail(first ?? noCore(addressText({ is: "sim", board, unit }))));
  }
}

function nameOf(board: string, unit: number): string {
  return addressText({ is: "sim", board, unit });
}

function isServing(said: Said): said is Extract<Said, { readonly port: number }> {
  return "port" in said;
}

function noCore(name: string): Failure {
  const hint = "`fb deps` in a project with framework = arduino fetches one; Debian's is arduino-core-avr";
  return failure("device.sim-core", 5, `${name} runs the bootloader of an Arduino core, and there is none: neither fetched nor installed`, {
    hint,
  });
}

/** Folders of Arduino cores, what a virtual board is made of, best first: first (of the env, where there is one), those that were fetched, newest first, then Debian's. */
export function coresAtHand(cache: string, first: string | null): readonly string[] {
  const fetched = new Store(join(cache, "packages"))
    .list("framework-arduino-avr")
    .sort((a, b) => b.version.localeCompare(a.version, "en", { numeric: true }))
    .map(({ folder }) => folder);
  const all = [...(first === null ? [] : [first]), ...fetched, DEBIAN_CORE];
  return [...new Set(all)].filter((folder) => existsSync(join(folder, "boards.txt")) && existsSync(join(folder, "bootloaders")));
}
