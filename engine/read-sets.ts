/** What actions read beyond their inputs, of which many have the same: each list is looked up, hashed and told once for all that share it. */
import type { Files } from "./files.ts";
import type { Graph } from "./graph.ts";
import { readsDigest, readsJson } from "./key.ts";
import { projectRead } from "./paths.ts";
import type { CanonPath, Digest, Hashing, Read } from "./types.ts";

export type Reads = readonly Read<CanonPath>[];

/** After so many lists those that are kept are let go: a build in which each compile reads something else has no use for them. */
const MOST_KEPT = 256;
/** Lists of one length that are compared, the newest first. */
const MOST_COMPARED = 8;

interface Known {
  readonly out: string;
  readonly there: readonly Read[];
  paths: ReadonlySet<string> | null;
  readonly hasTrees: boolean;
  made: readonly Read[];
  /** Of the graph when `made` was found. */
  nodes: number;
  digests: readonly Digest[] | null;
  sum: Digest | null;
  json: string | null;
  /** How many paths had changed when the digests were made. */
  at: number;
}

export class ReadSets {
  private readonly files: Files;
  private readonly graph: Graph;
  private readonly hashing: Hashing;
  private readonly known = new WeakMap<Reads, Known>();
  private readonly byLength = new Map<number, Reads[]>();
  private kept = 0;

  constructor(files: Files, graph: Graph, hashing: Hashing) {
    this.files = files;
    this.graph = graph;
    this.hashing = hashing;
  }

  /** An equal list that was seen before, else this one. */
  shared(reads: Reads): Reads {
    if (this.known.has(reads)) return reads;
    const alike = this.byLength.get(reads.length) ?? [];
    const equal = alike.find((other) => isEqual(other, reads));
    if (equal !== undefined) return equal;
    if (this.kept === MOST_KEPT) {
      this.byLength.clear();
      this.kept = 0;
    }
    this.byLength.set(reads.length, [reads, ...alike].slice(0, MOST_COMPARED));
    this.kept++;
    return reads;
  }

  /** Those of the reads that an action makes, as paths of the project. out: the output folder of the env. Reads nothing. */
  made(reads: Reads, out: string): readonly Read[] {
    const known = this.of(reads, out);
    if (known.nodes !== this.graph.nodes.length) {
      known.made = known.there.filter((read) => read.is !== "value" && this.graph.isMade(read.path));
      known.nodes = this.graph.nodes.length;
    }
    return known.made;
  }

  /** Of each read, as it is now. */
  digests(reads: Reads, out: string): readonly Digest[] {
    const known = this.current(reads, out);
    known.digests ??= known.there.map((read) => this.files.digest(read));
    return known.digests;
  }

  /** The digest of all of them with their digests. */
  sum(reads: Reads, out: string): Digest {
    const digests = this.digests(reads, out);
    const known = this.of(reads, out);
    known.sum ??= readsDigest(this.hashing, reads, digests);
    return known.sum;
  }

  /** They and their digests, for evidenceJson. */
  json(reads: Reads, out: string): string {
    const digests = this.digests(reads, out);
    const known = this.of(reads, out);
    known.json ??= readsJson(reads, digests);
    return known.json;
  }

  private of(reads: Reads, out: string): Known {
    let known = this.known.get(reads);
    if (known?.out !== out) {
      const there = reads.map((read) => projectRead(read, out));
      const hasTrees = there.some(({ path }) => path.endsWith("/"));
      known = { out, there, paths: null, hasTrees, made: [], nodes: -1, digests: null, sum: null, json: null, at: 0 };
      this.known.set(reads, known);
    }
    return known;
  }

  /** Without digests that no longer hold. Of a tree that is not there, no digest does. */
  private current(reads: Reads, out: string): Known {
    const known = this.of(reads, out);
    if (known.digests !== null && (known.hasTrees || this.isTouched(known))) known.digests = known.sum = known.json = null;
    known.at = this.files.changes.length;
    return known;
  }

  private isTouched(known: Known): boolean {
    const { changes } = this.files;
    if (known.at === changes.length) return false;
    known.paths ??= new Set(known.there.map((read) => read.path));
    for (let i = known.at; i < changes.length; i++) {
      const path = changes[i] as string;
      if (path.endsWith("/") || known.paths.has(path)) return true;
    }
    return false;
  }
}

function isEqual(a: Reads, b: Reads): boolean {
  for (const [i, read] of a.entries()) {
    const other = b[i];
    if (other !== read && (other?.path !== read.path || other.is !== read.is)) return false;
  }
  return a.length === b.length;
}
