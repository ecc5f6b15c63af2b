/** Actions that are to run and wait for their claims, the longest way to the end first. */
import { ReadyQueue } from "./critical.ts";
import type { Node } from "./graph.ts";
import type { Decision } from "./settle.ts";
import type { ActionId } from "./types.ts";

type ToRun = Decision & { do: "run" };

/** So many of them may be refused one after the other; then the others would be, too. */
const PATIENCE = 64;

export class Blocked {
  /** Those of one unit of cpu, of which either the first can start or none, and all others. */
  private readonly byCpu = new ReadyQueue();
  private readonly others = new ReadyQueue();
  private readonly decided = new Map<ActionId, ToRun>();

  get any(): boolean {
    return this.byCpu.size > 0 || this.others.size > 0;
  }

  reorder(order: Float64Array<ArrayBuffer>): void {
    this.byCpu.reorder(order);
    this.others.reorder(order);
  }

  add(node: Node, decision: ToRun): void {
    this.decided.set(node.id, decision);
    (takesOneCpu(node) ? this.byCpu : this.others).push(node.id);
  }

  /** Offers each in turn. begin: what became of it; refused: it goes on waiting. */
  offer(begin: (id: ActionId, decision: ToRun) => "gone" | "refused"): void {
    this.offerFrom(this.others, PATIENCE, begin);
    this.offerFrom(this.byCpu, 0, begin);
  }

  private offerFrom(queue: ReadyQueue, patience: number, begin: (id: ActionId, decision: ToRun) => "gone" | "refused"): void {
    const refused: ActionId[] = [];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const decision = this.decided.get(id);
      if (decision === undefined) continue;
      if (begin(id, decision) === "gone") this.decided.delete(id);
      else if (refused.push(id) > patience) break;
    }
    for (const id of refused) queue.push(id);
  }
}

/** Whether it holds one processor while it runs, and nothing else. */
function takesOneCpu({ spec }: Node): boolean {
  const [claim] = spec.claims;
  return spec.claims.length === 1 && claim?.on === "cpu" && claim.units === 1;
}
