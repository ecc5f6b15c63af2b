/** Which files of a source folder are compiled, what they are, and where their objects go: `build_src_filter` and the source extensions of PlatformIO. */
import { expandText, type Variables } from "./subst.ts";

/** Folders by project path ("" is the project itself), links already followed. Null: there is no such folder. */
export interface SourceTree {
  list(dir: string): readonly { readonly name: string; readonly is: "file" | "dir" }[] | null;
}

export type SourceKind = "c" | "cxx" | "asm-cpp" | "asm";

const KINDS: ReadonlyMap<string, SourceKind> = new Map([
  ["c", "c"],
  ["cc", "cxx"],
  ["cpp", "cxx"],
  ["cxx", "cxx"],
  ["c++", "cxx"],
  ["S", "asm-cpp"],
  ["sx", "asm-cpp"],
  ["spp", "asm-cpp"],
  ["SPP", "asm-cpp"],
  ["s", "asm"],
  ["asm", "asm"],
  ["ASM", "asm"],
]);

/** What a file is compiled as, by its extension (case counts); null for anything that is no source: headers, `.ino`, `.C`. */
export function sourceKind(path: string): SourceKind | null {
  const dot = path.lastIndexOf(".");
  return dot < 0 ? null : (KINDS.get(path.slice(dot + 1)) ?? null);
}

/** The filter of an env that has none. */
export const defaultFilter = "+<*> -<.git/> -<.svn/>";

/** The filter of a library that has none. */
export const defaultLibraryFilter = `${defaultFilter} -<example/> -<examples/> -<test/> -<tests/>`;

/** The text of a `build_src_filter` option: items joined by a blank, variables replaced; the default if nothing is left. */
export function filterText(items: readonly string[], variables: Variables): string {
  const text = expandText(items.join(" "), variables).trim();
  return text === "" ? defaultFilter : text;
}

/**
 * The source files below `root` that a filter selects, relative to `root` (`../` where it climbs out), in byte order.
 * The filter is a row of `+<pattern>` and `-<pattern>`, applied in order to an empty set; what stands between them is ignored. A pattern is a glob
 * (`*`, `?`, `[…]` within a name, never a leading dot unless written; `**` any number of folders); a folder that it names stands for every file below
 * it, hidden ones too. An absolute pattern starts at the root of the disk. Lists only folders that a pattern leads into.
 */
export function matchSources(filter: string, tree: SourceTree, root: string): string[] {
  const walker = new Walker(tree);
  const selected = new Set<string>();
  for (const [, sign, pattern] of filter.replaceAll("\\", "/").matchAll(/([+-])<([^>]+)>/g)) {
    for (const path of walker.candidates(root, pattern ?? "")) {
      if (sign === "+") selected.add(path);
      else selected.delete(path);
    }
  }
  return [...selected].map((path) => relativeTo(root, path)).sort(byBytes);
}

/** The object of a source, below the folder `dir` of the build folder: its path with `.o` added, always (PlatformIO does so for Arduino only and else
 * refuses `main.c` beside `main.cpp`). `../x/a.c` of folder `src` goes to `x/a.c.o`; a path that climbs further keeps `_` for each `..`. */
