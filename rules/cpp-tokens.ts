/**
 * C++ text → tokens, and how brackets and `#if` groups enclose them: as much of the language as finding file-scope declarations needs.
 *
 * Phases of translation (C++11, 2.2) are kept apart only where sketches need it: a joined line inside a word is not understood, elsewhere it is white
 * space. Digraphs get the text of what they stand for. An unclosed literal ends with its line, so an apostrophe in dead code does no harm.
 */

export interface Token {
  readonly is: "word" | "number" | "literal" | "mark" | "directive";
  /** A directive's is its whole logical line. */
  readonly text: string;
  /** Offsets in the source, end exclusive. */
  readonly start: number;
  readonly end: number;
}

/** One branch of an `#if` group, opened by the directive `text`. */
export interface Branch {
  /** The branch around the whole group. */
  readonly parent: Branch | null;
  /** The branch of the same group before this one. */
  readonly previous: Branch | null;
  readonly text: string;
  /** `#if 0`, or the `#else` of `#if 1`. */
  readonly dead: boolean;
  readonly depth: number;
}

export interface Structure {
  /** Index of the bracket that closes the one here; where a branch ends before it does, of the directive that ends the branch; else -1. */
  readonly match: Int32Array;
  /** Open `{` around each token. */
  readonly braces: Int32Array;
  readonly branch: readonly (Branch | null)[];
}

