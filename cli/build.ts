/** `fb run` of one project: from a command to the last event. Wires the engine to disk, cache, runner and planner. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../cache/folders.ts";
import { cacheLimit, maybeCollect, noteAdded } from "../cache/gc.ts";
import { dropGraph } from "../cache/graph-file.ts";
import { notePackages } from "../cache/package-age.ts";
import { type Cache, openCache } from "../cache/open.ts";
import { LocalState } from "../cache/state.ts";
import { exitCode, failure, failureOf } from "../engine/failure.ts";
import type { Carried } from "../engine/files.ts";
import type { Root } from "../engine/paths.ts";
import { Report } from "../engine/report.ts";
import { run } from "../engine/run.ts";
import type { RunOutcome, RunRequest } from "../engine/run-request.ts";
import type { World } from "../engine/settle.ts";
import type { Event, EventSink, Planner, RunResult } from "../engine/types.ts";
import { openPlaces } from "./acquire/places.ts";
import { requestKey, targetText } from "./args.ts";
import type { RunCommand } from "./command.ts";
import { wentWay } from "./compiled.ts";
import { RunEffects } from "./effects.ts";
import { missingHeader } from "./missing-header.ts";
import type { MonitorHost } from "./monitor/devices.ts";
import type { FlashHold } from "./watch/hold.ts";
import type { Looked } from "./open-project.ts";
import { takeFound } from "./found.ts";
import { version } from "./home.ts";
import { clock } from "./host/clock.ts";
import { type HostDisk, openDisk } from "./host/disk.ts";
import { collectGarbage, keepHeapSmall } from "./host/heap.ts";
import { type Guardian, openGuardian } from "./host/guardian.ts";
import type { HostRunner } from "./host/lanes.ts";
import { acquireLock, type Holder } from "./host/lock.ts";
import { openSlots } from "./host/slots.ts";
import { fullDisk, fullFolder } from "./host/space.ts";
import { wordsAlias } from "./payload.ts";
import { Resumed } from "./resume.ts";
import { RunRecorder } from "./run-history.ts";
import { type Made, resultOf } from "./results.ts";
import type { RunTimes } from "./trace/run-times.ts";
import type { DepsHost, Planned, Whole, WholeHost } from "./whole.ts";
import { baseVars, pathsOf, tempFolder, worldOf } from "./world.ts";

/** What a build works with. */
interface Opened extends WholeHost {
  readonly guardian: Guardian;
  readonly jobs: number;
}

export interface BuildHost {
  readonly sink: EventSink;
  readonly stop: AbortSignal;
  /** Says for whom fb waits. */
  onWait(holder: Holder | null): void;
  /** Counted up while the run goes on. */
  readonly progress: { upToDate: number };
  /** Told once, before the first action: what the envs took when they were last built. */
  onPreviousSizes(sizes: ReadonlyMap<string, { readonly flash: number; readonly ram: number }>): void;
  /** The runner in use, so that a second Ctrl-C can end it at once. */
  onRunner(runner: HostRunner): void;
  /** The words of the command line, where they ask for this run and for nothing else; null of a verb that builds before it does its own work. */
  readonly words: readonly string[] | null;
  /** Where the time goes; null: nobody wants to know. */
  readonly times: RunTimes | null;
  /** What `fb deps` wants of a run for packages alone; null for any other. */
  readonly deps: DepsHost | null;
  /** For who wants to see the whole project: a dry run of every env hands over what it has planned, before its end; null for any other. */
  readonly onPlanned: ((planned: Planned, state: LocalState) => Promise<void>) | null;
  /** What the run's monitors write to and read from, asked for when the first begins; null: nobody is there to watch. */
  readonly monitors: (() => MonitorHost) | null;
  /** Who watches the boards beyond this run, and knows what they have; null: nobody. */
  readonly hold: FlashHold | null;
}

/** What a run left behind, for other faces. */
export interface Built {
  readonly result: RunResult;
  readonly outcome: RunOutcome | null;
  /** Those that were planned. */
  readonly envs: readonly string[];
  /** What reading the project looked at, also where that failed; null for a run that did not read it. */
  readonly looked: Looked | null;
}

/** Builds in a project's folder (from projectFolder). Every failure has been emitted as a diagnostic; the last event is the result. */
export async function build(folder: string, command: RunCommand, host: BuildHost): Promise<Built> {
  return new Build(folder, command, host).go();
}

