/**
 * The file `.fb/state/db`: what the last run of each action left, as an appended log of tables.
 *
 * Constraints: opening and looking up 2,000 actions of 41 reads within 8 ms, on the path of every build that is not a no-op; a kill at any moment loses the
 * last batch at most. LMDB was measured and rejected: its package alone loads for 25 ms, and 2,000 values of 41 paths are 6 MB of text to cut up, where
 * a shared table of strings and rows of numbers is 1 MB and is read in 3 ms.
 *
 *   file    magic "fbstate" + version byte, then batches. A batch that is short or whose checksum is wrong ends the file; the next append cuts it off.
 *   batch   u32 ×4: bytes of rows, bytes of names, bytes of texts, checksum of all that follows (it is padded to 4 bytes)
 *           rows:  see below; names: each ended by NUL, numbered through all batches (paths, digests, action names); texts: cut by offset and length
 *   row     u32 length, u32 name, then nothing more (forgotten), or:
 *           static key, key, origin (names), ms (f64), log (offset, length), grown (offset, length; 0xffffffff: null), count of outputs, count of reads,
 *           count of evidence fields (0xffffffff: it is text), count of evidence inputs; per output: path, digest, size (f64), executable;
 *           per read: name × 8 + kind; evidence: per field name, value; per input name × 8 + kind, digest; or offset, length of its text
 * Later rows replace earlier ones of the same name. Rewritten whole when more than half of it is dead.
 * One writer: the project's lock is held. Readers need none.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import type { ActionResult, CanonPath, Digest, Key, LastRun, OutputRecord, Read, ReadKind, StaticKey } from "../engine/types.ts";
import type { Evidence } from "../engine/key.ts";
import { errorCode } from "./trouble.ts";

const magic = Buffer.from("fbstate\x01", "latin1");
const batchHead = 16;
const fixedWords = 15;
const nullText = 0xffffffff;
const kinds: readonly ReadKind[] = ["file", "absent", "listing", "includes", "value"];
const slackRows = 1000;

interface Batch {
  readonly rows: Uint32Array;
  readonly texts: Buffer;
}
/** A last run whose evidence is put together only when it is asked for: few are. */
class StoredRun implements LastRun {
  readonly staticKey: StaticKey;
  readonly key: Key;
  readonly result: ActionResult;
  readonly #evidence: () => string;
  constructor(staticKey: StaticKey, key: Key, result: ActionResult, evidence: () => string) {
    this.staticKey = staticKey;
    this.key = key;
    this.result = result;
    this.#evidence = evidence;
  }
  get evidence(): string {
    return this.#evidence();
  }
}

interface Place {
  readonly batch: Batch;
  readonly at: number;
}

export class StateFile {
  readonly #path: string;
  #names: string[] = [];
  readonly #ids = new Map<string, number>();
  /** One object for each distinct read, by name × 8 + kind: most actions of a project share most of theirs. */
  #reads: Read<CanonPath>[] = [];
  readonly #places = new Map<string, Place>();
  #rowCount = 0;
  #goodBytes = 0;
  #indexed = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** An unreadable file, or one of another version, is as an empty one. */
  static open(path: string): StateFile {
    const file = new StateFile(path);
    const bytes = readWhole(path);
    if (bytes !== null && bytes.length >= magic.length && bytes.subarray(0, magic.length).equals(magic)) file.#load(bytes);
    return file;
  }

  names(): IterableIterator<string> {
    return this.#places.keys();
  }

  /** Milliseconds of its last run, without building the rest. */
  ms(action: string): number | undefined {
    const place = this.#places.get(action);
    return place === undefined ? undefined : readF64(place.batch.rows, place.at + 5);
  }

