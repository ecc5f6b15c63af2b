/**
 * A query's text → its expression. The grammar is that of the Bazel query reference:
 *
 *   expr  = word | $name | let name = expr in expr | ( expr ) | set( word* ) | function( argument, … ) | expr operator expr
 *
 * All operators are left-associative and bind alike: + union, - except, ^ intersect. The body of a `let` reaches as far to the right as it can.
 */
import { QueryProblem } from "./problem.ts";
import { type Token, tokensOf } from "./tokens.ts";

export type Operator = "union" | "except" | "intersect";

export interface Word {
  readonly text: string;
  readonly at: number;
}

export type Expr =
  | { readonly is: "word"; readonly word: Word }
  | { readonly is: "variable"; readonly name: Word }
  | { readonly is: "let"; readonly name: string; readonly value: Expr; readonly body: Expr }
  | { readonly is: "set"; readonly words: readonly Word[] }
  | { readonly is: "binary"; readonly operator: Operator; readonly left: Expr; readonly right: Expr }
  | { readonly is: "call"; readonly name: FunctionName; readonly args: readonly Argument[] };

export type Argument =
  | { readonly is: "expr"; readonly expr: Expr }
  | { readonly is: "pattern"; readonly pattern: RegExp }
  | { readonly is: "name"; readonly name: Word }
  | { readonly is: "depth"; readonly depth: number };

type ArgumentKind = Argument["is"];

/** What each function takes; a depth may be left out. */
const FUNCTIONS = {
  deps: ["expr", "depth"],
  rdeps: ["expr", "expr", "depth"],
  allpaths: ["expr", "expr"],
  somepath: ["expr", "expr"],
  kind: ["pattern", "expr"],
  attr: ["name", "pattern", "expr"],
  filter: ["pattern", "expr"],
  inputs: ["pattern", "expr"],
  outputs: ["pattern", "expr"],
  buildfiles: ["expr"],
  tests: ["expr"],
} as const satisfies Record<string, readonly ArgumentKind[]>;

export type FunctionName = keyof typeof FUNCTIONS;

export const FUNCTION_NAMES = Object.keys(FUNCTIONS) as readonly FunctionName[];

const USAGE: Readonly<Record<FunctionName, string>> = {
  deps: "deps(x) or deps(x, depth)",
  rdeps: "rdeps(universe, x) or rdeps(universe, x, depth)",
  allpaths: "allpaths(from, to)",
  somepath: "somepath(from, to)",
  kind: "kind(pattern, x)",
  attr: "attr(name, pattern, x)",
  filter: "filter(pattern, x)",
  inputs: "inputs(pattern, x)",
  outputs: "outputs(pattern, x)",
  buildfiles: "buildfiles(x)",
  tests: "tests(x)",
};

const OPERATORS: Readonly<Record<string, Operator>> = {
  "+": "union",
  "-": "except",
  "^": "intersect",
  union: "union",
  except: "except",
  intersect: "intersect",
};
/** Words that mean something by themselves, unless they are quoted. */
const RESERVED = new Set(["let", "in", "set", "union", "except", "intersect"]);
const NAME = /^[A-Za-z_]\w*$/;
/** Deep enough for any query that somebody wrote, and far from the end of the stack. */
const MOST_NESTED = 500;

/** near: the names nearest to one that is none, best first. Throws QueryProblem. */
export function parseQuery(query: string, near: (word: string, names: Iterable<string>) => readonly string[]): Expr {
  return new Parser(query, near).whole();
}

class Parser {
  private readonly tokens: readonly Token[];
  private readonly near: (word: string, names: Iterable<string>) => readonly string[];
  private place = 0;
  private nested = 0;

  constructor(query: string, near: (word: string, names: Iterable<string>) => readonly string[]) {
    this.tokens = tokensOf(query);
    this.near = near;
  }

  whole(): Expr {
    if (this.tokens.length === 1) throw new QueryProblem("the query is empty", 0, "as in: fb query 'deps(:firmware)'");
    const expr = this.expr();
    if (this.place === this.tokens.length - 1) return expr;
    throw this.unexpected(
      "an operator (+ - ^) or the end",
      isWord(this.next) ? "union, except and intersect join two expressions; set(a b) lists labels" : "",
    );
  }

  private get next(): Token {
    // The last one is "end", and nothing goes beyond it.
    return this.tokens[this.place] as Token;
  }

  private take(): Token {
    const token = this.next;
    if (token.is !== "end") this.place++;
    return token;
  }

  private isSign(text: string): boolean {
    return this.next.is === "sign" && this.next.text === text;
  }

  private expect(text: string, why: string): void {
    if (!this.isSign(text)) throw this.unexpected(`"${text}"`, why);
    this.take();
  }

  private unexpected(wanted: string, hint = ""): QueryProblem {
    const { is, text, at } = this.next;
    const found = is === "end" ? "the query ends here" : `unexpected "${text}"`;
    return new QueryProblem(`${found}: expected ${wanted}`, at, hint);
  }

