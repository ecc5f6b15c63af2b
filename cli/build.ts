/** `fb run` of one project: from a command to the last event. Wires the engine to disk, cache, runner and planner. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cacheFolder } from "../cache/folders.ts";
import { cacheLimit, maybeCollect, noteAdded } from "../cache/gc.ts";
import { type Cache, openCache } from "../cache/open.ts";
import { dropGraph } from "../cache/graph-file.ts";
import { LocalState } from "../cache/state.ts";
import { isAsProbed } from "../cache/toolchain.ts";
import { exitCode, failure, ok, warning } from "../engine/failure.ts";
import type { Carried } from "../engine/files.ts";
import type { Paths, Root } from "../engine/paths.ts";
import type { Goal } from "../engine/goals.ts";
import { run, type RunOutcome, type RunRequest } from "../engine/run.ts";
import type { World } from "../engine/settle.ts";
import type { ActionSpec, Event, EventSink, Failure, ProjectPath, Result, RunResult } from "../engine/types.ts";
import type { EnvPlan } from "../rules/env-plan.ts";
import type { EnvProject } from "../rules/project.ts";
import { storedRef } from "./acquire/acquirer.ts";
import { Acquisition } from "./acquire/acquisition.ts";
import { LOCK_FILE, LockFile } from "./acquire/lock-file.ts";
import { type OpenPlaces, openPlaces } from "./acquire/places.ts";
import { requestKey, type RunCommand, type Target } from "./args.ts";
import { type BuildInfo, buildInfo, removeBuildInfo, writeBuildInfo, writeIfNew } from "./build-info.ts";
import { wentWay } from "./compiled.ts";
import { COMPDB_FILE, compileCommands } from "./compdb.ts";
import { buildId, version } from "./home.ts";
import { clock } from "./host/clock.ts";
import { type HostDisk, openDisk } from "./host/disk.ts";
import { type Guardian, openGuardian } from "./host/guardian.ts";
import { acquireLock, type Holder } from "./host/lock.ts";
import type { HostRunner } from "./host/lanes.ts";
import { fullDisk, fullFolder } from "./host/space.ts";
import { openSlots } from "./host/slots.ts";
import { keepSnapshot } from "./keep.ts";
import { takeFound } from "./found.ts";
import { Resumed } from "./resume.ts";
import { artifactsOf, sizeOf } from "./results.ts";
import { Once } from "./once.ts";
import { type OpenProject, openProject } from "./open-project.ts";
import { findPackages, linkPackages } from "./packages.ts";
import { wordsAlias } from "./payload.ts";
import { type PlanInput, planInput } from "./plan-input.ts";
import { emptyPlan, planAction, plannerOf, wantedEnvs } from "./plans.ts";
import { removeMade } from "./remove-made.ts";
import { baseVars, type Opened as WorldParts, pathsOf, tempFolder, worldOf } from "./world.ts";

/** What a build works with. */
interface Opened extends WorldParts {
  readonly guardian: Guardian;
  readonly jobs: number;
  readonly places: OpenPlaces;
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
}

/** What a run left behind, for the snapshot, compile_commands.json and other faces. */
export interface Built {
  readonly result: RunResult;
  readonly open: OpenProject | null;
  readonly outcome: RunOutcome | null;
  readonly inputs: ReadonlyMap<string, PlanInput>;
  readonly profile: string;
}

/** Builds in a project's folder (from projectFolder). Every failure has been emitted as a diagnostic; the last event is the result. */
export async function build(folder: string, command: RunCommand, host: BuildHost): Promise<Built> {
  return new Build(folder, command, host).go();
}

class Build {
  private readonly folder: string;
  private readonly command: RunCommand;
  private readonly host: BuildHost;
  private readonly began = clock.monotonicMs();
  private readonly failures: Failure[] = [];
  private readonly inputs = new Map<string, PlanInput>();
  private open: OpenProject | null = null;
  private disk: HostDisk | null = null;
  private resumed: Resumed | null = null;
  private ended: Promise<void> = Promise.resolve();
  private once: Once | null = null;
  private outcome: RunOutcome | null = null;
  private readonly infos: BuildInfo[] = [];
  private profile = "release";

