/** Gives files new content by a rename: who reads sees the old one or the new one, never half of it. */
import { renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * The folder is there. Throws the system's error; the file is then as it was, and no half is left. half: where the new content is written first, on the same disk:
 * a name that no other writer uses at the time. A kill leaves it there, for the next writer to write over.
 */
export function replaceFile(file: string, data: Uint8Array | string, half = `${file}.new`): void {
  try {
    writeFileSync(half, data);
    renameSync(half, file);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
}
