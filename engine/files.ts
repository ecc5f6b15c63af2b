/**
 * What is known of files in this run: their digests, the signatures taken before they were hashed, and which of these may be believed later.
 * A signature is kept from *before* the content was read. If the file's mtime or ctime was not older than the disk's clock at that moment, a later
 * change could leave an equal signature: such a file is "young" and is hashed once more before anything that outlives the run trusts it.
 */
import { IncludeTexts } from "./include-texts.ts";
import { KnownFiles } from "./known.ts";
import { folderOf } from "./paths.ts";
import { foldersOf } from "./tree.ts";
import type { Digest, Disk, Hashing, Memo, Read, Signature, IncludeText } from "./types.ts";

/** Files that are proven to be as an earlier run left them. */
export interface Carried {
  /** before: dev, ino, size, mtimeNs and ctimeNs of its signature. */
  file(path: string): { readonly digest: Digest; readonly before: BigUint64Array } | undefined;
}

export interface FilesHost {
  readonly disk: Disk;
  readonly hashing: Hashing;
  readonly memo: Memo;
  value(name: string): string | undefined;
  /** What the last run knew of files that are as it left them; null, or nothing, where that is not known. */
  readonly carried?: Carried | null;
  /** The include texts of content, see rules/includes. */
  includesOf(content: Uint8Array): readonly IncludeText[];
  /** The preprocessor lines of content, see rules/directives. */
  directivesOf(content: Uint8Array): string;
}

/** The clock of another disk than the project's is not probed, and some keep times of two seconds (FAT). */
const FOREIGN_SLACK_NS = 2_000_000_000n;

/** Whether a file can still change without its signature changing: `now` is the time that a file written on disk `device` gets now. */
export function isYoung(s: Signature, now: bigint, device: bigint): boolean {
  const newest = s.mtimeNs > s.ctimeNs ? s.mtimeNs : s.ctimeNs;
  return newest >= (s.dev === device ? now : now - FOREIGN_SLACK_NS);
}

/** What fb itself writes into a project's folder: no part of its listing. */
export const OWN_NAMES: ReadonlySet<string> = new Set([".fb", "compile_commands.json", "fb.lock"]);

/** The names and kinds in a folder ("" is the project's), without fb's own; null if there is no such folder. */
export function listed(disk: Pick<Disk, "list">, path: string): ReturnType<Disk["list"]> {
  const entries = disk.list(path === "" ? "." : path);
  return path === "" && entries !== null ? entries.filter((e) => !OWN_NAMES.has(e.name)) : entries;
}

/** What a file that was looked for, and not found, has for a digest. */
export const ABSENT = "absent" as Digest;
/** A file that should have been absent, or present, and is not: no recorded key can hold it. */
export const PRESENT = "present" as Digest;

export class Files {
  private readonly host: FilesHost;
  private readonly known = new KnownFiles();
  private readonly absent = new Set<string>();
  /** Found where nothing was hoped for, and not hashed: headers that a compile passes over (avr/io.h names 250). */
  private readonly present = new Set<string>();
  /** Folders by whether they are there: a missing one answers for everything below it without a stat. */
  private readonly folder = new Map<string, boolean>();
  private readonly listings = new Map<string, Digest>();
  private readonly values = new Map<string, Digest>();
  /** Of a part of a file, by "includes:PATH" and "directives:PATH". */
  private readonly parts = new Map<string, Digest>();
  private readonly texts = new Map<Digest, readonly IncludeText[]>();
  private readonly distinct = new IncludeTexts();
  /** Paths that were forgotten or assumed, in order: a digest that was given out holds until its path, or one with a "/" at its end, comes in here; that of a tree, not so long. */
  readonly changes: string[] = [];
  /** Forgotten paths: what is carried of them is no longer so, nor of what lies below those that are folders ("dir/"). */
  private readonly lost = new Set<string>();
  private readonly lostTrees = new Set<string>();
  private readonly assumed = new Map<string, Digest>();
  private clock: bigint;
  private readonly device: bigint;

