/** Include texts for who explains: of files as they are now. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { IncludeText } from "../../engine/types.ts";
import { includesOf } from "../../rules/includes.ts";

/** The include texts of a project's files as they are now, each scanned once. */
export function scanner(folder: string): (path: string) => readonly IncludeText[] | null {
  const known = new Map<string, readonly IncludeText[] | null>();
  return (path) => {
    let texts = known.get(path);
    if (texts === undefined) {
      try {
        texts = includesOf(readFileSync(resolve(folder, path)));
      } catch {
        texts = null;
      }
      known.set(path, texts);
    }
    return texts;
  };
}
