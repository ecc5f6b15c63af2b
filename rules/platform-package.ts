/** A PlatformIO platform package as data: what its platform.json says of packages and frameworks. Its Python is never run. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import type { BoardIo, BoardTable } from "./boards.ts";
import { isObject, type Json, parseJson } from "./json.ts";
import type { PackageInfo, RuleFile } from "./rulefile.ts";
import { type Origin, type PackageWant, parsePackageWant } from "./spec.ts";
import { inRange } from "./version.ts";

export const PLATFORM_MANIFEST = "platform.json";

/** A package of a platform, as platform.json names it. version: a range, an address; "*" for any. */
interface NamedPackage {
  /** "" for none. */
  readonly owner: string;
  readonly version: string;
}

export interface PlatformPackage {
  /** Where it lies, as its source names it: absolute, or relative to the project. */
  readonly folder: string;
  /** Of platform.json. */
  readonly name: string;
  readonly version: string;
  readonly packages: ReadonlyMap<string, NamedPackage>;
}

/** Failures (exit 3): `platform.no-manifest`, the folder has no platform.json; `platform.manifest`, it does not read. place: of the ini. */
export function readPlatformPackage(folder: string, io: Pick<BoardIo, "read">, place: Origin | null): Result<PlatformPackage> {
  const file = `${folder}/${PLATFORM_MANIFEST}`;
  const text = io.read(file);
  if (text === null) {
    const hint = "name the folder of a PlatformIO platform, as symlink://FOLDER; a relative one starts at the project's folder";
    return fail(failure("platform.no-manifest", 3, `${folder} has no ${PLATFORM_MANIFEST}: it is no platform package`, { ...place, hint }));
  }
  const parsed = parseJson(text);
  const bad = (what: string, at: { readonly line: number; readonly column: number }) =>
    fail<PlatformPackage>(failure("platform.manifest", 3, what, { file, ...at, hint: "another version of the platform may be whole" }));
  if (!parsed.ok) return bad(`not JSON: expected ${parsed.expected}`, parsed);
  const json = parsed.value;
  const name = isObject(json) ? json["name"] : undefined;
  if (!isObject(json) || typeof name !== "string" || name === "")
    return bad('expected a platform: an object with a "name"', { line: 1, column: 1 });
  const packages = new Map<string, NamedPackage>();
  for (const [each, about] of isObject(json["packages"]) ? Object.entries(json["packages"]) : [])
    if (isObject(about)) packages.set(each, { owner: textOf(about["owner"]), version: textOf(about["version"]) || "*" });
  return ok({ folder, name, version: textOf(json["version"]), packages });
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value.trim() : "";
}

/** The boards of a platform package; what stands in their files is read by findBoard(), as of a project's own. */
export function packageBoards({ folder }: PlatformPackage, io: BoardIo): BoardTable & { readonly folder: string } {
  const boards = `${folder}/boards`;
  return {
    file: boards,
    folder: boards,
    get ids() {
      return (io.list(boards) ?? []).filter((e) => e.is === "file" && e.name.endsWith(".json")).map((e) => e.name.slice(0, -5));
    },
    get: () => undefined,
  };
}

/**
 * What a platform package asks for of the packages that fb's rules name, but for those that the ini names itself (`own`). `version` of a rule file's package stands
 * where platform.py would put another than platform.json has; "*" there: wherever fb's own table has it from. What rules do without is not asked for. Failures: those of parsePackageWant.
 */
export function packageWants(
  { packages }: PlatformPackage,
  rules: RuleFile,
  own: readonly PackageWant[],
  place: Origin | null,
): Result<readonly PackageWant[]> {
  const wants: PackageWant[] = [];
  const tools = [...rules.tools.values()].filter((tool) => !tool.optional);
  for (const { package: name, version } of [...tools, ...rules.frameworks.values()]) {
    const named = packages.get(name);
    if (named === undefined || version === "*" || [...own, ...wants].some((want) => want.name === name)) continue;
    const asked = version === "" ? named.version : version;
    const want = parsePackageWant(`${named.owner === "" ? "" : `${named.owner}/`}${name}${asked === "*" ? "" : `@${asked}`}`, place);
    if (!want.ok) return want;
    wants.push(want.value);
  }
  return ok(wants);
}

