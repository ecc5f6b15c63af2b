/** A program's memory as a tree of areas, and their places on the screen: squarified, as Bruls, Huizing and van Wijk describe it ("Squarified Treemaps", 2000). */
import type { ProgramData } from "./data.ts";

export type Memory = "flash" | "ram";

/** All, a library, an object or a symbol. */
export interface Area {
  /** The same in every page of a project: titles, joined by BETWEEN. */
  readonly key: string;
  readonly title: string;
  readonly kind: "program" | "library" | "object" | "symbol";
  readonly parent: Area | null;
  /** The largest first. */
  readonly inner: Area[];
  bytes: number;
  /** Of a symbol. */
  readonly section: string;
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Placed {
  readonly area: Area;
  readonly rect: Rect;
  /** Below what is drawn as a whole. */
  readonly depth: number;
  /** Whether its title has a line of its own, above what is in it. */
  readonly titled: boolean;
}

/** No title has it, and an attribute keeps it (which it does not NUL). */
const BETWEEN = "\x1f";
/** Room for a title above what an area holds. */
const TITLE = 18;
const EDGE = 2;
/** A title is drawn above areas of at least this size. */
const TITLED = { width: 44, height: 34 };
/** What is smaller is not drawn. */
const SMALLEST = 1.5;

export function areasOf(program: ProgramData, memory: Memory): Area {
  const counted = new Set(program.sections.filter((s) => s[memory]).map((s) => s.name));
  const root = area(null, program.env, "program", "");
  const known = new Map<string, Area>();
  for (const { name, object, library, section, bytes } of program.symbols) {
    if (!counted.has(section)) continue;
    const below = (parent: Area, title: string, kind: Area["kind"], of: string): Area => {
      const key = `${parent.key}${BETWEEN}${title}${kind === "symbol" ? `${BETWEEN}${of}` : ""}`;
      const found = known.get(key) ?? area(parent, title, kind, of);
      if (!known.has(key)) parent.inner.push(found);
      known.set(key, found);
      return found;
    };
    const inLibrary = below(root, library, "library", "");
    const inObject = below(inLibrary, object === "" ? "(no object)" : object, "object", "");
    for (const a of [root, inLibrary, inObject, below(inObject, name, "symbol", section)]) a.bytes += bytes;
  }
  sort(root);
  return root;
}

function area(parent: Area | null, title: string, kind: Area["kind"], section: string): Area {
  return {
    key: parent === null ? "" : `${parent.key}${BETWEEN}${title}${kind === "symbol" ? `${BETWEEN}${section}` : ""}`,
    title,
    kind,
    parent,
    inner: [],
    bytes: 0,
    section,
  };
}

function sort(of: Area): void {
  of.inner.sort((a, b) => b.bytes - a.bytes || (a.title < b.title ? -1 : 1));
  for (const inner of of.inner) sort(inner);
}

/** What an area holds, placed in a rectangle, what holds others before what it holds. */
export function placed(of: Area, rect: Rect): Placed[] {
  const found: Placed[] = [];
  fill(of, rect, 0, found);
  return found;
}

function fill(of: Area, rect: Rect, depth: number, found: Placed[]): void {
  for (const [inner, place] of squarified(of.inner, rect)) {
    if (place.width < SMALLEST || place.height < SMALLEST) continue;
    const titled = inner.inner.length > 0 && place.width >= TITLED.width && place.height >= TITLED.height;
    found.push({ area: inner, rect: place, depth, titled });
    if (inner.inner.length === 0) continue;
    const top = titled ? TITLE : EDGE;
    const room = { x: place.x + EDGE, y: place.y + top, width: place.width - 2 * EDGE, height: place.height - top - EDGE };
    if (room.width > SMALLEST && room.height > SMALLEST) fill(inner, room, depth + 1, found);
  }
}

/** Areas of the size of their bytes, each as square as can be: rows along the shorter side, a row is closed when one more would make it worse. */
export function squarified(areas: readonly Area[], rect: Rect): [Area, Rect][] {
  const found: [Area, Rect][] = [];
  const all = areas.reduce((sum, a) => sum + a.bytes, 0);
  if (all === 0) return found;
  const scale = (rect.width * rect.height) / all;
  let left = rect;
  let row: Area[] = [];
  let sum = 0;
  const worst = (bytes: number, smallest: number, largest: number, side: number): number => {
    const room = bytes * scale;
    return Math.max((side * side * largest * scale) / (room * room), (room * room) / (side * side * smallest * scale));
  };
  const close = (): void => {
    const isWide = left.width >= left.height;
    const thick = isWide ? (sum * scale) / left.height : (sum * scale) / left.width;
    let at = isWide ? left.y : left.x;
    for (const a of row) {
      const long = thick === 0 ? 0 : (a.bytes * scale) / thick;
      found.push([a, isWide ? { x: left.x, y: at, width: thick, height: long } : { x: at, y: left.y, width: long, height: thick }]);
      at += long;
    }
    left = isWide
      ? { ...left, x: left.x + thick, width: Math.max(0, left.width - thick) }
      : { ...left, y: left.y + thick, height: Math.max(0, left.height - thick) };
    row = [];
    sum = 0;
  };
  for (const a of areas) {
    if (a.bytes <= 0) continue;
    const side = Math.min(left.width, left.height);
    const largest = row[0]?.bytes ?? a.bytes;
    const last = row.at(-1)?.bytes ?? a.bytes;
    if (row.length > 0 && worst(sum + a.bytes, a.bytes, largest, side) > worst(sum, last, largest, side)) close();
    row.push(a);
    sum += a.bytes;
  }
  if (row.length > 0) close();
  return found;
}