  constructor(folder: string, command: RunCommand, host: BuildHost) {
    this.folder = folder;
    this.command = command;
    this.host = host;
  }

  async go(): Promise<Built> {
    const request = this.command.targets.map(targetText);
    this.emit({ type: "hello", schema: 1, version, project: this.folder, request });
    const onWait = (holder: Holder | null) => {
      // What was compared before the wait may have changed in it.
      takeFound();
      this.host.onWait(holder);
    };
    const lock = await acquireLock(this.folder, { request, onWait, stop: this.host.stop, form: null });
    try {
      if (lock !== null) await this.locked(lock);
    } catch (error) {
      // The disk's errors carry what to say; anything else is a bug.
      const known = (error as { failure?: Failure }).failure;
      if (known === undefined) throw error;
      this.report(known);
    } finally {
      await lock?.release();
    }
    return this.finish();
  }

  private async locked(lock: NonNullable<Awaited<ReturnType<typeof acquireLock>>>): Promise<void> {
    if (this.command.clean !== "nothing") {
      const removed = removeMade(this.folder, this.command.envs, this.command.clean === "all");
      if (!removed.ok) return this.report(removed.failure);
    }
    const folder = cacheFolder(process.env);
    if (!folder.ok) return this.report(folder.failure);
    const cache = openCache(folder.value, [process.execPath, process.argv[1] ?? "", "tool", "check-lmdb"]);
    if (!cache.ok) return this.report(cache.failure);
    const state = LocalState.open(join(this.folder, ".fb"));
    if (!state.ok) {
      await cache.value.close();
      return this.report(state.failure);
    }
    for (const f of cache.value.troubles()) this.report(f);
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
    const places = openPlaces(folder.value, this.command.offline, new Map(), this.host.stop);
    try {
      await this.run({ cache: cache.value, state: state.value, runner, guardian, jobs, disk, places });
    } finally {
      await closeProcesses(runner, guardian);
      await places.close();
      const flushed = await state.value.flush().then(() => state.value.failure);
      // Of a full disk it is enough to hear once.
      if (flushed !== null && !this.isFull()) this.report(flushed);
      this.collect(cache.value);
      for (const f of cache.value.troubles()) this.report(f);
      const closed = await cache.value.close();
      if (!closed.ok && !this.failures.some((f) => f.code === closed.failure.code)) this.report(closed.failure);
      disk.close();
    }
  }

  /** Where only a few files changed since the last good run, what they reach; else everything is read and decided. */
  private async run(host: Opened): Promise<void> {
    const key = requestKey(this.command);
    const found = takeFound();
    const world = (roots: readonly Root[], carried: Carried) =>
      worldOf(host, pathsOf(this.folder, host.disk, roots), plannerOf(this.inputs, NO_PACKAGES), carried);
    const resumed = key === null || found?.dir !== this.folder ? null : Resumed.from(found, key, host.state, world);
    if (resumed === null && !this.command.dryRun) dropGraph(host.state.folder);
    try {
      await (resumed === null ? this.runAll(host, key) : this.takeUp(resumed, host));
    } finally {
      await this.ended;
    }
  }

  private async takeUp(resumed: Resumed, host: Opened): Promise<void> {
    this.resumed = resumed;
    const { envs, profile, notes } = resumed.payload;
    const { resume, world } = resumed;
    const outcome = await this.perform(world, { plans: [], goals: [], resume }, host, resume.builds, () =>
      resumed.compilersStand(host.disk),
    );
    // An action that ran again says again what was said of it.
    for (const note of notes) if (!this.failures.some((f) => f.message === note.message)) this.report(note);
    const written = resumed.writeInfos(this.artifacts(), host.disk);
    host.state.finish();
    if (!outcome.trusted || exitCode(this.failures) !== 0) return;
    const told = { envs, profile, notes: this.failures, result: this.resultNow() };
    await resumed.keep(told, this.alias(), outcome, host.disk, host.state, written);
  }

