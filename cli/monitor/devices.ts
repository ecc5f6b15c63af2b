/** Monitors of envs: each env's port chosen and opened, all watched at once, their ends made one. */
import { exitCode, ok } from "../../engine/failure.ts";
import { outFolder } from "../../engine/paths.ts";
import type { Event, Failure, Result } from "../../engine/types.ts";
import type { EnvProject } from "../../rules/project.ts";
import { knownHwids } from "../device/board-ids.ts";
import { ALL, boardsAt, choosePort } from "../device/choose.ts";
import type { PatternTexts } from "../device/patterns.ts";
import { listPorts } from "../device/ports.ts";
import { INTERRUPTED } from "../host/signals.ts";
import type { Keyboard } from "./console.ts";
import { frameFinder } from "./decode.ts";
import { type MonitorEnd, type MonitorFaces, type MonitorOptions, runMonitor } from "./monitor.ts";
import { type MonitorFlags, monitorSettings } from "./settings.ts";
import { openSource } from "./source.ts";

/** What is to be watched. env: null where there is no project. */
export interface Watched {
  readonly env: EnvProject | null;
  readonly folder: string;
  readonly profile: string;
}

export interface MonitorOrder {
  readonly patterns: PatternTexts;
  /** Seconds. */
  readonly limit: number | null;
}

/** One monitor that can begin: what is wrong with flags and options is known by now. */
export interface MonitorJob extends Pick<MonitorOptions, "settings" | "folder" | "frames" | "open"> {
  readonly name: string;
}

/** What monitors have of the process around them. */
export interface MonitorHost {
  readonly out: MonitorFaces["out"];
  say(line: string): void;
  warn(warning: Failure): void;
  readonly emit: ((e: Event) => void) | null;
  readonly keyboard: Keyboard | null;
  readonly keys: MonitorFaces["keys"];
  now(): number;
}

/** One for each port that is named, else one. Failures: exit 2 of flags, exit 3 of the ini, exit 5 where `all` are none. Nothing is opened. */
export async function monitorJobs(watched: Watched, flags: MonitorFlags): Promise<Result<readonly MonitorJob[]>> {
  const ports: string[] = [];
  for (const name of (flags.port ?? "").split(",").filter((port) => port !== "")) {
    const { env } = watched;
    const all = name === ALL ? boardsAt(await listPorts(), env?.board?.hwids ?? [], env === null ? "" : `of env ${env.name} `) : null;
    if (all?.ok === false) return all;
    ports.push(...(all?.value.map(({ port }) => port) ?? [name]));
  }
  const jobs: MonitorJob[] = [];
  for (const port of ports.length > 0 ? ports : [null]) {
    const job = monitorJob(watched, { ...flags, port });
    if (!job.ok) return job;
    const name = ports.length > 1 ? [job.value.name, port ?? ""].filter((part) => part !== "").join(" ") : job.value.name;
    jobs.push({ ...job.value, name });
  }
  return ok(jobs);
}

function monitorJob({ env, folder, profile }: Watched, flags: MonitorFlags): Result<MonitorJob> {
  const read = monitorSettings(flags, env);
  if (!read.ok) return read;
  const settings = read.value;
  return ok({
    name: env?.name ?? "",
    settings,
    folder,
    frames: settings.decode && env !== null ? frameFinder(folder, outFolder(env.name, profile)) : null,
    open: async (faces, how, stop) => {
      const hwids = env?.board?.hwids ?? [];
      const chosen = await choosePort({ named: settings.named, hwids, known: knownHwids() }, stop);
      if (!chosen.ok) return chosen;
      return openSource(chosen.value.address, { ...settings.serial, baud: how.baud ?? settings.serial.baud }, how, faces, stop);
    },
  });
}

/** The end of each. Of several, the lines bear names, and nobody types: which one would it be for? */
export function watchAll(
  jobs: readonly MonitorJob[],
  order: MonitorOrder,
  stop: AbortSignal,
  host: MonitorHost,
): readonly Promise<MonitorEnd>[] {
  const several = jobs.length > 1;
  for (const warning of jobs.flatMap(({ settings }) => settings.warnings)) host.warn(warning);
  return jobs.map((job) =>
    runMonitor({ ...job, ...order, prefix: several ? `${job.name}| ` : "" }, stop, { ...host, keyboard: several ? null : host.keyboard }),
  );
}

/** Several ends as one: the exit code is the contract's, 130, then 3, 4, 1, 5. */
export function joined(ends: readonly MonitorEnd[]): { readonly exit: number; readonly failures: readonly Failure[] } {
  const failures = ends.flatMap(({ failure }) => (failure === null ? [] : [failure]));
  if (ends.some(({ exit }) => exit === INTERRUPTED)) return { exit: INTERRUPTED, failures };
  return { exit: exitCode(failures) || Math.max(0, ...ends.map(({ exit }) => exit)), failures };
}

/** For who has only a port. */
export function alone(folder: string): Watched {
  return { env: null, folder, profile: "release" };
}
