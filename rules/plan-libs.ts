/** The libraries of one env's plan: found in its storages, searched for, and given to flags and compiles in the order in which they are linked. */
import { failure, warning } from "../engine/failure.ts";
import { baseOf, collapse, join } from "../engine/paths.ts";
import type { Failure, IncludeText, PlanIo } from "../engine/types.ts";
import type { LibraryInput } from "./compose.ts";
import { conditionalIncludes, unmetIncludes } from "./conditional.ts";
import { type Directive, parseDirectives } from "./directives.ts";
import { FileTree, rootless } from "./file-tree.ts";
import { matchSources } from "./filter.ts";
import { noScopes, type Parsed } from "./flags.ts";
import { findLibraries, type Finding, type Found, type IncludeRef, type Scan } from "./ldf.ts";
import { installedRoot } from "./installed-library.ts";
import { type LibraryWant, packageFor } from "./lib-deps.ts";
import { incompatibility, type Library, type LibraryContext, readLibrary } from "./library.ts";

/** What an env says of libraries. Folders are project paths. */
export interface LibraryOptions extends Omit<LibraryContext, "framework" | "mcu"> {
  /** lib_extra_dirs, lib_dir. */
  readonly before: readonly string[];
  /** Those of lib_extra_dirs that are written as relative: PlatformIO takes a library there for no package, so that lib_deps means it only by its exact name. */
  readonly relative: readonly string[];
  /** Where installed libraries lie; folders that lib_deps names are used as if they lay there. */
  readonly installed: string;
  /** Libraries that lie elsewhere and are used as if they lay there, because others need them: name and folder. */
  readonly fetched: readonly (readonly [name: string, folder: string])[];
  /** globallib_dir. */
  readonly after: readonly string[];
  readonly wants: readonly LibraryWant[];
  readonly ignore: readonly string[];
  /** The platform's name to manifests: `atmelavr`. */
  readonly platform: string;
  /** `#define` lines of the C++ compiler; null where there is none to ask. */
  readonly predefines: string | null;
  /** `[compat] extra_scripts = "ignore"`. */
  readonly ignoreScripts: boolean;
}

export interface LibraryAsk {
  readonly options: LibraryOptions;
  readonly projectDir: string;
  readonly framework: string;
  readonly mcu: string;
  /** The framework's own folders of libraries. */
  readonly frameworkStorages: readonly string[];
  readonly srcDir: string;
  /** null if there is none. */
  readonly includeDir: string | null;
  readonly testDir: string;
  /** The project's sources; a sketch is named as PlatformIO's conversion would be. */
  readonly sources: readonly string[];
  readonly sketch: { readonly path: string; readonly tabs: readonly string[] } | null;
  readonly io: PlanIo;
  /** Flags of a manifest, folders relative to `base`. */
  parse(items: readonly string[], base: string, option: string, file: string): Parsed;
  /** The -D and -U of the project (null) or of one library, and the include folders that every compile has. */
  defines(library: LibraryInput | null): readonly string[];
  /** The include folders that compiles are given, where these libraries are used: of the project (null) or of one of them. */
  given(libraries: readonly LibraryInput[], uses: readonly string[]): (id: string | null) => readonly string[];
  /** Folders in which compilers look besides those of the project and libraries. */
  readonly otherIncludes: () => readonly string[];
}

/** A library that is compiled. */
export interface BuiltLibrary {
  readonly library: Library;
  /** Its name among outputs and targets: the folder's, with a number where another library has it. */
  readonly name: string;
  /** Relative to its source folder. */
  readonly sources: readonly string[];
}

export interface PlannedLibraries {
  /** The libraries in use, in storage order, for compose(). */
  readonly inputs: readonly LibraryInput[];
  readonly uses: readonly string[];
  readonly built: ReadonlyMap<string, BuiltLibrary>;
  readonly finding: Finding;
  readonly notes: readonly Failure[];
  /** The libraries that the env may see and whose own folders have a header of this name, in storage order. */
  holders(header: string): readonly Library[];
}

