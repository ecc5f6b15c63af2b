/**
 * Whether the pages of an LMDB file are where they belong. LMDB takes what lies at a place for what it looks for there: with a page that silently became another one it
 * writes over pages that are in use, or ends the process by an assertion, and no reading of the entries finds that.
 *
 * Looked at are the list of free pages (4 pages in a database of 480 MB), what it names, and the tables: all pages, or all but the leaves, whose entries have checksums of their
 * own. Without leaves that takes 1 to 3 ms in a process that has just begun, most of it code that runs for the first time; with them some 4 ms a MB.
 *
 * Layout (lmdb 3.5, data version 2), little endian. A page: its number, transaction (8 bytes each), 2 unused, flags, end of the nodes' offsets, begin of the nodes (2 each; both
 * counted from 24, as the offsets are); an overflow page has its number of pages in place of the last two. A node: length of its data or a page's number (6 bytes, of which a leaf's
 * last 2 are flags), length of its key (2), key, data. A tree: 6 bytes, depth (2), three counts of pages and one of entries, first page (8 each). Trees of a meta page: the list
 * at 48, the tables at 96; last page at 144, transaction at 152. The list: by transaction a count, then so many numbers (8 bytes): a page; 0 for nothing; -N, then the first of N pages.
 */
import { readSync } from "node:fs";

/** Entries of the list of free pages beyond which it is not looked for pages that stand in it twice: what is above costs more than it may. */
const mostFree = 65536;

const META = 192;
const HEADER = 24;
const NODE = 8;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
/** Flags of a node. */
const ELSEWHERE = 1;
const TABLE = 2;
const MOST_DEPTH = 32;
const NO_PAGE = 2 ** 64;

interface Tree {
  readonly depth: number;
  readonly root: number;
}

/** A page that is not what it should be: what is thrown, and caught, in here. */
class Misplaced extends Error {}

/**
 * What is wrong with the file that was opened as `fd` (`page 7 is another one`); null where nothing was found. It must not be written meanwhile, else the answer may be wrong: two commits later pages
 * of this state may be in use again.
 * @param leaves whether leaves of tables are looked at, too
 */
export function misplacedPages(fd: number, leaves: boolean): string | null {
  try {
    new Walk(fd, leaves).all();
    return null;
  } catch (error) {
    if (error instanceof Misplaced || error instanceof RangeError) return error.message;
    throw error;
  }
}

class Walk {
  private readonly fd: number;
  private pageSize = 4096;
  private readonly leaves: boolean;
  private lastPage = 0;
  /** Pages in use, as far as they were looked at, and free ones. */
  private readonly used = new Set<number>();
  private readonly free: (readonly [first: number, pages: number])[] = [];

  constructor(fd: number, leaves: boolean) {
    this.fd = fd;
    this.leaves = leaves;
  }

  all(): void {
    const first = this.read(0, META);
    this.pageSize = first.readUInt32LE(48);
    const metas = [first, this.read(this.pageSize, META)] as const;
    for (const [i, each] of metas.entries()) expect(number(each, 0) === i, `meta page ${i} is another one`);
    const meta = metas[0].readBigUInt64LE(152) > metas[1].readBigUInt64LE(152) ? metas[0] : metas[1];
    this.lastPage = number(meta, 144);
    this.freeList(treeAt(meta, 48));
    this.tables(treeAt(meta, 96));
    this.overlaps();
  }

  private freeList(tree: Tree): void {
    let last = 0;
    this.walk(tree, true, (page, at, data, length) => {
      expect(page.readUInt16LE(at + 6) === 8, "a key of the list of free pages has another length");
      const key = number(page, at + NODE);
      expect(key > last, "the list of free pages is not in its order");
      last = key;
      const list =
        (page.readUInt16LE(at + 4) & ELSEWHERE) === 0
          ? page.subarray(data, data + length)
          : this.overflow(number(page, data), length, HEADER + length);
      const count = number(list, 0);
      expect(8 * (count + 1) <= length, "an entry of the list of free pages is cut off");
      for (let i = 1; i <= count; i++) {
        const value = Number(list.readBigInt64LE(8 * i));
        if (value === 0) continue;
        if (value < 0) i++;
        const from = value < 0 ? number(list, 8 * i) : value;
        const pages = value < 0 ? -value : 1;
        expect(i <= count && from >= 2 && from + pages - 1 <= this.lastPage, "the list of free pages names what is no page");
        this.free.push([from, pages]);
      }
    });
  }

