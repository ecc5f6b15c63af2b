/** A run that reads and decides everything: the project, the packages and toolchains of its envs, one plan for each. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { notePackages } from "../cache/package-age.ts";
import { Store } from "../cache/store.ts";
import { isAsProbed } from "../cache/toolchain.ts";
import { fail, ok, warning } from "../engine/failure.ts";
import type { Goal } from "../engine/goals.ts";
import type { Paths } from "../engine/paths.ts";
import type { Report } from "../engine/report.ts";
import type { RunOutcome, RunRequest } from "../engine/run-request.ts";
import type { World } from "../engine/settle.ts";
import type { ActionSpec, Failure, ProjectPath, Result, RunResult } from "../engine/types.ts";
import type { EnvPlan } from "../rules/env-plan.ts";
import type { EnvProject, Project, ProjectIo } from "../rules/project.ts";
import { withPort } from "../rules/upload-port.ts";
import { storedRef } from "./acquire/acquirer.ts";
import { Acquisition } from "./acquire/acquisition.ts";
import { LOCK_FILE, LockFile } from "./acquire/lock-file.ts";
import { credentialsOf, type OpenPlaces } from "./acquire/places.ts";
import { lockedPlatform } from "./acquire/platforms.ts";
import type { RunCommand } from "./command.ts";
import type { RunEffects } from "./effects.ts";
import { DevicePlan } from "./flash/plan.ts";
import { type BuildInfo, buildInfo, removeBuildInfo, writeBuildInfo } from "./build-info.ts";
import { COMPDB_FILE, compileCommands } from "./compdb.ts";
import { buildId } from "./home.ts";
import { thisMachine } from "./host/machine.ts";
import { keepSnapshot } from "./keep.ts";
import { Once } from "./once.ts";
import { type Looked, type OpenProject, openProject } from "./open-project.ts";
import { findPackages, linkPackages, programOf, uploaderPackages } from "./packages.ts";
import { type PlanInput, planInput } from "./plan-input.ts";
import { emptyPlan, planAction, plannerOf, wantedEnvs } from "./plans.ts";
import { imagesOf, type Made, sizeOf } from "./results.ts";
import { type Opened, pathsOf, worldOf } from "./world.ts";
import { writeIfNew } from "./write-if-new.ts";

/** What it works with beside the run's own. */
export interface WholeHost extends Opened {
  readonly places: OpenPlaces;
  readonly effects: RunEffects;
}

/** What `fb deps` wants of a run for packages alone. */
export interface DepsHost {
  /** Names of packages that are chosen anew whatever fb.lock says, all for an empty list; null: it is obeyed. */
  readonly renewed: readonly string[] | null;
  /** Told what the plan of each env takes, once its packages are here. */
  onPlan(input: PlanInput): void;
}

/** What is wanted of a run beside what its command says. */
export interface Wants {
  readonly deps: DepsHost | null;
  /** Every env of the project, whatever the command names. */
  readonly everyEnv: boolean;
  /** Told what reading the project looked at, before anything is made of it. */
  onLooked(looked: Looked): void;
}

/** What a run that only plans has found out. */
export interface Planned {
  readonly open: OpenProject;
  readonly outcome: RunOutcome;
  /** Of the envs that could be planned. */
  readonly inputs: readonly PlanInput[];
  /** What it rests on beside what the plans read: fb.lock, where there is one. */
  readonly extra: readonly string[];
}

export class Whole {
  readonly world: World;
  readonly builds: { readonly env: string; readonly profile: string }[] = [];
  private readonly command: RunCommand;
  private readonly host: WholeHost;
  private readonly deps: DepsHost | null;
  private readonly everyEnv: boolean;
  private readonly report: Report;
  private open: OpenProject;
  private readonly lock: LockFile;
  private readonly acquisition: Acquisition;
  private readonly devices: DevicePlan;
  private readonly paths: Paths;
  private readonly once: Once;
  private readonly plans: ActionSpec[] = [];
  private readonly goals: Goal[] = [];
  private readonly inputs = new Map<string, PlanInput>();
  private readonly infos: BuildInfo[] = [];
  /** Envs whose platform package was not here when the run began. */
  private readonly pending = new Set<string>();

