/**
 * Which packages and downloads are still of use. `used/FOLDER` beside the store is an empty file for each package: its time is the day on which a run last used it (the
 * store's own folders are sealed and are not touched). A package without one is as old as its folder. A download's own time tells (cache/fetch).
 */
import { existsSync, readdirSync, realpathSync, renameSync, rmSync, statSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeFolders } from "./folders.ts";
import { liveMarkers, processName } from "./processes.ts";
import { removeTree } from "./remove-tree.ts";
import { dayMs, noteUse } from "./use-mark.ts";

/** What nobody used for so long goes. */
export const keptDays = 30;

/** Notes that packages are used; paths that are no packages of this cache's store are passed over. A note that can not be made makes a package look older, no more. */
export function notePackages(cache: string, folders: Iterable<string>): void {
  const store = join(cache, "packages");
  // A cache behind a link: roots of paths have their links resolved.
  const real = existsSync(store) ? realpathSync(store) : store;
  for (const folder of new Set(folders)) {
    if (dirname(folder) !== store && dirname(folder) !== real) continue;
    try {
      makeFolders(join(cache, "used"));
    } catch {
      // A full or read-only disk.
    }
    noteUse(join(store, basename(folder)));
  }
}

export interface OldOnes {
  readonly packages: number;
  readonly downloads: number;
}

/** Removes what was not used for 30 days. While other processes have the cache open no package goes: one of them may be about to use it. */
export function removeOldPackages(cache: string): OldOnes {
  const isOld = (age: number | null): boolean => age !== null && age > keptDays * dayMs;
  const isAlone = liveMarkers(cache).every((name) => name === processName());
  let packages = 0;
  for (const name of isAlone ? namesIn(join(cache, "packages")) : []) {
    if (name.startsWith(".")) continue;
    const mark = join(cache, "used", name);
    if (!isOld(ageOf(mark) ?? ageOf(join(cache, "packages", name)))) continue;
    if (removePackage(cache, name)) packages++;
  }
  let downloads = 0;
  for (const name of namesIn(join(cache, "downloads"))) {
    const file = join(cache, "downloads", name);
    if (!/^[0-9a-f]{64}$/.test(name) || !isOld(ageOf(file))) continue;
    try {
      unlinkSync(file);
      downloads++;
    } catch {
      // Gone, or another user's.
    }
  }
  // Answers of registries are of use for an hour, offline for longer.
  for (const name of namesIn(join(cache, "answers")))
    if (isOld(ageOf(join(cache, "answers", name)))) rmSync(join(cache, "answers", name), { force: true });
  return { packages, downloads };
}

/** All packages, downloads and answers. False: others have the cache open, and the packages stay. */
export function removeAllPackages(cache: string): boolean {
  for (const name of ["downloads", "answers"]) removeTree(join(cache, name));
  if (!liveMarkers(cache).every((name) => name === processName())) return false;
  for (const name of namesIn(join(cache, "packages"))) if (!name.startsWith(".")) removePackage(cache, name);
  return removeTree(join(cache, "packages")) && removeTree(join(cache, "used"));
}

/** By one rename, so that none is ever there in part. */
function removePackage(cache: string, name: string): boolean {
  // The store's own name for what is on its way out: its next install sweeps what a killed process left.
  const gone = join(cache, "packages", `.gone-${processName()}-gc-${name}`);
  try {
    renameSync(join(cache, "packages", name), gone);
  } catch {
    return false;
  }
  rmSync(join(cache, "used", name), { force: true });
  return removeTree(gone);
}

/** Milliseconds since a file's or folder's time; null where it is not there. */
function ageOf(path: string): number | null {
  const at = statSync(path, { throwIfNoEntry: false });
  return at === undefined ? null : Date.now() - at.mtimeMs;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
