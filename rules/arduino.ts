/**
 * The tabs of an Arduino sketch → one C++ source: merged in PlatformIO's order, with `#include <Arduino.h>` and the prototypes that sketches leave out.
 *
 * - A prototype is written where its function is used before it is defined: before the declaration of the first use, but not before the types that
 *   it names. A function that no text names earlier may still be called by a header's macro; if its types are plain, it gets one before the first function.
 * - It is the head of the function, copied with its layout, under a `#line` of its own: what a compiler says of it names the sketch's line and column.
 *   Default arguments move into it; in the definition they become spaces.
 * - It stands in the same `#if` conditions as the function: those that are not open at its place are repeated around it.
 * - Everything else stays as it is, comments too. Line ends become "\n", as PlatformIO's do.
 */
import { type Declaration, declarations, type FunctionHead } from "./cpp-declarations.ts";
import { type Branch, structure, type Token, tokenize } from "./cpp-tokens.ts";
import { push, Uses } from "./cpp-uses.ts";

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

/** Words that are known wherever Arduino.h is: a function that names no other type may be declared anywhere. */
const PLAIN = new Set(
  (
    "void bool char short int long float double signed unsigned const volatile static inline struct enum class " +
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t byte word boolean String Print Stream"
  ).split(" "),
);
/** Every core declares these itself. */
const ENTRY_POINTS = new Set(["setup", "loop", "main"]);
/** Words that a type's name follows. */
const TYPE_PREFIXES = new Set("const volatile struct class union enum typename".split(" "));

