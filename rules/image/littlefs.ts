/**
 * A LittleFS file system of a folder's files (the format: SPEC.md of littlefs, disk versions 2.0 and 2.1), as it is after everything was written once: each metadata
 * pair has one commit in its first block, its second block is erased, as is all that is not used (0xFF). Times are not in it, so equal files give equal bytes.
 *
 * Block k of the pairs: 2k and 2k+1, the root's first (0, 1), then each folder's, a folder before those in it; all threaded by tails. Blocks of files follow.
 */
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { numberOf } from "../number.ts";
import { crc32 } from "./crc.ts";
import { type ImageTool, made, one, refused } from "./image-tool.ts";

/** Bytes. */
export interface FileSystemShape {
  readonly size: number;
  readonly block: number;
  /** The most that a board writes at once: a commit ends at a multiple. */
  readonly page: number;
  /** Of a name; a board refuses a file system with more than its own. */
  readonly nameMax: number;
  /** A file of at most this many lies among the names. Not more than a board's cache, which has to hold it. */
  readonly inlineMax: number;
  readonly disk: DiskVersion;
}

/** A library takes those up to its own: littlefs before 2.6 knows 2.0 alone. */
const DISK_VERSIONS = { "2.0": 0x20000, "2.1": 0x20001 } as const;
export type DiskVersion = keyof typeof DISK_VERSIONS;

/** Types of tags, 11 bits. */
const REGULAR = 0x001;
const FOLDER = 0x002;
const SUPERBLOCK = 0x0ff;
const FOLDER_PAIR = 0x200;
const INLINE = 0x201;
const SKIP_LIST = 0x202;
const COMMIT_END = 0x500;
const NEXT_ERASED = 0x5ff;
const NEXT_FOLDER = 0x600;
const NEXT_OF_FOLDER = 0x601;
/** The id of what belongs to no file. */
const NO_FILE = 0x3ff;

const TAG = 4;
const POINTERS = 8;
const SUPERBLOCK_LENGTH = TAG + 8 + TAG + 24;
/** A tail, what moves need, both kinds of checksum: what the library keeps free for them. */
const COMMIT_ROOM = 52;
const MOST_IN_A_PAIR = 0xfe;
/** Of one tag; its length has 10 bits, and all ones mean something else. */
const MOST_DATA = 0x3fe;
/** So that one tag can fill up a commit. */
const MOST_PAGE = 512;
const FILE_MAX = 0x7fffffff;
const ATTRIBUTE_MAX = 1022;

interface File {
  readonly name: Uint8Array;
  readonly content: Uint8Array;
  /** The last block of its skip list; -1: it lies among the names. */
  head: number;
}

interface Folder {
  readonly name: Uint8Array;
  readonly folders: Map<string, Folder>;
  readonly files: File[];
  /** Of its first pair. */
  pair: number;
}

interface Pair {
  readonly of: Folder;
  readonly entries: readonly (File | Folder)[];
}

/** files: by their paths below the root, `a/b.txt`. Failures (exit 1) of `source`: `image.name` a name is too long; `image.full` all of it takes more than there is. */
export function littlefs(files: ReadonlyMap<string, Uint8Array>, shape: FileSystemShape, source: string): Result<Uint8Array> {
  const { block, nameMax, size, inlineMax } = shape;
  const root: Folder = { name: new Uint8Array(), folders: new Map(), files: [], pair: 0 };
  for (const [path, content] of files) {
    const parts = path.split("/");
    const long = parts.find((part) => encoded(part).length > nameMax);
    if (long !== undefined) {
      const message = `${source}/${path}: "${long}" has ${encoded(long).length} bytes, a name in this file system at most ${nameMax}`;
      return refused("image.name", message, `${source}/${path}`, "give it a shorter name");
    }
    const name = encoded(parts.pop() ?? "");
    const folder = parts.reduce(folderIn, root);
    folder.files.push({ name, content, head: -1 });
  }
  const pairs = pairsOf(root, shape);
  let next = 2 * pairs.length;
  for (const { entries } of pairs)
    for (const entry of entries) {
      if (!("content" in entry) || entry.content.length <= inlineMax) continue;
      next += skipList(entry.content.length, block).length;
      entry.head = next - 1;
    }
  const count = Math.floor(size / block);
  if (next > count) {
    const message = `${source}: its files take ${next} blocks of ${block} bytes, the file system has ${count} (${size} bytes): ${next * block - size} bytes are missing`;
    return refused("image.full", message, source, "leave some out, or make the file system larger");
  }
  const bytes = new Uint8Array(size).fill(0xff);
  for (const [i, pair] of pairs.entries()) {
    const commit = commitOf(pair, i, pairs, shape);
    bytes.set(commit, 2 * i * block);
    for (const entry of pair.entries) if ("content" in entry && entry.head >= 0) writeSkipList(bytes, entry, block);
  }
  return ok(bytes);
}

