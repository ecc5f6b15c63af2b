/** What a quick answer found when it could not answer, handed to main.cjs: the bundles share the process, and no modules. */
import type { Changed } from "../cache/snapshot.ts";

/** The record of a request of which only some files changed; dir: the real path of the project's folder. */
export interface Found extends Changed {
  readonly dir: string;
}

const slot = Symbol.for("fb.found");
const shared = globalThis as { [slot]?: Found | null };

export function putFound(found: Found): void {
  shared[slot] = found;
}

/** Once: a second build in the same process finds nothing. */
export function takeFound(): Found | null {
  const found = shared[slot] ?? null;
  shared[slot] = null;
  return found;
}
