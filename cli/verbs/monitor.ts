/** `fb monitor`: what a board prints, and what is typed to it. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { diagnostic, failure, ok } from "../../engine/failure.ts";
import type { Event, Failure, Result } from "../../engine/types.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import type { EnvProject } from "../../rules/project.ts";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { clock } from "../host/clock.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { alone, joined, type MonitorJob, monitorJobs, watchAll, type Watched } from "../monitor/devices.ts";
import { hostOf } from "../monitor/host.ts";
import { openProject } from "../open-project.ts";
import { projectFolder } from "../project-folder.ts";
import { jsonSink } from "../show/json.ts";

type MonitorCommand = Extract<Command, { verb: "monitor" }>;

/** Builds nothing and holds no project. The exit code is the patterns', 5 of a device, 130 of a signal. */
export async function monitorVerb(command: MonitorCommand, faces: Faces): Promise<number> {
  const sink = command.json ? jsonSink((line) => faces.out.write(line)) : null;
  const began = clock.monotonicMs();
  const now = () => Math.round(clock.monotonicMs() - began);
  const stop = watchSignals(() => {});
  const gone = new AbortController();
  // Nobody is left to show it to.
  process.stdout.on("error", () => gone.abort());
  const jobs = await jobsOf(command);
  const order = { patterns: command.serial, limit: command.timeout };
  const host = { ...hostOf(faces, command.json), emit: sink && ((e: Event) => sink.emit(e)), now };
  const end = jobs.ok
    ? joined(await Promise.all(watchAll(jobs.value, order, AbortSignal.any([stop.stop, gone.signal]), host)))
    : { exit: jobs.failure.exit, failures: [jobs.failure] };
  stop.close();
  complain(faces, end.failures);
  if (sink !== null) {
    for (const one of end.failures) sink.emit(diagnostic(now(), one));
    const status = end.exit === 0 ? "ok" : end.exit === INTERRUPTED ? "cancelled" : "failed";
    const nothing = { actions: 0, ran: 0, hits: 0, upToDate: 0, failed: end.failures.length, ms: now(), artifacts: [], size: [] };
    sink.emit({ type: "result", t: now(), status, exitCode: end.exit, ...nothing });
  }
  return end.exit;
}

async function jobsOf(command: MonitorCommand): Promise<Result<readonly MonitorJob[]>> {
  const watched = watchedBy(command);
  if (!watched.ok) return watched;
  const jobs: MonitorJob[] = [];
  for (const one of watched.value) {
    const more = await monitorJobs(one, command.monitor);
    if (!more.ok) return more;
    jobs.push(...more.value);
  }
  return ok(jobs);
}

/** The envs that are named, else the first of default_envs, else the first, as in PlatformIO; where there is no project, a port by itself. */
function watchedBy(command: MonitorCommand): Result<readonly Watched[]> {
  const dir = command.project ?? command.dir;
  if (dir === null && command.envs.length === 0 && !existsSync(join(resolve("."), CONFIG_FILE))) return ok([alone(resolve("."))]);
  const folder = projectFolder(dir);
  if (!folder.ok) return folder;
  const opened = openProject(folder.value);
  if (!opened.ok) return opened;
  const { project } = opened.value;
  const selected = project.config.select(command.envs);
  if (!selected.ok) return selected;
  const names = command.envs.length > 0 ? selected.value : [project.defaultEnvs[0] ?? selected.value[0] ?? ""];
  const watched: Watched[] = [];
  for (const name of names) {
    const env = envOf(project.envs.get(name), name);
    if (!env.ok) return env;
    watched.push({ env: env.value, folder: folder.value, profile: env.value.buildType === "debug" ? "debug" : "release" });
  }
  return ok(watched);
}

function envOf(
  read: { readonly ok: true; readonly value: EnvProject } | { readonly ok: false; readonly failures: readonly Failure[] } | undefined,
  name: string,
): Result<EnvProject> {
  if (read?.ok === true) return ok(read.value);
  const [first] = read?.failures ?? [];
  return { ok: false, failure: first ?? failure("env.unknown", 2, `there is no env ${name}`, { hint: "fb config lists them" }) };
}
