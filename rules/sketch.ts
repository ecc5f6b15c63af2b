/** A merged sketch as its conversion sees it: tokens, declarations, uses, the places where text may go in, and the way back to tab and line. */
import { type Declaration, declarations } from "./cpp-declarations.ts";
import { type Branch, structure, type Token, tokenize } from "./cpp-tokens.ts";
import { push, Uses } from "./cpp-uses.ts";

/** A change of the source: [start, end) becomes `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export class Sketch {
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly branches: readonly (Branch | null)[];
  /** In order, without overlaps. */
  readonly all: readonly Declaration[];
  /** Name → the declarations that bring it, in order. */
  readonly known: ReadonlyMap<string, readonly Declaration[]>;
  readonly uses: Uses;

  constructor(source: string) {
    this.source = source;
    this.tokens = tokenize(source);
    const brackets = structure(this.tokens);
    this.branches = brackets.branch;
    this.all = declarations(this.tokens, brackets);
    this.uses = new Uses(source, this.tokens, brackets, this.all);
    const known = new Map<string, Declaration[]>();
    for (const declaration of this.all) for (const name of declaration.names) push(known, name, declaration);
    this.known = known;
  }

  text(k: number): string {
    return this.tokens[k]?.text ?? "";
  }

  start(k: number): number {
    return this.tokens[k]?.start ?? this.source.length;
  }

  /** The gap before the declaration that holds the token. */
  gapOf(at: number): number {
    return this.uses.around(at)?.gap ?? at;
  }

  /**
   * The gap for text of a declaration: the last one not behind `wanted`, but behind `after`, whose conditions the declaration has too; else the first such one
   * behind them. -1 if only the function's own place is left.
   */
  place(declaration: Declaration, wanted: number, after: number): number {
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

  /** Puts lines before a gap, and behind them a #line that leads back to the sketch. */
  insertion(gap: number, lines: string): Edit {
    const start = this.start(gap);
    const lineStart = this.source.lastIndexOf("\n", start - 1) + 1;
    const before = this.source.slice(0, lineStart);
    const whole = /^[ \t]*$/.test(this.source.slice(lineStart, start)) && !/\\[ \t]*\n$/.test(before.slice(-64));
    const back = `${this.lineDirective(start)}\n`;
    if (whole) return { start: lineStart, end: lineStart, text: lines + back };
    return { start, end: start, text: `\n${lines}${back}${" ".repeat(start - lineStart)}` };
  }

  /** The text of tokens [from, to) as lines of their own: under a #line, at their column. */
  lines(from: number, text: string): string {
    const start = this.start(from);
    const lineStart = this.source.lastIndexOf("\n", start - 1) + 1;
    return `${this.lineDirective(start)}\n${" ".repeat(start - lineStart)}${text}\n`;
  }

  /** `#line N "path"` for the line of an offset, counted from the last #line before it. */
  private lineDirective(offset: number): string {
    let from = 0;
    let number = 1;
    let name = "";
    for (const token of this.tokens) {
      if (token.start >= offset) break;
      const own = token.is === "directive" ? /^#\s*(?:line\s+)?(\d+)\s*("(?:\\.|[^"\\])*")?/.exec(token.text) : null;
      if (own === null) continue;
      from = token.end + 1;
      number = Number(own[1]);
      name = own[2] ?? name;
    }
    for (let at = this.source.indexOf("\n", from); at >= 0 && at < offset; at = this.source.indexOf("\n", at + 1)) number++;
    return `#line ${number} ${name}`;
  }
}

/** The branches around a place, outermost first. */
export function chain(branch: Branch | null | undefined): Branch[] {
  const branches: Branch[] = [];
  for (let b = branch ?? null; b !== null; b = b.parent) branches.push(b);
  return branches.reverse();
}

/** The directives that lead into a branch: `#if A`, `#elif B`, `#else`. */
export function conditions(branch: Branch): string {
  const lines: string[] = [];
  for (let b: Branch | null = branch; b !== null; b = b.previous) lines.push(b.text);
  return lines.reverse().join("\n");
}

/** The same text with spaces for all but line ends: what stands behind it keeps its place. */
export function blanked(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

/** The source with the edits, which must not overlap. */
export function applied(source: string, edits: readonly Edit[]): string {
  let text = "";
  let at = 0;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    text += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + source.slice(at);
}