  private constructor(command: RunCommand, host: WholeHost, wants: Wants, report: Report, open: OpenProject, lock: LockFile) {
    this.command = command;
    this.host = host;
    this.deps = wants.deps;
    this.everyEnv = wants.everyEnv;
    this.report = report;
    this.open = open;
    this.lock = lock;
    this.devices = new DevicePlan(command);
    host.effects.use(this.devices);
    this.once = new Once(join(open.project.dir, ".fb/state/noted"));
    this.paths = pathsOf(open.project.dir, host.disk, []);
    this.acquisition = new Acquisition({
      project: () => this.open.project,
      reread: () => this.reread(wants),
      disk: host.disk,
      cache: host.cache.folder,
      lock,
      locked: command.locked,
      mode: command.packages ?? open.project.settings.provider,
      dryRun: command.dryRun,
      targets: this.targets,
      renewed: wants.deps !== null && wants.deps.renewed !== null,
      ask: (request) => host.places.ask(request),
      index: (url) => host.places.index(url),
      note: (warning) => report.add(warning),
      plan: (env) => this.plan(env),
    });
    this.world = worldOf(
      host,
      this.paths,
      plannerOf(this.inputs, (action) => this.acquisition.grow(action)),
      null,
      open.looked.reads.filter((r) => r.is === "value").map((r) => r.path),
    );
  }

  /** Reads the project in a folder, and what its wanted envs begin with. Null where nothing is to be built: why has been reported. */
  static async begin(folder: string, command: RunCommand, host: WholeHost, wants: Wants, report: Report): Promise<Whole | null> {
    const { deps } = wants;
    const lock = LockFile.open(folder, deps?.renewed ?? null);
    const open = openProject(
      folder,
      host.disk,
      (looked) => wants.onLooked(looked),
      lock.ok ? platformFolders(lock.value, host) : undefined,
    );
    if (!open.ok || !lock.ok) {
      const failed = open.ok ? lock : open;
      if (!failed.ok) report.add(failed.failure);
      return null;
    }
    const { project } = open.value;
    host.places.use(project.settings, credentialsOf(project), deps !== null && deps.renewed !== null);
    const whole = new Whole(command, host, wants, report, meantBy(command, open.value), lock.value);
    await whole.begin();
    return whole.plans.length === 0 ? null : whole;
  }

  /** What the run is asked for. */
  get what(): Pick<RunRequest, "plans" | "goals" | "bind" | "resume"> {
    return { plans: this.plans, goals: this.goals, bind: (effect) => this.devices.bind(effect), resume: null };
  }

  get envs(): readonly string[] {
    return [...this.inputs.keys()];
  }

  private async begin(): Promise<void> {
    const { project } = this.open;
    for (const w of project.warnings) this.report.add(w);
    if (project.later.length > 0) this.reportOnce(laterNote(project.later));
    const wanted = wantedEnvs(project, this.everyEnv ? { envs: [...project.envs.keys()], targets: [] } : this.command);
    if (!wanted.ok) return this.report.add(wanted.failure);
    if (!(await this.beginDevices(wanted.value))) return;
    for (const name of wanted.value) {
      const read = project.envs.get(name);
      if (read?.ok === true) await this.beginEnv(read.value);
      else for (const f of read?.failures ?? []) this.report.add(f);
    }
  }

  /** Which devices are meant; false where that is wrong for one env: then nothing is built. */
  private async beginDevices(names: readonly string[]): Promise<boolean> {
    const { project } = this.open;
    let good = true;
    for (const name of names) {
      const read = project.envs.get(name);
      // What its board is tells its platform package, which is still to come.
      const isHere = read?.ok === true && !this.acquisition.awaitsPlatform(read.value);
      const wrong = isHere ? await this.devices.begin(project, read.value, this.profileOf(read.value)) : null;
      if (wrong === null) continue;
      this.report.add(wrong);
      good = false;
    }
    return good;
  }

