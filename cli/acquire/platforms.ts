/**
 * Platform packages of envs that ask for one (`platform = espressif32 @ 6.9.0`, an address), or need one (`platform = espressif32` alone): fetched and locked like any
 * package. Their platform.json and boards are data for rules/project.ts; nothing of them runs.
 */
import type { Package, Store } from "../../cache/store.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { type LockEntry, type LockFile as LockedFile, lockedFile } from "../../rules/lock.ts";
import type { AskedPackage } from "../../rules/lock-drift.ts";
import { registryFiles } from "../../rules/lock-files.ts";
import type { PackageSpec } from "../../rules/package-spec.ts";
import { publishedRanges } from "../../rules/platform-package.ts";
import type { EnvProject } from "../../rules/project.ts";
import { choose, type NoChoice, type RegistryAnswer, type RegistryRequest } from "../../rules/registry.ts";
import { PLATFORM_OWNER, type PlatformSpec } from "../../rules/spec.ts";
import { ANY_SYSTEM } from "../../rules/systems.ts";
import type { LockFile } from "./lock-file.ts";
import { addressVersion, ARCHIVE_LAYOUT, type Installed, lockedSource, type Offer, OUT_OF_REACH, packageOf } from "./offer.ts";

export interface PlatformsHost {
  readonly store: Store;
  readonly lock: LockFile;
  /** The lock may not change. */
  readonly locked: boolean;
  readonly machine: string;
  ask(request: RegistryRequest): Promise<Result<RegistryAnswer>>;
  /** What an install of this run left, null where there was none. */
  installed(offer: Offer): Installed | null;
}

export type PlatformAt = { readonly is: "here"; readonly folder: string } | { readonly is: "offered"; readonly offer: Offer };

export class Platforms {
  private readonly host: PlatformsHost;
  /** Of this run, by env. */
  private readonly found = new Map<string, string>();
  /** What the registry said, by what is asked for. */
  private readonly chosen = new Map<string, Result<Offer>>();
  private readonly others = new Map<string, readonly LockedFile[]>();

  constructor(host: PlatformsHost) {
    this.host = host;
  }

  /** Where it lies, null where this run has not found it. */
  folderOf(env: string): string | null {
    return this.found.get(env) ?? null;
  }

  /** Whether the lock has one for an env whose `platform =` is a name alone. */
  isLocked(env: EnvProject): boolean {
    const entry = this.host.lock.locked(askedPlatform(env));
    return entry !== null && isWantedBy(entry, env.name, env.platformSpec.spec);
  }

  /** Of an env that asks for one which is no folder of its own, or that needs one. Notes it in the lock. Failures: of the lock and the registry. */
  async locate(env: EnvProject): Promise<Result<PlatformAt>> {
    const { lock, locked, machine, store } = this.host;
    const asked = askedPlatform(env);
    const entry = lock.locked(asked);
    if (locked && entry === null) return fail(lock.notLocked(asked));
    const offer = entry === null ? await this.offer(env, asked) : lockedOffer(entry, machine);
    if (!offer.ok) return offer;
    const installed = this.host.installed(offer.value);
    const digest = (entry === null ? null : lockedFile(entry, machine))?.digest ?? "";
    const there = packageOf(offer.value, installed, digest, store);
    if (there === null) return ok({ is: "offered", offer: offer.value });
    lock.choose(asked, this.entryOf(offer.value, installed, there));
    this.found.set(env.name, there.folder);
    return ok({ is: "here", folder: there.folder });
  }

  private async offer(env: EnvProject, asked: AskedPackage): Promise<Result<Offer>> {
    const { source, spec } = env.platformSpec;
    if (source?.is === "url") return ok(addressOffer(env.platformSpec.name, source.url));
    let chosen = this.chosen.get(spec.text);
    if (chosen === undefined) {
      chosen = await (source === null ? this.newest(env, asked) : this.fromRegistry(asked));
      this.chosen.set(spec.text, chosen);
    }
    return chosen;
  }

  /** For a name alone: the newest that the rules are for. */
  private async newest({ platform, platformSpec }: EnvProject, asked: AskedPackage): Promise<Result<Offer>> {
    const ranges = publishedRanges(platform.rules);
    let found: Result<Offer> | null = null;
    for (const requirement of [...ranges].reverse()) {
      found = await this.fromRegistry({ ...asked, spec: newestSpec(platformSpec, requirement) });
      // Another range may have a version; whom nobody can be asked for is not asked for again.
      if (found.ok || found.failure.code !== "platform.unknown") break;
    }
    if (found === null) throw new Error(`no ranges of platform ${platform.name}`);
    return found;
  }

