/**
 * Contents by their sha256: plain files `blobs/ab/cdef…`, written once, never linked (ar, strip and objcopy edit in place).
 *
 * A blob appears by rename, so it is whole or not there. What is copied is hashed, not what was meant to be copied: a source that changes meanwhile
 * is never kept under the wrong name. A restore checks size and sha256 before the target is replaced; a blob that fails is deleted.
 * Temporary files are `.tmp-PID-START-N` beside their target; gc removes those of dead processes.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { createHash, hash } from "node:crypto";
import type { Blobs, Digest, Failure, Restored } from "../engine/types.ts";
import { makeFolders } from "./folders.ts";
import { errorCode, trouble, writeTrouble } from "./trouble.ts";

/** Up to here a file is read whole; above it is copied by the kernel (reflinked where it can be) and hashed from the copy. */
const smallBytes = 1 << 20;
/** Of a file that is hashed: fits a core's cache, so that the memory behind it is touched once. */
const chunk = Buffer.allocUnsafeSlow(1 << 18);

export class LocalBlobs implements Blobs {
  readonly folder: string;
  readonly #lost = new Set<Digest>();
  readonly #report: (f: Failure) => void;
  /** Folders of blobs that are known to be there. */
  readonly #folders = new Set<string>();
  #counter = 0;
  #added = 0;

  /**
   * @param folder `CACHE/blobs`
   * @param report told of what could not be kept: the first full disk, a file that changed while it was copied
   */
  constructor(folder: string, report: (f: Failure) => void) {
    this.folder = folder;
    this.#report = report;
  }

  /** Bytes put since the last call. */
  takeAdded(): number {
    const n = this.#added;
    this.#added = 0;
    return n;
  }

  /** Whether a put of this digest failed, so that no record may name it. */
  isLost(d: Digest): boolean {
    return this.#lost.has(d);
  }

  path(d: string): string {
    return join(this.folder, d.slice(0, 2), d.slice(2));
  }

  put(file: string, d: Digest): void {
    const to = this.path(d);
    try {
      const source = statSync(file);
      const there = statSync(to, { throwIfNoEntry: false });
      if (there?.isFile() === true && there.size === source.size) {
        // gc leaves alone what was put within the hour: this one was, as of now.
        const now = new Date();
        utimesSync(to, now, now);
        this.#lost.delete(d);
        return;
      }
      if (there?.isFile() === false) rmSync(to, { recursive: true });
      const temp = this.#temp(to);
      this.#makeFolder(dirname(to));
      try {
        const copied = source.size <= smallBytes ? this.#putSmall(file, temp) : putLarge(file, temp);
        if (copied.digest !== d) throw new Changed();
        renameSync(temp, to);
        this.#added += copied.size;
        this.#lost.delete(d);
      } catch (error) {
        rmSync(temp, { force: true });
        throw error;
      }
    } catch (error) {
      const first = this.#lost.size === 0;
      this.#lost.add(d);
      if (error instanceof Changed || errorCode(error) === "ENOENT") {
        this.#report(
          trouble(
            "warning",
            "cache.changed",
            file,
            `${file} changed while it was copied to the cache, so its result is not kept`,
            "do not write to build outputs while fb runs",
          ),
        );
      } else if (first) this.#report(writeTrouble("cache.write", this.folder, error));
    }
  }

  /** Throws the system's error if the target cannot be written; the target is then as it was. */
  restore(d: Digest, size: number, to: string, executable: boolean): Restored {
    const blob = this.path(d);
    const mode = executable ? 0o755 : 0o644;
    const temp = this.#temp(to);
    try {
      if (size <= smallBytes) {
        const bytes = readBlob(blob);
        if (bytes === null) return "gone";
        if (bytes === "unreadable" || bytes.length !== size || hash("sha256", bytes, "hex") !== d) return this.#corrupt(blob);
        this.#writeNew(temp, bytes, mode);
      } else {
        const stat = statSync(blob, { throwIfNoEntry: false });
        if (stat === undefined) return "gone";
        if (!stat.isFile() || stat.size !== size) return this.#corrupt(blob);
        if (!copyBlob(blob, temp)) return "gone";
        if (hashFile(temp).digest !== d) {
          rmSync(temp, { force: true });
          return this.#corrupt(blob);
        }
        chmodSync(temp, mode);
      }
      renameSync(temp, to);
      return "done";
    } catch (error) {
      rmSync(temp, { force: true });
      throw error;
    }
  }

  #makeFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    makeFolders(folder);
    this.#folders.add(folder);
  }

  #corrupt(blob: string): Restored {
    rmSync(blob, { recursive: true, force: true });
    return "corrupt";
  }

  #putSmall(file: string, temp: string): { digest: string; size: number } {
    const bytes = readFileSync(file);
    this.#writeNew(temp, bytes, 0o444);
    return { digest: hash("sha256", bytes, "hex"), size: bytes.length };
  }

  #writeNew(temp: string, bytes: Uint8Array, mode: number): void {
    const fd = openInFolder(temp, mode);
    try {
      writeFileSync(fd, bytes);
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
  }

  #temp(beside: string): string {
    return join(dirname(beside), `.tmp-${process.pid}-${started}-${this.#counter++}`);
  }
}

/** Keeps the names apart from those of a killed process that had the same number. */
const started = Date.now().toString(36);

class Changed extends Error {}

/** Null: not there. Unreadable: a folder, a bad sector; a miss like any other damage. */
function readBlob(path: string): Buffer | "unreadable" | null {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EMFILE" || code === "ENFILE") throw error;
    return code === "ENOENT" || code === "ENOTDIR" ? null : "unreadable";
  }
}

/** Opens a new file; its folder is made when it is not there, which is rare enough not to be asked first. */
function openInFolder(path: string, mode: number): number {
  try {
    return openSync(path, "wx", mode);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    makeFolders(dirname(path));
    return openSync(path, "wx", mode);
  }
}

function putLarge(file: string, temp: string): { digest: string; size: number } {
  copyFileSync(file, temp, constants.COPYFILE_FICLONE);
  chmodSync(temp, 0o644);
  const copied = hashFile(temp);
  chmodSync(temp, 0o444);
  return copied;
}

/** false: the blob is not there any more. */
function copyBlob(blob: string, temp: string): boolean {
  makeFolders(dirname(temp));
  try {
    copyFileSync(blob, temp, constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** sha256 and size of a file, read piece by piece. */
export function hashFile(path: string): { digest: string; size: number } {
  const hasher = createHash("sha256");
  const fd = openSync(path, "r");
  let size = 0;
  try {
    for (;;) {
      const n = readSync(fd, chunk, 0, chunk.length, null);
      if (n === 0) break;
      hasher.update(chunk.subarray(0, n));
      size += n;
    }
  } finally {
    closeSync(fd);
  }
  return { digest: hasher.digest("hex"), size };
}
