/** Signatures of files: taking them, comparing them, and when one cannot be trusted yet. */
import { statSync } from "node:fs";
import type { Signature } from "../engine/types.ts";

/** Other disks may keep coarser times than the one whose clock was probed (FAT: two seconds). */
const foreignSlackNs = 2_000_000_000n;

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

export function sameSignature(a: Signature, b: Signature): boolean {
  return a.mtimeNs === b.mtimeNs && a.size === b.size && a.ctimeNs === b.ctimeNs && a.ino === b.ino && a.dev === b.dev;
}

/**
 * Whether a file can still change without its signature changing: its mtime or ctime is not older than the disk's clock was when it was signed.
 * @param diskNow nanoseconds: the mtime that a file written on disk `diskDev` got just before the signature was taken
 */
export function isRacy(s: Signature, diskNow: bigint, diskDev: bigint): boolean {
  const newest = s.mtimeNs > s.ctimeNs ? s.mtimeNs : s.ctimeNs;
  return newest >= (s.dev === diskDev ? diskNow : diskNow - foreignSlackNs);
}