  constructor(host: FilesHost) {
    this.host = host;
    this.clock = host.disk.now();
    this.device = host.disk.sign(".")?.dev ?? -1n;
  }

  /** The digest of what a read stands for, hashing it now if this run has not yet. */
  digest(read: Read): Digest {
    switch (read.is) {
      case "file":
        return this.content(read.path);
      case "absent":
        return this.isAbsent(read.path) ? ABSENT : PRESENT;
      case "listing":
        return this.listing(read.path);
      case "includes":
      case "directives":
        return this.derived(read.is, read.path);
      case "value":
        return this.value(read.path);
    }
  }

  /** In a dry run: takes a file for having this content, whatever lies there. */
  assume(path: string, digest: Digest): void {
    this.assumed.set(path, digest);
    this.changes.push(path);
  }

  /** sha256 of a file's content; ABSENT when it is not there; a folder counts as its tree. */
  content(path: string): Digest {
    const assumed = this.assumed.size === 0 ? undefined : this.assumed.get(path);
    if (assumed !== undefined) return assumed;
    const known = this.known.digest(path);
    if (known !== undefined) return known;
    if (this.absent.has(path)) return ABSENT;
    if (path.endsWith("/")) return this.tree(path);
    const carried = this.carried(path);
    if (carried !== undefined) {
      this.known.carry(path, carried.digest, carried.before);
      return carried.digest;
    }
    const before = this.host.disk.sign(path);
    if (before === null || this.host.disk.isDir(path)) {
      this.absent.add(path);
      return ABSENT;
    }
    return this.learn(path, before);
  }

  private carried(path: string): ReturnType<Carried["file"]> {
    const carried = this.host.carried?.file(path);
    if (carried === undefined || this.lost.has(path)) return undefined;
    for (const tree of this.lostTrees) if (path.startsWith(tree)) return undefined;
    return carried;
  }

  private learn(path: string, before: Signature): Digest {
    const memo = this.host.memo.digest(path, before);
    if (memo !== undefined) {
      this.known.set(path, memo, before, false);
      return memo;
    }
    const young = this.isYoung(before);
    const digest = this.host.hashing.sha256(this.host.disk.read(path));
    this.known.set(path, digest, before, young);
    if (!young) this.host.memo.remember(path, before, digest);
    return digest;
  }

  private isYoung(s: Signature): boolean {
    if (!isYoung(s, this.clock, this.device)) return false;
    this.clock = this.host.disk.now();
    return isYoung(s, this.clock, this.device);
  }

  /** A folder as one digest: every file below it by name and content. */
  private tree(path: string): Digest {
    const digest = this.treeDigest(path, this.below(path));
    const before = this.host.disk.sign(path.slice(0, -1));
    if (before !== null) this.known.set(path, digest, before, false);
    return digest;
  }

  private treeDigest(path: string, below: readonly string[]): Digest {
    const lines = below.map((f) => `${f.slice(path.length)}=${this.content(f)}${this.host.disk.isExecutable(f) ? "x" : ""}`);
    return this.host.hashing.sha256(lines.join("\n"));
  }

  /** Every file below a folder ("dir/"), in an order that follows from their names. */
  below(path: string): string[] {
    const found: string[] = [];
    for (const folder of foldersOf(this.host.disk, path.slice(0, -1)))
      for (const { name, is } of folder.entries) if (is === "file") found.push(`${folder.path}/${name}`);
    return found;
  }

  private isAbsent(path: string): boolean {
    if (this.absent.has(path)) return true;
    if (this.known.has(path) || this.present.has(path)) return false;
    if (this.hasFolder(folderOf(path)) && this.isThere(path)) {
      this.present.add(path);
      return false;
    }
    this.absent.add(path);
    return true;
  }

  /** A folder where a file is looked for counts as nothing: so it does for compilers and linkers. */
  private isThere(path: string): boolean {
    return this.host.disk.sign(path) !== null && !this.host.disk.isDir(path);
  }

