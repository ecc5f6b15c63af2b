/** `fb run` of one project: from a command to the last event. Wires the engine to disk, cache, runner and planner. */
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { cacheFolder } from "../cache/folders.ts";
import { cacheLimit, maybeCollect, noteAdded } from "../cache/gc.ts";
import { type Cache, openCache } from "../cache/open.ts";
import { LocalState } from "../cache/state.ts";
import { errorCode } from "../cache/trouble.ts";
import { exitCode, fail, failure, ok, warning } from "../engine/failure.ts";
import { outFolder, Paths } from "../engine/paths.ts";
import type { Goal } from "../engine/goals.ts";
import { run, type RunOutcome, type RunRequest } from "../engine/run.ts";
import type { World } from "../engine/settle.ts";
import type { ActionSpec, Blobs, Event, EventSink, Failure, Planned, Planner, ProjectPath, Result, RunResult } from "../engine/types.ts";
import { directivesOf } from "../rules/directives.ts";
import { includesOf } from "../rules/includes.ts";
import { nearest } from "../rules/nearest.ts";
import type { EnvPlan } from "../rules/env-plan.ts";
import { planEnv } from "../rules/plan-env.ts";
import type { EnvProject, Project } from "../rules/project.ts";
import { requestKey, type RunCommand, type Target } from "./args.ts";
import { buildInfo } from "./build-info.ts";
import { COMPDB_FILE, compileCommands } from "./compdb.ts";
import { buildId, version } from "./home.ts";
import { clock } from "./host/clock.ts";
import { DiskError, type HostDisk } from "./host/disk.ts";
import { type Guardian, openGuardian } from "./host/guardian.ts";
import { hashing } from "./host/hash.ts";
import { acquireLock, type Holder } from "./host/lock.ts";
import type { HostRunner } from "./host/lanes.ts";
import { fullDisk, fullFolder } from "./host/space.ts";
import { openSlots } from "./host/slots.ts";
import { keepSnapshot } from "./keep.ts";
import { Once } from "./once.ts";
import { type OpenProject, openProject } from "./open-project.ts";
import { findPackages, linkPackages } from "./packages.ts";
import { wordsAlias } from "./payload.ts";
import { type PlanInput, planInput } from "./plan-input.ts";
import { removeMade } from "./remove-made.ts";
import { innerTools } from "./tools/inner.ts";
import type { SizeReport } from "./tools/size.ts";

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
  private once: Once | null = null;
  private outcome: RunOutcome | null = null;
  private profile = "release";

  constructor(folder: string, command: RunCommand, host: BuildHost) {
    this.folder = folder;
    this.command = command;
    this.host = host;
  }

  async go(): Promise<Built> {
    const request = this.command.targets.map(targetText);
    this.emit({ type: "hello", schema: 1, version, project: this.folder, request });
    const lock = await acquireLock(this.folder, { request, onWait: (h) => this.host.onWait(h), stop: this.host.stop, form: null });
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
    const opened = openProject(this.folder);
    if (!opened.ok) return this.report(opened.failure);
    this.open = opened.value;
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
    try {
      await this.run(opened.value, cache.value, state.value, runner, guardian, jobs);
    } finally {
      await closeProcesses(runner, guardian);
      const flushed = await state.value.flush().then(() => state.value.failure);
      // Of a full disk it is enough to hear once.
      if (flushed !== null && !this.isFull()) this.report(flushed);
      this.collect(cache.value);
      for (const f of cache.value.troubles()) this.report(f);
      const closed = await cache.value.close();
      if (!closed.ok && !this.failures.some((f) => f.code === closed.failure.code)) this.report(closed.failure);
      opened.value.disk.close();
    }
  }

  private async run(
    open: OpenProject,
    cache: Cache,
    state: LocalState,
    runner: HostRunner,
    guardian: Guardian,
    jobs: number,
  ): Promise<void> {
    const { project, disk } = open;
    for (const w of project.warnings) this.report(w);
    this.once = new Once(join(this.folder, ".fb/state/noted"));
    if (project.later.length > 0) this.reportOnce(laterNote(project.later));
    const wanted = this.wantedEnvs(project);
    if (!wanted.ok) return this.report(wanted.failure);
    const paths = new Paths(this.folder, { realpath: (p) => disk.realpath(p) });
    const plans: ActionSpec[] = [];
    const goals: Goal[] = [];
    for (const name of wanted.value) {
      const read = project.envs.get(name);
      if (read === undefined) continue;
      if (!read.ok) {
        for (const f of read.failures) this.report(f);
        continue;
      }
      const env = read.value;
      for (const w of env.warnings) this.reportOnce(w);
      const profile = this.command.profile ?? (env.buildType === "debug" ? "debug" : "release");
      this.profile = profile;
      const input = await this.prepare(open, env, profile, paths, cache);
      if (!input.ok) {
        this.report(input.failure);
        continue;
      }
      this.inputs.set(name, input.value);
      plans.push(planAction(name, profile, input.value));
      for (const target of this.command.targets) {
        if (target.env !== null && target.env !== name) continue;
        goals.push({ env: name, profile, target: target.is === "name" ? target.name : target.path });
      }
    }
    if (plans.length === 0) return;
    const world: World = {
      disk,
      hashing,
      clock,
      memo: cache.memo,
      cache: cache.actions,
      blobs: blobsIn(this.folder, cache.blobs),
      state,
      runner,
      paths,
      planner: this.planner(),
      tools: innerTools(disk),
      value: (name) => process.env[name],
      includesOf,
      directivesOf,
      nearest,
    };
    const records = this.command.fresh ? "fresh" : this.command.noCache ? "no-cache" : "use";
    const request: RunRequest = {
      plans,
      goals: goals.filter((g) => g.target !== "compdb"),
      jobs,
      keepGoing: this.command.keepGoing,
      records,
      dryRun: this.command.dryRun,
      commands: this.command.verbose,
      progress: this.host.progress,
      resume: null,
    };
    const previous = [...this.inputs].flatMap(([env, i]) => {
      const sizes = state.sizes(env, i.plan.profile);
      return sizes === null ? [] : [[env, { flash: sizes.flash.used, ram: sizes.ram.used }] as const];
    });
    this.host.onPreviousSizes(new Map(previous));
    let full: string | null = null;
    const emit = (e: Event) => {
      if (e.type === "end" && e.status === "failed")
        full ??= fullFolder(e.kind, e.output, [join(this.folder, ".fb/build"), join(this.folder, ".fb"), tempFolder()]);
      this.host.sink.emit({ ...e, t: this.t() });
    };
    const outcome = await run(world, request, { emit }, this.host.stop);
    this.outcome = outcome;
    // They end while the snapshot is written.
    const ended = closeProcesses(runner, guardian);
    this.failures.push(...outcome.failures);
    if (full !== null && !this.isFull()) this.report(fullDisk(full));
    for (const size of this.sizes()) state.setSizes(this.inputs.get(size.env)?.plan.profile ?? "release", size);
    const written = this.writeFiles(open, outcome);
    state.finish();
    const key = requestKey(this.command);
    if (key === null || buildId === "sources" || !outcome.trusted || exitCode(this.failures) !== 0) return ended;
    const payload = {
      envs: [...this.inputs.keys()],
      profile: this.profile,
      notes: this.failures.filter((f) => !this.once?.said.has(f.message)),
      result: this.resultNow(),
    };
    await Promise.all([ended, keepSnapshot(key, this.alias(), payload, open, outcome, [...this.inputs.values()], written)]);
  }

  /** The words of the command line as a name of what they ask for; null where they say more, or leave it to something else, as a folder that they name. */
  private alias(): string | null {
    const { dir, targets, json, verbose, why } = this.command;
    const elsewhere = dir !== null || targets.some((t) => t.is === "name" && t.dir !== null);
    return elsewhere || json || verbose || why ? null : wordsAlias(process.argv.slice(2));
  }

  private planner(): Planner {
    return {
      plan: (action, io): Result<Planned> => {
        const input = this.inputs.get(action.env);
        if (input === undefined) throw new Error(`no input for the plan of ${action.env}`);
        return planEnv(input.plan, io, (text) => hashing.sha256(text));
      },
    };
  }

  /** The envs that targets and flags name, else default_envs, else all, in file order. */
  private wantedEnvs(project: Project): Result<readonly string[]> {
    const all = [...project.envs.keys()];
    const named = [...this.command.envs, ...this.command.targets.flatMap((t) => (t.env === null ? [] : [t.env]))];
    const chosen = named.length > 0 ? named : project.defaultEnvs.length > 0 ? project.defaultEnvs : all;
    if (all.length === 0) {
      return fail(
        failure("env.none", 3, "platformio.ini has no [env:NAME] section", {
          file: "platformio.ini",
          line: 1,
          hint: "add one, as `[env:uno]`",
        }),
      );
    }
    const unknown = chosen.find((name) => !all.includes(name));
    if (unknown !== undefined) {
      const near = nearest(unknown, all);
      const hint = near.length > 0 ? `did you mean ${near.map((n) => `"${n}"`).join(" or ")}?` : `its envs: ${all.join(" ")}`;
      const fromIni = named.length === 0;
      const place = fromIni ? { ...project.config.origin("platformio", "default_envs", unknown), hint } : { hint };
      return fail(failure("env.unknown", fromIni ? 3 : 2, `platformio.ini has no env "${unknown}"`, place));
    }
    return ok(all.filter((name) => chosen.includes(name)));
  }

  /** What other tools read beside the artifacts; the paths written. */
  private writeFiles(open: OpenProject, outcome: RunOutcome): string[] {
    const artifacts = this.artifacts();
    const written: string[] = [];
    for (const [env, input] of this.inputs) {
      const path = `${outFolder(env, input.plan.profile)}/build_info.json`;
      if (!artifacts.some((a) => a.env === env)) {
        // It tells of an image that a failed run has taken away.
        const images = outcome.targets.get(env)?.get("firmware") ?? [];
        if (!this.command.dryRun && images.length > 0 && images.every((image) => open.disk.sign(image) === null)) open.disk.remove(path);
        continue;
      }
      writeIfNew(open.disk, path, `${JSON.stringify(buildInfo(input, outcome, artifacts), null, 2)}\n`);
      written.push(path);
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
  ): Promise<Result<PlanInput>> {
    const { project, disk } = open;
    const packages = findPackages(project, env, disk);
    if (!packages.ok) return packages;
    const linked = linkPackages(this.folder, [...[...this.inputs.values()].flatMap((i) => i.packages), ...packages.value.all], paths);
    return linked.ok ? planInput(project, env, profile, packages.value, disk, cache.memo) : linked;
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
    const { outcome, open } = this;
    if (outcome === null || open === null) return [];
    const found: { env: string; path: ProjectPath; sha256: RunResult["artifacts"][number]["sha256"]; bytes: number }[] = [];
    for (const [goal, paths] of outcome.resolved) {
      for (const path of paths) {
        const maker = outcome.graph.producer(path);
        const made = maker === undefined ? undefined : outcome.results.get(maker);
        const record = made?.outputs.find(
          (o) => o.path.endsWith(path.slice(outFolder(goal.env, goal.profile).length)) || o.path === (path as string),
        );
        if (record === undefined || path.endsWith("/size.json") || found.some((f) => f.path === path)) continue;
        found.push({ env: goal.env, path, sha256: record.digest, bytes: record.size });
      }
    }
    const order = [...this.inputs.keys()];
    return found.sort((a, b) => order.indexOf(a.env) - order.indexOf(b.env));
  }

  private sizes(): RunResult["size"] {
    const { outcome, open } = this;
    if (outcome === null || open === null) return [];
    return [...this.inputs.keys()].flatMap((env) => {
      const path = [...outcome.graph.nodes].find((n) => n.spec.env === env && n.spec.kind === "size" && outcome.results.has(n.id))?.spec
        .outputs[0];
      if (path === undefined || open.disk.sign(path) === null) return [];
      const report = JSON.parse(new TextDecoder().decode(open.disk.read(path))) as SizeReport;
      return [{ env, ...report }];
    });
  }
}

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

