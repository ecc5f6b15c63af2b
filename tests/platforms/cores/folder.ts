/** The small cores of tests that lie in folders here, as files for a TestProject. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** All files of tests/platforms/cores/NAME, by their paths in it. */
export function coreFiles(name: string): Record<string, string> {
  const folder = join(import.meta.dirname, name);
  const files: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[path.slice(folder.length + 1)] = readFileSync(path, "utf8");
  }
  return files;
}
