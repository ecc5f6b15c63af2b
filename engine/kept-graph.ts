/**
 * The graph of a run that ended well, kept for the next one: in columns, so that a run that finds a few files changed loads of 30,000 actions only those
 * that these files reach. The rest is as it was: what proves that is the snapshot, not this file.
 */
import type { Files } from "./files.ts";
import type { Graph, Outside } from "./graph.ts";
import { folderOf, fromCanonical, outFolder } from "./paths.ts";
import { inverted, type Lists, lists } from "./lists.ts";
import { firstAbove, type Json, type Packed, Packer, type Reference, Unpacker } from "./packed.ts";
import type { ActionId, ActionResult, ActionSpec } from "./types.ts";

/** Actions by their place; needs are places, names, inputs and outputs strings of `packed`. */
export interface KeptColumns {
  readonly packed: Packed;
  readonly specs: Uint32Array;
  readonly names: Uint32Array;
  readonly needs: Lists;
  readonly inputs: Lists;
  readonly outputs: Lists;
  /** Every folder that an output lies in, or is: what lies elsewhere is made by none. */
  readonly folders: Uint32Array;
  /** Compiles whose texts name files for the assembler, which reads them at the link under LTO. */
  readonly assembling: Uint32Array;
}

/** So many strings are searched for in the whole text; of more, every string is cut out and looked up. */
const FEW = 16;

/** The settled actions of a graph. files: to see what the texts name. */
export function keepGraph(graph: Graph, results: ReadonlyMap<ActionId, ActionResult>, files: Files): KeptColumns {
  const nodes = graph.nodes.filter((n) => results.has(n.id));
  const place = new Map(nodes.map((n, i) => [n.id, i]));
  const packer = new Packer();
  const text = (value: string): number => packer.add(value) >>> 2;
  const assembling: number[] = [];
  for (const [i, { spec, id }] of nodes.entries())
    if (spec.kind === "compile" && assembles(spec, results.get(id) as ActionResult, files)) assembling.push(i);
  return {
    specs: Uint32Array.from(nodes, (n) => packer.add(n.spec as unknown as Json)),
    names: Uint32Array.from(nodes, (n) => text(n.spec.name)),
    needs: lists(nodes.map((n) => n.needs.flatMap((need) => place.get(need) ?? []))),
    inputs: lists(nodes.map((n) => n.spec.inputs.flatMap((i) => (i.is === "value" ? [] : [text(i.path)])))),
    outputs: lists(nodes.map((n) => n.spec.outputs.map(text))),
    folders: Uint32Array.from(new Set(nodes.flatMap((n) => n.spec.outputs.map(folderOf))), text),
    assembling: Uint32Array.from(assembling),
    packed: packer.finish(),
  };
}

function assembles(spec: ActionSpec, result: ActionResult, files: Files): boolean {
  const out = outFolder(spec.env, spec.profile);
  const read = result.reads.flatMap((r): string[] => (r.is === "file" ? [fromCanonical(r.path, out)] : []));
  return [...spec.inputs.flatMap((i): string[] => (i.is === "file" ? [i.path] : [])), ...read].some(
    (path) => files.textsForAssembler(path).length > 0,
  );
}

/** The places that are 1. */
function marked(hit: Uint8Array): number[] {
  const places: number[] = [];
  for (let place = hit.indexOf(1); place >= 0; place = hit.indexOf(1, place + 1)) places.push(place);
  return places;
}

export class KeptGraph {
  private readonly columns: KeptColumns;
  private readonly unpacker: Unpacker;
  private byName: Map<string, number> | null = null;
  /** How often a name was looked up. */
  private asked = 0;
  private byOutput: Map<string, number> | null = null;
  private folders: ReadonlySet<string> | null = null;

  constructor(columns: KeptColumns) {
    this.columns = columns;
    this.unpacker = new Unpacker(columns.packed);
  }

  get size(): number {
    return this.columns.specs.length;
  }

  spec(place: number): ActionSpec {
    return this.unpacker.value(this.columns.specs[place] as Reference) as unknown as ActionSpec;
  }

