/** `fb run`: a project's targets built, shown as they are built. */
import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { errorCode } from "../../cache/trouble.ts";
import { diagnostic, failure } from "../../engine/failure.ts";
import type { EventSink, Failure } from "../../engine/types.ts";
import { targetText } from "../args.ts";
import type { RunCommand, Target } from "../command.ts";
import { build, type BuildHost, type Built } from "../build.ts";
import { complain, type Faces, tellWait } from "../faces.ts";
import { version } from "../home.ts";
import { clock } from "../host/clock.ts";
import type { HostRunner } from "../host/lanes.ts";
import { watchSignals } from "../host/signals.ts";
import { hostOf } from "../monitor/host.ts";
import { projectFolder } from "../project-folder.ts";
import { openDisplay } from "../show/display.ts";
import { jsonSink } from "../show/json.ts";
import { mux } from "../show/mux.ts";
import type { Out } from "../show/out.ts";
import { packageEvents } from "../show/package-events.ts";
import { timingText } from "../show/timing.ts";
import { chromeTrace } from "../trace/chrome.ts";
import { RunTimes } from "../trace/run-times.ts";
import type { DepsHost } from "../whole.ts";

/** Targets of several folders are built one folder after the other, if all are projects; the exit code is the first that is not 0. */
export async function runVerb(command: RunCommand, faces: Faces): Promise<number> {
  const runs = runsOf(command, faces);
  if (typeof runs === "number") return runs;
  let code = 0;
  for (const [folder, asked] of runs) {
    const ended = await runFolder(folder, asked, faces);
    if (ended !== 0 && code === 0) code = ended;
    if (ended === 130) break;
  }
  return code;
}

/** A command's runs, one a folder; or its exit code, where they do not begin and why has been said. */
export function runsOf(command: RunCommand, faces: Faces): number | readonly (readonly [folder: string, command: RunCommand])[] {
  const odd = senseless(command);
  if (odd !== null) return refuse(command, odd, faces);
  const blocked = command.trace === null ? null : unwritable(command.trace);
  if (blocked !== null) return refuse(command, blocked, faces);
  const runs: [folder: string, RunCommand][] = [];
  for (const [dir, targets] of byFolder(command)) {
    const folder = projectFolder(dir);
    if (!folder.ok) return refuse({ ...command, dir, targets }, folder.failure, faces);
    runs.push([folder.value, { ...command, dir, targets }]);
  }
  return runs;
}

/** Why a trace cannot be written, before anything is built for it; null if it can. */
function unwritable(file: string): Failure | null {
  try {
    writeFileSync(file, "");
    return null;
  } catch (error) {
    return failure("trace.write", 4, `cannot write ${file}: ${errorCode(error)}`, { hint: "name a file in a folder that is there" });
  }
}

/** Says why a run does not begin: with --json as the events of a run that came to nothing. */
function refuse(command: RunCommand, why: Failure, faces: Faces): number {
  const exitCode = complain(faces, [why]);
  if (!command.json) return exitCode;
  const sink = jsonSink((line) => faces.out.write(line));
  sink.emit({ type: "hello", t: 0, schema: 1, version, project: resolve(command.dir ?? "."), request: command.targets.map(targetText) });
  sink.emit(diagnostic(0, why));
  const nothing = { actions: 0, ran: 0, hits: 0, upToDate: 0, failed: 0, ms: 0, artifacts: [], size: [] };
  sink.emit({ type: "result", t: 0, status: "failed", exitCode, ...nothing });
  return exitCode;
}

/** What makes no sense together. */
function senseless(command: RunCommand): Failure | null {
  return command.watch && command.dryRun
    ? failure("run.watch-dry", 2, "a dry run builds nothing that could be watched", { hint: "leave out -n, or --watch" })
    : null;
}

