/**
 * What this machine knows of content by its signature: the digests of files, and small values derived from content. An accelerator, never the only source.
 *
 * memo    key: dev, ino, hash of the path (8 bytes each); value: size, mtimeNs, ctimeNs (8 each), digest (32), day of last use (u32). One entry a file,
 *         replaced when the file changes. The path is in the key because images made by tools repeat inode, size and times.
 * values  key: the name, or its sha256 where it is long; value: day of last use (u32), text.
 * Signatures in the machine's byte order: the cache does not leave it. Both sealed as codec.ts says. An entry not used for 60 days is collected.
 */
import { createHash } from "node:crypto";
import type { Digest, Memo, Signature } from "../engine/types.ts";
import { isSound, seal } from "./codec.ts";
import type { Batcher, Lmdb } from "./lmdb.ts";
import { sameSignature } from "../engine/files.ts";

const head = 5;
const digestAt = head + 24;
const dayAt = digestAt + 32;
const digestEntry = dayAt + 4;
const refreshDays = 7;
const longName = 400;

export class LocalMemo implements Memo, Batcher {
  readonly #db: Lmdb;
  /** Of these only what is not in the database yet: the rest is read from there again, so that a large project is not held twice. */
  #digests = new Map<string, { readonly s: Signature; readonly d: Digest }>();
  #values = new Map<string, string>();
  #newDigests = new Set<string>();
  #newValues = new Set<string>();

  constructor(db: Lmdb) {
    this.#db = db;
    db.register(this);
  }

  digest(path: string, s: Signature): Digest | undefined {
    const known = this.#digests.get(path);
    if (known !== undefined && sameSignature(known.s, s)) return known.d;
    const b = this.#db.get("memo", fileKey(path, s));
    if (b === undefined || b.length !== digestEntry || !isSound(b)) return undefined;
    b.copy(scratch, 0, head, digestAt);
    if (scratch64[0] !== s.size || scratch64[1] !== s.mtimeNs || scratch64[2] !== s.ctimeNs) return undefined;
    const d = b.toString("hex", digestAt, dayAt) as Digest;
    if (today() - b.readUInt32LE(dayAt) >= refreshDays) {
      this.#digests.set(path, { s, d });
      this.#newDigests.add(path);
    }
    return d;
  }

  remember(path: string, s: Signature, d: Digest): void {
    this.#digests.set(path, { s, d });
    this.#newDigests.add(path);
    this.#db.soon();
  }

  value(key: string): string | undefined {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const b = this.#db.get("values", valueKey(key));
    if (b === undefined || b.length < head + 4 || !isSound(b)) return undefined;
    const text = b.toString("utf8", head + 4, b.length);
    if (today() - b.readUInt32LE(head) >= refreshDays) {
      this.#values.set(key, text);
      this.#newValues.add(key);
    }
    return text;
  }

  setValue(key: string, json: string): void {
    this.#values.set(key, json);
    this.#newValues.add(key);
    this.#db.soon();
  }

  get waiting(): number {
    return this.#newDigests.size + this.#newValues.size;
  }

  write(): void {
    for (const path of this.#newDigests) {
      const entry = this.#digests.get(path);
      if (entry === undefined) continue;
      const body = Buffer.allocUnsafe(digestEntry - head);
      scratch64[0] = entry.s.size;
      scratch64[1] = entry.s.mtimeNs;
      scratch64[2] = entry.s.ctimeNs;
      scratch.copy(body);
      body.write(entry.d, 24, "hex");
      body.writeUInt32LE(today(), dayAt - head);
      this.#db.put("memo", fileKey(path, entry.s), seal(body));
    }
    for (const key of this.#newValues) {
      const day = Buffer.allocUnsafe(4);
      day.writeUInt32LE(today());
      this.#db.put("values", valueKey(key), seal(Buffer.concat([day, Buffer.from(this.#values.get(key) ?? "", "utf8")])));
    }
  }

  written(): void {
    this.discard();
    this.#digests = new Map();
    this.#values = new Map();
  }

  /** What can not be written stays known to this process. */
  discard(): void {
    this.#newDigests = new Set();
    this.#newValues = new Set();
  }
}

/** The day of last use in an entry of the table, for gc; 0 if it is unreadable. */
export function dayOf(table: "memo" | "values", b: Buffer): number {
  if (!isSound(b)) return 0;
  if (table === "memo") return b.length === digestEntry ? b.readUInt32LE(dayAt) : 0;
  return b.length >= head + 4 ? b.readUInt32LE(head) : 0;
}

export function today(): number {
  return Math.floor(Date.now() / 86_400_000);
}

// Views of 64 bits: Buffer's own methods for BigInt take 1 µs each.
const key64 = new BigUint64Array(3);
const key = Buffer.from(key64.buffer);
const keyHalves = new Uint32Array(key64.buffer);
const scratch64 = new BigUint64Array(3);
const scratch = Buffer.from(scratch64.buffer);

/** Valid until the next call; lmdb copies it. */
function fileKey(path: string, s: Signature): Buffer {
  key64[0] = s.dev;
  key64[1] = s.ino;
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = Math.imul(b ^ c, 0x85ebca6b) ^ (b >>> 13);
  }
  keyHalves[4] = a;
  keyHalves[5] = b;
  return key;
}

function valueKey(name: string): Buffer {
  const b = Buffer.from(name, "utf8");
  return b.length > 0 && b.length <= longName ? b : Buffer.concat([Buffer.from("sha256:"), createHash("sha256").update(b).digest()]);
}