  private tables(tree: Tree): void {
    this.walk(tree, true, (page, at, data, length) => {
      if ((page.readUInt16LE(at + 4) & TABLE) === 0) return;
      expect(length === 48, "a table's entry has another length");
      this.walk(treeAt(page, data), this.leaves, (leaf, node, place, size) => {
        if ((leaf.readUInt16LE(node + 4) & ELSEWHERE) !== 0) this.overflow(number(leaf, place), size, HEADER);
      });
    });
  }

  /** Every node of every leaf; without leaves all other pages alone. */
  private walk({ depth, root }: Tree, leaves: boolean, visit: (page: Buffer, at: number, data: number, length: number) => void): void {
    if (root === NO_PAGE || (depth === 1 && !leaves)) return;
    expect(depth >= 1 && depth <= MOST_DEPTH, `a tree of ${depth} levels`);
    const page = this.page(root, depth === 1 ? LEAF : BRANCH);
    const [end, begin] = [page.readUInt16LE(20), page.readUInt16LE(22)];
    expect(end % 2 === 0 && end <= begin && HEADER + begin <= this.pageSize, `page ${root} has no sound head`);
    if (depth === 2 && !leaves) return;
    for (let offset = HEADER; offset < HEADER + end; offset += 2) {
      const at = HEADER + page.readUInt16LE(offset);
      const data = at + NODE + page.readUInt16LE(at + 6);
      expect(at >= HEADER + begin && data <= this.pageSize, `page ${root} has a node outside it`);
      const low = page.readUInt32LE(at);
      if (depth > 1) {
        this.walk({ depth: depth - 1, root: low + page.readUInt16LE(at + 4) * 2 ** 32 }, leaves, visit);
        continue;
      }
      const inside = (page.readUInt16LE(at + 4) & ELSEWHERE) === 0 ? low : 8;
      expect(data + inside <= this.pageSize, `page ${root} has a node outside it`);
      visit(page, at, data, low);
    }
  }

  /** The data of a node that lies elsewhere, `length` bytes; `bytes` of its pages are read. They may be more than it takes: they were another's before. */
  private overflow(place: number, length: number, bytes: number): Buffer {
    expect(place * this.pageSize + HEADER + length <= (this.lastPage + 1) * this.pageSize, `page ${place} has another length`);
    const first = this.page(place, OVERFLOW, bytes);
    const pages = first.readUInt32LE(20);
    expect(pages * this.pageSize >= HEADER + length && place + pages - 1 <= this.lastPage, `page ${place} has another length`);
    for (let each = place + 1; each < place + pages; each++) this.use(each);
    return first.subarray(HEADER);
  }

  /** A page that calls itself by its place and its kind. */
  private page(place: number, flags: number, bytes = this.pageSize): Buffer {
    expect(place >= 2 && place <= this.lastPage, `page ${place} is none of the file's`);
    this.use(place);
    const page = this.read(place * this.pageSize, bytes);
    expect(number(page, 0) === place && page.readUInt16LE(18) === flags, `page ${place} is another one`);
    return page;
  }

  private use(page: number): void {
    expect(!this.used.has(page), `page ${page} is in two places`);
    this.used.add(page);
  }

  /** No page is free twice, none that is in use. */
  private overlaps(): void {
    if (this.free.length > mostFree) return;
    this.free.sort(([a], [b]) => a - b);
    let next = 0;
    for (const [first, pages] of this.free) {
      expect(first >= next, `page ${first} is free twice`);
      next = first + pages;
    }
    for (const page of this.used) expect(!this.isFree(page), `page ${page} is free and in use`);
  }

  private isFree(page: number): boolean {
    let [low, high] = [0, this.free.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const [first = 0, pages = 0] = this.free[middle] ?? [];
      if (page < first) high = middle;
      else if (page >= first + pages) low = middle + 1;
      else return true;
    }
    return false;
  }

  private read(offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    expect(readSync(this.fd, bytes, 0, length, offset) === length, "the file is too short");
    return bytes;
  }
}

function treeAt(bytes: Buffer, at: number): Tree {
  return { depth: bytes.readUInt16LE(at + 6), root: number(bytes, at + 40) };
}

function number(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

function expect(is: boolean, otherwise: string): void {
  if (!is) throw new Misplaced(otherwise);
}
