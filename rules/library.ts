/**
 * A library as it lies on disk: its manifest, the folders that its users include from, the sources that are compiled, how it wants to be searched.
 * The rules are those of PlatformIO's library builders (core: builder/tools/piolib.py), told apart by manifest: library.json, Arduino, mbed, none.
 */
import { collapse, join } from "../engine/paths.ts";
import type { IncludeText } from "../engine/types.ts";
import { type FileTree, rootless } from "./file-tree.ts";
import { defaultLibraryFilter } from "./filter.ts";
import { isObject, type JsonObject, parseJson } from "./json.ts";
import { type Dependency, type Manifest, type ManifestKind, noManifest, readManifest } from "./manifest.ts";

export type LdfMode = "off" | "chain" | "deep" | "chain+" | "deep+";
export type CompatMode = "off" | "soft" | "strict";
export type Builder = "platformio" | "arduino" | "mbed" | "unknown";

/** A library as the package manager knows it. */
export interface Installed {
  readonly name: string;
  readonly owner: string;
  readonly version: string;
  readonly uri: string;
  /** `.piopm` says so; else it is what the first manifest that can be read says, which need not be the one that builds the library. */
  readonly recorded: boolean;
}

export interface Library {
  /** Its folder, which is also what tells it from others: a project path, "" for the project's own folder. */
  readonly folder: string;
  /** The manifest's name, else the folder's. */
  readonly name: string;
  readonly version: string | null;
  /** By what PlatformIO's package manager knows it (`.piopm`, else its manifest); null if it does not know it, and then only its name stands for it. */
  readonly installed: Installed | null;
  readonly builder: Builder;
  readonly manifest: Manifest;
  /** The manifest's path, or its folder's where there is none: for messages. */
  readonly manifestFile: string;
  /** Why the manifest is not used, with its place; null if it is. */
  readonly broken: { readonly expected: string; readonly line: number; readonly column: number } | null;
  /** The include folders of its own, without those of its flags. */
  readonly includes: readonly string[];
  readonly srcDir: string;
  readonly srcFilter: string;
  readonly flags: readonly string[];
  readonly unflags: readonly string[];
  /** A folder with compiled libraries; null for none. */
  readonly libraryPath: string | null;
  readonly mode: LdfMode;
  readonly compat: CompatMode;
  readonly archive: boolean;
  /** Libraries that it needs whatever its sources include. */
  readonly dependencies: readonly Dependency[];
  readonly extraScript: string | null;
}

/** What an env says to all of its libraries. */
export interface LibraryContext {
  readonly framework: string;
  readonly mcu: string;
  /** `build.cpu` of the board, "" where it has none. */
  readonly cpu: string;
  readonly mode: LdfMode;
  /** `lib_ldf_mode` is written in the ini, not its default. */
  readonly modeSet: boolean;
  readonly compat: CompatMode;
  readonly archive: boolean;
  readonly archiveSet: boolean;
}

export interface LibraryIo {
  readonly tree: FileTree;
  /** Text of a file that is there. */
  read(path: string): string;
  includes(path: string): readonly IncludeText[] | null;
}

const MODES: readonly LdfMode[] = ["off", "chain", "deep", "chain+", "deep+"];
const COMPATS: readonly CompatMode[] = ["off", "soft", "strict"];

/**
 * The library in a folder. Nothing fails: a broken manifest counts as none, and `broken` says so.
 * @param writtenName of a library for which PlatformIO writes a library.json, since it installs it and there is no manifest (installed-library.ts)
 */
export function readLibrary(folder: string, context: LibraryContext, io: LibraryIo, writtenName: string | null = null): Library {
  return new Reader(folder, context, io, writtenName).library();
}

class Reader {
  private readonly folder: string;
  private readonly context: LibraryContext;
  private readonly io: LibraryIo;
  private readonly tree: FileTree;
  private readonly writtenName: string | null;
  private broken: Library["broken"] = null;

  constructor(folder: string, context: LibraryContext, io: LibraryIo, writtenName: string | null) {
    this.writtenName = writtenName;
    this.folder = folder;
    this.context = context;
    this.io = io;
    this.tree = io.tree;
  }

