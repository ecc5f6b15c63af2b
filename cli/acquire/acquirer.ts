/**
 * The packages of a run: which of them each env needs, where each comes from, and what has to be fetched first. A folder of the project's own comes before all;
 * then what the system has, or an archive, as `--packages` wants it.
 */
import { type PackageNeed, type PackageProvider, type PackageRef, versionOf } from "../../cache/providers/package.ts";
import { type Layout, type Package, recipeOf, type Store } from "../../cache/store.ts";
import { fail, ok, warning } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { LockEntry, LockFile as LockedFile, LockSource } from "../../rules/lock.ts";
import { lockedFile } from "../../rules/lock.ts";
import type { AskedPackage } from "../../rules/lock-drift.ts";
import type { PackageSpec } from "../../rules/package-spec.ts";
import type { EnvProject } from "../../rules/project.ts";
import { ANY_SYSTEM } from "../../rules/systems.ts";
import { specOf as textSpec } from "./library-offer.ts";
import { type Listed, listedIn } from "./listed.ts";
import type { LockFile } from "./lock-file.ts";
import { isAmong } from "./system-version.ts";
import {
  addressVersion,
  ARCHIVE_LAYOUT,
  type Installed,
  lockedSource,
  type Offer,
  type OfferSource,
  packageOf,
  programOf,
} from "./offer.ts";

/** How packages come that no folder of the project brings. null: the system's where it has one, else fetched. */
export type PackageMode = "fetch" | "system" | "auto" | null;

/** Where a needed package is, or what brings it. */
export type Whereabouts =
  | { readonly is: "elsewhere" }
  | { readonly is: "stored"; readonly package: Package }
  | { readonly is: "offered"; readonly offer: Offer };

export interface AcquirerHost {
  readonly store: Store;
  readonly lock: LockFile;
  /** The lock may not change. */
  readonly locked: boolean;
  readonly mode: PackageMode;
  /** Of this machine, as rules/systems.ts names it. */
  readonly machine: string;
  /** The system's package for a need, null for none. */
  system(need: PackageNeed): Result<PackageRef> | null;
  /** The versions that it goes by. */
  systemVersions(env: EnvProject, need: PackageNeed, found: PackageRef): readonly string[];
  /** What can be fetched for a need: of the platform's table, or of a registry. null: nothing is known. */
  offer(env: EnvProject, need: PackageNeed): Result<Offer> | null;
  /** How an archive that the lock names becomes the package. */
  layout(env: EnvProject, need: PackageNeed, from: string): Layout;
  /** Files of a version for other machines than this, for the lock. */
  elsewhere(env: EnvProject, need: PackageNeed, version: string): readonly LockedFile[];
  /** What an install of this run left, null where there was none. */
  installed(offer: Offer): Installed | null;
  /** The text of a file, null where there is none. */
  read(path: string): string | null;
  /** A warning. */
  note(warning: Failure): void;
}

export class Acquirer implements PackageProvider {
  private readonly host: AcquirerHost;
  /** Packages of the store, by the need that they meet. */
  private readonly stored = new Map<string, Package>();

  constructor(host: AcquirerHost) {
    this.host = host;
  }

  /** Where a package is. What has been fetched in this run counts as there. */
  locate(env: EnvProject, need: PackageNeed): Result<Whereabouts> {
    const elsewhere = ok({ is: "elsewhere" } as const);
    const source = need.want?.source;
    if (source?.is === "folder") return elsewhere;
    const { mode, store, lock } = this.host;
    const asked: AskedPackage = { kind: "tool", env: env.name, spec: specOf(env, need), origin: need.want?.origin ?? null };
    const entry = lock.locked(asked);
    const system = source === undefined || source.is === "registry" ? this.host.system(need) : null;
    if (entry?.provider === "system" && mode !== "fetch") {
      lock.choose(asked, entry);
      return elsewhere;
    }
    const asksVersion = source?.is === "registry" && source.requirement !== "*";
    const isEnough = mode === null && entry === null && system !== null && !asksVersion && !need.paired;
    if (mode === "system" || isEnough) return elsewhere;
    const known = this.locked(entry, env, need) ?? (source?.is === "url" ? ok(urlOffer(need, source.url)) : this.host.offer(env, need));
    if (known === null) return elsewhere;
    const range = source?.is === "registry" ? source.requirement : "*";
    const versions =
      system?.ok === true && entry === null && range !== "*" && mode !== "fetch" ? this.host.systemVersions(env, need, system.value) : [];
    const standsIn = mode !== "fetch" && system !== null && entry === null && isAmong(versions, range);
    if (!known.ok) {
      if (!standsIn) return versions.length === 0 ? known : fail(notStanding(known.failure, versions));
      const { message, hint } = known.failure;
      this.host.note(warning("package.source", `${message}; the system's own is used`, { ...need.want?.origin, hint }));
      lock.choose(asked, bySystem(need));
      return elsewhere;
    }
    if (this.host.locked && entry === null) return fail(lock.notLocked(asked));
    // What is locked is not replaced by something else.
    const offer = { ...known.value, orSystem: standsIn };
    const installed = this.host.installed(offer);
    if (installed?.is === "system") {
      lock.choose(asked, bySystem(need));
      return elsewhere;
    }
    const digest = (entry === null ? null : lockedFile(entry, this.host.machine))?.digest ?? "";
    const there = packageOf(offer, installed, digest, store);
    if (there === null) return ok({ is: "offered", offer });
    const listed = offer.is === "archive" ? listedIn(there, need, this.told(there), this.host.machine, this.host.read) : null;
    if (listed !== null) return listed.ok ? this.listed(env, need, asked, listed.value) : listed;
    lock.choose(asked, this.entryOf(env, need, offer, there, installed ?? sourceOf(offer, there, entry)));
    this.stored.set(keyOf(need), there);
    return ok({ is: "stored", package: there });
  }

