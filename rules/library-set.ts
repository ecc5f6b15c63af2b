/**
 * What PlatformIO's package manager puts into an env's library folder for its lib_deps: versions, transitive dependencies, and the folder of each where two
 * versions of one name meet. Rules: `_install.py`, `manager/library.py` of PlatformIO 6.2.0. Pure, as rules/registry.ts is: a dialogue.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import type { Dependency } from "./manifest.ts";
import { type Origin, type PackageSpec, type SpecSource, sourceOf, specFromParts, specText } from "./package-spec.ts";
import {
  type Choice,
  choose,
  type NoChoice,
  type Qualifiers,
  type RegistryAnswer,
  type RegistryPackage,
  type RegistryRequest,
} from "./registry.ts";
import { castVersion, compareVersions, parseRange, satisfies, versionText } from "./version.ts";

/** Fetch and unpack this and say what its manifest says. `choice`: the file of the registry, or null for another source. */
export interface ContentRequest {
  readonly is: "content";
  readonly spec: PackageSpec;
  readonly source: SpecSource;
  readonly choice: Choice | null;
}
/** "" for what the manifest does not say. A repository's version has `+sha.COMMIT` behind. */
export interface LibraryContent {
  readonly name: string;
  readonly version: string;
  readonly dependencies: readonly Dependency[];
}
export type SetRequest = RegistryRequest | ContentRequest;
/** To a RegistryRequest a list, to a ContentRequest the content. */
export type SetAnswer = RegistryAnswer | LibraryContent;

/** A library in the folder. */
export interface SetLibrary {
  /** Of the library, in the env's library folder: `Name`, `Name@1.0.0`, `Name@src-MD5`. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** Of the registry: owner, id and name of the package; of another source what the project wrote. */
  readonly spec: PackageSpec;
  readonly source: SpecSource;
  readonly choice: Choice | null;
  readonly dependencies: readonly Dependency[];
}

export interface SetOptions {
  /** Of the env, for dependencies that name some; null where nothing filters. */
  readonly compatible: Qualifiers | null;
  /** A library that comes with a framework: such a dependency is not fetched. */
  readonly isBuiltin: (name: string) => boolean;
  readonly system: string;
  readonly md5: (text: string) => string;
  /** Of a path relative to the project. */
  readonly exists: (path: string) => boolean;
  /** The version that a package of the registry has already, and keeps while it is in the range; null for none. */
  readonly kept: (found: RegistryPackage) => string | null;
}

/** One item of lib_deps. */
export interface SetWant {
  readonly spec: PackageSpec;
  readonly origin: Origin | null;
}

type Dialogue<T> = Generator<SetRequest, T, SetAnswer>;

/** A library folder while it is filled; begin with what is there already, or with nothing. */
export class LibrarySet {
  private readonly options: SetOptions;
  private readonly at = new Map<string, SetLibrary>();
  private readonly seen = new Map<string, SetLibrary>();
  /** Whose needs addNeedsOf has followed: one whose manifest has another name than the registry is never found, and may need itself. */
  private readonly followed = new Set<SetLibrary>();
  /** Dependencies with an owner that the registry does not have. */
  readonly warnings: Failure[] = [];

  constructor(options: SetOptions, there: readonly SetLibrary[] = []) {
    this.options = options;
    for (const library of there) this.at.set(library.folder, library);
  }

  /** By folder, in the order of their code units. */
  get libraries(): readonly SetLibrary[] {
    return [...this.at.values()].sort((a, b) => (a.folder < b.folder ? -1 : 1));
  }

  /**
   * Adds what an item asks for, and all that it needs. Failures: `library.unknown` (exit 4), not in the registry, in no such version, for no such system;
   * `library.version`, `library.name` (exit 3), what was fetched is not what was asked for; those of specs.
   */
  *add(want: SetWant): Dialogue<Result<SetLibrary>> {
    const added = yield* this.install(want.spec, null, want.origin);
    return added.ok && "why" in added.value ? fail(unknown(want, added.value)) : (added as Result<SetLibrary>);
  }

