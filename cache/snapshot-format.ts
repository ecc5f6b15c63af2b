/**
 * The layout of the no-op's memory: `.fb/state/snapshot` says for each request what the result rested on, and what it was. Compared before anything heavy is loaded.
 *
 * Constraints: a record of 30,000 files is compared in
 * 1.1 times what the bare stats cost (65 ms on 2 cores), one of 250 in 1.5 ms. JSON was rejected: 61 ms to parse for 30,000 files.
 *
 *   file     magic "fbsnap" + version (u16), length of index (u32), checksum of index (u32), 16 × time of last use (f64, ms since 1970; the only bytes written in
 *            place), index: JSON of [request, offset, length, checksum, aliases] a record; then the records. 16 at most, and 48 MB; the least recently used goes.
 *            An alias is another name of the request, at most 8: the words of a command line, which need no parsing.
 *   record   counts and lengths (u32 × 7): files, folders, groups, bytes of file paths, of folder paths, of details, of facts; checksums
 *            (u32 × 3): of the details, of all these and of the facts, none (0)
 *            signatures (5 × u64: dev ino size mtimeNs ctimeNs) of files, folders, groups
 *            facts: JSON of Facts; file paths, folder paths (each ended by NUL); details: JSON of Details, read only when a folder's signature differs. Padded to 8.
 *
 * Absent paths are grouped by the folder in which their first missing part would lie: as long as that folder's signature is equal nothing was added to it, so
 * one stat stands for many. Where it differs, or is too young to be trusted, each is looked at. Listings likewise.
 * Anything malformed, cut or of another version is as no snapshot. Damage is found by checksums: those of facts and details before they are believed; that
 * of the whole record, for which node:zlib is loaded, where something differs: a damaged path or signature is one that differs.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Signature } from "../engine/types.ts";
import { crc32 } from "./crc32.ts";

export const magic = "fbsnap\x05\x00";
export const headBytes = 16;
export const maxRecords = 16;
export const maxAliases = 8;
export const usedBytes = maxRecords * 8;
export const maxBytes = 48 * 2 ** 20;
export const recordHead = 40;
/** Places in a record's head. */
export const detailsSumAt = 28;
export const factsSumAt = 32;

/** Paths are relative to the project's folder or absolute. What is in here was true when the result came about; the caller has applied the racy rule to files and folders. */
export interface SnapshotRecord {
  /** Real path of the project's folder. */
  readonly dir: string;
  /** Leaf inputs and outputs. */
  readonly files: readonly { readonly path: string; readonly signature: Signature }[];
  /** Folders whose listing matters: sorted or not, without fb's own outputs, whose names are in `hidden`. */
  readonly folders: readonly Folder[];
  /** Where no file was found: there may be a folder. */
  readonly absent: readonly string[];
  /** Where no folder was found, nor anything else. */
  readonly missingFolders: readonly string[];
  /** Environment variables, undefined where unset. Of one named "sysenv.NAME" only the digest of NAME's value is kept: it may be a password. */
  readonly values: Readonly<Record<string, string | undefined>>;
  /** What a program's name resolved to on PATH; null if to nothing. */
  readonly programs: Readonly<Record<string, string | null>>;
  /** `!command` texts and what they printed, as runVolatile gave it. */
  readonly volatile: Readonly<Record<string, string>>;
  /** Symbolic links and their targets. */
  readonly links: Readonly<Record<string, string>>;
  /** fb's own build. */
  readonly build: string;
  /** What the no-op prints. */
  readonly payload: string;
  /** The ids of the kept graph and of the digests that go with it (graph-file.ts); null where there are none. */
  readonly kept: KeptIds | null;
  /** The clock of the project's disk, nanoseconds, and that disk's device: taken before this call, so that younger folders are not trusted by signature. */
  readonly now: bigint;
  readonly device: bigint;
}

export interface KeptIds {
  readonly graph: string;
  readonly digests: string;
}

export interface Folder {
  readonly path: string;
  readonly signature: Signature;
  readonly entries: readonly { readonly name: string; readonly is: "file" | "dir" }[];
  readonly hidden: readonly string[];
}

/** What is true now, to compare with. */
export interface Now {
  readonly dir: string;
  readonly vars: Readonly<Record<string, string | undefined>>;
  readonly build: string;
  /** Whether what a `!command` printed is taken for still so: true for who has just run them. */
  readonly trustsCommands?: boolean;
}

export interface Facts {
  /** Real path of the project's folder. */
  readonly dir: string;
  readonly build: string;
  readonly payload: string;
  readonly kept: KeptIds | null;
  readonly groups: readonly string[];
  readonly values: Readonly<Record<string, string | null>>;
  readonly programs: Readonly<Record<string, string | null>>;
  readonly volatile: Readonly<Record<string, string>>;
  readonly links: Readonly<Record<string, string>>;
}

export interface Details {
  readonly listings: readonly { readonly entries: string; readonly hidden: readonly string[] }[];
  /** By group. "x/": nothing or a folder is there. */
  readonly missing: readonly (readonly string[])[];
}

export interface Indexed {
  readonly request: string;
  readonly aliases: readonly string[];
  readonly offset: number;
  readonly length: number;
  readonly checksum: number;
  used: number;
}

export interface Decoded {
  readonly bytes: Buffer;
  readonly nFiles: number;
  readonly nFolders: number;
  readonly signatures: BigUint64Array;
  readonly facts: Facts;
  readonly filePathsAt: number;
  readonly folderPathsAt: number;
  readonly detailsAt: number;
  /** Parsed when it is first asked for. Throws a SyntaxError where the record is damaged. */
  details(): Details;
  /** Whether all of it is as it was written. */
  isWhole(): boolean;
}

