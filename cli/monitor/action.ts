/**
 * The `:monitor` of a run: an action of each env that is watched, performed when nothing is made or flashed any more. Its port is opened sooner, as soon as the env's
 * board is flashed: what the program prints first would be lost while fb writes down what it did.
 */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Result, ToolRun } from "../../engine/types.ts";
import type { RunCommand } from "../command.ts";
import { INTERRUPTED } from "../host/signals.ts";
import { openProject } from "../open-project.ts";
import { type MonitorHost, type MonitorJob, monitorJob, watchAll } from "./devices.ts";
import { Early } from "./early.ts";
import { type MonitorEnd, neverBegan, patienceOf } from "./monitor.ts";

interface Waiting {
  readonly spec: ActionSpec;
  readonly stop: AbortSignal;
  readonly settle: (end: MonitorEnd) => void;
}

export class RunMonitors {
  private readonly folder: string;
  private readonly command: RunCommand;
  private readonly host: () => MonitorHost;
  private readonly broken: (env: string) => void;
  private waiting: Waiting[] = [];
  private readonly early = new Map<string, { readonly job: MonitorJob; readonly port: Early }>();

  /** broken: told when an env's device goes, or is given to somebody else. */
  constructor(folder: string, command: RunCommand, host: () => MonitorHost, broken: (env: string) => void = () => {}) {
    this.folder = folder;
    this.command = command;
    this.host = host;
    this.broken = broken;
  }

  /** Failures: 1 of the patterns, 2 and 3 of flags and options, 5 of the device; 1 where it was stopped, as any action that is. */
  async watch(spec: ActionSpec, { stop }: ToolRun): Promise<Result<string>> {
    const end = await new Promise<MonitorEnd>((settle) => {
      // All that begin in one turn are shown as one: with names before their lines, and no keyboard.
      if (this.waiting.length === 0) setImmediate(() => this.begin());
      this.waiting.push({ spec, stop, settle });
    });
    if (end.failure !== null) return fail(end.failure);
    if (end.exit !== INTERRUPTED) return ok("");
    // Ctrl+C of a terminal that is read key by key makes no signal by itself.
    if (!stop.aborted) {
      process.kill(process.pid, "SIGINT");
      await new Promise((resolve) => stop.addEventListener("abort", resolve));
    }
    return fail(failure("run.cancelled", 1, `the monitor of ${spec.env} was stopped`));
  }

  /** The env's board was flashed, and a monitor of it follows: its port is opened now. */
  flashed(env: string, profile: string): void {
    if (this.early.has(env) || !this.isWatched(env)) return;
    const job = this.job(env, profile);
    if (!job.ok) return;
    const patience = patienceOf(this.command.timeout, process.stdin);
    this.early.set(env, { job: job.value, port: new Early(job.value.open, { reconnect: job.value.settings.reconnect, patience }) });
  }

  /** Ports that were opened and for which no monitor came are closed. */
  async close(): Promise<void> {
    await Promise.all([...this.early.values()].map(({ port }) => port.close()));
  }

  /** The command asks for its monitor. */
  isWatched(env: string): boolean {
    return this.command.targets.some((t) => t.is === "name" && t.name === "monitor" && (t.env === null || t.env === env));
  }

  private job(env: string, profile: string): Result<MonitorJob> {
    const opened = openProject(this.folder);
    if (!opened.ok) return opened;
    const read = opened.value.project.envs.get(env);
    if (read?.ok !== true)
      return fail(
        read?.failures[0] ?? failure("env.unknown", 2, `there is no env ${env}`, { hint: "platformio.ini was changed meanwhile" }),
      );
    const job = monitorJob({ env: read.value, folder: this.folder, profile }, this.command.monitor);
    if (!job.ok) return job;
    const { open } = job.value;
    const broken = () => this.broken(env);
    return ok({
      ...job.value,
      open: (faces, how, stop) =>
        open(
          {
            ...faces,
            lost: (why) => {
              broken();
              faces.lost(why);
            },
            preempted: (by, reason) => {
              broken();
              faces.preempted(by, reason);
            },
            ended: (why) => {
              broken();
              faces.ended(why);
            },
          },
          how,
          stop,
        ),
    });
  }

  private begin(): void {
    const waiting = this.waiting.splice(0);
    const [first] = waiting;
    if (first === undefined) return;
    const ends = this.start(
      waiting.map(({ spec }) => spec),
      first.stop,
    );
    ends.forEach((end, i) => void end.then((value) => waiting[i]?.settle(value)));
  }

  /** Watches all of these, shown as one; the end of each. */
  start(watched: readonly { readonly env: string; readonly profile: string }[], stop: AbortSignal): readonly Promise<MonitorEnd>[] {
    const jobs = watched.map(({ env, profile }): Result<MonitorJob> => {
      const early = this.early.get(env);
      if (early === undefined) return this.job(env, profile);
      this.early.delete(env);
      return ok({ ...early.job, open: (faces, how, ending) => early.port.take(faces, how, ending) });
    });
    const good = jobs.flatMap((job) => (job.ok ? [job.value] : []));
    if (good.length === 0) return jobs.map((job) => Promise.resolve(job.ok ? never() : neverBegan(job.failure)));
    const ends = [...watchAll(good, { patterns: this.command.serial, limit: this.command.timeout }, stop, this.host())];
    return jobs.map((job) => (job.ok ? (ends.shift() ?? never()) : Promise.resolve(neverBegan(job.failure))));
  }
}

function never(): never {
  throw new Error("a monitor without its end");
}