  library(): Library {
    const { folder, context } = this;
    const json = this.hasFile("library.json") ? this.manifest("library.json") : null;
    const named = json?.build?.builder ?? null;
    const builder = named === null ? this.builder() : named === "" ? "platformio" : builderOf(named);
    const manifest =
      builder === "platformio"
        ? (json ?? noManifest)
        : builder === "arduino"
          ? this.manifest("library.properties")
          : builder === "mbed"
            ? this.manifest("module.json")
            : noManifest;
    const build = builder === "platformio" ? manifest.build : null;
    const srcDir = this.srcDir(builder, build?.srcDir ?? null);
    const precompiled = builder === "arduino" && manifest.precompiled ? this.libraryPath(srcDir) : null;
    const archive = build === null || build.archive === null || context.archiveSet ? context.archive : build.archive;
    const automatic = builder === "arduino" && manifest.dependencies.length > 0 && !context.modeSet;
    const installed = this.installed();
    return {
      folder,
      name: manifest.name ?? this.writtenName ?? baseName(folder),
      version: manifest.version,
      installed,
      builder,
      manifest,
      manifestFile: manifest.kind === "none" ? folder : join(folder, manifest.kind),
      broken: this.broken,
      includes: this.includes(builder, manifest, srcDir),
      srcDir,
      srcFilter: this.srcFilter(builder, build?.srcFilter ?? null),
      flags: builder === "arduino" ? (manifest.ldflags === "" ? [] : [manifest.ldflags]) : (build?.flags ?? []),
      unflags: build?.unflags ?? [],
      libraryPath: precompiled,
      mode: build?.ldfMode != null ? choice(MODES, build.ldfMode, "chain") : automatic ? "chain+" : context.mode,
      compat: build?.compatMode != null ? choice(COMPATS, build.compatMode, "soft") : context.compat,
      archive,
      dependencies: builder === "arduino" || builder === "unknown" ? [] : manifest.dependencies,
      extraScript: build?.extraScript ?? null,
    };
  }

  private hasFile(name: string): boolean {
    return this.tree.has(this.folder, name, "file");
  }

  private hasFolder(name: string): boolean {
    return this.tree.has(this.folder, name, "dir");
  }

  private manifest(kind: Exclude<ManifestKind, "none">): Manifest {
    if (!this.hasFile(kind)) return noManifest;
    const read = readManifest(kind, this.io.read(join(this.folder, kind)));
    if (read.ok) return read.value;
    this.broken = { expected: read.expected, line: read.line, column: read.column };
    return noManifest;
  }

  /** By manifest, else by what its sources include: only the quoted forms count, since PlatformIO's expression has a slip there. */
  private builder(): Builder {
    if (this.hasFile("library.json") || this.writtenName !== null) return "platformio";
    if (this.hasFile("library.properties") || this.hasFile("keywords.txt")) return "arduino";
    if (this.hasFile("module.json")) return "mbed";
    for (const { dir, entries } of this.tree.folders(this.folder)) {
      if (this.tree.has(dir, "mbed_lib.json", "file")) return "mbed";
      for (const { name, is } of entries) {
        if (is !== "file" || !CODE.test(name)) continue;
        for (const { text, quote, how } of this.io.includes(join(dir, name)) ?? []) {
          if (how !== "include" || !quote) continue;
          if (text === "Arduino.h") return "arduino";
          if (text === "mbed.h") return "mbed";
        }
      }
    }
    return "unknown";
  }

  /** A folder that a manifest names: below the library's, unless it climbs out. */
  private below(path: string): string {
    return rootless(collapse(path.startsWith("/") ? path : join(this.folder, path)).replace(/(?<=.)\/$/, ""));
  }

  private srcDir(builder: Builder, named: string | null): string {
    if (named !== null) return this.below(named);
    const names = builder === "mbed" ? ["source", "src", "Src"] : ["src", "Src"];
    const found = names.find((name) => this.hasFolder(name));
    return found === undefined ? this.folder : join(this.folder, found);
  }

  private includes(builder: Builder, manifest: Manifest, srcDir: string): string[] {
    const found: string[] = [];
    const named = builder === "platformio" ? (manifest.build?.includeDir ?? null) : null;
    const include = ["include", "Include"].find((name) => this.hasFolder(name));
    if (builder === "arduino") {
      if (this.hasFolder("include") && this.hasFolder("src")) found.push(join(this.folder, "include"));
    } else if (named !== null) found.push(this.below(named));
    else if (include !== undefined) found.push(join(this.folder, include));
    found.push(srcDir);
    const flat = !this.hasFolder("src") && this.hasFolder("utility");
    const old = builder === "platformio" && manifest.build === null && this.hasFile("library.properties");
    if (flat && (builder === "arduino" || old)) found.push(join(this.folder, "utility"));
    if (builder === "mbed") this.mbedIncludes(manifest, found);
    return found;
  }

  private mbedIncludes(manifest: Manifest, found: string[]): void {
    if (!found.includes(this.folder)) found.push(this.folder);
    found.push(...manifest.extraIncludes.map((path) => this.below(path)));
    if (manifest.kind !== "none") return;
    for (const { dir } of this.tree.folders(this.folder))
      if (!/(^|\/)\.|test|example/.test(dir.slice(this.folder.length).toLowerCase()) && !found.includes(dir)) found.push(dir);
  }

