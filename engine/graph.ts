/** The action graph: dense ids for files and actions, and the growing that refuses what can not be built. */
import { failure, ok, fail } from "./failure.ts";
import { folderOf } from "./paths.ts";
import type { ActionId, ActionSpec, FileId, ProjectPath, Result } from "./types.ts";

/** An action with its ids. `needs`: the distinct actions whose outputs it takes or waits for. */
export interface Node {
  readonly id: ActionId;
  readonly spec: ActionSpec;
  readonly outputs: readonly FileId[];
  readonly needs: readonly ActionId[];
}

const NONE = -1;

export class Graph {
  readonly paths: ProjectPath[] = [];
  readonly nodes: Node[] = [];
  private readonly ids = new Map<string, FileId>();
  private readonly makers: number[] = [];
  private readonly byName = new Map<string, ActionId>();
  /** Output paths without case, against two producers on a disk that folds it. */
  private readonly folded = new Map<string, ActionId>();
  private readonly folders = new Set<string>();

  file(path: string): FileId {
    let id = this.ids.get(path);
    if (id === undefined) {
      id = this.paths.length as FileId;
      this.paths.push(path as ProjectPath);
      this.makers.push(NONE);
      this.ids.set(path, id);
    }
    return id;
  }

  path(id: FileId): ProjectPath {
    // Ids come from file() alone, so the column has them.
    return this.paths[id] as ProjectPath;
  }

  node(id: ActionId): Node {
    return this.nodes[id] as Node;
  }

  named(name: string): Node | undefined {
    const id = this.byName.get(name);
    return id === undefined ? undefined : this.node(id);
  }

  /** The action that makes this path, also when it lies in a folder that an action makes; undefined for a leaf. */
  producer(path: string): ActionId | undefined {
    const id = this.ids.get(path);
    const maker = id === undefined ? NONE : (this.makers[id] ?? NONE);
    if (maker !== NONE) return maker as ActionId;
    if (this.folders.size === 0) return undefined;
    for (let dir = folderOf(path); dir !== "" && dir !== "/"; dir = folderOf(dir)) {
      if (this.folders.has(dir)) return this.folded.get(`${dir}/`.toLowerCase());
    }
    return undefined;
  }

  /**
   * Adds what a plan found, in an order that may name later ones. Refuses a second producer of one path (also in other case), an action of the same
   * name with another content, and a cycle. Ids of the new actions, in the order of the specs.
   */
  grow(specs: readonly ActionSpec[]): Result<readonly ActionId[]> {
    const fresh: ActionSpec[] = [];
    for (const spec of specs) {
      const there = this.byName.get(spec.name);
      const id = there ?? ((this.nodes.length + fresh.length) as ActionId);
      if (there !== undefined) {
        if (JSON.stringify(this.node(there).spec) === JSON.stringify(spec)) continue;
        return fail(failure("graph.two-actions", 3, `two different actions are called ${spec.name}`));
      }
      for (const output of spec.outputs) {
        const key = output.toLowerCase();
        const other = this.folded.get(key);
        if (other !== undefined && other !== id) return fail(twoProducers(output, spec, this.specOf(other, fresh)));
        this.folded.set(key, id);
        this.makers[this.file(output)] = id;
        if (output.endsWith("/")) this.folders.add(output.slice(0, -1));
      }
      this.byName.set(spec.name, id);
      fresh.push(spec);
    }
    const first = this.nodes.length;
    for (const spec of fresh) this.nodes.push(this.link(spec, this.nodes.length as ActionId));
    const cycle = this.findCycle(first);
    if (cycle !== null) return fail(failure("graph.cycle", 3, `these actions wait for each other: ${cycle.join(" → ")}`));
    return ok(specs.map((s) => this.byName.get(s.name) as ActionId));
  }

  private specOf(id: ActionId, fresh: readonly ActionSpec[]): ActionSpec | undefined {
    return this.nodes[id]?.spec ?? fresh[id - this.nodes.length];
  }

  private link(spec: ActionSpec, id: ActionId): Node {
    const needs = new Set<ActionId>();
    for (const input of spec.inputs) {
      const maker = input.is === "value" ? undefined : this.producer(input.path);
      if (maker !== undefined) needs.add(maker);
    }
    for (const path of spec.orderOnly) {
      const maker = this.producer(path);
      if (maker !== undefined) needs.add(maker);
    }
    return { id, spec, outputs: spec.outputs.map((o) => this.file(o)), needs: [...needs] };
  }

  private findCycle(first: number): string[] | null {
    // 0 unseen, 1 on the path, 2 done; only new actions can be on a cycle, because an action's inputs never change.
    const state = new Uint8Array(this.nodes.length);
    for (let start = first; start < this.nodes.length; start++) {
      if (state[start] !== 0) continue;
      const path: { id: number; next: number }[] = [{ id: start, next: 0 }];
      state[start] = 1;
      while (path.length > 0) {
        const top = path[path.length - 1] as { id: number; next: number };
        const need = this.node(top.id as ActionId).needs[top.next++];
        if (need === undefined) {
          state[top.id] = 2;
          path.pop();
        } else if (state[need] === 1) {
          const from = path.findIndex((p) => p.id === need);
          return [...path.slice(from).map((p) => this.node(p.id as ActionId).spec.name), this.node(need).spec.name];
        } else if (state[need] === 0) {
          state[need] = 1;
          path.push({ id: need, next: 0 });
        }
      }
    }
    return null;
  }
}

function twoProducers(path: string, a: ActionSpec, b: ActionSpec | undefined) {
  return failure("graph.two-producers", 3, `${path} would be made twice: by ${b?.name ?? "another action"} and by ${a.name}`, {
    hint: "give one of them another output; paths that differ in case only count as one",
  });
}
