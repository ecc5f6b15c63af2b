/** `used/FOLDER` beside the store: a package's mark, whose time is the day on which a run last used it (cache/package-age.ts). Imports nothing that costs a no-op time. */
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export const dayMs = 86_400_000;

/** A day's first use of a package of a store is noted; folders of no store are passed over. A note that can not be made makes a package look older, no more. */
export function noteUse(folder: string): void {
  const store = dirname(folder);
  if (basename(store) !== "packages") return;
  const mark = join(dirname(store), "used", basename(folder));
  try {
    const at = statSync(mark, { throwIfNoEntry: false });
    const age = at === undefined ? null : Date.now() - at.mtimeMs;
    if (age === null) writeFileSync(mark, "");
    else if (age < 0 || age >= dayMs) utimesSync(mark, new Date(), new Date());
  } catch {
    // No store has its folder here, or a full or read-only disk.
  }
}
