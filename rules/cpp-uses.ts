/** Where a file's functions are used: a guess from tokens that takes members, locals and declarations by the same name for what they are. */
import type { Declaration, FunctionHead } from "./cpp-declarations.ts";
import { directiveParts, type Structure, type Token } from "./cpp-tokens.ts";

/** A word before a name that makes it a use, where another word would make it a declaration. */
const BEFORE_USE = new Set("return else do case throw new delete goto and or not sizeof co_return co_yield co_await".split(" "));

export class Uses {
  private readonly source: string;
  private readonly tokens: readonly Token[];
  private readonly braces: Int32Array;
  private readonly all: readonly Declaration[];
  /** Word → indexes of the tokens that are it. */
  private readonly words = new Map<string, number[]>();
  /** Word → macros whose replacement holds it. */
  private readonly wrappers = new Map<string, string[]>();

  /** Word → the first token that uses it, as far as asked. */
  private readonly firsts = new Map<string, number | null>();

  constructor(source: string, tokens: readonly Token[], brackets: Structure, all: readonly Declaration[]) {
    this.source = source;
    this.tokens = tokens;
    this.braces = brackets.braces;
    this.all = all;
    for (const [i, token] of tokens.entries()) {
      if (token.is === "word") push(this.words, token.text, i);
      if (token.is !== "directive") continue;
      const [name, rest] = directiveParts(token.text);
      const macro = /^[\w$\u0080-\uffff]+/.exec(rest)?.[0] ?? "";
      if (name === "define") for (const word of rest.slice(macro.length).match(/[A-Za-z_]\w*/g) ?? []) push(this.wrappers, word, macro);
    }
  }

  /** The tokens that are this word, in order. */
  mentions(word: string): readonly number[] {
    return this.words.get(word) ?? [];
  }

  /** The first token before the function that uses it, be it through macros; null if there is none. */
  first(declaration: Declaration, head: FunctionHead): number | null {
    const names = new Set([head.name]);
    for (const name of names) for (const macro of this.wrappers.get(name) ?? []) names.add(macro);
    let first: number | null = null;
    for (const name of names) {
      const at = this.firstOf(name);
      if (at !== null && at < declaration.first && (first === null || at < first)) first = at;
    }
    return first;
  }

  private firstOf(name: string): number | null {
    let at = this.firsts.get(name);
    if (at === undefined) {
      at = this.mentions(name).find((k) => this.isUse(k)) ?? null;
      this.firsts.set(name, at);
    }
    return at;
  }

  /** Whether the word at `at` can be a use of a function: no member, no declaration of something else by that name, no use of such. */
  private isUse(at: number): boolean {
    const before = this.text(at - 1);
    if (before === "." || before === "->" || this.declaresAnother(at)) return false;
    if (before === "::" && (this.tokens[at - 2]?.is === "word" || this.text(at - 2) === ">")) return false;
    const around = this.around(at);
    if (around === null) return true;
    if (around.head?.nameAt === at) return false;
    const calls = this.text(at + 1) === "(";
    if (!calls && this.words.get(this.text(at))?.some((k) => k >= around.first && k < around.end && this.declaresAnother(k))) return false;
    // In a class or a namespace, only bodies of functions can use it.
    const depth = (this.braces[at] ?? 0) - (this.braces[around.first] ?? 0);
    return (around.is !== "type" && around.is !== "namespace") || depth >= 2;
  }

  /** Whether the word is declared here as something local: a type stands before it. */
  private declaresAnother(at: number): boolean {
    const isType = (k: number): boolean => this.tokens[k]?.is === "word" && !BEFORE_USE.has(this.text(k));
    const before = this.text(at - 1);
    if (before === "*" || before === "&") return this.text(at + 1) !== "(" && (isType(at - 2) || this.text(at - 2) === ">");
    return isType(at - 1) && !this.startsStatement(at);
  }

  /** A word behind a word on another line: a macro without a semicolon stands between statements. */
  private startsStatement(at: number): boolean {
    const between = this.source.slice(this.tokens[at - 1]?.end ?? 0, this.tokens[at]?.start ?? 0);
    return between.includes("\n") && this.text(at + 1) === "(" && /^[A-Z_0-9]+$/.test(this.text(at - 1));
  }

  /** The declaration that holds the token; the list is in order and they do not overlap. */
  around(at: number): Declaration | null {
    let low = 0;
    let high = this.all.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const d = this.all[middle];
      if (d === undefined) return null;
      if (at < d.first) high = middle - 1;
      else if (at >= d.end) low = middle + 1;
      else return d;
    }
    return null;
  }

  private text(k: number): string {
    return this.tokens[k]?.text ?? "";
  }
}

/** Adds to the list that a map holds for the key. */
export function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
