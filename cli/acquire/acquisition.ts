/** A run's dealings with packages that are not here: which envs wait for some, what brings them, and the plan of an env once all are there. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PackageNeed } from "../../cache/providers/package.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { Store } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Failure, Planned, Result } from "../../engine/types.ts";
import type { LockFile as LockedFile } from "../../rules/lock.ts";
import { registryFiles } from "../../rules/lock-files.ts";
import { choose, type RegistryAnswer, type RegistryRequest } from "../../rules/registry.ts";
import type { EnvProject, Project } from "../../rules/project.ts";
import { buildId } from "../home.ts";
import type { HostDisk } from "../host/disk.ts";
import { hashing } from "../host/hash.ts";
import { thisMachine } from "../host/machine.ts";
import { libraryOptions } from "../library-input.ts";
import { flagVariables } from "../plan-input.ts";
import { findPackages, packageIo, packageNeeds } from "../packages.ts";
import { packagesAction } from "../plans.ts";
import { Acquirer, type PackageMode, specOf } from "./acquirer.ts";
import { installedStamp, packageActions } from "./actions.ts";
import { librariesAtHand } from "./at-hand.ts";
import type { Indexes, IndexWant } from "./indexes.ts";
import type { FetchedLibrary } from "./libraries.ts";
import type { LockFile } from "./lock-file.ts";
import { readHalfway, writeHalfway } from "./halfway.ts";
import { ARCHIVE_LAYOUT, type Installed, type Offer, programOf } from "./offer.ts";
import { systemVersions } from "./system-version.ts";
import { PackageTables } from "./tables.ts";

export interface AcquisitionHost {
  readonly project: Project;
  readonly disk: HostDisk;
  /** The cache's folder. */
  readonly cache: string;
  readonly lock: LockFile;
  /** The lock may not change. */
  readonly locked: boolean;
  readonly mode: PackageMode;
  /** Nothing is fetched: what would be is told. */
  readonly dryRun: boolean;
  /** The names of targets that the run is asked for. */
  readonly targets: ReadonlySet<string>;
  /** Some are chosen anew: what an earlier run brought does not count. */
  readonly renewed: boolean;
  /** Asks the registry of libraries. */
  ask(request: RegistryRequest): Promise<Result<RegistryAnswer>>;
  /** The text of an Arduino package index. */
  index(url: string): Promise<Result<string>>;
  /** A warning. */
  note(warning: Failure): void;
  /** The plan of an env whose packages are here. */
  plan(env: EnvProject): Promise<Result<ActionSpec>>;
}

export class Acquisition {
  readonly packages: Acquirer;
  private readonly host: AcquisitionHost;
  /** Packages that this run brings, by their stamps. */
  private readonly brought = new Set<string>();
  /** Envs whose packages are all here. */
  private readonly whole = new Set<string>();
  private readonly libraries = new Map<string, readonly FetchedLibrary[]>();
  /** Tools that the registry or an index has, by what the ini asks for. */
  private readonly chosen = new Map<string, Result<Offer>>();
  /** Files for other machines of what was chosen, by name and version. */
  private readonly others = new Map<string, readonly LockedFile[]>();
  private readonly tables: PackageTables;
  /** Read when the first of them is wanted. */
  private indexes: Indexes | null = null;
  private readonly store: Store;
  private readonly machine: string;

  constructor(host: AcquisitionHost) {
    this.host = host;
    this.store = new Store(join(host.cache, "packages"));
    this.machine = thisMachine();
    this.tables = new PackageTables(this.machine);
    if (!host.renewed) for (const stamp of readHalfway(host.project.dir)) this.brought.add(stamp);
    const { machine, tables } = this;
    const system = new SystemProvider(packageIo(host.project.dir, host.disk));
    this.packages = new Acquirer({
      store: this.store,
      lock: host.lock,
      locked: host.locked,
      mode: host.mode,
      machine,
      system: (need) => system.find(need),
      systemVersions: (env, need, found) => {
        const table = tables.entry(env.platform.rules, need.name);
        return systemVersions(need, found, table.ok ? table.value : null);
      },
      offer: (env, need) => {
        const chosen = need.want === null ? undefined : this.chosen.get(specOf(env, need).text);
        return chosen ?? tables.offer(env.platform.rules, need);
      },
      layout: (env, need, from) => tables.layout(env.platform.rules, need.name, from) ?? ARCHIVE_LAYOUT,
      elsewhere: (env, need, version) => this.others.get(`${need.name}@${version}`) ?? tables.files(env.platform.rules, need.name, version),
      installed: (offer) => this.installed(offer),
      note: (warning) => host.note(warning),
    });
  }

