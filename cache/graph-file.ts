/**
 * What a run of few changes takes up instead of planning: `.fb/state/graph`, the last good run's graph in columns, and `.fb/state/digests`, what each file of
 * its snapshot had for digests. A snapshot names the two it belongs to by their ids; where one is missing, damaged or another, everything is decided anew.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { KeptColumns } from "../engine/kept-graph.ts";
import { packedBytes, packedFrom } from "../engine/packed.ts";
import type { Root } from "../engine/paths.ts";
import type { Digest, ReadKind } from "../engine/types.ts";
import { readColumns, writeColumns } from "./columns-file.ts";
import type { StateMark } from "./statefile.ts";

const magic = "fbgraph4";

export interface GraphFacts {
  readonly request: string;
  readonly builds: readonly { readonly env: string; readonly profile: string }[];
  /** What build_info.json says of each env that has one, the caller's. */
  readonly infos: readonly object[];
  /** Folders that paths are named from, beside the project's. */
  readonly roots: readonly Root[];
  /** Files that more than actions rest on: the ini, boards, what tells toolchains apart. */
  readonly fixed: readonly string[];
  /** Of these what tells toolchains apart. */
  readonly tools: readonly string[];
}

export interface DigestFacts {
  /** Up to where the state that goes with them reaches. */
  readonly state: StateMark;
}

/** What a file may have been read as; of listings and of what is missing the snapshot itself tells. */
export const DIGEST_KINDS: readonly ReadKind[] = ["file", "includes", "directives"];

const BLOCK = 64;

/** Digests of the files of one snapshot, by their place in it. */
export class Digests {
  private readonly rows: Uint32Array;
  private readonly bytes: Buffer;
  private index: Int32Array | null = null;
  /** In hexadecimal, by blocks: of neighbours a link asks for all, and one call of many costs less than many of one. */
  private readonly hex: (string | undefined)[] = [];

  /** rows: place × 4 + kind of each; bytes: 32 of each. */
  constructor(rows: Uint32Array, bytes: Buffer) {
    this.rows = rows;
    this.bytes = bytes;
  }

  /** By row, where it lies; -1 for nowhere. */
  private get at(): Int32Array {
    if (this.index !== null) return this.index;
    const { rows } = this;
    let most = 0;
    for (let i = 0; i < rows.length; i++) if ((rows[i] as number) > most) most = rows[i] as number;
    const at = new Int32Array(most + 1).fill(-1);
    for (let i = 0; i < rows.length; i++) at[rows[i] as number] = i;
    this.index = at;
    return at;
  }

  static from(found: Iterable<readonly [place: number, is: ReadKind, digest: Digest]>): Digests {
    const rows: number[] = [];
    const hex: string[] = [];
    for (const [place, is, digest] of found) {
      // A file that is not there has no digest to keep.
      if (!DIGEST_KINDS.includes(is) || digest.length !== 64) continue;
      rows.push(place * 4 + DIGEST_KINDS.indexOf(is));
      hex.push(digest);
    }
    return new Digests(Uint32Array.from(rows), Buffer.from(hex.join(""), "hex"));
  }

  get(place: number, is: ReadKind): Digest | undefined {
    const i = this.at[place * 4 + DIGEST_KINDS.indexOf(is)] ?? -1;
    if (i < 0) return undefined;
    const block = Math.floor(i / BLOCK);
    const hex = this.hex[block] ?? this.bytes.toString("hex", block * BLOCK * 32, (block + 1) * BLOCK * 32);
    this.hex[block] = hex;
    const from = (i % BLOCK) * 64;
    return hex.slice(from, from + 64) as Digest;
  }

  /** These, less those of some places, with others; gone: of these the places that are no more, so that those behind them move up. */
  amended(
    dropped: ReadonlySet<number>,
    gone: ReadonlySet<number>,
    more: Iterable<readonly [place: number, is: ReadKind, digest: Digest]>,
  ): Digests {
    const fresh = Digests.from(more);
    const rows = new Uint32Array(this.rows.length + fresh.rows.length);
    const bytes = Buffer.allocUnsafe(rows.length * 32);
    let count = 0;
    const take = (from: Digests, first: number, end: number) => {
      rows.set(from.rows.subarray(first, end), count);
      from.bytes.copy(bytes, count * 32, first * 32, end * 32);
      count += end - first;
    };
    // Few are dropped: what lies between them is taken at once.
    let first = 0;
    for (let i = 0; i < this.rows.length; i++) {
      if (!dropped.has((this.rows[i] as number) >>> 2)) continue;
      take(this, first, i);
      first = i + 1;
    }
    take(this, first, this.rows.length);
    take(fresh, 0, fresh.rows.length);
    const places = [...gone];
    if (places.length > 0)
      for (let i = 0; i < count; i++) {
        const place = (rows[i] as number) >>> 2;
        rows[i] = (rows[i] as number) - 4 * places.filter((p) => p < place).length;
      }
    return new Digests(rows.slice(0, count), bytes.subarray(0, count * 32));
  }

  columns(): readonly Uint32Array[] {
    const { buffer, byteOffset, length } =
      this.bytes.byteOffset % 4 === 0 ? this.bytes : Buffer.from(Uint8Array.prototype.slice.call(this.bytes).buffer);
    return [this.rows, new Uint32Array(buffer, byteOffset, length / 4)];
  }
}

function graphFile(state: string): string {
  return join(state, "graph");
}

/** Takes the kept graph away: what it belongs to is about to become another. state: the project's `.fb/state`. */
export function dropGraph(state: string): void {
  rmSync(graphFile(state), { force: true });
}

/** @returns the id, null where nothing can be written */
export function writeGraph(state: string, facts: GraphFacts, c: KeptColumns): string | null {
  const packed = new Uint32Array(packedBytes(c.packed, 0).buffer);
  const lists = [c.needs, c.inputs, c.outputs].flatMap(({ ends, values }) => [ends, values]);
  return writeColumns(graphFile(state), magic, facts, [packed, c.specs, c.names, ...lists, c.folders, c.assembling]);
}

export function readGraph(state: string, id: string): { readonly facts: GraphFacts; readonly columns: KeptColumns } | null {
  const file = readColumns<GraphFacts>(graphFile(state), magic, id);
  if (file === null || file.columns.length !== 11) return null;
  const [bytes, specs, names, needEnds, needs, inputEnds, inputs, outputEnds, outputs, folders, assembling] = file.columns as FullColumns;
  const { packed } = packedFrom(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return {
    facts: file.facts,
    columns: {
      packed,
      specs,
      names,
      needs: { ends: needEnds, values: needs },
      inputs: { ends: inputEnds, values: inputs },
      outputs: { ends: outputEnds, values: outputs },
      folders,
      assembling,
    },
  };
}

type C = Uint32Array;
type FullColumns = readonly [C, C, C, C, C, C, C, C, C, C, C];

/** @returns the id, null where nothing can be written */
export function writeDigests(state: string, facts: DigestFacts, digests: Digests): string | null {
  return writeColumns(join(state, "digests"), magic, facts, digests.columns());
}

export function readDigests(state: string, id: string): { readonly facts: DigestFacts; readonly digests: Digests } | null {
  const file = readColumns<DigestFacts>(join(state, "digests"), magic, id);
  const [rows, words] = file?.columns ?? [];
  if (file === null || rows === undefined || words === undefined || words.length !== rows.length * 8) return null;
  return { facts: file.facts, digests: new Digests(rows, Buffer.from(words.buffer, words.byteOffset, words.byteLength)) };
}
