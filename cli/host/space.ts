/** Whether a disk is full: asked when something failed that may have failed for want of room. */
import { statfsSync } from "node:fs";
import { failure } from "../../engine/failure.ts";
import type { Kind, Failure } from "../../engine/types.ts";

const SAYS_FULL = /No space left on device|Disk quota exceeded/;
/** A tool that found fault with the source, and not with the disk. */
const SAYS_WHY =
  /:\d+: (fatal )?error: |undefined reference|multiple definition|unrecognized|cannot find -l|will not fit in region|overlaps section/i;
/** Room below which a disk counts as full: what a failed tool has removed again is more than nothing. */
const LITTLE = { bytes: 64 << 10, files: 1 };
/** The same where a tool failed and its log, which lies on a disk too, does not say why: it may have removed an output of some size. */
const LITTLE_FOR_SILENCE = { bytes: 32 << 20, files: 8 };

/** Whether the folder's disk has room for this many bytes and files; true where nobody can tell. */
export function hasRoom(folder: string, bytes: number, files: number): boolean {
  const left = roomOf(folder);
  return left.bytes >= bytes && left.files >= files;
}

/** A disk that a failed action most likely found full. */
export interface Full {
  readonly folder: string;
  /** Nobody said so: the action failed without a reason, and little is left. */
  readonly guessed: boolean;
}

/**
 * Which of the folders that a failed action wrote into lies on a full disk; null if none.
 * @param log what the action said: it may name files of all the folders
 * @param folders the project's, and the one where its tools keep temporary files
 */
export function fullFolder(kind: Kind, log: string, folders: readonly string[]): Full | null {
  const [fullest] = folders
    .map((folder) => ({ folder, ...roomOf(folder) }))
    .sort((a, b) => Number(a.files >= LITTLE_FOR_SILENCE.files) - Number(b.files >= LITTLE_FOR_SILENCE.files) || a.bytes - b.bytes);
  if (fullest === undefined) return null;
  const { folder } = fullest;
  const has = (little: typeof LITTLE) => fullest.bytes < little.bytes || fullest.files < little.files;
  if (SAYS_FULL.test(log) || has(LITTLE)) return { folder, guessed: false };
  // A person's own step may fail without a word for reasons of its own.
  return kind !== "step" && !SAYS_WHY.test(log) && has(LITTLE_FOR_SILENCE) ? { folder, guessed: true } : null;
}

function roomOf(folder: string): { readonly bytes: number; readonly files: number } {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder);
    // Some filesystems do not count files: 0 of 0.
    return { bytes: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree };
  } catch {
    return { bytes: Number.MAX_SAFE_INTEGER, files: Number.POSITIVE_INFINITY };
  }
}

export function fullDisk({ folder, guessed }: Full): Failure {
  const room = roomOf(folder);
  const left = room.files < LITTLE_FOR_SILENCE.files ? `room for ${room.files} more files` : `${Math.round(room.bytes / 1e6)} MB`;
  const message = guessed
    ? `a tool failed, and did not say that its source is at fault: there may have been no space left on the disk of ${folder}, which has ${left}`
    : `no space left on the disk of ${folder}`;
  const free = "free some space there and run again; `fb cache gc` shrinks fb's own cache";
  return failure("disk.full", 4, message, {
    file: folder,
    hint: guessed ? `${free}. If it fails as before, space is not the reason: see what the tool said, and its command (fb run -v)` : free,
  });
}
