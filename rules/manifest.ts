/** A library's manifest, whichever of the four kinds it has, as one readonly record. */
import { isObject, type Json, type JsonObject, parseJson } from "./json.ts";

export type ManifestKind = "library.json" | "library.properties" | "module.json" | "none";

/** A library that another one names. `version` is what is asked for; "" where nothing is. */
export interface Dependency {
  readonly owner: string;
  readonly name: string;
  readonly version: string;
  /** Only an env with one of these needs it; null where the manifest does not say. */
  readonly platforms: readonly string[] | null;
  readonly frameworks: readonly string[] | null;
}

const ANYWHERE = { platforms: null, frameworks: null };

/** `build` of library.json. Null where the key is missing, which is not the same as empty for most of them. */
export interface LibraryBuild {
  readonly flags: readonly string[];
  readonly unflags: readonly string[];
  readonly srcFilter: string | null;
  readonly srcDir: string | null;
  readonly includeDir: string | null;
  readonly extraScript: string | null;
  readonly archive: boolean | null;
  readonly ldfMode: string | null;
  readonly compatMode: string | null;
  /** The class of PlatformIO that is to build it: `ArduinoLibBuilder`. */
  readonly builder: string | null;
}

export interface Manifest {
  readonly kind: ManifestKind;
  readonly name: string | null;
  readonly version: string | null;
  /** In lower case; null is anything, "*" among them too. */
  readonly frameworks: readonly string[] | null;
  readonly platforms: readonly string[] | null;
  readonly dependencies: readonly Dependency[];
  /** The headers that it says to be its own; for hints only. */
  readonly headers: readonly string[];
  /** Null unless library.json has the key. */
  readonly build: LibraryBuild | null;
  /** library.properties. */
  readonly ldflags: string;
  readonly precompiled: boolean;
  /** module.json: further include folders. */
  readonly extraIncludes: readonly string[];
}

export const noManifest: Manifest = {
  kind: "none",
  name: null,
  version: null,
  frameworks: null,
  platforms: null,
  dependencies: [],
  headers: [],
  build: null,
  ldflags: "",
  precompiled: false,
  extraIncludes: [],
};

/** What is wrong with a manifest: `expected` at its place. Lines and columns count from 1. */
export type ManifestRead =
  | { readonly ok: true; readonly value: Manifest }
  | { readonly ok: false; readonly expected: string; readonly line: number; readonly column: number };

/** Reads a manifest's text (PlatformIO 6.2.0's parsers). Unknown keys are passed over, and so is a known one with a value of a wrong type. */
export function readManifest(kind: Exclude<ManifestKind, "none">, text: string): ManifestRead {
  if (kind === "library.properties") return readProperties(text);
  const parsed = parseJson(text);
  if (!parsed.ok) return parsed;
  // No name of a file can hold one, and fb's own records end names with it.
  const nul = /(?<!\\)(?:\\\\)*\\u0000/.exec(text);
  if (nul !== null) {
    const before = text.slice(0, nul.index);
    return {
      ok: false,
      expected: "no NUL (\\u0000) in a text",
      line: before.split("\n").length,
      column: nul.index - before.lastIndexOf("\n"),
    };
  }
  if (!isObject(parsed.value)) return { ok: false, expected: "an object: {", line: 1, column: 1 };
  return kind === "library.json" ? readLibraryJson(parsed.value) : readModuleJson(parsed.value);
}

function readLibraryJson(data: JsonObject): ManifestRead {
  const dependencies = jsonDependencies(data["dependencies"]);
  if (dependencies === null) return { ok: false, expected: '"dependencies" to be a list or an object', line: 1, column: 1 };
  const platforms = words(data["platforms"])?.map((name) => (name === "espressif" ? "espressif8266" : name)) ?? null;
  const value: Manifest = {
    ...noManifest,
    kind: "library.json",
    name: textOf(data["name"]),
    version: textOf(data["version"]),
    frameworks: words(data["frameworks"]),
    platforms: platforms?.length === 0 ? null : platforms,
    dependencies,
    headers: listOf(data["headers"], ","),
    build: "build" in data ? buildOf(data["build"]) : null,
  };
  return { ok: true, value };
}

function buildOf(value: Json | undefined): LibraryBuild {
  const build = isObject(value) ? value : {};
  const filter = build["srcFilter"];
  return {
    flags: flagItems(build["flags"]),
    unflags: flagItems(build["unflags"]),
    srcFilter: filter === undefined ? null : Array.isArray(filter) ? filter.join(" ") : String(filter ?? ""),
    srcDir: textOf(build["srcDir"]),
    includeDir: textOf(build["includeDir"]),
    extraScript: textOf(build["extraScript"]),
    archive: "libArchive" in build ? Boolean(build["libArchive"]) : null,
    ldfMode: "libLDFMode" in build ? String(build["libLDFMode"]) : null,
    compatMode: "libCompatMode" in build ? String(build["libCompatMode"]) : null,
    builder: textOf(build["builder"]),
  };
}