/** The ranges of PlatformIO's platform package, best last, of which `platform = NAME` alone may fetch one; empty for a platform that has none. */
export function publishedRanges({ platform }: RuleFile): readonly string[] {
  return platform?.published === true && platform.addresses.length === 0 ? platform.covers : [];
}

/** Failure `platform.not-covered` (exit 3) where fb's rules are for other versions of a platform package; it names them. */
export function platformUncovered(env: string, { name, version }: PlatformPackage, rules: RuleFile, place: Origin | null): Failure | null {
  const covers = rules.platform?.covers ?? [];
  return outside([version], covers) === null ? null : notCovered(env, name, version, rules, place);
}

/**
 * The same for a range (`requirement`) that is asked for and has nothing in common with those, or for any where the registry has another platform of this name: known
 * before anybody is asked. Two ranges meet where the lowest version of one is in the other.
 */
export function rangeUncovered(env: string, name: string, requirement: string, rules: RuleFile, place: Origin | null): Failure | null {
  const covers = rules.platform?.covers ?? [];
  if (rules.platform?.published === false) return notCovered(env, name, requirement, rules, place);
  const low = lowest(requirement);
  if (low === null || covers.length === 0) return null;
  const meets = (range: string): boolean => {
    const other = lowest(range);
    return other === null || inRange(low, range) !== false || inRange(other, requirement) !== false;
  };
  return covers.some(meets) ? null : notCovered(env, name, requirement, rules, place);
}

function notCovered(env: string, name: string, asked: string, { platform }: RuleFile, place: Origin | null): Failure {
  const covers = platform?.covers ?? [];
  const isPublished = platform?.published !== false;
  const what = isPublished ? covers.join(", ") : `${covers.join(", ")} of another than PlatformIO's registry has by this name`;
  const message = `[env:${env}] asks for platform ${name} ${asked}: fb's rules cover ${what}`;
  const hint = isPublished
    ? `ask for one of these, as platform = ${name}@${covers.at(-1)}`
    : `name that one by its address, or write platform = ${name} alone: fb's own boards and packages then`;
  return failure("platform.not-covered", 3, message, { ...place, hint });
}

/** The lowest version of a range such as `1.2.3`, `^1.2`, `~1.2.0`, `>=1.2,<2`; null for one that begins otherwise. */
function lowest(range: string): string | null {
  const numbers = /^(?:\^|~|>=|==?)?(\d+(?:\.\d+){0,2})/.exec(range)?.[1];
  return numbers === undefined ? null : [...numbers.split("."), "0", "0"].slice(0, 3).join(".");
}

/** The first version where none of them is in any of the ranges; null where one is, or where none tells anything. */
function outside(versions: readonly string[], covers: readonly string[]): string | null {
  const known = versions.filter((version) => inRange(version, "*") !== null && !/^0\.0\.0(?:\+|$)/.test(version));
  const isIn = known.some((version) => covers.some((range) => inRange(version, range) === true));
  return covers.length === 0 || isIn ? null : (known[0] ?? null);
}

/**
 * Whether fb's rules are for a framework's version: null where they are, or where no version tells (of a branch, of an address). versions: all that it goes by.
 * Failure `framework.not-covered` (exit 3), which names the versions that are covered.
 */
export function uncovered(
  env: string,
  framework: Pick<PackageInfo, "package" | "covers">,
  versions: readonly string[],
  platform: PlatformPackage | null,
  place: Origin | null,
): Failure | null {
  const { covers } = framework;
  const known = outside(versions, covers);
  if (known === null) return null;
  const of = platform === null ? "" : ` of platform ${platform.name} ${platform.version}`.trimEnd();
  const message = `[env:${env}] has ${framework.package} ${known}${of}: fb's rules cover ${covers.join(", ")}`;
  const hint = `ask for a version of the platform that has one of these, or for one of them by platform_packages = ${framework.package}@${covers[0]}`;
  return failure("framework.not-covered", 3, message, { ...place, hint });
}
