/**
 * The graph as it is asked about: files, actions, targets and packages of all envs as nodes in dense columns. Nodes are numbered so that every edge leads from a lower
 * number to a higher one: what is made comes before what it is made of, a closure is one pass over the columns, and any set is in order as it lies.
 */
import { inverted, type Lists, listOf } from "./lists.ts";
import { type Json, type Packed, type Reference, Unpacker } from "./packed.ts";
import type { Kind, Sharing } from "./types.ts";

export type NodeKind = Kind | "file" | "target" | "package";

/** By node; texts are numbers of strings in `packed`. */
export interface ViewColumns {
  readonly packed: Packed;
  readonly labels: Uint32Array;
  readonly kinds: Uint32Array;
  /** "" of what belongs to none. */
  readonly envs: Uint32Array;
  /** References to Details, or to null where there is nothing to tell. */
  readonly details: Uint32Array;
  /** To what a node is made of, ascending. */
  readonly edges: Lists;
  /** Of an action: the files that it makes. */
  readonly outputs: Lists;
  /** Nodes in the order of their labels, by UTF-16 units. */
  readonly byLabel: Uint32Array;
  /** References: env → the files that say how it is built. */
  readonly builtBy: Uint32Array;
}

/** What is told of an action beside its edges. */
export interface ActionDetails {
  /** ENV/PROFILE/RULE:first output: the name in the state and in the history. */
  readonly name: string;
  /** As people read it in the build's lines. */
  readonly label: string;
  readonly argv: readonly string[];
  readonly vars: Readonly<Record<string, string>>;
  readonly rule: string;
  readonly sharing: Sharing;
  /** Milliseconds of its last run; null if it never ran. */
  readonly ms: number | null;
}

export interface PackageDetails {
  readonly version: string;
}

export class View {
  readonly columns: ViewColumns;
  private readonly unpacker: Unpacker;
  private reversed: Lists | null = null;

  constructor(columns: ViewColumns) {
    this.columns = columns;
    this.unpacker = new Unpacker(columns.packed);
  }

  get size(): number {
    return this.columns.labels.length;
  }

  label(id: number): string {
    return this.text(this.columns.labels[id] as number);
  }

  kind(id: number): NodeKind {
    return this.text(this.columns.kinds[id] as number) as NodeKind;
  }

  env(id: number): string {
    return this.text(this.columns.envs[id] as number);
  }

  /** What a node is made of. */
  edges(id: number): Uint32Array {
    return listOf(this.columns.edges, id);
  }

  /** What is made of a node. */
  users(id: number): Uint32Array {
    this.reversed ??= inverted(this.columns.edges);
    return listOf(this.reversed, id);
  }

  outputs(id: number): Uint32Array {
    return listOf(this.columns.outputs, id);
  }

  /** Null for what is no action. */
  action(id: number): ActionDetails | null {
    return isAction(this.kind(id)) ? (this.details(id) as unknown as ActionDetails) : null;
  }

  /** One of an action's details, without the others; null for what is no action. */
  ofAction<K extends keyof ActionDetails>(id: number, key: K): ActionDetails[K] | null {
    if (!isAction(this.kind(id))) return null;
    return this.unpacker.field(this.columns.details[id] as Reference, key) as unknown as ActionDetails[K];
  }

  package(id: number): PackageDetails | null {
    return this.kind(id) === "package" ? (this.details(id) as unknown as PackageDetails) : null;
  }

  /** The envs that could be planned, each with the files that say how it is built. */
  builtBy(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      Array.from(
        this.columns.builtBy,
        (reference) => this.unpacker.value(reference as Reference) as unknown as [string, readonly string[]],
      ),
    );
  }

  /** The nodes of a label: more than one only where a file is called as something else is. */
  named(label: string): number[] {
    const found: number[] = [];
    for (let at = this.place(label); at < this.size; at++) {
      const id = this.columns.byLabel[at] as number;
      if (this.label(id) !== label) break;
      found.push(id);
    }
    return found;
  }

  /** The nodes whose labels begin so. */
  beginning(prefix: string): number[] {
    const found: number[] = [];
    for (let at = this.place(prefix); at < this.size; at++) {
      const id = this.columns.byLabel[at] as number;
      if (!this.label(id).startsWith(prefix)) break;
      found.push(id);
    }
    return found;
  }

  /** The first place in byLabel whose label is not less. */
  private place(label: string): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.label(this.columns.byLabel[middle] as number) < label) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private details(id: number): Json {
    return this.unpacker.value(this.columns.details[id] as Reference);
  }

  private text(string: number): string {
    // Tag 0: a string.
    return this.unpacker.value((string << 2) as Reference) as string;
  }
}

export function isAction(kind: NodeKind): kind is Kind {
  return kind !== "file" && kind !== "target" && kind !== "package";
}