/** Finds the libraries of an env and what they bring. A failure among the notes (severity "error") means that the env cannot be built. */
export function planLibraries(ask: LibraryAsk): PlannedLibraries {
  return new LibraryPlanner(ask).plan();
}

class LibraryPlanner {
  private readonly ask: LibraryAsk;
  private readonly tree: FileTree;
  private readonly notes: Failure[] = [];
  private readonly parsed = new Map<string, Parsed>();
  private readonly sourceLists = new Map<string, readonly string[]>();
  private readonly definesOf = new Map<string, readonly string[]>();
  private readonly read = new Map<string, readonly Directive[]>();
  private otherIncludes: readonly string[] | null = null;
  /** Installed libraries by their folders. `place`: the folder that was named. `written`: what PlatformIO calls it in the manifest that it writes; null if it has one. */
  private readonly installed = new Map<string, { readonly place: string; readonly written: string | null }>();

  constructor(ask: LibraryAsk) {
    this.ask = ask;
    this.tree = new FileTree(ask.io);
  }

  plan(): PlannedLibraries {
    const { options, framework, srcDir, includeDir, sources } = this.ask;
    const storages = this.storages();
    const env = { ignore: options.ignore, platform: options.platform, framework };
    const excluded: (readonly [Library, string])[] = [];
    const visible: Library[] = [];
    for (const library of storages.flat()) {
      const why = incompatibility(library, env);
      if (why === "") visible.push(library);
      else excluded.push([library, why]);
    }
    const src = rootless(collapse(srcDir));
    const includes = [...(includeDir === null ? [] : [rootless(collapse(includeDir))]), src];
    const finding = findLibraries({
      libraries: visible,
      project: {
        mode: options.mode,
        includes,
        folders: [...includes, rootless(collapse(this.ask.testDir))],
        sources,
        wants: this.wants(storages, visible),
      },
      tree: this.tree,
      scan: this.scan(),
      sources: (library) => this.sourcesOf(library).map((path) => rootless(collapse(join(library.srcDir, path)))),
      includes: (library) => this.includesOf(library),
      given: (found, uses) => {
        const given = this.ask.given(
          this.inputs(found),
          uses.map((each) => each.folder),
        );
        return (library) => given(library?.folder ?? null).map((folder) => rootless(collapse(folder)));
      },
    });
    const built = this.named(finding);
    const inputs = this.inputs(finding.found);
    for (const { library } of finding.found) this.notesOf(library);
    const holders = (header: string): Library[] =>
      visible.filter((library) => this.includesOf(library).some((folder) => this.tree.find(folder, header) !== null));
    this.notesOfMissing(finding, excluded);
    return { inputs, uses: finding.uses.map((each) => each.folder), built, finding, notes: this.notes, holders };
  }

  // ── storages ──

