/**
 * Keeps the cache within its bound: the least recently used results go first, then the blobs that no result names.
 *
 * Safe while others build: a result whose blob is gone is a miss, so nothing here has to be atomic. Never taken: a blob put within the hour (its record may
 * still be on its way), a result used within the hour. One collector at a time (gc.lock). `gc.json` keeps when it last ran and what was left, `added` a
 * line for each run that put blobs: from both follows whether it is due without looking at any blob.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Failure, Result } from "../engine/types.ts";
import { nowMinutes } from "./actions.ts";
import { hashFile } from "./blobs.ts";
import { decodeReads, decodeResult, decodeSet, encodeReads, isSound, setIdBytes, setOf } from "./codec.ts";
import { tableNames } from "./lmdb.ts";
import { dayOf, today } from "./memo.ts";
import type { Cache } from "./open.ts";
import { type OldOnes, removeAllPackages, removeOldPackages } from "./package-age.ts";
import { liveMarkers, tryLock } from "./processes.ts";
import { errorCode, trouble } from "./trouble.ts";

export const defaultLimit = 10 * 1000 ** 3;
const graceMs = 3_600_000;
const dayMs = 86_400_000;
const memoDays = 60;
/** Collected down to this part of the bound, so that the next run does not collect again. */
const lowWater = 0.9;
const batch = 500;

export interface CacheStats {
  readonly entries: number;
  readonly blobs: number;
  /** Of blobs and database. */
  readonly bytes: number;
  readonly limit: number;
}

export interface Collected extends OldOnes {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  /** What is left. */
  readonly left: number;
}

export interface Verified {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly badEntries: number;
  readonly badBlobs: number;
}

/** The bound from $FB_CACHE_LIMIT ("500MB", "2 GiB", bytes), else 10 GB. */
export function cacheLimit(vars: Readonly<Record<string, string | undefined>>): Result<number> {
  const text = vars["FB_CACHE_LIMIT"];
  if (text === undefined || text === "") return { ok: true, value: defaultLimit };
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*$/i.exec(text);
  if (match === null) {
    const message = `FB_CACHE_LIMIT is "${text}": expected a size such as 500MB, 10GB or 2GiB`;
    return { ok: false, failure: trouble("error", "cache.limit", "FB_CACHE_LIMIT", message, "set it to a size, or unset it for 10 GB") };
  }
  const [, number = "", unit = "", binary = ""] = match;
  const power = unit === "" ? 0 : "kmgt".indexOf(unit.toLowerCase()) + 1;
  return { ok: true, value: Math.floor(Number(number) * (binary === "" ? 1000 : 1024) ** power) };
}

/** At the end of a run: collects if it was not done for a day, or if what was added since may exceed the bound. null: nothing was due, or another does it. */
export function maybeCollect(cache: Cache, limit: number): Collected | null {
  noteAdded(cache);
  const last = readLast(cache.folder);
  if (last !== null && Date.now() - last.at < dayMs && Date.now() >= last.at && last.bytes + addedSince(cache.folder) <= limit) return null;
  return collect(cache, limit);
}

/** How many bytes of blobs this process put, for the count that maybeCollect reads. */
export function noteAdded(cache: Cache): void {
  const bytes = cache.blobs.takeAdded();
  if (bytes === 0) return;
  try {
    appendFileSync(join(cache.folder, "added"), `${bytes}\n`);
  } catch {
    // A full disk, which whoever puts a blob says; the collection that comes each day counts anew.
  }
}

/** Brings the cache within the bound. null: another process is doing so. */
export function collect(cache: Cache, limit: number): Collected | null {
  const lock = join(cache.folder, "gc.lock");
  if (!takeTurn(lock)) return null;
  try {
    cache.db.flush();
    const blobs = listBlobs(cache);
    let total = databaseBytes(cache);
    for (const b of blobs.values()) total += b.size;
    const before = total;
    const entries = readEntries(cache);
    const references = new Map<string, number>();
    for (const e of entries) for (const d of e.digests) references.set(d, (references.get(d) ?? 0) + 1);
    const young = (mtimeMs: number) => Date.now() - mtimeMs < graceMs;
    const doomed: string[] = [];
    const release = (d: string) => {
      const blob = blobs.get(d);
      if (blob === undefined || young(blob.mtimeMs)) return;
      doomed.push(d);
      total -= blob.size;
    };
    for (const d of blobs.keys()) if (!references.has(d)) release(d);
    const gone: Entry[] = [];
    if (total > limit) {
      const hourAgo = nowMinutes() - graceMs / 60_000;
      for (const e of entries.sort((a, b) => a.used - b.used)) {
        if (total <= limit * lowWater || e.used >= hourAgo) break;
        gone.push(e);
        for (const d of e.digests) {
          const left = (references.get(d) ?? 1) - 1;
          references.set(d, left);
          if (left === 0) release(d);
        }
      }
    }
    removeEntries(cache, gone);
    // Files go after the records that name them are gone.
    let removed = 0;
    for (const d of doomed) if (removeBlob(cache, d, young)) removed++;
    removeOrphans(cache);
    removeOldMemos(cache);
    const old = removeOldPackages(cache.folder);
    try {
      writeFileSync(join(cache.folder, "added"), "");
      writeFileSync(join(cache.folder, "gc.json"), JSON.stringify({ at: Date.now(), bytes: total }));
    } catch {
      // Still full: the next run collects again.
      rmSync(join(cache.folder, "gc.json"), { recursive: true, force: true });
    }
    return { entries: gone.length, blobs: removed, bytes: before - total, left: total, ...old };
  } finally {
    rmSync(lock, { force: true });
  }
}