  get(action: string): LastRun | undefined {
    const place = this.#places.get(action);
    if (place === undefined) return undefined;
    const { rows, texts } = place.batch;
    const at = place.at;
    const text = (o: number): string => texts.toString("utf8", rows[at + o], (rows[at + o] as number) + (rows[at + o + 1] as number));
    const names = this.#names;
    const name = (i: number): string => names[rows[i] as number] ?? "";
    const outputs: OutputRecord[] = [];
    const nOutputs = rows[at + 11] as number;
    const nReads = rows[at + 12] as number;
    let p = at + fixedWords;
    for (let i = 0; i < nOutputs; i++, p += 5) {
      outputs.push({
        path: name(p) as CanonPath,
        digest: name(p + 1) as Digest,
        size: readF64(rows, p + 2),
        executable: rows[p + 4] === 1,
      });
    }
    const reads: Read<CanonPath>[] = [];
    for (let i = 0; i < nReads; i++) reads.push(this.#read(rows[p + i] as number));
    const result: ActionResult = {
      outputs,
      log: text(7),
      reads,
      grown: rows[at + 10] === nullText ? null : text(9),
      ms: readF64(rows, at + 5),
      origin: name(at + 4),
    };
    const evidence = (): string => {
      const nFields = rows[at + 13] as number;
      let e = p + nReads;
      if (nFields === nullText) return texts.toString("utf8", rows[e], (rows[e] as number) + (rows[e + 1] as number));
      const fields: [string, string][] = [];
      for (let i = 0; i < nFields; i++, e += 2) fields.push([name(e), name(e + 1)]);
      const inputs: [string, string, string][] = [];
      for (let i = 0; i < (rows[at + 14] as number); i++, e += 2) {
        const read = rows[e] as number;
        inputs.push([kinds[read & 7] ?? "file", names[read >>> 3] ?? "", name(e + 1)]);
      }
      return JSON.stringify({ fields, inputs });
    };
    return new StoredRun(name(at + 2) as StaticKey, name(at + 3) as Key, result, evidence);
  }

  /** Adds rows (null: forgotten) in one batch. Throws the system's error; the file is then as it was, or ends in a batch that will be cut off. */
  append(changes: ReadonlyMap<string, LastRun | null>): void {
    if (changes.size === 0) return;
    if (this.#rowCount + changes.size > 2 * (this.#places.size + changes.size) + slackRows) {
      this.#rewrite(changes);
      return;
    }
    const known = this.#names.length;
    let fd = -1;
    let batch: Buffer;
    try {
      batch = this.#encode(changes);
      fd = openForAppend(this.#path);
      if (this.#goodBytes === 0) {
        ftruncateSync(fd, 0);
        writeSync(fd, magic, 0, magic.length, 0);
        this.#goodBytes = magic.length;
      } else if (fstatSync(fd).size > this.#goodBytes) ftruncateSync(fd, this.#goodBytes);
      writeAll(fd, batch, this.#goodBytes);
    } catch (error) {
      for (const name of this.#names.splice(known)) this.#ids.delete(name);
      this.#indexed = Math.min(this.#indexed, known);
      throw error;
    } finally {
      if (fd >= 0) closeSync(fd);
    }
    this.#take(batch, 0, known);
    this.#goodBytes += batch.length;
  }

  #rewrite(changes: ReadonlyMap<string, LastRun | null>): void {
    const all = new Map<string, LastRun | null>();
    for (const name of this.#places.keys()) {
      const run = changes.has(name) ? changes.get(name) : this.get(name);
      if (run) all.set(name, run);
    }
    for (const [name, run] of changes) if (run !== null) all.set(name, run);
    const temp = `${this.#path}.new`;
    rmSync(temp, { force: true });
    const fresh = new StateFile(temp);
    fresh.append(all);
    if (all.size === 0) {
      rmSync(this.#path, { force: true });
    } else renameSync(temp, this.#path);
    // New arrays: what get() gave out still looks into the old ones.
    this.#names = [];
    this.#ids.clear();
    this.#reads = [];
    this.#places.clear();
    this.#rowCount = 0;
    this.#goodBytes = 0;
    this.#indexed = 0;
    const bytes = readWhole(this.#path);
    if (bytes !== null) this.#load(bytes);
  }

  #load(bytes: Buffer): void {
    let at = magic.length;
    while (at < bytes.length) {
      const size = this.#take(bytes, at, null);
      if (size === 0) break;
      at += size;
    }
    this.#goodBytes = at;
  }

  /** Takes in the batch at an offset. @returns its length, 0 if it is not whole */
  #take(bytes: Buffer, at: number, namesFrom: number | null): number {
    if (at + batchHead > bytes.length) return 0;
    const rowBytes = bytes.readUInt32LE(at);
    const nameBytes = bytes.readUInt32LE(at + 4);
    const textBytes = bytes.readUInt32LE(at + 8);
    const size = batchHead + padded(rowBytes + nameBytes + textBytes);
    if (at + size > bytes.length || size % 4 !== 0) return 0;
    // Copied where the view would not be aligned; whole batches are multiples of 4, and so is the head of the file.
    const aligned =
      (bytes.byteOffset + at) % 4 === 0 ? bytes.subarray(at, at + size) : Buffer.from(new Uint8Array(bytes.subarray(at, at + size)).buffer);
    const words = new Uint32Array(aligned.buffer, aligned.byteOffset, size / 4);
    if (words[3] !== mix(words.subarray(batchHead / 4))) return 0;
    const namesAt = batchHead + rowBytes;
    if (nameBytes > 0 && namesFrom === null) {
      for (const name of aligned.toString("utf8", namesAt, namesAt + nameBytes - 1).split("\0")) this.#names.push(name);
    }
    const batch: Batch = {
      rows: words.subarray(batchHead / 4, namesAt / 4),
      texts: aligned.subarray(namesAt + nameBytes, namesAt + nameBytes + textBytes),
    };
    for (let row = 0; row < batch.rows.length; row += batch.rows[row] as number) {
      const length = batch.rows[row] as number;
      const name = this.#names[batch.rows[row + 1] as number] ?? "";
      this.#rowCount++;
      if (length > 2) this.#places.set(name, { batch, at: row });
      else this.#places.delete(name);
      if (length < 2) break;
    }
    return size;
  }

  #encode(changes: ReadonlyMap<string, LastRun | null>): Buffer {
    const firstNew = this.#names.length;
    const rows: number[] = [];
    const f = new Float64Array(1);
    const half = new Uint32Array(f.buffer);
    const double = (n: number) => {
      f[0] = n;
      rows.push(half[0] as number, half[1] as number);
    };
    const texts: Buffer[] = [];
    let textBytes = 0;
    const text = (s: string) => {
      const b = Buffer.from(s, "utf8");
      rows.push(textBytes, b.length);
      texts.push(b);
      textBytes += b.length;
    };
    for (const [action, run] of changes) {
      if (run === null) {
        rows.push(2, this.#id(action));
        continue;
      }
      const { staticKey, key, result } = run;
      const evidence = splitEvidence(run.evidence);
      const start = rows.length;
      rows.push(0, this.#id(action), this.#id(staticKey), this.#id(key), this.#id(result.origin));
      double(result.ms);
      text(result.log);
      if (result.grown === null) rows.push(0, nullText);
      else text(result.grown);
      rows.push(result.outputs.length, result.reads.length, evidence?.fields.length ?? nullText, evidence?.inputs.length ?? 0);
      for (const o of result.outputs) {
        rows.push(this.#id(o.path), this.#id(o.digest));
        double(o.size);
        rows.push(o.executable ? 1 : 0);
      }
      for (const r of result.reads) rows.push(this.#id(r.path) * 8 + kinds.indexOf(r.is));
      if (evidence === null) text(run.evidence);
      else {
        for (const [n, value] of evidence.fields) rows.push(this.#id(n), this.#id(value));
        for (const [is, path, digest] of evidence.inputs) rows.push(this.#id(path) * 8 + kinds.indexOf(is), this.#id(digest));
      }
      rows[start] = rows.length - start;
    }
    const fresh = this.#names.slice(firstNew);
    const names = Buffer.from(fresh.length === 0 ? "" : `${fresh.join("\0")}\0`, "utf8");
    const size = batchHead + padded(rows.length * 4 + names.length + textBytes);
    const b = Buffer.from(new ArrayBuffer(size));
    const words = new Uint32Array(b.buffer, 0, size / 4);
    words.set([rows.length * 4, names.length, textBytes, 0]);
    words.set(rows, batchHead / 4);
    let at = batchHead + rows.length * 4;
    at += names.copy(b, at);
    for (const t of texts) at += t.copy(b, at);
    words[3] = mix(words.subarray(batchHead / 4));
    return b;
  }

  #id(name: string): number {
    for (; this.#indexed < this.#names.length; this.#indexed++) this.#ids.set(this.#names[this.#indexed] as string, this.#indexed);
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (name.includes("\0")) throw new TypeError(`a name holds NUL: ${JSON.stringify(name)}`);
    const id = this.#names.push(name) - 1;
    this.#ids.set(name, id);
    this.#indexed = this.#names.length;
    return id;
  }

  #read(n: number): Read<CanonPath> {
    let r = this.#reads[n];
    if (r === undefined) {
      r = { is: kinds[n & 7] ?? "file", path: (this.#names[n >>> 3] ?? "") as CanonPath };
      this.#reads[n] = r;
    }
    return r;
  }
}

/** The parts of an evidence, if they can be kept as names; else it is kept as text. */
function splitEvidence(json: string): Evidence | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  const e = value as Partial<Evidence> | null;
  if (typeof e !== "object" || e === null || !Array.isArray(e.fields) || !Array.isArray(e.inputs) || Object.keys(e).length !== 2)
    return null;
  const isName = (s: unknown) => typeof s === "string" && !s.includes("\0");
  const sound =
    e.fields.every((f: unknown) => Array.isArray(f) && f.length === 2 && f.every(isName)) &&
    e.inputs.every((i: unknown) => Array.isArray(i) && i.length === 3 && i.every(isName) && kinds.includes(i[0] as ReadKind));
  return sound ? (e as Evidence) : null;
}

function readF64(words: Uint32Array, at: number): number {
  scratchHalf[0] = words[at] as number;
  scratchHalf[1] = words[at + 1] as number;
  return scratch[0] as number;
}
const scratch = new Float64Array(1);
const scratchHalf = new Uint32Array(scratch.buffer);

function padded(n: number): number {
  return (n + 3) & ~3;
}

/** A checksum over words: 1 ns each. Every single change of a word changes it. */
export function mix(words: Uint32Array): number {
  let h = words.length ^ 0x811c9dc5;
  for (let i = 0; i < words.length; i++) {
    h = Math.imul(h ^ (words[i] as number), 0x01000193);
    h ^= h >>> 15;
  }
  return h >>> 0;
}

function readWhole(path: string): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    const size = fstatSync(fd).size;
    const bytes = Buffer.from(new ArrayBuffer(size));
    const n = size === 0 ? 0 : readSync(fd, bytes, 0, size, 0);
    return bytes.subarray(0, n);
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

function openForAppend(path: string): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return openSync(path, "wx+");
  }
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}
