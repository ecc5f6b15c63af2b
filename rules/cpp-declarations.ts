/**
 * Tokens → the declarations at file scope: which are functions, what their heads are, and which names the others bring. A heuristic where C++ needs
 * types to be known: a doubtful text is taken for "other" and left alone.
 */
import { directiveParts, type Structure, type Token } from "./cpp-tokens.ts";

/** The part of a function before its body, as token indexes: [from, to), its name, and the parentheses of its parameters. */
export interface FunctionHead {
  readonly from: number;
  readonly to: number;
  /** `operator+` for an operator. */
  readonly name: string;
  readonly nameAt: number;
  readonly open: number;
  readonly close: number;
  /** What stands in `template<…>` headers: index pairs of `<` and its `>`. */
  readonly templates: readonly (readonly [open: number, close: number])[];
}

export interface Declaration {
  readonly is: "function" | "prototype" | "type" | "namespace" | "include" | "define" | "condition" | "other";
  /** Token indexes, end exclusive. */
  readonly first: number;
  readonly end: number;
  /** The token before which text of file scope may be inserted: its first, but for macro calls before it and linkage blocks around it. */
  readonly gap: number;
  readonly head: FunctionHead | null;
  /** Names that it brings, as far as a later prototype may need them. */
  readonly names: readonly string[];
  /** `extern "C"` blocks around it, outermost first. */
  readonly linkage: readonly string[];
}

const CLASS_KEYS = new Set(["struct", "class", "union", "enum"]);
/** Words before a `(` that name no function. */
const NOT_A_NAME = new Set(
  (
    "if else for while do switch case return sizeof alignof alignas decltype typeof __typeof__ noexcept throw catch new delete static_assert asm __asm__ __asm " +
    "__attribute__ __attribute __declspec _Pragma typeid const volatile void int char bool float double long short signed unsigned auto requires explicit defined and or not"
  ).split(" "),
);
/** Words that no head of a function begins with or has before its name. */
const NOT_IN_HEAD = new Set(
  "if else for while do switch case return goto break continue new delete throw try catch using typedef friend requires concept namespace public private protected default".split(
    " ",
  ),
);
const ATTRIBUTES = new Set("__attribute__ __attribute __declspec alignas noexcept throw decltype typeof __typeof__ _Pragma".split(" "));
const SUFFIXES = new Set(["const", "volatile", "&", "noexcept", "override", "final", "try"]);

const DIRECTIVES: ReadonlyMap<string, "include" | "define" | "condition"> = new Map([
  ["include", "include"],
  ["import", "include"],
  ["include_next", "include"],
  ["define", "define"],
  ["if", "condition"],
  ["ifdef", "condition"],
  ["ifndef", "condition"],
]);

/** The declarations at file scope and in `extern "C"` blocks, in order; `#include`, `#define` and `#if` among them. */
export function declarations(tokens: readonly Token[], brackets: Structure): Declaration[] {
  const reader = new Reader(tokens, brackets);
  reader.scope(0, tokens.length, -1, []);
  return reader.found;
}

class Reader {
  readonly found: Declaration[] = [];
  private readonly tokens: readonly Token[];
  private readonly brackets: Structure;
  /** Index of the bracket that the one here closes. */
  private readonly opener: Int32Array;
  private readonly typeMacros: ReadonlySet<string>;

  constructor(tokens: readonly Token[], brackets: Structure) {
    this.tokens = tokens;
    this.brackets = brackets;
    this.opener = new Int32Array(tokens.length).fill(-1);
    for (const [index, closer] of brackets.match.entries()) if (closer >= 0) this.opener[closer] = index;
    this.typeMacros = typeMacros(tokens);
  }

  /** Reads [from, to); gap: where the outermost linkage block began, or -1 at file scope itself. */
  scope(from: number, to: number, gap: number, linkage: readonly string[]): void {
    let i = from;
    let pending = -1;
    while (i < to) {
      const place = gap >= 0 ? gap : pending >= 0 ? pending : i;
      const end = this.linkageBlock(i, to, place, linkage);
      if (end >= 0) {
        i = end;
        pending = -1;
        continue;
      }
      const declaration = this.next(i, to, place, linkage);
      if (declaration === null) {
        i++;
        continue;
      }
      this.found.push(declaration);
      // A macro's call without an end of its own may belong to what follows.
      pending = declaration.is === "other" && this.text(declaration.end - 1) === ")" ? place : -1;
      i = Math.max(declaration.end, i + 1);
    }
  }

