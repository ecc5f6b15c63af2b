/**
 * PlatformIO's registry (protocol v3): what is asked, what an answer says, and which version and file of it a spec means. Pure: whoever drives a choice
 * gets requests and hands the answers in, from the network or from a disk. Rules: `_registry.py` of PlatformIO 6.2.0.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import type { PackageSpec } from "./package-spec.ts";
import { isSafeName } from "./safe-name.ts";
import { castVersion, compareVersions, parseRange, type Range, satisfies } from "./version.ts";

export type PackageKind = "library" | "platform" | "tool";

export interface RegistryFile {
  readonly name: string;
  /** `linux_x86_64`, `windows_amd64` …; null for every system. */
  readonly systems: readonly string[] | null;
  /** Bytes; 0 where the registry does not say. */
  readonly size: number;
  /** 64 hex digits in lower case. */
  readonly sha256: string;
  readonly url: string;
}
export interface RegistryVersion {
  readonly name: string;
  readonly files: readonly RegistryFile[];
}
export interface RegistryPackage {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  /** The one that the registry calls the latest. */
  readonly latest: RegistryVersion | null;
  /** Empty in the answer to a search. */
  readonly versions: readonly RegistryVersion[];
}

/** `path` with its query, below the registry's base. */
export type RegistryRequest =
  | { readonly is: "package"; readonly path: string }
  /** Answered with the first page. */
  | { readonly is: "search"; readonly path: string };
/** What the registry says to a request: packages, best first; none where it knows none (404). */
export type RegistryAnswer = readonly RegistryPackage[];

/** What a manifest says of a dependency beside its name; null where it says nothing, which is not the same as nothing in it. */
export interface Qualifiers {
  readonly platforms: readonly string[] | null;
  readonly frameworks: readonly string[] | null;
}

export interface Choice {
  readonly package: RegistryPackage;
  readonly version: RegistryVersion;
  readonly file: RegistryFile;
}
/** unknown: no such package. version: none in the range. system: versions in the range, none with a file for this system. `known`: what there is. */
export interface NoChoice {
  readonly why: "unknown" | "version" | "system";
  readonly known: readonly string[];
}

/**
 * Which version and file a spec means, as a dialogue: yields what is asked, takes what is answered. An owned name without qualifiers is asked for directly and
 * the newest version in its range taken, pre-releases too; anything else is searched, and of the first package found that has one, its latest
 * version is taken if it is in the range, else the newest in it. kept: the version that a package has already, null for none: it stays while it is in the range.
 */
export function* choose(
  kind: PackageKind,
  spec: PackageSpec,
  qualifiers: Qualifiers | null,
  system: string,
  kept: (found: RegistryPackage) => string | null = () => null,
): Generator<RegistryRequest, Choice | NoChoice, RegistryAnswer> {
  const read = spec.requirement === null ? null : parseRange(spec.requirement);
  const range = read?.ok ? read.value : null;
  const isDirect = spec.owner && spec.name && (qualifiers === null || (qualifiers.platforms === null && qualifiers.frameworks === null));
  const found = isDirect ? yield packageRequest(kind, spec.owner ?? "", spec.name ?? "") : yield searchRequest(kind, spec, qualifiers);
  const known: string[] = [];
  let isInRange = false;
  for (const each of found) {
    const has = kept(each);
    const stays = has !== null && isIn({ name: has, files: [] }, range);
    for (const latest of [true, false]) {
      if (latest && (isDirect || each.latest === null || (stays && each.latest.name !== has))) continue;
      const whole = latest || isDirect ? each : (yield packageRequest(kind, each.owner, each.name))[0];
      const versions = latest && each.latest !== null ? [each.latest] : (whole?.versions ?? []);
      const old = stays ? versions.find((one) => one.name === has && fileFor(one.files, system) !== null) : undefined;
      const version = old ?? bestVersion(versions, range, system);
      const file = version === null ? null : fileFor(version.files, system);
      if (version !== null && file !== null) return { package: each, version, file };
      if (!latest) known.push(...versions.map((one) => one.name));
      isInRange ||= versions.some((one) => isIn(one, range));
    }
  }
  return { why: found.length === 0 ? "unknown" : isInRange ? "system" : "version", known };
}

/** The newest version in the range that has a file for the system; of equal ones the first. A version whose name can be none is passed over. */
export function bestVersion(versions: readonly RegistryVersion[], range: Range | null, system: string): RegistryVersion | null {
  let best: RegistryVersion | null = null;
  for (const each of versions) {
    const version = castVersion(each.name);
    if (version === null || !isIn(each, range) || fileFor(each.files, system) === null) continue;
    const old = best === null ? null : castVersion(best.name);
    if (old === null || compareVersions(version, old) > 0) best = each;
  }
  return best;
}