  private async fromRegistry(asked: AskedPackage): Promise<Result<Offer>> {
    const { driveDialogue } = await import("../registry.ts");
    const { spec, env, origin } = asked;
    const choice = await driveDialogue(choose("platform", spec, null, this.host.machine), (request) => this.host.ask(request));
    if (!choice.ok) {
      const message = `platform ${spec.text} of [env:${env}] is not here, and the registry could not be asked for it: ${choice.failure.message}`;
      const hint = OUT_OF_REACH.has(choice.failure.code)
        ? ["connect to the network", ...platformWays(spec.name ?? "")].join("; or ")
        : choice.failure.hint;
      return fail({ ...choice.failure, ...origin, message, hint });
    }
    if ("why" in choice.value) return fail(unknown(asked, choice.value));
    const { package: found, version, file } = choice.value;
    const { name, owner } = found;
    const source = { from: file.url, sha256: file.sha256, size: file.size, version: version.name, layout: ARCHIVE_LAYOUT };
    this.others.set(`${owner}/${name}@${version.name}`, registryFiles(version));
    return ok(offerOf({ name, owner, version: version.name, is: "registry", source }));
  }

  private entryOf(offer: Offer, installed: Installed | null, { version, digest }: Package): Omit<LockEntry, "wants"> {
    const { owner, name, is } = offer;
    const [first] = offer.sources;
    const from = installed?.is === "file" ? installed : { from: first?.from ?? "", sha256: first?.sha256 ?? "", size: first?.size ?? 0 };
    // Of a repository the commit tells what it is; the archive that fb made of it is nobody else's.
    const isOwn = is === "repository";
    const own = {
      system: ANY_SYSTEM,
      from: from.from,
      sha256: isOwn ? "" : (from.sha256 ?? ""),
      size: isOwn ? 0 : (from.size ?? 0),
      digest,
    };
    const others = (this.others.get(`${owner}/${name}@${version}`) ?? []).filter((file) => file.system !== ANY_SYSTEM);
    return { kind: "platform", owner, name, version, provider: "fetch", source: is, files: [own, ...others] };
  }
}

/** Where the locked platform package of an env lies; null where the store has none, or the lock says nothing of it. What another env has is nothing to one that asks for none. */
export function lockedPlatform(
  env: string,
  { spec, source }: PlatformSpec,
  locked: (asked: AskedPackage) => LockEntry | null,
  store: Store,
  machine: string,
): string | null {
  const entry = locked({ kind: "platform", env, spec, origin: null });
  if (entry === null || (source === null && !isWantedBy(entry, env, spec))) return null;
  const offer = lockedOffer(entry, machine);
  if (!offer.ok) return null;
  return packageOf(offer.value, null, lockedFile(entry, machine)?.digest ?? "", store)?.folder ?? null;
}

/** What can be done where a platform package can not be had. name: of the registry's; null for one that an address names, since its own name may be another's. */
export function platformWays(name: string | null): readonly string[] {
  const folder = "name a folder that has it: platform = symlink:///FOLDER";
  const alone = `write platform = ${name} alone, or give --packages system: fb's own boards and what the machine has are used then`;
  return name === null ? [folder] : [folder, alone];
}

/** `platform = NAME` alone, as if a range were written. */
function newestSpec({ spec, name }: PlatformSpec, requirement: string): PackageSpec {
  return { ...spec, owner: PLATFORM_OWNER, name, requirement, text: `${name} @ ${requirement}` };
}

function isWantedBy({ wants }: LockEntry, env: string, { text }: PackageSpec): boolean {
  return wants.some((want) => want.env === env && want.spec === text && want.by === "");
}

function askedPlatform(env: EnvProject): AskedPackage {
  return { kind: "platform", env: env.name, spec: env.platformSpec.spec, origin: env.options.get("platform")?.origin ?? null };
}

function unknown({ spec, env, origin }: AskedPackage, { why, known }: NoChoice): Failure {
  const asked = `platform ${spec.text} of [env:${env}]`;
  if (why === "unknown") {
    const hint = "look at its name, or name its address: https://…/platform-NAME.git";
    return failure("platform.unknown", 3, `${asked}: the registry has no such platform`, { ...origin, hint });
  }
  const message = `${asked}: the registry has no such version${why === "system" ? " for this machine" : ""}`;
  const versions = known.length === 0 ? "" : `it has ${[...new Set(known)].slice(-12).join(", ")}`;
  return failure("platform.unknown", 3, message, { ...origin, hint: versions });
}

function lockedOffer(entry: LockEntry, machine: string): Result<Offer> {
  const file = lockedFile(entry, machine);
  const { name, owner, version, source: is } = entry;
  if (file !== null) return ok(offerOf({ name, owner, version, is, source: { ...lockedSource(file), version, layout: ARCHIVE_LAYOUT } }));
  const message = `fb.lock has platform ${name} ${version} for other machines only (${machine} is this one)`;
  return fail(failure("lock.machine", 3, message, { file: "fb.lock", hint: `\`fb deps --upgrade ${name}\` looks for one that suits` }));
}

/** What it holds tells its version, so the store calls it by its address. */
function addressOffer(name: string, url: string): Offer {
  const version = addressVersion(url);
  const is = /^(?:git|hg|svn)\+/.test(url) ? "repository" : "archive";
  return offerOf({ name, owner: "", version, is, source: { from: url, sha256: null, size: null, version, layout: ARCHIVE_LAYOUT } });
}

function offerOf({
  source,
  ...what
}: Pick<Offer, "name" | "owner" | "version" | "is"> & { readonly source: Offer["sources"][number] }): Offer {
  return { kind: "platform", ...what, sources: [source], program: "", debian: [], orSystem: false };
}
