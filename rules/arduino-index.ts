/**
 * Arduino's package indexes (`package_*_index.json`, Arduino CLI's package index specification 0.0): platforms, the tools that each needs, and which of a tool's
 * files runs on a system. An index is anybody's file: what is wrong in it is left out and told, the rest is used.
 */
import { fail, failure, ok, warning } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { isObject, type Json, type JsonObject, parseJson } from "./json.ts";
import { isSafeName } from "./safe-name.ts";
import { runnable } from "./systems.ts";
import { castVersion, compareVersions, inRange } from "./version.ts";

export interface IndexFile {
  /** http or https. */
  readonly url: string;
  /** 64 hex digits in lower case. */
  readonly sha256: string;
  /** Bytes; 0 where the index does not say. */
  readonly size: number;
  /** Its name as a download. */
  readonly name: string;
}
export interface IndexToolRef {
  readonly packager: string;
  readonly name: string;
  readonly version: string;
}
export interface IndexTool extends IndexToolRef {
  /** `host` as the index writes it: `x86_64-linux-gnu`, `i686-mingw32`, `all`. */
  readonly files: readonly (IndexFile & { readonly host: string })[];
}
export interface IndexPlatform {
  readonly packager: string;
  readonly architecture: string;
  readonly version: string;
  /** For people. */
  readonly title: string;
  readonly file: IndexFile;
  readonly tools: readonly IndexToolRef[];
}
export interface ArduinoIndex {
  readonly platforms: readonly IndexPlatform[];
  readonly tools: readonly IndexTool[];
}

/** More of an index's mistakes than these are counted, not told. */
const TOLD = 10;

/**
 * Reads an index. Failure `index.syntax` (exit 4): it is no JSON, or holds no packages. `warnings`: `index.entry`, what was left out, by its path in the file.
 */
export function readArduinoIndex(
  file: string,
  text: string,
): Result<{ readonly index: ArduinoIndex; readonly warnings: readonly Failure[] }> {
  const parsed = parseJson(text);
  const hint = "look at the index's address: a page that asks to log in is no index";
  if (!parsed.ok) {
    const place = { file, line: parsed.line, column: parsed.column, hint };
    return fail(failure("index.syntax", 4, `expected ${parsed.expected}`, place));
  }
  const packages = isObject(parsed.value) ? parsed.value["packages"] : undefined;
  if (!Array.isArray(packages)) return fail(failure("index.syntax", 4, 'expected {"packages": […]}', { file, line: 1, column: 1, hint }));
  const reader = new Reader();
  for (const [i, each] of packages.entries()) reader.package(each, `packages[${i}]`);
  const warnings = reader.wrong
    .slice(0, TOLD)
    .map((what) => warning("index.entry", `${what}; it is left out`, { file, hint: "tell who publishes the index" }));
  const more = reader.wrong.length - TOLD;
  if (more > 0) warnings.push(warning("index.entry", `${more} more entries of ${file} are left out`, { file }));
  return ok({ index: { platforms: reader.platforms, tools: reader.tools }, warnings });
}

/** The newest platform of a packager and architecture whose version is in a range (null: any); null where there is none. */
export function platformOf(
  indexes: readonly ArduinoIndex[],
  packager: string,
  architecture: string,
  range: string | null,
): IndexPlatform | null {
  let best: IndexPlatform | null = null;
  for (const each of indexes.flatMap((index) => index.platforms)) {
    if (each.packager !== packager || each.architecture !== architecture) continue;
    if (range !== null && each.version !== range && inRange(each.version, range) !== true) continue;
    const [version, old] = [castVersion(each.version), best === null ? null : castVersion(best.version)];
    if (best === null || (version !== null && old !== null && compareVersions(version, old) > 0)) best = each;
  }
  return best;
}

/** A tool by packager, name and version, each to the letter; of several indexes that have it the first. */
export function toolOf(indexes: readonly ArduinoIndex[], wanted: IndexToolRef): IndexTool | null {
  const { packager, name, version } = wanted;
  for (const { tools } of indexes) {
    const found = tools.find((each) => each.packager === packager && each.name === name && each.version === version);
    if (found !== undefined) return found;
  }
  return null;
}

/** The file that runs best on a system (rules/systems.ts), as Arduino CLI chooses: for exactly it or for all, then 64 bits before 32 where those run too. */
export function toolFile(tool: IndexTool, system: string): (IndexFile & { readonly host: string }) | null {
  for (const each of arduinoRunnable(system)) {
    const found = tool.files.find(({ host }) => (each === system && host === "all") || HOSTS[each]?.test(host));
    if (found !== undefined) return found;
  }
  return null;
}

/** The systems whose programs a host's name stands for; `*` for `all`; none for one that fb does not know. */
export function systemsOf(host: string): readonly string[] {
  return host === "all" ? ["*"] : Object.keys(HOSTS).filter((system) => HOSTS[system]?.test(host));
}

