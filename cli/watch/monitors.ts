/** The monitors of `fb watch`: they begin when the first run has gone well and go on through all that follow. */
import type { RunCommand } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { INTERRUPTED } from "../host/signals.ts";
import { RunMonitors } from "../monitor/action.ts";
import type { MonitorHost } from "../monitor/devices.ts";
import { hostOf } from "../monitor/host.ts";
import type { Out } from "../show/out.ts";
import { WatchHold } from "./hold.ts";

/** Keys after Ctrl+T that are the watch's: the others are the monitor's. */
const KEYS: readonly (readonly [key: string, means: string, says: string])[] = [
  ["b", "r", "build now"],
  ["x", "e", "explain the last run"],
];

export interface WatchMonitorsFaces {
  readonly faces: Faces;
  /** With --json: a line. */
  readonly emit: MonitorHost["emit"];
  /** A key of the watch was pressed. */
  press(key: string): void;
  /** A pattern or the time ended a monitor: so ends the watch, with its exit code. */
  over(code: number): void;
  now(): number;
}

export class WatchMonitors {
  readonly hold: WatchHold;
  private readonly command: RunCommand;
  private readonly at: WatchMonitorsFaces;
  private readonly monitors: RunMonitors;
  private readonly running = new Set<string>();
  private readonly stop = new AbortController();
  private readonly ended: Promise<unknown>[] = [];
  private readonly host: MonitorHost;

  /** command: with its targets :monitor. */
  constructor(folder: string, command: RunCommand, terminal: LineBreaks, at: WatchMonitorsFaces) {
    this.command = command;
    this.at = at;
    const host = hostOf(at.faces, command.json);
    this.host = {
      ...host,
      out: host.out && { ...host.out, write: (bytes) => terminal.device(bytes) },
      emit: at.emit,
      now: at.now,
      keys: new Map(KEYS.map(([key, means, says]) => [key, { says, press: () => at.press(means) }])),
    };
    this.monitors = new RunMonitors(
      folder,
      command,
      () => this.host,
      (env) => this.hold.broken(env),
    );
    this.hold = new WatchHold(folder, (env, profile) => {
      if (!this.running.has(env)) this.monitors.flashed(env, profile);
    });
  }

  /** A run of these envs has gone well: those that are asked for and not yet watched are. */
  begin(envs: readonly string[]): void {
    const profile = this.command.profile ?? "release";
    const due = envs.filter((env) => this.monitors.isWatched(env) && !this.running.has(env)).map((env) => ({ env, profile }));
    for (const { env } of due) this.running.add(env);
    this.monitors.start(due, this.stop.signal).forEach((end, i) => {
      const env = due[i]?.env ?? "";
      const done = end.then(({ exit, failure }) => {
        this.running.delete(env);
        this.hold.broken(env);
        if (this.stop.signal.aborted) return;
        if (failure !== null) complain(this.at.faces, [failure]);
        // Ctrl+C of a terminal that is read key by key makes no signal by itself.
        if (exit === INTERRUPTED) process.kill(process.pid, "SIGINT");
        // A board that is not there may be when the next run has ended.
        else if (exit !== 5) this.at.over(exit);
      });
      this.ended.push(done);
    });
  }

  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.ended);
    await this.monitors.close();
  }
}

/** Keeps what builds say from being written into a line that a device has begun. */
export class LineBreaks {
  private readonly out: Out;
  private begun = false;
  private broken = false;

  constructor(out: Out) {
    this.out = out;
  }

  device(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // The monitor ends a line that was ended for it.
    if (this.broken && bytes.length === 1 && bytes[0] === 10) {
      this.broken = false;
      return;
    }
    this.broken = false;
    this.begun = bytes.at(-1) !== 10;
    this.out.write(bytes);
  }

  /** A stream on which each text stands on lines of its own. */
  around(stream: Out): Out {
    return {
      color: stream.color,
      write: (text) => {
        if (this.begun && text.length > 0) {
          this.out.write("\n");
          this.begun = false;
          this.broken = true;
        }
        stream.write(text);
      },
    };
  }
}

/** The same run without its monitors, which outlast it. A watch of monitors alone flashes what they are to show. */
export function withoutMonitors(command: RunCommand): RunCommand {
  const rest = command.targets.filter((t) => t.is !== "name" || t.name !== "monitor");
  const flashes = command.targets.flatMap((t) => (t.is === "name" && t.name === "monitor" ? [{ ...t, name: "flash" }] : []));
  return { ...command, targets: rest.length > 0 ? rest : flashes };
}

export function hasMonitors(command: RunCommand): boolean {
  return command.targets.some((t) => t.is === "name" && t.name === "monitor");
}
