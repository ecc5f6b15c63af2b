/**
 * The library dependency finder: which libraries a project's includes lead to, in the order in which they are found. PlatformIO's search (core:
 * builder/tools/piolib.py) step by step, since that order decides include paths and link order:
 * - a search follows the includes of some files through the files of its own library, and notes every file found in another one;
 * - a library that a file was found in becomes a dependency, and the files found there are what is searched of it next (`deep`: all its sources);
 * - after the project's search in a `chain` mode, each library found so far is searched with all its sources once.
 * Where PlatformIO's preprocessor (`chain+`, `deep+`) has not seen an include that the compiler will see and look for in vain, its library is added at the end, so
 * what PlatformIO builds is found as it finds it.
 */
import { folderOf } from "../engine/paths.ts";
import type { FileTree } from "./file-tree.ts";
import { isWithin } from "./folders-below.ts";
import type { Dependency } from "./manifest.ts";
import type { LdfMode, Library } from "./library.ts";

export interface LdfInput {
  /** Libraries that the env may see, in storage order. */
  readonly libraries: readonly Library[];
  readonly project: {
    readonly mode: LdfMode;
    /** include_dir if it is there, then src_dir. */
    readonly includes: readonly string[];
    /** Folders whose files are the project's own. */
    readonly folders: readonly string[];
    readonly sources: readonly string[];
    /** What lib_deps names: `later` ones are searched when all are known, others at once. */
    readonly wants: readonly { readonly library: Library; readonly later: boolean }[];
  };
  readonly tree: FileTree;
  readonly scan: Scan;
  /** All sources of a library. */
  sources(library: Library): readonly string[];
  /** The include folders of a library, those of its flags too. */
  includes(library: Library): readonly string[];
  /** The folders that the compiles of a library, or of the project (null), are given where these libraries are used. */
  given(found: readonly Found[], uses: readonly Library[]): (library: Library | null) => readonly string[];
}

export interface Scan {
  /** Includes of a file, sorted as PlatformIO sorts them; empty for a file that is not there. */
  classic(path: string): readonly IncludeRef[];
  /** The files that PlatformIO's preprocessor would read from `path`, in order; null where it cannot tell. `library`: null for the project. */
  conditional(path: string, library: Library | null, folders: readonly string[]): readonly string[] | null;
  /** The files of `folders` that the compiler of `path` would look for in vain in those it is `given`, each with the file that includes it. */
  unmet(path: string, library: Library | null, folders: readonly string[], given: readonly string[]): ReadonlyMap<string, string>;
}

export interface IncludeRef {
  readonly text: string;
  readonly quote: boolean;
}

/** Why a library is used: the file that was found in it, or the manifest or lib_deps that names it. */
export interface Needed {
  readonly by: Library | null;
  readonly file: string | null;
  /** The file whose include led to `file`. */
  readonly from: string | null;
}

export interface Found {
  readonly library: Library;
  readonly dependencies: readonly Library[];
  /** Libraries that need this one, and whose headers it includes in turn. */
  readonly circular: readonly Library[];
  readonly needed: readonly Needed[];
}

export interface Finding {
  /** What the project itself depends on, as found. */
  readonly uses: readonly Library[];
  /** Every library that is used, in storage order. */
  readonly found: readonly Found[];
  /** Includes of the project's own files that lead nowhere, with the file. */
  readonly missing: readonly (IncludeRef & { readonly file: string })[];
}

/** Finds the libraries that a project needs. Nothing fails: an include that leads nowhere is passed over. */
export function findLibraries(input: LdfInput): Finding {
  return new Finder(input).find();
}

/** The project, or a library, as the search sees it. */
class Searcher {
  readonly library: Library | null;
  readonly mode: LdfMode;
  readonly includes: readonly string[];
  readonly folders: readonly string[];
  readonly needs: Searcher[] = [];
  readonly circular: Searcher[] = [];
  readonly needed: Needed[] = [];
  readonly searched = new Set<string>();
  wantsDone = false;
  isUsed = false;

  constructor(library: Library | null, mode: LdfMode, includes: readonly string[], folders: readonly string[]) {
    this.library = library;
    this.mode = mode;
    this.includes = includes;
    this.folders = folders;
  }

  owns(path: string): boolean {
    return this.folders.some((folder) => isWithin(folder, path));
  }
}

const HEADER = /\.(?:h|hpp)$/;
/** A header brings in the source of the same name beside it. */
const BESIDE = ["c", "cc", "cpp", "cxx", "c++"];