/** Hosts by system, as Arduino CLI tells them apart; any part of the text counts. */
const HOSTS: Readonly<Record<string, RegExp>> = {
  linux_x86_64: /x86_64-.*linux-gnu/,
  linux_aarch64: /(?:aarch64|arm64)-linux-gnu/,
  linux_armv7l: /arm.*-linux-gnueabihf/,
  linux_armv6l: /arm.*-linux-gnueabihf/,
  linux_i686: /i[3456]86-.*linux-gnu/,
  darwin_x86_64: /x86_64-apple-darwin/,
  darwin_arm64: /arm64-apple-darwin/,
  darwin_i686: /i[3456]86-apple-darwin/,
  windows_amd64: /(?:amd64|x86_64)-.*(?:mingw32|cygwin)/,
  windows_x86: /i[3456]86-.*(?:mingw32|cygwin)/,
};

/** Indexes still have 32-bit programs for Macs. */
function arduinoRunnable(system: string): readonly string[] {
  return system.startsWith("darwin_") ? [...runnable(system), "darwin_i686"] : runnable(system);
}

class Reader {
  readonly platforms: IndexPlatform[] = [];
  readonly tools: IndexTool[] = [];
  /** What was left out and why. */
  readonly wrong: string[] = [];

  package(value: Json, path: string): void {
    const packager = this.names(value, path, "name")?.[0];
    if (packager === undefined || !isObject(value)) return;
    for (const [i, each] of this.list(value, "platforms", path)) this.platform(packager, each, `${path}.platforms[${i}]`);
    for (const [i, each] of this.list(value, "tools", path)) this.tool(packager, each, `${path}.tools[${i}]`);
  }

  private platform(packager: string, value: Json, path: string): void {
    const named = this.names(value, path, "architecture", "version");
    if (named === null || !isObject(value)) return;
    const [architecture = "", version = ""] = named;
    const file = this.file(value, path);
    const tools: IndexToolRef[] = [];
    for (const [i, each] of this.list(value, "toolsDependencies", path)) {
      const ref = this.names(each, `${path}.toolsDependencies[${i}]`, "packager", "name", "version");
      // Without a tool of its own a platform does not build.
      if (ref === null) return;
      tools.push({ packager: ref[0] ?? "", name: ref[1] ?? "", version: ref[2] ?? "" });
    }
    const title = typeof value["name"] === "string" ? value["name"].replace(/\p{Cc}/gu, " ").slice(0, 200) : architecture;
    if (file !== null) this.platforms.push({ packager, architecture, version, title, file, tools });
  }

  private tool(packager: string, value: Json, path: string): void {
    const named = this.names(value, path, "name", "version");
    if (named === null || !isObject(value)) return;
    const files = this.list(value, "systems", path).flatMap(([i, each]) => {
      const inner = `${path}.systems[${i}]`;
      const host = this.names(each, inner, "host")?.[0];
      const file = host === undefined || !isObject(each) ? null : this.file(each, inner);
      return host === undefined || file === null ? [] : [{ ...file, host }];
    });
    this.tools.push({ packager, name: named[0] ?? "", version: named[1] ?? "", files });
  }

  private file(value: JsonObject, path: string): IndexFile | null {
    const { url, checksum, size } = value;
    if (typeof url !== "string" || !/^https?:\/\/[^\s\p{Cc}]+$/iu.test(url) || !URL.canParse(url))
      return this.leave(path, "an http or https url");
    const sha256 = typeof checksum === "string" ? /^SHA-256:([0-9a-f]{64})$/i.exec(checksum.trim())?.[1] : undefined;
    if (sha256 === undefined) return this.leave(path, 'a checksum "SHA-256:…" of 64 hex digits');
    const last = decodeSafely(new URL(url).pathname.split("/").at(-1) ?? "");
    const name = value["archiveFileName"] ?? last;
    if (!isSafeName(name)) return this.leave(path, "an archiveFileName that is the name of a file");
    const bytes = typeof size === "string" && /^\d{1,15}$/.test(size.trim()) ? Number(size) : size;
    return {
      url,
      sha256: sha256.toLowerCase(),
      size: typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0,
      name,
    };
  }

  /** Texts under keys, each fit to be a name; null where one is not. */
  private names(value: Json, path: string, ...keys: readonly string[]): readonly string[] | null {
    if (!isObject(value)) return this.leave(path, "an object");
    const found: string[] = [];
    for (const key of keys) {
      const text = value[key];
      if (!isSafeName(text)) return this.leave(path, `"${key}" to be a name`);
      found.push(text);
    }
    return found;
  }

  private list(value: JsonObject, key: string, path: string): readonly (readonly [i: number, value: Json])[] {
    const all = value[key];
    if (all === undefined || all === null) return [];
    if (!Array.isArray(all)) this.leave(path, `"${key}" to be a list`);
    return Array.isArray(all) ? [...all.entries()] : [];
  }

  private leave(path: string, expected: string): null {
    this.wrong.push(`${path}: expected ${expected}`);
    return null;
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