  /** What an env begins with: its plan, or, where packages are missing, what brings them. */
  async begin(env: EnvProject, profile: string): Promise<Result<ActionSpec>> {
    const missing = await this.missing(env, profile);
    if (!missing.ok) return missing;
    return missing.value.length === 0 ? this.host.plan(env) : ok(packagesAction(env.name, profile, 0, []));
  }

  /** What a packagesAction grows. */
  async grow(action: ActionSpec): Promise<Result<Planned>> {
    const env = this.host.project.envs.get(action.env);
    if (env === undefined || !env.ok) throw new Error(`packages of an env that is not there: ${action.env}`);
    const missing = await this.missing(env.value, action.profile);
    if (!missing.ok) return missing;
    if (missing.value.length === 0) {
      const plan = await this.host.plan(env.value);
      return plan.ok ? ok(planned([plan.value])) : plan;
    }
    if (this.host.dryRun) return fail(notYet(env.value, missing.value));
    const tool = hashing.sha256(buildId);
    for (const offer of missing.value) {
      this.brought.add(installedStamp(offer));
      // What an older run left there tells nothing of this one.
      rmSync(join(this.host.project.dir, installedStamp(offer)), { force: true });
    }
    const next = packagesAction(action.env, action.profile, Number(action.argv[2]) + 1, missing.value.map(installedStamp));
    return ok(planned([...missing.value.flatMap((offer) => packageActions(offer, tool)), next]));
  }

  /** Whether all packages of an env came. */
  isWhole(env: string): boolean {
    return this.whole.has(env);
  }

  /** What came for envs for which not all did is taken up by the next run, also where nothing but the project's own folder tells what it is. */
  finish(begun: Iterable<string>): void {
    const isHalf = [...begun].some((env) => !this.whole.has(env));
    writeHalfway(this.host.project.dir, isHalf ? [...this.brought] : []);
  }

  /** The libraries of an env that were fetched. */
  librariesOf(env: string): readonly FetchedLibrary[] {
    return this.libraries.get(env) ?? [];
  }

  /** The packages of an env that have to be fetched: its tools and framework, and then, since a framework brings libraries, its libraries. */
  private async missing(env: EnvProject, profile: string): Promise<Result<readonly Offer[]>> {
    const { tools, uploaders, framework } = packageNeeds(this.host.project, env, this.host.targets);
    const needs: PackageNeed[] = [...[...tools, ...uploaders].map(([, need]) => need), ...(framework === null ? [] : [framework])];
    await this.askForTools(env, needs);
    const offers: Offer[] = [];
    for (const need of needs) {
      const at = this.packages.locate(env, need);
      if (!at.ok) return at;
      if (at.value.is === "offered") offers.push(at.value.offer);
    }
    if (offers.length > 0) return ok(offers);
    const libraries = await this.missingLibraries(env, profile);
    if (libraries.ok && libraries.value.length === 0) this.whole.add(env.name);
    return libraries;
  }

  /**
   * What the ini wants of an Arduino index; and what it wants in a version that the platform's table does not have: an index that the settings name may have it,
   * else PlatformIO's registry; where neither has, the table's own failure stands.
   */
  private async askForTools(env: EnvProject, needs: readonly PackageNeed[]): Promise<void> {
    for (const need of needs) {
      const { want } = need;
      const spec = specOf(env, need);
      if (want === null || this.chosen.has(spec.text)) continue;
      if (this.host.lock.locked({ kind: "tool", env: env.name, spec, origin: want.origin }) !== null) continue;
      if (want.source.is === "index") {
        const found = await this.fromIndex(want.source, need);
        this.chosen.set(spec.text, found);
      } else if (want.source.is === "registry" && this.tables.offer(env.platform.rules, need)?.ok !== true) {
        const named = this.tables.entry(env.platform.rules, need.name);
        const [packager = "", name = ""] = named.ok ? (named.value?.index.split(":") ?? []) : [];
        const hasIndex = packager !== "" && this.host.project.settings.indexes.length > 0;
        const indexed = hasIndex ? await this.fromIndex({ packager, name, requirement: want.source.requirement }, need) : null;
        const found = indexed?.ok === true ? indexed : await this.fromRegistry(env, need);
        if (found !== null) this.chosen.set(spec.text, found);
      }
    }
  }

