/** A run's dealings with packages that are not here: which envs wait for some, what brings them, and the plan of an env once all are there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PackageNeed } from "../../cache/providers/package.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { Store } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Planned, Result } from "../../engine/types.ts";
import { systemType } from "../../rules/registry.ts";
import type { EnvProject, Project } from "../../rules/project.ts";
import { buildId } from "../home.ts";
import type { HostDisk } from "../host/disk.ts";
import { hashing } from "../host/hash.ts";
import { packageIo, packageNeeds } from "../packages.ts";
import { packagesAction } from "../plans.ts";
import { Acquirer, type PackageMode, urlLayout } from "./acquirer.ts";
import { installedStamp, packageActions } from "./actions.ts";
import type { LockFile } from "./lock-file.ts";
import type { Installed, Offer } from "./offer.ts";
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
  /** The plan of an env whose packages are here. */
  plan(env: EnvProject): Promise<Result<ActionSpec>>;
}

export class Acquisition {
  readonly packages: Acquirer;
  private readonly host: AcquisitionHost;
  /** Packages that this run brings, by their stamps. */
  private readonly brought = new Map<string, Offer>();

  constructor(host: AcquisitionHost) {
    this.host = host;
    const machine = systemType(process.platform, process.arch, process.env["PLATFORMIO_SYSTEM_TYPE"]);
    const tables = new PackageTables(machine);
    const system = new SystemProvider(packageIo(host.project.dir, host.disk));
    this.packages = new Acquirer({
      store: new Store(join(host.cache, "packages")),
      lock: host.lock,
      locked: host.locked,
      mode: host.mode,
      machine,
      system: (need) => system.find(need),
      offer: (env, need) => tables.offer(env.platform.rules, need),
      layout: (env, need, from) => tables.layout(env.platform.rules, need.name, from) ?? urlLayout(),
      elsewhere: (env, need, version) => tables.files(env.platform.rules, need.name, version),
      installed: (offer) => this.installed(offer),
    });
  }

  /** What an env begins with: its plan, or, where packages are missing, what brings them. */
  async begin(env: EnvProject, profile: string): Promise<Result<ActionSpec>> {
    const missing = this.missing(env);
    if (!missing.ok) return missing;
    return missing.value.length === 0 ? this.host.plan(env) : ok(packagesAction(env.name, profile, 0, []));
  }

  /** What a packagesAction grows. */
  async grow(action: ActionSpec): Promise<Result<Planned>> {
    const env = this.host.project.envs.get(action.env);
    if (env === undefined || !env.ok) throw new Error(`packages of an env that is not there: ${action.env}`);
    const missing = this.missing(env.value);
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

  /** The packages of an env that have to be fetched. */
  private missing(env: EnvProject): Result<readonly Offer[]> {
    const { tools, framework } = packageNeeds(this.host.project, env);
    const needs: PackageNeed[] = [...tools.map(([, need]) => need), ...(framework === null ? [] : [framework])];
    const offers: Offer[] = [];
    for (const need of needs) {
      const at = this.packages.locate(env, need);
      if (!at.ok) return at;
      if (at.value.is === "offered") offers.push(at.value.offer);
    }
    return ok(offers);
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