const BLANK = /(?:\s+|\\[ \t]*\n|\/\*[\s\S]*?(?:\*\/|$)|\/\/(?:\\[ \t]*\n|[^\n])*)+/y;
const RAW = /(?:u8|[uUL])?R"([^()\\\s]{0,16})\(/y;
const LITERAL = /(?:u8|[uUL])?(?:"[^"\\\n]*(?:\\(?:[ \t]*\n|[\s\S])[^"\\\n]*)*"?|'[^'\\\n]*(?:\\(?:[ \t]*\n|[\s\S])[^'\\\n]*)*'?)/y;
const NUMBER = /\.?\d(?:[eEpP][+-]|'?[\w.])*/y;
const WORD = /[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*/y;
const MARK = /%:%:|<%|%>|<:|:>|%:|::|->|\.\.\.|[=!<>]=|[\s\S]/y;
const DIRECTIVE = /(?:\\[ \t]*\n|\/\*[\s\S]*?(?:\*\/|$)|\/\/(?:\\[ \t]*\n|[^\n])*|"(?:\\[^\n]|[^"\\\n])*"|'(?:\\[^\n]|[^'\\\n])*'|[^\n])*/y;
const DIGRAPHS: Readonly<Record<string, string>> = { "<%": "{", "%>": "}", "<:": "[", ":>": "]", "%:": "#", "%:%:": "##" };

function take(pattern: RegExp, source: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? null;
}

/** Whether a `#` behind this white space and these comments is a directive's. */
function startsLine(blank: string): boolean {
  return /\n/.test(blank.replace(/\/\*[\s\S]*?(?:\*\/|$)|\\[ \t]*\n/g, " "));
}

function rawLiteral(source: string, at: number): string | null {
  RAW.lastIndex = at;
  const open = RAW.exec(source);
  if (open === null) return null;
  const close = `)${open[1]}"`;
  const end = source.indexOf(close, RAW.lastIndex);
  return end < 0 ? null : source.slice(at, end + close.length);
}

/** In: C++ with "\n" line ends. Out: its tokens in order, without white space and comments. Never fails. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let lineStart = true;
  const add = (is: Token["is"], taken: string, text: string): void => {
    tokens.push({ is, text, start: at, end: at + taken.length });
    at += taken.length;
    lineStart = is === "directive";
  };
  while (at < source.length) {
    const blank = take(BLANK, source, at);
    if (blank !== null) {
      lineStart ||= startsLine(blank);
      at += blank.length;
      continue;
    }
    if (lineStart && (source[at] === "#" || source.startsWith("%:", at))) {
      const line = take(DIRECTIVE, source, at) ?? "#";
      add("directive", line, line);
      continue;
    }
    const literal = rawLiteral(source, at) ?? take(LITERAL, source, at);
    if (literal !== null) {
      add("literal", literal, literal);
      continue;
    }
    const word = take(WORD, source, at);
    if (word !== null) {
      add("word", word, word);
      continue;
    }
    const number = take(NUMBER, source, at);
    if (number !== null) {
      add("number", number, number);
      continue;
    }
    let mark = take(MARK, source, at) ?? "";
    // `<::` is `<` and `::` unless `:` or `>` follows (C++11, 2.5/3).
    if (mark === "<:" && source[at + 2] === ":" && !/[:>]/.test(source[at + 3] ?? "")) mark = "<";
    add("mark", mark, DIGRAPHS[mark] ?? mark);
  }
  return tokens;
}

/** A directive's name and what follows it, without comments and joined lines: `#  define A 1 // x` → ["define", "A 1"]. */
export function directiveParts(text: string): readonly [name: string, rest: string] {
  const plain = text.replace(/\\[ \t]*\n/g, "").replace(/\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*/g, " ");
  const m = /^(?:#|%:)\s*(\w*)\s*([\s\S]*?)\s*$/.exec(plain);
  return [m?.[1] ?? "", m?.[2] ?? ""];
}

/** An open bracket; the list of them is shared between the branches of an `#if`. */
interface Open {
  readonly index: number;
  readonly text: string;
  readonly parent: Open | null;
  readonly size: number;
  readonly braces: number;
}

/** The `#if` groups around a place, and the brackets that were open where each began. */
interface Group {
  readonly branch: Branch;
  readonly open: Open | null;
  readonly parent: Group | null;
}

/**
 * Brackets and branches. Each branch of an `#if` starts with the brackets that were open at the `#if`, and what follows the `#endif` goes on from the
 * last branch that is not dead; so `{` in two branches and one `}` behind them is understood. An `#if` itself lies outside of what it opens.
 */
export function structure(tokens: readonly Token[]): Structure {
  const walk = new Walk(tokens.length);
  const branch = tokens.map((token, index) => walk.pass(token, index));
  return { match: walk.match, braces: walk.braces, branch };
}

class Walk {
  readonly match: Int32Array;
  readonly braces: Int32Array;
  private open: Open | null = null;
  private group: Group | null = null;

  constructor(length: number) {
    this.match = new Int32Array(length).fill(-1);
    this.braces = new Int32Array(length);
  }

  /** Takes the next token; gives the branch that it lies in. */
  pass(token: Token, index: number): Branch | null {
    const before = this.group;
    if (token.is === "directive") this.directive(token.text, index);
    const opens = token.is === "mark" && "({[".includes(token.text);
    if (token.is === "mark" && ")}]".includes(token.text)) this.close(token.text, index);
    const braces = this.open?.braces ?? 0;
    this.braces[index] = braces;
    if (opens) {
      const size = (this.open?.size ?? 0) + 1;
      this.open = { index, text: token.text, parent: this.open, size, braces: braces + (token.text === "{" ? 1 : 0) };
    }
    const around = (this.group?.branch.depth ?? 0) > (before?.branch.depth ?? 0) ? before : this.group;
    return around?.branch ?? null;
  }

  private directive(text: string, index: number): void {
    const [name, rest] = directiveParts(text);
    const { group } = this;
    if (name === "if" || name === "ifdef" || name === "ifndef") {
      this.enter(text, null, name === "if" && /^\(?\s*(?:0|false)\s*\)?$/.test(rest), group);
    } else if (group !== null && name.startsWith("el")) {
      this.restore(group.open, index);
      const [first, condition] = directiveParts(group.branch.text);
      this.enter(text, group.branch, first === "if" && /^\(?\s*(?:1|true)\s*\)?$/.test(condition), group.parent);
    } else if (group !== null && name === "endif") {
      if (group.branch.dead) this.restore(group.open, index);
      this.group = group.parent;
    }
  }

  private enter(text: string, previous: Branch | null, certain: boolean, around: Group | null): void {
    const parent = around?.branch ?? null;
    const dead = certain || (parent?.dead ?? false);
    this.group = { branch: { parent, previous, text, dead, depth: (parent?.depth ?? 0) + 1 }, open: this.open, parent: around };
  }

  /** Forgets what was opened since `to`; those brackets end here. */
  private restore(to: Open | null, index: number): void {
    for (let o = this.open; o !== null && o.size > (to?.size ?? 0); o = o.parent)
      if (this.match[o.index] === -1) this.match[o.index] = index;
    this.open = to;
  }

  private close(text: string, index: number): void {
    let open = this.open;
    if (open === null) return;
    if (text !== "}") {
      if (open.text !== (text === ")" ? "(" : "[")) return;
    } else {
      if (open.braces === 0) return;
      while (open !== null && open.text !== "{") open = open.parent;
    }
    if (open === null) return;
    this.match[open.index] = index;
    this.open = open.parent;
  }
}
