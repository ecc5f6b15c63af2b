/**
 * The disk that the engine is given: synchronous node:fs, project paths resolved against the project's folder.
 *
 * Synchronous, because a stat costs 1.6 µs that way and 12 µs through fs.promises. "Not there" (ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG) is an answer
 * wherever the interface has one; every other errno is thrown as DiskError, which carries the Failure to show.
 */
import { clock } from "./clock.ts";
import * as fs from "node:fs";
import * as path from "node:path";
import { makeFolders } from "../../cache/folders.ts";
import { failure } from "../../engine/failure.ts";
import type { DirEntry, Disk, Failure, Signature } from "../../engine/types.ts";

/** What was tried, in words that follow "cannot". */
type Attempt = "look at" | "read" | "list" | "write" | "remove" | "make the folder";

/** A disk that said no. `code` is the errno's name (EACCES), `path` as the caller gave it. */
export class DiskError extends Error {
  readonly code: string;
  readonly path: string;
  readonly failure: Failure;

  /** way: what stands in the way, where it is not `at` itself. */
  constructor(attempt: Attempt, at: string, code: string, cause: unknown, way = at) {
    const [id, what, hint] = explain(code, at);
    const message = `cannot ${attempt} ${at === "" ? "the project's folder" : at}: ${what}`;
    super(message, { cause });
    this.name = "DiskError";
    this.code = code;
    this.path = at;
    this.failure = failure(id, 4, way === at ? message : `${message}: ${way}`, { file: way, hint });
  }
}

function explain(code: string, at: string): readonly [id: string, what: string, hint: string] {
  switch (code) {
    case "EACCES":
    case "EPERM":
      return [
        "disk.no-access",
        `permission denied (${code})`,
        `see who owns it (ls -ld ${at || "."}) and give your user access to it and to the folders above`,
      ];
    case "EROFS":
      return ["disk.read-only", "the file system is read-only (EROFS)", "mount it writable, or copy the project to a folder that is"];
    case "ENOSPC":
    case "EDQUOT":
      return ["disk.full", `no space left (${code})`, "free some space on that disk and run again; `fb cache gc` shrinks fb's own cache"];
    case "EMFILE":
    case "ENFILE":
      return ["disk.too-many-files", `too many open files (${code})`, "raise the limit (ulimit -n 4096), or run with fewer jobs (-j)"];
    case "ENOENT":
      return ["disk.missing", "it is not there (ENOENT)", "make it, or correct the path that names it"];
    case "ENOTDIR":
    case "EEXIST":
      return ["disk.in-the-way", `a file stands where a folder is needed (${code})`, "move that file away"];
    case "EISDIR":
      return ["disk.in-the-way", "a folder stands where a file is needed (EISDIR)", "move that folder away"];
    default:
      return ["disk.failed", `the disk answered ${code}`, "see the system's log (dmesg), and run again"];
  }
}

const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "ERR_INVALID_ARG_VALUE"]);

function errno(e: unknown): string {
  if (!(e instanceof Error && "code" in e && typeof e.code === "string")) throw e;
  if (e.code !== "") return e.code;
  // rmSync knows few names.
  return "UNKNOWN";
}

/** A disk of one project. `close` gives the clock's descriptor back. */
export interface HostDisk extends Disk {
  close(): void;
}

const BIGINT = { bigint: true, throwIfNoEntry: false } as const;
/** Where the disk's clock is read: one byte is written there again and again. */
const PROBE = ".fb/state/clock";
/** Milliseconds for which one reading of the disk's clock serves. An older time is safe: files count as young for longer and are hashed again. */
const PROBE_AGE = 1;

class NodeDisk implements HostDisk {
  readonly #root: string;
  #temps = 0;
  #probe: number | null = null;
  #probed = Number.NEGATIVE_INFINITY;
  #now = 0n;

  constructor(project: string) {
    const root = path.resolve(project);
    this.#root = root.endsWith(path.sep) ? root : root + path.sep;
  }

  sign(at: string): Signature | null {
    const s = this.#ask("look at", at, null, (real) => fs.statSync(real, BIGINT));
    // A pipe or a device has no content that stays; to read one could wait for ever.
    return s && (s.isFile() || s.isDirectory()) ? { dev: s.dev, ino: s.ino, size: s.size, mtimeNs: s.mtimeNs, ctimeNs: s.ctimeNs } : null;
  }

  read(at: string): Uint8Array {
    return this.#must("read", at, (real) => fs.readFileSync(real));
  }

