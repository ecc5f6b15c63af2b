/**
 * Actions that are run for what they do, and when each of them may start: those that change a device once nothing is left to make for their env, in the order in
 * which they were asked for; monitors after everything else, when no file is written any more.
 */
import type { Node } from "./graph.ts";
import type { RunRequest } from "./run-request.ts";
import type { ActionId, ActionSpec, Planned, ProjectPath } from "./types.ts";

/** Never restored, never repeated by themselves, never shared. */
export function isEffect({ kind }: Pick<ActionSpec, "kind">): boolean {
  return kind === "flash" || kind === "erase" || kind === "monitor";
}

/** What was planned, with the effects of this run in place of those of the plan. */
export function withEffects({ actions, targets }: Planned, bind: RunRequest["bind"]): Pick<Planned, "actions" | "targets"> {
  if (bind === null) return { actions, targets };
  const several = new Map<string, readonly ActionSpec[]>();
  const all = actions.flatMap((spec) => {
    if (!isEffect(spec)) return [spec];
    const instead = bind(spec);
    several.set(spec.name, instead);
    return instead;
  });
  const named = (path: ProjectPath) => several.get(path)?.map((spec) => spec.name as ProjectPath) ?? [path];
  return { actions: all, targets: Object.fromEntries(Object.entries(targets).map(([name, paths]) => [name, paths.flatMap(named)])) };
}

export class EffectQueue {
  /** Those whose inputs are settled, and that have not begun. */
  private waiting: Node[] = [];
  /** Env → actions that make its files, or plan them, and are not through. */
  private readonly open = new Map<string, number>();
  private acting = 0;
  /** What failed for a device is not followed by more for it. */
  private readonly lostDevices = new Set<string>();
  private readonly lostEnvs = new Set<string>();

  get any(): boolean {
    return this.waiting.length > 0;
  }

  /** An action of an env is needed now. */
  entered({ spec }: Node): void {
    if (!isEffect(spec)) this.open.set(spec.env, (this.open.get(spec.env) ?? 0) + 1);
  }

  /** It is settled, or left out. */
  through({ spec }: Node): void {
    if (!isEffect(spec)) this.open.set(spec.env, (this.open.get(spec.env) ?? 0) - 1);
  }

  add(node: Node): void {
    this.waiting.push(node);
  }

  began({ spec }: Node): void {
    if (spec.kind !== "monitor") this.acting++;
  }

  ended({ spec }: Node): void {
    if (spec.kind !== "monitor") this.acting--;
  }

  /** Nothing more is done to its device, and its env is not watched. */
  failed({ spec }: Node): void {
    this.lostEnvs.add(spec.env);
    for (const device of devicesOf(spec)) this.lostDevices.add(device);
  }

  isLost({ spec }: Node): boolean {
    return spec.kind === "monitor" ? this.lostEnvs.has(spec.env) : devicesOf(spec).some((device) => this.lostDevices.has(device));
  }

  /** Nothing is made any more, no device is changed: what is left only looks. */
  get onlyWatches(): boolean {
    return (
      this.acting === 0 && [...this.open.values()].every((count) => count === 0) && this.waiting.every((n) => n.spec.kind === "monitor")
    );
  }

  /** Offers those that may start, first what was asked for first; those that are not "later" are taken out. rank: the place of an action in what was asked for. */
  offer(rank: (id: ActionId) => number, start: (node: Node) => "begun" | "later" | "dropped"): void {
    const watches = this.onlyWatches;
    const due = this.waiting.filter(({ spec }) => (spec.kind === "monitor" ? watches : (this.open.get(spec.env) ?? 0) === 0));
    const gone = new Set(due.sort((a, b) => rank(a.id) - rank(b.id) || a.id - b.id).filter((node) => start(node) !== "later"));
    this.waiting = this.waiting.filter((node) => !gone.has(node));
  }
}

function devicesOf(spec: ActionSpec): string[] {
  return spec.claims.flatMap((claim) => (claim.on === "device" ? [claim.device] : []));
}