  /**
   * Adds what a library of the project's own `lib` folder needs, and what that needs: only what has an owner or an address, and whatever platforms it names. Null, or the
   * failure: here a package that the registry does not have is one too.
   */
  *addNeedsOf(dependencies: readonly Dependency[], origin: Origin | null): Dialogue<Failure | null> {
    for (const each of dependencies) {
      const read = specFromParts({ owner: each.owner, name: each.name, requirement: each.version }, origin, this.options.exists);
      if (!read.ok) return read.failure;
      const spec = read.value;
      if ((spec.uri === null && !spec.owner) || this.find(spec) !== null) continue;
      const made = yield* this.install(spec, null, origin, false);
      if (!made.ok) return made.failure;
      if ("why" in made.value) return unknown({ spec, origin }, made.value);
      if (this.followed.has(made.value)) continue;
      this.followed.add(made.value);
      const failed = yield* this.addNeedsOf(made.value.dependencies, origin);
      if (failed !== null) return failed;
    }
    return null;
  }

  /** The library of the folder that a spec means: the newest of several. */
  find(spec: PackageSpec): SetLibrary | null {
    const range = spec.requirement === null ? null : parseRange(spec.requirement);
    let best: SetLibrary | null = null;
    for (const each of this.libraries) {
      if (!isMeant(spec, each)) continue;
      const version = castVersion(each.version);
      if (range?.ok && (version === null || !satisfies(version, range.value))) continue;
      if (best === null || isNewer(each.version, best.version)) best = each;
    }
    return best;
  }

  private *install(
    spec: PackageSpec,
    qualifiers: Qualifiers | null,
    origin: Origin | null,
    isWhole = true,
  ): Dialogue<Result<SetLibrary | NoChoice>> {
    const key = JSON.stringify([spec.owner, spec.id, spec.name, spec.requirement, spec.uri]);
    const before = this.seen.get(key);
    if (before !== undefined) return ok(before);
    const there = this.find(spec);
    const made = there === null ? yield* this.fetch(spec, qualifiers, origin) : ok(there);
    if (!made.ok || "why" in made.value) return made;
    // Before its dependencies, which may lead back here.
    this.seen.set(key, made.value);
    const failed = isWhole ? yield* this.installDependencies(made.value, origin) : null;
    return failed === null ? made : fail(failed);
  }

  private *fetch(spec: PackageSpec, qualifiers: Qualifiers | null, origin: Origin | null): Dialogue<Result<SetLibrary | NoChoice>> {
    const source = sourceOf(spec, origin);
    if (!source.ok) return source;
    let choice: Choice | null = null;
    let named = spec;
    if (source.value.is === "registry") {
      const chosen = yield* asked(choose("library", spec, qualifiers, this.options.system, this.options.kept));
      if ("why" in chosen) return ok(chosen);
      choice = chosen;
      const { owner, id, name } = choice.package;
      named = { owner, id, name, requirement: null, uri: null, custom: false, text: spec.text };
    }
    const content = (yield { is: "content", spec, source: source.value, choice }) as LibraryContent;
    const name = content.name === "" || named.custom ? (named.name ?? "") : content.name;
    const version = castVersion(content.version === "" ? "0.0.0" : content.version);
    const range = named.requirement === null ? null : parseRange(named.requirement);
    if (version === null || (range?.ok && !satisfies(version, range.value))) {
      const message = `${specText(spec)}: what was fetched has version "${content.version}"`;
      return fail(failure("library.version", 3, message, { ...origin, hint: "change the range behind its @, or take it away" }));
    }
    const library = { name, version: versionText(version), spec: named, source: source.value, choice, dependencies: content.dependencies };
    return this.place(library, origin);
  }

