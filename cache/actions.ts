/**
 * The local action cache: static key → read sets, key → result, key → last use. Answers at once; writes in batches.
 *
 * A set of reads is stored once under its hash, since the sources of a project share most of theirs. Two processes that record for one static key at
 * the same time both keep their sets: the list is read and written in one transaction. Last uses are kept to half a day, so that a build of hits writes little.
 */
import type { ActionCache, ActionResult, CanonPath, Digest, Key, Read, StaticKey } from "../engine/types.ts";
import { decodeReads, decodeResult, decodeSet, encodeReads, encodeResult, encodeSet, type Reads, setId } from "./codec.ts";
import type { Batcher, Lmdb } from "./lmdb.ts";

const usedStepMinutes = 12 * 60;
/** Keys are random, so a batch of 500 rewrites most leaf pages: larger ones are cheaper. A kill loses the last 500 ms at most. */
const batchSize = 4096;
const keptSets = 1000;

interface EncodedSet {
  readonly set: Buffer;
  readonly id: Buffer;
}

interface Waiting extends EncodedSet {
  readonly staticKey: StaticKey;
  readonly result: ActionResult;
}

export class LocalActions implements ActionCache, Batcher {
  readonly #db: Lmdb;
  readonly #blobIsLost: (d: Digest) => boolean;
  #waiting = new Map<Key, Waiting>();
  #newest = new Map<StaticKey, Waiting[]>();
  #dropped = new Set<Key>();
  #used = new Set<Key>();
  /** The last sets that were asked for, and all reads in them, each as one object. */
  readonly #sets = new Map<string, Reads>();
  readonly #reads = new Map<string, Read<CanonPath>>();
  readonly #encodedSets = new WeakMap<Reads, EncodedSet>();

  /** @param blobIsLost whether putting this blob failed in this run: a record that names it is not kept */
  constructor(db: Lmdb, blobIsLost: (d: Digest) => boolean) {
    this.#db = db;
    this.#blobIsLost = blobIsLost;
    db.register(this);
  }

  reads(k: StaticKey): readonly (readonly Read<CanonPath>[])[] {
    const found: Reads[] = [];
    const seen = new Set<string>();
    const add = (name: string, reads: Reads | undefined) => {
      if (reads === undefined || seen.has(name)) return;
      seen.add(name);
      found.push(reads);
    };
    for (const w of this.#newest.get(k) ?? []) add(w.id.toString("latin1"), w.result.reads);
    for (const id of this.#storedIds(k)) {
      const name = id.toString("latin1");
      add(name, this.#set(name));
    }
    return found;
  }

  get(k: Key): ActionResult | undefined {
    if (this.#dropped.has(k)) return undefined;
    const waiting = this.#waiting.get(k);
    if (waiting !== undefined) return waiting.result;
    const bytes = this.#db.get("results", Buffer.from(k, "hex"));
    const stored = bytes && decodeResult(bytes);
    if (stored === undefined) return undefined;
    const reads = this.#set(stored.set);
    if (reads === undefined) return undefined;
    this.#used.add(k);
    return { ...stored.result, reads };
  }

  record(staticKey: StaticKey, key: Key, result: ActionResult): void {
    if (result.outputs.some((o) => this.#blobIsLost(o.digest))) return;
    const encoded = this.#encoded(result.reads);
    if (encoded === null) return;
    const w: Waiting = { staticKey, result, ...encoded };
    this.#dropped.delete(key);
    this.#waiting.set(key, w);
    const newest = this.#newest.get(staticKey);
    if (newest === undefined) this.#newest.set(staticKey, [w]);
    else newest.unshift(w);
    if (this.#waiting.size >= batchSize) this.#db.flush();
    else this.#db.soon();
  }

  drop(k: Key): void {
    this.#waiting.delete(k);
    this.#used.delete(k);
    this.#dropped.add(k);
    this.#db.soon();
  }

  /** Settles when all is committed, or cannot be: then the cache says why (Lmdb.failure). */
  async flush(): Promise<void> {
    this.#db.flush();
  }

  get waiting(): number {
    return this.#waiting.size + this.#dropped.size + this.#used.size;
  }

  write(): void {
    const now = nowMinutes();
    for (const k of this.#dropped) {
      const key = Buffer.from(k, "hex");
      this.#db.remove("results", key);
      this.#db.remove("used", key);
    }
    for (const [k, w] of this.#waiting) {
      const key = Buffer.from(k, "hex");
      if (this.#db.get("sets", w.id) === undefined) this.#db.put("sets", w.id, w.set);
      this.#db.put("results", key, encodeResult(w.result, w.id));
      this.#db.put("used", key, minutes(now));
    }
    for (const [k, list] of this.#newest) {
      let ids = this.#storedIds(k);
      for (let i = list.length - 1; i >= 0; i--) {
        // The index is in range.
        ids = decodeReads(encodeReads(list[i]!.id, ids));
      }
      const [first, ...older] = ids;
      if (first !== undefined) this.#db.put("reads", Buffer.from(k, "hex"), encodeReads(first, older));
    }
    for (const k of this.#used) {
      const key = Buffer.from(k, "hex");
      const last = this.#db.get("used", key);
      if (last === undefined || last.length !== 4 || now - last.readUInt32LE() >= usedStepMinutes) this.#db.put("used", key, minutes(now));
    }
  }

  written(): void {
    this.#waiting = new Map();
    this.#newest = new Map();
    this.#dropped = new Set();
    this.#used = new Set();
  }

  /** What cannot be written stays known to this process, but is not tried again: a full disk would be tried for every batch. */
  discard(): void {
    this.#used = new Set();
  }

  #storedIds(k: StaticKey): Buffer[] {
    const bytes = this.#db.get("reads", Buffer.from(k, "hex"));
    return bytes === undefined ? [] : decodeReads(bytes);
  }

  /** @param name the id, a letter a byte */
  /** Null where it cannot be stored. Many results have one list of reads. */
  #encoded(reads: Reads): EncodedSet | null {
    const known = this.#encodedSets.get(reads);
    if (known !== undefined) return known;
    const set = encodeSet(reads);
    if (set === null) return null;
    const encoded = { set, id: setId(set) };
    this.#encodedSets.set(reads, encoded);
    return encoded;
  }

  #set(name: string): Reads | undefined {
    const known = this.#sets.get(name);
    if (known !== undefined) return known;
    const bytes = this.#db.get("sets", Buffer.from(name, "latin1"));
    const reads = bytes && decodeSet(bytes, this.#reads);
    if (reads === undefined) return undefined;
    if (this.#sets.size >= keptSets) this.#sets.clear();
    this.#sets.set(name, reads);
    return reads;
  }
}

export function nowMinutes(): number {
  return Math.floor(Date.now() / 60_000);
}

function minutes(n: number): Buffer {
  const b = Buffer.allocUnsafe(4);
  b.writeUInt32LE(n);
  return b;
}
