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
import { publishedRanges, uncovered } from "../../rules/platform-package.ts";
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
import { Acquirer, type PackageMode, specOf, type Whereabouts } from "./acquirer.ts";
import { installedStamp, packageActions } from "./actions.ts";
import { librariesAtHand } from "./at-hand.ts";
import type { Indexes, IndexWant } from "./indexes.ts";
import type { FetchedLibrary } from "./libraries.ts";
import type { LockFile } from "./lock-file.ts";
import { readHalfway, writeHalfway } from "./halfway.ts";
import { ARCHIVE_LAYOUT, type Installed, type Offer, OUT_OF_REACH, programOf } from "./offer.ts";
import { inVain, lackOf, type Missing, withoutPlatform } from "./lack.ts";
import { Platforms } from "./platforms.ts";
import { systemVersions } from "./system-version.ts";
import { PackageTables } from "./tables.ts";

export interface AcquisitionHost {
  /** Read again with every platform package that came. */
  project(): Project;
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
  /** Reads the project again: a platform package has come. */
  reread(): Result<Project>;
  /** The plan of an env whose packages are here. */
  plan(env: EnvProject): Promise<Result<ActionSpec>>;
}

export class Acquisition {
  readonly packages: Acquirer;
  readonly platforms: Platforms;
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
  /** By the env as it was read: with a platform package it is another. */
  private readonly lacks = new Map<EnvProject, Failure | null>();
  /** Read when the first of them is wanted. */
  private indexes: Indexes | null = null;
  private readonly store: Store;
  private readonly machine: string;
  private readonly system: SystemProvider;
  /** The project's. */
  private readonly dir: string;

  constructor(host: AcquisitionHost) {
    this.host = host;
    this.store = new Store(join(host.cache, "packages"));
    this.machine = thisMachine();
    this.tables = new PackageTables(this.machine);
    this.dir = host.project().dir;
    if (!host.renewed) for (const stamp of readHalfway(this.dir)) this.brought.add(stamp);
    const { machine, tables } = this;
    const { store } = this;
    this.platforms = new Platforms({
      ...{ store, lock: host.lock, locked: host.locked, machine },
      ask: (request) => host.ask(request),
      installed: (offer) => this.installed(offer),
    });
    const io = packageIo(this.dir, host.disk);
    const system = new SystemProvider(io);
    this.system = system;
    this.packages = new Acquirer({
      store,
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
      read: (path) => io.read(path),
      note: (warning) => host.note(warning),
    });
  }

  /** What an env begins with: its plan, or, where packages are missing, what brings them. */
  async begin(env: EnvProject, profile: string): Promise<Result<ActionSpec>> {
    const at = await this.missing(env, profile);
    if (!at.ok) return at;
    return at.value.offers.length === 0 ? this.host.plan(at.value.env) : ok(packagesAction(env.name, profile, 0, []));
  }

  /** What a packagesAction grows. */
  async grow(action: ActionSpec): Promise<Result<Planned>> {
    const env = this.host.project().envs.get(action.env);
    if (env === undefined || !env.ok) throw new Error(`packages of an env that is not there: ${action.env}`);
    const at = await this.missing(env.value, action.profile);
    if (!at.ok) return at;
    const { offers } = at.value;
    if (offers.length === 0) {
      const plan = await this.host.plan(at.value.env);
      return plan.ok ? ok(planned([plan.value])) : plan;
    }
    if (this.host.dryRun) return fail(notYet(env.value, offers));
    const tool = hashing.sha256(buildId);
    for (const offer of offers) {
      this.brought.add(installedStamp(offer));
      // What an older run left there tells nothing of this one.
      rmSync(join(this.dir, installedStamp(offer)), { force: true });
    }
    const next = packagesAction(action.env, action.profile, Number(action.argv[2]) + 1, offers.map(installedStamp));
    return ok(planned([...offers.flatMap((offer) => packageActions(offer, tool)), next]));
  }

  /** Whether a platform package has to come before an env is what it is. */
  awaitsPlatform(env: EnvProject): boolean {
    return env.isPending || (env.platformPackage === null && this.needsPlatform(env));
  }

