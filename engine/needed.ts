/** Which actions of a graph a run needs, and how far each of them has come. */
import type { Graph, Node } from "./graph.ts";
import type { ActionId } from "./types.ts";

/** waiting: for what it needs; begun: ready or further. */
type Phase = "waiting" | "begun" | "settled" | "failed";

export class Needed {
  private readonly graph: Graph;
  private readonly needed = new Set<ActionId>();
  private readonly phase: Phase[] = [];
  /** How many of its needs are not settled. */
  private readonly waiting: number[] = [];
  /** Plans that are not through. */
  private openPlans = 0;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  get ids(): ReadonlySet<ActionId> {
    return this.needed;
  }

  /** Whether the graph may still grow. */
  get grows(): boolean {
    return this.openPlans > 0;
  }

  /** Actions without the plans. */
  count(): number {
    let count = 0;
    for (const id of this.needed) if (this.graph.node(id).spec.kind !== "plan") count++;
    return count;
  }

  /** An action is needed, and all that it needs. */
  add(id: ActionId): void {
    const queue = [id];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (this.needed.has(next)) continue;
      this.needed.add(next);
      const node = this.graph.node(next);
      if (node.spec.kind === "plan") this.openPlans++;
      queue.push(...node.needs);
    }
  }

  /** Those that were added since this was asked last. */
  fresh(): Node[] {
    return this.graph.nodes.filter((node) => this.needed.has(node.id) && this.phase[node.id] === undefined);
  }

  /** Takes up a fresh one. lost: something that it needs has failed. */
  enter(node: Node): "ready" | "waiting" | "lost" {
    const open = node.needs.filter((need) => this.phase[need] !== "settled").length;
    this.waiting[node.id] = open;
    this.phase[node.id] = open === 0 ? "begun" : "waiting";
    if (open === 0) return "ready";
    return node.needs.some((n) => this.phase[n] === "failed") ? "lost" : "waiting";
  }

  isSettled(id: ActionId): boolean {
    return this.phase[id] === "settled";
  }

  isWaiting(id: ActionId): boolean {
    return this.phase[id] === "waiting";
  }

  /** It is through; those that waited for nothing else, which have begun now. */
  settle(id: ActionId): ActionId[] {
    this.phase[id] = "settled";
    const ready: ActionId[] = [];
    for (const user of this.graph.usersOf(id)) {
      if (this.phase[user] !== "waiting") continue;
      const open = (this.waiting[user] ?? 0) - 1;
      this.waiting[user] = open;
      if (open > 0) continue;
      this.phase[user] = "begun";
      ready.push(user);
    }
    return ready;
  }

  /** A settled plan has been taken in. */
  grown(): void {
    this.openPlans--;
  }

  /** A plan settled, and what it planned was refused. */
  refuse(id: ActionId): void {
    this.phase[id] = "failed";
  }

  /** It is left out, or has failed; false if it was before. */
  leaveOut(id: ActionId): boolean {
    if (this.phase[id] === "failed") return false;
    this.phase[id] = "failed";
    if (this.graph.node(id).spec.kind === "plan") this.openPlans--;
    return true;
  }
}