/** Null where it is cut, or its counts or facts are damaged. */
export function readRecord(fd: number, r: Indexed): Decoded | null {
  const bytes = readExactly(fd, r.offset, r.length);
  if (bytes === null || bytes.length % 8 !== 0) return null;
  const [nFiles = 0, nFolders = 0, nGroups = 0, fileBytes = 0, folderBytes = 0, detailBytes = 0, factBytes = 0] = words(bytes);
  const count = 5 * (nFiles + nFolders + nGroups);
  const factsAt = recordHead + count * 8;
  const filePathsAt = factsAt + factBytes;
  const folderPathsAt = filePathsAt + fileBytes;
  const detailsAt = folderPathsAt + folderBytes;
  if (detailsAt + detailBytes > bytes.length || factsSum(bytes, factsAt, factBytes) !== bytes.readUInt32LE(factsSumAt)) return null;
  let details: Details | null = null;
  return {
    bytes,
    nFiles,
    nFolders,
    signatures: new BigUint64Array(bytes.buffer, bytes.byteOffset + recordHead, count),
    facts: JSON.parse(bytes.toString("utf8", factsAt, filePathsAt)) as Facts,
    filePathsAt,
    folderPathsAt,
    detailsAt,
    isWhole: () => crc32(bytes) === r.checksum,
    details: () => {
      if (details === null && textSum(bytes, detailsAt, detailBytes) !== bytes.readUInt32LE(detailsSumAt))
        throw new SyntaxError("its record is damaged");
      details ??= JSON.parse(bytes.toString("utf8", detailsAt, detailsAt + detailBytes)) as Details;
      return details;
    },
  };
}

/** Of a record's counts, of the checksum of its details, and of its facts. */
export function factsSum(bytes: Buffer, factsAt: number, factBytes: number): number {
  return (textSum(bytes, 0, factsSumAt) ^ textSum(bytes, factsAt, factBytes)) >>> 0;
}

/** Of the words that begin in a part of a record; one that begins in it may end in the next. */
export function textSum(bytes: Buffer, from: number, length: number): number {
  const start = (from + 3) & ~3;
  return sum(words(bytes.subarray(start, Math.min(start + ((length + 3) & ~3), bytes.length))));
}

/** Of the index, as it lies in the file. */
export type Row = [request: string, offset: number, length: number, checksum: number, aliases: readonly string[]];

/** Offsets as of the file's start; null if the file is not one of ours. */
export function readIndex(fd: number): Indexed[] | null {
  const head = readExactly(fd, 0, headBytes + usedBytes);
  if (head === null || head.toString("latin1", 0, 8) !== magic) return null;
  const length = head.readUInt32LE(8);
  if (length > fstatSync(fd).size || length % 4 !== 0) return null;
  const index = readExactly(fd, headBytes + usedBytes, length);
  if (index === null || sum(words(index)) !== head.readUInt32LE(12)) return null;
  const rows = JSON.parse(index.toString("utf8")) as Row[];
  const base = headBytes + usedBytes + length;
  return rows.map(([request, offset, bytes, checksum, aliases], i) => ({
    request,
    aliases,
    offset: base + offset,
    length: bytes,
    checksum,
    used: head.readDoubleLE(headBytes + i * 8),
  }));
}

export interface Kept {
  readonly request: string;
  aliases: readonly string[];
  /** Null for the record that is to be replaced. */
  readonly bytes: Buffer | null;
  readonly used: number;
}

/** The records of the file; of the one for `request`, only its names. */
export function readKept(file: string, request: string): Kept[] {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch {
    return [];
  }
  try {
    const kept: Kept[] = [];
    for (const r of readIndex(fd) ?? []) {
      const bytes = r.request === request ? null : readExactly(fd, r.offset, r.length);
      const whole = bytes !== null && crc32(bytes) === r.checksum;
      if (whole || r.request === request) kept.push({ request: r.request, aliases: r.aliases, bytes, used: r.used });
    }
    return kept;
  } catch {
    return [];
  } finally {
    closeSync(fd);
  }
}

/** Texts that each end with NUL; none is the empty list. */
export function split(bytes: Buffer, from: number, to: number): string[] {
  return from === to ? [] : bytes.toString("utf8", from, to - 1).split("\0");
}

/** In one buffer of its own, filled up to a multiple of 8. */
export function padded(parts: readonly Buffer[], fill: string): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = Buffer.from(new ArrayBuffer((size + 7) & ~7));
  let at = 0;
  for (const part of parts) at += part.copy(bytes, at);
  bytes.fill(fill, at);
  return bytes;
}

export function words(b: Buffer): Uint32Array {
  return new Uint32Array(b.buffer, b.byteOffset, b.length >>> 2);
}

/** Every single change of a word changes it. 1 ns a word once it is compiled; few bytecodes, because of a small record it is not: 0.3 ms, FNV 0.7. */
export function sum(data: Uint32Array): number {
  const n = data.length;
  let h = n | 0;
  for (let i = 0; i < n; i++) h = ((h << 5) - h + (data[i] as number)) | 0;
  return h >>> 0;
}

function readExactly(fd: number, offset: number, length: number): Buffer | null {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length; ) {
    const n = readSync(fd, bytes, done, length - done, offset + done);
    if (n === 0) return null;
    done += n;
  }
  return bytes;
}