function folderIn(parent: Folder, name: string): Folder {
  const there = parent.folders.get(name);
  if (there !== undefined) return there;
  const folder: Folder = { name: encoded(name), folders: new Map(), files: [], pair: 0 };
  parent.folders.set(name, folder);
  return folder;
}

/** All pairs, those of one folder one after the other. A pair is filled by half, as the library does, so that the next changes have room. */
function pairsOf(root: Folder, { block, page, inlineMax }: FileSystemShape): Pair[] {
  const room = Math.min(block - COMMIT_ROOM, Math.ceil(block / 2 / page) * page);
  const pairs: Pair[] = [];
  const add = (of: Folder): void => {
    of.pair = pairs.length;
    const all = [...of.files, ...of.folders.values()].sort((a, b) => compareNames(a.name, b.name));
    let entries: (File | Folder)[] = [];
    let used = TAG + (of === root ? SUPERBLOCK_LENGTH : 0);
    for (const entry of all) {
      const length = lengthOf(entry, inlineMax);
      if (entries.length > 0 && (used + length > room || entries.length === MOST_IN_A_PAIR)) {
        pairs.push({ of, entries });
        [entries, used] = [[], TAG];
      }
      entries.push(entry);
      used += length;
    }
    pairs.push({ of, entries });
    for (const entry of all) if (!("content" in entry)) add(entry);
  };
  add(root);
  return pairs;
}

function lengthOf(entry: File | Folder, inlineMax: number): number {
  const inline = "content" in entry && entry.content.length <= inlineMax;
  return TAG + entry.name.length + TAG + (inline ? entry.content.length : POINTERS);
}

/** By their bytes, a shorter one after what begins with it: the library looks names up by this order. */
function compareNames(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return b.length - a.length;
}

/** The first block of a pair, up to the end of its commit. */
function commitOf({ of, entries }: Pair, number: number, pairs: readonly Pair[], shape: FileSystemShape): Uint8Array {
  const { block, size, nameMax, disk, page } = shape;
  const log = new Log(block);
  let id = 0;
  if (number === 0) {
    log.tag(SUPERBLOCK, id, encoded("littlefs"));
    log.tag(INLINE, id++, words(DISK_VERSIONS[disk], block, Math.floor(size / block), nameMax, FILE_MAX, ATTRIBUTE_MAX));
  }
  for (const entry of entries) {
    const isFile = "content" in entry;
    log.tag(isFile ? REGULAR : FOLDER, id, entry.name);
    if (!isFile) log.tag(FOLDER_PAIR, id, words(2 * entry.pair, 2 * entry.pair + 1));
    else if (entry.head < 0) log.tag(INLINE, id, entry.content);
    else log.tag(SKIP_LIST, id, words(entry.head, entry.content.length));
    id++;
  }
  const after = pairs[number + 1];
  if (after !== undefined) log.tag(after.of === of ? NEXT_OF_FOLDER : NEXT_FOLDER, NO_FILE, words(2 * number + 2, 2 * number + 3));
  return log.end(page, disk === "2.1");
}

/** Entries of a metadata block. */
class Log {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 4;
  /** Tags are stored as what differs from the one before. */
  private last = 0xffffffff;

  constructor(block: number) {
    this.bytes = new Uint8Array(block).fill(0xff);
    this.view = new DataView(this.bytes.buffer);
    // How often the block was written.
    this.view.setUint32(0, 1, true);
  }

  tag(type: number, id: number, data: Uint8Array): void {
    this.head(type, id, data.length);
    this.bytes.set(data, this.at);
    this.at += data.length;
  }