class Finder {
  private readonly input: LdfInput;
  private readonly project: Searcher;
  private readonly searchers: readonly Searcher[];
  private readonly missing = new Map<string, IncludeRef & { readonly file: string }>();
  /** The include folders of all libraries, of those in use first, and what compiles are given; made anew when another library comes into use. */
  private folders: readonly string[] | null = null;
  private given: ((library: Library | null) => readonly string[]) | null = null;

  constructor(input: LdfInput) {
    this.input = input;
    const { mode, includes, folders } = input.project;
    // All files of the project are searched, whatever the mode.
    const own = mode === "chain" ? "deep" : mode === "chain+" ? "deep+" : mode;
    this.project = new Searcher(null, own, includes, folders);
    this.searchers = input.libraries.map((library) => new Searcher(library, library.mode, input.includes(library), [library.folder]));
  }

  find(): Finding {
    const { mode } = this.input.project;
    this.search(this.project, []);
    if (mode.startsWith("chain") && this.project.needs.length > 0) {
      for (const each of this.searchers.filter((s) => s.isUsed)) this.search(each, this.sourcesOf(each));
    }
    while (this.addUnmet());
    return { uses: librariesOf(this.project.needs), found: this.found(), missing: [...this.missing.values()] };
  }

  private found(): Found[] {
    return this.searchers.flatMap((s) =>
      s.library === null || !s.isUsed
        ? []
        : [{ library: s.library, dependencies: librariesOf(s.needs), circular: librariesOf(s.circular), needed: s.needed }],
    );
  }

  /**
   * Adds the libraries that compilers would miss, of the sources that PlatformIO has read in a mode with a plus. Whether there was one: what was added is
   * compiled too, and changes what others are given.
   */
  private addUnmet(): boolean {
    let added = false;
    for (const from of [this.project, ...this.searchers.filter((s) => s.isUsed)]) {
      if (!from.mode.endsWith("+")) continue;
      for (const path of this.sourcesOf(from)) while (from.searched.has(path) && this.addFirstUnmet(path, from)) added = true;
    }
    return added;
  }

  private addFirstUnmet(path: string, from: Searcher): boolean {
    for (const [hit, includer] of this.input.scan.unmet(path, from.library, this.libraryFolders(), this.givenTo(from))) {
      const owner = this.ordered().find((s) => s.owns(hit));
      if (owner === undefined || !this.link(from, owner, { by: from.library, file: hit, from: includer }, "last")) continue;
      this.search(owner, this.input.project.mode.startsWith("chain") ? this.sourcesOf(owner) : [hit]);
      return true;
    }
    return false;
  }

  /** Libraries in use first, else in storage order. */
  private ordered(): Searcher[] {
    return [...this.searchers.filter((s) => s.isUsed), ...this.searchers.filter((s) => !s.isUsed)];
  }

  private libraryFolders(): readonly string[] {
    this.folders ??= this.ordered().flatMap((s) => s.includes);
    return this.folders;
  }

  /** The folders of libraries and of the project that compiles are given, in their order. */
  private givenTo(searcher: Searcher): readonly string[] {
    this.given ??= this.input.given(this.found(), librariesOf(this.project.needs));
    const known = new Set([...this.libraryFolders(), ...this.input.project.includes]);
    return this.given(searcher.library).filter((folder) => known.has(folder));
  }

  private sourcesOf(searcher: Searcher): readonly string[] {
    return searcher.library === null ? this.input.project.sources : this.input.sources(searcher.library);
  }

  private search(from: Searcher, files: readonly string[]): void {
    this.want(from);
    if (from.mode === "off") return;
    const start = from.mode.startsWith("deep") ? this.sourcesOf(from) : files;
    const hits = new Map<Searcher, string[]>();
    const reached = this.reached(from, start);
    for (const path of reached.keys()) {
      const owner = this.ordered().find((s) => s.owns(path));
      if (owner === undefined) continue;
      const paths = hits.get(owner);
      if (paths === undefined) hits.set(owner, [path]);
      else paths.push(path);
    }
    for (const [library, paths] of hits) {
      const file = paths[0] ?? null;
      this.depend(from, library, paths, { by: from.library, file, from: file === null ? null : (reached.get(file) ?? null) });
    }
  }

