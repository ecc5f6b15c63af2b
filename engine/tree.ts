/** A folder that counts as one with all that is in it. */
import type { DirEntry, Disk } from "./types.ts";

export interface TreeFolder {
  readonly path: string;
  /** None where the folder is not there, or leads back to one above it. */
  readonly entries: readonly DirEntry[];
}

/** A folder and every folder below it, each before those in it. Links are followed, but not back to a folder above: two such links would be 2^40 folders. */
export function foldersOf(disk: Pick<Disk, "list" | "sign">, path: string): Generator<TreeFolder> {
  return walk(disk, path, []);
}

function* walk(disk: Pick<Disk, "list" | "sign">, path: string, above: readonly string[]): Generator<TreeFolder> {
  const signature = disk.sign(path);
  const own = signature === null ? "" : `${signature.dev}:${signature.ino}`;
  const entries = above.includes(own) ? [] : (disk.list(path) ?? []);
  yield { path, entries };
  const passed = [...above, own];
  for (const { name, is } of entries) if (is === "dir") yield* walk(disk, `${path}/${name}`, passed);
}
