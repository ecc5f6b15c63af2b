/**
 * The no-op: whether the last result of a request still stands. The layout is snapshot-format.ts's; this file, it and snapshot-world.ts import nothing but
 * node:fs and node:path before they have to (a `!command`, a `${sysenv.*}`).
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Signature } from "../engine/types.ts";
import { type Decoded, type Details, headBytes, type Now, readIndex, readRecord, split } from "./snapshot-format.ts";
import {
  digestOf,
  inFolder,
  isMissing,
  linkTarget,
  listing,
  resolveProgram,
  runVolatile,
  statOf,
  storedValue,
  variableOf,
} from "./snapshot-world.ts";
import { dayMs, noteUse } from "./use-mark.ts";

/** A record of which a few files are no longer as they were, and nothing else. */
export interface Changed {
  readonly request: string;
  /** Of the record, as the index has it: a later one has another. */
  readonly checksum: number;
  readonly record: Decoded;
  /** Every file of the record. */
  readonly paths: readonly string[];
  /** Those that changed or are gone, by their place. */
  readonly files: readonly number[];
}

/**
 * Whether what the request's last result rested on is still so. request: its name, or an alias of it.
 * @returns the payload; or what differs first, for --why, and `changed` where that are files alone and the next run can take up a kept graph; or null if there
 *   is no record (or none that can be read)
 */
export function checkSnapshot(
  file: string,
  request: string,
  now: Now,
): { payload: string } | { stale: string; changed: Changed | null } | null {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return null;
  }
  try {
    const index = readIndex(fd);
    const found = index?.find((r) => r.request === request || r.aliases.includes(request));
    if (index === null || found === undefined) return null;
    const record = readRecord(fd, found);
    if (record === null) return null;
    const different = difference(record, now);
    if (different !== null && !record.isWhole()) return null;
    if (typeof different === "string") return { stale: different, changed: null };
    if (different !== null) {
      noteLinked(record);
      const { request: name, checksum } = found;
      return { stale: `${different.paths[different.files[0] ?? 0]} changed`, changed: { request: name, checksum, record, ...different } };
    }
    // A package that is used by runs without work alone is not to be collected.
    if (Date.now() - found.used >= dayMs || index.some((r) => r.used > found.used)) {
      touch(file, index.indexOf(found));
      noteLinked(record);
    }
    return { payload: record.facts.payload };
  } catch (error) {
    // Malformed in a way that its checksum did not tell, or unreadable: as no snapshot.
    if (
      error instanceof RangeError ||
      error instanceof SyntaxError ||
      error instanceof TypeError ||
      (error instanceof Error && "code" in error)
    )
      return null;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Whether the record is still the one that was compared: another run may have ended since. */
export function isStill(file: string, { request, checksum }: Changed): boolean {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return false;
  }
  try {
    return readIndex(fd)?.some((r) => r.request === request && r.checksum === checksum) === true;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}

function noteLinked({ facts }: Decoded): void {
  for (const target of Object.values(facts.links)) noteUse(target);
}

/** In place: a lost race costs the order in which records go, nothing else. */
function touch(file: string, place: number): void {
  try {
    const fd = openSync(file, "r+");
    const used = Buffer.alloc(8);
    used.writeDoubleLE(Date.now());
    writeSync(fd, used, 0, 8, headBytes + place * 8);
    closeSync(fd);
  } catch {
    // A read-only project: nothing is written there anyway.
  }
}

/** What differs first, or which files where nothing else does and that is worth knowing; null: nothing. */
function difference(record: Decoded, now: Now): string | Pick<Changed, "paths" | "files"> | null {
  const { facts } = record;
  if (facts.build !== now.build) return "fb itself changed";
  // Flags and what fb writes for other tools name it.
  if (facts.dir !== now.dir) return `the project was moved from ${facts.dir}`;
  for (const [name, was] of Object.entries(facts.values))
    if (storedValue(name, now.vars[variableOf(name)]) !== was) return `the environment variable ${variableOf(name)} changed`;
  for (const [link, target] of Object.entries(facts.links))
    if (linkTarget(inFolder(now.dir, link)) !== target) return `${link} no longer leads to ${target}`;
  for (const [name, path] of Object.entries(facts.programs))
    if (resolveProgram(name, now) !== path) return `${name} is no longer ${path ?? "missing"} on PATH`;
  for (const [command, digest] of now.trustsCommands === true ? [] : Object.entries(facts.volatile)) {
    const output = runVolatile(command, now);
    if (output === null || digestOf(output) !== digest) return `!${command} prints something else`;
  }
  // Short paths where they can be: the kernel walks less, 10 % of the whole.
  const base = process.cwd() === now.dir ? "" : `${now.dir}/`;
  const { signatures, nFiles, nFolders } = record;
  const paths = split(record.bytes, record.filePathsAt, record.folderPathsAt);
  if (paths.length !== nFiles) return "its record is damaged";
  const changed: number[] = [];
  for (let i = 0; i < nFiles; i++) {
    const path = paths[i] as string;
    const s = statOf(path.charCodeAt(0) === 47 ? path : base + path);
    const j = i * 5;
    if (
      s === undefined ||
      s.mtimeNs !== signatures[j + 3] ||
      s.size !== signatures[j + 2] ||
      s.ctimeNs !== signatures[j + 4] ||
      s.ino !== signatures[j + 1] ||
      s.dev !== signatures[j]
    ) {
      if (facts.kept === null) return s === undefined ? `${path} is gone` : `${path} changed`;
      changed.push(i);
    }
  }
  const folders = split(record.bytes, record.folderPathsAt, record.detailsAt);
  for (let i = 0; i < nFolders; i++) {
    const path = folders[i] as string;
    if (isSame(statOf(inFolder(now.dir, path)), signatures, (nFiles + i) * 5)) continue;
    const was = record.details().listings[i] as Details["listings"][number];
    const is = listing(inFolder(now.dir, path), was.hidden);
    if (is !== was.entries) return listingChange(path, was.entries, is);
  }
  for (const [i, path] of facts.groups.entries()) {
    if (isSame(statOf(inFolder(now.dir, path)), signatures, (nFiles + nFolders + i) * 5)) continue;
    for (const missing of record.details().missing[i] as readonly string[])
      if (!isMissing(now.dir, missing)) return `${missing.replace(/\/$/, "")} is there now`;
  }
  return changed.length > 0 ? { paths, files: changed } : null;
}

/** Whether a signature is the one that begins at a place of the record's. */
export function isSame(s: Signature | null | undefined, signatures: BigUint64Array, j: number): boolean {
  return (
    s !== undefined &&
    s !== null &&
    s.mtimeNs === signatures[j + 3] &&
    s.ctimeNs === signatures[j + 4] &&
    s.ino === signatures[j + 1] &&
    s.dev === signatures[j] &&
    s.size === signatures[j + 2]
  );
}

function listingChange(folder: string, was: string, is: string | null): string {
  if (is === null) return `the folder ${folder} is gone`;
  const before = new Set(was.split("\0"));
  const after = new Set(is.split("\0"));
  const added = [...after].find((e) => !before.has(e));
  const removed = [...before].find((e) => !after.has(e));
  const change = added ?? removed ?? "";
  return `${folder === "" || folder === "." ? "" : `${folder}/`}${change.slice(1)} was ${added !== undefined ? "added" : "removed"}`;
}
