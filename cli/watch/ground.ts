/**
 * What a run rested on, to see whether a further run would do anything. After a run that went well its snapshot says so; a run that failed, or that could keep
 * none, is asked for all that it looked at. Nothing here rests on events: they only say when to look.
 */
import { closeSync, openSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { signFile } from "../../cache/signature.ts";
import { type Changed, checkSnapshot } from "../../cache/snapshot.ts";
import { type Decoded, readIndex, readRecord, split } from "../../cache/snapshot-format.ts";
import { inFolder, isMissing } from "../../cache/snapshot-world.ts";
import { type Files, listed, listingText, sameSignature } from "../../engine/files.ts";
import type { ProjectPath, Signature } from "../../engine/types.ts";
import type { Built } from "../build.ts";
import { type Found, putFound } from "../found.ts";
import { buildId } from "../home.ts";
import { hashing } from "../host/hash.ts";
import { snapshotFile } from "../keep.ts";
import { type HostDisk, openDisk } from "../host/disk.ts";

/** What is no longer as it was: names for people, at least one. */
export type Difference = readonly string[];

export interface Ground {
  /** Null: all is as the run saw it. afterRun: `!command`s have just been run, and are not run again. */
  difference(afterRun: boolean): Difference | null;
  /** Every path that was read or looked for, and every folder that was listed ("dir/"), from the project's folder or absolute. */
  paths(): Iterable<string>;
}

/** The answer of a request's snapshot: all stands (its payload), or what differs; null where there is none. What a run can take up is left for it. */
export function askSnapshot(dir: string, request: string, trustsCommands: boolean): { payload: string } | Difference | null {
  const found = check(dir, request, trustsCommands);
  if (found === null || "payload" in found) return found;
  const { changed, stale } = found;
  if (changed === null) return [stale];
  putFound({ ...changed, dir } satisfies Found);
  return changedPaths(changed);
}

function check(dir: string, request: string, trustsCommands: boolean): ReturnType<typeof checkSnapshot> {
  return checkSnapshot(snapshotFile(dir), request, { dir, vars: process.env, build: buildId, trustsCommands });
}

function changedPaths({ files, paths }: Changed): string[] {
  return files.map((place) => paths[place] as string);
}

/** Of a run whose snapshot stands. */
export class SnapshotGround implements Ground {
  private readonly dir: string;
  private readonly request: string;

  constructor(dir: string, request: string) {
    this.dir = dir;
    this.request = request;
  }

  difference(afterRun: boolean): Difference | null {
    const now = askSnapshot(this.dir, this.request, afterRun);
    if (now === null) return [".fb/state/snapshot is gone"];
    return "payload" in now ? null : now;
  }

  paths(): Iterable<string> {
    return recordPaths(this.dir, this.request);
  }
}

/** The paths of a request's record; none where there is no record. */
export function* recordPaths(dir: string, request: string): Generator<string> {
  const record = recordOf(dir, request);
  if (record === null) return;
  const { bytes, facts, filePathsAt, folderPathsAt, detailsAt } = record;
  yield* split(bytes, filePathsAt, folderPathsAt);
  for (const folder of split(bytes, folderPathsAt, detailsAt)) yield folder === "." ? "./" : `${folder}/`;
  // A group's folder is there, and none of its paths: its names say enough.
  for (const group of facts.groups) yield group === "" ? "./" : `${group}/`;
}

function recordOf(dir: string, request: string): Decoded | null {
  let fd: number;
  try {
    fd = openSync(snapshotFile(dir), "r");
  } catch {
    return null;
  }
  try {
    const found = readIndex(fd)?.find((r) => r.request === request);
    const record = found === undefined ? null : readRecord(fd, found);
    return record?.isWhole() === true ? record : null;
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

/** A failed compile has not told what it read: so many files of the folders that it searches are watched for it. */
const MOST_SEARCHED = 5000;

/** Of a run that left no snapshot. */
export class SightGround implements Ground {
  private readonly dir: string;
  private readonly request: string | null;
  private readonly built: Built;
  private readonly searched: ReadonlyMap<string, Signature>;
  private readonly suspicious: readonly string[];

  /** request: null where it has no snapshot. since: the disk's clock before the run. */
  constructor(dir: string, request: string | null, built: Built, since: bigint) {
    this.dir = dir;
    this.request = request;
    this.built = built;
    const searched = new Map<string, Signature>();
    const suspicious: string[] = [];
    for (const path of this.searchedFiles()) {
      const s = signFile(inFolder(dir, path));
      if (s === null) continue;
      searched.set(path, s);
      // It may have been changed after a compiler read it.
      if ((s.mtimeNs >= since || s.ctimeNs >= since) && built.outcome?.files.before(path) === null) suspicious.push(path);
    }
    this.searched = searched;
    this.suspicious = suspicious;
  }

  difference(afterRun: boolean): Difference | null {
    const disk = openDisk(this.dir);
    const found = new Set<string>(afterRun ? this.suspicious : []);
    for (const path of this.read(disk)) found.add(path);
    for (const path of this.carried(afterRun)) found.add(path);
    const now = new Set<string>();
    for (const path of this.searchedFiles()) {
      now.add(path);
      const [was, is] = [this.searched.get(path) ?? null, signFile(inFolder(this.dir, path))];
      if (was === null || is === null ? was !== is : !sameSignature(was, is)) found.add(path);
    }
    for (const path of this.searched.keys()) if (!now.has(path)) found.add(path);
    return found.size === 0 ? null : [...found];
  }

  *paths(): Iterable<string> {
    const { outcome, looked } = this.built;
    if (outcome !== null) {
      for (const [path] of outcome.files.files()) yield path;
      for (const path of outcome.files.absents()) yield path;
      for (const path of outcome.files.folders()) yield path === "" ? "./" : `${path}/`;
    }
    for (const read of looked?.reads ?? []) if (read.is !== "value") yield read.is === "listing" ? `${read.path || "."}/` : read.path;
    for (const path of this.searched.keys()) yield path;
    for (const folder of this.searchedFolders()) yield `${folder}/`;
    if (this.request !== null) yield* recordPaths(this.dir, this.request);
    yield "platformio.ini";
  }

  /** What the run saw itself and is otherwise now. */
  private *read(disk: HostDisk): Generator<string> {
    const { outcome, looked } = this.built;
    if (looked !== null) {
      for (const [path, was] of looked.files) {
        const now = disk.sign(path);
        if (now === null || !sameSignature(now, was.signature) || hashing.sha256(disk.read(path)) !== was.digest) yield path;
      }
      for (const read of looked.reads) if (read.is === "absent" && !isMissing(this.dir, `${read.path}/`)) yield read.path;
      for (const [path, digest] of looked.listings) {
        if (hashing.sha256(listingText(listed(disk, path))) !== digest) yield path === "" ? "." : path;
      }
    }
    if (outcome === null) return;
    const { files } = outcome;
    for (const [path] of files.files()) if (!isMade(path) && !files.unchanged({ is: "file", path: path as ProjectPath })) yield path;
    for (const path of files.absents()) if (!isMade(path) && !files.unchanged({ is: "absent", path: path as ProjectPath })) yield path;
    for (const path of files.folders()) if (!files.unchanged({ is: "listing", path: path as ProjectPath })) yield path === "" ? "." : path;
  }

  /** What a run of few changes took for unchanged, and is not. */
  private *carried(afterRun: boolean): Generator<string> {
    const { outcome, looked } = this.built;
    if (looked !== null || outcome === null || this.request === null) return;
    const found = check(this.dir, this.request, afterRun);
    if (found === null || "payload" in found) return yield "the project";
    const { changed, stale } = found;
    if (changed === null) return yield stale;
    for (const path of changedPaths(changed)) if (!isMade(path) && !isSeen(outcome.files, path)) yield path;
  }

  /** Every file of the folders that compiles which came to nothing search. */
  private *searchedFiles(): Generator<string> {
    let left = MOST_SEARCHED;
    for (const folder of this.searchedFolders()) {
      for (const path of filesBelow(this.dir, folder)) {
        yield path;
        if (--left === 0) return;
      }
    }
  }

  private searchedFolders(): ReadonlySet<string> {
    const { outcome } = this.built;
    const folders = new Set<string>();
    for (const { id, spec } of outcome?.graph.nodes ?? []) {
      if (spec.kind !== "compile" || outcome?.results.has(id) === true) continue;
      for (const input of spec.inputs) if (input.is === "file" && !isMade(input.path)) folders.add(dirname(input.path));
      for (const [i, arg] of spec.argv.entries()) {
        const at = /^-(?:I|iquote|isystem)/.exec(arg)?.[0];
        if (at !== undefined) folders.add(arg.length > at.length ? arg.slice(at.length).trim() : (spec.argv[i + 1] ?? "."));
      }
    }
    // A sealed package does not change, and a system's folders are too many.
    for (const folder of folders)
      if (isMade(folder) || folder.startsWith("/usr/") || /^\.fb\/pkg\/[^/]*(?<!@local)(\/|$)/.test(folder)) folders.delete(folder);
    return folders;
  }
}

function isSeen(files: Files, path: string): boolean {
  return files.isKnown(path) && files.unchanged({ is: "file", path: path as ProjectPath });
}

/** What fb makes is not what a run rests on. */
function isMade(path: string): boolean {
  return path.startsWith(".fb/build/") || path.startsWith(".fb/state/");
}

function* filesBelow(dir: string, folder: string): Generator<string> {
  let entries: ReturnType<typeof readEntries>;
  try {
    entries = readEntries(inFolder(dir, folder));
  } catch {
    return;
  }
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = isAbsolute(folder) ? join(folder, entry.name) : folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(dir, path);
    else yield path;
  }
}

function readEntries(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}
