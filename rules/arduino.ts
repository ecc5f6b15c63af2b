/**
 * The tabs of an Arduino sketch → one C++ source: merged in PlatformIO's order, with `#include <Arduino.h>` and what sketches leave out.
 *
 * Prototypes go where they are needed (prototypes.ts), types of a later tab before their first use (hoist.ts). Everything else stays as it is, comments
 * too, and #line directives make every message of the compiler name the sketch's own file, line and column. Line ends become "\n", as PlatformIO's do.
 */
import { hoisted } from "./hoist.ts";
import { Prototypes } from "./prototypes.ts";
import { applied, Sketch } from "./sketch.ts";

export interface Tab {
  /** As compiler messages shall name it. */
  readonly path: string;
  readonly text: string;
}

export interface Converted {
  readonly text: string;
  /** Path of the tab that comes first and names the output; "" if there are no tabs. */
  readonly main: string;
}

/** In: the sketch's tabs (`*.ino`, `*.pde`), decoded, in any order. Out: the C++ text. The same tabs give the same text; never fails. */
export function convertSketch(tabs: readonly Tab[]): Converted {
  const ordered = inOrder(tabs);
  const sketch = new Sketch(hoisted(merged(ordered)));
  return { text: applied(sketch.source, new Prototypes(sketch).edits()), main: ordered[0]?.path ?? "" };
}

function merged(tabs: readonly Tab[]): string {
  let source = "#include <Arduino.h>\n";
  for (const tab of tabs) {
    const text = tab.text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
    // A joined last line would swallow the next tab's #line.
    source += `#line 1 ${quoted(tab.path)}\n${text}${/\\[ \t]*$/.test(text) ? "\n" : ""}${text.endsWith("\n") ? "" : "\n"}`;
  }
  return source;
}

/** A path as #line takes it. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&")}"`;
}

/** PlatformIO's order: `.ino` by name, then the others; each tab that mentions `void setup(` or `void loop(`, even in a comment, goes before all so far. */
function inOrder(tabs: readonly Tab[]): Tab[] {
  const rank = (tab: Tab): string => `${tab.path.endsWith(".ino") ? 0 : 1}${tab.path}`;
  const ordered: Tab[] = [];
  for (const tab of [...tabs].sort((a, b) => (rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0))) {
    if (/void\s+(?:setup|loop)\s*\(/i.test(tab.text)) ordered.unshift(tab);
    else ordered.push(tab);
  }
  return ordered;
}

/**
 * A sketch's bytes as text. UTF-8 as it is; a byte that is none (Latin-1 files) becomes U+DC80 and the byte's lower seven bits, which `encodeSource` turns back, so that
 * strings keep their bytes in the firmware. warning: what to tell the user then, without the file's name; else null.
 */
export function decodeSource(bytes: Uint8Array): { readonly text: string; readonly warning: string | null } {
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), warning: null };
  } catch {
    return escaped(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
  }
}

/** The multi-byte sequences of UTF-8 (RFC 3629, section 4), as Latin-1. */
const UTF8 =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;

function escaped(latin1: string): { readonly text: string; readonly warning: string } {
  let first = -1;
  const text = latin1.replace(UTF8, (sequence, offset: number) => {
    if (sequence.length > 1) return Buffer.from(sequence, "latin1").toString("utf8");
    if (first < 0) first = offset;
    return String.fromCharCode(0xdc00 + sequence.charCodeAt(0));
  });
  const line = latin1.slice(0, first).split("\n").length;
  const byte = latin1.charCodeAt(first).toString(16).toUpperCase();
  return {
    text: text.replace(/^\ufeff/, ""),
    warning: `line ${line} is not UTF-8 (byte 0x${byte}); the bytes are kept as they are. Save the file as UTF-8.`,
  };
}

/** The bytes of a text that `decodeSource` may have read: UTF-8, with the kept bytes as they were. */
export function encodeSource(text: string): Uint8Array {
  return Buffer.concat(
    text
      .split(/([\udc80-\udcff](?<![\ud800-\udbff].))/)
      .map((part, i) => (i % 2 === 1 ? Buffer.from([part.charCodeAt(0) & 0xff]) : Buffer.from(part, "utf8"))),
  );
}
