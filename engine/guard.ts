/**
 * Whether what an action read is what its key will say. Digests are made before an action runs (declared inputs) or after it (discovered ones), so a
 * file that changed in between has been read as something else than was hashed: then the action runs again.
 */
import { ABSENT, type Files, sameSignature } from "./files.ts";
import type { Graph } from "./graph.ts";
import { baseOf } from "./paths.ts";
import { type Found, FOUND_NOTHING, type Trail } from "./discover.ts";
import type { Disk, Read, Signature } from "./types.ts";

/** The symbolic links in folders, listed again when a folder's signature differs. */
export class Links {
  private readonly disk: Disk;
  private readonly known = new Map<string, { readonly signature: Signature; readonly names: ReadonlySet<string> }>();

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /** signature: of the folder, from before this call. */
  in(folder: string, signature: Signature): ReadonlySet<string> {
    let known = this.known.get(folder);
    if (known === undefined || !sameSignature(known.signature, signature)) {
      known = { signature, names: this.disk.links(folder) };
      this.known.set(folder, known);
    }
    return known.names;
  }
}

export class Guard {
  private readonly disk: Disk;
  private readonly links: Links;
  private readonly graph: Graph;
  private readonly files: Files;
  /** The disk's clock, and how many files had been hashed, when the attempt began. */
  private clock = 0n;
  private mark = 0;
  /** Files passed over in an earlier attempt, as they were at its end: there before this one began. */
  private readonly witnessed = new Map<string, Signature>();

  constructor(disk: Disk, links: Links, graph: Graph, files: Files) {
    this.disk = disk;
    this.links = links;
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
    const born = this.born(passedOver);
    const newer = all.some((read) => this.isNewer(read));
    // One that would have been read before another, and is no more, may have been gone when the tool looked: then it must count as absent.
    const changed = [
      ...all.filter((read) => !this.files.unchanged(read)).map((read) => read.path),
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

  /** Whether a file may have come into being at one of these places. Only where a folder's names changed since the attempt began is each looked at. */
  private born(passedOver: readonly Trail[]): boolean {
    const still = new Map<string, ReadonlySet<string> | null>();
    let born = false;
    for (const trail of passedOver) {
      for (let at: Trail | null = trail; at !== null; at = at.next) {
        const { place, folder } = at;
        let links = still.get(folder);
        if (links === undefined) {
          links = this.linksIfStill(folder);
          still.set(folder, links);
        }
        // Not only the first: each of them must be kept as a witness of the next attempt.
        if (links === null || (links.size > 0 && links.has(baseOf(place)))) born = this.isBorn(place) || born;
      }
    }
    return born;
  }

  /** The links in a folder into which no name came since the attempt began: what they lead to comes and goes elsewhere. Null for another folder. */
  private linksIfStill(folder: string): ReadonlySet<string> | null {
    const path = folder === "" ? "." : folder;
    const now = this.disk.sign(path);
    if (now === null) return NONE;
    return this.isYoung(now) ? null : this.links.in(path, now);
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

const NONE: ReadonlySet<string> = new Set();
