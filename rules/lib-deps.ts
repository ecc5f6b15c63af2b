/** `lib_deps`: what an item names, and which of the libraries at hand it means. */
import type { Library } from "./library.ts";
import type { Origin } from "./spec.ts";
import { compareVersions, inRange, parseVersion } from "./version.ts";

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
  readonly origin: Origin | null;
}

/**
 * `Name`, `owner/Name@^1.2`, `id=13`, `Name=https://…`, `https://….git#ref`, `symlink://FOLDER`, `file://FOLDER`, or a path that `isFolder` knows (only one with
 * a slash counts, as in PlatformIO). Never fails.
 */
export function parseLibraryWant(text: string, origin: Origin | null, isFolder: (path: string) => boolean): LibraryWant {
  const whole = text.trim();
  const want = { text: whole, owner: "", name: "", range: "", folder: null, address: null, origin };
  const named = /^([^/=@]+)=(.+)$/.exec(whole);
  const custom = named !== null && named[1] !== "id" ? (named[1] ?? "").trim() : "";
  let rest = custom === "" ? whole : (named?.[2] ?? "").trim();
  const local = /^(?:symlink|file):\/\/(.*)$/.exec(rest)?.[1] ?? (rest.includes("/") && isFolder(rest) ? rest : null);
  if (local !== null) return { ...want, name: custom, folder: local };
  const at = rest.lastIndexOf("@");
  let range = "";
  if (at >= 0 && !/[:/]/.test(rest.slice(at + 1))) {
    range = rest.slice(at + 1).trim();
    rest = rest.slice(0, at).trim();
  }
  if (/^(?:id=)?\d+$/.test(rest)) return { ...want, range, name: custom };
  const owned = /^([^/@]*)\/([^/@]*)$/.exec(rest);
  if (owned !== null) return { ...want, owner: (owned[1] ?? "").trim(), name: (owned[2] ?? "").trim(), range };
  if (/[@:/]/.test(rest)) return { ...want, name: custom, range, address: rest };
  return { ...want, name: custom === "" ? rest : custom, range };
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
    const plain = (address: string): string => address.replace(/^(git|hg)\+/, "");
    return known.uri !== "" && plain(known.uri) === plain(want.address);
  }
  if (want.name === "" || known.name.toLowerCase() !== want.name.toLowerCase()) return false;
  if (want.owner !== "" && known.owner !== "" && known.owner.toLowerCase() !== want.owner.toLowerCase()) return false;
  if (want.range === "") return true;
  const version = parseVersion(known.version);
  // A version that is none cannot be told to be outside.
  return version === null || inRange(version, want.range) !== false;
}

function newer(a: string, b: string): boolean {
  const [x, y] = [parseVersion(a), parseVersion(b)];
  return x !== null && (y === null || compareVersions(x, y) > 0);
}
