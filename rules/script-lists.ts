/**
 * `[script.*]` of a rule file: the lists that a build script of a package hands to `env.Append(NAME=[…])`. The script is Python, but it is read as data and never run:
 * literals, `join`, `basename`, `%`, `+`, `.replace`, `….get("build.x", otherwise)` of the board, and names that the rule file gives. Anything else is refused at its line.
 */
import { baseOf } from "../engine/paths.ts";
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { noFile } from "./computed.ts";
import { type Bound, expand, expandText, type Scope } from "./expand.ts";
import type { Template } from "./template.ts";

export interface Script {
  readonly file: Template;
  /** What names of the script stand for, and `$NAME` in its texts. */
  readonly names: ReadonlyMap<string, Template>;
  /** What `if "WORD" in NAME:` asks, by NAME: a word, or WORD=VALUE. */
  readonly lists: ReadonlyMap<string, readonly Template[]>;
  /** Elements that are left out. */
  readonly without: readonly string[];
}

/** `NAME.LIST` for each list of each script. Failures (exit 3): those of expand; `rule.no-file`; `rule.script` where the script says something that is no data. */
export function scriptLists(scripts: ReadonlyMap<string, Script>, scope: Scope): Result<ReadonlyMap<string, readonly string[]>> {
  const lists = new Map<string, readonly string[]>();
  for (const [name, script] of scripts) {
    const file = expandText(script.file, scope);
    if (!file.ok) return file;
    const content = scope.read?.(file.value) ?? null;
    if (content === null) return fail(noFile(file.value));
    const names = new Map<string, string>();
    for (const [each, template] of script.names) {
      const text = expandText(template, scope);
      if (!text.ok) return text;
      names.set(each, text.value);
    }
    const asked = new Map<string, readonly string[]>();
    for (const [each, templates] of script.lists) {
      const words = expand(templates, scope);
      if (!words.ok) return words;
      asked.set(
        each,
        words.value.map((word) => word.split("=", 1)[0] ?? ""),
      );
    }
    const found = readLists(file.value, content, { names, asked, board: boardOf(scope) });
    if (!found.ok) return found;
    for (const [list, words] of found.value)
      lists.set(
        `${name}.${list}`,
        words.filter((word) => !script.without.includes(word)),
      );
  }
  return ok(lists);
}

function boardOf(scope: Scope): (path: string) => string | undefined {
  return (path) => {
    for (let at: Scope | null = scope; at !== null; at = at.outer) {
      const bound: Bound | undefined = at.names.get(`board.${path}`);
      if (bound !== undefined) return typeof bound === "string" ? bound : undefined;
    }
    return undefined;
  };
}

interface Known {
  readonly names: ReadonlyMap<string, string>;
  /** Words that a condition may ask for, by the name of their list. */
  readonly asked: ReadonlyMap<string, readonly string[]>;
  /** A value of the board by its path. */
  readonly board: (path: string) => string | undefined;
}

/** The lists of all `env.Append(…)` that are outside of functions and conditions, or below an `if "WORD" in NAME:` that holds, in order, by name. */
export function readLists(file: string, text: string, known: Known): Result<ReadonlyMap<string, readonly string[]>> {
  try {
    const lists = new Map<string, string[]>();
    for (const at of calls(text, known.asked))
      for (const [name, words] of new Reader(text, at, known).keywords()) lists.set(name, [...(lists.get(name) ?? []), ...words]);
    return ok(lists);
  } catch (error) {
    if (!(error instanceof NoData)) throw error;
    const line = text.slice(0, error.at).split("\n").length;
    const hint = "another version of the package may be one that fb reads: look at platform_packages, or tell fb's makers";
    return fail(failure("rule.script", 3, `expected ${error.expected} in a list of the package's build script`, { file, line, hint }));
  }
}

