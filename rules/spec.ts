/** What `platform =` and `platform_packages =` ask for, beyond the spec of package-spec.ts. */
import { fail, failure, ok } from "../engine/failure.ts";
import { withoutCredentials } from "../engine/redact.ts";
import type { Result } from "../engine/types.ts";
import { type Origin, type PackageSpec, parsePackageSpec, specFromParts } from "./package-spec.ts";

export type { Origin } from "./package-spec.ts";

/** `platform =` of an env. */
export interface PlatformSpec {
  /** Picks fb's rules, unless the package's own platform.json has another. */
  readonly name: string;
  readonly version: string | null;
  /** Without credentials. */
  readonly address: string | null;
  /** The PlatformIO platform package that is asked for; null for a bare name, which asks for none in particular. */
  readonly source: Exclude<PackageSource, { readonly is: "index" }> | null;
  readonly spec: PackageSpec;
}

/**
 * Where a package is to come from. folder: as written, `~` and relative paths not yet resolved; relative ones are below the project.
 * url: anything that must be downloaded.
 */
export type PackageSource =
  | { readonly is: "registry"; readonly requirement: string }
  | { readonly is: "folder"; readonly path: string }
  | { readonly is: "url"; readonly url: string }
  /** Of an Arduino package index: a tool, or a platform by its architecture. */
  | { readonly is: "index"; readonly packager: string; readonly name: string; readonly requirement: string };

/** One item of `platform_packages`. `requirement` "*" is any version. */
export interface PackageWant {
  readonly name: string;
  readonly owner: string | null;
  readonly source: PackageSource;
  /** As PlatformIO reads it; of a plain folder, which PlatformIO does not take, a link to it. */
  readonly spec: PackageSpec;
  /** The item as it is written. */
  readonly text: string;
  readonly origin: Origin | null;
}

/**
 * `atmelavr`, `atmelavr@5.0.0`, `platformio/atmelavr @ ^5`, `https://…/platform-atmelavr.git#v5`, `symlink://../platform-atmelavr`, a folder.
 * PlatformIO's own names of repositories and folders have `platform-` before the name; it is taken away. Fails as parsePackageSpec does.
 */
export function parsePlatformSpec(text: string, origin: Origin | null): Result<PlatformSpec> {
  const whole = text.trim();
  const read = parsePackageSpec(whole, origin, () => false);
  if (!read.ok) return read;
  const { owner, name, requirement, uri } = read.value;
  const isFolder = (owner !== null && /^(?:~?|\.{1,2})$/.test(owner)) || /^(?:[~/]|\.{1,2}\/)/.test(uri ?? "");
  if (uri === null && !isFolder) {
    const asks = requirement !== null || (owner !== null && owner !== PLATFORM_OWNER);
    const source = asks ? ({ is: "registry", requirement: requirement ?? "*" } as const) : null;
    return ok({ name: name ?? "", version: requirement, address: null, source, spec: read.value });
  }
  const spec = isFolder ? { ...read.value, owner: null, requirement: null, uri: `symlink://${whole}` } : read.value;
  const hash = whole.indexOf("#");
  const version = hash < 0 ? null : whole.slice(hash + 1);
  return ok({ name: (name ?? "").replace(/^platform-/, ""), version, address: spec.text, source: platformSource(spec), spec });
}

/** Who publishes the platforms that are known by their name alone. */
export const PLATFORM_OWNER = "platformio";
const ARCHIVE = /\.(?:zip|tgz|tar(?:\.[a-z0-9]+)?)$/i;

/** A `file://` may be a folder, or an archive that is unpacked as if it had been fetched. */
function platformSource(spec: PackageSpec): PlatformSpec["source"] {
  const source = packageSource(spec);
  if (source.is === "index") return null;
  return source.is === "folder" && ARCHIVE.test(source.path) ? { is: "url", url: `file://${source.path}` } : source;
}

/**
 * One item of `platform_packages`, split at its first `@` as PlatformIO does. Failures (exit 3): `package.spec`, an item without name, or an address alone;
 * those of parsePackageSpec.
 */
export function parsePackageWant(text: string, origin: Origin | null): Result<PackageWant> {
  const whole = text.trim();
  const at = whole.indexOf("@");
  const head = (at < 0 ? whole : whole.slice(0, at)).trim();
  const rest = at < 0 ? "" : whole.slice(at + 1).trim();
  if (head.includes(":") || head.startsWith(".") || head.startsWith("/") || head.startsWith("~") || head === "") {
    const message = `platform_packages: expected NAME@VERSION or NAME@symlink://FOLDER, found "${whole}"`;
    return fail(
      failure("package.spec", 3, message, { ...origin, hint: `write the package's name first, such as toolchain-atmelavr@${whole}` }),
    );
  }
  const slash = head.indexOf("/");
  const [owner, name] = slash < 0 ? [null, head] : [head.slice(0, slash).trim(), head.slice(slash + 1).trim()];
  const indexed = /^([\w.-]+):([\w.+-]+)(?:@([^\s@:/]+))?$/.exec(rest);
  if (indexed !== null) {
    const [, packager = "", tool = "", requirement = "*"] = indexed;
    const spec: PackageSpec = { owner, id: null, name, requirement: null, uri: rest, custom: true, text: whole };
    return ok({ name, owner, source: { is: "index", packager, name: tool, requirement }, spec, text: whole, origin });
  }
  const isFolder = /^(?:\.{1,2}(?:\/|$)|\/|~\/)/.test(rest);
  const linked: PackageSpec = {
    owner,
    id: null,
    name,
    requirement: null,
    uri: isFolder ? `symlink://${rest}` : rest,
    custom: true,
    text: whole,
  };
  const read = isFolder ? ok(linked) : specFromParts({ owner, name, requirement: rest }, origin, () => false);
  if (!read.ok) {
    // An "@" of a folder's name, which PlatformIO takes for a version's.
    if (!/^(?:symlink|file):\/\//.test(rest)) return read;
    return ok({ name, owner, source: packageSource(linked), spec: linked, text: whole, origin });
  }
  // The range "*" is told apart from none nowhere.
  return ok({
    name,
    owner,
    source: packageSource(read.value),
    spec: { ...read.value, text: withoutCredentials(whole) },
    text: whole,
    origin,
  });
}

function packageSource({ uri, requirement }: PackageSpec): PackageSource {
  if (uri === null) return { is: "registry", requirement: requirement ?? "*" };
  // `git+symlink://` is what PlatformIO makes of a link to a folder called NAME.git; `git+file://` is a repository, as it is written.
  const local = /^(?:(?:git\+)?symlink|file):\/\/(.*)$/.exec(uri);
  if (local !== null) return { is: "folder", path: local[1] ?? "" };
  return { is: "url", url: uri };
}
