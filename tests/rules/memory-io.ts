/** A plan's view of a tree of files that are only in memory: paths relative to the project, or absolute. */
import { createHash } from "node:crypto";
import type { Digest, DirEntry, PlanIo } from "../../engine/types.ts";
import { directivesOf } from "../../rules/directives.ts";
import { includesOf } from "../../rules/includes.ts";

export function memoryIo(
  files: Readonly<Record<string, string>>,
): PlanIo & { text(path: string): string | null; readonly asked: string[] } {
  const folders = new Map<string, Map<string, DirEntry["is"]>>([["", new Map()]]);
  for (const path of Object.keys(files)) {
    const parts = path.split("/");
    for (let n = parts.length - 1; n >= 0; n--) {
      const folder = parts.slice(0, n).join("/");
      const key = folder === "" && path.startsWith("/") ? "/" : folder;
      const entries = folders.get(key) ?? new Map<string, DirEntry["is"]>();
      folders.set(key, entries);
      if ((parts[n] ?? "") !== "") entries.set(parts[n] ?? "", n === parts.length - 1 ? "file" : "dir");
    }
  }
  const asked: string[] = [];
  const text = (path: string): string | null => files[path] ?? null;
  return {
    asked,
    text,
    read(path) {
      asked.push(`file ${path}`);
      const found = text(path);
      return found === null ? null : new TextEncoder().encode(found);
    },
    digest(path) {
      asked.push(`digest ${path}`);
      const found = text(path);
      return found === null ? null : (createHash("sha256").update(found).digest("hex") as Digest);
    },
    exists(path) {
      asked.push(`exists ${path}`);
      return text(path) !== null || folders.has(path);
    },
    list(path) {
      asked.push(`listing ${path}`);
      const entries = folders.get(path === "." ? "" : path);
      return entries === undefined ? null : [...entries].map(([name, is]) => ({ name, is })).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    includes(path) {
      asked.push(`includes ${path}`);
      const found = text(path);
      return found === null ? null : includesOf(new TextEncoder().encode(found));
    },
    directives(path) {
      asked.push(`directives ${path}`);
      const found = text(path);
      return found === null ? null : directivesOf(new TextEncoder().encode(found));
    },
    value: () => undefined,
  };
}