  /** Reads what is in `extern "C" {…}`; gives the token behind it, -1 if there is no such block. */
  private linkageBlock(i: number, to: number, gap: number, linkage: readonly string[]): number {
    if (this.text(i) !== "extern" || this.tokens[i + 1]?.is !== "literal" || this.text(i + 2) !== "{") return -1;
    const close = this.close(i + 2, to);
    this.scope(i + 3, close, gap, [...linkage, `extern ${this.text(i + 1)}`]);
    return close + 1;
  }

  private next(i: number, to: number, gap: number, linkage: readonly string[]): Declaration | null {
    const token = this.tokens[i];
    if (token === undefined) return null;
    if (token.is === "directive") return this.directive(i, gap, linkage);
    if (token.text === "namespace" || (token.text === "inline" && this.text(i + 1) === "namespace"))
      return this.namespace(i, to, gap, linkage);
    const call = this.macroCall(i, to);
    if (call >= 0) return { is: "other", first: i, end: call, gap, head: null, names: [], linkage };
    if (token.is !== "word" && token.text !== "[" && token.text !== "::") return null;
    return this.generic(i, to, gap, linkage);
  }

  private directive(i: number, gap: number, linkage: readonly string[]): Declaration | null {
    const [name, rest] = directiveParts(this.text(i));
    const is = DIRECTIVES.get(name);
    if (is === undefined) return null;
    return {
      is,
      first: i,
      end: i + 1,
      gap,
      head: null,
      names: is === "define" ? [/^[\w$\u0080-\uffff]*/.exec(rest)?.[0] ?? ""] : [],
      linkage,
    };
  }

  private namespace(i: number, to: number, gap: number, linkage: readonly string[]): Declaration {
    let at = i;
    while (at < to && !["{", ";"].includes(this.text(at))) at++;
    const end = this.text(at) === "{" ? this.close(at, to) + 1 : at + 1;
    const names = new Set<string>();
    for (let k = i; k < at; k++) if (this.tokens[k]?.is === "word") names.add(this.text(k));
    // What is declared in it becomes known with it, whether it is then named by `ns::` or by a using directive.
    for (let k = at; k < Math.min(end, to); k++) {
      if (CLASS_KEYS.has(this.text(k)) || this.text(k) === "using")
        for (const n of [k + 1, k + 2]) if (this.tokens[n]?.is === "word") names.add(this.text(n));
      if (this.text(k) === "typedef") names.add(this.typedefName(k, to));
    }
    return { is: "namespace", first: i, end: Math.min(end, to), gap, head: null, names: [...names], linkage };
  }

  private typedefName(i: number, to: number): string {
    const end = this.semicolon(i, to);
    for (let k = end - 1; k > i; k--) if (this.tokens[k]?.is === "word") return this.text(k);
    return "";
  }

  /**
   * The end of a macro's call that is a declaration by itself or stands before one (`FOO(x)` with no `;`, `SECTION(".a") void f()`), or -1.
   * A body behind it (`ISR(vector) {…}`) belongs to it.
   */
  private macroCall(i: number, to: number): number {
    if (this.tokens[i]?.is !== "word" || this.text(i + 1) !== "(" || NOT_A_NAME.has(this.text(i)) || this.typeMacros.has(this.text(i)))
      return -1;
    const behind = this.close(i + 1, to) + 1;
    const next = this.tokens[behind];
    if (behind >= to || next === undefined) return to;
    if (next.text === "{") return this.close(behind, to) + 1;
    if (next.text === ";") return behind + 1;
    return next.is === "word" || next.is === "directive" || next.text === "[" || next.text === "::" ? behind : -1;
  }

