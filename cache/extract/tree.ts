/**
 * The folder that an archive is written to. It knows every entry made so far, so no decision is taken from what lies on disk:
 * names are checked, a parent is always a real folder of its own, and symbolic links are made last of all, when nothing is written any more.
 * The folder must be new and nobody else's; files are made with O_EXCL, which follows no link.
 *
 * Writing and hashing are synchronous: the bytes are in hand, and a promise for each of thousands of small files costs more than the file.
 */
import { createHash, type Hash } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { leadsOut } from "./links.ts";
import { segmentsOf, shown } from "./names.ts";
import { hostileHint, Refusal } from "./refusal.ts";

export interface Limits {
  /** Entries of the archive, whether taken or not. */
  readonly entries: number;
  /** Bytes after decompression. */
  readonly bytes: number;
  /** Bytes after decompression for each byte of the archive; asked only above `ratioFloor`. */
  readonly ratio: number;
  readonly ratioFloor: number;
}

/** The largest real toolchains hold 30,000 files and 3 GB; text compresses 20-fold at most, zeros of a disk image 1000-fold. */
export const defaultLimits: Limits = { entries: 200_000, bytes: 8 * 1000 ** 3, ratio: 250, ratioFloor: 100 * 1000 ** 2 };

export interface TreeOptions {
  /** Only what lies in this folder of the archive, with its name taken off; "" for all. */
  readonly subfolder: string;
  /** Takes off the top folder, if there is exactly one and nothing beside it (`__MACOSX` does not count). */
  readonly strip: boolean;
  /** Whether a file (its final path) is executable whatever its mode says: wheels and zips made elsewhere lose the bit. */
  readonly isExecutable: (path: string) => boolean;
  readonly limits: Limits;
  /** Names that differ in case only are one file on this disk. */
  readonly foldCase: boolean;
  /** What becomes of links that lead out of the folder: Debian's packages have some, into others of its packages. Nothing ever leads out afterwards. */
  readonly outsideLinks: "refuse" | "omit";
  /** Files are made 0444 and 0555 instead of 0644 and 0755. */
  readonly readOnly: boolean;
}

/** An entry as it lies on disk afterwards, its path from the folder with `/`. */
export type Entry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "file"; readonly path: string; readonly size: number; readonly executable: boolean; readonly sha256: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string };

export interface Finished {
  /** Sorted by path. */
  readonly entries: readonly Entry[];
  /** Links that led out and were left out. */
  readonly omitted: readonly string[];
}

type Node = FolderNode | FileNode | { readonly is: "link"; readonly target: string };
/** `made`: it lies on disk. Folders wait for their first file: an archive of nothing but folders, more than the limit, is refused before one is made. */
type FolderNode = { readonly is: "folder"; made: boolean };
type FileNode = { readonly is: "file"; readonly size: number; readonly sha256: string; readonly executable: boolean };

/** Takes a file's bytes in order; null where the file is not wanted. */
export interface Sink {
  write(chunk: Uint8Array): void;
  end(): void;
}

export class Tree {
  readonly #root: string;
  readonly #options: TreeOptions;
  readonly #within: readonly string[];
  /** By path with `/`; lower case where the disk folds. */
  readonly #nodes = new Map<string, Node>();
  /** The spelling of each node's path. */
  readonly #paths = new Map<string, string>();
  readonly #tops = new Set<string>();
  readonly #archiveBytes: number;
  #entries = 0;
  #bytes = 0;
  #open: number | null = null;

  /**
   * @param root a folder that is not there yet; its parent is
   * @param archiveBytes size of the archive, for the ratio
   */
  constructor(root: string, options: TreeOptions, archiveBytes: number) {
    this.#root = root;
    this.#options = options;
    this.#archiveBytes = archiveBytes;
    this.#within = segmentsOf(options.subfolder);
    mkdirSync(root, { mode: 0o755 });
  }