  list(at: string): readonly DirEntry[] | null {
    const found = this.#ask("list", at, null, (real) => fs.readdirSync(real, { withFileTypes: true }));
    if (found === null) return null;
    const entries: DirEntry[] = [];
    for (const e of found) {
      // A broken link, a pipe or a device is a name too: whoever wants it as a source is told that it is none.
      const is = e.isFile() ? "file" : e.isDirectory() ? "dir" : (this.#kind(at === "" ? e.name : `${at}/${e.name}`) ?? "file");
      entries.push({ name: e.name, is });
    }
    return entries.sort((a, b) => byBytes(a.name, b.name));
  }

  links(at: string): ReadonlySet<string> {
    const found = this.#ask("list", at, [], (real) => fs.readdirSync(real, { withFileTypes: true }));
    return new Set(found.filter((e) => e.isSymbolicLink()).map((e) => e.name));
  }

  isDir(at: string): boolean {
    return this.#kind(at) === "dir";
  }

  /** Where a shell would run it: a folder of PATH that may not be entered (root's, after su) is as one that does not have it. */
  isExecutable(at: string): boolean {
    try {
      // Most outputs are for nobody: access(2) says that by an error, which takes ten times as long.
      if (((fs.statSync(this.#at(at), { throwIfNoEntry: false })?.mode ?? 0) & 0o111) === 0) return false;
      fs.accessSync(this.#at(at), fs.constants.X_OK);
      return this.#kind(at) === "file";
    } catch {
      return false;
    }
  }

  /** Always a new file renamed into place, its folder made if need be: a reader sees the old content or the new, and a hard link elsewhere stays as it was. */
  writeAtomic(at: string, data: Uint8Array | string): void {
    this.#must("write", at, (real) => {
      const temp = path.join(path.dirname(real), `.fb-${process.pid}-${this.#temps++}.tmp`);
      try {
        try {
          fs.writeFileSync(temp, data, { flag: "wx" });
        } catch (e) {
          if (errno(e) !== "ENOENT") throw e;
          makeFolders(path.dirname(real));
          fs.writeFileSync(temp, data, { flag: "wx" });
        }
        fs.renameSync(temp, real);
      } catch (e) {
        fs.rmSync(temp, { force: true });
        throw e;
      }
    });
  }

  remove(at: string): void {
    this.#ask("remove", at, undefined, (real) => {
      const bare = this.#notRoot(real);
      // Before an action runs, its outputs are mostly not there: to be told so by an error takes ten times as long.
      if (fs.lstatSync(bare, { throwIfNoEntry: false }) === undefined) return;
      try {
        fs.unlinkSync(bare);
      } catch (e) {
        const code = errno(e);
        if (ABSENT.has(code)) return;
        // Linux says EISDIR of a folder, POSIX and macOS EPERM.
        if (code !== "EISDIR" && code !== "EPERM") throw e;
        fs.rmSync(bare, { recursive: true, force: true });
      }
    });
  }

  removeEmptyDir(at: string): boolean {
    return this.#ask("remove", at, false, (real) => {
      try {
        fs.rmdirSync(this.#notRoot(real));
        return true;
      } catch (e) {
        if (errno(e) === "ENOTEMPTY" || errno(e) === "EEXIST") return false;
        throw e;
      }
    });
  }

  makeDir(at: string): void {
    this.#must("make the folder", at, (real) => {
      // Mostly it is there; mkdir would wait for whoever makes files in the folder above.
      if (fs.statSync(real, { throwIfNoEntry: false })?.isDirectory() !== true) makeFolders(real);
    });
  }

  realpath(at: string): string | null {
    return this.#ask("look at", at, null, (real) => fs.realpathSync.native(real));
  }

  now(): bigint {
    const ms = clock.monotonicMs();
    if (ms - this.#probed < PROBE_AGE) return this.#now;
    this.#now = this.#must("write", PROBE, (real) => {
      if (this.#probe === null) {
        makeFolders(path.dirname(real));
        // Not truncated: ext4 would write a truncated file back when it is closed, 2.7 ms.
        this.#probe = fs.openSync(real, fs.constants.O_WRONLY | fs.constants.O_CREAT);
      }
      fs.writeSync(this.#probe, ".", 0);
      return fs.fstatSync(this.#probe, { bigint: true }).mtimeNs;
    });
    this.#probed = ms;
    return this.#now;
  }

  close(): void {
    if (this.#probe !== null) fs.closeSync(this.#probe);
    this.#probe = null;
    this.#probed = Number.NEGATIVE_INFINITY;
  }

  #at(at: string): string {
    return path.isAbsolute(at) ? at : this.#root + at;
  }

  /** What a path leads to; null for nothing, a broken link, a socket or a pipe. */
  #kind(at: string): DirEntry["is"] | null {
    const s = this.#ask("look at", at, null, (real) => fs.statSync(real, { throwIfNoEntry: false }));
    if (!s) return null;
    return s.isDirectory() ? "dir" : s.isFile() ? "file" : null;
  }

  /** Without its last slashes, with which unlink and rmdir would follow a link; the project's folder itself is never removed through here. */
  #notRoot(real: string): string {
    const bare = path.resolve(real);
    if (this.#root.startsWith(bare + path.sep) || bare === path.parse(bare).root)
      throw new Error(`refused to remove ${bare}: the project lies in it`);
    return bare;
  }

  #must<T>(attempt: Attempt, at: string, act: (real: string) => T): T {
    try {
      return act(this.#at(at));
    } catch (e) {
      const code = errno(e);
      throw new DiskError(attempt, at, code, e, code === "ENOTDIR" || code === "EEXIST" ? this.#inTheWay(at) : at);
    }
  }

  /** The file among a path's folders that is none, or the path. */
  #inTheWay(at: string): string {
    const parts = at.split("/");
    for (let n = 1; n <= parts.length; n++) {
      const part = parts.slice(0, n).join("/");
      if (part !== "" && fs.statSync(this.#at(part), { throwIfNoEntry: false })?.isDirectory() === false) return part;
    }
    return at;
  }

  #ask<T, N>(attempt: Attempt, at: string, absent: N, act: (real: string) => T): T | N {
    try {
      return act(this.#at(at));
    } catch (e) {
      const code = errno(e);
      if (ABSENT.has(code)) return absent;
      throw new DiskError(attempt, at, code, e);
    }
  }
}

/** Order of the names' UTF-8 bytes. Code units order alike unless a surrogate meets a character above U+DFFF. */
function byBytes(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) return Buffer.compare(Buffer.from(a), Buffer.from(b));
    return x - y;
  }
  return a.length - b.length;
}

/** `project`: the project's folder; paths handed to the disk are relative to it, or absolute. Touches nothing yet. */
export function openDisk(project: string): HostDisk {
  return new NodeDisk(project);
}
