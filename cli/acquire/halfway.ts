/** `.fb/state/halfway.json`: the stamps of packages that came in a run in which others did not. Lost or damaged, they are fetched again. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../cache/replace-file.ts";

const FILE = ".fb/state/halfway.json";

export function readHalfway(project: string): readonly string[] {
  try {
    const read: unknown = JSON.parse(readFileSync(join(project, FILE), "utf8"));
    return Array.isArray(read) ? read.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

/** Without stamps the file goes. */
export function writeHalfway(project: string, stamps: readonly string[]): void {
  const file = join(project, FILE);
  try {
    if (stamps.length === 0) rmSync(file, { force: true });
    else replaceFile(file, JSON.stringify(stamps), `${file}.new`);
  } catch {
    // A full or read-only disk.
  }
}
