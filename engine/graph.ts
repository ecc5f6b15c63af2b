/** The action graph: dense ids for files and actions, and the growing that refuses what can not be built. */
import { fail, failure, ok } from "./failure.ts";
import { folderOf } from "./paths.ts";
import type { ActionId, ActionSpec, Failure, FileId, ProjectPath, Result } from "./types.ts";

/** An action with its ids. `needs`: the distinct actions whose outputs it takes or waits for. */
export interface Node {
  readonly id: ActionId;
  readonly spec: ActionSpec;
  readonly outputs: readonly FileId[];
  readonly needs: readonly ActionId[];
}

/** The rest of a graph of which a run has loaded only some actions; all of it is settled. */
export interface Outside {
  /** The action of the rest that makes a path, although the action of this name does not wait for it; null if there is none. */
  unordered(name: string, path: string): ActionSpec | null;
  /** Whether an action of the rest makes a path. */
  isMade(path: string): boolean;
  /** The compiles of the rest that an action needs and whose texts name files for the assembler. */
  assembling(name: string): readonly ActionSpec[];
}

const NONE = -1;

export class Graph {
  readonly paths: ProjectPath[] = [];
  readonly nodes: Node[] = [];
  /** The actions that need one, by its id. */
  private readonly users: ActionId[][] = [];
  private readonly ids = new Map<string, FileId>();
  private readonly makers: number[] = [];
  private readonly byName = new Map<string, ActionId>();
  /** Output paths without case, against two producers on a disk that folds it. */
  private readonly folded = new Map<string, ActionId>();
  private readonly folders = new Set<string>();
  /** Folder, without case, → the actions with an output somewhere below it, in order. */
  private readonly inside = new Map<string, ActionId[]>();
  /** Inputs that nothing made when their action was added → that action. */
  private readonly given = new Map<string, ActionId>();
  readonly outside: Outside | null;

  constructor(outside: Outside | null = null) {
    this.outside = outside;
  }

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

  /** The actions that need this one's outputs. */
  usersOf(id: ActionId): readonly ActionId[] {
    return this.users[id] ?? [];
  }