  private operator(): Operator | null {
    const { is, text } = this.next;
    return (is === "sign" || is === "word") && Object.hasOwn(OPERATORS, text) ? (OPERATORS[text] as Operator) : null;
  }

  private expr(): Expr {
    if (++this.nested > MOST_NESTED)
      throw new QueryProblem(`nested deeper than ${MOST_NESTED}`, this.next.at, "give a part a name: let x = … in …");
    let left = this.primary();
    for (let operator = this.operator(); operator !== null; operator = this.operator()) {
      this.take();
      left = { is: "binary", operator, left, right: this.primary() };
    }
    this.nested--;
    return left;
  }

  private primary(): Expr {
    const token = this.next;
    if (this.isSign("(")) {
      this.take();
      const inner = this.expr();
      this.expect(")", "");
      return inner;
    }
    if (!isWord(token))
      throw this.unexpected('a label, a function or "("', token.text === "-" ? 'a word that begins with "-" is quoted' : "");
    this.take();
    if (token.is === "quoted") return { is: "word", word: wordOf(token) };
    if (token.text === "let") return this.let();
    if (token.text === "set") return this.set(token);
    if (this.isSign("(")) return this.call(token);
    if (RESERVED.has(token.text))
      throw new QueryProblem(`unexpected "${token.text}": expected a label, a function or "("`, token.at, "a file of this name is quoted");
    if (!token.text.startsWith("$")) return { is: "word", word: wordOf(token) };
    if (!NAME.test(token.text.slice(1)))
      throw new QueryProblem(
        `"${token.text}" is no variable's name`,
        token.at,
        "a name is of letters, digits and _; a file that is called so is quoted",
      );
    return { is: "variable", name: { text: token.text.slice(1), at: token.at } };
  }

  private let(): Expr {
    const name = this.next;
    if (name.is !== "word" || !NAME.test(name.text)) throw this.unexpected("a variable's name", "as in: let x = :firmware in deps($x)");
    this.take();
    this.expect("=", "as in: let x = :firmware in deps($x)");
    const value = this.expr();
    if (this.next.is !== "word" || this.next.text !== "in") throw this.unexpected('"in"', "as in: let x = :firmware in deps($x)");
    this.take();
    return { is: "let", name: name.text, value, body: this.expr() };
  }

  private set(token: Token): Expr {
    if (!this.isSign("("))
      throw new QueryProblem(`"set" without "("`, token.at, "as in: set(src/a.cpp src/b.cpp); a file of this name is quoted");
    this.take();
    const words: Word[] = [];
    while (isWord(this.next)) words.push(wordOf(this.take()));
    this.expect(")", this.isSign(",") ? "its labels are separated by spaces" : "set takes labels; expressions are joined by +");
    return { is: "set", words };
  }

  private call(token: Token): Expr {
    const name = token.text;
    if (!isFunction(name)) {
      const near = this.near(name, [...FUNCTION_NAMES, "set"]).map((n) => `"${n}"`);
      const hint = near.length > 0 ? `did you mean ${near.join(" or ")}?` : `there are ${FUNCTION_NAMES.join(", ")} and set`;
      throw new QueryProblem(`there is no function "${name}"`, token.at, hint);
    }
    this.take();
    const kinds: readonly ArgumentKind[] = FUNCTIONS[name];
    const args: Argument[] = [];
    for (const kind of kinds) {
      if (kind === "depth" && this.isSign(")")) break;
      if (kind === "depth" && !this.isSign(",")) throw this.unexpected('"," or ")"', USAGE[name]);
      if (args.length > 0) this.expect(",", USAGE[name]);
      args.push(this.argument(kind, name));
    }
    this.expect(")", USAGE[name]);
    return { is: "call", name, args };
  }

  private argument(kind: ArgumentKind, of: FunctionName): Argument {
    if (kind === "expr") return { is: "expr", expr: this.expr() };
    const token = this.next;
    if (!isWord(token))
      throw this.unexpected(kind === "depth" ? "a depth" : kind === "name" ? "an attribute's name" : "a pattern", USAGE[of]);
    this.take();
    if (kind === "name") return { is: "name", name: wordOf(token) };
    if (kind === "pattern") return { is: "pattern", pattern: patternOf(token) };
    const depth = Number(token.text);
    if (!/^\d+$/.test(token.text) || !Number.isSafeInteger(depth))
      throw new QueryProblem(`"${token.text}" is no depth`, token.at, "a whole number of steps, 0 or more");
    return { is: "depth", depth };
  }
}

function isWord(token: Token): boolean {
  return token.is === "word" || token.is === "quoted";
}

/** Where a quoted word begins is its quote. */
function wordOf({ text, at }: Token): Word {
  return { text, at };
}

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}

function patternOf(token: Token): RegExp {
  try {
    return new RegExp(token.text, "u");
  } catch {
    // Some that the strict syntax refuses mean what they say without it: an escaped "-", a "]" alone.
  }
  try {
    return new RegExp(token.text);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/^Invalid regular expression: \/.*\/\w*: /s, "");
    throw new QueryProblem(`not a regular expression: ${reason}`, token.at, "write \\( \\[ \\+ for the characters ( [ + themselves");
  }
}
