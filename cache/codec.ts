/**
 * How records lie in the action cache, as bytes. Every value: version byte, 4 bytes checksum of the rest, the rest. A value that does not fit is a miss.
 *
 *   set      kinds (one letter a read, f a l i v d), NUL, paths joined by NUL. Stored once under the first 16 bytes of its sha256: many actions share one.
 *   reads    ids of sets, newest first, 16 bytes each, at most 8
 *   result   id of set (16), ms (f64), count of outputs (u32), per output: digest (32) size (f64) executable (u8) length of path (u32);
 *            lengths of origin, log (u32), bytes of grown (u32, 0xffffffff: null); then the texts, one after the other, in UTF-8, and grown, compressed by
 *            zstd. Lengths of texts are in UTF-16 units, so that all is decoded at once and cut.
 * Little endian.
 */
import { createHash } from "node:crypto";
import { crc32 } from "./crc32.ts";
import type { ActionResult, CanonPath, Digest, OutputRecord, Read, ReadKind } from "../engine/types.ts";

const version = 3;
const head = 5;
const outputBytes = 45;
const nullText = 0xffffffff;
export const setIdBytes = 16;
export const maxSets = 8;
const kinds: readonly ReadKind[] = ["file", "absent", "listing", "includes", "value", "directives"];
const letters = "falivd";

export type Reads = readonly Read<CanonPath>[];

/** null: a path that cannot be stored (it holds NUL, which no path on disk does). */
export function encodeSet(reads: Reads): Buffer | null {
  let text = "";
  for (const r of reads) text += letters[kinds.indexOf(r.is)];
  for (const r of reads) {
    if (r.path.includes("\0")) return null;
    text += `\0${r.path}`;
  }
  return seal(Buffer.from(text, "utf8"));
}

export function setId(encoded: Buffer): Buffer {
  return createHash("sha256").update(encoded).digest().subarray(0, setIdBytes);
}

/** known: reads decoded before, by letter and path; a new one is entered. Sets have most of their reads in common. */
export function decodeSet(b: Buffer, known: Map<string, Read<CanonPath>>): Reads | undefined {
  if (!isSound(b)) return undefined;
  const parts = b.toString("utf8", head, b.length).split("\0");
  const is = parts[0] ?? "";
  if (is.length !== parts.length - 1) return undefined;
  const reads = new Array<Read<CanonPath>>(is.length);
  for (let i = 0; i < is.length; i++) {
    const kind = kinds[letters.indexOf(is[i] as string)];
    if (kind === undefined) return undefined;
    const name = `${is[i]}${parts[i + 1]}`;
    let read = known.get(name);
    if (read === undefined) {
      read = { is: kind, path: parts[i + 1] as CanonPath };
      known.set(name, read);
    }
    reads[i] = read;
  }
  return reads;
}

/** The newest first, without its older twin, at most maxSets. */
export function encodeReads(newest: Buffer, older: readonly Buffer[]): Buffer {
  const kept = older.filter((id) => !id.equals(newest)).slice(0, maxSets - 1);
  return seal(Buffer.concat([newest, ...kept]));
}

export function decodeReads(b: Buffer): Buffer[] {
  if (!isSound(b) || (b.length - head) % setIdBytes !== 0) return [];
  const ids: Buffer[] = [];
  for (let at = head; at < b.length; at += setIdBytes) ids.push(Buffer.from(b.subarray(at, at + setIdBytes)));
  return ids;
}

export function encodeResult(r: ActionResult, set: Buffer): Buffer {
  const texts = Buffer.from(`${r.outputs.map((o) => o.path).join("")}${r.origin}${r.log}`, "utf8");
  const grown = r.grown === null ? null : zipped(r.grown);
  const b = Buffer.allocUnsafe(setIdBytes + 12 + outputBytes * r.outputs.length + 12 + texts.length + (grown?.length ?? 0));
  let at = set.copy(b);
  at = b.writeDoubleLE(r.ms, at);
  at = b.writeUInt32LE(r.outputs.length, at);
  for (const o of r.outputs) {
    at += b.write(o.digest, at, "hex");
    at = b.writeDoubleLE(o.size, at);
    at = b.writeUInt8(o.executable ? 1 : 0, at);
    at = b.writeUInt32LE(o.path.length, at);
  }
  for (const n of [r.origin.length, r.log.length, grown === null ? nullText : grown.length]) at = b.writeUInt32LE(n, at);
  at += texts.copy(b, at);
  grown?.copy(b, at);
  return seal(b);
}

export interface StoredResult {
  /** Id of the read set, a letter a byte. */
  readonly set: string;
  readonly result: Omit<ActionResult, "reads">;
}

export function decodeResult(b: Buffer): StoredResult | undefined {
  if (!isSound(b) || b.length < head + setIdBytes + 24) return undefined;
  let at = head + setIdBytes;
  const ms = b.readDoubleLE(at);
  const n = b.readUInt32LE(at + 8);
  at += 12;
  const textsAt = at + n * outputBytes + 12;
  if (textsAt > b.length) return undefined;
  const grownBytes = b.readUInt32LE(textsAt - 4);
  const textsEnd = grownBytes === nullText ? b.length : b.length - grownBytes;
  if (textsEnd < textsAt) return undefined;
  const texts = b.toString("utf8", textsAt, textsEnd);
  let from = 0;
  const cut = (length: number) => texts.slice(from, (from += length));
  const outputs: OutputRecord[] = [];
  for (let i = 0; i < n; i++, at += outputBytes) {
    const path = cut(b.readUInt32LE(at + 41)) as CanonPath;
    outputs.push({ path, digest: b.toString("hex", at, at + 32) as Digest, size: b.readDoubleLE(at + 32), executable: b[at + 40] === 1 });
  }
  const origin = cut(b.readUInt32LE(at));
  const log = cut(b.readUInt32LE(at + 4));
  if (from !== texts.length) return undefined;
  const grown = grownBytes === nullText ? null : unzipped(b.subarray(textsEnd));
  return { set: setOf(b), result: { outputs, log, grown, ms, origin } };
}

/** Bytes for keeping: what a plan grew repeats itself, and shrinks to a tenth. */
export function zipped(bytes: Uint8Array): Buffer {
  return process.getBuiltinModule("node:zlib").zstdCompressSync(bytes);
}

export function unzipped(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = process.getBuiltinModule("node:zlib").zstdDecompressSync(bytes);
  return new Uint8Array(buffer, byteOffset, length);
}

/** The id of the set that a sound result names. */
export function setOf(b: Buffer): string {
  return b.toString("latin1", head, head + setIdBytes);
}

export function seal(body: Buffer): Buffer {
  const b = Buffer.allocUnsafe(head + body.length);
  b[0] = version;
  body.copy(b, head);
  b.writeUInt32LE(crc32(b.subarray(head)), 1);
  return b;
}

export function isSound(b: Buffer): boolean {
  return b.length >= head && b[0] === version && b.readUInt32LE(1) === crc32(b.subarray(head));
}
