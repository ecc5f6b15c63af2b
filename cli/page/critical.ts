/** The critical path: the chain of actions that would take longest if all ran, by what each took when it last ran. */
import type { Tree } from "./items.ts";

/** Items from the first to the last, and the milliseconds of all. */
export function criticalPath({ items, uses }: Tree, ms: readonly number[]): { readonly path: readonly number[]; readonly ms: number } {
  const best = new Map<number, { readonly ms: number; readonly next: number | null }>();
  // Of a node all uses have higher numbers.
  for (const { id } of [...items].sort((a, b) => b.id - a.id)) {
    let longest = 0;
    let next: number | null = null;
    for (const use of uses.get(id) ?? []) {
      const way = best.get(use)?.ms ?? 0;
      if (way > longest) [longest, next] = [way, use];
    }
    best.set(id, { ms: longest + Math.max(0, ms[id] ?? 0), next });
  }
  let end: number | null = null;
  for (const [id, { ms: all }] of best) if (all > (end === null ? 0 : (best.get(end)?.ms ?? 0))) end = id;
  const path: number[] = [];
  for (let id: number | null = end; id !== null; id = best.get(id)?.next ?? null) if ((ms[id] ?? -1) >= 0) path.unshift(id);
  return { path, ms: end === null ? 0 : (best.get(end)?.ms ?? 0) };
}
