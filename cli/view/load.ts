/**
 * The view of a project that an earlier command made, where all that it rests on is as it was: sources' include texts by their files, the ini, listings, packages, and the
 * state that tells what actions read. It has a snapshot file of its own, so that queries and builds leave each other's alone. Imported by the quick answer: nothing heavy.
 */
import { join } from "node:path";
import { checkSnapshot } from "../../cache/snapshot.ts";
import { readView } from "../../cache/view-file.ts";
import { View } from "../../engine/view.ts";
import type { Profile } from "../flags.ts";
import { buildId } from "../home.ts";

/** Where the records lie that views are checked by, below the project's folder. */
export const VIEW_SNAPSHOT = ".fb/state/view-snapshot";

/** What a view's record is filed under; null: the profile that each env has by itself. */
export function viewRequest(profile: Profile | null): string {
  return JSON.stringify(["view", viewName(profile)]);
}

/** Of the file of its columns. */
export function viewName(profile: Profile | null): string {
  return profile ?? "default";
}

export interface ViewPayload {
  /** The columns' id. */
  readonly view: string;
  readonly values: readonly string[];
}

export interface LoadedView {
  readonly view: View;
  /** Names of the values that the project reads: those of `${sysenv.*}` are for nobody's eyes. */
  readonly values: readonly string[];
}

/** dir: the real path of the project's folder. Null where there is none that stands. */
export function loadView(dir: string, profile: Profile | null): LoadedView | null {
  if (buildId === "sources") return null;
  const found = checkSnapshot(join(dir, VIEW_SNAPSHOT), viewRequest(profile), { dir, vars: process.env, build: buildId });
  if (found === null || "stale" in found) return null;
  const { view, values } = JSON.parse(found.payload) as ViewPayload;
  const columns = readView(join(dir, ".fb/state"), viewName(profile), view);
  return columns === null ? null : { view: new View(columns), values };
}