  /** Any other declaration: up to its `;`, or to the end of its body. */
  private generic(i: number, to: number, gap: number, linkage: readonly string[]): Declaration {
    const templates: (readonly [number, number])[] = [];
    let at = i;
    while (this.text(at) === "template" && this.text(at + 1) === "<") {
      const close = this.angle(at + 1, to);
      templates.push([at + 1, close]);
      at = close + 1;
    }
    const begin = at;
    const rest = { first: i, gap, linkage };
    const simple = ["typedef", "using", "static_assert", "asm", "__asm__", "friend", "concept"].includes(this.text(begin));
    while (at < to) {
      const text = this.text(at);
      if (text === ";") {
        const head = simple ? null : this.head(i, begin, at, templates);
        const is = head !== null ? "prototype" : this.text(begin) === "typedef" || this.text(begin) === "using" ? "type" : "other";
        return { ...rest, is, end: at + 1, head, names: head === null ? this.names(begin, at) : [head.name] };
      }
      if (text === "=" && !simple) {
        const end = this.semicolon(at, to);
        return { ...rest, is: "other", end: end + 1, head: null, names: this.names(begin, at) };
      }
      if (text === "{" && !simple) {
        const close = this.close(at, to);
        if (this.endsParameters(begin, at) >= 0)
          return { ...rest, is: "function", end: Math.min(close + 1, to), head: this.head(i, begin, at, templates), names: [] };
        const type = this.hasClassKey(begin, at);
        const next = this.text(close + 1);
        const goesOn = type || next === ";" || next === "," || next === "[" || next === "=";
        const end = goesOn ? this.semicolon(close + 1, to) : close;
        return {
          ...rest,
          is: type ? "type" : "other",
          end: Math.min(end + 1, to),
          head: null,
          names: this.names(begin, Math.min(end, to)),
        };
      }
      if (text === "}" || (text === ":" && this.text(at - 1) === ")")) {
        // A constructor's initialisers, never prototyped: its body ends it.
        return { ...rest, is: "other", end: text === "}" ? at + 1 : this.behindInitialisers(at + 1, to), head: null, names: [] };
      }
      if (text === "operator") {
        at++;
        while (at < to && this.text(at) !== "(") at++;
        if (this.text(at + 1) === ")" && this.text(at + 2) === "(") at += 2;
        continue;
      }
      at = text === "(" || text === "[" || text === "{" ? this.close(at, to) + 1 : at + 1;
    }
    return { ...rest, is: "other", end: to, head: null, names: [] };
  }

  /** Behind the body that follows `a(1), b{2}`. */
  private behindInitialisers(from: number, to: number): number {
    let at = from;
    while (at < to) {
      const text = this.text(at);
      if (text === ";") return at + 1;
      if (text === "(" || text === "{" || text === "[") {
        const close = this.close(at, to);
        const next = this.text(close + 1);
        if (text === "{" && next !== "," && next !== "{") return close + 1;
        at = close + 1;
      } else at++;
    }
    return to;
  }

  /** The `)` or `]` that ends the parameters before a body at `body`, behind `const noexcept -> T` and attributes; or -1. */
  private endsParameters(from: number, body: number): number {
    let end = body;
    for (let k = from; k < body; k = this.behind(k)) if (this.text(k) === "->" && this.text(k - 1) !== "operator") end = k;
    for (let k = end - 1; k > from; ) {
      const text = this.text(k);
      if (text === ")" || text === "]") {
        const open = this.opening(k);
        if (open <= from) return -1;
        const before = this.text(open - 1);
        if (text === "]" && this.text(open + 1) === "[") k = open - 1;
        else if (ATTRIBUTES.has(before)) k = open - 2;
        else if (text === ")" && this.tokens[open - 1]?.is === "word" && this.text(open - 2) === ")" && this.afterParameters(open - 2))
          k = open - 2;
        else if (text === "]") return before === ")" ? k : -1;
        else return k;
      } else if (SUFFIXES.has(text) || (this.tokens[k]?.is === "word" && this.text(k - 1) === ")" && this.afterParameters(k - 1))) k--;
      else return -1;
    }
    return -1;
  }

  /** Whether the `)` at k closes parameters and not the arguments of an attribute or of a macro for a type. */
  private afterParameters(k: number): boolean {
    const before = this.text(this.opening(k) - 1);
    return !ATTRIBUTES.has(before) && !this.typeMacros.has(before);
  }

