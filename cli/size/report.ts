/** What a program takes, by library and symbol, and what differs between two: pure data, kept in the project's state and saved by `fb size --json`. */
import type { Usage } from "../../engine/types.ts";

export interface LibraryShare {
  readonly name: string;
  readonly flash: number;
  readonly ram: number;
}

export interface SymbolShare {
  /** Demangled; or what lies there that has no name. */
  readonly name: string;
  /** Below the output folder; `libgcc.a(_udivmodsi4.o)` of a toolchain's archive; "" where nobody knows. */
  readonly object: string;
  readonly section: string;
  readonly bytes: number;
}

/** `fb size --json`, but for `vs`. The largest first. */
export interface ProgramReport {
  readonly env: string;
  readonly flash: Usage;
  readonly ram: Usage;
  readonly libraries: readonly LibraryShare[];
  readonly symbols: readonly SymbolShare[];
}

/** What one has more than another; less is negative. What is equal is left out, but for the sums. */
export interface Versus {
  /** What it is compared to, as a person would say. */
  readonly to: string;
  readonly flash: number;
  readonly ram: number;
  readonly libraries: readonly LibraryShare[];
  readonly symbols: readonly SymbolShare[];
}

/** Of what belongs to no library: vectors and start-up code, padding, what the linker adds. */
export const OTHER = "other";

/** An object's library, named as fb's folders and targets are: src, lib/NAME, core, then the toolchain's archives, then OTHER. */
export function libraryOf(object: string): string {
  const archive = /^(lib[^/]*)\.a\(/.exec(object)?.[1];
  if (archive !== undefined) return archive;
  if (/^FrameworkArduino(Variant)?\//.test(object)) return "core";
  const library = /^lib\/[^/]+(?=\/)/.exec(object)?.[0];
  if (library !== undefined) return library;
  if (object === "" || object.startsWith("(") || object === "linker stubs" || /^[Sgr]?crt\w*\.o$/.test(object)) return OTHER;
  return "src";
}

/** A name as it is in every build: gcc numbers the copies that it makes. */
function lasting({ name, object, section }: SymbolShare): string {
  return `${name.replace(/(\[clone \.[a-z_]+)[\d.]+\]/g, "$1]").replace(/(?<=\w)(\.\d+)+$/, "")}\0${object}\0${section}`;
}

export function compare(now: ProgramReport, before: ProgramReport, to: string): Versus {
  return {
    to,
    flash: now.flash.used - before.flash.used,
    ram: now.ram.used - before.ram.used,
    libraries: differences(now.libraries, before.libraries),
    symbols: isWhole(before) && isWhole(now) ? changedSymbols(now.symbols, before.symbols) : [],
  };
}

/** A report saved with -n has not all symbols: what it lacks is not new. */
export function isWhole({ symbols, flash, ram }: ProgramReport): boolean {
  return symbols.reduce((sum, s) => sum + s.bytes, 0) >= Math.max(flash.used, ram.used);
}

function differences(now: readonly LibraryShare[], before: readonly LibraryShare[]): LibraryShare[] {
  const was = new Map(before.map((l) => [l.name, l]));
  const is = new Map(now.map((l) => [l.name, l]));
  return [...new Set([...is.keys(), ...was.keys()])]
    .map((name) => ({
      name,
      flash: (is.get(name)?.flash ?? 0) - (was.get(name)?.flash ?? 0),
      ram: (is.get(name)?.ram ?? 0) - (was.get(name)?.ram ?? 0),
    }))
    .filter((l) => l.flash !== 0 || l.ram !== 0)
    .sort((a, b) => Math.abs(b.flash) + Math.abs(b.ram) - Math.abs(a.flash) - Math.abs(a.ram) || (a.name < b.name ? -1 : 1));
}

function changedSymbols(now: readonly SymbolShare[], before: readonly SymbolShare[]): SymbolShare[] {
  const found = new Map<string, SymbolShare>();
  const add = (symbol: SymbolShare, bytes: number) => {
    const key = lasting(symbol);
    const known = found.get(key);
    found.set(key, known === undefined ? { ...symbol, bytes } : { ...known, bytes: known.bytes + bytes });
  };
  for (const symbol of now) add(symbol, symbol.bytes);
  for (const symbol of before) add(symbol, -symbol.bytes);
  return [...found.values()]
    .filter((s) => s.bytes !== 0)
    .sort((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes) || (a.name < b.name ? -1 : 1));
}
