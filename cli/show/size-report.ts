/** `fb size` for people: flash and RAM, libraries, the largest symbols, and what differs. */
import type { ProjectPath } from "../../engine/types.ts";
import { LTO } from "../../rules/size/rows.ts";
import type { ProgramReport, SymbolShare, Versus } from "../size/report.ts";
import { renderSizes } from "./size.ts";
import { cutEnd, cutStart, oneLine, paint, padEnd } from "./text.ts";

const WIDEST_OBJECT = 48;
/** Of a long C++ name the beginning says most, of a path the end. */
const WIDEST_NAME = 60;

/** path: of the program; top: so many symbols. Ends in a newline. */
export function sizeText(report: ProgramReport, versus: Versus | null, path: ProjectPath, top: number, color: boolean): string {
  const { env, flash, ram, libraries, symbols } = report;
  const was = versus === null ? null : { flash: flash.used - versus.flash, ram: ram.used - versus.ram };
  const parts = [renderSizes({ artifacts: [{ env, path }], size: [{ env, flash, ram }] }, () => was, color)];
  const change = new Map(versus?.libraries.map((l) => [l.name, l]));
  const gone = (versus?.libraries ?? []).filter((l) => !libraries.some((now) => now.name === l.name));
  const rows = [...libraries, ...gone.map((l) => ({ name: l.name, flash: 0, ram: 0 }))].map((l) => {
    const more = change.get(l.name);
    return [l.name, `${l.flash}`, signed(more?.flash ?? 0), `${l.ram}`, signed(more?.ram ?? 0)];
  });
  parts.push(table(["library", "flash", "", "ram", ""], rows, "<>>>>", color));
  parts.push(symbolTable("bytes", symbols.slice(0, top), (bytes) => `${bytes}`, color));
  if (symbols.length > top) parts.push(paint(`  and ${symbols.length - top} more: -n ${symbols.length} shows all\n`, "dim", color));
  if (symbols.some((s) => s.object === LTO))
    parts.push(paint("  link-time optimisation: what it inlined counts where it went, setup and loop in main\n", "dim", color));
  if (versus !== null) {
    const same = versus.flash === 0 && versus.ram === 0 && versus.symbols.length === 0;
    parts.push(`\n${paint(`  against ${versus.to}${same ? ": the same" : ""}`, "bold", color)}\n`);
    if (versus.symbols.length > 0) parts.push(symbolTable("", versus.symbols.slice(0, top), signed, color).slice(1));
    if (versus.symbols.length > top) parts.push(paint(`  and ${versus.symbols.length - top} more\n`, "dim", color));
  }
  return parts.join("");
}

function symbolTable(title: string, symbols: readonly SymbolShare[], number: (bytes: number) => string, color: boolean): string {
  const rows = symbols.map(({ name, object, section, bytes }) => [
    number(bytes),
    section,
    cutEnd(oneLine(name), WIDEST_NAME),
    cutStart(object, WIDEST_OBJECT),
  ]);
  return table([title, "section", "symbol", "object"], rows, "><<<", color);
}

function signed(bytes: number): string {
  return bytes === 0 ? "" : bytes > 0 ? `+${bytes}` : `${bytes}`;
}

/** Columns as wide as they need be; sides: "<" begins at the left, ">" ends at the right. A blank line stands before it. */
function table(head: readonly string[], rows: readonly (readonly string[])[], sides: string, color: boolean): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, i) => (sides[i] === ">" ? cell.padStart(widths[i] ?? 0) : padEnd(cell, widths[i] ?? 0))).join("  ")}`.trimEnd();
  return `\n${paint(line(head), "dim", color)}\n${rows.map((row) => `${line(row)}\n`).join("")}`;
}
