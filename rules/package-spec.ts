/**
 * What names a package, in every form that PlatformIO 6.2.0 knows (`platform =`, `platform_packages`, `lib_deps`, a manifest's dependencies), read with its
 * results, odd ones too: `../lib` that is not there is the package lib of an owner "..", `N=a/b@1` is called b, `a/b @ https://…` is all an address.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import { withoutCredentials } from "../engine/redact.ts";
import type { Result } from "../engine/types.ts";
import { strip } from "./ini/text.ts";
import { parseRange } from "./version.ts";

/** Where an option or one item of it stands; null for a value that no file holds (a variable of the environment). */
export interface Origin {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** null: the text does not say. A spec has a name, an id or an uri, unless its text is empty. */
export interface PackageSpec {
  readonly owner: string | null;
  /** The registry's number of it. */
  readonly id: number | null;
  readonly name: string | null;
  /** A range of rules/version.ts, as written. */
  readonly requirement: string | null;
  /** With the prefixes that PlatformIO gives it: `git+https://…`, `file://…`; without credentials, which cli/acquire/credentials.ts keeps. */
  readonly uri: string | null;
  /** `Name=…`: what is fetched is installed under this name. */
  readonly custom: boolean;
  /** As it is written, but for credentials. */
  readonly text: string;
}

/** How a spec's package is got. `path` as written: relative to the project. `ref`: a branch, tag or commit; null for the repository's own choice. */
export type SpecSource =
  | { readonly is: "registry" }
  | { readonly is: "archive"; readonly url: string }
  | { readonly is: "repository"; readonly kind: "git" | "hg" | "svn"; readonly url: string; readonly ref: string | null }
  /** A folder or an archive, of which a copy is installed. */
  | { readonly is: "copy"; readonly path: string }
  /** A folder that is used where it is. */
  | { readonly is: "link"; readonly path: string };

type Fields = { -readonly [K in keyof PackageSpec]: PackageSpec[K] };

/** Reads one item. `exists`: whether a path, relative to the project, is there. Failure `spec.version` (exit 3): what stands behind `@` is no range. */
export function parsePackageSpec(text: string, origin: Origin | null, exists: (path: string) => boolean): Result<PackageSpec> {
  const fields: Fields = { owner: null, id: null, name: null, requirement: null, uri: null, custom: false, text: strip(text) };
  return clean(read(fields, text, origin, exists));
}

function clean(spec: Result<PackageSpec>): Result<PackageSpec> {
  if (!spec.ok) return spec;
  const { uri, text } = spec.value;
  return ok({ ...spec.value, uri: uri === null ? null : withoutCredentials(uri), text: withoutCredentials(text) });
}

/**
 * What a manifest's dependency or an item of `platform_packages` says in parts, null or "" for what it does not. What is no range may be anything that a spec
 * can be: an address, a folder.
 */
export function specFromParts(
  { owner, name, requirement }: { readonly owner: string | null; readonly name: string | null; readonly requirement: string | null },
  origin: Origin | null,
  exists: (path: string) => boolean,
): Result<PackageSpec> {
  const fields: Fields = { owner: owner || null, id: null, name, requirement: null, uri: null, custom: false, text: "" };
  const range = requirement ?? "";
  fields.text = specText({ ...fields, requirement: range === "" ? null : range });
  if (range === "") return ok(fields);
  if (parseRange(range).ok) return ok({ ...fields, requirement: range });
  if (name === null || name === "") return badRange(range, range, origin);
  return clean(read(fields, `${name}=${range}`, origin, exists));
}

/** As people read it: `owner/name @ range`, an address, `id:13`. */
export function specText(spec: Omit<PackageSpec, "text" | "custom">): string {
  const { owner, name, id, uri, requirement } = spec;
  const what = uri ?? (name ? `${owner ? `${owner}/` : ""}${name}` : id === null ? "" : `id:${id}`);
  return requirement === null ? what : `${what} @ ${requirement}`;
}

/**
 * Where a spec's package comes from. Failures (exit 3): `spec.folder` names a folder that is not there, which PlatformIO would take for an owner or a
 * repository; `spec.source` an address of no known kind.
 */
export function sourceOf(spec: PackageSpec, origin: Origin | null): Result<SpecSource> {
  const { uri } = spec;
  if (uri === null) {
    if (spec.owner !== null && /^(?:~|\.{1,2})$/.test(spec.owner)) return noFolder(spec.text, origin);
    return ok({ is: "registry" });
  }
  // A link to a folder called NAME.git is taken for a repository's by PlatformIO, which then can not clone it.
  const local = /^(?:git\+)?(file|symlink):\/\/(.*)$/su.exec(uri);
  if (local !== null && !uri.startsWith("git+file:")) return ok({ is: local[1] === "file" ? "copy" : "link", path: local[2] ?? "" });
  if (/^https?:\/\//.test(uri)) return ok({ is: "archive", url: uri });
  const repository = /^(git|hg|svn)(?:\+|(?=:\/\/))(.*)$/su.exec(uri);
  if (repository !== null) {
    const whole = uri.startsWith(`${repository[1]}+`) ? (repository[2] ?? "") : uri;
    const hash = whole.lastIndexOf("#");
    const [url, ref] = hash < 0 ? [whole, null] : [whole.slice(0, hash), whole.slice(hash + 1)];
    return ok({ is: "repository", kind: repository[1] as "git" | "hg" | "svn", url, ref: ref === "" ? null : ref });
  }
  if (/^(?:[~/]|\.{1,2}\/)/.test(uri)) return noFolder(uri, origin);
  const hint = "put git+, hg+ or svn+ before the address of a repository; an archive's begins with https://";
  return fail(failure("spec.source", 3, `"${spec.text}": can not tell what is at ${uri}`, { ...origin, hint }));
}

function read(fields: Fields, text: string, origin: Origin | null, exists: (path: string) => boolean): Result<PackageSpec> {
  let raw = strip(text);
  const isLocal = (): boolean => /^(?:file|symlink):\/\//.test(raw);
  if (!isLocal() && /[/\\]/.test(raw) && exists(raw)) raw = `file://${raw}`;
  const at = raw.lastIndexOf("@");
  if (at >= 0 && !isLocal() && !/[:/]/.test(raw.slice(at + 1))) {
    const range = strip(raw.slice(at + 1));
    if (range !== "" && !parseRange(range).ok) return badRange(strip(text), range, origin);
    fields.requirement = range === "" ? null : range;
    raw = strip(raw.slice(0, at));
  }
  const equals = raw.indexOf("=");
  if (equals >= 0 && !raw.startsWith("id=") && !raw.slice(0, equals).includes("/")) {
    fields.name = strip(raw.slice(0, equals));
    fields.custom = true;
    raw = strip(raw.slice(equals + 1));
  }
  const id = /^(?:id=)*(\d+)$/.exec(raw)?.[1];
  if (id !== undefined) return ok({ ...fields, id: Number(id) });
  while (raw.startsWith("id=")) raw = raw.slice(3);
  const slash = raw.indexOf("/");
  if (slash >= 0 && slash === raw.lastIndexOf("/") && !raw.includes("@"))
    return ok({ ...fields, owner: strip(raw.slice(0, slash)), name: strip(raw.slice(slash + 1)) });
  if (!/[@:/]/.test(raw)) return ok(raw === "" ? fields : { ...fields, name: raw });
  const uri = addressOf(strip(raw));
  return ok({ ...fields, uri, name: fields.name ? fields.name : nameOf(uri) });
}

/** An address with the prefix that says what lies there. */
function addressOf(address: string): string {
  const { scheme, host, path } = partsOf(address);
  if (scheme === "file" || scheme.includes("+") || address.startsWith("git+")) return address;
  const isGitHost = ["github.com", "gitlab.com", "bitbucket.com"].includes(host);
  if (path.endsWith(".git") || (isGitHost && !/\.(?:zip|tar\.gz|tar\.xz)$/.test(path))) return `git+${address}`;
  return ["mbed.com", "os.mbed.com", "developer.mbed.org"].includes(host) ? `hg+${address}` : address;
}

/** The name that an address stands for: on GitHub the repository's, else its last part up to the first dot. */
function nameOf(address: string): string {
  let uri = address.replace(/\/$/, "");
  for (const stop of /^(?:file|symlink):\/\//.test(uri) ? ["#", "?", "@"] : ["#", "?"]) uri = uri.split(stop, 1)[0] ?? "";
  const { host, path } = partsOf(uri);
  if (host === "github.com" && path.split("/").length > 3) return path.split("/")[2] ?? "";
  const last = uri.slice(uri.lastIndexOf("/") + 1);
  return last.includes(".") ? strip(last.split(".", 1)[0] ?? "") : last;
}

/** Scheme, host and path as Python's urlparse takes an address apart; a path has no `;parameters` in these schemes. */
function partsOf(address: string): { readonly scheme: string; readonly host: string; readonly path: string } {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address)?.[1] ?? "";
  let rest = address.slice(scheme === "" ? 0 : scheme.length + 1);
  const host = /^\/\/([^/?#]*)/.exec(rest)?.[1] ?? "";
  if (rest.startsWith("//")) rest = rest.slice(2 + host.length);
  let path = rest.split("#", 1)[0]?.split("?", 1)[0] ?? "";
  if (/^(?:|ftp|https?|sftp|shttp|rtsps?|sips?|mms|tel|prospero)$/i.test(scheme)) {
    const semicolon = path.indexOf(";", Math.max(path.lastIndexOf("/"), 0));
    if (semicolon >= 0) path = path.slice(0, semicolon);
  }
  return { scheme: scheme.toLowerCase(), host, path };
}

function badRange(text: string, range: string, origin: Origin | null): Result<PackageSpec> {
  const read = parseRange(range);
  const block = read.ok ? range : read.block;
  const message = `"${text}": "${block}" is no version or range`;
  const hint = /[xX]/.test(block)
    ? "write ^1.2 or ~1.2.0 for any of such versions; an x is no number here"
    : /\s/.test(block)
      ? "write no blanks in a range: >=1.2,<2"
      : "expected a version such as 1.2.3, or ranges joined by commas: ^1.2 ~1.2.3 >=1.2,<2 !=1.3.0";
  return fail(failure("spec.version", 3, message, { ...origin, hint }));
}

function noFolder(text: string, origin: Origin | null): Result<SpecSource> {
  const hint = "look at the path: a relative one starts at the project's folder";
  return fail(failure("spec.folder", 3, `"${text}" is not there`, { ...origin, hint }));
}
