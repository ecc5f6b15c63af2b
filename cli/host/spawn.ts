/**
 * Runs actions with child_process.spawn: the runner for hosts without /bin/sh.
 *
 * The same answers as slots.ts, but each action forks Node, which costs 2 ms at 80 MB and 20 at 280 (figures in slots.ts). Death by a signal is known exactly here. What an
 * action leaves in the background is killed at its end already: without a leader that lives on, the number of its group could become another's.
 * No guardian: it is a /bin/sh too. A killed fb leaves here what it was running, as make does.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Exit, Ran } from "../../engine/types.ts";
import { logPath, openLogDir, takeLog } from "./action-log.ts";
import { endGroup, GRACE_MS, signalGroup } from "./group.ts";
import { type Command, type HostRunner, type Lane, openLanes } from "./lanes.ts";
import type { SlotsOptions } from "./slots.ts";
import { whyErrno, whyNever, whyUnstarted } from "./unstarted.ts";

export type SpawnOptions = Omit<SlotsOptions, "shell" | "guardian">;

class SpawnLane implements Lane {
  readonly number: number;
  readonly #o: SpawnOptions;
  readonly #log: string;
  #ready = false;
  #pgid: number | null = null;
  #stop: (() => void) | null = null;

  constructor(number: number, o: SpawnOptions) {
    this.number = number;
    this.#o = o;
    this.#log = logPath(o.logDir);
  }

  async run(command: Command, stop: AbortSignal): Promise<Ran> {
    if (stop.aborted) return this.#ran({ is: "cancelled" });
    const never = whyNever(command.argv, command.vars);
    if (never !== null) return this.#ran({ is: "not-started", why: never });
    const onAbort = () => this.cancel();
    stop.addEventListener("abort", onAbort);
    const { exit, cancelled } = await this.#spawn(command);
    stop.removeEventListener("abort", onAbort);
    this.#stop = null;
    if (this.#pgid !== null) {
      await endGroup(this.#pgid, cancelled ? GRACE_MS : 0);
      this.#pgid = null;
    }
    const ran = this.#ran(exit);
    return exit.is === "not-started" ? { ...ran, log: "" } : ran;
  }

  cancel(): void {
    this.#stop?.();
  }

  async close(): Promise<void> {}

  killNow(): void {
    if (this.#pgid !== null) signalGroup(this.#pgid, "SIGKILL");
  }

  #spawn({ argv, vars }: Command): Promise<{ readonly exit: Exit; readonly cancelled: boolean }> {
    const { cwd, base } = this.#o;
    const env = { ...base, ...vars };
    return new Promise((resolve) => {
      const fail = (code: string) =>
        resolve({ exit: { is: "not-started", why: whyErrno({ argv, vars: env, cwd }, code) }, cancelled: false });
      let log: number;
      try {
        log = this.#openLog();
      } catch (e) {
        const why = `no log can be made in ${this.#o.logDir} (${e instanceof Error ? e.message : e}); see that the folder is writable and its disk has space`;
        resolve({ exit: { is: "not-started", why }, cancelled: false });
        return;
      }
      try {
        const [program = "", ...rest] = argv;
        const detached = process.platform !== "win32";
        const child = spawn(program, rest, { cwd, env, detached, stdio: ["ignore", log, log], windowsHide: true });
        child.once("error", (e: NodeJS.ErrnoException) => fail(e.code ?? e.message));
        if (child.pid === undefined) return;
        this.#pgid = child.pid;
        child.once("exit", (code, signal) => {
          if (signal !== null) resolve({ exit: { is: "signalled", signal }, cancelled: false });
          // execvp(3) hands what is no program to a shell, so only a foreign binary can look as if it had started.
          const why = code === 2 || code === 126 || code === 127 ? whyUnstarted({ argv, vars: env, cwd }, 2) : null;
          resolve({ exit: why === null ? { is: "exited", code: code ?? 0 } : { is: "not-started", why }, cancelled: false });
        });
        this.#stop = () => resolve({ exit: { is: "cancelled" }, cancelled: true });
      } catch (e) {
        // Thrown for errnos that Node does not expect of a spawn, as E2BIG.
        if (!(e instanceof Error && "code" in e && typeof e.code === "string")) throw e;
        fail(e.code);
      } finally {
        fs.closeSync(log);
      }
    });
  }

  #openLog(): number {
    if (!this.#ready) openLogDir(this.#o.logDir);
    this.#ready = true;
    return fs.openSync(this.#log, "a");
  }

  #ran(exit: Exit): Ran {
    const log = takeLog(this.#log) ?? "";
    return { exit, log, slot: this.number };
  }
}

/** Starts nothing yet. */
export function openSpawn(options: SpawnOptions): HostRunner {
  const o = { ...options, logDir: path.resolve(options.logDir) };
  return openLanes(o.slots, (number) => new SpawnLane(number, o));
}