  /** What lib_deps, or a manifest, names. */
  private want(from: Searcher): void {
    if (from.wantsDone) return;
    from.wantsDone = true;
    const needed = { by: from.library, file: null, from: null };
    if (from.library !== null) {
      for (const dependency of from.library.dependencies) {
        const library = this.ordered().find((s) => s.library !== null && fits(s.library, dependency));
        if (library !== undefined && !from.needs.includes(library)) this.depend(from, library, [], needed);
      }
      return;
    }
    const later: Searcher[] = [];
    for (const want of this.input.project.wants) {
      const library = this.searchers.find((s) => s.library === want.library);
      if (library === undefined || from.needs.includes(library)) continue;
      if (want.later) {
        this.link(from, library, needed);
        later.push(library);
      } else this.depend(from, library, [], needed);
    }
    for (const library of later) this.search(library, []);
  }

  private depend(from: Searcher, on: Searcher, files: readonly string[], needed: Needed): void {
    this.link(from, on, needed);
    this.search(on, files);
  }

  /** `last`: its folders are looked through after those of the others, as of libraries the one found last has its first. Whether that is new. */
  private link(from: Searcher, on: Searcher, needed: Needed, folders: "first" | "last" = "first"): boolean {
    if (from === on) return false;
    if (reaches(on, from, new Set())) {
      if (from.circular.includes(on)) return false;
      from.circular.push(on);
      this.given = null;
      return true;
    }
    if (from.needs.includes(on)) return false;
    if (folders === "first") from.needs.push(on);
    else from.needs.unshift(on);
    on.needed.push(needed);
    on.isUsed = true;
    this.folders = null;
    this.given = null;
    return true;
  }

  /** The files that some files of a library lead to, in the order in which they are met, each with the file that led there; files of its own are followed. */
  private reached(from: Searcher, start: readonly string[]): ReadonlyMap<string, string> {
    const folders = [...from.includes, ...this.input.project.includes, ...this.libraryFolders()];
    const queue = [...start];
    const queued = new Set(queue);
    const result = new Map<string, string>();
    const note = (hit: string, path: string): void => {
      if (!result.has(hit)) result.set(hit, path);
    };
    for (const path of queue) {
      queued.delete(path);
      if (from.searched.has(path)) continue;
      from.searched.add(path);
      for (const hit of this.candidates(path, from, folders)) {
        if (!from.searched.has(hit) && !queued.has(hit) && from.owns(hit)) {
          queue.push(hit);
          queued.add(hit);
        }
        note(hit, path);
        if (!HEADER.test(hit)) continue;
        const stem = hit.slice(0, hit.lastIndexOf("."));
        for (const extension of BESIDE) if (this.input.tree.isFile(`${stem}.${extension}`)) note(`${stem}.${extension}`, path);
      }
    }
    return result;
  }

  private candidates(path: string, from: Searcher, folders: readonly string[]): readonly string[] {
    const conditional = from.mode.endsWith("+") ? this.input.scan.conditional(path, from.library, folders) : null;
    if (conditional !== null) return conditional;
    const own = folderOf(path);
    return this.input.scan.classic(path).flatMap((include) => {
      const hit = this.lookUp(include, own, folders);
      if (hit === null && from.library === null) this.missing.set(`${include.text}\n${path}`, { ...include, file: path });
      return hit === null ? [] : [hit];
    });
  }

  private lookUp({ text, quote }: IncludeRef, own: string, folders: readonly string[]): string | null {
    const { tree } = this.input;
    const beside = tree.find(own, text);
    if (quote && beside !== null) return beside;
    for (const folder of folders) {
      const hit = tree.find(folder, text);
      if (hit !== null) return hit;
    }
    return beside;
  }
}

function librariesOf(all: readonly Searcher[]): Library[] {
  return all.flatMap((s) => (s.library === null ? [] : [s.library]));
}

/** Whether `from` needs `to`, directly or not. */
function reaches(from: Searcher, to: Searcher, seen: Set<Searcher>): boolean {
  if (from.needs.includes(to)) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return from.needs.some((s) => reaches(s, to, seen));
}

/** A manifest's dependency: by name, with case, and owner where both are known. Versions do not choose among what is at hand. */
function fits(library: Library, wanted: Dependency): boolean {
  const known = library.installed?.recorded === true ? library.installed : null;
  const name = known !== null && known.uri !== "" ? known.name : known?.name || library.name;
  if (wanted.name !== "" && name !== wanted.name) return false;
  return wanted.owner === "" || known === null || known.owner === "" || known.owner === wanted.owner;
}