  private hasFolder(path: string): boolean {
    if (path === "" || path === "/") return true;
    let there = this.folder.get(path);
    if (there === undefined) {
      there = this.hasFolder(folderOf(path)) && this.host.disk.sign(path) !== null;
      this.folder.set(path, there);
    }
    return there;
  }

  private listing(path: string): Digest {
    const known = this.listings.get(path);
    if (known !== undefined) return known;
    const digest = this.host.hashing.sha256(listingText(this.list(path)));
    this.listings.set(path, digest);
    return digest;
  }

  /** The names and kinds in a folder ("" is the project's), without fb's own. */
  list(path: string): ReturnType<Disk["list"]> {
    return listed(this.host.disk, path);
  }

  private value(name: string): Digest {
    let digest = this.values.get(name);
    if (digest === undefined) {
      const value = this.host.value(name);
      digest = value === undefined ? ABSENT : this.host.hashing.sha256(value);
      this.values.set(name, digest);
    }
    return digest;
  }

  /** The include texts of a file; null if it is not there. Scanned once per content, on this machine. */
  includes(path: string): readonly IncludeText[] | null {
    const digest = this.content(path);
    if (digest === ABSENT) return null;
    let texts = this.texts.get(digest);
    if (texts !== undefined) return texts;
    const memo = this.host.memo.value(`includes3:${digest}`);
    if (memo !== undefined) texts = this.distinct.decode(memo);
    else {
      texts = this.distinct.shared(this.host.includesOf(this.host.disk.read(path)));
      // The file may have changed since its digest was made: then these are the texts of something else.
      if (!this.unchangedFile(path)) return texts;
      this.host.memo.setValue(`includes3:${digest}`, this.distinct.encode(texts));
    }
    this.texts.set(digest, texts);
    return texts;
  }

  /** What a file names for the assembler to read (`.incbin`, `.include`). */
  textsForAssembler(path: string): readonly IncludeText[] {
    return this.includes(path)?.filter((t) => t.how === "incbin" || t.how === "asm") ?? [];
  }

  /** The preprocessor lines of a file; null if it is not there. Found once per content, on this machine. */
  directives(path: string): string | null {
    const digest = this.content(path);
    if (digest === ABSENT) return null;
    const memo = this.host.memo.value(`directives:${digest}`);
    if (memo !== undefined) return memo;
    const text = this.host.directivesOf(this.host.disk.read(path));
    this.host.memo.setValue(`directives:${digest}`, text);
    return text;
  }

  private derived(is: "includes" | "directives", path: string): Digest {
    const key = `${is}:${path}`;
    const known = this.parts.get(key);
    if (known !== undefined) return known;
    const text = is === "directives" ? this.directives(path) : this.includes(path);
    const digest = text === null ? ABSENT : this.host.hashing.sha256(typeof text === "string" ? text : this.distinct.encode(text));
    this.parts.set(key, digest);
    return digest;
  }

  /** Every digest of what is there, less those that were carried. */
  *digests(): Iterable<readonly [is: Read["is"], path: string, digest: Digest]> {
    for (const [path, digest] of this.known.looked()) if (!path.endsWith("/")) yield ["file", path, digest];
    for (const [key, digest] of this.parts) {
      const at = key.indexOf(":");
      yield [key.slice(0, at) as Read["is"], key.slice(at + 1), digest];
    }
  }

  /** The signature that was taken before the digest in use was made; null for what is not a settled file. */
  before(path: string): Signature | null {
    return this.known.before(path);
  }

  /** A point in the order of hashing, for learnedAfter. */
  mark(): number {
    return this.known.mark;
  }

  /** The signature of a file that was hashed after the mark; null if it was before, or is no file. */
  learnedAfter(path: string, mark: number): Signature | null {
    return this.known.isSince(path, mark) ? this.known.before(path) : null;
  }

  isKnown(path: string): boolean {
    return this.known.has(path) || this.absent.has(path);
  }