  /** Counts bytes that came out of decompression, wanted or not. */
  count(bytes: number): void {
    this.#bytes += bytes;
    const { limits } = this.#options;
    const allowed = Math.min(limits.bytes, Math.max(limits.ratioFloor, limits.ratio * this.#archiveBytes));
    if (this.#bytes > allowed)
      throw new Refusal(
        "extract.limit",
        `unpacks to more than ${allowed} bytes from ${this.#archiveBytes} (limits: ${limits.bytes} bytes, ${limits.ratio} times its size)`,
        hostileHint,
      );
  }

  folder(name: string): void {
    const at = this.#place(name);
    if (at !== null) this.#folders(at);
  }

  /** @param mode only whether someone may execute it counts; setuid, setgid and sticky never do */
  file(name: string, mode: number): Sink | null {
    const at = this.#place(name);
    if (at === null) return null;
    const path = this.#claim(at, name);
    const executable = (mode & 0o111) !== 0;
    const fd = openSync(join(this.#root, path), "wx", 0o600);
    this.#open = fd;
    const hash = createHash("sha256");
    let size = 0;
    return {
      write: (chunk) => {
        size += chunk.length;
        writeAll(fd, chunk, hash);
      },
      end: () => {
        const runs = executable || this.#options.isExecutable(path);
        fchmodSync(fd, this.#options.readOnly ? (runs ? 0o555 : 0o444) : runs ? 0o755 : 0o644);
        this.close();
        this.#set(path, { is: "file", size, sha256: hash.digest("hex"), executable: runs });
      },
    };
  }

  link(name: string, target: string): void {
    const at = this.#place(name);
    if (at === null) return;
    if (target.length > 4095)
      throw new Refusal("extract.escape", `the link "${shown(name)}" has a target of ${target.length} characters`, hostileHint);
    const path = this.#claim(at, name);
    this.#set(path, { is: "link", target });
  }

  /** Another name of a file that the archive had before; of a symbolic link: one more link with its target. */
  hardLink(name: string, targetName: string): void {
    const at = this.#place(name);
    const from = this.#inside(segmentsOf(targetName));
    if (at === null) return;
    const node = from === null ? undefined : this.#nodes.get(this.#key(from.join("/")));
    if (from === null || node === undefined || node.is === "folder")
      throw new Refusal(
        "extract.escape",
        `the hard link "${shown(name)}" names "${shown(targetName)}", which is no file of the archive before it`,
        hostileHint,
      );
    if (this.#key(from.join("/")) === this.#key(at.join("/"))) return;
    const path = this.#claim(at, name);
    if (node.is === "file") linkSync(join(this.#root, from.join("/")), join(this.#root, path));
    this.#set(path, node);
  }

  /** Links are checked and made, the top folder is taken off. */
  finish(): Finished {
    for (const [key, node] of this.#nodes) if (node.is === "folder") this.#make(node, this.#paths.get(key) ?? key);
    const top = this.#options.strip ? this.#onlyTop() : "";
    if (this.#nodes.size === 0 || (this.#nodes.size === 1 && top !== ""))
      throw this.#within.length > 0
        ? new Refusal(
            "extract.subfolder",
            `has no folder "${this.#within.join("/")}"; at its top: ${[...this.#tops].slice(0, 8).map(shown).join(", ")}`,
            "correct the package's subfolder",
          )
        : new Refusal("extract.empty", "holds no files", "get the archive from another source");
    const depth = top === "" ? 0 : 1;
    const targetAt = (path: string) => {
      const node = this.#nodes.get(this.#key(path));
      return node?.is === "link" ? node.target : null;
    };
    const links: [path: string, target: string][] = [];
    for (const [key, node] of this.#nodes) if (node.is === "link") links.push([this.#paths.get(key) ?? key, node.target]);
    const omitted: string[] = [];
    for (const [path, target] of links) {
      const why = leadsOut(path.split("/"), target, depth, targetAt);
      if (why === null) continue;
      if (this.#options.outsideLinks === "refuse")
        throw new Refusal("extract.escape", `the link "${shown(path)}" -> "${shown(target)}" ${why}`, hostileHint);
      omitted.push(path);
    }
    for (const path of omitted) this.#nodes.delete(this.#key(path));
    for (const [path, target] of links) if (!omitted.includes(path)) symlinkSync(target, join(this.#root, path));
    if (top !== "") this.#lift(top);
    const entries: Entry[] = [];
    for (const [key, node] of this.#nodes) {
      const full = this.#paths.get(key) ?? key;
      if (full === top) continue;
      const path = top === "" ? full : full.slice(top.length + 1);
      if (node.is === "folder") entries.push({ kind: "folder", path });
      else if (node.is === "link") entries.push({ kind: "link", path, target: node.target });
      else entries.push({ kind: "file", path, size: node.size, executable: node.executable, sha256: node.sha256 });
    }
    return { entries: entries.sort((a, b) => (a.path < b.path ? -1 : 1)), omitted };
  }

  /** Closes the file that is being written, if any. */
  close(): void {
    if (this.#open === null) return;
    closeSync(this.#open);
    this.#open = null;
  }

  /** Counts the entry and checks its name. @returns null if it lies outside of the wanted subfolder */
  #place(name: string): string[] | null {
    const { limits, strip } = this.#options;
    if (++this.#entries > limits.entries) throw new Refusal("extract.limit", `has more than ${limits.entries} entries`, hostileHint);
    const parts = segmentsOf(name);
    if (parts[0] !== undefined) this.#tops.add(parts[0]);
    if (strip && this.#within.length === 0 && parts[0] === "__MACOSX") return null;
    return this.#inside(parts);
  }

  #inside(parts: string[]): string[] | null {
    if (this.#within.some((part, i) => parts[i] !== part)) return null;
    return parts.slice(this.#within.length);
  }

  /** Makes the parents and clears the place. A later entry of the same name replaces a file or link, as tar does; never a folder. */
  #claim(at: readonly string[], name: string): string {
    const path = at.join("/");
    const there = this.#nodes.get(this.#key(path));
    if (path === "" || there?.is === "folder")
      throw new Refusal("extract.entry", `the entry "${shown(name)}" is a file where the archive has a folder`, hostileHint);
    if (there !== undefined && this.#paths.get(this.#key(path)) !== path) this.#clash(path);
    for (const [node, folder] of this.#folders(at.slice(0, -1))) this.#make(node, folder);
    if (there?.is === "file") unlinkSync(join(this.#root, path));
    return path;
  }

  /** The folder with those around it, outermost first. */
  #folders(at: readonly string[]): [node: FolderNode, path: string][] {
    const folders: [FolderNode, string][] = [];
    for (let n = 1; n <= at.length; n++) {
      const path = at.slice(0, n).join("/");
      const there = this.#nodes.get(this.#key(path)) ?? this.#set(path, { is: "folder", made: false });
      if (there.is !== "folder")
        throw new Refusal(
          "extract.escape",
          `the entry "${shown(at.join("/"))}" lies behind "${shown(path)}", which the archive made a ${there.is}`,
          hostileHint,
        );
      else if (this.#paths.get(this.#key(path)) !== path) this.#clash(path);
      folders.push([there, path]);
    }
    return folders;
  }

  /** The folder around it is there. */
  #make(folder: FolderNode, path: string): void {
    if (folder.made) return;
    mkdirSync(join(this.#root, path), { mode: 0o755 });
    folder.made = true;
  }

  #clash(path: string): never {
    const other = this.#paths.get(this.#key(path)) ?? "";
    throw new Refusal(
      "extract.entry",
      `"${shown(path)}" and "${shown(other)}" are one file on this disk, which does not tell upper from lower case`,
      "put the cache on a disk that tells case (FB_CACHE_DIR), or use another archive",
    );
  }

  #key(path: string): string {
    return this.#options.foldCase ? path.normalize("NFC").toLowerCase() : path;
  }

  #set<T extends Node>(path: string, node: T): T {
    this.#nodes.set(this.#key(path), node);
    this.#paths.set(this.#key(path), path);
    return node;
  }

  #onlyTop(): string {
    const tops = readdirSync(this.#root);
    const top = tops[0];
    if (top === undefined || tops.length > 1) return "";
    const linkAtTop = [...this.#nodes].some(([key, node]) => node.is === "link" && !key.includes("/"));
    return !linkAtTop && this.#nodes.get(this.#key(top))?.is === "folder" ? top : "";
  }

  /** The only top folder becomes the root: both are this run's own, so two renames beside them do it. */
  #lift(top: string): void {
    const aside = join(dirname(this.#root), `${basename(this.#root)}.top`);
    renameSync(join(this.#root, top), aside);
    rmdirSync(this.#root);
    renameSync(aside, this.#root);
  }
}

function writeAll(fd: number, chunk: Uint8Array, hash: Hash): void {
  hash.update(chunk);
  for (let done = 0; done < chunk.length; ) done += writeSync(fd, chunk, done);
}
