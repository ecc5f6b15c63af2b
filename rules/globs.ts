/** Globs over folder listings that are handed in, so that whoever records reads sees every folder that was looked at. */
import picomatch from "picomatch/posix.js";
import { join } from "../engine/paths.ts";
import type { DirEntry } from "../engine/types.ts";

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
  const visit = (folder: string, depth: number): void => {
    for (const entry of list(folder) ?? []) {
      const path = join(folder, entry.name);
      if (entry.is === "file") {
        if (matches(path)) found.add(path);
      } else if ((deep || depth + 1 < segments.length - fixed) && (hidden || !entry.name.startsWith(".")) && path !== ".fb")
        visit(path, depth + 1);
    }
  };
  visit(base, 0);
  for (const path of more) if (matches(path)) found.add(path);
  return [...found].sort();
}

/** Every file below a folder, sorted; null if there is no such folder. fb's own folder is left out. */
export function filesBelow(folder: string, list: ListFolder): string[] | null {
  const entries = list(folder);
  if (entries === null) return null;
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.is === "file") found.push(path);
    else if (path !== ".fb") found.push(...(filesBelow(path, list) ?? []));
  }
  return found.sort();
}
