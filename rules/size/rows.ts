/**
 * What each byte of a program's memory is: the sections that count, cut into rows that do not overlap and leave nothing out, so that their sums are the sections' sizes.
 *
 * The map says which object gave which piece; symbols cut a piece further. What is left of it bears the name of the object's section. Where a name
 * came from an object of link-time optimisation, which the map knows as one temporary file, who defines the name is looked up.
 */
import { type Elf, type ElfSymbol, FLAGS, type Section } from "../elf.ts";
import type { LinkMap, Piece } from "./link-map.ts";

export interface Row {
  /** A symbol as the linker spells it, or the name of what lies there: a section of an object, PADDING. */
  readonly name: string;
  /** As the map names it; "" where nobody knows. */
  readonly object: string;
  /** Of the program. */
  readonly section: string;
  readonly bytes: number;
}

/** What counts as flash and as RAM. A section may count as both: initialised data. */
export interface Counts {
  flash(section: Section): boolean;
  ram(section: Section): boolean;
}

export const PADDING = "(padding)";

/** Names of sections, as a platform lists them. */
export function countsOf(flash: readonly string[], ram: readonly string[]): Counts {
  return { flash: ({ name }) => flash.includes(name), ram: ({ name }) => ram.includes(name) };
}

/** What `size` calls text, data and bss: flash is text and data, RAM data and bss (binutils, size.c: Berkeley's form). */
export const BERKELEY: Counts = {
  flash: ({ flags, isEmpty }) => has(flags, FLAGS.alloc) && !isEmpty,
  ram: ({ flags, isEmpty }) => has(flags, FLAGS.alloc) && (isEmpty || (has(flags, FLAGS.write) && !has(flags, FLAGS.execute))),
};

function has(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

/** Who defines a symbol that the map does not tell of; null where nobody knows. isMixed: it is of an object that stands for several. */
export type Definer = (symbol: ElfSymbol, isMixed: boolean) => string | null;

export function rowsOf(elf: Elf, counts: Counts, map: LinkMap | null, definer: Definer): Row[] {
  const symbols = elf.symbols();
  const firstThread = Math.min(...elf.sections.flatMap((s) => (has(s.flags, FLAGS.threadLocal) ? [s.address] : [])));
  const rows: Row[] = [];
  for (const [place, section] of elf.sections.entries()) {
    if (section.size === 0 || !(counts.flash(section) || counts.ram(section))) continue;
    const named = symbols.flatMap((symbol): Place[] => {
      if (symbol.section !== place || symbol.type === "file" || symbol.type === "other" || symbol.name === "") return [];
      const at = symbol.type === "thread-local" ? symbol.value + firstThread : symbol.value;
      const scripted = symbol.size === 0 && (symbol.bind === "local" || (map?.scripted.has(symbol.name) ?? true));
      return scripted ? [] : [{ symbol, at, end: at + symbol.size }];
    });
    named.sort((a, b) => a.at - b.at || rank(a.symbol) - rank(b.symbol) || (a.symbol.name < b.symbol.name ? -1 : 1));
    const pieces = (map?.pieces ?? []).filter((p) => p.output === section.name).sort((a, b) => a.address - b.address);
    cut(section, whole(section, pieces), named, definer, rows);
  }
  return merged(rows);
}

interface Place {
  readonly symbol: ElfSymbol;
  readonly at: number;
  readonly end: number;
}

/** Of several names of one place that is told which has a size, then the one that others see. */
function rank({ size, bind, type }: ElfSymbol): number {
  return (size > 0 ? 0 : 8) + (type === "none" ? 4 : 0) + (bind === "global" ? 0 : bind === "weak" ? 1 : 2);
}

/** The section as pieces without holes and overlaps. */
function whole(section: Section, pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  const end = section.address + section.size;
  let at = section.address;
  const hole = (to: number) => {
    // A hole beside pieces is what the linker put there; with no map at all nothing is known.
    const name = pieces.length === 0 ? section.name : "*fill*";
    if (to > at) found.push({ output: section.name, section: name, address: at, size: to - at, object: "" });
  };
  for (const piece of pieces) {
    const [from, to] = [Math.max(at, piece.address), Math.min(end, piece.address + piece.size)];
    if (to <= from) continue;
    hole(from);
    found.push({ ...piece, address: from, size: to - from });
    at = to;
  }
  hole(end);
  return found;
}

function cut(section: Section, pieces: readonly Piece[], places: readonly Place[], definer: Definer, rows: Row[]): void {
  let next = 0;
  for (const piece of pieces) {
    const end = piece.address + piece.size;
    const isFill = piece.section === "*fill*";
    const isMixed = /\.ltrans\d*(?:\.ltrans)?\.o$|\.lto\.o$/.test(piece.object);
    const add = (name: string, symbol: ElfSymbol | null, bytes: number) => {
      if (bytes === 0) return;
      const known = piece.object !== "" && !isMixed ? piece.object : symbol === null ? null : definer(symbol, isMixed);
      rows.push({ name, object: known ?? (isMixed ? LTO : ""), section: section.name, bytes });
    };
    const rest = isFill ? PADDING : piece.section;
    let at = piece.address;
    /** What has no size reaches to the next name. */
    let open: ElfSymbol | null = null;
    for (; next < places.length && (places[next] as Place).at < end; next++) {
      const { symbol, at: start, end: to } = places[next] as Place;
      if ((start < at && to <= at) || (symbol.size === 0 && isFill)) continue;
      const from = Math.max(start, at);
      if (symbol.size === 0 && open !== null && from === at) continue;
      add(open?.name ?? rest, open, from - at);
      at = from;
      open = symbol;
      if (symbol.size === 0) continue;
      const reach = Math.min(to, end);
      add(symbol.name, symbol, reach - at);
      at = reach;
      open = null;
    }
    add(open?.name ?? rest, open, end - at);
  }
}

/** The object of what link-time optimisation made of several. */
export const LTO = "(link-time optimisation)";

/** Rows of one name, object and section together; the largest first. */
function merged(rows: readonly Row[]): Row[] {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const key = `${row.name}\0${row.object}\0${row.section}`;
    found.set(key, { ...row, bytes: row.bytes + (found.get(key)?.bytes ?? 0) });
  }
  return [...found.values()].sort(
    (a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.object < b.object ? -1 : 1),
  );
}