function byFolder(command: RunCommand): ReadonlyMap<string | null, Target[]> {
  const folders = new Map<string | null, Target[]>();
  for (const target of command.targets) {
    // `fb run examples/blink`: a folder that is a project stands for its firmware.
    if (target.is === "path" && existsSync(join(command.dir ?? ".", target.path, "platformio.ini"))) {
      const folder = join(command.dir ?? ".", target.path);
      folders.set(folder, [...(folders.get(folder) ?? []), { is: "name", dir: null, name: "firmware", env: target.env }]);
      continue;
    }
    const dir = target.is === "name" && target.dir !== null && target.dir !== "" ? target.dir : command.dir;
    folders.set(dir, [...(folders.get(dir) ?? []), target]);
  }
  return folders.size > 0 ? folders : new Map([[command.dir, [{ is: "name", dir: null, name: "firmware", env: null }]]]);
}

async function runFolder(folder: string, command: RunCommand, faces: Faces): Promise<number> {
  const sink = command.json ? jsonSink((line) => faces.out.write(line)) : null;
  const built = await buildShown(folder, command, faces, {
    out: command.json ? faces.err : faces.out,
    sink,
    words: process.argv.slice(2),
    deps: null,
    stopper: null,
    hold: null,
  });
  return built.result.exitCode;
}

/** Who ends a run. */
export interface Stopper {
  readonly stop: AbortSignal;
  /** Told the runner in use, to end it at once. */
  onRunner(runner: HostRunner): void;
  /** The run has ended. */
  close(): void;
}

/** The process's signals: the second one ends what runs at once. */
function bySignals(): Stopper {
  let runner: HostRunner | null = null;
  const signals = watchSignals(() => runner?.killNow());
  return {
    stop: signals.stop,
    onRunner: (r) => {
      runner = r;
    },
    close: () => signals.close(),
  };
}

/** A build with its display on `out`; sink: who hears of its events before that, null for nobody; stopper: null for the process's signals. */
export async function buildShown(
  folder: string,
  command: RunCommand,
  faces: Faces,
  {
    out,
    sink: first,
    words,
    deps,
    stopper,
    hold,
  }: {
    readonly out: Out;
    readonly sink: EventSink | null;
    readonly words: BuildHost["words"];
    readonly deps: DepsHost | null;
    readonly stopper: Stopper | null;
    /** Who watches the boards beyond this run; null: nobody. */
    readonly hold: BuildHost["hold"];
  },
): Promise<Built> {
  const ender = stopper ?? bySignals();
  let previous: ReadonlyMap<string, { readonly flash: number; readonly ram: number }> = new Map();
  const progress = { upToDate: 0 };
  const began = clock.monotonicMs();
  const display = openDisplay({
    out,
    err: faces.err,
    redraws: faces.redraws,
    columns: () => process.stdout.columns || 80,
    rows: () => process.stdout.rows || 24,
    verbose: command.verbose,
    why: command.why,
    dryRun: command.dryRun,
    now: () => clock.monotonicMs(),
    previousSize: (env) => previous.get(env) ?? null,
    upToDate: () => progress.upToDate,
  });
  const shown: EventSink = first === null ? display : mux([first, display]);
  const sink = packageEvents(shown, () => clock.monotonicMs());
  const times = command.timing || command.trace !== null ? new RunTimes() : null;
  try {
    const built = await build(folder, command, {
      sink,
      stop: ender.stop,
      progress,
      onWait: (holder) => tellWait(faces, holder),
      onPreviousSizes: (sizes) => {
        previous = sizes;
      },
      onRunner: (r) => ender.onRunner(r),
      words,
      times,
      deps,
      onPlanned: null,
      hold,
      monitors: () => {
        display.flush();
        return {
          ...hostOf(faces, command.json),
          emit: command.json ? (e) => first?.emit(e) : null,
          now: () => Math.round(clock.monotonicMs() - began),
        };
      },
    });
    display.close();
    if (times !== null) tellTimes(times, folder, command, built, faces);
    return built;
  } finally {
    display.close();
    ender.close();
  }
}

/** Writes the trace, and says where the time went: on the stream that is for people. */
function tellTimes(times: RunTimes, folder: string, command: RunCommand, { outcome }: Built, faces: Faces): void {
  const actions = outcome === null ? [] : times.actions(outcome);
  const spans = times.spans(actions);
  if (command.trace !== null) writeFileSync(command.trace, chromeTrace(folder, spans, actions));
  const jobs = command.jobs ?? availableParallelism();
  const out = command.json ? faces.err : faces.out;
  if (command.timing) out.write(timingText(times.now(), jobs, spans, actions, out.color));
}
