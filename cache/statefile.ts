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
 *           rows: see state-rows.ts; names: each ended by NUL, numbered through all batches (paths, action names); texts: cut by offset and length
 * Later rows replace earlier ones of the same name. Rewritten whole when more than half of it is dead; evidence of an earlier generation stays as long as
 * the history of runs names it.
 * One writer: the project's lock is held. Readers need none.
 */
import { hash } from "node:crypto";
import { closeSync, fstatSync, ftruncateSync, openSync, readdirSync, readSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CanonPath, LastRun, Read } from "../engine/types.ts";
import type { EvidenceRef } from "../engine/run-record.ts";
import { EvidenceFile, noEvidence } from "./evidence.ts";
import { type Batch, evidencePlaceOf, msOf, StateRows } from "./state-rows.ts";
import { errorCode } from "./trouble.ts";

const magic = Buffer.from("fbstate\x06", "latin1");
const fileHead = 16;
const batchHead = 16;
/** Evidence is compressed in blocks of so many. */
const blockRuns = 64;
const slackRows = 1000;

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
  #rows = new StateRows();
  readonly #places = new Map<string, Place>();
  #rowCount = 0;
  #goodBytes = 0;
  /** Files of evidence that are read, the present one's beside. */
  readonly #earlier = new Map<number, EvidenceFile>();
  readonly #generationsInUse: () => readonly number[];

  private constructor(path: string, generation: number, generationsInUse: () => readonly number[]) {
    this.#path = path;
    this.#generationsInUse = generationsInUse;
    this.#generation = generation;
    this.#evidence = evidenceOf(path, generation);
  }

  /** An unreadable file, or one of another version, is as an empty one. generationsInUse: those whose evidence is still asked for. */
  static open(path: string, generationsInUse: () => readonly number[]): StateFile {
    const bytes = readWhole(path);
    if (bytes === null || bytes.length < fileHead || !bytes.subarray(0, magic.length).equals(magic))
      return new StateFile(path, Date.now(), generationsInUse);
    const file = new StateFile(path, bytes.readDoubleLE(magic.length), generationsInUse);
    file.#load(bytes);
    return file;
  }

  names(): IterableIterator<string> {
    return this.#places.keys();
  }

  /** Milliseconds of its last run, without building the rest. */
  ms(action: string): number | undefined {
    const place = this.#places.get(action);
    return place === undefined ? undefined : msOf(place.batch, place.at);
  }

  /** Where the evidence of its last run lies. */
  evidenceRef(action: string): EvidenceRef | null {
    const place = this.#places.get(action);
    return place === undefined ? null : [this.#generation, ...evidencePlaceOf(place.batch, place.at)];
  }

  /** The text, or that of nothing seen where it is no more. */
  evidence([generation, offset, place]: EvidenceRef): string {
    if (generation === this.#generation) return this.#evidence.get(offset, place);
    let file = this.#earlier.get(generation);
    if (file === undefined) {
      file = evidenceOf(this.#path, generation);
      this.#earlier.set(generation, file);
    }
    return file.get(offset, place);
  }

  /** How far this file reaches; what is appended later leaves that part as it is. */
  mark(): StateMark {
    return { generation: this.#generation, bytes: this.#goodBytes };
  }

  /** The actions whose last run had one of these reads. */
  *readers(reads: readonly Read<CanonPath>[]): Iterable<string> {
    const hasOne = this.#rows.among(reads);
    if (hasOne === null) return;
    for (const [action, { batch, at }] of this.#places) if (hasOne(batch, at)) yield action;
  }

  get(action: string): LastRun | undefined {
    const place = this.#places.get(action);
    if (place === undefined) return undefined;
    const evidence = this.#evidence;
    return this.#rows.decode(place.batch, place.at, (offset, nth) => evidence.get(offset, nth));
  }

  /** Adds rows (null: forgotten) in one batch. Throws the system's error; the file is then as it was, or ends in a batch that will be cut off. */
  append(changes: ReadonlyMap<string, LastRun | null>): void {
    if (changes.size === 0) return;
    if (this.#rowCount + changes.size > 2 * (this.#places.size + changes.size) + slackRows) this.#rewrite(changes);
    else this.#appendBatch(changes);
  }

  #appendBatch(changes: ReadonlyMap<string, LastRun | null>): void {
    const known = this.#rows.names.length;
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
      this.#rows.forget(known);
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
    const fresh = new StateFile(temp, generation, this.#generationsInUse);
    fresh.#evidence = evidenceOf(this.#path, generation);
    const runs = [...all];
    // Also without runs: the file says which generation it is.
    for (let i = 0; i === 0 || i < runs.length; i += blockRuns) fresh.#appendBatch(new Map(runs.slice(i, i + blockRuns)));
    renameSync(temp, this.#path);
    removeOldEvidence(this.#path, [generation, this.#generation, ...this.#generationsInUse()]);
    this.#generation = generation;
    this.#evidence = fresh.#evidence;
    // A new one: what get() gave out still looks into the old one.
    this.#rows = new StateRows();
    this.#places.clear();
    this.#rowCount = 0;
    this.#goodBytes = 0;
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
    const { names } = this.#rows;
    if (nameBytes > 0 && namesFrom === null) {
      for (const name of aligned.toString("utf8", namesAt, namesAt + nameBytes - 1).split("\0")) names.push(name);
    }
    const batch: Batch = {
      rows: words.subarray(batchHead / 4, namesAt / 4),
      bytes: aligned.subarray(batchHead, namesAt),
      texts: aligned.subarray(namesAt + nameBytes, namesAt + nameBytes + textBytes),
    };
    for (let row = 0; row < batch.rows.length; row += batch.rows[row] as number) {
      const length = batch.rows[row] as number;
      const name = names[batch.rows[row + 1] as number] ?? "";
      this.#rowCount++;
      if (length > 2) this.#places.set(name, { batch, at: row });
      else this.#places.delete(name);
      if (length < 2) break;
    }
    return size;
  }

  #encode(changes: ReadonlyMap<string, LastRun | null>): Buffer {
    const firstNew = this.#rows.names.length;
    const evidences: string[] = [];
    for (const run of changes.values()) if (run !== null) evidences.push(run.evidence.includes("\0") ? noEvidence : run.evidence);
    const { rows, texts, textBytes } = this.#rows.encode(changes, evidences.length === 0 ? 0 : this.#evidence.append(evidences));
    const fresh = this.#rows.names.slice(firstNew);
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
