/**
 * Whether what an action read is what its key will say. Digests are made before an action runs (declared inputs) or after it (discovered ones), so a
 * file that changed in between has been read as something else than was hashed: then the action runs again.
 */
import { ABSENT, type Files, sameSignature } from "./files.ts";
import type { Graph } from "./graph.ts";
import { baseOf, folderOf } from "./paths.ts";
import { type Found, FOUND_NOTHING, type Trail } from "./discover.ts";
import type { Disk, Read, Signature } from "./types.ts";

/** A folder as it was under one signature. */
interface Standing {
  readonly folder: string;
  readonly signature: Signature;
  /** Names of symbolic links in it, listed when they are first asked for: what they lead to comes and goes without the folder's changing. */
  links: ReadonlySet<string> | null;
}

/** What is known of folders from one look to the next: nothing came into one whose signature stayed. */
export class Folders {
  private readonly disk: Disk;
  private readonly last = new Map<string, Standing>();
  /** Places where nothing was, by how their folder stood then. */
  private readonly absent = new Map<string, Standing>();

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /** One look, in which each folder is signed once. */
  look(): Look {
    const seen = new Map<string, Standing | null>();
    return {
      at: (folder) => {
        let standing = seen.get(folder);
        if (standing === undefined) {
          standing = this.sign(folder);
          seen.set(folder, standing);
        }
        return standing;
      },
    };
  }

  /** Whether this folder has a link of the name. */
  hasLink(standing: Standing, name: string): boolean {
    standing.links ??= this.disk.links(standing.folder);
    return standing.links.size > 0 && standing.links.has(name);
  }

  /**
   * Whether nothing is at a place now. isOld: whether a signature is of a time after which any change would give another; isThere: asks the disk.
   */
  isAbsent(place: string, look: Look, isOld: (s: Signature) => boolean, isThere: () => boolean): boolean {
    const before = this.absent.get(place);
    const standing = look.at(before?.folder ?? pathOf(folderOf(place)));
    if (standing === null) return true;
    if (before === standing && !this.hasLink(standing, baseOf(place))) return true;
    if (isThere()) return false;
    if (isOld(standing.signature)) this.absent.set(place, standing);
    return true;
  }

  private sign(folder: string): Standing | null {
    const signature = this.disk.sign(folder);
    if (signature === null) return null;
    const last = this.last.get(folder);
    if (last !== undefined && sameSignature(last.signature, signature)) return last;
    const standing = { folder, signature, links: null };
    this.last.set(folder, standing);
    return standing;
  }
}

interface Look {
  /** Null where there is no such folder. */
  at(folder: string): Standing | null;
}

/** As the disk names the project's folder. */
function pathOf(folder: string): string {
  return folder === "" ? "." : folder;
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

  /** Whether an input, or what was found beside it, is another than the tool saw. Forgets what was known of those that changed. */
  isDisturbed(inputs: readonly Read[], { reads, passedOver, outranked }: Found = FOUND_NOTHING): boolean {
    const all = [...inputs, ...reads];
    const look = this.folders.look();
    const born = this.born(passedOver, look);
    const newer = all.some((read) => this.isNewer(read));
    // One that would have been read before another, and is no more, may have been gone when the tool looked: then it must count as absent.
    const changed = [
      ...all.filter((read) => !this.isUnchanged(read, look)).map((read) => read.path),
      ...outranked.filter((path) => this.disk.sign(path) === null),
    ];
    for (const path of changed) this.files.forget(path);
    return born || changed.length > 0 || newer;
  }

  /** A file that a tool says it read, and that is not there any more. */
  isGone(read: Read): boolean {
    if (read.is !== "file" || this.files.digest(read) !== ABSENT) return false;
    this.files.forget(read.path);
    return true;
  }

  /** An input first hashed after the action started may have been written between its being read and its being hashed. */
  private isNewer(read: Read): boolean {
    const before = read.is === "file" ? this.files.learnedAfter(read.path, this.mark) : null;
    return before !== null && this.isYoung(before) && this.graph.producer(read.path) === undefined;
  }

  private isUnchanged(read: Read, look: Look): boolean {
    if (read.is !== "absent") return this.files.unchanged(read);
    return this.folders.isAbsent(
      read.path,
      look,
      (signature) => !this.isYoung(signature),
      () => !this.files.unchanged(read),
    );
  }

  /** Whether a file may have come into being at one of these places. Only where a folder's names changed since the attempt began is each looked at. */
  private born(passedOver: readonly Trail[], look: Look): boolean {
    let born = false;
    for (const trail of passedOver) {
      for (let at: Trail | null = trail; at !== null; at = at.next) {
        const standing = look.at(pathOf(at.folder));
        if (standing === null) continue;
        const { place } = at;
        // Not only the first: each of them must be kept as a witness of the next attempt.
        if (this.isYoung(standing.signature) || this.folders.hasLink(standing, baseOf(place))) born = this.isBorn(place) || born;
      }
    }
    return born;
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
