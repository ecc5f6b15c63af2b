/** A run's dealings with packages that are not here: which envs wait for some, what brings them, and the plan of an env once all are there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PackageNeed } from "../../cache/providers/package.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { Store } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Failure, Planned, Result } from "../../engine/types.ts";
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
import type { FetchedLibrary } from "./libraries.ts";
import type { LockFile } from "./lock-file.ts";
import { ARCHIVE_LAYOUT, type Installed, type Offer, programOf } from "./offer.ts";
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
  /** Asks the registry of libraries. */
  ask(request: RegistryRequest): Promise<Result<RegistryAnswer>>;
  /** A warning. */
  note(warning: Failure): void;
  /** The plan of an env whose packages are here. */
  plan(env: EnvProject): Promise<Result<ActionSpec>>;
}

export class Acquisition {
  readonly packages: Acquirer;
  private readonly host: AcquisitionHost;
  /** Packages that this run brings, by their stamps. */
  private readonly brought = new Map<string, Offer>();
  private readonly libraries = new Map<string, readonly FetchedLibrary[]>();
  /** Tools that the registry has, by what the ini asks for. */
  private readonly chosen = new Map<string, Offer>();
  private readonly tables: PackageTables;
  private readonly store: Store;
  private readonly machine: string;

  constructor(host: AcquisitionHost) {
    this.host = host;
    this.store = new Store(join(host.cache, "packages"));
    this.machine = thisMachine();
    this.tables = new PackageTables(this.machine);
    const { machine, tables } = this;
    const system = new SystemProvider(packageIo(host.project.dir, host.disk));
    this.packages = new Acquirer({
      store: this.store,
      lock: host.lock,
      locked: host.locked,
      mode: host.mode,
      machine,
      system: (need) => system.find(need),
      offer: (env, need) => {
        const chosen = need.want === null ? undefined : this.chosen.get(specOf(env, need).text);
        return chosen === undefined ? tables.offer(env.platform.rules, need) : ok(chosen);
      },
      layout: (env, need, from) => tables.layout(env.platform.rules, need.name, from) ?? ARCHIVE_LAYOUT,
      elsewhere: (env, need, version) => tables.files(env.platform.rules, need.name, version),
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
    for (const offer of missing.value) this.brought.set(installedStamp(offer), offer);
    const next = packagesAction(action.env, action.profile, Number(action.argv[2]) + 1, missing.value.map(installedStamp));
    return ok(planned([...missing.value.flatMap((offer) => packageActions(offer, tool)), next]));
  }

  /** The libraries of an env that were fetched. */
  librariesOf(env: string): readonly FetchedLibrary[] {
    return this.libraries.get(env) ?? [];
  }

  /** The packages of an env that have to be fetched: its tools and framework, and then, since a framework brings libraries, its libraries. */
  private async missing(env: EnvProject, profile: string): Promise<Result<readonly Offer[]>> {
    const { tools, framework } = packageNeeds(this.host.project, env);
    const needs: PackageNeed[] = [...tools.map(([, need]) => need), ...(framework === null ? [] : [framework])];
    await this.askForTools(env, needs);
    const offers: Offer[] = [];
    for (const need of needs) {
      const at = this.packages.locate(env, need);
      if (!at.ok) return at;
      if (at.value.is === "offered") offers.push(at.value.offer);
    }
    return offers.length > 0 ? ok(offers) : this.missingLibraries(env, profile);
  }

  /** What the ini wants in a version that the platform's table does not have, PlatformIO's registry may have; where it has not, the table's own failure stands. */
  private async askForTools(env: EnvProject, needs: readonly PackageNeed[]): Promise<void> {
    for (const need of needs) {
      const { name, want, debian } = need;
      const spec = specOf(env, need);
      if (want?.source.is !== "registry" || this.chosen.has(spec.text)) continue;
      const known = this.tables.offer(env.platform.rules, need);
      if (known?.ok || this.host.lock.locked({ kind: "tool", env: env.name, spec, origin: want.origin }) !== null) continue;
      const { driveDialogue } = await import("../registry.ts");
      const choice = await driveDialogue(choose("tool", spec, null, this.machine), (request) => this.host.ask(request));
      if (!choice.ok || "why" in choice.value) continue;
      const { package: found, version, file } = choice.value;
      const source = { from: file.url, sha256: file.sha256, size: file.size, version: version.name, layout: ARCHIVE_LAYOUT };
      const offer: Offer = {
        name,
        owner: found.owner,
        version: version.name,
        is: "registry",
        sources: [source],
        program: programOf(need),
        debian,
        orSystem: false,
      };
      this.chosen.set(spec.text, offer);
    }
  }

  private async missingLibraries(env: EnvProject, profile: string): Promise<Result<readonly Offer[]>> {
    const { project, disk, lock, locked } = this.host;
    const packages = findPackages(project, env, disk, this.packages);
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