  /** The head of a function that ends before token `end`, its `;` or `{`; null if this is none that a prototype could be made of. */
  private head(first: number, begin: number, end: number, templates: FunctionHead["templates"]): FunctionHead | null {
    const close = this.endsParameters(begin, end);
    if (close < 0) return null;
    for (let k = first; k < end; k++) if (this.tokens[k]?.is === "directive") return null;
    const [nameAt, open] = this.declarator(begin, close);
    if (nameAt < 0 || nameAt === begin || this.text(nameAt - 1) === "::" || this.text(nameAt - 1) === "~") return null;
    for (let k = begin; k < nameAt; k = this.behind(k)) {
      const token = this.tokens[k];
      if (token === undefined || NOT_IN_HEAD.has(token.text) || token.text === "." || token.text === "=" || token.text === ":") return null;
      if (token.is === "literal" && this.text(k - 1) !== "extern") return null;
    }
    const operator = this.text(nameAt) === "operator";
    let name = operator ? "" : this.text(nameAt);
    if (operator) for (let k = nameAt; k < open; k++) name += this.text(k);
    return { from: first, to: this.text(end - 1) === "try" ? end - 1 : end, name, nameAt, open, close: this.close(open, end), templates };
  }

  /** Name and `(` of the declarator whose last group closes at `close`: plain, an operator's, or nested as in `void (*f(int))(char)`. */
  private declarator(begin: number, close: number): readonly [nameAt: number, open: number] {
    for (let k = begin; k < close; k = this.behind(k)) if (this.text(k) === "operator") return [k, this.opening(close)];
    let open = this.opening(close);
    let from = begin;
    while (open > from) {
      const before = this.tokens[open - 1];
      if (before?.is === "word") return NOT_A_NAME.has(before.text) ? [-1, -1] : [open - 1, open];
      if (before?.text !== ")") return [-1, -1];
      from = this.opening(open - 1);
      // The parameters are the last group within the parentheses: `(*f(int))`.
      open = this.text(open - 2) === ")" ? this.opening(open - 2) : -1;
    }
    return [-1, -1];
  }

  /** Names that a declaration without a body of code brings: of types, enumerators, variables. */
  private names(from: number, to: number): string[] {
    const names: string[] = [];
    let enums = false;
    for (let k = from; k < to; k++) {
      const token = this.tokens[k];
      if (token?.is !== "word" || NOT_A_NAME.has(token.text)) continue;
      enums ||= token.text === "enum";
      const next = this.text(k + 1);
      const enumerates = enums && (this.text(k - 1) === "{" || this.text(k - 1) === ",");
      const declares = [";", ",", "=", "[", "{", ":", ")", "}", "final", "("].includes(next) || k + 1 >= to;
      if (
        CLASS_KEYS.has(this.text(k - 1)) ||
        this.text(from) === "using" ||
        enumerates ||
        (declares && this.brackets.braces[k] === this.brackets.braces[from])
      )
        names.push(token.text);
    }
    return names;
  }

  private hasClassKey(from: number, to: number): boolean {
    for (let k = from; k < to; k = this.behind(k)) if (CLASS_KEYS.has(this.text(k))) return true;
    return false;
  }

  /** The `;` at this level. */
  private semicolon(from: number, to: number): number {
    let k = from;
    while (k < to && this.text(k) !== ";") k = this.behind(k);
    return Math.min(k, to);
  }

  /** The `>` that closes the `<` at `from`, brackets skipped. */
  private angle(from: number, to: number): number {
    let depth = 0;
    for (let k = from; k < to; k = this.behind(k)) {
      if (this.text(k) === "<") depth++;
      if (this.text(k) === ">" && --depth === 0) return k;
      if (this.text(k) === ";" || this.text(k) === "{") return k - 1;
    }
    return to - 1;
  }

  private behind(k: number): number {
    return "([{".includes(this.text(k) || " ") ? Math.max(this.close(k, this.tokens.length), k) + 1 : k + 1;
  }

  /** The bracket that closes the one at k, or the last token before `to`. */
  private close(k: number, to: number): number {
    const at = this.brackets.match[k] ?? -1;
    return at < k || at >= to ? to - 1 : this.tokens[at]?.is === "directive" ? at - 1 : at;
  }

  /** The bracket that the one at k closes, or -1. */
  private opening(k: number): number {
    return this.opener[k] ?? -1;
  }

  private text(k: number): string {
    return this.tokens[k]?.text ?? "";
  }
}

/** Macros of the sketch with arguments that stand for a type or a part of one, `#define CONST(type) const type`: no `;` and no body. */
function typeMacros(tokens: readonly Token[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const token of tokens) {
    const [name, rest] = token.is === "directive" ? directiveParts(token.text) : [];
    const macro = name === "define" ? /^(\w+)\([^)]*\)\s*([\w\s*&:<>,]+)$/.exec(rest ?? "") : null;
    if (macro !== null) found.add(macro[1] ?? "");
  }
  return found;
}