  /** Forgets a file that was changed or is about to be made, and what rests on it: trees above it, folders that were not there. "dir/": all below it. */
  forget(path: string): void {
    this.changes.push(path);
    if (this.host.carried) (path.endsWith("/") ? this.lostTrees : this.lost).add(path);
    this.known.delete(path);
    this.absent.delete(path);
    this.present.delete(path);
    this.listings.delete(path);
    this.parts.delete(`includes:${path}`);
    this.parts.delete(`directives:${path}`);
    if (path.endsWith("/")) {
      this.parts.clear();
      for (const file of this.known.paths()) if (file.startsWith(path)) this.known.delete(file);
    }
    for (let dir = folderOf(path); dir !== "" && dir !== "/"; dir = folderOf(dir)) {
      this.known.delete(`${dir}/`);
      if (this.folder.get(dir) === false) this.folder.delete(dir);
    }
  }

  /** Whether what a read stood for is still so on disk; what was not looked at yet is looked at now. */
  unchanged(read: Read): boolean {
    switch (read.is) {
      case "value":
        return true;
      case "listing":
        return this.host.hashing.sha256(listingText(this.list(read.path))) === this.listing(read.path);
      case "absent":
        return !this.isThere(read.path);
      case "file":
      case "includes":
      case "directives":
        return read.path.endsWith("/") ? this.unchangedTree(read.path) : this.unchangedFile(read.path);
    }
  }

  private unchangedFile(path: string): boolean {
    if (this.content(path) === ABSENT) return !this.isThere(path);
    const now = this.host.disk.sign(path);
    if (now === null || !this.known.isSame(path, now)) return false;
    // Equal signatures say nothing of a young file: it is read once more.
    return !this.known.isYoung(path) || this.host.hashing.sha256(this.host.disk.read(path)) === this.known.digest(path);
  }

  private unchangedTree(path: string): boolean {
    const digest = this.content(path);
    const below = this.below(path);
    return this.treeDigest(path, below) === digest && below.every((file) => this.unchangedFile(file));
  }

  /**
   * Before anything that outlives the run believes its signatures: young files are hashed once more, now that the clock has moved on. False if one is
   * still young or has changed, or a folder's names have: then this run's findings are not to be kept.
   */
  settle(): boolean {
    let intact = true;
    for (const [path, before] of this.known.young()) {
      const digest = this.content(path);
      const now = this.host.disk.sign(path);
      if (
        now === null ||
        !sameSignature(now, before) ||
        this.isYoung(now) ||
        this.host.hashing.sha256(this.host.disk.read(path)) !== digest
      ) {
        intact = false;
        continue;
      }
      this.known.setOld(path);
      this.host.memo.remember(path, before, digest);
    }
    for (const [path, digest] of this.listings) if (this.host.hashing.sha256(listingText(this.list(path))) !== digest) intact = false;
    return intact;
  }

  /** The newest time of a young file on the project's disk, null if there is none: worth waiting for its clock to pass. */
  youngest(): bigint | null {
    let newest: bigint | null = null;
    for (const [, before] of this.known.young()) {
      const time = before.mtimeNs > before.ctimeNs ? before.mtimeNs : before.ctimeNs;
      if (before.dev === this.device && (newest === null || time > newest)) newest = time;
    }
    return newest;
  }

  /** Every file that this run has looked at itself, with the signature that was taken before it was hashed. */
  *files(): Generator<readonly [string, Signature]> {
    for (const [path, , before] of this.known.looked()) if (!path.endsWith("/")) yield [path, before()];
  }

  absents(): Iterable<string> {
    return this.absent;
  }

  folders(): Iterable<string> {
    return this.listings.keys();
  }

  valueNames(): Iterable<string> {
    return this.values.keys();
  }
}

/** What the digest of a listing is made from. */
export function listingText(entries: ReturnType<Disk["list"]>): string {
  return entries === null ? "absent" : entries.map((e) => `${e.is} ${e.name}`).join("\n");
}

export function sameSignature(a: Signature, b: Signature): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.dev === b.dev;
}