/** What this run is about: Whole, or Resumed. */
interface Course {
  readonly world: World;
  readonly what: Pick<RunRequest, "plans" | "goals" | "bind" | "resume">;
  readonly builds: readonly { readonly env: string; readonly profile: string }[];
  readonly tools: Readonly<Record<string, string>>;
  compilersStand(disk: HostDisk): boolean;
  made(outcome: RunOutcome, disk: HostDisk): Made;
}

class Build {
  private readonly folder: string;
  private readonly command: RunCommand;
  private readonly host: BuildHost;
  private readonly report: Report;
  private disk: HostDisk | null = null;
  private course: Course | null = null;
  private outcome: RunOutcome | null = null;
  private envs: readonly string[] = [];
  private looked: Looked | null = null;
  /** What was made, once monitors run and nothing more is. */
  private madeBefore: Made | null = null;
  /** The processes of its actions are being ended. */
  private ended: Promise<void> = Promise.resolve();
  /** Closes all that was opened, once: at the end, or before a monitor, which holds no lock. */
  private close: () => Promise<void> = async () => {};
  /** Adds the run to the project's history, once all that it did is on disk. */
  private recorded: () => void = () => {};

  constructor(folder: string, command: RunCommand, host: BuildHost) {
    this.folder = folder;
    this.command = command;
    this.host = host;
    this.report = new Report(host.sink, clock);
  }

  async go(): Promise<Built> {
    const request = this.command.targets.map(targetText);
    this.report.emit({ type: "hello", schema: 1, version, project: this.folder, request });
    this.host.times?.lap("starting Node and fb");
    const onWait = (holder: Holder | null) => {
      // What was compared before the wait may have changed in it.
      takeFound();
      this.host.onWait(holder);
    };
    const lock = await acquireLock(this.folder, { request, onWait, stop: this.host.stop, form: null });
    try {
      this.host.times?.lap("waiting for the project's lock");
      if (lock !== null) await this.locked(lock);
    } catch (error) {
      const known = failureOf(error);
      if (known === null) throw error;
      this.report.add(known);
    } finally {
      await lock?.release();
      this.host.times?.lap("closing the cache, keeping the history");
    }
    return this.finish();
  }

  private async locked(lock: NonNullable<Awaited<ReturnType<typeof acquireLock>>>): Promise<void> {
    if (this.command.clean !== "nothing") {
      const { removeMade } = await import("./remove-made.ts");
      const removed = removeMade(this.folder, this.command.envs, this.command.clean === "all");
      if (!removed.ok) return this.report.add(removed.failure);
    }
    const folder = cacheFolder(process.env);
    if (!folder.ok) return this.report.add(folder.failure);
    const cache = openCache(folder.value, [process.execPath, process.argv[1] ?? "", "tool", "check-lmdb"]);
    if (!cache.ok) return this.report.add(cache.failure);
    const state = LocalState.open(join(this.folder, ".fb"));
    if (!state.ok) {
      await cache.value.close();
      return this.report.add(state.failure);
    }
    for (const f of cache.value.troubles()) this.report.add(f);
    const guardian = openGuardian({ lock, shell: "/bin/sh" });
    const jobs = this.command.jobs ?? availableParallelism();
    const runner = openSlots({
      slots: jobs,
      cwd: this.folder,
      base: baseVars(),
      logDir: join(this.folder, ".fb/state/logs"),
      guardian,
      shell: "/bin/sh",
    });
    this.host.onRunner(runner);
    const disk = openDisk(this.folder);
    this.disk = disk;
    const places = openPlaces(folder.value, this.command.offline, this.host.stop);
    const effects = new RunEffects(this.folder, this.command, this.host.monitors, this.host.hold);
    let open = true;
    this.close = async () => {
      if (!open) return;
      open = false;
      await places.close();
      await state.value.flush();
      this.recorded();
      const flushed = state.value.failure;
      // Of a full disk it is enough to hear once.
      if (flushed !== null && !this.isFull()) this.report.add(flushed);
      this.collect(cache.value);
      for (const f of cache.value.troubles()) this.report.add(f);
      const closed = await cache.value.close();
      if (!closed.ok && !this.report.failures.some((f) => f.code === closed.failure.code)) this.report.add(closed.failure);
      disk.close();
      await this.ended;
      await closeProcesses(runner, guardian);
      await lock.release();
    };
    try {
      await this.run({ cache: cache.value, state: state.value, runner, guardian, jobs, disk, places, effects });
    } finally {
      await this.close();
      await effects.close();
    }
  }

