/** Writes files for other tools into a project's folder. */
import { isRunning } from "../cache/processes.ts";
import type { HostDisk } from "./host/disk.ts";

/** A file whose content is the same is left alone, so that nothing that watches it starts. Returns whether it was written. */
export function writeIfNew(disk: HostDisk, path: string, text: string): boolean {
  // Below .fb/build every run looks for what a killed one left.
  if (!path.includes("/")) removeLeft(disk);
  if (disk.sign(path) !== null && new TextDecoder().decode(disk.read(path)) === text) return false;
  disk.writeAtomic(path, text);
  return true;
}

/** Takes away what an fb that was killed had not yet renamed into place in the project's folder. */
function removeLeft(disk: HostDisk): void {
  for (const { name } of disk.list("") ?? []) {
    const pid = /^\.fb-(\d+)-\d+\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) disk.remove(name);
  }
}