  private async beginEnv(env: EnvProject): Promise<void> {
    for (const w of env.warnings) this.reportOnce(w);
    const profile = this.profileOf(env);
    if (this.acquisition.awaitsPlatform(env)) this.pending.add(env.name);
    const plan = await this.acquisition.begin(env, profile);
    if (!plan.ok) return this.report.add(plan.failure);
    this.plans.push(plan.value);
    this.builds.push({ env: env.name, profile });
    for (const target of this.command.targets) {
      if (target.env !== null && target.env !== env.name) continue;
      const named = target.is === "name" ? target.name : target.path;
      if (named !== "compdb" && named !== "packages") this.goals.push({ env: env.name, profile, target: named });
    }
  }

  /** The plan of an env whose packages are here. */
  private async plan(env: EnvProject): Promise<Result<ActionSpec>> {
    const profile = this.profileOf(env);
    if (this.pending.has(env.name)) {
      const wrong = await this.devices.begin(this.open.project, env, profile);
      if (wrong !== null) return fail(wrong);
    }
    if (this.onlyPackages && this.deps === null) return ok(emptyPlan(env.name, profile));
    const input = await this.prepare(env, profile);
    if (!input.ok) return input;
    if (this.deps !== null) {
      this.deps.onPlan(input.value);
      return ok(emptyPlan(env.name, profile));
    }
    this.inputs.set(env.name, input.value);
    return ok(planAction(env.name, profile, input.value));
  }

  private async prepare(env: EnvProject, profile: EnvPlan["profile"]): Promise<Result<PlanInput>> {
    const { project, disk } = this.open;
    const { acquisition } = this;
    const found = findPackages(project, env, this.targets, disk, acquisition.packages);
    if (!found.ok) return found;
    for (const [tool, ref] of [...found.value.uploaders, ...found.value.tools])
      this.devices.tool(env.name, tool.name, ref.as, () => programOf(tool, ref, disk));
    const libraries = acquisition.librariesOf(env.name);
    const packages = { ...found.value, all: [...found.value.all, ...libraries.map((library) => storedRef(library.package))] };
    notePackages(
      this.host.cache.folder,
      packages.all.map((ref) => ref.folder),
    );
    const linked = linkPackages(project.dir, [...[...this.inputs.values()].flatMap((i) => i.packages), ...packages.all], this.paths);
    return linked.ok ? planInput(project, env, profile, packages, libraries, disk, this.host.cache.memo) : linked;
  }

  /** With the platform packages that came. */
  private reread(wants: Wants): Result<Project> {
    const { host, lock, acquisition } = this;
    const locked = platformFolders(lock, host);
    const open = openProject(
      this.open.project.dir,
      host.disk,
      (looked) => wants.onLooked(looked),
      (env, spec) => acquisition.platforms.folderOf(env) ?? locked(env, spec),
    );
    if (!open.ok) return open;
    this.open = meantBy(this.command, open.value);
    return ok(this.open.project);
  }

  private profileOf(env: EnvProject): EnvPlan["profile"] {
    return this.command.profile ?? (env.buildType === "debug" ? "debug" : "release");
  }

  /** Packages of its platforms that are called for devices alone. */
  private get uploaders(): ReadonlySet<string> {
    const platforms = new Set([...this.open.project.envs.values()].flatMap((env) => (env.ok ? [env.value.platform.rules] : [])));
    return new Set([...platforms].flatMap(uploaderPackages));
  }

  /** The names of targets that the command asks for. */
  private get targets(): ReadonlySet<string> {
    return new Set(this.command.targets.flatMap((t) => (t.is === "name" ? [t.name] : [])));
  }

  private get onlyPackages(): boolean {
    const { targets } = this.command;
    return targets.length > 0 && targets.every((t) => t.is === "name" && t.name === "packages");
  }

  /** What an ini asks for and this version does not do is said once, not with every build. */
  private reportOnce(f: Failure): void {
    if (this.everyEnv || this.once.isNew(f.message)) this.report.add(f);
  }

  /** Names and versions of the tools of its envs, by their digest. */
  get tools(): Readonly<Record<string, string>> {
    const tools = [...this.inputs.values()].flatMap((input) => [...input.plan.tools]);
    return Object.fromEntries(tools.map(([name, { digest, version, folder }]) => [digest, `${name} ${version} (${folder})`]));
  }