  /** Where only a few files changed since the last good run, what they reach; else everything is read and decided. */
  private async run(host: Opened): Promise<void> {
    this.host.times?.lap("opening cache and state");
    const key = requestKey(this.command);
    const found = takeFound();
    const world = (roots: readonly Root[], carried: Carried, valuesRead: Iterable<string>) => {
      notePackages(
        host.cache.folder,
        roots.map((root) => root.real),
      );
      return worldOf(host, pathsOf(this.folder, host.disk, roots), NO_PLANS, carried, valuesRead);
    };
    const resumed = key === null || found?.dir !== this.folder ? null : Resumed.from(found, key, host.state, world);
    // Where nothing can be written, this says so before anything is taken away.
    host.disk.now();
    if (resumed === null && !this.command.dryRun) dropGraph(host.state.folder);
    await (resumed === null ? this.runAll(host, key) : this.takeUp(resumed, host));
  }

  private async takeUp(resumed: Resumed, host: Opened): Promise<void> {
    await this.perform(resumed, host, (outcome) => this.keepResumed(resumed, outcome, host));
  }

  private async keepResumed(resumed: Resumed, outcome: RunOutcome, host: Opened): Promise<void> {
    const { envs, profile, notes } = resumed.payload;
    // An action that ran again says again what was said of it.
    for (const note of notes) if (!this.report.failures.some((f) => f.message === note.message)) this.report.add(note);
    const written = resumed.writeInfos(this.made().artifacts, host.disk);
    host.state.finish();
    this.host.times?.lap("writing what other tools read");
    if (!this.wentWell(outcome)) return;
    const told = { envs, profile, notes: this.report.failures, result: this.result() };
    await resumed.keep(told, this.alias(), outcome, host.disk, host.state, written);
    this.host.times?.lap("keeping snapshot and graph");
  }

  private async runAll(host: Opened, key: string | null): Promise<void> {
    const wants = { deps: this.host.deps, everyEnv: this.host.onPlanned !== null, onLooked: (looked: Looked) => (this.looked = looked) };
    // Most runs find a few files changed, and plan nothing.
    const { Whole } = await import("./whole.ts");
    const whole = await Whole.begin(this.folder, this.command, host, wants, this.report);
    if (whole === null) return;
    await this.perform(whole, host, (outcome) => this.keepWhole(whole, outcome, host, key));
  }

  private async keepWhole(whole: Whole, outcome: RunOutcome, host: Opened, key: string | null): Promise<void> {
    this.envs = whole.envs;
    if (this.host.onPlanned !== null) return this.host.onPlanned(whole.planned(outcome), host.state);
    const written = whole.writeFiles(outcome, this.made().artifacts);
    host.state.finish();
    this.host.times?.lap("writing what other tools read");
    if (key !== null && this.wentWell(outcome)) await whole.keep(key, this.alias(), outcome, this.result(), written);
    this.host.times?.lap("keeping snapshot and graph");
  }

  /** The run itself, and what everyone is told before and after it. keep: writes what is left of it when all files are made. */
  private async perform(course: Course, host: Opened, keep: (outcome: RunOutcome) => Promise<void>): Promise<void> {
    const { state, cache, jobs } = host;
    const { world, what, builds } = course;
    const { times } = this.host;
    this.course = course;
    const previous = builds.flatMap(({ env, profile }) => {
      const sizes = state.sizes(env, profile);
      return sizes === null ? [] : [[env, { flash: sizes.flash.used, ram: sizes.ram.used }] as const];
    });
    this.host.onPreviousSizes(new Map(previous));
    const { fresh, noCache, keepGoing, dryRun, verbose, json, why } = this.command;
    const request: RunRequest = {
      ...what,
      jobs,
      keepGoing,
      records: fresh ? "fresh" : noCache ? "no-cache" : "use",
      dryRun,
      commands: verbose,
      causes: json || why,
      progress: this.host.progress,
      timeline: times,
      onMade: async (outcome) => {
        await this.settle(course, outcome, host, recorder, began, full);
        await keep(outcome);
        this.madeBefore = this.made();
        await this.close();
      },
    };
    times?.lap(what.resume === null ? "reading the project, asking its tools" : "taking up the kept graph");
    let full: ReturnType<typeof fullFolder> = null;
    const excluded: string[] = [];
    const libraries = { project: this.folder, libraries: ["lib"], store: join(cache.folder, "packages") };
    const recorder = new RunRecorder();
    const began = new Date();
    const emit = (e: Event) => {
      recorder.note(e);
      times?.note(e);
      this.host.sink.emit({ ...e, t: this.report.ms });
      keepHeapSmall();
      if (e.type === "diagnostic" && e.code === "library.excluded") excluded.push(e.message);
      if (e.type !== "end" || e.status !== "failed") return;
      full ??= fullFolder(e.kind, e.output, [join(this.folder, ".fb/build"), join(this.folder, ".fb"), tempFolder()]);
      const hint = e.kind === "compile" ? missingHeader(e.output, libraries, excluded) : null;
      // Once: a header that many sources lack is one thing to do.
      if (hint !== null && !this.report.failures.some((f) => f.message === hint.message)) this.report.add(hint);
    };
    const outcome = await run(world, request, { emit }, this.host.stop);
    times?.lap(null);
    if (this.madeBefore !== null) {
      const known = this.outcome?.failures.length ?? 0;
      this.outcome = outcome;
      this.report.failures.push(...outcome.failures.slice(known));
      return;
    }
    await this.settle(course, outcome, host, recorder, began, full);
    await keep(outcome);
  }