  /**
   * The actions that these files reach, with all that depend on them, in the order of the graph. paths: files that changed, as inputs or as outputs. names:
   * actions that were found to have read one of them; those that are not in this graph are passed over.
   */
  affected(paths: ReadonlySet<string>, names: Iterable<string>): number[] {
    const { inputs, outputs, needs } = this.columns;
    const hit = new Uint8Array(this.size);
    const matches = this.matching(paths);
    for (const { ends, values } of [inputs, outputs])
      for (const match of matches)
        for (let i = values.indexOf(match); i >= 0; i = values.indexOf(match, i + 1)) hit[firstAbove(ends, i)] = 1;
    for (const name of names) {
      const place = this.placeOf(name);
      if (place !== undefined) hit[place] = 1;
    }
    const { ends, values } = inverted(needs);
    const queue = marked(hit);
    for (let place = queue.pop(); place !== undefined; place = queue.pop()) {
      for (let i = ends[place - 1] ?? 0; i < (ends[place] as number); i++) {
        const user = values[i] as number;
        if (hit[user] === 1) continue;
        hit[user] = 1;
        queue.push(user);
      }
    }
    return marked(hit);
  }

  /** This graph as seen by a run of some of its actions, by their places. */
  outside(run: readonly number[]): Outside {
    const inside = new Set(run);
    const behind = (name: string): ReadonlySet<number> => this.behind(this.placeOf(name) ?? -1);
    return {
      isMade: (path) => this.maker(path) !== undefined,
      unordered: (name, path) => {
        const maker = this.maker(path);
        return maker === undefined || inside.has(maker) || behind(name).has(maker) ? null : this.spec(maker);
      },
      assembling: (name) => {
        if (this.columns.assembling.length === 0) return [];
        const needed = behind(name);
        return [...this.columns.assembling].filter((place) => !inside.has(place) && needed.has(place)).map((place) => this.spec(place));
      },
    };
  }

  /** The action that makes a path, also one in a folder that it makes. */
  private maker(path: string): number | undefined {
    if (!this.mayMake(path)) return undefined;
    if (this.byOutput === null) {
      const made = new Map<string, number>();
      this.each(this.columns.outputs, (place, output) => made.set(this.text(output), place));
      this.byOutput = made;
    }
    let maker = this.byOutput.get(path);
    for (let dir = folderOf(path); maker === undefined && dir !== "" && dir !== "/"; dir = folderOf(dir))
      maker = this.byOutput.get(`${dir}/`);
    return maker;
  }

  private mayMake(path: string): boolean {
    this.folders ??= new Set(Array.from(this.columns.folders, (id) => this.text(id)));
    for (let dir = folderOf(path); ; dir = folderOf(dir)) {
      if (this.folders.has(dir)) return true;
      if (dir === "" || dir === "/") return false;
    }
  }

  /** All that an action needs, directly or through others. */
  private behind(place: number): ReadonlySet<number> {
    const { ends, values } = this.columns.needs;
    const found = new Set<number>();
    const queue = [place];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      for (const need of values.subarray(ends[next - 1] ?? 0, ends[next] ?? 0)) {
        if (found.has(need)) continue;
        found.add(need);
        queue.push(need);
      }
    }
    return found;
  }

  private placeOf(name: string): number | undefined {
    // A few are searched for: the map of all names is made of as many strings.
    if (this.byName === null && ++this.asked <= FEW) {
      const reference = this.unpacker.find(name);
      const place = reference === null ? -1 : this.columns.names.indexOf(reference >>> 2);
      return place < 0 ? undefined : place;
    }
    this.byName ??= new Map(Array.from(this.columns.names, (id, place) => [this.text(id), place]));
    return this.byName.get(name);
  }

  /** The strings that are one of these paths, or a folder ("dir/") above one. */
  private matching(paths: ReadonlySet<string>): ReadonlySet<number> {
    const found = new Set<number>();
    if (paths.size > FEW) {
      for (let id = 0; id < this.columns.packed.ends.length; id++) if (paths.has(this.text(id))) found.add(id);
    } else {
      for (const path of paths) {
        const reference = this.unpacker.find(path);
        if (reference !== null) found.add(reference >>> 2);
      }
    }
    const folders = new Set<string>();
    for (const path of paths) for (let dir = folderOf(path); dir !== "" && dir !== "/"; dir = folderOf(dir)) folders.add(`${dir}/`);
    for (const reference of this.unpacker.endingIn("/")) if (folders.has(this.text(reference >>> 2))) found.add(reference >>> 2);
    return found;
  }

  private each(column: Lists, visit: (place: number, value: number) => void): void {
    let at = 0;
    for (let place = 0; place < column.ends.length; place++)
      for (; at < (column.ends[place] as number); at++) visit(place, column.values[at] as number);
  }

  private text(id: number): string {
    // Tag 0: a string.
    return this.unpacker.value((id << 2) as Reference) as string;
  }
}