  /** Whether the compilers are still those that were probed. */
  compilersStand(): boolean {
    return [...this.inputs.values()].every((input) => input.toolchains.every((t) => isAsProbed(t, this.host.disk)));
  }

  made(outcome: RunOutcome): Made {
    const { envs } = this;
    return { artifacts: imagesOf(outcome, envs), size: envs.flatMap((env) => sizeOf(outcome, env, this.host.disk)) };
  }

  /** Writes what other tools read beside the artifacts, and the lock; the paths written. */
  writeFiles(outcome: RunOutcome, artifacts: RunResult["artifacts"]): string[] {
    const { disk, project } = this.open;
    const { command } = this;
    const written: string[] = [];
    for (const [env, input] of this.inputs) {
      if (artifacts.some((a) => a.env === env)) {
        const info = buildInfo(input, outcome, artifacts);
        this.infos.push(info);
        written.push(writeBuildInfo(disk, info));
      } else if (!command.dryRun) {
        removeBuildInfo(disk, env, input.plan.profile, outcome.targets.get(env)?.get("firmware") ?? []);
      }
    }
    if (command.dryRun) return written;
    if (command.targets.some((t) => t.is === "name" && t.name === "compdb") || project.ruleFile?.compdb === true) {
      const about = { folder: project.dir, envs: this.envs, realpath: (p: string) => disk.realpath(p) };
      const specs = outcome.graph.nodes.map((n) => n.spec);
      writeIfNew(disk, COMPDB_FILE, compileCommands(about, specs));
      written.push(COMPDB_FILE);
    }
    const { uploaders } = this;
    const saved = this.lock.save(
      command.locked,
      (env) => this.acquisition.isWhole(env),
      (name) => uploaders.has(name),
    );
    this.acquisition.finish(this.builds.map((build) => build.env));
    if (!saved.ok) this.report.add(saved.failure);
    return [...written, ...this.lockRead(outcome)];
  }

  /** fb.lock, where there is one. Its absence counts as well: a lock that comes later is obeyed. */
  private lockRead(outcome: RunOutcome): string[] {
    if (existsSync(join(this.open.project.dir, LOCK_FILE))) return [LOCK_FILE];
    outcome.files.digest({ is: "absent", path: LOCK_FILE as ProjectPath });
    return [];
  }

  /** For who wants to see all of it. */
  planned(outcome: RunOutcome): Planned {
    return { open: this.open, outcome, inputs: [...this.inputs.values()], extra: this.lockRead(outcome) };
  }

  /** Keeps the snapshot after a run that went well. request, alias: its names; written: by writeFiles. */
  async keep(request: string, alias: string | null, outcome: RunOutcome, result: RunResult, written: readonly string[]): Promise<void> {
    // Packages alone are looked for each time: nothing of the project was read that would tell of a change.
    if (this.onlyPackages || buildId === "sources") return;
    const told = {
      envs: this.envs,
      profile: this.builds.at(-1)?.profile ?? "release",
      notes: this.report.failures.filter((f) => !this.once.said.has(f.message)),
      result,
    };
    await keepSnapshot({ request, alias }, told, this.open, outcome, [...this.inputs.values()], written, this.host.state, {
      roots: this.paths.further(),
      infos: this.infos,
    });
  }
}

/** Where platform packages lie that the lock has. */
function platformFolders(lock: LockFile, { cache }: WholeHost): NonNullable<ProjectIo["platformFolder"]> {
  const store = new Store(join(cache.folder, "packages"));
  return (env, spec) => lockedPlatform(env, spec, (asked) => lock.locked(asked), store, thisMachine());
}

function laterNote(names: readonly string[]): Failure {
  const hint = "they belong to verbs that this version of fb does not have; the firmware is the same without them";
  return warning("env.option-later", `not used yet: ${names.join(", ")}`, { file: "platformio.ini", hint });
}

/** With the port that the command names, where it names one. */
function meantBy({ ports }: RunCommand, open: OpenProject): OpenProject {
  const [port] = ports.flatMap((text) => text.split(","));
  return port === undefined ? open : { ...open, project: withPort(open.project, port) };
}
