/**
 * How records lie in the action cache, as bytes. Every value: version byte, 4 bytes checksum of the rest, the rest. A value that does not fit is a miss.
 *
 *   set      kinds (one letter a read, f a l i v), NUL, paths joined by NUL. Stored once under the first 16 bytes of its sha256: many actions share one.
 *   reads    ids of sets, newest first, 16 bytes each, at most 8
 *   result   id of set (16), ms (f64), number of outputs (u32), per output: digest (32) size (f64) executable (u8) path (text);
 *            origin (text), log (text), grown (u8 0: null, 1: text follows). text: length in bytes (u32), UTF-8.
 * Little endian.
 */
import { createHash } from "node:crypto";
import type { ActionResult, CanonPath, Digest, OutputRecord, Read, ReadKind } from "../engine/types.ts";

const version = 1;
const head = 5;
export const setIdBytes = 16;
export const maxSets = 8;
const kinds: readonly ReadKind[] = ["file", "absent", "listing", "includes", "value"];
const letters = "faliv";

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

export function decodeSet(b: Buffer): Reads | undefined {
  if (!isSound(b)) return undefined;
  const parts = b.toString("utf8", head, b.length).split("\0");
  const is = parts[0] ?? "";
  if (is.length !== parts.length - 1) return undefined;
  const reads: Read<CanonPath>[] = [];
  for (let i = 0; i < is.length; i++) {
    const kind = kinds[letters.indexOf(is[i] as string)];
    if (kind === undefined) return undefined;
    reads.push({ is: kind, path: parts[i + 1] as CanonPath });
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
  const parts: Buffer[] = [set, f64(r.ms), u32(r.outputs.length)];
  for (const o of r.outputs) parts.push(Buffer.from(o.digest, "hex"), f64(o.size), Buffer.from([o.executable ? 1 : 0]), ...text(o.path));
  parts.push(...text(r.origin), ...text(r.log));
  parts.push(Buffer.from([r.grown === null ? 0 : 1]));
  if (r.grown !== null) parts.push(...text(r.grown));
  return seal(Buffer.concat(parts));
}

export interface StoredResult {
  readonly set: Buffer;
  readonly result: Omit<ActionResult, "reads">;
}

export function decodeResult(b: Buffer): StoredResult | undefined {
  if (!isSound(b)) return undefined;
  try {
    let at = head;
    const readText = (): string => {
      const n = b.readUInt32LE(at);
      if (at + 4 + n > b.length) throw new RangeError("text");
      const s = b.toString("utf8", at + 4, at + 4 + n);
      at += 4 + n;
      return s;
    };
    const set = Buffer.from(b.subarray(at, at + setIdBytes));
    const ms = b.readDoubleLE(at + setIdBytes);
    const n = b.readUInt32LE(at + setIdBytes + 8);
    at += setIdBytes + 12;
    const outputs: OutputRecord[] = [];
    for (let i = 0; i < n; i++) {
      const digest = b.toString("hex", at, at + 32) as Digest;
      const size = b.readDoubleLE(at + 32);
      const executable = b.readUInt8(at + 40) === 1;
      at += 41;
      outputs.push({ path: readText() as CanonPath, digest, size, executable });
    }
    const origin = readText();
    const log = readText();
    const hasGrown = b.readUInt8(at++) === 1;
    return { set, result: { outputs, origin, log, grown: hasGrown ? readText() : null, ms } };
  } catch (error) {
    // Too short for what it says.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The digests that a stored result names, without building the rest: for gc. */
export function digestsOf(b: Buffer): { readonly digest: string; readonly size: number }[] {
  return (decodeResult(b)?.result.outputs ?? []).map((o) => ({ digest: o.digest, size: o.size }));
}

export function seal(body: Buffer): Buffer {
  const b = Buffer.allocUnsafe(head + body.length);
  b[0] = version;
  body.copy(b, head);
  b.writeUInt32LE(checksum(b, head, b.length), 1);
  return b;
}

export function isSound(b: Buffer): boolean {
  return b.length >= head && b[0] === version && b.readUInt32LE(1) === checksum(b, head, b.length);
}

/** FNV-1a over bytes: catches damage, keeps nobody out. 1 ns a byte. */
export function checksum(b: Uint8Array, from: number, to: number): number {
  let h = 0x811c9dc5 ^ (to - from);
  for (let i = from; i < to; i++) h = Math.imul(h ^ (b[i] as number), 0x01000193);
  return h >>> 0;
}

function text(s: string): [Buffer, Buffer] {
  const b = Buffer.from(s, "utf8");
  return [u32(b.length), b];
}

function u32(n: number): Buffer {
  const b = Buffer.allocUnsafe(4);
  b.writeUInt32LE(n);
  return b;
}

function f64(n: number): Buffer {
  const b = Buffer.allocUnsafe(8);
  b.writeDoubleLE(n);
  return b;
}