  /** Gives a new library its folder; one of the same name makes room, or it makes room for that one: the newer has the plain name. */
  private place(library: Omit<SetLibrary, "folder">, origin: Origin | null): Result<SetLibrary> {
    const { name, version, spec } = library;
    const plain = spec.custom && spec.uri !== null ? (spec.name ?? "") : name.replace(/[^\da-z_\-. ]/giu, "_");
    if (/^\.{0,2}$/.test(plain) || plain.length > 200 || /[\p{Cc}/\\:]/u.test(plain)) {
      const hint = "give it a name of letters, digits, blanks, _ - and ., as in NAME=ADDRESS";
      return fail(
        failure("library.name", 3, `a library called ${JSON.stringify(plain.slice(0, 80))} can not have a folder`, { ...origin, hint }),
      );
    }
    const old = this.at.get(plain);
    const aside = (one: Omit<SetLibrary, "folder">): string =>
      `${name.replace(/[^\da-z_\-. ]/giu, "_")}@${one.spec.uri === null ? one.version : `src-${this.options.md5(one.spec.uri)}`}`;
    const isOther =
      old !== undefined &&
      !spec.custom &&
      (old.spec.uri !== null ? old.spec.uri !== spec.uri : old.version !== version || old.spec.owner !== spec.owner);
    let folder = plain;
    if (old !== undefined && isOther) {
      if (old.spec.uri !== null || isNewer(version, old.version)) this.at.set(aside(old), { ...old, folder: aside(old) });
      else folder = aside(library);
    }
    const made = { ...library, folder };
    this.at.set(folder, made);
    return ok(made);
  }

  private *installDependencies(library: SetLibrary, origin: Origin | null): Dialogue<Failure | null> {
    for (const each of library.dependencies) {
      const read = specFromParts({ owner: each.owner, name: each.name, requirement: each.version }, origin, this.options.exists);
      if (!read.ok) return read.failure;
      const spec = read.value;
      if (spec.uri === null && !spec.owner && this.options.isBuiltin(spec.name ?? "")) continue;
      if (this.options.compatible !== null && !isCompatible(each, this.options.compatible)) continue;
      const made = yield* this.install(spec, each, origin);
      if (!made.ok) return made.failure;
      if (!("why" in made.value) || !each.owner) continue;
      const { message, hint } = unknown({ spec, origin }, made.value);
      this.warnings.push({
        ...failure("library.unknown", 4, `${library.name} needs ${message}`, { ...origin, hint }),
        severity: "warning",
      });
    }
    return null;
  }
}

/** Of a dependency that names platforms or frameworks one has to be the env's; `*` is any. */
export function isCompatible(wanted: Qualifiers, env: Qualifiers): boolean {
  const meets = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
    !a?.length || !b?.length || a.includes("*") || b.includes("*") || a.some((each) => b.includes(each));
  return meets(wanted.platforms, env.platforms) && meets(wanted.frameworks, env.frameworks);
}

function* asked<T>(dialogue: Generator<RegistryRequest, T, RegistryAnswer>): Dialogue<T> {
  let step = dialogue.next();
  while (!step.done) step = dialogue.next((yield step.value) as RegistryAnswer);
  return step.value;
}

function isMeant(spec: PackageSpec, library: SetLibrary): boolean {
  const same = (a: string | null, b: string | null): boolean => (a ?? "").toLowerCase() === (b ?? "").toLowerCase();
  if (spec.id !== null && spec.id !== library.spec.id) return false;
  if (spec.uri !== null) return spec.uri === library.spec.uri;
  if (spec.owner && !same(spec.owner, library.spec.owner)) return false;
  return spec.id !== null || same(spec.name, library.name);
}

function isNewer(a: string, b: string): boolean {
  const [x, y] = [castVersion(a), castVersion(b)];
  return x !== null && y !== null && compareVersions(x, y) > 0;
}

function unknown({ spec, origin }: SetWant, { why, known }: NoChoice): Failure {
  const what = specText(spec);
  const message =
    why === "unknown"
      ? `${what}: no such library in the registry`
      : why === "version"
        ? `${what}: no version in this range`
        : `${what}: no file for this system`;
  const newest = known
    .flatMap((text) => castVersion(text) ?? [])
    .sort((a, b) => compareVersions(b, a))
    .slice(0, 5);
  const hint =
    newest.length === 0
      ? "look at its owner and name in the registry, or give its address"
      : `there are ${newest.map(versionText).join(", ")}`;
  return failure("library.unknown", 4, message, { ...origin, hint });
}
