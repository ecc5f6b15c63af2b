/**
 * Conditions of `#if` as PlatformIO's preprocessor evaluates them (SCons' cpp.py): turned into a Python expression, so that `!a == b` is `!(a == b)`, an unknown
 * name makes the whole 0 unless it is never come to, and a macro without value is false.
 */

/** A macro's value there: Python's None, a number, a text, or a function-like macro. */
export type PythonValue = null | number | boolean | string | PythonFunction;

export interface PythonFunction {
  readonly parameters: readonly string[];
  /** The parts around `##`; a number where the whole is constant. */
  readonly body: readonly string[] | number;
}

/** An error that Python's caller catches: the condition is then 0. */
export class Quiet extends Error {}
/** One that it does not: then PlatformIO scans the file in the classic way. */
export class Loud extends Error {}

type Names = ReadonlyMap<string, PythonValue>;
/** Null: of a constant expression, for which every name is unknown. */
type Node = (names: Names | null) => PythonValue;

/** Thrown often, and never shown: without a stack of its own each. */
const QUIET = new Quiet("0");

/** Expressions parsed so far, null for what is none: headers are read once for every source that includes them. */
const parsed = new Map<string, Node | null>();
const MOST_PARSED = 20_000;

/** The value of an expression; `names` null: a constant one, for which every name is unknown. Throws Loud. */
export function evaluatePython(text: string, names: ReadonlyMap<string, PythonValue> | null): PythonValue {
  let node = parsed.get(text);
  try {
    if (node === undefined) {
      if (parsed.size >= MOST_PARSED) parsed.clear();
      parsed.set(text, null);
      node = new Parser(text).whole();
      parsed.set(text, node);
    }
    if (node !== null) return node(names);
  } catch (error) {
    if (!(error instanceof Quiet)) throw error;
  }
  return names === null ? "" : 0;
}

export function isTrue(value: PythonValue): boolean {
  return value !== null && value !== 0 && value !== "" && value !== false;
}

/** Calls a function-like macro: its parts joined, parameters replaced where one is a part by itself. */
export function callMacro(macro: PythonFunction, values: readonly PythonValue[]): PythonValue {
  if (macro.parameters.length !== values.length) throw new Loud("arguments");
  if (typeof macro.body === "number") throw QUIET;
  const parts = macro.body.map((part) => {
    const at = macro.parameters.indexOf(part);
    return at < 0 ? part : (values[at] ?? null);
  });
  if (parts.length === 1) return parts[0] ?? null;
  if (parts.every((part) => typeof part === "string")) return parts.join("");
  if (parts.every((part) => typeof part === "number")) return parts.reduce((a, b) => a + b, 0);
  throw QUIET;
}

const SUFFIX = "(?:[uU](?:l{1,2}|L{1,2}|[zZ]|wb|WB)?|(?:l{1,2}|L{1,2}|[zZ]|wb|WB)[uU]?)?";
const TOKEN = new RegExp(
  `\\s*(?:(\u0001\\w+)|(\\d+\\.\\d*|\\.\\d+)(?!\\w)|(0[xX][0-9A-Fa-f]+|0[bB][01]+|0[0-7]*|[1-9]\\d*)${SUFFIX}(?!\\w)|([A-Za-z_]\\w*)|("[^"]*"|'[^']*')|(==|!=|<=|>=|<<|>>|\\*\\*|\\/\\/|[-+*/%<>()&|^~,]))`,
  "y",
);

class Parser {
  private readonly tokens: string[] = [];
  private at = 0;

  constructor(text: string) {
    const operators: Readonly<Record<string, string>> = {
      "!=": " != ",
      "&&": " and ",
      "||": " or ",
      "!": " not ",
      "?": " and ",
      ":": " or ",
    };
    const python = text
      .replace(/!=|&&|\|\||[!?:]/g, (operator) => operators[operator] ?? "")
      .replace(/defined\s+(\w+)/g, "\u0001$1")
      .replace(/defined\s*\((\w+)\)/g, "\u0001$1");
    TOKEN.lastIndex = 0;
    while (python.slice(TOKEN.lastIndex).trim() !== "") {
      const match = TOKEN.exec(python);
      if (match === null) throw QUIET;
      const [, defined, float, int, name, literal, operator] = match;
      if (float !== undefined) this.tokens.push(`#${float}`);
      else if (int !== undefined) this.tokens.push(`#${/^0[0-7]+$/.test(int) ? Number.parseInt(int, 8) : Number(int)}`);
      else this.tokens.push(defined ?? name ?? literal ?? operator ?? "");
    }
  }

  whole(): Node {
    const node = this.or();
    if (this.at < this.tokens.length) throw QUIET;
    return node;
  }

  private takes(...words: readonly string[]): string | null {
    const token = this.tokens[this.at];
    if (token === undefined || !words.includes(token)) return null;
    this.at++;
    return token;
  }