  /** Every library of every storage, in order. */
  private storages(): readonly (readonly Library[])[] {
    const { options, frameworkStorages } = this.ask;
    const named = options.wants.flatMap((want) => (want.folder === null ? [] : [this.placeOf(want)]));
    const listed = (storage: string): (readonly [string, string])[] =>
      (this.tree.list(storage) ?? []).flatMap((entry): (readonly [string, string])[] => {
        const path = join(storage, entry.name);
        if (entry.is === "dir") return SKIPPED.has(entry.name) ? [] : [[entry.name, this.inProject(path)]];
        const linked = entry.name.endsWith(".pio-link") ? this.linkTarget(path) : null;
        return linked === null ? [] : [[entry.name, linked]];
      });
    const folders = (storage: string, more: readonly (readonly [string, string])[]): string[] => {
      const taken = new Set(more.map(([name]) => name));
      const own = listed(storage).filter(([name]) => !taken.has(name) && !taken.has(name.replace(/\.pio-link$/, "")));
      return [...own, ...more].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, path]) => path);
    };
    const fetched = options.fetched.map(([name, folder]) => [name, this.rootOf(folder, name)] as const);
    const all = [
      ...options.before.map((storage) => folders(storage, [])),
      folders(options.installed, [...named, ...fetched]),
      ...[...options.after, ...frameworkStorages].map((storage) => folders(storage, [])),
    ];
    const seen = new Set<string>();
    return all.map((each) =>
      each.flatMap((folder) => {
        if (seen.has(folder)) return [];
        seen.add(folder);
        return [this.checked(this.libraryIn(folder))];
      }),
    );
  }

  private text(path: string): string {
    return new TextDecoder("utf-8").decode(this.ask.io.read(path) ?? new Uint8Array());
  }

  private libraryIn(folder: string): Library {
    const context: LibraryContext = { ...this.ask.options, framework: this.ask.framework, mcu: this.ask.mcu };
    const io = { tree: this.tree, read: (path: string) => this.text(path), includes: (path: string) => this.ask.io.includes(path) };
    return readLibrary(folder, context, io, this.installed.get(folder)?.written ?? null);
  }

  /** Where a folder that lib_deps names lies, and the name by which it is sorted among the installed: one that is linked is used as it is, all others are installed. */
  private placeOf(want: LibraryWant): readonly [string, string] {
    const folder = this.inProject(want.folder ?? "");
    const { uri } = want.spec;
    if (uri?.includes("symlink://") === true) return [want.name === "" ? baseOf(folder) : want.name, folder];
    if (want.name !== "") return [want.name, this.rootOf(folder, want.name)];
    const root = this.rootOf(folder, want.spec.name ?? baseOf(folder));
    return [this.libraryIn(root).installed?.name || baseOf(folder), root];
  }

  /** Where the library lies in a folder that is installed under a name. */
  private rootOf(folder: string, name: string): string {
    const root = installedRoot(folder, this.tree);
    this.installed.set(root.folder, { place: folder, written: root.named ? null : name });
    return root.folder;
  }

  /** A path as the project spells it, also where it climbs out of the project and back in. */
  private inProject(path: string): string {
    const { projectDir } = this.ask;
    const whole = collapse(path.startsWith("/") ? path : join(projectDir, path)).replace(/(?<=.)\/$/, "");
    if (whole === projectDir) return "";
    if (whole.startsWith(`${projectDir}/`)) return whole.slice(projectDir.length + 1);
    return path.startsWith("/") ? whole : collapse(path).replace(/(?<=.)\/$/, "");
  }

  /** A library that PlatformIO linked: a file that says where it is. */
  private linkTarget(path: string): string | null {
    const match = /"uri"\s*:\s*"symlink:\/\/([^"]+)"/.exec(this.text(path));
    const cwd = /"cwd"\s*:\s*"([^"]+)"/.exec(this.text(path))?.[1] ?? this.ask.projectDir;
    if (match === null) return null;
    const folder = match[1] ?? "";
    const target = this.inProject(folder.startsWith("/") ? folder : join(cwd, folder));
    return this.tree.list(target) === null ? null : target;
  }

  private checked(library: Library): Library {
    const { broken, folder } = library;
    if (broken === null) return library;
    const kind = library.builder === "platformio" ? "library.json" : library.builder === "mbed" ? "module.json" : "library.properties";
    const message = `the manifest of library ${library.name} is not used: expected ${broken.expected}`;
    const place = { file: join(folder, kind), line: broken.line, column: broken.column };
    this.notes.push(
      warning("library.manifest", message, { ...place, hint: "mend it; until then the library counts as one without manifest" }),
    );
    return library;
  }

  // ── lib_deps ──

  private wants(storages: readonly (readonly Library[])[], visible: readonly Library[]): { library: Library; later: boolean }[] {
    return this.ask.options.wants.flatMap((want): { library: Library; later: boolean }[] => {
      if (want.folder !== null) {
        const [, folder] = this.placeOf(want);
        const library = visible.find((each) => each.folder === folder);
        if (library !== undefined) return [{ library, later: true }];
      }
      const { before, relative } = this.ask.options;
      let isThere = false;
      for (const [i, storage] of want.folder === null ? storages.entries() : []) {
        const library = packageFor(want, storage);
        if (library === null || !visible.includes(library)) continue;
        if (!relative.includes(before[i] ?? "")) return [{ library, later: true }];
        isThere = true;
      }
      const library = visible.find((each) => each.name === want.text);
      if (library !== undefined) return [{ library, later: false }];
      if (isThere) return [];
      this.notes.push(this.notFound(want, storages.flat()));
      return [];
    });
  }

  private notFound(want: LibraryWant, all: readonly Library[]): Failure {
    const ignored = all.find((each) => each.name === want.text || (want.name !== "" && each.installed?.name === want.name));
    const what =
      want.folder !== null
        ? `names the folder ${want.folder}, which is not there or holds no library for this env`
        : ignored === undefined
          ? `names "${want.text}", which is in no library folder`
          : `names "${want.text}", which is in ${ignored.folder} but not for this env`;
    const hint =
      want.folder === null ? "put it into the project's lib folder" : "look at the path; a relative one starts at the project's folder";
    return warning("library.not-found", `lib_deps ${what}: the firmware is built without it`, { ...want.origin, hint });
  }

  // ── one library ──

  private flagsOf(library: Library): Parsed {
    let parsed = this.parsed.get(library.folder);
    if (parsed === undefined) {
      const option = library.builder === "arduino" ? "ldflags" : "build.flags";
      const items = library.flags.filter((item) => !item.startsWith("!"));
      parsed = this.ask.parse(items, library.folder, option, library.manifestFile);
      this.parsed.set(library.folder, parsed);
    }
    return parsed;
  }

  private includesOf(library: Library): string[] {
    const flags = library.builder === "platformio" ? this.flagsOf(library).scopes.includes : [];
    const own = [...library.includes];
    for (const item of flags) {
      const folder = typeof item === "string" ? rootless(collapse(item)) : "";
      if (typeof item === "string" && !own.includes(folder)) own.push(folder);
    }
    return own;
  }

  private sourcesOf(library: Library): readonly string[] {
    let found = this.sourceLists.get(library.folder);
    if (found === undefined) {
      found = matchSources(library.srcFilter, this.tree, library.srcDir);
      this.sourceLists.set(library.folder, found);
    }
    return found;
  }

  private inputs(found: readonly Found[]): LibraryInput[] {
    return found.map(({ library, dependencies, circular }) => ({
      ...this.input(library),
      dependencies: dependencies.map((each) => each.folder),
      circular: circular.map((each) => each.folder),
    }));
  }

  /** Without dependencies. */
  private input(library: Library): LibraryInput {
    const { scopes } = this.flagsOf(library);
    const path = library.libraryPath;
    return {
      id: library.folder,
      includes: library.includes.map((folder) => (folder === "" ? "." : folder)),
      flags: path === null ? scopes : { ...scopes, libpath: [path, ...scopes.libpath] },
      unflags:
        library.unflags.length === 0
          ? noScopes
          : this.ask.parse(library.unflags, library.folder, "build.unflags", library.manifestFile).scopes,
      archived: library.archive && this.sourcesOf(library).length > 0,
      off: library.mode === "off",
      lendsIncludes: library.builder === "platformio",
      dependencies: [],
      circular: [],
    };
  }

  private named(finding: Finding): Map<string, BuiltLibrary> {
    const taken = new Set<string>();
    const built = new Map<string, BuiltLibrary>();
    for (const { library } of finding.found) {
      const place = this.installed.get(library.folder)?.place ?? library.folder;
      const last = baseOf(place) || "project";
      // One of the store has its version behind its name.
      const base = place.startsWith(".fb/pkg/") ? last.replace(/@[^@]*$/, "") : last;
      let name = base;
      // Two libraries of one name in two storages; names are compared without case, as some disks do.
      for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${base}-${n}`;
      taken.add(name.toLowerCase());
      built.set(library.folder, { library, name, sources: this.sourcesOf(library) });
    }
    return built;
  }

  private notesOf(library: Library): void {
    const file = library.manifestFile;
    this.notes.push(...this.flagsOf(library).notes);
    const command = library.flags.find((item) => item.startsWith("!"));
    if (command !== undefined) {
      const message = `library ${library.name} has a command among its flags, which fb does not run: ${command}`;
      this.notes.push(warning("library.command", message, { file, hint: "write what it prints into build.flags" }));
    }
    if (library.extraScript === null) return;
    const message = `library ${library.name} has an extraScript, which fb does not run yet: ${library.extraScript}`;
    const hint =
      'what it does would be missing from the firmware; to build without it say so in fb.toml: [compat] extra_scripts = "ignore"';
    if (!this.ask.options.ignoreScripts) this.notes.push(failure("library.extra-script", 3, message, { file, hint }));
  }

  // ── scanning ──

  private scan(): Scan {
    const input = { tree: this.tree, directives: (file: string) => this.directives(file) };
    return {
      classic: (path) => this.classic(path),
      conditional: (path, library, folders) => {
        return conditionalIncludes(path, folders, this.macros(library), input);
      },
      unmet: (path, library, folders, given) => {
        const { predefines } = this.ask.options;
        if (predefines === null) return NONE;
        const compiler = { ...input, predefines, given, elsewhere: (text: string) => this.isElsewhere(text) };
        return unmetIncludes(path, folders, this.macros(library), compiler);
      },
    };
  }

  private macros(library: Library | null): readonly string[] {
    const key = library?.folder ?? "\0";
    let defines = this.definesOf.get(key);
    if (defines === undefined) {
      defines = this.ask.defines(library === null ? null : this.input(library));
      this.definesOf.set(key, defines);
    }
    return defines;
  }

  /** As PlatformIO's classic scanner orders them: quotes before angles, each by name. */
  private classic(path: string): readonly IncludeRef[] {
    const { sketch, io } = this.ask;
    const texts: readonly IncludeText[] =
      path === sketch?.path
        ? [ARDUINO, ...sketch.tabs.flatMap((tab) => io.includes(tab) ?? [])]
        : this.tree.isFile(path)
          ? (io.includes(path) ?? [])
          : [];
    const key = (include: IncludeRef): string => (include.quote ? `" ${include.text} "` : `< ${include.text} >`);
    return texts
      .filter((each) => each.how === "include" || each.how === "import" || (each.how === "comment" && path !== sketch?.path))
      .map(({ text, quote }) => ({ text, quote }))
      .sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  }

  private directives(path: string): readonly Directive[] {
    let found = this.read.get(path);
    if (found === undefined) {
      const { sketch } = this.ask;
      found =
        path === sketch?.path
          ? [
              { name: "include", rest: " <Arduino.h>", hidden: false },
              ...sketch.tabs.flatMap((tab) => this.directives(tab)).filter((each) => !each.hidden),
            ]
          : parseDirectives(this.tree.isFile(path) ? (this.ask.io.directives(path) ?? "") : "");
      this.read.set(path, found);
    }
    return found;
  }

  private isElsewhere(text: string): boolean {
    this.otherIncludes ??= this.ask.otherIncludes().map((folder) => rootless(collapse(folder)));
    return this.otherIncludes.some((folder) => this.tree.find(folder, text) !== null);
  }

  // ── hints ──

  /** An include of the project that only a library has which the env may not see. */
  private notesOfMissing(finding: Finding, excluded: readonly (readonly [Library, string])[]): void {
    const said = new Set<string>();
    for (const { text, file } of finding.missing) {
      const by = excluded.find(([library]) => library.includes.some((folder) => this.tree.find(folder, text) !== null));
      if (by === undefined || said.has(text)) continue;
      if (this.isElsewhere(text)) continue;
      said.add(text);
      const [library, why] = by;
      const message = `${text} is in library ${library.name} (${library.folder}), which this env may not use: ${why}`;
      this.notes.push(
        warning("library.excluded", message, { file, hint: "look at lib_ignore and lib_compat_mode, or remove the include" }),
      );
    }
  }
}

const NONE: ReadonlyMap<string, string> = new Map();
const ARDUINO: IncludeText = { text: "Arduino.h", quote: false, how: "include" };
/** Folders of a storage that are no libraries. */
const SKIPPED = new Set(["__cores__", ".git", ".svn", ".hg"]);
