/** Globs over folder listings that are handed in, so that whoever records reads sees every folder that was looked at. */
import picomatch from "picomatch/posix.js";
import { join } from "../engine/paths.ts";
import type { DirEntry } from "../engine/types.ts";
import { foldersBelow } from "./folders-below.ts";

/** A folder's listing, null if there is no such folder; "" is the project's. */
export type ListFolder = (folder: string) => readonly DirEntry[] | null;

/** `*` `?` `[` `{` make a text a glob. */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** A text that stands for itself within a glob. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]{}()!+@|\\]/g, "\\$&");
}

/**
 * The files that a glob names, sorted by name. `**` stands for any folders; names that begin with a dot are found only if the glob says the dot.
 * Only folders that can hold a match are listed. `more`: further paths that count as there (what other actions produce).
 */
export function glob(pattern: string, list: ListFolder, more: Iterable<string> = []): string[] {
  const segments = pattern.split("/");
  let fixed = 0;
  while (fixed < segments.length - 1 && !isGlob((segments[fixed] ?? "").replace(/\\./g, ""))) fixed++;
  const base = segments.slice(0, fixed).join("/").replace(/\\(.)/g, "$1");
  const deep = segments.slice(fixed).some((s) => s.includes("**")) || segments.slice(fixed).some((s) => s.includes("{"));
  const matches = picomatch(pattern, { noextglob: true });
  const hidden = segments.slice(fixed).some((s) => s.startsWith("."));
  const found = new Set<string>();
  const mostDeep = segments.length - fixed - 1;
  const depthOf = (dir: string) => (dir === base ? 0 : dir.slice(base === "" ? 0 : base.length + 1).split("/").length);
  const listed: ListFolder = (folder) => (deep || depthOf(folder) <= mostDeep ? withoutOwn(list)(folder) : null);
  for (const { dir, entries } of foldersBelow(base, listed, { enters: (name) => hidden || !name.startsWith(".") }))
    for (const { name, is } of entries) {
      const path = join(dir, name);
      if (is === "file" && matches(path)) found.add(path);
    }
  for (const path of more) if (matches(path)) found.add(path);
  return [...found].sort();
}

/** Every file below a folder, sorted; null if there is no such folder. fb's own folder is left out. */
export function filesBelow(folder: string, list: ListFolder): string[] | null {
  if (list(folder) === null) return null;
  const found: string[] = [];
  for (const { dir, entries } of foldersBelow(folder, withoutOwn(list)))
    for (const { name, is } of entries) if (is === "file") found.push(join(dir, name));
  return found.sort();
}

function withoutOwn(list: ListFolder): ListFolder {
  return (folder) => list(folder)?.filter((entry) => join(folder, entry.name) !== ".fb") ?? null;
}