  /** All actions that depend on this one, directly or through others. */
  dependants(id: ActionId): ReadonlySet<ActionId> {
    const found = new Set<ActionId>();
    const queue = [...this.usersOf(id)];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      queue.push(...this.usersOf(next));
    }
    return found;
  }

  /** Whether the outputs of `maker` are there before the action starts. */
  waitsFor(node: Node, maker: ActionId): boolean {
    const seen = new Set<ActionId>();
    const queue = [...node.needs];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (id === maker) return true;
      if (seen.has(id)) continue;
      seen.add(id);
      queue.push(...this.node(id).needs);
    }
    return false;
  }

  /** Whether an action makes a path. */
  isMade(path: string): boolean {
    return this.producer(path) !== undefined || this.outside?.isMade(path) === true;
  }

  /** The action, `node` itself too, that makes a path and that `node` does not wait for; null for a leaf and for what is there in time. */
  unordered(node: Node, path: string): ActionSpec | null {
    const maker = this.producer(path);
    if (maker === undefined) return this.outside?.unordered(node.spec.name, path) ?? null;
    return this.waitsFor(node, maker) ? null : this.node(maker).spec;
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
   * Adds what a plan found, in an order that may name later ones. Refused, and then nothing is added: a second producer of one path (also in other case,
   * or inside a folder that another action makes), an action of the same name with another content, a producer of what an action already took as given,
   * and a cycle. Ids of the actions, in the order of the specs.
   */
  grow(specs: readonly ActionSpec[]): Result<readonly ActionId[]> {
    const first = this.nodes.length;
    const fresh: ActionSpec[] = [];
    let refused: Failure | null = null;
    for (const spec of specs) {
      const there = this.byName.get(spec.name);
      if (there === undefined) {
        const id = (first + fresh.length) as ActionId;
        this.byName.set(spec.name, id);
        fresh.push(spec);
        refused = this.claim(spec, id, fresh);
      } else if (JSON.stringify(this.specOf(there, fresh)) !== JSON.stringify(spec)) {
        refused = failure("graph.two-actions", 3, `two different actions are called ${spec.name}`);
      }
      if (refused !== null) break;
    }
    if (refused === null) {
      for (const spec of fresh) this.nodes.push(this.link(spec, this.nodes.length as ActionId));
      const cycle = this.findCycle(first);
      if (cycle !== null) refused = failure("graph.cycle", 3, `these actions wait for each other: ${cycle.join(" → ")}`);
    }
    if (refused !== null) {
      this.withdraw(fresh, first);
      return fail(refused);
    }
    return ok(specs.map((s) => this.byName.get(s.name) as ActionId));
  }

  /** Enters the outputs of a new action; a failure if one of them is another's, or was taken for a file that nothing makes. */
  private claim(spec: ActionSpec, id: ActionId, fresh: readonly ActionSpec[]): Failure | null {
    for (const output of spec.outputs) {
      const folded = output.toLowerCase();
      const bare = folded.endsWith("/") ? folded.slice(0, -1) : folded;
      let other = this.otherThan(id, [this.folded.get(bare), this.folded.get(`${bare}/`), ...(this.inside.get(bare) ?? [])]);
      for (let dir = folderOf(bare); other === undefined && dir !== "" && dir !== "/"; dir = folderOf(dir)) {
        other = this.otherThan(id, [this.folded.get(dir), this.folded.get(`${dir}/`)]);
      }
      if (other !== undefined) return twoProducers(output, spec, this.specOf(other, fresh));
      const early = this.given.get(output);
      if (early !== undefined) return lateProducer(output, spec, this.node(early).spec);
      this.folded.set(folded, id);
      this.makers[this.file(output)] = id;
      if (output.endsWith("/")) this.folders.add(output.slice(0, -1));
      for (let dir = folderOf(bare); dir !== "" && dir !== "/"; dir = folderOf(dir)) {
        const makers = this.inside.get(dir);
        if (makers === undefined) this.inside.set(dir, [id]);
        else if (makers[makers.length - 1] !== id) makers.push(id);
      }
    }
    return null;
  }

  private otherThan(id: ActionId, makers: readonly (ActionId | undefined)[]): ActionId | undefined {
    return makers.find((m) => m !== undefined && m !== id);
  }

  /** Takes back what grow() entered since `first`. */
  private withdraw(fresh: readonly ActionSpec[], first: number): void {
    this.nodes.length = first;
    for (const spec of fresh) {
      this.byName.delete(spec.name);
      for (const output of spec.outputs) {
        const folded = output.toLowerCase();
        if ((this.folded.get(folded) ?? NONE) < first) continue;
        this.folded.delete(folded);
        this.makers[this.file(output)] = NONE;
        this.folders.delete(output.slice(0, -1));
      }
    }
    for (const makers of this.inside.values()) while ((makers[makers.length - 1] ?? NONE) >= first) makers.pop();
    for (const users of this.users) while ((users?.[users.length - 1] ?? NONE) >= first) users?.pop();
    for (const [path, id] of this.given) if (id >= first) this.given.delete(path);
    this.users.length = Math.min(this.users.length, first);
  }

  private specOf(id: ActionId, fresh: readonly ActionSpec[]): ActionSpec | undefined {
    return this.nodes[id]?.spec ?? fresh[id - this.nodes.length];
  }

  private link(spec: ActionSpec, id: ActionId): Node {
    const needs = new Set<ActionId>();
    for (const input of spec.inputs) {
      if (input.is === "value") continue;
      const maker = this.producer(input.path);
      if (maker !== undefined) needs.add(maker);
      else if (!this.given.has(input.path)) this.given.set(input.path, id);
      // A folder as an input is all that is in it, and so all that is made there.
      if (input.path.endsWith("/")) for (const m of this.inside.get(input.path.slice(0, -1).toLowerCase()) ?? []) needs.add(m);
    }
    for (const path of spec.orderOnly) {
      const maker = this.producer(path);
      if (maker !== undefined) needs.add(maker);
    }
    for (const need of needs) {
      const users = this.users[need];
      if (users === undefined) this.users[need] = [id];
      else users.push(id);
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

function twoProducers(path: string, a: ActionSpec, b: ActionSpec | undefined): Failure {
  const other = b === undefined || b.outputs.includes(path as ProjectPath) ? "" : ` (${b.outputs.join(" ")})`;
  return failure("graph.two-producers", 3, `${path} would be made twice: by ${b?.name ?? "another action"}${other} and by ${a.name}`, {
    hint: "give one of them another output; paths that differ in case only count as one, and a folder as all that is in it",
  });
}

function lateProducer(path: string, maker: ActionSpec, user: ActionSpec): Failure {
  return failure("graph.late-producer", 3, `${maker.name} makes ${path}, but was planned after ${user.name}, which reads it`, {
    hint: "let the plan that adds the reader add what it reads, too",
  });
}
