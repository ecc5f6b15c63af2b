/** From a planned graph, and what its actions read when they last ran, to the columns of its view. */
import type { Graph } from "./graph.ts";
import { lists } from "./lists.ts";
import { actionLabel, packageLabel, targetLabel } from "./label.ts";
import { type Json, Packer } from "./packed.ts";
import type { ActionSpec } from "./types.ts";
import type { ActionDetails, NodeKind, ViewColumns } from "./view.ts";

/** What the view of a project is made of. */
export interface Seen {
  readonly graph: Graph;
  /** Env → target name → paths, or names of actions without outputs. */
  readonly targets: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  /** prefix: how commands name its folder. */
  readonly packages: readonly { readonly name: string; readonly version: string; readonly prefix: string }[];
  /** Env → the files that say how it is built. */
  readonly builtBy: ReadonlyMap<string, readonly string[]>;
  /** The files that an action read when it last ran, as the project names them, and how long that took; null if it never ran. */
  last(spec: ActionSpec): { readonly files: readonly string[]; readonly ms: number } | null;
}

interface Draft {
  readonly label: string;
  readonly kind: NodeKind;
  env: string;
  readonly details: ActionDetails | { readonly version: string } | null;
  readonly edges: Set<number>;
  /** Of an action: what it read beside its declared inputs. */
  readonly discovered: Set<number>;
  readonly outputs: number[];
}

/** Plans are no nodes: they make no files. */
export function viewOf(seen: Seen): ViewColumns {
  return new Builder(seen).build();
}

class Builder {
  private readonly seen: Seen;
  private readonly drafts: Draft[] = [];
  private readonly files = new Map<string, number>();
  private readonly actions = new Map<string, number>();
  private readonly packages: { readonly id: number; readonly prefix: string }[] = [];
  private readonly namedIn = new Map<string, readonly number[]>();

  constructor(seen: Seen) {
    this.seen = seen;
  }

  build(): ViewColumns {
    const { graph, targets, builtBy } = this.seen;
    this.addPackages();
    const specs = graph.nodes.flatMap((n) => (n.spec.kind === "plan" ? [] : [n.spec]));
    // All of them first, so that every file finds its maker.
    for (const spec of specs) this.actions.set(spec.name, this.addAction(spec));
    for (const spec of specs) this.connect(spec);
    for (const [env, named] of targets) for (const [name, paths] of named) this.addTarget(env, name, paths);
    for (const files of builtBy.values()) for (const path of files) this.file(path);
    return this.columns();
  }