  private srcFilter(builder: Builder, named: string | null): string {
    if (named !== null) return named === "" ? "+<*> -<.git/> -<.svn/>" : named;
    const arduino = builder === "arduino" || (builder === "platformio" && this.hasFile("library.properties"));
    if (!arduino) return defaultLibraryFilter;
    if (!this.hasFolder("src")) {
      const folders = this.hasFolder("utility") ? ["", "utility/"] : [""];
      return SOURCES.flatMap((extension) => folders.map((folder) => `+<${folder}*.${extension}>`)).join(" ");
    }
    // The Arduino IDE passes over assembler of this name.
    const src = join(this.folder, "src");
    const withAsm = new Set<string>();
    for (const path of this.tree.below(src))
      if (path.toLowerCase().endsWith("asm")) withAsm.add(path.slice(src.length + 1, path.lastIndexOf("/") + 1));
    return [defaultLibraryFilter, ...[...withAsm].map((folder) => `-<${folder}*.[aA][sS][mM]>`)].join(" ");
  }

  /** Where `precompiled` libraries lie: a folder of the processor's name; the sources' own where the board names no core (PlatformIO's rule). */
  private libraryPath(srcDir: string): string | null {
    const { mcu, cpu } = this.context;
    if (mcu !== "" && this.tree.has(srcDir, mcu, "dir")) return join(srcDir, mcu);
    if (cpu === "") return srcDir;
    return this.tree.has(srcDir, cpu, "dir") ? join(srcDir, cpu) : null;
  }

  private installed(): Library["installed"] {
    const meta = this.metadata();
    const spec = meta === null || !isObject(meta["spec"]) ? null : meta["spec"];
    const field = (object: JsonObject | null, name: string): string => {
      const value = object?.[name];
      return typeof value === "string" ? value : "";
    };
    if (meta !== null)
      return {
        name: field(meta, "name"),
        owner: field(spec, "owner"),
        version: field(meta, "version"),
        uri: field(spec, "uri"),
        recorded: true,
      };
    for (const kind of ["library.json", "library.properties", "module.json"] as const) {
      if (!this.hasFile(kind)) continue;
      const read = readManifest(kind, this.io.read(join(this.folder, kind)));
      if (read.ok) return { name: read.value.name ?? "", owner: "", version: read.value.version ?? "", uri: "", recorded: false };
    }
    return this.writtenName === null ? null : { name: this.writtenName, owner: "", version: "", uri: "", recorded: false };
  }

  private metadata(): JsonObject | null {
    for (const place of [".git", ".hg", ".svn", ""]) {
      const folder = place === "" ? this.folder : join(this.folder, place);
      if ((place !== "" && !this.hasFolder(place)) || !this.tree.has(folder, ".piopm", "file")) continue;
      const parsed = parseJson(this.io.read(join(folder, ".piopm")));
      if (parsed.ok && isObject(parsed.value)) return parsed.value;
    }
    return null;
  }
}

const CODE = /\.(?:c|cc|cpp|cxx|c\+\+|h|hpp|S|spp|SPP|sx|s|asm|ASM)$/;
const SOURCES = ["c", "cc", "cpp", "cxx", "c++", "S", "spp", "SPP", "sx", "s"];

function baseName(folder: string): string {
  return folder.slice(folder.lastIndexOf("/") + 1);
}

function builderOf(name: string): Builder {
  const kind = /^(PlatformIO|Arduino|Mbed)LibBuilder$/.exec(name)?.[1]?.toLowerCase();
  return kind === "platformio" || kind === "arduino" || kind === "mbed" ? kind : "unknown";
}

/** A mode by its name, or by its place in the list. */
function choice<T extends string>(all: readonly T[], text: string, otherwise: T): T {
  const name = text.trim().toLowerCase();
  const found = /^-?\d+$/.test(name) ? all.at(Number(name)) : all.find((each) => each === name);
  return found ?? otherwise;
}

/**
 * Whether an env may see a library: `lib_ignore` names it, or its frameworks (from "soft") and platforms ("strict") are not the env's.
 * "" if it may, else why not. A missing list or "*" fits anything; no framework fits no list.
 */
export function incompatibility(
  library: Library,
  env: { readonly ignore: readonly string[]; readonly platform: string; readonly framework: string },
): string {
  if (env.ignore.includes(library.name)) return "lib_ignore names it";
  const { manifest, builder, compat } = library;
  const fits = (own: readonly string[] | null, wanted: string): boolean => own === null || own.includes("*") || own.includes(wanted);
  const platforms = builder === "platformio" || builder === "arduino" ? manifest.platforms : null;
  const frameworks =
    builder === "platformio" ? manifest.frameworks : builder === "arduino" ? ["arduino", "energia"] : builder === "mbed" ? ["mbed"] : null;
  if (compat === "strict" && !fits(platforms, env.platform)) return `it is for ${(platforms ?? []).join(", ")} (lib_compat_mode = strict)`;
  if (compat !== "off" && !fits(frameworks, env.framework === "" ? "__noframework__" : env.framework))
    return `it is for framework ${(frameworks ?? []).join(", ")}`;
  return "";
}