  private or(): Node {
    let left = this.and();
    while (this.takes("or") !== null) {
      const [a, b] = [left, this.and()];
      left = (names) => {
        const value = a(names);
        return isTrue(value) ? value : b(names);
      };
    }
    return left;
  }

  private and(): Node {
    let left = this.not();
    while (this.takes("and") !== null) {
      const [a, b] = [left, this.not()];
      left = (names) => {
        const value = a(names);
        return isTrue(value) ? b(names) : value;
      };
    }
    return left;
  }

  private not(): Node {
    if (this.takes("not") === null) return this.comparison();
    const operand = this.not();
    return (names) => !isTrue(operand(names));
  }

  private comparison(): Node {
    const first = this.binary(0);
    const rest: (readonly [string, Node])[] = [];
    for (;;) {
      const operator = this.takes("==", "!=", "<", ">", "<=", ">=");
      if (operator === null) break;
      rest.push([operator, this.binary(0)]);
    }
    if (rest.length === 0) return first;
    return (names) => {
      let left = first(names);
      for (const [operator, node] of rest) {
        const right = node(names);
        if (!compared(left, operator, right)) return false;
        left = right;
      }
      return true;
    };
  }

  private binary(level: number): Node {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (let operator = this.takes(...operators); operator !== null; operator = this.takes(...operators)) {
      const [a, b, does] = [left, this.binary(level + 1), operator];
      left = (names) => calculated(a(names), does, b(names));
    }
    return left;
  }

  private unary(): Node {
    const sign = this.takes("-", "+", "~");
    if (sign === null) return this.call();
    const operand = this.unary();
    return (names) => {
      const value = number(operand(names));
      return sign === "-" ? -value : sign === "~" ? -value - 1 : value;
    };
  }

  private call(): Node {
    let node = this.atom();
    while (this.takes("(") !== null) {
      const values: Node[] = [];
      while (this.takes(")") === null) {
        values.push(this.or());
        if (this.takes(",") === null && this.tokens[this.at] !== ")") throw QUIET;
      }
      const callee = node;
      node = (names) => {
        const macro = callee(names);
        const given = values.map((value) => value(names));
        if (macro === null || typeof macro !== "object") throw QUIET;
        return callMacro(macro, given);
      };
    }
    return node;
  }

  private atom(): Node {
    const token = this.tokens[this.at++];
    if (token === undefined) throw QUIET;
    if (token === "(") {
      const inner = this.or();
      if (this.takes(")") === null) throw QUIET;
      return inner;
    }
    if (token.startsWith("#")) return () => Number(token.slice(1));
    if (token.startsWith("\u0001")) {
      const name = token.slice(1);
      return (names) => {
        if (names === null) throw QUIET;
        return names.has(name);
      };
    }
    if (/^["']/.test(token)) return () => token.slice(1, -1);
    if (!/^[A-Za-z_]\w*$/.test(token) || ["and", "or", "not", "in", "is", "if", "else", "for", "lambda"].includes(token)) throw QUIET;
    if (token === "True" || token === "False") return () => token === "True";
    if (token === "None") return () => null;
    return (names) => {
      const value = names?.get(token);
      if (value === undefined) throw QUIET;
      return value;
    };
  }
}

const LEVELS: readonly (readonly string[])[] = [["|"], ["^"], ["&"], ["<<", ">>"], ["+", "-"], ["*", "/", "%", "//"]];

function number(value: PythonValue): number {
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "number") throw QUIET;
  return value;
}

function compared(a: PythonValue, operator: string, b: PythonValue): boolean {
  const plain = (value: PythonValue): PythonValue => (typeof value === "boolean" ? Number(value) : value);
  const [x, y] = [plain(a), plain(b)];
  if (operator === "==") return x === y;
  if (operator === "!=") return x !== y;
  if (!(typeof x === "number" && typeof y === "number") && !(typeof x === "string" && typeof y === "string")) throw QUIET;
  return operator === "<" ? x < y : operator === ">" ? x > y : operator === "<=" ? x <= y : x >= y;
}

function calculated(a: PythonValue, operator: string, b: PythonValue): PythonValue {
  if (operator === "+" && typeof a === "string" && typeof b === "string") return a + b;
  const [x, y] = [number(a), number(b)];
  if (["/", "%", "//"].includes(operator) && y === 0) throw new Loud("division by zero");
  switch (operator) {
    case "|":
      return Number(BigInt(x) | BigInt(y));
    case "^":
      return Number(BigInt(x) ^ BigInt(y));
    case "&":
      return Number(BigInt(x) & BigInt(y));
    case "<<":
      return x * 2 ** y;
    case ">>":
      return Math.floor(x / 2 ** y);
    case "+":
      return x + y;
    case "-":
      return x - y;
    case "*":
      return x * y;
    case "/":
      return x / y;
    case "//":
      return Math.floor(x / y);
    default:
      return x - y * Math.floor(x / y);
  }
}