/** Where the arguments of each call begin that counts. */
function calls(text: string, asked: Known["asked"]): number[] {
  const found: number[] = [];
  const seen = /^(?:env\.Append\(|if "([^"\n]*)" in (\w+):(?:[ \t]*(?:#.*)?\n(?:[ \t]+.*|(?=\n)))*)/gm;
  for (const { 0: all, 1: word = "", 2: list, index } of text.matchAll(seen))
    if (list === undefined) found.push(index + all.length);
    else if (asked.get(list)?.includes(word) === true)
      for (const call of all.matchAll(/^[ \t]+env\.Append\(/gm)) found.push(index + call.index + call[0].length);
  return found;
}

/** Unwinds the reader; it never leaves this file. */
class NoData extends Error {
  readonly expected: string;
  readonly at: number;
  constructor(expected: string, at: number) {
    super(expected);
    this.expected = expected;
    this.at = at;
  }
}

/** A text, a number, or what stands in brackets. */
type Value = string | number | readonly Value[];

const BLANK = /(?:\s|#.*|\\\n)*/y;
const WORD = /[A-Za-z_]\w*/y;
const NUMBER = /0[xX][\da-fA-F]+|\d+/y;
const TEXT = /(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')/y;
const CONTROL: Readonly<Record<string, string>> = { n: "\n", t: "\t", "\n": "" };

class Reader {
  private readonly text: string;
  private at: number;
  private readonly names: Known["names"];
  private readonly board: Known["board"];

  constructor(text: string, at: number, { names, board }: Known) {
    this.text = text;
    this.at = at;
    this.names = names;
    this.board = board;
  }

  /** `NAME=[…], NAME=[…])`. */
  keywords(): [name: string, words: string[]][] {
    const found: [string, string[]][] = [];
    while (!this.take(")")) {
      const name = this.word() ?? this.bad("the name of a list");
      if (!this.take("=") || !this.take("[")) this.bad("a list");
      found.push([name, this.items("]").map((value) => this.argument(value))]);
      this.take(",");
    }
    return found;
  }

  private items(end: string): Value[] {
    const items: Value[] = [];
    while (!this.take(end)) {
      items.push(this.sum());
      if (!this.take(",") && !this.peek(end)) this.bad(`"," or "${end}"`);
    }
    return items;
  }

  private sum(): Value {
    let value = this.formatted();
    while (this.take("+")) {
      const more = this.formatted();
      value = typeof value === "number" && typeof more === "number" ? value + more : this.plain(value) + this.plain(more);
    }
    return value;
  }

  /** `"%s" % x`, `"%s-%s" % (x, y)`. */
  private formatted(): Value {
    let value = this.called();
    while (this.take("%")) {
      const given = this.called();
      const all = typeof given === "string" || typeof given === "number" ? [given] : [...given];
      value = this.plain(value).replaceAll(/%[sd]/g, () => this.plain(all.shift() ?? this.bad("as many values as the text has %s")));
    }
    return value;
  }

  /** A value with what is asked of it: `.replace(a, b)`. */
  private called(): Value {
    let value = this.single();
    while (this.take(".")) {
      if (this.word() !== "replace" || !this.take("(")) this.bad("replace(…)");
      const [from, to] = this.items(")");
      value = this.plain(value).replaceAll(this.plain(from ?? ""), () => this.plain(to ?? ""));
    }
    return value;
  }

  private single(): Value {
    if (this.take("(")) {
      const start = this.at;
      const first = this.sum();
      if (this.take(")")) return first;
      this.at = start;
      return this.items(")");
    }
    const text = this.match(TEXT);
    if (text !== null) {
      let joined = unescaped(text);
      for (let next = this.match(TEXT); next !== null; next = this.match(TEXT)) joined += unescaped(next);
      return joined;
    }
    const number = this.match(NUMBER)?.[0];
    if (number !== undefined) return Number(number);
    const name = this.word() ?? this.bad("a text, a number or a name");
    return this.named(name);
  }

  private named(name: string): Value {
    const given = this.names.get(name);
    if (given !== undefined && !this.peek("(")) return given;
    if (this.take("(")) {
      const items = this.items(")").map((item) => this.plain(item));
      if (name === "join") return items.reduce((path, item) => (item.startsWith("/") ? item : `${path}/${item}`));
      if (name === "basename") return baseOf(items[0] ?? "");
      return this.bad("join or basename");
    }
    // env.BoardConfig().get(…), board_config.get(…)
    let last = name;
    while (this.take(".")) {
      last = this.word() ?? this.bad("a name");
      if (last === "get" || !this.take("(")) continue;
      if (this.items(")").length > 0) this.bad("no arguments");
    }
    if (last !== "get" || !this.take("(")) return this.bad(`another name than ${name}`);
    const [path, otherwise] = this.items(")");
    return this.board(this.plain(path ?? "")) ?? otherwise ?? this.bad(`a board with ${String(path)}`);
  }

  /** An element as the tool gets it: `("NAME", value)` is NAME=value, `$NAME`, `${NAME}` and `${NAME(__env__)}` are what stands for it, and what a shell would take away is not there. */
  private argument(value: Value): string {
    const text = typeof value === "object" ? value.map((each) => this.plain(each)).join("=") : this.plain(value);
    const filled = text.replaceAll(/\$(?:\{(\w+)(?:\(__env__\))?\}|(\w+))/g, (_, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? "";
      return this.names.get(name) ?? this.bad(`another name than $${name}`);
    });
    return filled.replaceAll(/\\(.)|"/g, (_, escaped?: string) => escaped ?? "");
  }

  private plain(value: Value): string {
    return typeof value === "object" ? this.bad("a text") : String(value);
  }

  private word(): string | null {
    return this.match(WORD)?.[0] ?? null;
  }

  private peek(mark: string): boolean {
    this.match(BLANK);
    return this.text.startsWith(mark, this.at);
  }

  private take(mark: string): boolean {
    if (!this.peek(mark)) return false;
    this.at += mark.length;
    return true;
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    if (pattern !== BLANK) this.match(BLANK);
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found !== null) this.at += found[0].length;
    return found;
  }

  private bad(expected: string): never {
    throw new NoData(expected, this.at);
  }
}

function unescaped(found: RegExpExecArray): string {
  return (found[1] ?? found[2] ?? "").replaceAll(/\\([\s\S])/g, (_, mark: string) => CONTROL[mark] ?? mark);
}
