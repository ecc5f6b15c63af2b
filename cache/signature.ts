/** Signatures of files as the disk gives them; comparing and trusting them is in engine/files.ts. */
import { statSync } from "node:fs";
import type { Signature } from "../engine/types.ts";

/** The signature of what a path leads to; null if there is nothing, or it cannot be looked at. */
export function signFile(path: string): Signature | null {
  try {
    const s = statSync(path, { bigint: true, throwIfNoEntry: false });
    return s === undefined ? null : { dev: s.dev, ino: s.ino, size: s.size, mtimeNs: s.mtimeNs, ctimeNs: s.ctimeNs };
  } catch {
    // A part of the path is a file, or may not be entered: Node throws for these.
    return null;
  }
}