function readModuleJson(data: JsonObject): ManifestRead {
  const wanted = data["dependencies"];
  if (wanted !== undefined && !isObject(wanted)) return { ok: false, expected: '"dependencies" to be an object', line: 1, column: 1 };
  const extra = data["extraIncludes"];
  const value: Manifest = {
    ...noManifest,
    kind: "module.json",
    name: textOf(data["name"]),
    version: textOf(data["version"]),
    frameworks: ["mbed"],
    platforms: ["*"],
    dependencies: Object.entries(wanted ?? {}).map(([name, version]) => ({
      ...{ owner: "", name, version: String(version ?? "") },
      ...{ platforms: null, frameworks: ["mbed"] },
    })),
    extraIncludes: Array.isArray(extra) ? extra.filter((each) => typeof each === "string") : [],
  };
  return { ok: true, value };
}

/** What `architectures` of library.properties means; another one is passed over. */
const PLATFORMS: Readonly<Record<string, string>> = {
  avr: "atmelavr",
  sam: "atmelsam",
  samd: "atmelsam",
  esp8266: "espressif8266",
  esp32: "espressif32",
  arc32: "intel_arc32",
  stm32: "ststm32",
  nrf52: "nordicnrf52",
  rp2040: "raspberrypi",
};

function readProperties(text: string): ManifestRead {
  const data = new Map<string, string>();
  for (const [i, whole] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|[\n\r]/)
    .entries()) {
    const line = whole.trim();
    const at = line.indexOf("=");
    if (at < 0 || line.startsWith("#")) continue;
    const key = line.slice(0, at).trim();
    const value = line.slice(at + 1).trim();
    if (value !== "") data.set(key, value);
    if (key === "architectures" && value.includes("particle-"))
      return { ok: false, expected: "no architecture of Particle", line: i + 1, column: at + 2 };
  }
  const architectures = (data.get("architectures") ?? "").split(",").map((each) => each.trim());
  const platforms = architectures.flatMap((each) => (Object.hasOwn(PLATFORMS, each) ? [PLATFORMS[each] ?? ""] : []));
  const value: Manifest = {
    ...noManifest,
    kind: "library.properties",
    name: data.get("name") ?? null,
    version: data.get("version") ?? null,
    frameworks: ["arduino"],
    platforms: architectures.includes("*") ? ["*"] : platforms.length === 0 ? null : [...new Set(platforms)],
    dependencies: (data.get("depends") ?? "")
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "")
      .map(dependsItem),
    headers: listOf(data.get("includes"), ","),
    ldflags: data.get("ldflags") ?? "",
    precompiled: ["true", "full"].includes(data.get("precompiled") ?? ""),
  };
  return { ok: true, value };
}

/** `Name (>=1.2)`. */
function dependsItem(item: string): Dependency {
  const match = /^([^(]*)\(([^(]*)\)$/.exec(item);
  const limits = { platforms: null, frameworks: ["arduino"] };
  return match === null
    ? { owner: "", name: item, version: "", ...limits }
    : { owner: "", name: (match[1] ?? "").trim(), version: (match[2] ?? "").trim(), ...limits };
}

/** An object of names with versions, a list of objects or names, or one object with a name. Null for anything else. */
function jsonDependencies(value: Json | undefined): Dependency[] | null {
  if (value === undefined || value === null) return value === null ? null : [];
  if (isObject(value) && !("name" in value)) {
    return Object.entries(value).map(([whole, version]) => {
      const slash = whole.indexOf("/");
      return { owner: slash < 0 ? "" : whole.slice(0, slash), name: whole.slice(slash + 1), version: String(version ?? ""), ...ANYWHERE };
    });
  }
  const items = isObject(value) ? [value] : value;
  if (!Array.isArray(items)) return null;
  return items.map((item: Json) =>
    isObject(item) ? jsonDependency(item) : { owner: "", name: String(item ?? ""), version: "", ...ANYWHERE },
  );
}

function jsonDependency(item: JsonObject): Dependency {
  const whole = textOf(item["name"]) ?? "";
  // An owner that is written before the name.
  const slash = "owner" in item ? -1 : whole.indexOf("/");
  const limit = (value: Json | undefined): string[] | null => (value === undefined ? null : listOf(value, ","));
  return {
    owner: slash < 0 ? (textOf(item["owner"]) ?? "") : whole.slice(0, slash),
    name: whole.slice(slash + 1),
    version: textOf(item["version"]) ?? "",
    platforms: limit(item["platforms"]),
    frameworks: limit(item["frameworks"]),
  };
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value) : null;
}

/** A list, or the parts of a text; blanks around them and empty ones go. */
function listOf(value: Json | undefined, separator: string): string[] {
  const items = typeof value === "string" ? value.split(separator) : Array.isArray(value) ? value : [];
  return items.flatMap((item: Json) => (typeof item === "string" && item.trim() !== "" ? [item.trim()] : []));
}

/** Names in lower case; null where there is no such key or nothing in it. */
function words(value: Json | undefined): string[] | null {
  const found = [...new Set(listOf(value, ",").map((each) => each.toLowerCase()))];
  return found.length === 0 ? null : found;
}

function flagItems(value: Json | undefined): string[] {
  if (value === undefined || value === null || value === "") return [];
  return Array.isArray(value) ? value.map((each) => String(each)) : [String(value)];
}
