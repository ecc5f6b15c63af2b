/**
 * The `:monitor` of a run: an action of each env that is watched, performed when nothing is made or flashed any more. Its port is opened sooner, as soon as the env's
 * board is flashed: what the program prints first would be lost while fb writes down what it did.
 */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Result, ToolRun } from "../../engine/types.ts";
import type { RunCommand } from "../command.ts";
import { INTERRUPTED } from "../host/signals.ts";
import { openProject } from "../open-project.ts";
import { joined, type MonitorHost, type MonitorJob, monitorJobs, watchAll } from "./devices.ts";
import { Early } from "./early.ts";
import { type MonitorEnd, neverBegan, patienceOf } from "./monitor.ts";
import type { SourceFaces } from "./source.ts";

interface EarlyJob {
  readonly job: MonitorJob;
  readonly port: Early;
}

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
  private readonly early = new Map<string, Promise<Result<readonly EarlyJob[]>>>();

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
    this.early.set(env, this.openEarly(env, profile));
  }

  private async openEarly(env: string, profile: string): Promise<Result<readonly EarlyJob[]>> {
    const jobs = await this.jobs(env, profile);
    if (!jobs.ok) return jobs;
    const patience = patienceOf(this.command.timeout, process.stdin);
    const how = (job: MonitorJob) => ({ reconnect: job.settings.reconnect, patience, baud: null });
    return ok(jobs.value.map((job) => ({ job, port: new Early(job.open, how(job)) })));
  }

  /** Ports that were opened and for which no monitor came are closed. */
  async close(): Promise<void> {
    const opened = await Promise.all(this.early.values());
    await Promise.all(opened.flatMap((jobs) => (jobs.ok ? jobs.value : [])).map(({ port }) => port.close()));
  }

  /** The command asks for its monitor. */
  isWatched(env: string): boolean {
    return this.command.targets.some((t) => t.is === "name" && t.name === "monitor" && (t.env === null || t.env === env));
  }

  private async jobs(env: string, profile: string): Promise<Result<readonly MonitorJob[]>> {
    const opened = openProject(this.folder);
    if (!opened.ok) return opened;
    const read = opened.value.project.envs.get(env);
    if (read?.ok !== true)
      return fail(
        read?.failures[0] ?? failure("env.unknown", 2, `there is no env ${env}`, { hint: "platformio.ini was changed meanwhile" }),
      );
    const jobs = await monitorJobs({ env: read.value, folder: this.folder, profile }, this.command.monitor);
    if (!jobs.ok) return jobs;
    return ok(jobs.value.map((job) => ({ ...job, open: (faces, how, stop) => job.open(this.watching(env, faces), how, stop) })));
  }

  /** The same faces, where a break is noticed. */
  private watching(env: string, faces: SourceFaces): SourceFaces {
    return {
      ...faces,
      lost: (why) => {
        this.broken(env);
        faces.lost(why);
      },
      preempted: (by, reason) => {
        this.broken(env);
        faces.preempted(by, reason);
      },
      ended: (why) => {
        this.broken(env);
        faces.ended(why);
      },
    };
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
    const found = Promise.all(watched.map(({ env, profile }) => this.begun(env, profile)));
    const ends = found.then((jobs) => {
      const all = jobs.flatMap((one) => (one.ok ? one.value : []));
      const order = { patterns: this.command.serial, limit: this.command.timeout };
      return all.length === 0 ? [] : [...watchAll(all, order, stop, this.host())];
    });
    return watched.map(async (_, i): Promise<MonitorEnd> => {
      const all = await found;
      const jobs = all[i] ?? ok([]);
      if (!jobs.ok) return neverBegan(jobs.failure);
      const before = all.slice(0, i).reduce((sum, one) => sum + (one.ok ? one.value.length : 0), 0);
      const { exit, failures } = joined(await Promise.all((await ends).slice(before, before + jobs.value.length)));
      return { exit, why: "", failure: failures[0] ?? null };
    });
  }

  /** An env's monitors, with the ports that were opened for them when its board was flashed. */
  private async begun(env: string, profile: string): Promise<Result<readonly MonitorJob[]>> {
    const early = await this.early.get(env);
    this.early.delete(env);
    if (early?.ok !== true) return this.jobs(env, profile);
    return ok(early.value.map(({ job, port }) => ({ ...job, open: (faces, how, ending) => port.take(faces, how, ending) })));
  }
}