/** In: the sketch's tabs (`*.ino`, `*.pde`), decoded, in any order. Out: the C++ text. The same tabs give the same text; never fails. */
export function convertSketch(tabs: readonly Tab[]): Converted {
  const ordered = inOrder(tabs).map((tab) => ({ path: tab.path, text: tab.text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n") }));
  return { text: new Sketch(ordered).convert(), main: ordered[0]?.path ?? "" };
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

/** A prototype to be written before the token `gap`. */
interface Prototype {
  readonly gap: number;
  readonly declaration: Declaration;
  readonly head: FunctionHead;
  /** Default arguments go into it and out of the definition. */
  readonly takesDefaults: boolean;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

class Sketch {
  private readonly source: string;
  /** Where each tab's own text starts in the source. */
  private readonly starts: readonly (readonly [offset: number, path: string])[];
  private readonly tokens: readonly Token[];
  private readonly branches: readonly (Branch | null)[];
  private readonly all: readonly Declaration[];
  /** Name → ends of the declarations that bring it, ascending. */
  private readonly known = new Map<string, Declaration[]>();
  private readonly uses: Uses;

  constructor(tabs: readonly Tab[]) {
    const starts: [number, string][] = [];
    let source = "#include <Arduino.h>\n";
    for (const { path, text } of tabs) {
      source += `#line 1 ${quoted(path)}\n`;
      starts.push([source.length, path]);
      // A joined last line would swallow the next tab's #line.
      source += `${text}${/\\[ \t]*$/.test(text) ? "\n" : ""}${text.endsWith("\n") ? "" : "\n"}`;
    }
    this.source = source;
    this.starts = starts;
    this.tokens = tokenize(source);
    const brackets = structure(this.tokens);
    this.branches = brackets.branch;
    this.all = declarations(this.tokens, brackets);
    this.uses = new Uses(source, this.tokens, brackets, this.all);
    for (const declaration of this.all) for (const name of declaration.names) push(this.known, name, declaration);
  }

  convert(): string {
    const edits: Edit[] = [];
    const prototypes = this.all.flatMap((d) => (d.is === "function" && d.head !== null ? (this.prototype(d, d.head) ?? []) : []));
    const gaps = new Map<number, Prototype[]>();
    for (const p of prototypes) {
      push(gaps, p.gap, p);
      if (p.takesDefaults)
        for (const [from, to] of this.defaults(p.head))
          edits.push({ start: from, end: to, text: this.source.slice(from, to).replace(/[^\n]/g, " ") });
    }
    for (const [gap, list] of gaps) edits.push(this.insertion(gap, list));
    return applied(this.source, edits);
  }

  /** Where the function needs a prototype, or null if it needs none or none can be made. */
  private prototype(declaration: Declaration, head: FunctionHead): Prototype | null {
    if (this.branches[declaration.first]?.dead === true || this.isDeduced(head) || ENTRY_POINTS.has(head.name)) return null;
    const use = this.uses.first(declaration, head);
    if (this.isDeclaredBefore(head, use === null ? declaration.first : use)) return null;
    const after = this.requirements(declaration, head);
    const operator = this.tokens[head.nameAt]?.text === "operator";
    if (use === null && !operator && !this.isPlain(head)) return null;
    const wanted = use === null ? (this.all.find((d) => d.is === "function")?.gap ?? 0) : this.gapOf(use);
    const gap = this.place(declaration, wanted, after);
    return gap < 0 ? null : { gap, declaration, head, takesDefaults: use !== null };
  }

  /** `auto f() {…}`: its type is known only behind its body. */
  private isDeduced(head: FunctionHead): boolean {
    let auto = false;
    for (let k = head.from; k < head.nameAt; k++) auto ||= this.text(k) === "auto";
    return auto && this.text(head.close + 1) !== "->" && !this.tokens.slice(head.close, head.to).some((t) => t.text === "->");
  }

  private isPlain(head: FunctionHead): boolean {
    return this.typeWords(head).every((k) => PLAIN.has(this.text(k)) || this.known.has(this.text(k)));
  }

  /** The words of a head that may name types and macros: all but its own name and those of its parameters. */
  private typeWords(head: FunctionHead): number[] {
    const words: number[] = [];
    for (let k = head.from; k < head.to; k++)
      if (k !== head.nameAt && this.tokens[k]?.is === "word" && !this.namesParameter(k, head)) words.push(k);
    return words;
  }

  private namesParameter(k: number, head: FunctionHead): boolean {
    if (k < head.open || k > head.close || ![",", ")", "[", "="].includes(this.text(k + 1))) return false;
    const before = this.tokens[k - 1];
    if (before?.is === "word") return !TYPE_PREFIXES.has(before.text);
    return before?.text === "*" || before?.text === "&" || before?.text === ">" || before?.text === "...";
  }

  private gapOf(at: number): number {
    return this.uses.around(at)?.gap ?? at;
  }

  /** Whether the sketch itself declares this function before the token. */
  private isDeclaredBefore(head: FunctionHead, at: number): boolean {
    const signature = this.signature(head);
    return this.all.some(
      (d) =>
        d.is === "prototype" &&
        d.first < at &&
        d.head !== null &&
        d.head.name === head.name &&
        sameParameters(this.signature(d.head), signature),
    );
  }

  /** The parameters' tokens without default arguments, one list each. */
  private signature(head: FunctionHead): string[][] {
    const parameters: string[][] = [[]];
    let skipping = false;
    let depth = 0;
    for (let k = head.open + 1; k < head.close; k++) {
      const text = this.text(k);
      if ("([{<".includes(text)) depth++;
      if (")]}>".includes(text)) depth--;
      if (text === "," && depth === 0) {
        parameters.push([]);
        skipping = false;
      } else if (text === "=" && depth === 0) skipping = true;
      else if (!skipping) parameters.at(-1)?.push(text);
    }
    return parameters;
  }

  /** The token before which a prototype would name what is not known yet. */
  private requirements(declaration: Declaration, head: FunctionHead): number {
    let after = 0;
    const need = (word: string, complete: boolean): void => {
      const brings = (this.known.get(word) ?? []).filter((d) => d.end <= declaration.first);
      const first = (complete ? brings.find((d) => this.text(d.end - 2) === "}" || d.is !== "type") : undefined) ?? brings[0];
      after = Math.max(after, first?.end ?? 0);
    };
    for (let k = head.from; k < head.to; k++)
      if (k !== head.nameAt && this.tokens[k]?.is === "word") need(this.text(k), this.text(k + 1) === "::");
    for (const branch of chain(this.branches[declaration.first]))
      for (const word of branch.text.match(/[A-Za-z_]\w*/g) ?? []) need(word, false);
    return after;
  }

  /**
   * The gap for a prototype: the last one not behind `wanted`, but behind `after`, whose conditions the function has too; else the first such one
   * behind them. -1 if only the function's own place is left.
   */
  private place(declaration: Declaration, wanted: number, after: number): number {
    const own = new Set(chain(this.branches[declaration.first]).map(conditions));
    const fits = (gap: number): boolean => chain(this.branches[gap]).every((b) => own.has(conditions(b)));
    let before = -1;
    for (const d of this.all) {
      if (d.gap >= declaration.gap) break;
      if (d.gap < after || !fits(d.gap)) continue;
      if (d.gap > wanted) return before >= 0 ? before : d.gap;
      before = d.gap;
    }
    return before;
  }

  /** Source ranges of `= value` in the parameters and template parameters. */
  private defaults(head: FunctionHead): (readonly [start: number, end: number])[] {
    const ranges: (readonly [number, number])[] = [];
    for (const [open, close] of [...head.templates, [head.open, head.close] as const]) {
      let depth = 0;
      let from = -1;
      for (let k = open + 1; k <= close; k++) {
        const text = this.text(k);
        const closes = k === close || (text === "," && depth === 0);
        if (closes && from >= 0) ranges.push([this.start(from), this.tokens[k - 1]?.end ?? 0]);
        if (closes) from = -1;
        if ("([{<".includes(text)) depth++;
        if (")]}>".includes(text)) depth--;
        if (text === "=" && depth === 0 && from < 0) from = k;
      }
    }
    return ranges;
  }

  /** The prototypes of one gap, and the #line that leads back to the sketch. */
  private insertion(gap: number, prototypes: readonly Prototype[]): Edit {
    const start = this.start(gap);
    const lineStart = this.source.lastIndexOf("\n", start - 1) + 1;
    const column = start - lineStart;
    const whole =
      /^[ \t]*$/.test(this.source.slice(lineStart, start)) &&
      !/\\[ \t]*\n$/.test(this.source.slice(Math.max(0, lineStart - 64), lineStart));
    const text = prototypes.map((p) => this.written(p)).join("");
    const back = this.lineDirective(start);
    if (whole) return { start: lineStart, end: lineStart, text: `${text}${back}\n` };
    return { start, end: start, text: `\n${text}${back}\n${" ".repeat(column)}` };
  }

  private written(p: Prototype): string {
    const { head, declaration, gap } = p;
    const start = this.start(head.from);
    let text = this.source.slice(start, this.tokens[head.to - 1]?.end ?? start);
    if (!p.takesDefaults)
      text = applied(
        text,
        this.defaults(head).map(([from, to]) => ({ start: from - start, end: to - start, text: "" })),
      );
    const lineStart = this.source.lastIndexOf("\n", start - 1) + 1;
    const { linkage } = declaration;
    const pad = linkage.length > 0 ? "" : " ".repeat(start - lineStart);
    const opened = new Set(chain(this.branches[gap]).map(conditions));
    const missing = chain(this.branches[declaration.first]).filter((b) => !opened.has(conditions(b)));
    const before = missing.map((b) => `${conditions(b)}\n`).join("");
    const behind = missing.map(() => "#endif\n").join("");
    const line = this.lineDirective(start);
    return `${before}${line}\n${linkage.map((l) => `${l} { `).join("")}${pad}${text};${linkage.map(() => " }").join("")}\n${behind}`;
  }

  /** `#line N "path"` for the line of an offset; a `#line` of the sketch's own counts. */
  private lineDirective(offset: number): string {
    const [tabStart, path] = this.starts.findLast(([start]) => start <= offset) ?? [0, ""];
    let from = tabStart;
    let number = 1;
    let name = quoted(path);
    for (const token of this.tokens) {
      if (token.start >= offset) break;
      if (token.is !== "directive" || token.start < tabStart) continue;
      const own = /^#\s*(?:line\s+)?(\d+)\s*("[^"]*")?/.exec(token.text);
      if (own === null) continue;
      from = token.end + 1;
      number = Number(own[1]);
      name = own[2] ?? name;
    }
    for (let at = this.source.indexOf("\n", from); at >= 0 && at < offset; at = this.source.indexOf("\n", at + 1)) number++;
    return `#line ${number} ${name}`;
  }

  private start(k: number): number {
    return this.tokens[k]?.start ?? this.source.length;
  }

  private text(k: number): string {
    return this.tokens[k]?.text ?? "";
  }
}

/** A path as #line takes it. */
function quoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&")}"`;
}

/** The branches around a place, outermost first. */
function chain(branch: Branch | null | undefined): Branch[] {
  const branches: Branch[] = [];
  for (let b = branch ?? null; b !== null; b = b.parent) branches.push(b);
  return branches.reverse();
}

/** The directives that lead into a branch: `#if A`, `#elif B`, `#else`. */
function conditions(branch: Branch): string {
  const lines: string[] = [];
  for (let b: Branch | null = branch; b !== null; b = b.previous) lines.push(b.text);
  return lines.reverse().join("\n");
}

/** Whether two parameter lists are the same but for the parameters' names. */
function sameParameters(a: readonly (readonly string[])[], b: readonly (readonly string[])[]): boolean {
  const bare = (p: readonly string[]): readonly string[] =>
    p.length > 1 && /^[A-Za-z_]\w*$/.test(p.at(-1) ?? "") && !PLAIN.has(p.at(-1) ?? "") ? p.slice(0, -1) : p;
  const empty = (l: readonly (readonly string[])[]): boolean => l.length === 1 && ["", "void"].includes(l[0]?.join(" ") ?? "");
  if (empty(a) && empty(b)) return true;
  return (
    a.length === b.length &&
    a.every((p, i) => [p, bare(p)].some((x) => [b[i] ?? [], bare(b[i] ?? [])].some((y) => x.join(" ") === y.join(" "))))
  );
}

function applied(source: string, edits: readonly Edit[]): string {
  let text = "";
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    text += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + source.slice(at);
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