  /** What a list of archives names, in place of the package that holds the list. */
  private listed(env: EnvProject, need: PackageNeed, asked: AskedPackage, { offer, files }: Listed): Result<Whereabouts> {
    const installed = this.host.installed(offer);
    const there = packageOf(offer, installed, "", this.host.store);
    if (there === null || installed?.is === "system") return ok({ is: "offered", offer });
    const entry = this.entryOf(env, need, offer, there, installed ?? sourceOf(offer, there, null));
    const others = files.filter((file) => entry.files.every(({ system }) => system !== file.system));
    this.host.lock.choose(asked, { ...entry, files: [...entry.files, ...others] });
    this.stored.set(keyOf(need), there);
    return ok({ is: "stored", package: there });
  }

  /** The version that a package's own files tell. */
  private told({ folder }: Package): string {
    return versionOf(folder, this.host);
  }

  /** What the lock has of a package of the store: its file for this machine, and for others what the table knows. */
  private entryOf(
    env: EnvProject,
    need: PackageNeed,
    { owner, name, is }: Offer,
    { version, digest }: Package,
    { from, sha256, size }: Pick<OfferSource, "from" | "sha256" | "size">,
  ): Omit<LockEntry, "wants"> {
    // Of a repository the commit tells what it is; the archive that fb made of it is nobody else's. What the ini names by its address is the same for all machines.
    const isOwnArchive = is === "repository";
    const system = is === "archive" || is === "repository" ? ANY_SYSTEM : this.host.machine;
    const own: LockedFile = { system, from, sha256: isOwnArchive ? "" : (sha256 ?? ""), size: isOwnArchive ? 0 : (size ?? 0), digest };
    const source = (/^(pypi|npm|deb):/.exec(from)?.[1] as LockSource | undefined) ?? is;
    const files = [own, ...this.host.elsewhere(env, need, version).filter((file) => file.system !== own.system)];
    return { kind: "tool", owner, name, version, provider: "fetch", source, files };
  }

  /** What an entry of the lock brings on this machine; null where it has nothing for it. */
  private locked(entry: LockEntry | null, env: EnvProject, need: PackageNeed): Result<Offer> | null {
    const file = entry === null ? null : lockedFile(entry, this.host.machine);
    if (entry === null || file === null || entry.provider !== "fetch") return null;
    const { name, owner, version, source: is } = entry;
    const source = { ...lockedSource(file), version, layout: this.host.layout(env, need, file.from) };
    return ok({
      kind: "tool",
      name,
      owner,
      version,
      is,
      sources: [source],
      program: programOf(need),
      debian: need.debian,
      orSystem: false,
    });
  }

  /** The packages that locate() found in the store. */
  find(need: PackageNeed): Result<PackageRef> | null {
    const found = this.stored.get(keyOf(need));
    if (found === undefined) return null;
    const ref = storedRef(found);
    // What an address holds tells its version itself.
    return ok(/^0\.0\.0\+/.test(ref.version) ? { ...ref, version: this.told(found) || ref.version } : ref);
  }
}

/** A package of the store as commands name it. */
export function storedRef({ name, version, folder, digest }: Package): PackageRef {
  const link = `.fb/pkg/${folder.slice(folder.lastIndexOf("/") + 1)}`;
  return { name, version, folder, as: link, link, digest: digest as PackageRef["digest"], from: "store", passedOver: null };
}

/** Of the sources of an offer, the one that a package of the store came from. */
function sourceOf(offer: Offer, there: Package, entry: LockEntry | null): Pick<OfferSource, "from" | "sha256" | "size"> {
  const same = offer.sources.find((each) => each.sha256 !== null && recipeOf(each.sha256, each.layout) === there.recipe);
  const [first] = offer.sources;
  if (same === undefined && (first === undefined || entry === null)) throw new Error(`nothing of ${offer.name} is what is stored`);
  return same ?? (first as OfferSource);
}

function notStanding(why: Failure, versions: readonly string[]): Failure {
  return { ...why, message: `${why.message}; the system's own is ${versions.join(" or ")}` };
}

function bySystem({ name }: PackageNeed): Omit<LockEntry, "wants"> {
  return { kind: "tool", owner: "", name, version: "system", provider: "system", source: "system", files: [] };
}

/** What an env asks for where it needs a package: the item of platform_packages, else nothing but the name. */
export function specOf(env: EnvProject, { name }: PackageNeed): PackageSpec {
  return env.packageWants.find((want) => want.name === name)?.spec ?? { ...textSpec(name), name };
}

/** An archive that the ini names by its address: what it holds tells its version, so the store calls it by its address. */
function urlOffer(need: PackageNeed, url: string): Offer {
  const version = addressVersion(url);
  return {
    kind: "tool",
    name: need.name,
    owner: "",
    version,
    is: /^(?:git|hg|svn)\+/.test(url) ? "repository" : "archive",
    sources: [{ from: url, sha256: null, size: null, version, layout: ARCHIVE_LAYOUT }],
    program: programOf(need),
    // What Debian has is not what the ini names.
    debian: [],
    orSystem: false,
  };
}

function keyOf({ name, want }: PackageNeed): string {
  return JSON.stringify([name, want?.source ?? null]);
}
