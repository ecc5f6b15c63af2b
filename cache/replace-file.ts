/** Gives files new content by a rename: who reads sees the old one or the new one, never half of it. */
import { appendFileSync, closeSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";

/**
 * The folder is there. Throws the system's error; the file is then as it was, and no half is left. half: where the new content is written first, on the same disk:
 * a name that no other writer uses at the time. A kill leaves it there, for the next writer to write over. data: in parts, if it need not be copied into one.
 */
export function replaceFile(file: string, data: Uint8Array | string | readonly Uint8Array[], half = `${file}.new`): void {
  try {
    if (data instanceof Uint8Array || typeof data === "string") writeFileSync(half, data);
    else writeParts(half, data);
    renameSync(half, file);
  } catch (error) {
    rmSync(half, { force: true });
    throw error;
  }
}

function writeParts(file: string, parts: readonly Uint8Array[]): void {
  const fd = openSync(file, "w");
  try {
    for (const part of parts) appendFileSync(fd, part);
  } finally {
    closeSync(fd);
  }
}
