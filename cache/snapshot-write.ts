/** Keeps what a request's result rested on, for the no-op. Not loaded by it. */
import { dirname } from "node:path";
import type { Signature } from "../engine/types.ts";
import { isYoung } from "../engine/files.ts";
import { crc32 } from "./crc32.ts";
import { makeFolders } from "./folders.ts";
import { replaceFile } from "./replace-file.ts";
import { signFile } from "./signature.ts";
import {
  type Details,
  detailsSumAt,
  type Facts,
  factsSum,
  factsSumAt,
  headBytes,
  magic,
  type Kept,
  maxAliases,
  maxBytes,
  maxRecords,
  padded,
  readKept,
  recordHead,
  type Row,
  type SnapshotRecord,
  sum,
  textSum,
  usedBytes,
  words,
} from "./snapshot-format.ts";
import { digestOf, isLink, inFolder, listingText, parentOf, statOf, storedValue } from "./snapshot-world.ts";
import { errorCode } from "./trouble.ts";

/**
 * Keeps a record for the request; the others stay. alias: another name by which the record is found, null for none; earlier ones of the same request stay.
 * @returns null, or why none was written: what should be absent is there by now, the disk is full
 */
export function writeSnapshot(file: string, request: string, record: SnapshotRecord, alias: string | null = null): string | null {
  const encoded = encode(record);
  return typeof encoded === "string" ? encoded : writeRecord(file, request, encoded, alias);
}

/** The same for a record in its bytes. */
export function writeRecord(file: string, request: string, encoded: Buffer, alias: string | null): string | null {
  const kept = readKept(file, request);
  const aliases = namesOf(request, alias, kept);
  const others = kept.flatMap(({ bytes, ...r }) => (bytes === null ? [] : [{ ...r, bytes }])).sort((a, b) => b.used - a.used);
  const records = [{ request, aliases, bytes: encoded, used: Date.now() }, ...others];
  let total = 0;
  const fitting = records.filter((r, i) => {
    total += r.bytes.length;
    return i === 0 || (i < maxRecords && total <= maxBytes);
  });
  const rows = fitting.map((r): Row => [r.request, 0, r.bytes.length, crc32(r.bytes), r.aliases]);
  // Offsets are counted from the end of the index, so that its own length does not matter.
  let at = 0;
  for (const row of rows) {
    row[1] = at;
    at += row[2];
  }
  const index = padded([Buffer.from(JSON.stringify(rows), "utf8")], " ");
  const head = Buffer.alloc(headBytes + usedBytes);
  head.write(magic, "latin1");
  head.writeUInt32LE(index.length, 8);
  head.writeUInt32LE(sum(words(index)), 12);
  for (const [i, r] of fitting.entries()) head.writeDoubleLE(r.used, headBytes + i * 8);
  // The writer holds the project's lock; a name of its own for each process would be left by each that is killed.
  try {
    makeFolders(dirname(file));
    replaceFile(file, [head, index, ...fitting.map((r) => r.bytes)]);
  } catch (error) {
    // A full disk: the next run looks at everything again, no more.
    return `${file} cannot be written: ${errorCode(error)}`;
  }
  return null;
}

/** The newest first. One name stands for one request: what the words of a command line mean follows from them alone, but another build of fb may read them otherwise. */
function namesOf(request: string, alias: string | null, kept: readonly Kept[]): readonly string[] {
  const before = kept.find((r) => r.request === request)?.aliases ?? [];
  if (alias === null) return before;
  for (const r of kept) r.aliases = r.aliases.filter((a) => a !== alias);
  return [alias, ...before.filter((a) => a !== alias)].slice(0, maxAliases);
}

function encode(r: SnapshotRecord): Buffer | string {
  const absent = groupAbsent(r);
  if (typeof absent === "string") return absent;
  const groups = [...absent.keys()];
  const groupSignatures = [...absent.values()].map((g) => g.signature);
  const facts: Facts = {
    dir: r.dir,
    build: r.build,
    payload: r.payload,
    kept: r.kept,
    groups,
    values: Object.fromEntries(Object.entries(r.values).map(([name, value]) => [name, storedValue(name, value)])),
    programs: r.programs,
    volatile: Object.fromEntries(Object.entries(r.volatile).map(([command, output]) => [command, digestOf(output)])),
    links: r.links,
  };
  const details: Details = {
    listings: r.folders.map((f) => ({ entries: listingText(f.entries.map((e) => ({ ...e }))), hidden: f.hidden })),
    missing: [...absent.values()].map((g) => g.missing),
  };
  const filePaths = pathBytes(r.files.map((f) => f.path));
  const folderPaths = pathBytes(r.folders.map((f) => f.path));
  const signatures = new BigUint64Array(5 * (r.files.length + r.folders.length + groups.length));
  let at = 0;
  for (const s of [...r.files.map((f) => f.signature), ...r.folders.map((f) => trusted(f.signature, r)), ...groupSignatures])
    at = putSignature(signatures, at, s);
  const counts = [r.files.length, r.folders.length, groups.length] as const;
  return assemble(counts, signatures, facts, filePaths, folderPaths, Buffer.from(JSON.stringify(details), "utf8"));
}

