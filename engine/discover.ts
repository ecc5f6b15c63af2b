/**
 * What a run read beyond its declared inputs, and where it looked and found nothing. A compiler names what it read; that a header would be found
 * earlier on the search path if it existed is seen by no depfile, so it follows here from the include texts of every file that was read.
 */
import { parseDepfile } from "./depfile.ts";
import type { Files } from "./files.ts";
import { ABSENT } from "./files.ts";
import { folderOf, join, type Paths } from "./paths.ts";
import type { ActionSpec, IncludeText, ProjectPath, Read } from "./types.ts";

export class Discovery {
  private readonly files: Files;
  private readonly paths: Paths;

  constructor(files: Files, paths: Paths) {
    this.files = files;
    this.paths = paths;
  }

  /** The reads of a compile: text is its depfile. Declared inputs are left out, since the static key holds them. */
  compiled(spec: ActionSpec, text: string): Read[] {
    if (spec.discover.by !== "depfile") return [];
    const { quote, search } = spec.discover;
    const read = new Set<string>(parseDepfile(text).map((p) => this.paths.normal(p)));
    for (const input of spec.inputs) if (input.is === "file") read.add(input.path);
    const found = new Set<string>();
    const absent = new Set<string>();
    const explained = new Set<string>();
    const visit = (text: IncludeText, from: string): void => {
      if (text.how === "macro" || text.how === "time") return;
      const folders =
        text.how === "incbin" || text.how === "asm"
          ? ["", folderOf(from), ...search]
          : [...(text.quote ? [folderOf(from), ...quote] : []), ...search];
      const passed: string[] = [];
      for (const folder of folders) {
        const candidate = this.paths.normal(join(folder, text.text));
        if (read.has(candidate)) {
          explained.add(candidate);
          for (const p of passed) absent.add(p);
          return;
        }
        if (!this.isMissing(candidate)) {
          // There, and yet not read: `#if` left the include out, or it was asked for and not included.
          if (text.how === "include" || text.how === "import") return;
          if (text.how !== "next") found.add(candidate);
          if (text.how !== "next") break;
          continue;
        }
        passed.push(candidate);
      }
      if (text.how === "has" || text.how === "incbin" || text.how === "asm") for (const p of passed) absent.add(p);
    };
    const queue = [...read];
    for (const path of queue) for (const include of this.files.includes(path) ?? []) visit(include, path);
    this.explainRest(spec, [...read], explained, visit);
    const declared = new Set<string>(spec.inputs.filter((i) => i.is === "file").map((i) => i.path));
    const reads: Read[] = [];
    for (const path of [...read, ...found]) if (!declared.has(path)) reads.push({ is: "file", path: path as ProjectPath });
    for (const path of absent) if (!read.has(path)) reads.push({ is: "absent", path: path as ProjectPath });
    return dedupe(reads);
  }

  /** A file that no include text explains came by `#include MACRO` or `-include`: every suffix of its path may have been the text. */
  private explainRest(
    spec: ActionSpec,
    read: readonly string[],
    explained: ReadonlySet<string>,
    visit: (t: IncludeText, from: string) => void,
  ): void {
    const source = spec.inputs.find((i) => i.is === "file")?.path ?? "";
    const withMacro = read.filter((p) => this.files.includes(p)?.some((t) => t.how === "macro"));
    for (const path of read) {
      if (explained.has(path) || path === source) continue;
      const parts = path.split("/").filter((p) => p !== "");
      for (let n = 1; n <= Math.min(parts.length, 4); n++) {
        const text = parts.slice(-n).join("/");
        for (const from of new Set([source, ...withMacro])) visit({ text, quote: true, how: "include" }, from);
      }
    }
  }

  private isMissing(path: string): boolean {
    return this.files.digest({ is: "absent", path: path as ProjectPath }) === ABSENT;
  }

  /**
   * The reads of a link whose linker was asked for a trace (`ld -t`), and its log without the trace. Line forms (binutils ld, `ldlang.c` and
   * `ldfile.c`): `PATH`, `-lNAME (PATH)`, `(ARCHIVE)MEMBER`, `ARCHIVE(MEMBER)`, `PROGRAM: mode EMULATION`. Temporary files of the compiler are not inputs.
   */
  linked(spec: ActionSpec, log: string): { readonly reads: Read[]; readonly log: string } {
    if (spec.discover.by !== "trace") return { reads: [], log };
    const read = new Set<string>();
    const kept: string[] = [];
    for (const line of log.split("\n")) {
      const path = tracedPath(line);
      if (path === "") continue;
      if (path === null || (!path.startsWith("/") && this.isMissing(this.paths.normal(path)))) kept.push(line);
      else if (!this.isMissing(this.paths.normal(path))) read.add(this.paths.normal(path));
    }
    const absent = new Set<string>();
    for (const library of spec.discover.libraries) {
      search: for (const folder of spec.discover.search) {
        for (const name of library.startsWith(":") ? [library.slice(1)] : [`lib${library}.so`, `lib${library}.a`]) {
          const candidate = this.paths.normal(join(folder, name));
          if (read.has(candidate)) break search;
          if (this.isMissing(candidate)) absent.add(candidate);
        }
      }
    }
    const declared = new Set<string>(spec.inputs.filter((i) => i.is === "file").map((i) => i.path));
    const reads: Read[] = [];
    for (const path of read) if (!declared.has(path)) reads.push({ is: "file", path: path as ProjectPath });
    for (const path of absent) reads.push({ is: "absent", path: path as ProjectPath });
    return { reads: dedupe(reads), log: kept.join("\n") };
  }
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

function dedupe(reads: readonly Read[]): Read[] {
  const seen = new Map<string, Read>();
  for (const read of reads) seen.set(`${read.is}:${read.path}`, read);
  return [...seen.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.is < b.is ? -1 : 1));
}
