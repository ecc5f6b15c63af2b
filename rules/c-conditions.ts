/** Conditions of `#if` as a C compiler evaluates them: macros expanded (C11 6.10.3), then an integer expression (6.10.1) in 64 bits. */

export interface Macro {
  /** Null for an object-like macro. */
  readonly parameters: readonly string[] | null;
  readonly body: readonly string[];
}

export type Macros = Map<string, Macro>;

/** `hasInclude`: whether the header in the quotes or angles is found. Null: the text is no expression. */
export function evaluateC(text: string, macros: Macros, hasInclude: (name: string, quote: boolean) => boolean): boolean | null {
  try {
    const asked = text.replace(
      /\b__has_include(?:_next)?(?:__)?\s*\(\s*(?:"([^"]*)"|<([^>]*)>)\s*\)/g,
      (_, quoted?: string, angled?: string) => (hasInclude(quoted ?? angled ?? "", quoted !== undefined) ? " 1 " : " 0 "),
    );
    const words = expandMacros(withoutDefined(tokens(asked), macros), macros, new Set());
    const parser = new Expression(words);
    return parser.whole() !== 0n;
  } catch (error) {
    if (error instanceof Unclear) return null;
    throw error;
  }
}

/** `NAME`, `NAME(a, b)` and what follows, as in a #define line. */
export function defineMacro(macros: Macros, name: string, parameters: string | null, body: string): void {
  const names = parameters === null ? null : parameters.trim() === "" ? [] : parameters.split(",").map((each) => each.trim());
  macros.set(name, { parameters: names, body: tokens(body) });
}

/** The text that a macro with this name expands to, tokens joined; the name itself if there is none. */
export function expandedText(text: string, macros: Macros): string {
  return expandMacros(tokens(text), macros, new Set()).join("");
}

class Unclear extends Error {}

const TOKEN =
  /\s+|(?:\d|\.\d)(?:[eEpP][-+]|'(?=\w)|[\w.])*|[A-Za-z_$][\w$]*|(?:u8|[uUL])?"(?:\\.|[^"\\])*"|(?:u8|[uUL])?'(?:\\.|[^'\\])*'|##|<<|>>|<=|>=|==|!=|&&|\|\||[^\s]/gy;

function tokens(text: string): string[] {
  return (text.match(TOKEN) ?? []).filter((token) => token.trim() !== "");
}

function withoutDefined(words: readonly string[], macros: Macros): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] !== "defined") {
      out.push(words[i] ?? "");
      continue;
    }
    const open = words[i + 1] === "(";
    const name = words[i + (open ? 2 : 1)] ?? "";
    out.push(macros.has(name) || /^__has_(?:include|include_next)$/.test(name) ? "1" : "0");
    i += open ? 3 : 1;
  }
  return out;
}

/** More than this is a macro that never ends. */
const LONGEST = 20_000;

function expandMacros(words: readonly string[], macros: Macros, busy: ReadonlySet<string>): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    const macro = busy.has(word) ? undefined : macros.get(word);
    if (macro === undefined) out.push(word);
    else if (macro.parameters === null) out.push(...expandMacros(pasted(macro.body), macros, new Set([...busy, word])));
    else if (words[i + 1] !== "(") out.push(word);
    else {
      const { values, end } = callArguments(words, i + 2);
      const given = values.map((value) => expandMacros(value, macros, busy));
      const body = pasted(substituted(macro.parameters, macro.body, values, given));
      out.push(...expandMacros(withoutDefined(body, macros), macros, new Set([...busy, word])));
      i = end;
    }
    if (out.length > LONGEST) throw new Unclear();
  }
  return out;
}

/** The arguments of a call whose first one starts at `from`, and the place of its `)`. */
function callArguments(words: readonly string[], from: number): { values: string[][]; end: number } {
  const values: string[][] = [[]];
  let depth = 0;
  for (let i = from; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === ")" && depth === 0) return { values, end: i };
    if (word === "(") depth++;
    if (word === ")") depth--;
    if (word === "," && depth === 0) values.push([]);
    else values.at(-1)?.push(word);
  }
  throw new Unclear();
}