/** @returns where the next one goes */
export function putSignature(signatures: BigUint64Array, at: number, s: Signature): number {
  signatures.set([s.dev, s.ino, s.size, s.mtimeNs, s.ctimeNs], at);
  return at + 5;
}

export function pathBytes(paths: readonly string[]): Buffer {
  return Buffer.from(paths.map((path) => `${path}\0`).join(""), "utf8");
}

/** A record from its parts; counts: of files, folders and groups. */
export function assemble(
  counts: readonly [number, number, number],
  signatures: BigUint64Array,
  facts: Facts,
  filePaths: Buffer,
  folderPaths: Buffer,
  details: Buffer,
): Buffer {
  const json = Buffer.from(JSON.stringify(facts), "utf8");
  const head = Buffer.alloc(recordHead);
  for (const [i, n] of [...counts, filePaths.length, folderPaths.length, details.length, json.length].entries())
    head.writeUInt32LE(n, i * 4);
  const bytes = Buffer.from(signatures.buffer, signatures.byteOffset, signatures.byteLength);
  const record = padded([head, bytes, json, filePaths, folderPaths, details], "\0");
  const factsAt = recordHead + bytes.length;
  const detailsAt = factsAt + json.length + filePaths.length + folderPaths.length;
  record.writeUInt32LE(textSum(record, detailsAt, details.length), detailsSumAt);
  record.writeUInt32LE(factsSum(record, factsAt, json.length), factsSumAt);
  return record;
}

export const never: Signature = { dev: 0n, ino: 0n, size: 0n, mtimeNs: 0n, ctimeNs: 0n };

/** The signature, or one that no folder has if this one could stay while the folder changes. */
export function trusted(s: Signature, r: Pick<SnapshotRecord, "now" | "device">): Signature {
  return isYoung(s, r.now, r.device) ? never : s;
}

/** Folder → the shortest missing paths in it; or what is there that should not be. */
export function groupAbsent(
  r: Pick<SnapshotRecord, "dir" | "absent" | "missingFolders" | "now" | "device">,
): Map<string, { signature: Signature; missing: string[] }> | string {
  const groups = new Map<string, { signature: Signature; missing: string[] }>();
  const known = new Map<string, Signature | null>();
  const seen = new Set<string>();
  /** null: nothing is there. Signed before what should be absent in it is looked for. */
  const sign = (path: string): Signature | null => {
    const before = known.get(path);
    if (before !== undefined) return before;
    const signature = signFile(inFolder(r.dir, path));
    known.set(path, signature);
    return signature;
  };
  const folders = new Set(r.missingFolders);
  for (const path of new Set([...r.absent, ...r.missingFolders])) {
    const parts = path.split("/");
    let missing = path;
    let parent = parentOf(path);
    for (let i = 1; i < parts.length; i++) {
      const prefix = parts.slice(0, i).join("/");
      if (prefix === "" || sign(prefix) !== null) continue;
      missing = prefix;
      parent = parentOf(prefix);
      break;
    }
    if (seen.has(missing)) continue;
    seen.add(missing);
    let group = groups.get(parent);
    if (group === undefined) {
      group = { signature: trusted(sign(parent) ?? never, r), missing: [] };
      groups.set(parent, group);
    }
    const there = statOf(inFolder(r.dir, missing));
    if (there !== undefined && (!there.isDirectory() || missing !== path || folders.has(path))) return `${missing} is there now`;
    // A link that leads nowhere starts to lead somewhere without its folder's changing.
    if (isLink(inFolder(r.dir, missing))) group.signature = never;
    group.missing.push(there === undefined ? missing : `${missing}/`);
  }
  return groups;
}