  private async runAll(host: Opened, key: string | null): Promise<void> {
    const { cache, state, disk } = host;
    const opened = openProject(this.folder, disk);
    if (!opened.ok) return this.report(opened.failure);
    const open = opened.value;
    const { project } = open;
    this.open = open;
    for (const w of project.warnings) this.report(w);
    this.once = new Once(join(this.folder, ".fb/state/noted"));
    if (project.later.length > 0) this.reportOnce(laterNote(project.later));
    const wanted = wantedEnvs(project, this.command);
    if (!wanted.ok) return this.report(wanted.failure);
    const paths = pathsOf(this.folder, disk, []);
    const profileOf = (env: EnvProject) => this.command.profile ?? (env.buildType === "debug" ? "debug" : "release");
    const { packages: mode, dryRun, locked, targets } = this.command;
    const onlyPackages = targets.length > 0 && targets.every((t) => t.is === "name" && t.name === "deps");
    const lock = LockFile.open(this.folder);
    if (!lock.ok) return this.report(lock.failure);
    const acquisition: Acquisition = new Acquisition({
      project,
      disk,
      cache: cache.folder,
      lock: lock.value,
      locked,
      mode,
      dryRun,
      ask: (request) => host.places.ask(request),
      note: (warning) => this.report(warning),
      plan: async (env) => {
        if (onlyPackages) return ok(emptyPlan(env.name, profileOf(env)));
        const input = await this.prepare(open, env, profileOf(env), paths, cache, acquisition);
        if (!input.ok) return input;
        this.inputs.set(env.name, input.value);
        return ok(planAction(env.name, profileOf(env), input.value));
      },
    });
    const plans: ActionSpec[] = [];
    const goals: Goal[] = [];
    const builds: { readonly env: string; readonly profile: string }[] = [];
    for (const name of wanted.value) {
      const read = project.envs.get(name);
      if (read === undefined) continue;
      if (!read.ok) {
        for (const f of read.failures) this.report(f);
        continue;
      }
      const env = read.value;
      for (const w of env.warnings) this.reportOnce(w);
      const profile = profileOf(env);
      this.profile = profile;
      const plan = await acquisition.begin(env, profile);
      if (!plan.ok) {
        this.report(plan.failure);
        continue;
      }
      plans.push(plan.value);
      builds.push({ env: name, profile });
      for (const target of this.command.targets) {
        if (target.env !== null && target.env !== name) continue;
        goals.push({ env: name, profile, target: target.is === "name" ? target.name : target.path });
      }
    }
    if (plans.length === 0) return;
    const request = { plans, goals: goals.filter((g) => g.target !== "compdb" && g.target !== "deps"), resume: null };
    const planner = plannerOf(this.inputs, (action) => acquisition.grow(action));
    const outcome = await this.perform(worldOf(host, paths, planner, null), request, host, builds, () =>
      [...this.inputs.values()].every((input) => input.toolchains.every((toolchain) => isAsProbed(toolchain, disk))),
    );
    const written = this.writeFiles(open, outcome);
    if (!dryRun) {
      const saved = lock.value.save(locked);
      if (!saved.ok) this.report(saved.failure);
      // Its absence counts as well: a lock that comes later is obeyed.
      if (existsSync(join(this.folder, LOCK_FILE))) written.push(LOCK_FILE);
      else outcome.files.digest({ is: "absent", path: LOCK_FILE as ProjectPath });
    }
    state.finish();
    // Packages alone are looked for each time: nothing of the project was read that would tell of a change.
    if (key === null || onlyPackages || buildId === "sources" || !outcome.trusted || exitCode(this.failures) !== 0) return;
    const told = {
      envs: [...this.inputs.keys()],
      profile: this.profile,
      notes: this.failures.filter((f) => !this.once?.said.has(f.message)),
      result: this.resultNow(),
    };
    const names = { request: key, alias: this.alias() };
    await keepSnapshot(names, told, open, outcome, [...this.inputs.values()], written, state, {
      roots: paths.further(),
      infos: this.infos,
    });
  }

