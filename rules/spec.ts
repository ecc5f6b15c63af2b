/** What an ini calls a package: `owner/name@version`, an address, a folder. Only the forms of `platform =` and `platform_packages =`. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";

/** Where an option or one item of it stands; null for a value that no file holds (a variable of the environment). */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `platform =` of an env: only the name picks fb's rules; `version` and `address` are what the project asked PlatformIO for. */
export interface PlatformSpec {
  readonly name: string;
  readonly version: string | null;
  readonly address: string | null;
}

/**
 * Where a package is to come from. folder: as written, `~` and relative paths not yet resolved; relative ones are below the project.
 * url: anything that must be downloaded.
 */
export type PackageSource =
  | { readonly is: "registry"; readonly requirement: string }
  | { readonly is: "folder"; readonly path: string }
  | { readonly is: "url"; readonly url: string };

/** One item of `platform_packages`. `requirement` "*" is any version. */
export interface PackageWant {
  readonly name: string;
  readonly owner: string | null;
  readonly source: PackageSource;
  /** The item as it is written. */
  readonly text: string;
  readonly origin: Origin | null;
}

/**
 * `atmelavr`, `atmelavr@5.0.0`, `platformio/atmelavr @ ^5`, `https://…/platform-atmelavr.git#v5`, `symlink://../platform-atmelavr`, a folder.
 * PlatformIO's own names of repositories and folders have `platform-` before the name; it is taken away.
 */
export function parsePlatformSpec(text: string): PlatformSpec {
  const whole = text.trim();
  if (!isAddress(whole)) {
    const at = whole.indexOf("@");
    const name = (at < 0 ? whole : whole.slice(0, at)).trim();
    return { name: name.slice(name.lastIndexOf("/") + 1), version: at < 0 ? null : whole.slice(at + 1).trim(), address: null };
  }
  const hash = whole.indexOf("#");
  return { name: addressName(whole).replace(/^platform-/, ""), version: hash < 0 ? null : whole.slice(hash + 1), address: whole };
}

/** One item of `platform_packages`, split at its first `@` as PlatformIO does. Failure `package.spec` (exit 3): an item without name, or an address alone. */
export function parsePackageWant(text: string, origin: Origin | null): Result<PackageWant> {
  const whole = text.trim();
  const at = whole.indexOf("@");
  const head = (at < 0 ? whole : whole.slice(0, at)).trim();
  const rest = at < 0 ? "*" : whole.slice(at + 1).trim();
  if (head.includes(":") || head.startsWith(".") || head.startsWith("/") || head.startsWith("~") || head === "") {
    const message = `platform_packages: expected NAME@VERSION or NAME@symlink://FOLDER, found "${whole}"`;
    return fail(
      failure("package.spec", 3, message, { ...origin, hint: `write the package's name first, such as toolchain-atmelavr@${whole}` }),
    );
  }
  const slash = head.indexOf("/");
  const want = { name: head.slice(slash + 1), owner: slash < 0 ? null : head.slice(0, slash), text: whole, origin };
  return ok({ ...want, source: sourceOf(rest === "" ? "*" : rest) });
}

function sourceOf(rest: string): PackageSource {
  const local = /^(?:symlink|file):\/\/(.*)$/.exec(rest);
  if (local !== null) return { is: "folder", path: local[1] ?? "" };
  if (/^(?:\.{1,2}(?:\/|$)|\/|~\/)/.test(rest)) return { is: "folder", path: rest };
  return isAddress(rest) ? { is: "url", url: rest } : { is: "registry", requirement: rest };
}

function isAddress(text: string): boolean {
  return text.includes("://") || /^[^@/\s]+@[^/\s]+:/.test(text) || /^(?:\.{1,2}\/|\/|~\/)/.test(text);
}

/** The name that an address stands for: on GitHub the repository's, else its last part up to the first dot. */
function addressName(address: string): string {
  const path = address.replace(/[#?].*$/, "").replace(/\/+$/, "");
  const github = /github\.com[/:][^/]+\/([^/]+)/.exec(path);
  const last = github?.[1] ?? path.slice(path.lastIndexOf("/") + 1);
  return last.split(".", 1)[0] ?? "";
}
