/** Actions that are to run and wait for their claims, the longest way to the end first. */
import { ReadyQueue } from "./critical.ts";
import type { Node } from "./graph.ts";
import type { Decision } from "./settle.ts";
import type { ActionId, StaticKey } from "./types.ts";

type ToRun = Decision & { do: "run" };
/** isOld: what was decided may not hold any more. */
type Begin = (id: ActionId, decision: ToRun, isOld: boolean) => "gone" | "refused";

/** So many of them may be refused one after the other; then the others would be, too. */
const PATIENCE = 64;

export class Blocked {
  /** Those of one unit of cpu, of which either the first can start or none, and all others. */
  private readonly byCpu = new ReadyQueue();
  private readonly others = new ReadyQueue();
  private readonly decided = new Map<ActionId, ToRun>();
  /** Static keys of actions that have run: who waits with the same one may find the result. */
  private readonly ran = new Set<StaticKey>();
  /** Who was told so once. */
  private readonly told = new Set<ActionId>();

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

  /** An action of this static key has run, and its result is there for others. */
  hasRun(sk: StaticKey): void {
    this.ran.add(sk);
  }

  /** Offers each in turn. begin: what became of it; refused: it goes on waiting. */
  offer(begin: Begin): void {
    this.offerFrom(this.others, PATIENCE, begin);
    this.offerFrom(this.byCpu, 0, begin);
  }

  private offerFrom(queue: ReadyQueue, patience: number, begin: Begin): void {
    const refused: ActionId[] = [];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const decision = this.decided.get(id);
      if (decision === undefined) continue;
      const isOld = this.ran.has(decision.sk) && !this.told.has(id);
      if (begin(id, decision, isOld) === "gone") {
        this.decided.delete(id);
        if (isOld) this.told.add(id);
      } else if (refused.push(id) > patience) break;
    }
    for (const id of refused) queue.push(id);
  }
}

/** Whether it holds one processor while it runs, and nothing else. */
function takesOneCpu({ spec }: Node): boolean {
  const [claim] = spec.claims;
  return spec.claims.length === 1 && claim?.on === "cpu" && claim.units === 1;
}
