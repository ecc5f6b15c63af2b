/**
 * The file `.fb/state/db`: what the last run of each action left, as an appended log of tables.
 *
 * Constraints: opening and looking up 2,000 actions of 41 reads is on the path of every build that is not a no-op (measured on a busy 2-core machine
 * only: 3 + 14 ms in a cold process); a kill at any moment loses the last batch at most. LMDB was not tried: it would have to be
 * loaded first (lmdb.ts says what that costs), and 2,000 values of 41 paths are 6 MB of text to cut up, where shared names and rows of numbers are 0.8 MB.
 *
 *   file    magic "fbstate" + version byte, generation (f64), then batches. A batch that is short or whose checksum is wrong ends the file; the next append
 *           cuts it off. The generation names the file of the evidence (evidence-GENERATION): both are rewritten together.
 *   batch   u32 ×4: checksum of all else, bytes of rows, of names, of texts; then these, padded to 4 bytes
 *           rows:  see below; names: each ended by NUL, numbered through all batches (paths, action names); texts: cut by offset and length
 *   row     u32 length, u32 name, then nothing more (forgotten), or:
 *           origin (name), ms (f64), log (offset, length), grown (offset, length; 0xffffffff: null; compressed by zstd), count of outputs, count of reads, offset (f64) and place of
 *           its evidence, static key (32 bytes), key (32 bytes); per output: path, size (f64), executable, digest (32 bytes); per read: name × 8 + kind
 * Later rows replace earlier ones of the same name. Rewritten whole when more than half of it is dead.
 * One writer: the project's lock is held. Readers need none.
 */
import { hash } from "node:crypto";
import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ActionResult, CanonPath, Digest, Key, LastRun, OutputRecord, Read, ReadKind, StaticKey } from "../engine/types.ts";
import { unzipped, zipped } from "./codec.ts";
import { EvidenceFile, noEvidence } from "./evidence.ts";
import { errorCode } from "./trouble.ts";

const magic = Buffer.from("fbstate\x05", "latin1");
const fileHead = 16;
const batchHead = 16;
const fixedWords = 30;
const outputWords = 12;
const digestWords = 8;
const nullText = 0xffffffff;
/** Evidence is compressed in blocks of so many. */
const blockRuns = 64;
const kinds: readonly ReadKind[] = ["file", "absent", "listing", "includes", "value", "directives"];
const slackRows = 1000;

interface Batch {
  readonly rows: Uint32Array;
  /** The rows as bytes, for the digests in them. */
  readonly bytes: Buffer;
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

/** The length of a state file of one generation. */
export interface StateMark {
  readonly generation: number;
  readonly bytes: number;
}

interface Place {
  readonly batch: Batch;
  readonly at: number;
}

export class StateFile {
  readonly #path: string;
  #evidence: EvidenceFile;
  #generation: number;
  #names: string[] = [];
  readonly #ids = new Map<string, number>();
  /** One object for each distinct read, by name × 8 + kind: most actions of a project share most of theirs. */
  #reads: (Read<CanonPath> | undefined)[][] = kinds.map(() => []);
  readonly #places = new Map<string, Place>();
  #rowCount = 0;
  #goodBytes = 0;
  #indexed = 0;

  private constructor(path: string, generation: number) {
    this.#path = path;
    this.#generation = generation;
    this.#evidence = evidenceOf(path, generation);
  }

  /** An unreadable file, or one of another version, is as an empty one. */
  static open(path: string): StateFile {
    const bytes = readWhole(path);
    if (bytes === null || bytes.length < fileHead || !bytes.subarray(0, magic.length).equals(magic)) return new StateFile(path, Date.now());
    const file = new StateFile(path, bytes.readDoubleLE(magic.length));
    file.#load(bytes);
    return file;
  }

  names(): IterableIterator<string> {
    return this.#places.keys();
  }

  /** Milliseconds of its last run, without building the rest. */
  ms(action: string): number | undefined {
    const place = this.#places.get(action);
    return place === undefined ? undefined : readF64(place.batch.rows, place.at + 3);
  }

