/**
 * The map that GNU ld writes (`-Wl,-Map`): which piece of which object lies where, and what an archive's member was taken for.
 *
 * Its form is ld's manual, "Command-line Options", -M: a line has a section's name in column 0 (of the output) or 1 (of an object), then address, size and
 * object; a name too long for its column stands on a line of its own. ld speaks English under LC_ALL=C.
 */

/** What an object, or the linker itself, gave to a section of the output. */
export interface Piece {
  /** The output's section. */
  readonly output: string;
  /** The object's section; "*fill*" for what the linker put between. */
  readonly section: string;
  readonly address: number;
  readonly size: number;
  /** A path, `ARCHIVE(MEMBER)`, or ld's own `linker stubs`; "" for a fill. */
  readonly object: string;
}

export interface LinkMap {
  readonly pieces: readonly Piece[];
  /** Objects and archives in the order in which they were read. */
  readonly loaded: readonly string[];
  /** `ARCHIVE(MEMBER)` → who needed it, for which symbol. */
  readonly broughtBy: ReadonlyMap<string, { readonly object: string; readonly symbol: string }>;
  /** Symbols that the linker script defines. */
  readonly scripted: ReadonlySet<string>;
}

const PIECE = /^ (\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) ?(.*)$/;
const REST = /^\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) ?(.*)$/;
const SCRIPTED = /^\s+\[?0x[0-9a-f]+\]?\s+(?:PROVIDE(?:_HIDDEN)? \()?([\w.$]+) = /;
const BROUGHT = /^(\S.*\))\s+(\S.*) \(([^()]+(?:\([^()]*\))*)\)$/;

export function readLinkMap(text: string): LinkMap {
  const lines = text.split("\n");
  const body = lines.findIndex((line) => /^Linker script and memory map/.test(line));
  const pieces: Piece[] = [];
  const loaded: string[] = [];
  const scripted = new Set<string>();
  let output = "";
  /** A name whose numbers stand on the next line. */
  let waiting: string | null = null;
  for (const line of lines.slice(body < 0 ? lines.length : body + 1)) {
    if (waiting !== null) {
      const rest = REST.exec(line);
      const name = waiting;
      waiting = null;
      if (rest !== null) {
        add(output, name, rest[1], rest[2], rest[3]);
        continue;
      }
    }
    if (line.startsWith("LOAD ")) loaded.push(line.slice(5));
    else if (/^[^\s*(/][^\s]*/.test(line) && /^\S+(?:\s+0x|$)/.test(line)) output = line.split(/\s/, 1)[0] ?? "";
    else if (/^ [^\s*][^\s]*$/.test(line)) waiting = line.trim();
    else {
      const piece = PIECE.exec(line);
      if (piece !== null) add(output, piece[1] ?? "", piece[2], piece[3], piece[4]);
      const name = SCRIPTED.exec(line)?.[1];
      if (name !== undefined) scripted.add(name);
    }
  }
  return { pieces, loaded, broughtBy: broughtBy(lines), scripted };

  function add(out: string, section: string, address = "", size = "", object = ""): void {
    const isFill = section === "*fill*";
    // A line of the script, as `. = ALIGN (4)`, has no size and no object.
    if (Number.parseInt(size, 16) === 0 || (object === "" && !isFill)) return;
    pieces.push({
      output: out,
      section,
      address: Number.parseInt(address, 16),
      size: Number.parseInt(size, 16),
      object: isFill ? "" : object.trim(),
    });
  }
}

function broughtBy(lines: readonly string[]): LinkMap["broughtBy"] {
  const found = new Map<string, { readonly object: string; readonly symbol: string }>();
  const start = lines.findIndex((line) => /^Archive member included/.test(line));
  if (start < 0) return found;
  let open = "";
  for (const line of lines.slice(start + 2)) {
    if (line === "") break;
    const whole = BROUGHT.exec(/^\s/.test(line) ? `${open} ${line.trim()}` : line);
    if (whole === null) {
      open = line;
      continue;
    }
    const [, member = "", object = "", symbol = ""] = whole;
    found.set(member, { object: object.replace(/ \(symbol from plugin\)$/, ""), symbol });
    open = "";
  }
  return found;
}