/** The first plan of an env: its key holds everything that planInput found, and fb's own build. */
function planAction(env: string, profile: string, input: PlanInput): ActionSpec {
  const text = JSON.stringify(input.plan, (_, value: unknown) => (value instanceof Map ? [...value] : value));
  return {
    name: `${env}/${profile}/plan`,
    kind: "plan",
    label: `plan ${env}`,
    env,
    profile,
    sharing: "folder",
    argv: ["plan", "env", hashing.sha256(text)],
    vars: {},
    unkeyed: { argv: [], vars: {} },
    rspfile: null,
    inputs: [],
    orderOnly: [],
    outputs: [],
    tool: hashing.sha256(buildId),
    rule: hashing.sha256("plan"),
    discover: { by: "nothing" },
    claims: [],
  };
}

/** What every action's process sees beside its own vars. PWD makes gcc record the same compilation folder everywhere. */
function baseVars(): Record<string, string> {
  return {
    LC_ALL: "C.UTF-8",
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    PWD: "/proc/self/cwd",
    TMPDIR: tempFolder(),
    HOME: process.env["HOME"] ?? "/",
  };
}

function tempFolder(): string {
  return process.env["TMPDIR"] ?? tmpdir();
}

/** A file whose content is the same is left alone, so that nothing that watches it starts. */
function writeIfNew(disk: HostDisk, path: string, text: string): void {
  if (disk.sign(path) === null || new TextDecoder().decode(disk.read(path)) !== text) disk.writeAtomic(path, text);
}

/** Blobs for the engine, which names files as the project does. */
function blobsIn(folder: string, blobs: Blobs): Blobs {
  return {
    put: (file, d) => blobs.put(resolve(folder, file), d),
    restore: (d, size, to, executable) => {
      try {
        return blobs.restore(d, size, resolve(folder, to), executable);
      } catch (error) {
        throw new DiskError("write", to, errorCode(error), error);
      }
    },
  };
}

export function targetText(target: Target): string {
  const at = target.env === null ? "" : `@${target.env}`;
  return target.is === "name" ? `${target.dir ?? ""}:${target.name}${at}` : `${target.path}${at}`;
}
