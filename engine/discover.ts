/**
 * What a run read beyond its declared inputs, and where it looked and found nothing. A compiler names what it read; that a header would be found
 * earlier on the search path if it existed is seen by no depfile, so it follows here from the include texts of every file that was read.
 */
import { parseDepfile } from "./depfile.ts";
import type { Files } from "./files.ts";
import { ABSENT } from "./files.ts";
import { folderOf, join, type Paths } from "./paths.ts";
import type { ActionSpec, Discover, IncludeText, ProjectPath, Read } from "./types.ts";

/**
 * The places where one include text is looked for, in order, each with its folder. A chain, so that what is included from many folders has its end in
 * common: 300 folders that include 200 headers are 60,000 trails.
 */
export interface Trail {
  readonly place: string;
  readonly folder: string;
  readonly next: Trail | null;
}

/**
 * What a tool read and where it looked in vain. passedOver: places where a file, had it been there when the tool looked, might have been read; what is
 * there now it left out, or came later. outranked: files that this run has seen in such places, before one that was read: left out, or gone meanwhile.
 */
export interface Found {
  readonly reads: readonly Read[];
  readonly passedOver: readonly Trail[];
  readonly outranked: readonly string[];
}

export const FOUND_NOTHING: Found = { reads: [], passedOver: [], outranked: [] };

export class Discovery {
  private readonly files: Files;
  private readonly paths: Paths;
  /** By the folders that are searched: compiles of one env search the same ones, for the same texts of the same headers. */
  private readonly searches = new Map<string, Search>();

  constructor(files: Files, paths: Paths) {
    this.files = files;
    this.paths = paths;
  }

  /** The reads of a compile: text is its depfile. Declared inputs are left out, since the static key holds them. */
  compiled(spec: ActionSpec, text: string): Found {
    if (spec.discover.by !== "depfile") return FOUND_NOTHING;
    const read = new Set<string>(parseDepfile(text).map((p) => this.paths.normal(p)));
    for (const input of spec.inputs) if (input.is === "file") read.add(input.path);
    const lookup = new Lookup(read, spec.discover, this.paths, (path) => this.isMissing(path));
    const search = this.search(spec.discover);
    const withMacro: string[] = [];
    for (const path of read) {
      for (const include of this.files.includes(path) ?? []) {
        if (include.how === "macro") withMacro.push(path);
        else if (include.how === "include") lookup.follow(this.trail(search, include, path));
        else if (include.how !== "time" && include.how !== "comment") lookup.visit(include, path);
      }
    }
    const source = spec.inputs.find((i) => i.is === "file")?.path ?? "";
    const forced = forcedIncludes(spec.argv);
    for (const include of forced) lookup.visit(include, "");
    const isFirst = (include: IncludeText, from: string) =>
      (include.how === "include" || include.how === "import") && lookup.followPrecompiled(this.trail(search, include, from));
    if (!forced.some((include) => isFirst(include, ""))) (this.files.includes(source) ?? []).some((include) => isFirst(include, source));
    // Any file that was read may be what `#include MACRO` stood for, also one that an include text explains; one that nothing explains must be it.
    for (const origin of new Set(withMacro)) for (const path of read) lookup.visitPath(path, origin);
    for (const path of read)
      if (path !== source && !lookup.explained.has(path)) for (const from of [source, ""]) lookup.visitPath(path, from);
    const { found, absent, passedOver, outranked } = lookup;
    return { reads: readsOf(spec, [...read, ...found], absent), passedOver, outranked };
  }

  private search({ quote, search }: Discover & { by: "depfile" }): Search {
    const name = `${quote.join("\0")}\n${search.join("\0")}`;
    let known = this.searches.get(name);
    if (known === undefined) {
      known = { folders: search, quoted: [...quote, ...search], fromFolder: new Map(), afterOwn: new Map(), angled: new Map() };
      this.searches.set(name, known);
    }
    return known;
  }

  /** Where an `#include` of the file `from` is looked for; null: nowhere. */
  private trail(search: Search, { text, quote }: IncludeText, from: string): Trail | null {
    if (!quote) return this.through(search.angled, search.folders, text);
    const own = trailsFrom(search, folderOf(from));
    let trail = own.trails.get(text);
    if (trail === undefined) {
      trail = this.step(own.folder, text, this.through(search.afterOwn, search.quoted, text));
      own.trails.set(text, trail);
    }
    return trail;
  }