  /** Of its own, or because of what it lacks. */
  private needsPlatform(env: EnvProject): boolean {
    const { source } = env.platformSpec;
    if (source !== null || env.platformPackage !== null) return source?.is !== "folder" && (env.isPending || env.platformPackage !== null);
    if (publishedRanges(env.platform.rules).length === 0) return false;
    return this.platforms.isLocked(env) || this.lack(env) !== null;
  }

  /** Whether all packages of an env came. */
  isWhole(env: string): boolean {
    return this.whole.has(env);
  }

  /** What came for envs for which not all did is taken up by the next run, also where nothing but the project's own folder tells what it is. */
  finish(begun: Iterable<string>): void {
    const isHalf = [...begun].some((env) => !this.whole.has(env));
    writeHalfway(this.dir, isHalf ? [...this.brought] : []);
  }

  /** The libraries of an env that were fetched. */
  librariesOf(env: string): readonly FetchedLibrary[] {
    return this.libraries.get(env) ?? [];
  }

  /** The packages of an env that have to be fetched, and the env as what is here makes it: its platform; its tools and framework; and then, since a framework brings libraries, its libraries. */
  private async missing(of: EnvProject, profile: string): Promise<Result<Missing>> {
    const at = await this.withPlatform(of);
    if (!at.ok || at.value.offers.length > 0) return at;
    const { env } = at.value;
    const { tools, uploaders, framework } = packageNeeds(this.host.project(), env, this.host.targets);
    const asked = [...tools, ...uploaders].filter(([tool, need]) => !tool.optional || need.want !== null);
    const needs: PackageNeed[] = [...asked.map(([, need]) => need), ...(framework === null ? [] : [framework])];
    const offers: Offer[] = [];
    for (const need of needs) {
      const found = await this.look(env, need);
      if (!found.ok) return found;
      if (found.value.is === "offered") offers.push(found.value.offer);
    }
    if (offers.length > 0) return ok({ env, offers });
    const libraries = await this.missingLibraries(env, profile);
    if (!libraries.ok) return libraries;
    if (libraries.value.length === 0) this.whole.add(env.name);
    return ok({ env, offers: libraries.value });
  }

  /** Where a package of an env is, or what would bring it. */
  async look(env: EnvProject, need: PackageNeed): Promise<Result<Whereabouts>> {
    await this.askFor(env, need);
    const at = this.packages.locate(env, need);
    const isFramework = env.platform.rules.frameworks.get(env.framework ?? "")?.package === need.name;
    const wrong = isFramework && at.ok && at.value.is === "offered" ? this.uncovered(env, at.value.offer) : null;
    return wrong === null ? at : fail(wrong);
  }

  /** Why an env whose `platform =` is a name alone needs PlatformIO's package; null where it does not. */
  private lack(env: EnvProject): Failure | null {
    let known = this.lacks.get(env);
    if (known === undefined) {
      const { lock, mode } = this.host;
      const { tables, system } = this;
      known = lackOf(env, { lock, mode, tables, system, needs: () => packageNeeds(this.host.project(), env, this.host.targets) });
      this.lacks.set(env, known);
    }
    return known;
  }

  /** An env with the platform package that it asks for or needs, or what brings that. */
  async withPlatform(env: EnvProject): Promise<Result<Missing>> {
    const isAsked = env.platformSpec.source !== null;
    if (!this.needsPlatform(env)) return ok({ env, offers: [] });
    const lacks = this.lack(env);
    if (this.host.mode === "system") {
      if (isAsked) return withoutPlatform(env, (note) => this.host.note(note));
      return lacks === null ? ok({ env, offers: [] }) : fail(lacks);
    }
    const at = await this.platforms.locate(env);
    if (!at.ok) return lacks === null ? at : fail(inVain(lacks, at.failure));
    if (at.value.is === "offered") return ok({ env, offers: [at.value.offer] });
    if (env.platformPackage !== null) return ok({ env, offers: [] });
    const project = this.host.reread();
    if (!project.ok) return project;
    const read = project.value.envs.get(env.name);
    if (read?.ok === true) return ok({ env: read.value, offers: [] });
    const [first] = read?.failures ?? [];
    if (first === undefined) throw new Error(`env ${env.name} went while its platform came`);
    return fail(first);
  }

