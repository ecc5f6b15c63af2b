/** `lib_deps`: what an item names, and which of the libraries at hand it means. */
import { ok } from "../engine/failure.ts";
import { withoutCredentials } from "../engine/redact.ts";
import type { Result } from "../engine/types.ts";
import type { Library } from "./library.ts";
import { type Origin, type PackageSpec, parsePackageSpec } from "./package-spec.ts";
import { castVersion, compareVersions, inRange } from "./version.ts";

/** One item of `lib_deps`. */
export interface LibraryWant {
  /** As it is written. */
  readonly text: string;
  readonly owner: string;
  /** "" for one that is known by its number or address only. */
  readonly name: string;
  /** "" for any version. */
  readonly range: string;
  /** A folder to be used where it is: as written; null for anything else. */
  readonly folder: string | null;
  /** An address to download from. */
  readonly address: string | null;
  readonly spec: PackageSpec;
  readonly origin: Origin | null;
}

/**
 * `Name`, `owner/Name@^1.2`, `id=13`, `Name=https://…`, `https://….git#ref`, `symlink://FOLDER`, `file://FOLDER`, or a path that `isFolder` knows (only one with
 * a slash counts, as in PlatformIO; behind `Name=` too, which PlatformIO does not take). Fails as parsePackageSpec does.
 */
export function parseLibraryWant(text: string, origin: Origin | null, isFolder: (path: string) => boolean): Result<LibraryWant> {
  const named = /^([^/=@]+)=(?!\w+:)(.*\/.*)$/.exec(text.trim());
  const path = named?.[2]?.trim() ?? "";
  const read = parsePackageSpec(path !== "" && isFolder(path) ? `${named?.[1]}=file://${path}` : text, origin, isFolder);
  if (!read.ok) return read;
  const { owner, name, requirement, uri, custom } = read.value;
  const folder = uri === null ? null : (/^(?:(?:git\+)?symlink|file):\/\/(.*)$/.exec(uri)?.[1] ?? null);
  return ok({
    text: text.trim(),
    owner: owner ?? "",
    name: uri !== null && !custom ? "" : (name ?? ""),
    range: requirement ?? "",
    folder,
    address: folder === null && uri !== null ? uri : null,
    spec: { ...read.value, text: withoutCredentials(text.trim()) },
    origin,
  });
}

/**
 * The library of one storage that an item means: known to the package manager by the item's name and owner (without case), its version in the range, the
 * newest of several. One without a recorded owner is any owner's.
 */
export function packageFor(want: LibraryWant, storage: readonly Library[]): Library | null {
  let best: Library | null = null;
  for (const library of storage) {
    const known = library.installed;
    if (known === null || !isMeant(want, known)) continue;
    if (best === null || newer(known.version, best.installed?.version ?? "")) best = library;
  }
  return best;
}

function isMeant(want: LibraryWant, known: NonNullable<Library["installed"]>): boolean {
  if (want.address !== null) {
    const plain = (address: string): string => withoutCredentials(address).replace(/^(git|hg)\+/, "");
    return known.uri !== "" && plain(known.uri) === plain(want.address);
  }
  if (want.name === "" || known.name.toLowerCase() !== want.name.toLowerCase()) return false;
  if (want.owner !== "" && known.owner !== "" && known.owner.toLowerCase() !== want.owner.toLowerCase()) return false;
  if (want.range === "") return true;
  // PlatformIO gives 0.0.0 and the hour to one without a version; one that is none cannot be told to be outside.
  return inRange(known.version || "0.0.0", want.range) !== false;
}

function newer(a: string, b: string): boolean {
  const [x, y] = [castVersion(a), castVersion(b)];
  return x !== null && (y === null || compareVersions(x, y) > 0);
}