export function objectPath(dir: string, source: string): string {
  const parts: string[] = [];
  for (const part of `${dir}/${source}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "_") parts.pop();
    else parts.push("_");
  }
  return `${parts.join("/")}.o`;
}

type Entry = { readonly name: string; readonly is: "file" | "dir" };

/** A folder whose listing two of its parents share is taken for a loop of links. */
const SAME_LISTINGS = 2;

class Walker {
  readonly tree: SourceTree;
  readonly listed = new Map<string, readonly Entry[] | null>();

  constructor(tree: SourceTree) {
    this.tree = tree;
  }

  list(dir: string): readonly Entry[] | null {
    const known = this.listed.get(dir);
    if (known !== undefined) return known;
    const entries = this.tree.list(dir);
    this.listed.set(dir, entries);
    return entries;
  }

  kind(path: string): "file" | "dir" | null {
    if (path === "" || path === "/") return "dir";
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (name === "..") return this.list(path) === null ? null : "dir";
    return this.list(parentOf(path))?.find((entry) => entry.name === name)?.is ?? null;
  }

  /** The source files that a pattern stands for, as project paths. */
  candidates(root: string, pattern: string): Set<string> {
    const found = new Set<string>();
    const absolute = pattern.startsWith("/");
    const parts = pattern.split("/").filter((part, i, all) => part !== "" || i === all.length - 1);
    for (const path of this.glob(absolute ? "/" : normal(root), parts)) {
      if (this.kind(path) === "dir") this.below(path, [], found);
      else if (sourceKind(path) !== null) found.add(path);
    }
    return found;
  }

  /** Paths that a pattern matches; an empty last part (`a/`) matches folders only. */
  *glob(dir: string, parts: readonly string[]): Generator<string> {
    const [part, ...rest] = parts;
    if (part === undefined) {
      yield dir;
    } else if (part === "" || part === ".") {
      if (this.kind(dir) === "dir") yield* this.glob(dir, rest);
    } else if (part === "..") {
      yield* this.glob(join(dir, ".."), rest);
    } else if (part === "**") {
      if (this.kind(dir) === "dir") yield* this.deep(dir, rest, []);
    } else if (/[*?[]/.test(part)) {
      const match = globPattern(part);
      for (const entry of this.list(dir) ?? []) {
        if (rest.length > 0 && entry.is !== "dir") continue;
        if (entry.name.startsWith(".") && !part.startsWith(".")) continue;
        if (match.test(entry.name)) yield* this.glob(join(dir, entry.name), rest);
      }
    } else {
      const path = join(dir, part);
      const kind = this.kind(path);
      if (kind === "dir" || (kind === "file" && rest.length === 0)) yield* this.glob(path, rest);
    }
  }

  /** `**`: the folder itself and everything below it whose name has no leading dot. */
  *deep(dir: string, rest: readonly string[], parents: readonly string[]): Generator<string> {
    yield* this.glob(dir, rest);
    const entries = this.list(dir) ?? [];
    const shape = shapeOf(entries);
    if (parents.filter((parent) => parent === shape).length >= SAME_LISTINGS) return;
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      if (entry.is === "dir") yield* this.deep(join(dir, entry.name), rest, [...parents, shape]);
      else if (rest.length === 0) yield join(dir, entry.name);
    }
  }

  /** Every source file below a folder. */
  below(dir: string, parents: readonly string[], found: Set<string>): void {
    const entries = this.list(dir) ?? [];
    for (const entry of entries) if (entry.is === "file" && sourceKind(entry.name) !== null) found.add(join(dir, entry.name));
    const shape = shapeOf(entries);
    if (parents.filter((parent) => parent === shape).length >= SAME_LISTINGS) return;
    for (const entry of entries) if (entry.is === "dir") this.below(join(dir, entry.name), [...parents, shape], found);
  }
}

function shapeOf(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entry.is} ${entry.name}`).join("\n");
}

/** One name of a glob as an expression: as Python's fnmatch, so `[!…]` negates and an unclosed `[` is itself. */
function globPattern(text: string): RegExp {
  let source = "";
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    const end = c === "[" ? closing(text, i) : -1;
    if (c === "*") source += ".*";
    else if (c === "?") source += ".";
    else if (end > 0) {
      const body = text.slice(i + 1, end);
      const set = classOf(body.startsWith("!") ? body.slice(1) : body);
      source += set === "" ? (body.startsWith("!") ? "." : "(?!)") : `[${body.startsWith("!") ? "^" : ""}${set}]`;
      i = end;
    } else source += c.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
  }
  return new RegExp(`^${source}$`, "su");
}

/** Where the set that opens at `open` closes: a `]` that comes first in it is one of its members. */
function closing(text: string, open: number): number {
  const first = text.charAt(open + 1) === "!" ? open + 2 : open + 1;
  return text.indexOf("]", text.charAt(first) === "]" ? first + 1 : first);
}

/** The members of a set, ranges the wrong way round left out. */
function classOf(body: string): string {
  const letters = [...body];
  let set = "";
  for (let i = 0; i < letters.length; i++) {
    const from = letters[i] ?? "";
    const to = letters[i + 2];
    if (letters[i + 1] === "-" && to !== undefined) {
      if (from <= to) set += `${quoted(from)}-${quoted(to)}`;
      i += 2;
    } else set += quoted(from);
  }
  return set;
}

function quoted(letter: string): string {
  return letter.replace(/[\\^\]$.*+?()[{}|/-]/, "\\$&");
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !path.startsWith("/")) parts.push(part);
  }
  return (path.startsWith("/") ? "/" : "") + parts.join("/");
}

function join(dir: string, name: string): string {
  return normal(dir === "" ? name : `${dir}/${name}`);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : slash === 0 ? "/" : path.slice(0, slash);
}

function relativeTo(root: string, path: string): string {
  if (path.startsWith("/") !== root.startsWith("/")) return path;
  const from = normal(root)
    .split("/")
    .filter((part) => part !== "");
  const to = path.split("/").filter((part) => part !== "");
  let same = 0;
  while (same < from.length && same < to.length - 1 && from[same] === to[same]) same++;
  return [...from.slice(same).map(() => ".."), ...to.slice(same)].join("/");
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