  /** The commit with its checksum, filled up to a multiple of `page`. promised: with the checksum of the erased bytes after it. */
  end(page: number, promised: boolean): Uint8Array {
    const block = this.bytes.length;
    const end = Math.min(block, Math.ceil((this.at + 5 * TAG) / page) * page);
    if (promised && end + page <= block) this.tag(NEXT_ERASED, NO_FILE, words(page, crc32(new Uint8Array(page).fill(0xff))));
    this.head(COMMIT_END, NO_FILE, end - this.at - TAG);
    this.view.setUint32(this.at, crc32(this.bytes.subarray(0, this.at)), true);
    return this.bytes.subarray(0, end);
  }

  private head(type: number, id: number, length: number): void {
    const tag = ((type << 20) | (id << 10) | length) >>> 0;
    this.view.setUint32(this.at, (tag ^ this.last) >>> 0, false);
    this.last = tag;
    this.at += TAG;
  }
}

/** How much of a file each of its blocks holds. Block n begins with pointers to the blocks n-1, n-2, n-4 … as often as n can be halved. */
function skipList(length: number, block: number): number[] {
  const held: number[] = [];
  for (let left = length; left > 0; left -= held.at(-1) ?? left) held.push(Math.min(left, block - 4 * pointersOf(held.length)));
  return held;
}

function pointersOf(number: number): number {
  return number === 0 ? 0 : 32 - Math.clz32(number & -number);
}

function writeSkipList(bytes: Uint8Array, { content, head }: File, block: number): void {
  const held = skipList(content.length, block);
  const first = head - held.length + 1;
  let done = 0;
  for (const [number, length] of held.entries()) {
    const pointers = words(...Array.from({ length: pointersOf(number) }, (_, i) => first + number - 2 ** i));
    const at = (first + number) * block;
    bytes.set(pointers, at);
    bytes.set(content.subarray(done, done + length), at + pointers.length);
    done += length;
  }
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Lowest byte first. */
function words(...numbers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  for (const [i, number] of numbers.entries()) view.setUint32(4 * i, number, true);
  return new Uint8Array(view.buffer);
}

/** Whether every entry fits into a pair by itself, and its lengths into tags. */
function isSound({ block, page, nameMax, inlineMax }: Omit<FileSystemShape, "disk">): boolean {
  const most = TAG + SUPERBLOCK_LENGTH + 2 * TAG + nameMax + Math.max(inlineMax, POINTERS) + COMMIT_ROOM;
  return page >= 1 && page <= MOST_PAGE && block % page === 0 && nameMax <= MOST_DATA && inlineMax <= MOST_DATA && most <= block;
}

/** What lies in folders for other reasons; mklittlefs leaves it out, too. */
const LEFT_OUT = new Set([".DS_Store", ".git", ".gitignore", ".gitmodules"]);

export const littlefsTool: ImageTool = {
  usage:
    "fb tool littlefs --root FOLDER --files FILE… --size BYTES --block BYTES --page BYTES --name-max BYTES --inline-max BYTES --disk 2.0|2.1 --out FILE",
  make(options, read) {
    const [root, disk, files] = [one(options, "root"), one(options, "disk"), options.get("files")];
    const number = (name: string) => numberOf(one(options, name));
    const [size, block, page] = [number("size"), number("block"), number("page")];
    const [nameMax, inlineMax] = [number("name-max"), number("inline-max")];
    if (root === null || files === undefined || size === null || block === null || page === null || nameMax === null) return null;
    if (inlineMax === null || disk === null || !isSound({ size, block, page, nameMax, inlineMax })) return null;
    if (disk !== "2.0" && disk !== "2.1") {
      const message = `fb makes LittleFS of the versions ${Object.keys(DISK_VERSIONS).join(", ")}, found "${disk}"`;
      return refused("image.version", message, root, "set board_build.littlefs_version to one of these");
    }
    const named = files.map((file) => [file.slice(root.length + 1), file] as const);
    const meant = named.filter(([path]) => !path.split("/").some((part) => LEFT_OUT.has(part)));
    const contents = new Map(meant.map(([path, file]) => [path, read(file)]));
    const image = littlefs(contents, { size, block, page, nameMax, inlineMax, disk }, root);
    return image.ok ? made(image.value) : image;
  },
};
