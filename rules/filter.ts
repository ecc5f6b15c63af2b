/** Which files of a source folder are compiled, what they are, and where their objects go: `build_src_filter` and the source extensions of PlatformIO. */
import { foldersBelow } from "./folders-below.ts";
import { type GlobTree, join, normal, PythonGlob } from "./python-glob.ts";
import { expandText, type Variables } from "./subst.ts";

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
export function matchSources(filter: string, tree: GlobTree, root: string): string[] {
  const walker = new SourceWalker(tree);
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

class SourceWalker extends PythonGlob {
  /** The source files that a pattern stands for, as project paths. */
  candidates(root: string, pattern: string): Set<string> {
    const found = new Set<string>();
    const absolute = pattern.startsWith("/");
    const parts = pattern.split("/").filter((part, i, all) => part !== "" || i === all.length - 1);
    for (const path of this.find(absolute ? "/" : normal(root), parts)) {
      if (this.kind(path) !== "dir") {
        if (sourceKind(path) !== null) found.add(path);
        continue;
      }
      for (const { dir, entries } of foldersBelow(path, (each) => this.list(each), { top: normal(root) }))
        for (const { name, is } of entries) if (is === "file" && sourceKind(name) !== null) found.add(join(dir, name));
    }
    return found;
  }
}

/** A project path as seen from the folder `root`: `../` where it lies elsewhere. */
export function relativeTo(root: string, path: string): string {
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