  private through(known: Map<string, Trail | null>, folders: readonly string[], text: string): Trail | null {
    let trail = known.get(text);
    if (trail === undefined) {
      trail = folders.reduceRight<Trail | null>((next, folder) => this.step(folder, text, next), null);
      known.set(text, trail);
    }
    return trail;
  }

  private step(folder: string, text: string, next: Trail | null): Trail {
    const place = this.paths.normal(join(folder, text));
    const lies = folderOf(place);
    // The caller's string, so that there is not one for each place.
    return { place, folder: lies === folder ? folder : lies, next };
  }

  private isMissing(path: string): boolean {
    return this.files.digest({ is: "absent", path: path as ProjectPath }) === ABSENT;
  }

  /**
   * The reads of a link whose linker was asked for a trace (`ld -t`), and its log without the trace. Line forms (binutils ld, `ldlang.c` and
   * `ldfile.c`): `PATH`, `-lNAME (PATH)`, `(ARCHIVE)MEMBER`, `ARCHIVE(MEMBER)`, `PROGRAM: mode EMULATION`. Temporary files of the compiler are not inputs.
   */
  linked(spec: ActionSpec, log: string): Found & { readonly log: string } {
    if (spec.discover.by !== "trace") return { ...FOUND_NOTHING, log };
    const read = new Set<string>();
    const kept: string[] = [];
    for (const line of log.split("\n")) {
      const path = tracedPath(line);
      if (path === "") continue;
      if (path === null || (!path.startsWith("/") && this.isMissing(this.paths.normal(path)))) kept.push(line);
      else if (!this.isMissing(this.paths.normal(path))) read.add(this.paths.normal(path));
    }
    const absent = new Set<string>();
    const outranked: string[] = [];
    for (const library of spec.discover.libraries) {
      search: for (const folder of spec.discover.search) {
        for (const name of library.startsWith(":") ? [library.slice(1)] : [`lib${library}.so`, `lib${library}.a`]) {
          const candidate = this.paths.normal(join(folder, name));
          if (read.has(candidate)) break search;
          if (this.isMissing(candidate)) absent.add(candidate);
          else outranked.push(candidate);
        }
      }
    }
    return { reads: readsOf(spec, read, absent), passedOver: [], outranked, log: kept.join("\n") };
  }
}

const FORCED: ReadonlySet<string> = new Set(["-include", "-imacros"]);

interface Search {
  readonly folders: readonly string[];
  readonly quoted: readonly string[];
  /** Of `"…"`, by the includer's folder and the text; what follows that folder, by the text; of `<…>`, by the text. */
  readonly fromFolder: Map<string, FromFolder>;
  readonly afterOwn: Map<string, Trail | null>;
  readonly angled: Map<string, Trail | null>;
}

interface FromFolder {
  readonly folder: string;
  readonly trails: Map<string, Trail>;
}

function trailsFrom({ fromFolder }: Search, folder: string): FromFolder {
  let known = fromFolder.get(folder);
  if (known === undefined) {
    known = { folder, trails: new Map() };
    fromFolder.set(folder, known);
  }
  return known;
}

/** Includes on the command line. gcc looks for these in its working folder first, not in the source's ("-include" in its manual). */
function forcedIncludes(argv: readonly string[]): IncludeText[] {
  return argv.flatMap((arg, i): IncludeText[] => {
    const text = argv[i + 1];
    return text !== undefined && FORCED.has(arg) ? [{ text, quote: true, how: "include" }] : [];
  });
}

/** The preprocessor's search for one compile: which files each include text led to, and the places before them where nothing was. */
class Lookup {
  /** Files asked for by `__has_include` or read by the assembler, which no depfile names. */
  readonly found = new Set<string>();
  readonly absent = new Set<string>();
  /** Read files that an include text leads to. */
  readonly explained = new Set<string>();
  readonly passedOver: Trail[] = [];
  readonly outranked: string[] = [];
  private readonly read: ReadonlySet<string>;
  private readonly search: readonly string[];
  private readonly quoted: readonly string[];
  private readonly paths: Paths;
  private readonly isMissing: (path: string) => boolean;

  constructor(read: ReadonlySet<string>, discover: Discover & { by: "depfile" }, paths: Paths, isMissing: (path: string) => boolean) {
    this.read = read;
    this.search = discover.search;
    this.quoted = [...discover.quote, ...discover.search];
    this.paths = paths;
    this.isMissing = isMissing;
  }