  private uncovered(env: EnvProject, offer: Offer): Failure | null {
    const info = env.platform.rules.frameworks.get(env.framework ?? "");
    const table = this.tables.entry(env.platform.rules, offer.name);
    const registry = offer.is === "table" && table.ok ? (table.value?.registry ?? "") : "";
    return info === undefined
      ? null
      : uncovered(env.name, info, [offer.version, registry], env.platformPackage, env.options.get("platform")?.origin ?? null);
  }

  /**
   * What the ini, or the platform package, wants of an Arduino index; and what it wants in a version that the platform's table does not have: an index that the settings
   * name may have it, else PlatformIO's registry; where neither has, the table's own failure stands.
   */
  private async askFor(env: EnvProject, need: PackageNeed): Promise<void> {
    const { want } = need;
    const spec = specOf(env, need);
    if (want === null || this.chosen.has(spec.text)) return;
    if (this.host.lock.locked({ kind: "tool", env: env.name, spec, origin: want.origin }) !== null) return;
    if (want.source.is === "index") {
      const found = await this.fromIndex(want.source, need);
      this.chosen.set(spec.text, found);
    } else if (want.source.is === "registry" && this.tables.offer(env.platform.rules, need)?.ok !== true) {
      const named = this.tables.entry(env.platform.rules, need.name);
      const [packager = "", name = ""] = named.ok ? (named.value?.index.split(":") ?? []) : [];
      const hasIndex = packager !== "" && this.host.project().settings.indexes.length > 0;
      const indexed = hasIndex ? await this.fromIndex({ packager, name, requirement: want.source.requirement }, need) : null;
      const found = indexed?.ok === true ? indexed : await this.fromRegistry(env, need);
      this.chosen.set(spec.text, found.ok ? found : fail(this.nowhere(env, need, found.failure)));
    }
  }

  private async fromIndex(want: IndexWant, need: PackageNeed): Promise<Result<Offer>> {
    const { Indexes } = await import("./indexes.ts");
    this.indexes ??= new Indexes({
      urls: this.host.project().settings.indexes,
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

  /** What is wrong with a version that nobody has: the table that has another, or the registry; where that could not be asked, that too. */
  private nowhere(env: EnvProject, need: PackageNeed, why: Failure): Failure {
    const table = this.tables.offer(env.platform.rules, need);
    if (table === null || table.ok) return why;
    return OUT_OF_REACH.has(why.code) ? { ...table.failure, message: `${table.failure.message}; ${why.message}` } : table.failure;
  }

  /** Failures: those of asking; `package.version` (exit 3), the registry has none in the range, or none for this machine. */
  private async fromRegistry(env: EnvProject, need: PackageNeed): Promise<Result<Offer>> {
    const { driveDialogue } = await import("../registry.ts");
    const spec = specOf(env, need);
    const choice = await driveDialogue(choose("tool", spec, null, this.machine), (request) => this.host.ask(request));
    const place = need.want?.origin;
    if (!choice.ok) {
      const message = `the registry could not be asked for ${spec.text}: ${choice.failure.message}`;
      const hint = `connect to the network; or name a folder that has it: platform_packages = ${need.name}@symlink:///FOLDER; or use what the machine has: --packages system`;
      return fail({ ...choice.failure, ...place, message, hint });
    }
    if ("why" in choice.value) {
      const { why, known } = choice.value;
      const has =
        why === "unknown"
          ? "no such package"
          : why === "system"
            ? `none of that version for this machine (${this.machine})`
            : "no such version";
      const hint =
        known.length === 0
          ? `name one of your own: platform_packages = ${need.name}@symlink:///FOLDER`
          : `it has ${[...new Set(known)].slice(-12).join(", ")}`;
      return fail(failure("package.version", 3, `${spec.text}: the registry has ${has}`, { ...place, hint }));
    }
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
    const { disk, lock, locked } = this.host;
    const project = this.host.project();
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
      return JSON.parse(readFileSync(join(this.dir, stamp), "utf8")) as Installed;
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
