/**
 * Whether what an action read is what its key will say. Digests are made before an action runs (declared inputs) or after it (discovered ones), so a
 * file that changed in between has been read as something else than was hashed: then the action runs again.
 */
import { ABSENT, type Files, sameSignature } from "./files.ts";
import type { Graph } from "./graph.ts";
import { baseOf, folderOf, join } from "./paths.ts";
import type { Disk, Read, Signature } from "./types.ts";

/**
 * The plain files of folders. Into a folder whose times are older than an attempt no name came during it; so a plain file that is in it was there all the
 * time. avr/io.h alone passes over 250 in one folder, in every compile. Not so a link: what it leads to comes and goes elsewhere.
 */
export class Folders {
  private readonly disk: Disk;
  private readonly known = new Map<string, { readonly signature: Signature; readonly real: string | null; readonly plain: Set<string> }>();

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /** Whether the file is there and is no link. signature: of its folder, from before this call. */
  hasPlain(path: string, folder: string, signature: Signature): boolean {
    let known = this.known.get(folder);
    if (known === undefined || !sameSignature(known.signature, signature)) {
      known = { signature, real: this.disk.realpath(folder), plain: new Set() };
      this.known.set(folder, known);
    }
    if (known.plain.has(path)) return true;
    if (known.real === null || this.disk.realpath(path) !== join(known.real, baseOf(path))) return false;
    known.plain.add(path);
    return true;
  }
}

export class Guard {
  private readonly disk: Disk;
  private readonly folders: Folders;
  private readonly graph: Graph;
  private readonly files: Files;
  /** The disk's clock, and how many files had been hashed, when the attempt began. */
  private clock = 0n;
  private mark = 0;
  /** Files passed over in an earlier attempt, as they were at its end: there before this one began. */
  private readonly witnessed = new Map<string, Signature>();

  constructor(disk: Disk, folders: Folders, graph: Graph, files: Files) {
    this.disk = disk;
    this.folders = folders;
    this.graph = graph;
    this.files = files;
  }

  /** An attempt begins: nothing has been read yet. */
  begin(): void {
    this.clock = this.disk.now();
    this.mark = this.files.mark();
  }

  /** passedOver: files that would have been read, had they been there when the tool looked. Forgets what it knew of those that changed. */
  isDisturbed(reads: readonly Read[], passedOver: readonly string[] = []): boolean {
    const still = new Map<string, Signature | null>();
    const born = passedOver.filter((path) => !this.stayed(path, still) && this.isBorn(path));
    const changed = reads.filter((read) => !this.files.unchanged(read));
    const newer = reads.some((read) => this.isNewer(read));
    for (const read of changed) this.files.forget(read.path);
    return born.length > 0 || changed.length > 0 || newer;
  }

  /** A file that a tool says it read, and that is not there any more. */
  isGone(read: Read): boolean {
    if (read.is !== "file" || this.files.digest(read) !== ABSENT) return false;
    this.files.forget(read.path);
    return true;
  }

  /** An input first hashed after the action started may have been written between its being read and its being hashed. */
  private isNewer(read: Read): boolean {
    if (read.is !== "file" || this.graph.producer(read.path) !== undefined) return false;
    const before = this.files.learnedAfter(read.path, this.mark);
    return before !== null && this.isYoung(before);
  }

  /** Whether the file stood in a folder into which no name came since the attempt began. still: signatures of such folders, null for the others. */
  private stayed(path: string, still: Map<string, Signature | null>): boolean {
    const folder = folderOf(path);
    let signature = still.get(folder);
    if (signature === undefined) {
      const now = this.disk.sign(folder === "" ? "." : folder);
      signature = now === null || this.isYoung(now) ? null : now;
      still.set(folder, signature);
    }
    return signature !== null && this.folders.hasPlain(path, folder, signature);
  }

  /** Whether a file that was not read may have come into being after the action had looked for it. */
  private isBorn(path: string): boolean {
    const now = this.graph.producer(path) === undefined ? this.disk.sign(path) : null;
    if (now === null || !this.isYoung(now)) return false;
    const before = this.witnessed.get(path);
    this.witnessed.set(path, now);
    return before === undefined || !sameSignature(before, now);
  }

  private isYoung(s: Signature): boolean {
    return s.mtimeNs >= this.clock || s.ctimeNs >= this.clock;
  }
}