/** False: another process collects, or somebody has deleted the folder. */
function takeTurn(lock: string): boolean {
  try {
    // The second try takes the place of a collector that was killed.
    return tryLock(lock) || tryLock(lock);
  } catch (error) {
    // A disk without room for one more file needs collecting most, and two collectors do each other no harm.
    if (["ENOSPC", "EDQUOT"].includes(errorCode(error))) return true;
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

export function stats(cache: Cache, limit: number): CacheStats {
  cache.db.flush();
  const blobs = listBlobs(cache);
  let bytes = databaseBytes(cache);
  for (const b of blobs.values()) bytes += b.size;
  return { entries: cache.db.count("results"), blobs: blobs.size, bytes, limit };
}

/** Reads every blob and every record; what is wrong is removed. */
export function verify(cache: Cache): Verified {
  cache.db.flush();
  const sizes = new Map<string, number>();
  let badBlobs = 0;
  let bytes = 0;
  for (const [d, b] of listBlobs(cache)) {
    let actual: string;
    try {
      actual = hashFile(cache.blobs.path(d)).digest;
    } catch (error) {
      // Removed meanwhile; or a folder, which is no blob.
      if (errorCode(error) === "ENOENT") continue;
      actual = "";
    }
    if (actual === d) {
      sizes.set(d, b.size);
      bytes += b.size;
    } else {
      badBlobs++;
      rmSync(cache.blobs.path(d), { recursive: true, force: true });
    }
  }
  const bad: Entry[] = [];
  let good = 0;
  for (const { key, value } of cache.db.entries("results")) {
    const stored = decodeResult(value);
    const set = stored && cache.db.get("sets", Buffer.from(stored.set, "latin1"));
    const sound =
      set !== undefined &&
      decodeSet(set, new Map()) !== undefined &&
      stored?.result.outputs.every((o) => sizes.get(o.digest) === o.size || isPut(cache, o.digest, o.size));
    if (sound === true) good++;
    else bad.push({ key, used: Number.POSITIVE_INFINITY, digests: [] });
  }
  removeEntries(cache, bad);
  removeOrphans(cache);
  return { entries: good, blobs: sizes.size, bytes, badEntries: bad.length, badBlobs };
}

/** Empties and closes the cache. Others that have it open go on, with misses; packages stay then, with a warning. */
export async function clear(cache: Cache): Promise<Failure | null> {
  const emptied = removeAllPackages(cache.folder);
  const failure = cache.db.transact(() => {
    for (const name of tableNames) cache.db.clear(name);
  });
  for (const d of listBlobs(cache).keys()) rmSync(cache.blobs.path(d), { force: true });
  for (const name of ["added", "gc.json"]) rmSync(join(cache.folder, name), { force: true });
  for (const name of namesIn(cache.folder))
    if (name.startsWith("actions.bad-") || name === "python") rmSync(join(cache.folder, name), { recursive: true, force: true });
  await cache.close();
  // LMDB's file never shrinks.
  if (liveMarkers(cache.folder).length === 0) rmSync(join(cache.folder, "actions"), { recursive: true, force: true });
  if (failure === null && !emptied)
    return trouble(
      "warning",
      "cache.busy",
      cache.folder,
      "packages are left, since another fb uses this cache",
      "run `fb cache clear` again when it has ended",
    );
  return failure;
}

interface Entry {
  readonly key: Buffer;
  /** Minutes since 1970. */
  readonly used: number;
  readonly digests: readonly string[];
}

function readEntries(cache: Cache): Entry[] {
  const entries: Entry[] = [];
  for (const { key, value } of cache.db.entries("results")) {
    const used = cache.db.get("used", key);
    const digests = new Set((decodeResult(value)?.result.outputs ?? []).map((o) => o.digest));
    entries.push({ key, used: used?.length === 4 ? used.readUInt32LE() : 0, digests: [...digests] });
  }
  return entries;
}

/** Those that were used since they were read stay. */
function removeEntries(cache: Cache, entries: readonly Entry[]): void {
  for (let i = 0; i < entries.length; i += batch) {
    cache.db.transact(() => {
      for (const e of entries.slice(i, i + batch)) {
        const used = cache.db.get("used", e.key);
        if (used?.length === 4 && used.readUInt32LE() > e.used) continue;
        cache.db.remove("results", e.key);
        cache.db.remove("used", e.key);
      }
    });
  }
}

/** Read sets that no result names, and the lists that name them. One that is just being recorded again becomes a miss. */
function removeOrphans(cache: Cache): void {
  const { db } = cache;
  const named = new Set<string>();
  for (const { value } of db.entries("results")) {
    if (isSound(value)) named.add(setOf(value));
  }
  const sets: Buffer[] = [];
  for (const { key } of db.entries("sets")) if (!named.has(key.toString("latin1"))) sets.push(key);
  const lists: { key: Buffer; ids: Buffer[] }[] = [];
  for (const { key, value } of db.entries("reads")) {
    const ids = decodeReads(value);
    const kept = ids.filter((id) => named.has(id.toString("latin1")));
    if (kept.length < ids.length || ids.length === 0) lists.push({ key, ids: kept });
  }
  removeKeys(cache, "sets", sets);
  for (let i = 0; i < lists.length; i += batch) {
    db.transact(() => {
      for (const { key, ids } of lists.slice(i, i + batch)) {
        const [first, ...older] = ids;
        if (first === undefined || first.length !== setIdBytes) db.remove("reads", key);
        else db.put("reads", key, encodeReads(first, older));
      }
    });
  }
}

function removeOldMemos(cache: Cache): void {
  for (const table of ["memo", "values"] as const) {
    const old: Buffer[] = [];
    for (const { key, value } of cache.db.entries(table)) if (today() - dayOf(table, value) > memoDays) old.push(key);
    removeKeys(cache, table, old);
  }
}

function removeKeys(cache: Cache, table: "sets" | "memo" | "values", keys: readonly Buffer[]): void {
  for (let i = 0; i < keys.length; i += batch) {
    cache.db.transact(() => {
      for (const key of keys.slice(i, i + batch)) cache.db.remove(table, key);
    });
  }
}

interface BlobFile {
  readonly size: number;
  readonly mtimeMs: number;
}

/** By digest. Temporary files of runs that ended an hour ago are removed on the way. */
function listBlobs(cache: Cache): Map<string, BlobFile> {
  const found = new Map<string, BlobFile>();
  for (const folder of namesIn(cache.blobs.folder)) {
    for (const name of namesIn(join(cache.blobs.folder, folder))) {
      const path = join(cache.blobs.folder, folder, name);
      const s = statSync(path, { throwIfNoEntry: false });
      if (s === undefined) continue;
      if (!name.startsWith(".")) found.set(folder + name, { size: s.size, mtimeMs: s.mtimeMs });
      else if (Date.now() - s.mtimeMs > graceMs) rmSync(path, { force: true });
    }
  }
  return found;
}

/** Looked at once more just before: it may have been put again meanwhile. */
function removeBlob(cache: Cache, d: string, young: (mtimeMs: number) => boolean): boolean {
  const path = cache.blobs.path(d);
  const s = statSync(path, { throwIfNoEntry: false });
  if (s === undefined || young(s.mtimeMs)) return false;
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Put since the blobs were listed. */
function isPut(cache: Cache, d: string, size: number): boolean {
  return statSync(cache.blobs.path(d), { throwIfNoEntry: false })?.size === size;
}

function databaseBytes(cache: Cache): number {
  return statSync(join(cache.folder, "actions", "data.mdb"), { throwIfNoEntry: false })?.size ?? 0;
}

function readLast(folder: string): { at: number; bytes: number } | null {
  try {
    const value = JSON.parse(readFileSync(join(folder, "gc.json"), "utf8")) as { at?: unknown; bytes?: unknown };
    return typeof value.at === "number" && typeof value.bytes === "number" ? { at: value.at, bytes: value.bytes } : null;
  } catch {
    return null;
  }
}

function addedSince(folder: string): number {
  try {
    return readFileSync(join(folder, "added"), "utf8")
      .split("\n")
      .reduce((sum, line) => sum + (Number(line) || 0), 0);
  } catch {
    return 0;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