  /** The run itself, and what everyone is told before and after it. */
  private async perform(
    world: World,
    what: Pick<RunRequest, "plans" | "goals" | "resume">,
    { state, cache, runner, guardian, jobs }: Opened,
    builds: readonly { readonly env: string; readonly profile: string }[],
    compilersStand: () => boolean,
  ): Promise<RunOutcome> {
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
    };
    let full: ReturnType<typeof fullFolder> = null;
    const emit = (e: Event) => {
      if (e.type === "end" && e.status === "failed")
        full ??= fullFolder(e.kind, e.output, [join(this.folder, ".fb/build"), join(this.folder, ".fb"), tempFolder()]);
      this.host.sink.emit({ ...e, t: this.t() });
    };
    const outcome = await run(world, request, { emit }, this.host.stop);
    this.outcome = outcome;
    const { ran, hits } = outcome.counts;
    wentWay(["run", what.resume === null ? "all" : "few", ...(ran > 0 ? ["ran"] : []), ...(hits > 0 ? ["hit"] : [])].join("-"));
    // They end while the snapshot is written.
    this.ended = closeProcesses(runner, guardian);
    this.failures.push(...outcome.failures);
    if (outcome.counts.ran > 0 && !compilersStand()) this.disown(outcome, cache, state);
    if (full !== null && !this.isFull()) this.report(fullDisk(full));
    for (const size of this.sizes()) state.setSizes(builds.find((b) => b.env === size.env)?.profile ?? "release", size);
    return outcome;
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
    this.report(failure("toolchain.changed", 4, message, { hint }));
  }

  /** The words of the command line as a name of what they ask for; null where they say more, or leave it to something else, as a folder that they name. */
  private alias(): string | null {
    const { dir, targets, json, verbose, why } = this.command;
    const elsewhere = dir !== null || targets.some((t) => t.is === "name" && t.dir !== null);
    return elsewhere || json || verbose || why ? null : wordsAlias(process.argv.slice(2));
  }

  /** What other tools read beside the artifacts; the paths written. */
  private writeFiles(open: OpenProject, outcome: RunOutcome): string[] {
    const artifacts = this.artifacts();
    const written: string[] = [];
    for (const [env, input] of this.inputs) {
      if (artifacts.some((a) => a.env === env)) {
        const info = buildInfo(input, outcome, artifacts);
        this.infos.push(info);
        written.push(writeBuildInfo(open.disk, info));
      } else if (!this.command.dryRun) {
        removeBuildInfo(open.disk, env, input.plan.profile, outcome.targets.get(env)?.get("firmware") ?? []);
      }
    }
    const wanted = this.command.targets.some((t) => t.is === "name" && t.name === "compdb") || open.project.ruleFile?.compdb === true;
    if (wanted && !this.command.dryRun) {
      const project = { folder: this.folder, envs: [...this.inputs.keys()], realpath: (p: string) => open.disk.realpath(p) };
      const specs = outcome.graph.nodes.map((n) => n.spec);
      writeIfNew(open.disk, COMPDB_FILE, compileCommands(project, specs));
      written.push(COMPDB_FILE);
    }
    return written;
  }

  /** Keeps the cache within its bound, when that is due. */
  private collect(cache: Cache): void {
    const limit = cacheLimit(process.env);
    if (!limit.ok) return this.report(limit.failure);
    cache.flush();
    noteAdded(cache);
    if (!this.host.stop.aborted) maybeCollect(cache, limit.value);
  }

  private async prepare(
    open: OpenProject,
    env: EnvProject,
    profile: EnvPlan["profile"],
    paths: Paths,
    cache: Cache,
    acquisition: Acquisition,
  ): Promise<Result<PlanInput>> {
    const { project, disk } = open;
    const found = findPackages(project, env, disk, acquisition.packages);
    if (!found.ok) return found;
    const libraries = acquisition.librariesOf(env.name);
    const packages = { ...found.value, all: [...found.value.all, ...libraries.map((library) => storedRef(library.package))] };
    const linked = linkPackages(this.folder, [...[...this.inputs.values()].flatMap((i) => i.packages), ...packages.all], paths);
    return linked.ok ? planInput(project, env, profile, packages, libraries, disk, cache.memo) : linked;
  }

  private isFull(): boolean {
    return this.failures.some((f) => f.code === "disk.full");
  }

  private t(): number {
    return Math.round(clock.monotonicMs() - this.began);
  }

  private emit(event: EventBody): void {
    this.host.sink.emit({ t: this.t(), ...event } as Event);
  }

  private report(f: Failure): void {
    this.failures.push(f);
    const { severity, code, message, file, line, column, hint } = f;
    this.emit({ type: "diagnostic", severity, code, message, file, line, column, hint });
  }

  private resultNow(): RunResult {
    const cancelled = this.host.stop.aborted;
    const code = cancelled ? 130 : exitCode(this.failures);
    const counts = this.outcome?.counts ?? { actions: 0, ran: 0, hits: 0, upToDate: 0, failed: 0 };
    return {
      type: "result",
      status: cancelled ? "cancelled" : code === 0 ? "ok" : "failed",
      exitCode: code,
      ...counts,
      ms: this.t(),
      artifacts: this.artifacts(),
      size: this.sizes(),
    };
  }

  /** What an ini asks for and this version does not do is said once, not with every build. */
  private reportOnce(f: Failure): void {
    if (this.once?.isNew(f.message) === true) this.report(f);
  }

  private finish(): Built {
    const result = this.resultNow();
    this.emit(result);
    return { result, open: this.open, outcome: this.outcome, inputs: this.inputs, profile: this.profile };
  }

  /** The image of each env that has one, as this run left it. */
  private artifacts(): RunResult["artifacts"] {
    const { outcome, resumed } = this;
    if (outcome === null) return [];
    if (resumed !== null) return resumed.artifacts(outcome);
    const found = [...outcome.resolved].flatMap(([goal, paths]) => {
      const images = paths.filter((path) => !path.endsWith("/size.json"));
      return artifactsOf(outcome, goal.env, goal.profile, images);
    });
    const order = [...this.inputs.keys()];
    return [...new Map(found.map((a) => [a.path, a])).values()].sort((a, b) => order.indexOf(a.env) - order.indexOf(b.env));
  }

  private sizes(): RunResult["size"] {
    const { outcome, resumed, disk } = this;
    if (outcome === null || disk === null) return [];
    return resumed !== null ? resumed.sizes(outcome, disk) : [...this.inputs.keys()].flatMap((env) => sizeOf(outcome, env, disk));
  }
}

/** A run of few changes plans nothing. */
const NO_PACKAGES = (): never => {
  throw new Error("packages are looked for by whole runs only");
};

/** Ends what runs actions; a second call waits for the first. */
async function closeProcesses(runner: HostRunner, guardian: Guardian): Promise<void> {
  await runner.close();
  await guardian.close();
}

type EventBody = Event extends infer E ? (E extends Event ? Omit<E, "t"> : never) : never;

function laterNote(names: readonly string[]): Failure {
  const hint = "they belong to verbs that this version of fb does not have; the firmware is the same without them";
  return warning("env.option-later", `not used yet: ${names.join(", ")}`, { file: "platformio.ini", hint });
}

export function targetText(target: Target): string {
  const at = target.env === null ? "" : `@${target.env}`;
  return target.is === "name" ? `${target.dir ?? ""}:${target.name}${at}` : `${target.path}${at}`;
}
