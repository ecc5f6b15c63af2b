/**
 * Python's glob over listings: `*`, `?`, `[…]` within a name, never a leading dot unless written; `**` any number of folders; no braces. What
 * platformio.ini says in patterns is defined by it. Lists only folders that a pattern leads into.
 */
import { foldersBelow } from "./folders-below.ts";

/** Folders by project path ("" is the project itself), links already followed. Null: there is no such folder. */
export interface GlobTree {
  list(dir: string): readonly { readonly name: string; readonly is: "file" | "dir" }[] | null;
}

type Entry = { readonly name: string; readonly is: "file" | "dir" };

/** Looks for patterns in one tree; each folder is listed once. */
export class PythonGlob {
  private readonly tree: GlobTree;
  private readonly listed = new Map<string, readonly Entry[] | null>();

  constructor(tree: GlobTree) {
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

  /** Paths that a pattern matches; an empty last part (`a/`) matches folders only. */
  *find(dir: string, parts: readonly string[]): Generator<string> {
    const [part, ...rest] = parts;
    if (part === undefined) {
      yield dir;
    } else if (part === "" || part === ".") {
      if (this.kind(dir) === "dir") yield* this.find(dir, rest);
    } else if (part === "..") {
      yield* this.find(join(dir, ".."), rest);
    } else if (part === "**") {
      if (this.kind(dir) === "dir") yield* this.deep(dir, rest);
    } else if (/[*?[]/.test(part)) {
      const match = globPattern(part);
      for (const entry of this.list(dir) ?? []) {
        if (rest.length > 0 && entry.is !== "dir") continue;
        if (entry.name.startsWith(".") && !part.startsWith(".")) continue;
        if (match.test(entry.name)) yield* this.find(join(dir, entry.name), rest);
      }
    } else {
      const path = join(dir, part);
      const kind = this.kind(path);
      if (kind === "dir" || (kind === "file" && rest.length === 0)) yield* this.find(path, rest);
    }
  }

  /** `**`: the folder itself and everything below it whose name has no leading dot. */
  private *deep(top: string, rest: readonly string[]): Generator<string> {
    const isShown = (name: string) => !name.startsWith(".");
    for (const { dir, entries } of foldersBelow(top, (each) => this.list(each), { enters: isShown })) {
      yield* this.find(dir, rest);
      if (rest.length > 0) continue;
      for (const { name, is } of entries) if (is === "file" && isShown(name)) yield join(dir, name);
    }
  }
}

/**
 * The files and folders that a pattern names, sorted, spelled as the pattern begins. `there` says whether a path exists: nothing above the first name
 * with a wildcard is listed.
 */
export function globPaths(pattern: string, tree: GlobTree, there: (path: string) => boolean): string[] {
  const parts = pattern.split("/");
  const wild = parts.findIndex((part) => /[*?[]/.test(part));
  if (wild < 0) return there(pattern) ? [pattern] : [];
  const fixed = parts.slice(0, wild).join("/");
  const base = normal(fixed) || (pattern.startsWith("/") ? "/" : "");
  const found = new Set(new PythonGlob(tree).find(base, parts.slice(wild)));
  const spelled = (path: string): string => (fixed === "" ? path : base === "" ? `${fixed}/${path}` : fixed + path.slice(base.length));
  return [...found].map(spelled).sort();
}

/** One name of a glob as an expression: as Python's fnmatch, so `[!…]` negates and an unclosed `[` is itself. */
export function globPattern(text: string): RegExp {
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

/** A path without `.`, empty parts and the `..` that can be taken away. */
export function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !path.startsWith("/")) parts.push(part);
  }
  return (path.startsWith("/") ? "/" : "") + parts.join("/");
}

export function join(dir: string, name: string): string {
  return normal(dir === "" ? name : `${dir}/${name}`);
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : slash === 0 ? "/" : path.slice(0, slash);
}
