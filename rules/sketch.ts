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

interface LineMark {
  readonly from: number;
  readonly line: number;
  readonly name: string;
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
  private readonly marks: readonly LineMark[];
  private readonly newlines: readonly number[];

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
    this.marks = lineMarks(this.tokens);
    this.newlines = [...source.matchAll(/\n/g)].map((m) => m.index);
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
   * The gap for text of a declaration: the last one not behind `wanted`, but behind `after`, whose conditions the declaration has too; else the first such
   * one behind them. -1 if only the declaration's own place is left.
   */
  place(declaration: Declaration, wanted: number, after: number): number {
    const own = new Set(chain(this.branches[declaration.first]).map(conditions));
    const fits = (gap: number): boolean => chain(this.branches[gap]).every((b) => own.has(conditions(b)));
    const first = this.firstBehind(Math.min(wanted, declaration.gap - 1));
    for (let i = first - 1; i >= 0; i--) {
      const gap = this.all[i]?.gap ?? 0;
      if (gap < after) break;
      if (fits(gap)) return gap;
    }
    for (let i = first; i < this.all.length; i++) {
      const gap = this.all[i]?.gap ?? 0;
      if (gap >= declaration.gap) break;
      if (gap >= after && fits(gap)) return gap;
    }
    return -1;
  }

  /** Index of the first declaration whose gap is behind the token. */
  private firstBehind(token: number): number {
    let low = 0;
    let high = this.all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.all[middle]?.gap ?? 0) > token) high = middle;
      else low = middle + 1;
    }
    return low;
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
    const mark = this.marks.findLast((m) => m.from <= offset) ?? { from: 0, line: 1, name: "" };
    const line = mark.line + this.newlinesBefore(offset) - this.newlinesBefore(mark.from);
    return `#line ${line} ${mark.name}`;
  }

  private newlinesBefore(offset: number): number {
    let low = 0;
    let high = this.newlines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.newlines[middle] ?? 0) >= offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The #line directives: from which offset on they hold, the number of that line and the file's name as written. */
function lineMarks(tokens: readonly Token[]): LineMark[] {
  const marks: LineMark[] = [];
  for (const token of tokens) {
    const own = token.is === "directive" ? /^#\s*(?:line\s+)?(\d+)\s*("(?:\\.|[^"\\])*")?/.exec(token.text) : null;
    if (own !== null) marks.push({ from: token.end + 1, line: Number(own[1]), name: own[2] ?? marks.at(-1)?.name ?? "" });
  }
  return marks;
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
