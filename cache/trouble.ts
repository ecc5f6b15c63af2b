/** Failures of the cache and of state files: exit 4, or a warning where the build can go on without them. */
import type { Failure } from "../engine/types.ts";

export function trouble(severity: "error" | "warning", code: string, file: string, message: string, hint: string): Failure {
  return { code, severity, exit: 4, message, file, line: 0, column: 0, hint };
}

/** The code of a system error ("ENOENT"), or its text where it has none. */
export function errorCode(error: unknown): string {
  if (error instanceof Error) return "code" in error && typeof error.code === "string" ? error.code : error.message;
  return String(error);
}

/** Every folder is made before something is written to it. */
export const deletedHint = "it was deleted while fb ran: run fb again";
const writableHint = "make the folder writable, or set FB_CACHE_DIR to one that is";

/** What a system error that stopped a write to the cache means to the user, and what to do. */
export function writeTrouble(code: string, file: string, error: unknown): Failure {
  const why = errorCode(error);
  // LMDB calls a write that the disk took only in part an input/output error: mostly a full disk.
  return /ENOSPC|EDQUOT|EFBIG|EIO|No space left|quota exceeded|File too large|Input\/output error|MDB_MAP_FULL/i.test(why)
    ? trouble(
        "error",
        "cache.disk-full",
        file,
        `cannot write ${file}: the disk is full or failing (${why})`,
        "free some space, run `fb cache gc`, or set FB_CACHE_DIR to a folder on another disk",
      )
    : trouble("error", code, file, `cannot write ${file}: ${why}`, why.startsWith("ENOENT") ? deletedHint : writableHint);
}
