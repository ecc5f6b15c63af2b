/** Priorities: how long what still depends on an action will take, from recorded durations. The action with the longest way to the end starts first. */
import type { Graph } from "./graph.ts";
import type { ActionId, Kind } from "./types.ts";

/** Milliseconds assumed for an action that never ran; only their order matters. */
const GUESS: Readonly<Record<Kind, number>> = {
  fetch: 5000,
  extract: 2000,
  install: 500,
  plan: 20,
  compile: 200,
  archive: 50,
  link: 500,
  objcopy: 20,
  size: 10,
  step: 200,
  flash: 5000,
  monitor: 1000,
  erase: 2000,
};

/** The priority of each needed action, indexed by id. duration: recorded milliseconds. */
export function priorities(graph: Graph, needed: ReadonlySet<ActionId>, duration: (name: string) => number | undefined): Float64Array {
  const waits = new Int32Array(graph.nodes.length);
  for (const id of needed) for (const need of graph.node(id).needs) if (needed.has(need)) waits[need] = (waits[need] ?? 0) + 1;
  const result = new Float64Array(graph.nodes.length);
  const ready = [...needed].filter((id) => waits[id] === 0);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    const { spec, needs } = graph.node(id);
    const length = (result[id] ?? 0) + (duration(spec.name) ?? GUESS[spec.kind]);
    result[id] = length;
    for (const need of needs) {
      if (!needed.has(need)) continue;
      result[need] = Math.max(result[need] ?? 0, length);
      waits[need] = (waits[need] ?? 0) - 1;
      if (waits[need] === 0) ready.push(need);
    }
  }
  return result;
}

/** A binary heap of actions, the greatest priority first, then the least id. */
export class ReadyQueue {
  private readonly heap: ActionId[] = [];
  private priority = new Float64Array(0);

  get size(): number {
    return this.heap.length;
  }

  /** New priorities after the graph has grown; what waits is put in order again. */
  reorder(priority: Float64Array<ArrayBuffer>): void {
    this.priority = priority;
    for (const id of this.heap.splice(0)) this.push(id);
  }

  push(id: ActionId): void {
    let at = this.heap.push(id) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  pop(): ActionId | undefined {
    const top = this.heap[0];
    const last = this.heap.pop();
    if (top === undefined || last === undefined || this.heap.length === 0) return top;
    this.heap[0] = last;
    for (let at = 0; ; ) {
      let best = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < this.heap.length && this.before(child, best)) best = child;
      if (best === at) return top;
      this.swap(at, best);
      at = best;
    }
  }

  private before(a: number, b: number): boolean {
    const x = this.heap[a] as ActionId;
    const y = this.heap[b] as ActionId;
    const difference = (this.priority[x] ?? 0) - (this.priority[y] ?? 0);
    return difference !== 0 ? difference > 0 : x < y;
  }

  private swap(a: number, b: number): void {
    const x = this.heap[a] as ActionId;
    this.heap[a] = this.heap[b] as ActionId;
    this.heap[b] = x;
  }
}