function substituted(
  parameters: readonly string[],
  body: readonly string[],
  raw: readonly (readonly string[])[],
  given: readonly (readonly string[])[],
): string[] {
  return body.flatMap((word, i) => {
    const variadic = word === "__VA_ARGS__" && parameters.at(-1) === "...";
    const at = variadic ? parameters.length - 1 : parameters.indexOf(word);
    if (at < 0) return [word];
    const beside = body[i - 1] === "##" || body[i + 1] === "##";
    const all = beside ? raw : given;
    return variadic ? all.slice(at).flatMap((each, k) => (k === 0 ? each : [",", ...each])) : [...(all[at] ?? [])];
  });
}

function pasted(words: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "##" && out.length > 0 && i + 1 < words.length) out.push(`${out.pop()}${words[++i]}`);
    else out.push(words[i] ?? "");
  }
  return out;
}

const LEVELS: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

class Expression {
  private readonly words: readonly string[];
  private at = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  whole(): bigint {
    const value = this.choice();
    if (this.at < this.words.length) throw new Unclear();
    return value;
  }

  private takes(...words: readonly string[]): string | null {
    const word = this.words[this.at];
    if (word === undefined || !words.includes(word)) return null;
    this.at++;
    return word;
  }

  private choice(): bigint {
    const condition = this.binary(0);
    if (this.takes("?") === null) return condition;
    const yes = this.choice();
    if (this.takes(":") === null) throw new Unclear();
    const no = this.choice();
    return condition !== 0n ? yes : no;
  }

  private binary(level: number): bigint {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (let operator = this.takes(...operators); operator !== null; operator = this.takes(...operators)) {
      left = BigInt.asIntN(64, calculated(left, operator, this.binary(level + 1)));
    }
    return left;
  }

  private unary(): bigint {
    const sign = this.takes("!", "-", "+", "~");
    if (sign !== null) {
      const value = this.unary();
      return sign === "!" ? truth(value === 0n) : sign === "-" ? -value : sign === "~" ? ~value : value;
    }
    const word = this.words[this.at++];
    if (word === "(") {
      const inner = this.choice();
      if (this.takes(")") === null) throw new Unclear();
      return inner;
    }
    if (word === undefined) throw new Unclear();
    if (/^\d/.test(word)) return integer(word);
    const letter = /^(?:u8|[uUL])?'(\\?.)'$/s.exec(word);
    if (letter !== null) return BigInt((letter[1] ?? "").at(-1)?.codePointAt(0) ?? 0);
    if (!/^[A-Za-z_$]/.test(word)) throw new Unclear();
    // An unknown name is 0, and so is a call of one, which a compiler would refuse.
    if (this.words[this.at] === "(") throw new Unclear();
    return word === "true" ? 1n : 0n;
  }
}

function truth(value: boolean): bigint {
  return value ? 1n : 0n;
}

function integer(word: string): bigint {
  const digits = word.replaceAll("'", "").replace(/[uUlLzZ]+$/, "");
  if (/^0[0-7]+$/.test(digits)) return BigInt(`0o${digits.slice(1)}`);
  if (/^(?:0[xX][\da-fA-F]+|0[bB][01]+|\d+)$/.test(digits)) return BigInt(digits);
  throw new Unclear();
}

function calculated(a: bigint, operator: string, b: bigint): bigint {
  if ((operator === "/" || operator === "%") && b === 0n) return 0n;
  switch (operator) {
    case "||":
      return truth(a !== 0n || b !== 0n);
    case "&&":
      return truth(a !== 0n && b !== 0n);
    case "|":
      return a | b;
    case "^":
      return a ^ b;
    case "&":
      return a & b;
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "<<":
      return a << BigInt.asUintN(6, b);
    case ">>":
      return a >> BigInt.asUintN(6, b);
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    default:
      return a % b;
  }
}
