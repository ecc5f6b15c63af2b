/**
 * Rows of `.fb/state/db` (statefile.ts): last runs as numbers, and the names that are numbered in them.
 *
 *   row     u32 length, u32 name, then nothing more (forgotten), or:
 *           origin (name), ms (f64), log (offset, length), grown (offset, length; 0xffffffff: null; compressed by zstd), count of outputs, count of reads, offset (f64) and place of
 *           its evidence, static key (32 bytes), key (32 bytes); per output: path, size (f64), executable, digest (32 bytes); per read: name × 8 + kind
 */
import type { ActionResult, CanonPath, Digest, Key, LastRun, OutputRecord, Read, ReadKind, StaticKey } from "../engine/types.ts";
import { unzipped, zipped } from "./codec.ts";

const fixedWords = 30;
const outputWords = 12;
const digestWords = 8;
const nullText = 0xffffffff;
const kinds: readonly ReadKind[] = ["file", "absent", "listing", "includes", "value", "directives"];

export interface Batch {
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

/** Where the evidence of a row's run lies. */
export function evidencePlaceOf({ rows }: Batch, at: number): readonly [offset: number, place: number] {
  return [readF64(rows, at + 11), rows[at + 13] as number];
}

/** Milliseconds that the run of a row took, without building the rest. */
export function msOf({ rows }: Batch, at: number): number {
  return readF64(rows, at + 3);
}

/** What a row's evidence is got by: where its block begins, and its place in that. */
type EvidenceAt = (offset: number, nth: number) => string;

export class StateRows {
  /** By number. Names of a batch that was read are added at the end. */
  readonly names: string[] = [];
  readonly #ids = new Map<string, number>();
  /** One object for each distinct read, by name × 8 + kind: most actions of a project share most of theirs. */
  readonly #reads: (Read<CanonPath> | undefined)[][] = kinds.map(() => []);
  #indexed = 0;

  /** Takes names back, from a number on. */
  forget(from: number): void {
    for (const name of this.names.splice(from)) this.#ids.delete(name);
    this.#indexed = Math.min(this.#indexed, from);
  }

  /** Tells of a row whether it has one of these reads; null: none has. */
  among(reads: readonly Read<CanonPath>[]): ((batch: Batch, at: number) => boolean) | null {
    // By read: an array, because all reads of all actions are looked at.
    const found = new Uint8Array(this.names.length * 8);
    const ids = this.#numbers(new Set(reads.map((r) => r.path)));
    let any = false;
    for (const { is, path } of reads) {
      const id = ids.get(path);
      if (id === undefined) continue;
      found[id * 8 + kinds.indexOf(is)] = 1;
      any = true;
    }
    if (!any) return null;
    return ({ rows }, at) => {
      const end = at + (rows[at] as number);
      const outputs = rows[at + 9] as number;
      for (let i = at + fixedWords + outputs * outputWords; i < end; i++) if (found[rows[i] as number] === 1) return true;
      return false;
    };
  }

  /** The numbers of those of these names that have one. */
  #numbers(wanted: ReadonlySet<string>): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    // To hash 8,000 names takes 4 ms, to compare them all with one 0.05.
    if (wanted.size <= 16) {
      for (const name of wanted) {
        const id = this.names.indexOf(name);
        if (id >= 0) found.set(name, id);
      }
    } else for (let id = 0; id < this.names.length; id++) if (wanted.has(this.names[id] as string)) found.set(this.names[id] as string, id);
    return found;
  }

  /** The run of a row; its evidence is asked for when it is wanted. */
  decode(batch: Batch, at: number, evidence: EvidenceAt): LastRun {
    const { rows, texts } = batch;
    const part = (o: number) => texts.subarray(rows[at + o], (rows[at + o] as number) + (rows[at + o + 1] as number));
    const names = this.names;
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
    return new StoredRun(digest(at + 14) as StaticKey, digest(at + 22) as Key, result, () => evidence(...evidencePlaceOf(batch, at)));
  }

  /** Rows of runs (null: forgotten), and the texts that they cut up. evidenceAt: where the block of their evidence begins. */
  encode(
    changes: ReadonlyMap<string, LastRun | null>,
    evidenceAt: number,
  ): { readonly rows: readonly number[]; readonly texts: readonly Buffer[]; readonly textBytes: number } {
    const rows: number[] = [];
    const f = new Float64Array(1);
    const half = new Uint32Array(f.buffer);
    const double = (n: number) => {
      f[0] = n;
      rows.push(half[0] as number, half[1] as number);
    };
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
    return { rows, texts, textBytes };
  }

  #id(name: string): number {
    for (; this.#indexed < this.names.length; this.#indexed++) this.#ids.set(this.names[this.#indexed] as string, this.#indexed);
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    if (name.includes("\0")) throw new TypeError(`a name holds NUL: ${JSON.stringify(name)}`);
    const id = this.names.push(name) - 1;
    this.#ids.set(name, id);
    this.#indexed = this.names.length;
    return id;
  }

  #read(n: number): Read<CanonPath> {
    let known = this.#reads[n & 7] ?? [];
    const id = n >>> 3;
    if (id >= known.length) {
      // Filled, so that it stays an array for the engine: a sparse one is a hash table.
      known = known.concat(new Array<undefined>(this.names.length - known.length).fill(undefined));
      this.#reads[n & 7] = known;
    }
    let r = known[id];
    if (r === undefined) {
      r = { is: kinds[n & 7] ?? "file", path: (this.names[id] ?? "") as CanonPath };
      known[id] = r;
    }
    return r;
  }
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