/** The first file for a system. */
export function fileFor(files: readonly RegistryFile[], system: string): RegistryFile | null {
  return files.find((file) => file.systems === null || file.systems.includes(system)) ?? null;
}

/** The name that PlatformIO's registry has for a machine: `process.platform` and `process.arch`, or PLATFORMIO_SYSTEM_TYPE where it is set. */
export function systemType(platform: string, arch: string, override: string | undefined): string {
  if (override !== undefined) return override;
  const os = platform === "win32" ? "windows" : platform;
  const machines: Readonly<Record<string, string>> = { x64: "x86_64", ia32: "i686", arm64: "aarch64", arm: "armv7l" };
  if (os === "darwin" && arch === "arm64") return "darwin_arm64";
  if (os === "windows") return `windows_${arch === "x64" ? "amd64" : arch === "ia32" ? "x86" : arch}`;
  return `${os}_${machines[arch] ?? arch}`;
}

/** A package, or nothing that can be used: `registry.answer` (exit 4), which says what was expected. `from` names where the answer came from. */
export function readPackage(json: unknown, from: string): Result<RegistryPackage> {
  if (!isRecord(json)) return unexpected(from, "a package");
  const { id, name, owner, version, versions } = json;
  const user = isRecord(owner) ? owner["username"] : undefined;
  if (typeof id !== "number" || !isSafeName(name) || !isSafeName(user)) return unexpected(from, "a package with id, name and owner");
  const all = Array.isArray(versions) ? versions.flatMap((each: unknown) => readVersion(each) ?? []) : [];
  return ok({ id, owner: user, name, latest: readVersion(version), versions: all });
}

/** The packages of a search's first page, best first. */
export function readSearch(json: unknown, from: string): Result<readonly RegistryPackage[]> {
  const items = isRecord(json) ? json["items"] : undefined;
  if (!Array.isArray(items)) return unexpected(from, "a list of packages");
  const packages: RegistryPackage[] = [];
  for (const item of items as readonly unknown[]) {
    const read = readPackage(item, from);
    if (!read.ok) return read;
    packages.push(read.value);
  }
  return ok(packages);
}

function packageRequest(kind: PackageKind, owner: string, name: string): RegistryRequest {
  const word = (text: string): string => encodeURIComponent(text.toLowerCase());
  return { is: "package", path: `/v3/packages/${word(owner)}/${kind}/${word(name)}` };
}

function searchRequest(kind: PackageKind, spec: PackageSpec, qualifiers: Qualifiers | null): RegistryRequest {
  const each = (field: string, values: readonly string[] | null): string[] =>
    [...new Set(values ?? [])].sort().map((v) => `${field}:"${v}"`);
  const words = [...each("platform", qualifiers?.platforms ?? null), ...each("framework", qualifiers?.frameworks ?? null)];
  if (spec.id !== null) words.push(`id:"${spec.id}"`);
  else {
    words.push(`type:"${kind}"`, `name:"${(spec.name ?? "").toLowerCase()}"`);
    if (spec.owner) words.push(`owner:"${spec.owner.toLowerCase()}"`);
  }
  return { is: "search", path: `/v3/search?query=${encodeURIComponent(words.join(" "))}` };
}

function isIn(version: RegistryVersion, range: Range | null): boolean {
  const cast = castVersion(version.name);
  return cast !== null && (range === null || satisfies(cast, range));
}

function readVersion(json: unknown): RegistryVersion | null {
  if (!isRecord(json) || typeof json["name"] !== "string" || json["name"].length > 200) return null;
  const files = Array.isArray(json["files"]) ? (json["files"] as readonly unknown[]) : [];
  return { name: json["name"], files: files.flatMap((file) => readFile(file) ?? []) };
}

function readFile(json: unknown): RegistryFile | null {
  if (!isRecord(json)) return null;
  const { name, system, size, checksum, download_url: url } = json;
  const sha256 = isRecord(checksum) ? checksum["sha256"] : undefined;
  if (typeof url !== "string" || !/^https?:\/\/\S+$/.test(url) || typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256))
    return null;
  const bytes = typeof size === "number" && Number.isSafeInteger(size) && size > 0 ? size : 0;
  return { name: typeof name === "string" ? name : "", systems: systemsOf(system), size: bytes, sha256: sha256.toLowerCase(), url };
}

function systemsOf(value: unknown): readonly string[] | null {
  if (typeof value === "string") return value === "" || value.includes("*") ? null : value.split(",").map((each) => each.trim());
  if (!Array.isArray(value) || value.length === 0 || value.includes("*")) return null;
  return value.filter((each) => typeof each === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unexpected<T>(from: string, what: string): Result<T> {
  const hint = "look at the registry's address; a proxy may answer in its place";
  return fail(failure("registry.answer", 4, `${from}: expected ${what} from the registry`, { hint }));
}