  /** Follows a plain `#include`. One that leads to no file that was read costs the disk no question: avr/io.h has 250 of them, in every compile. */
  follow(trail: Trail | null): void {
    if (trail === null) return;
    let end: Trail | null = trail;
    while (end !== null && !this.read.has(end.place)) end = end.next;
    if (end === null) {
      this.passedOver.push(trail);
      return;
    }
    for (let at = trail; at !== end; at = at.next as Trail) {
      if (this.isMissing(at.place)) continue;
      this.pass(at.place);
      return;
    }
    this.explained.add(end.place);
    for (let at = trail; at !== end; at = at.next as Trail) this.absent.add(at.place);
  }

  private pass(place: string): void {
    this.passedOver.push({ place, folder: folderOf(place), next: null });
    this.outranked.push(place);
  }

  /**
   * gcc takes `x.h.gch` for the first include of a compile, wherever it would look for `x.h` there, and then names neither in the depfile (its manual,
   * "Using Precompiled Headers"). Whether this was that include: a header that was left out (`#if`) or came precompiled leaves it to the next.
   */
  followPrecompiled(trail: Trail | null): boolean {
    for (let at = trail; at !== null; at = at.next) {
      const { place } = at;
      const precompiled = `${place}.gch`;
      (this.isMissing(precompiled) ? this.absent : this.found).add(precompiled);
      if (this.read.has(place)) return true;
      if (!this.isMissing(place)) return false;
    }
    return false;
  }

  /** Follows one include text of the file `from` ("" for the command line). */
  visit({ text, quote, how }: IncludeText, from: string): void {
    const assembler = how === "incbin" || how === "asm";
    const folders = assembler ? ["", folderOf(from), ...this.search] : quote ? [folderOf(from), ...this.quoted] : this.search;
    const asked = assembler || how === "has";
    const passed: string[] = [];
    for (const folder of folders) {
      const candidate = this.paths.normal(join(folder, text));
      if (this.read.has(candidate)) {
        this.explained.add(candidate);
        for (const p of passed) this.absent.add(p);
        // include_next goes on behind the folder in which its own file was found; which that was, the path does not say.
        if (how === "next" || (how === "has" && candidate === from)) continue;
        return;
      }
      if (this.isMissing(candidate)) passed.push(candidate);
      else if (asked) {
        this.found.add(candidate);
        break;
      } else {
        // There, and yet not read: `#if` left the include out, or it came into being after the compiler had looked.
        this.pass(candidate);
        if (how !== "next") return;
      }
    }
    if (asked) for (const p of passed) this.absent.add(p);
  }

  /** Follows every text by which `from` could have named a file that was read. */
  visitPath(path: string, from: string): void {
    for (const folder of new Set([folderOf(from), ...this.quoted])) {
      const prefix = folder === "" || folder === "." ? "" : folder.endsWith("/") ? folder : `${folder}/`;
      if (path.startsWith(prefix) && (prefix !== "" || !path.startsWith("/")))
        this.visit({ text: path.slice(prefix.length), quote: true, how: "include" }, from);
    }
  }
}

function readsOf(spec: ActionSpec, files: Iterable<string>, absent: Iterable<string>): Read[] {
  const declared = new Set<string>(spec.inputs.filter((i) => i.is === "file").map((i) => i.path));
  const reads: Read[] = [];
  for (const path of files) if (!declared.has(path)) reads.push({ is: "file", path: path as ProjectPath });
  for (const path of absent) reads.push({ is: "absent", path: path as ProjectPath });
  return sorted(reads);
}

/** The file that a line of a linker's trace names, "" for a line that is only noise of the trace, null for another line. */
function tracedPath(line: string): string | null {
  if (/^\S*ld(\.\w+)?: mode \S+$/.test(line)) return "";
  const archive = /^\((.+)\)[^()]+$/.exec(line) ?? /^-l\S+ \((.+)\)$/.exec(line) ?? /^(\/.+|[\w.].*\.a)\([^()]+\)$/.exec(line);
  if (archive !== null) return archive[1] ?? "";
  if (/^\/\S*\/cc\w{6}\.(ltrans\d*\.)?(ltrans\.)?o$/.test(line)) return "";
  if (/^\S+: /.test(line) || line.includes(":") || line === "") return null;
  return /\.(o|a|so|obj|ld|x|lds|res|d)(\.[\d.]+)?$/.test(line) || line.startsWith("/") ? line : null;
}

/** In one order, each once, whatever order the tool named them in. */
function sorted(reads: readonly Read[]): Read[] {
  const seen = new Map<string, Read>();
  for (const read of reads) seen.set(`${read.is}:${read.path}`, read);
  return [...seen.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.is < b.is ? -1 : 1));
}
