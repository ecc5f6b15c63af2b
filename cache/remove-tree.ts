/** rm -r of a folder with sealed packages in it: who is not root can take nothing out of a read-only folder. */
import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Never throws, and follows no link. @returns whether it is gone */
export function removeTree(root: string): boolean {
  const open = (folder: string) => {
    chmodSync(folder, 0o700);
    for (const entry of readdirSync(folder, { withFileTypes: true })) if (entry.isDirectory()) open(join(folder, entry.name));
  };
  try {
    const at = lstatSync(root, { throwIfNoEntry: false });
    if (at === undefined) return true;
    if (at.isDirectory()) open(root);
    rmSync(root, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}