  /** How far this file reaches; what is appended later leaves that part as it is. */
  mark(): StateMark {
    return { generation: this.#generation, bytes: this.#goodBytes };
  }

  /** The actions whose last run had one of these reads. */
  *readers(reads: readonly Read<CanonPath>[]): Iterable<string> {
    const wanted = new Map(reads.map((r) => [`${r.is}:${r.path}`, r.is]));
    const paths = new Set<string>(reads.map((r) => r.path));
    // By read: an array, because all reads of all actions are looked at.
    const found = new Uint8Array(this.#names.length * 8);
    let any = false;
    for (const [id, name] of this.#names.entries()) {
      if (!paths.has(name)) continue;
      for (const [k, is] of kinds.entries()) {
        if (!wanted.has(`${is}:${name}`)) continue;
        found[id * 8 + k] = 1;
        any = true;
      }
    }
    if (!any) return;
    for (const [action, { batch, at }] of this.#places) {
      const { rows } = batch;
      const end = at + (rows[at] as number);
      const outputs = rows[at + 9] as number;
      for (let i = at + fixedWords + outputs * outputWords; i < end; i++) {
        if (found[rows[i] as number] !== 1) continue;
        yield action;
        break;
      }
    }
  }

  get(action: string): LastRun | undefined {
    const place = this.#places.get(action);
    if (place === undefined) return undefined;
    const { batch } = place;
    const { rows, texts } = batch;
    const at = place.at;
    const part = (o: number) => texts.subarray(rows[at + o], (rows[at + o] as number) + (rows[at + o + 1] as number));
    const names = this.#names;
    const name = (i: number): string => names[rows[i] as number] ?? "";
    const digest = (i: number): string => batch.bytes.toString("hex", i * 4, (i + digestWords) * 4);
    const nOutputs = rows[at + 9] as number;
    const nReads = rows[at + 10] as number;
    let p = at + fixedWords;
    const outputs = new Array<OutputRecord>(nOutputs);
    for (let i = 0; i < nOutputs; i++, p += outputWords) {
      outputs[i] = {
        path: name(p) as CanonPath,
        digest: digest(p + 4) as Digest,
        size: readF64(rows, p + 1),
        executable: rows[p + 3] === 1,
      };
    }
    const reads = new Array<Read<CanonPath>>(nReads);
    for (let i = 0; i < nReads; i++) reads[i] = this.#read(rows[p + i] as number);
    const result: ActionResult = {
      outputs,
      log: rows[at + 6] === 0 ? "" : part(5).toString("utf8"),
      reads,
      grown: rows[at + 8] === nullText ? null : unzipped(part(7)),
      ms: readF64(rows, at + 3),
      origin: name(at + 2),
    };
    const evidence = this.#evidence;
    return new StoredRun(digest(at + 14) as StaticKey, digest(at + 22) as Key, result, () =>
      evidence.get(readF64(rows, at + 11), rows[at + 13] as number),
    );
  }

  /** Adds rows (null: forgotten) in one batch. Throws the system's error; the file is then as it was, or ends in a batch that will be cut off. */
  append(changes: ReadonlyMap<string, LastRun | null>): void {
    if (changes.size === 0) return;
    if (this.#rowCount + changes.size > 2 * (this.#places.size + changes.size) + slackRows) this.#rewrite(changes);
    else this.#appendBatch(changes);
  }

  #appendBatch(changes: ReadonlyMap<string, LastRun | null>): void {
    const known = this.#names.length;
    let fd = -1;
    let batch: Buffer;
    try {
      batch = this.#encode(changes);
      fd = openForAppend(this.#path);
      if (this.#goodBytes === 0) {
        const start = Buffer.alloc(fileHead);
        magic.copy(start);
        start.writeDoubleLE(this.#generation, magic.length);
        ftruncateSync(fd, 0);
        writeAll(fd, start, 0);
        this.#goodBytes = fileHead;
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
    const generation = Math.max(Date.now(), this.#generation + 1);
    const fresh = new StateFile(temp, generation);
    fresh.#evidence = evidenceOf(this.#path, generation);
    const runs = [...all];
    // Also without runs: the file says which generation it is.
    for (let i = 0; i === 0 || i < runs.length; i += blockRuns) fresh.#appendBatch(new Map(runs.slice(i, i + blockRuns)));
    renameSync(temp, this.#path);
    removeOldEvidence(this.#path, [generation, this.#generation]);
    this.#generation = generation;
    this.#evidence = fresh.#evidence;
    // New arrays: what get() gave out still looks into the old ones.
    this.#names = [];
    this.#ids.clear();
    this.#reads = kinds.map(() => []);
    this.#places.clear();
    this.#rowCount = 0;
    this.#goodBytes = 0;
    this.#indexed = 0;
    const bytes = readWhole(this.#path);
    if (bytes !== null) this.#load(bytes);
  }

  #load(bytes: Buffer): void {
    let at = fileHead;
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
    const rowBytes = bytes.readUInt32LE(at + 4);
    const nameBytes = bytes.readUInt32LE(at + 8);
    const textBytes = bytes.readUInt32LE(at + 12);
    const body = rowBytes + nameBytes + textBytes;
    // First without padding, which is right up to 2 GB only.
    if (at + batchHead + body > bytes.length) return 0;
    const size = batchHead + padded(body);
    if (at + size > bytes.length || size % 4 !== 0) return 0;
    // Copied where the view would not be aligned; whole batches are multiples of 4, and so is the head of the file.
    const aligned =
      (bytes.byteOffset + at) % 4 === 0 ? bytes.subarray(at, at + size) : Buffer.from(new Uint8Array(bytes.subarray(at, at + size)).buffer);
    const words = new Uint32Array(aligned.buffer, aligned.byteOffset, size / 4);
    if (words[0] !== checksumOf(aligned)) return 0;
    const namesAt = batchHead + rowBytes;
    if (nameBytes > 0 && namesFrom === null) {
      for (const name of aligned.toString("utf8", namesAt, namesAt + nameBytes - 1).split("\0")) this.#names.push(name);
    }
    const batch: Batch = {
      rows: words.subarray(batchHead / 4, namesAt / 4),
      bytes: aligned.subarray(batchHead, namesAt),
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
    const evidences: string[] = [];
    for (const run of changes.values()) if (run !== null) evidences.push(run.evidence.includes("\0") ? noEvidence : run.evidence);
    const evidenceAt = evidences.length === 0 ? 0 : this.#evidence.append(evidences);
    let place = 0;
    const digest = (hex: string) => {
      if (digestBytes.write(hex, "hex") !== digestBytes.length || hex.length !== 64) throw new TypeError(`not a sha256: ${hex}`);
      for (const word of digestHalves) rows.push(word);
    };
    const texts: Buffer[] = [];
    let textBytes = 0;
    const text = (b: Buffer) => {
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
      const length = fixedWords + outputWords * result.outputs.length + result.reads.length;
      rows.push(length, this.#id(action), this.#id(result.origin));
      double(result.ms);
      text(Buffer.from(result.log, "utf8"));
      if (result.grown === null) rows.push(0, nullText);
      else text(zipped(result.grown));
      rows.push(result.outputs.length, result.reads.length);
      double(evidenceAt);
      rows.push(place++);
      digest(staticKey);
      digest(key);
      for (const o of result.outputs) {
        rows.push(this.#id(o.path));
        double(o.size);
        rows.push(o.executable ? 1 : 0);
        digest(o.digest);
      }
      for (const r of result.reads) rows.push(this.#id(r.path) * 8 + kinds.indexOf(r.is));
    }
    const fresh = this.#names.slice(firstNew);
    const names = Buffer.from(fresh.length === 0 ? "" : `${fresh.join("\0")}\0`, "utf8");
    const size = batchHead + padded(rows.length * 4 + names.length + textBytes);
    const b = Buffer.from(new ArrayBuffer(size));
    const words = new Uint32Array(b.buffer, 0, size / 4);
    words.set([0, rows.length * 4, names.length, textBytes]);
    words.set(rows, batchHead / 4);
    let at = batchHead + rows.length * 4;
    at += names.copy(b, at);
    for (const t of texts) at += t.copy(b, at);
    words[0] = checksumOf(b);
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
    const known = this.#reads[n & 7] ?? [];
    // Filled, so that it stays an array for the engine: a sparse one is a hash table.
    for (let i = known.length; i < this.#names.length; i++) known.push(undefined);
    const id = n >>> 3;
    let r = known[id];
    if (r === undefined) {
      r = { is: kinds[n & 7] ?? "file", path: (this.#names[id] ?? "") as CanonPath };
      known[id] = r;
    }
    return r;
  }
}

function evidenceOf(path: string, generation: number): EvidenceFile {
  return new EvidenceFile(join(dirname(path), `evidence-${generation}`));
}

/** The last generation's stays until the next rewrite: what was given out before may still be asked for it. */
function removeOldEvidence(path: string, kept: readonly number[]): void {
  const names = kept.map((g) => `evidence-${g}`);
  for (const name of readdirSync(dirname(path)))
    if (name.startsWith("evidence-") && !names.includes(name)) rmSync(join(dirname(path), name), { force: true });
}

function readF64(words: Uint32Array, at: number): number {
  scratchHalf[0] = words[at] as number;
  scratchHalf[1] = words[at + 1] as number;
  return scratch[0] as number;
}
const digestHalves = new Uint32Array(digestWords);
const digestBytes = Buffer.from(digestHalves.buffer);
const scratch = new Float64Array(1);
const scratchHalf = new Uint32Array(scratch.buffer);

function padded(n: number): number {
  return (n + 3) & ~3;
}

/** Of a batch, all but the checksum itself. sha1 by the processor: 0.5 ms for 1 MB, a loop of ours takes 2. */
function checksumOf(batch: Buffer): number {
  return hash("sha1", batch.subarray(4), "buffer").readUInt32LE(0);
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