  private addPackages(): void {
    const known = new Map<string, number>();
    for (const { name, version, prefix } of this.seen.packages) {
      const label = packageLabel(name, version);
      const id = known.get(label) ?? this.add(label, "package", "", { version });
      known.set(label, id);
      if (!this.packages.some((p) => p.prefix === prefix)) this.packages.push({ id, prefix });
    }
    // The longest folder first: a package may lie in another's.
    this.packages.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  private addAction(spec: ActionSpec): number {
    const { name, label, argv, vars, sharing } = spec;
    const rule = name.slice(`${spec.env}/${spec.profile}/`.length).split(":")[0] ?? "";
    const ms = this.seen.last(spec)?.ms ?? null;
    return this.add(actionLabel(spec), spec.kind, spec.env, { name, label, argv, vars, rule, sharing, ms });
  }

  private connect(spec: ActionSpec): void {
    const id = this.actions.get(spec.name) as number;
    const draft = this.drafts[id] as Draft;
    for (const { is, path } of spec.inputs) if (isContent(is)) draft.edges.add(this.file(path));
    for (const path of this.seen.last(spec)?.files ?? []) draft.discovered.add(this.file(path));
    for (const path of spec.outputs) {
      const file = this.file(path);
      (this.drafts[file] as Draft).env = spec.env;
      draft.outputs.push(file);
      draft.discovered.delete(file);
    }
    for (const word of spec.argv) for (const named of this.packagesIn(word, word === spec.argv[0])) draft.edges.add(named);
    for (const edge of draft.edges) draft.discovered.delete(edge);
  }

  /** The packages whose folders a word of a command names; of those that have no link in the project only the program counts, since half the machine lies below /usr. */
  private packagesIn(word: string, isProgram: boolean): readonly number[] {
    const key = isProgram ? `0${word}` : `1${word}`;
    let found = this.namedIn.get(key);
    if (found === undefined) {
      found = this.packages.flatMap(({ id, prefix }) =>
        (prefix.startsWith("/") ? isProgram && word.startsWith(`${prefix}/`) : word.includes(prefix)) ? [id] : [],
      );
      this.namedIn.set(key, found);
    }
    return found;
  }

  private addTarget(env: string, name: string, paths: readonly string[]): void {
    const id = this.add(targetLabel(name, env), "target", env, null);
    const { edges } = this.drafts[id] as Draft;
    for (const path of paths) edges.add(this.actions.get(path) ?? this.file(path));
  }

  private file(path: string): number {
    const known = this.files.get(path);
    if (known !== undefined) return known;
    const id = this.add(path, "file", "", null);
    this.files.set(path, id);
    const draft = this.drafts[id] as Draft;
    const { graph } = this.seen;
    const maker = graph.producer(path);
    const by = maker === undefined ? undefined : this.actions.get(graph.node(maker).spec.name);
    if (by !== undefined) {
      draft.edges.add(by);
      draft.env = (this.drafts[by] as Draft).env;
    } else {
      const home = this.packages.find(({ prefix }) => path.startsWith(`${prefix}/`));
      if (home !== undefined) draft.edges.add(home.id);
    }
    // A folder stands for all that is made in it.
    if (path.endsWith("/"))
      for (const { spec } of graph.nodes) for (const o of spec.outputs) if (o !== path && o.startsWith(path)) draft.edges.add(this.file(o));
    return id;
  }

  private add(label: string, kind: NodeKind, env: string, details: Draft["details"]): number {
    return this.drafts.push({ label, kind, env, details, edges: new Set(), discovered: new Set(), outputs: [] }) - 1;
  }

  /** Steps to the farthest leaf of each node; -1 of those that are on a circle or lead to one. */
  private heights(): Int32Array {
    const { drafts } = this;
    const users: number[][] = drafts.map(() => []);
    const open = new Int32Array(drafts.length);
    drafts.forEach((draft, id) => {
      open[id] = draft.edges.size + draft.discovered.size;
      for (const edge of draft.edges) (users[edge] as number[]).push(id);
      for (const edge of draft.discovered) (users[edge] as number[]).push(id);
    });
    const heights = new Int32Array(drafts.length).fill(-1);
    const ready = [...drafts.keys()].filter((id) => open[id] === 0);
    for (const id of ready) heights[id] = 0;
    const longest = new Int32Array(drafts.length);
    for (let id = ready.pop(); id !== undefined; id = ready.pop())
      for (const user of users[id] ?? []) {
        longest[user] = Math.max(longest[user] as number, (heights[id] as number) + 1);
        open[user] = (open[user] as number) - 1;
        if (open[user] !== 0) continue;
        heights[user] = longest[user] as number;
        ready.push(user);
      }
    return heights;
  }

  private columns(): ViewColumns {
    let heights = this.heights();
    // What an action read in a run of another graph may be made from it in this one.
    if (heights.includes(-1)) {
      for (const [id, draft] of this.drafts.entries()) if (heights[id] === -1) draft.discovered.clear();
      heights = this.heights();
      if (heights.includes(-1)) throw new Error("the declared inputs of a graph lead in a circle");
    }
    const { drafts } = this;
    const byText = (a: number, b: number): number => compare((drafts[a] as Draft).label, (drafts[b] as Draft).label) || a - b;
    const order = [...drafts.keys()].sort((a, b) => (heights[b] as number) - (heights[a] as number) || byText(a, b));
    const place = new Uint32Array(drafts.length);
    order.forEach((draft, id) => {
      place[draft] = id;
    });
    const packer = new Packer();
    const text = (value: string): number => packer.add(value) >>> 2;
    const inOrder = order.map((draft) => drafts[draft] as Draft);
    const placed = (ids: Iterable<number>): number[] => Array.from(ids, (id) => place[id] as number);
    return {
      labels: Uint32Array.from(inOrder, (d) => text(d.label)),
      kinds: Uint32Array.from(inOrder, (d) => text(d.kind)),
      envs: Uint32Array.from(inOrder, (d) => text(d.env)),
      details: Uint32Array.from(inOrder, (d) => packer.add(d.details as unknown as Json)),
      edges: lists(inOrder.map((d) => placed([...d.edges, ...d.discovered]).sort((a, b) => a - b))),
      outputs: lists(inOrder.map((d) => placed(d.outputs))),
      byLabel: Uint32Array.from([...drafts.keys()].sort(byText), (draft) => place[draft] as number),
      builtBy: Uint32Array.from(this.seen.builtBy, (entry) => packer.add(entry as unknown as Json)),
      packed: packer.finish(),
    };
  }
}

function isContent(is: string): boolean {
  return is === "file" || is === "includes" || is === "directives";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