  /** All files are made. full: where a full disk was seen. */
  private async settle(
    course: Course,
    outcome: RunOutcome,
    { state, cache, runner, guardian, disk }: Opened,
    recorder: RunRecorder,
    began: Date,
    full: ReturnType<typeof fullFolder>,
  ): Promise<void> {
    const { what, builds } = course;
    this.outcome = outcome;
    const { ran, hits } = outcome.counts;
    wentWay(["run", what.resume === null ? "all" : "few", ...(ran > 0 ? ["ran"] : []), ...(hits > 0 ? ["hit"] : [])].join("-"));
    // They end while the rest is written; close() waits for it, and hears what fails.
    this.ended = closeProcesses(runner, guardian);
    this.ended.catch(() => {});
    collectGarbage();
    this.report.failures.push(...outcome.failures);
    if (ran > 0 && !course.compilersStand(disk)) this.disown(outcome, cache, state);
    if (full !== null && !this.isFull()) this.report.add(fullDisk(full));
    for (const size of this.made().size) state.setSizes(builds.find((b) => b.env === size.env)?.profile ?? "release", size);
    if (this.command.dryRun) return;
    const targets = this.command.targets.map(targetText);
    this.recorded = () => recorder.keep(state, outcome, this.result(), { began, request: targets, builds, tools: course.tools });
  }

  /** What was made while a compiler was exchanged bears the old one's name: it is to be found by no later run. */
  private disown(outcome: RunOutcome, cache: Cache, state: LocalState): void {
    for (const { spec } of outcome.graph.nodes) {
      const last = state.last(spec.name);
      if (last === undefined) continue;
      cache.actions.drop(last.key);
      state.forget(spec.name);
    }
    const message = "a compiler was exchanged while it was used: what it made may be of two versions";
    const hint = "run fb again when the installation is through: all that it made is made again";
    this.report.add(failure("toolchain.changed", 4, message, { hint }));
  }

  /** The words of the command line as a name of what they ask for; null where they say more, or leave it to something else, as a folder that they name. */
  private alias(): string | null {
    const { words } = this.host;
    const { dir, targets, json, verbose, why, timing, trace } = this.command;
    const elsewhere = dir !== null || targets.some((t) => t.is === "name" && t.dir !== null);
    if (words === null || elsewhere || json || verbose || why || timing || trace !== null) return null;
    return wordsAlias(words);
  }

  /** Keeps the cache within its bound, when that is due. */
  private collect(cache: Cache): void {
    const limit = cacheLimit(process.env);
    if (!limit.ok) return this.report.add(limit.failure);
    cache.flush();
    noteAdded(cache);
    if (!this.host.stop.aborted) maybeCollect(cache, limit.value);
  }

  private isFull(): boolean {
    return this.report.failures.some((f) => f.code === "disk.full");
  }

  /** Whether the next run may rest on what this one saw. */
  private wentWell(outcome: RunOutcome): boolean {
    return outcome.trusted && exitCode(this.report.failures) === 0;
  }

  private made(): Made {
    if (this.madeBefore !== null) return this.madeBefore;
    const { course, outcome, disk } = this;
    return course === null || outcome === null || disk === null ? { artifacts: [], size: [] } : course.made(outcome, disk);
  }

  private result(): RunResult {
    return resultOf(this.report, this.host.stop.aborted, this.outcome?.counts ?? null, this.made());
  }

  private finish(): Built {
    const result = this.result();
    this.report.emit(result);
    return { result, outcome: this.outcome, envs: this.envs, looked: this.looked };
  }
}

/** A run of few changes plans nothing. */
const NO_PLANS: Planner = {
  plan: () => {
    throw new Error("a plan in a run of few changes");
  },
};

/** Ends what runs actions. */
async function closeProcesses(runner: HostRunner, guardian: Guardian): Promise<void> {
  await runner.close();
  await guardian.close();
}