  private async fromIndex(want: IndexWant, need: PackageNeed): Promise<Result<Offer>> {
    const { Indexes } = await import("./indexes.ts");
    this.indexes ??= new Indexes({
      urls: this.host.project.settings.indexes,
      machine: this.machine,
      text: (url) => this.host.index(url),
      note: (warning) => this.host.note(warning),
    });
    const found = await this.indexes.offer(want, need);
    if (!found.ok) return found;
    const { offer, files } = found.value;
    this.others.set(`${offer.name}@${offer.version}`, files);
    return ok(offer);
  }

  /** null: the registry does not have it, or can not be asked. */
  private async fromRegistry(env: EnvProject, need: PackageNeed): Promise<Result<Offer> | null> {
    const { driveDialogue } = await import("../registry.ts");
    const choice = await driveDialogue(choose("tool", specOf(env, need), null, this.machine), (request) => this.host.ask(request));
    if (!choice.ok || "why" in choice.value) return null;
    const { package: found, version, file } = choice.value;
    this.others.set(`${need.name}@${version.name}`, registryFiles(version));
    return ok({
      kind: "tool",
      name: need.name,
      owner: found.owner,
      version: version.name,
      is: "registry",
      sources: [{ from: file.url, sha256: file.sha256, size: file.size, version: version.name, layout: ARCHIVE_LAYOUT }],
      program: programOf(need),
      debian: need.debian,
      orSystem: false,
    });
  }

  private async missingLibraries(env: EnvProject, profile: string): Promise<Result<readonly Offer[]>> {
    const { project, disk, lock, locked } = this.host;
    const packages = findPackages(project, env, this.host.targets, disk, this.packages);
    if (!packages.ok) return packages;
    const options = libraryOptions(project, env, flagVariables(project, env, profile), disk, null);
    if (!options.ok) return options;
    const storages = packages.value.framework === null ? [] : [`${packages.value.framework.folder}/libraries`];
    const hand = librariesAtHand(options.value, env.framework ?? "", storages, disk);
    if (hand.missing.length === 0 && hand.needs.length === 0) return ok([]);
    const { locateLibraries } = await import("./libraries.ts");
    const at = await locateLibraries(hand.missing, hand.needs, {
      env: env.name,
      platform: env.platform.name,
      framework: env.framework,
      store: this.store,
      disk,
      lock,
      locked,
      machine: this.machine,
      isBuiltin: hand.isBuiltin,
      exists: (path) => disk.sign(path) !== null,
      ask: (request) => this.host.ask(request),
      installed: (offer) => this.installed(offer),
    });
    if (!at.ok) return at;
    if (at.value.is === "offered") return ok(at.value.offers);
    this.libraries.set(env.name, at.value.libraries);
    for (const note of at.value.notes) this.host.note(note);
    return ok([]);
  }

  private installed(offer: Offer): Installed | null {
    const stamp = installedStamp(offer);
    if (!this.brought.has(stamp)) return null;
    try {
      return JSON.parse(readFileSync(join(this.host.project.dir, stamp), "utf8")) as Installed;
    } catch {
      // Its install failed, or is still to come.
      return null;
    }
  }
}

function planned(actions: readonly ActionSpec[]): Planned {
  return { actions, targets: {}, notes: [] };
}

function notYet(env: EnvProject, offers: readonly Offer[]) {
  const names = offers.map((o) => `${o.name} ${o.version} (${o.sources.map((s) => s.from).join(", else ")})`);
  const message = `env ${env.name} needs packages that are not here yet: ${names.join("; ")}`;
  return failure("package.not-fetched", 4, message, { hint: "`fb deps` fetches them; then a dry run can look further" });
}
