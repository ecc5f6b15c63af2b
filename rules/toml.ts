/** A TOML file as a plain tree in which every key and every value knows where it stands. */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";

/** Where something stands. Lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** text: between the quotes, `at` is where its first character stands if the source holds the text letter by letter (no escapes, one line), else null. */
export interface TomlText {
  readonly is: "text";
  readonly value: string;
  readonly span: Span;
  readonly at: Span | null;
}
export interface TomlList {
  readonly is: "list";
  readonly items: readonly TomlValue[];
  readonly span: Span;
}
export interface TomlTable {
  readonly is: "table";
  readonly entries: ReadonlyMap<string, TomlEntry>;
  /** Of a `[header]` its name, of an inline table its brace, of the whole file its first character. */
  readonly span: Span;
}
export type TomlValue =
  | TomlText
  | { readonly is: "number"; readonly value: number; readonly span: Span }
  | { readonly is: "flag"; readonly value: boolean; readonly span: Span }
  | { readonly is: "time"; readonly value: string; readonly span: Span }
  | TomlList
  | TomlTable;

/** A key with its value; the span is the key's. */
export interface TomlEntry {
  readonly span: Span;
  readonly value: TomlValue;
}

/** Reads TOML 1.0. `file` is the name that messages give it. A syntax error is `toml.syntax` (exit 3) at its line and column. */
export function parseToml(file: string, text: string): Result<TomlTable> {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  try {
    const program = parseTOML(source, { tomlVersion: "1.0" });
    return ok(new Reader(file, source).file(program.body[0]));
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return fail(syntaxError(file, source, error));
  }
}

/** The tree without its places: what JSON would hold. Dates stay as they are written. */
export function toPlain(value: TomlValue): unknown {
  switch (value.is) {
    case "list":
      return value.items.map(toPlain);
    case "table":
      return Object.fromEntries([...value.entries].map(([key, entry]) => [key, toPlain(entry.value)]));
    default:
      return value.value;
  }
}

interface Building {
  readonly is: "table";
  readonly entries: Map<string, TomlEntry>;
  readonly span: Span;
}

class Reader {
  private readonly name: string;
  private readonly source: string;

  constructor(name: string, source: string) {
    this.name = name;
    this.source = source;
  }

  file(top: AST.TOMLTopLevelTable): TomlTable {
    const root: Building = { is: "table", entries: new Map(), span: { file: this.name, line: 1, column: 1 } };
    for (const part of top.body) {
      if (part.type === "TOMLKeyValue") this.pair(root, part);
      else {
        const table = this.open(root, part);
        for (const pair of part.body) this.pair(table, pair);
      }
    }
    return root;
  }

  /** The table that a header opens. The parser has already refused what TOML does not allow, so here every step down is a table or the last of a list. */
  private open(root: Building, header: AST.TOMLTable): Building {
    const keys = header.key.keys;
    const last = keys[keys.length - 1];
    if (last === undefined) return root;
    const parent = this.walk(root, keys.slice(0, -1));
    const span = this.span(last);
    const name = keyText(last);
    const there = parent.entries.get(name)?.value;
    const table: Building = { is: "table", entries: new Map(), span };
    if (header.kind === "array") {
      if (there?.is === "list") (there.items as TomlValue[]).push(table);
      else parent.entries.set(name, { span, value: { is: "list", items: [table], span } });
      return table;
    }
    if (there?.is === "table") return there as Building;
    parent.entries.set(name, { span, value: table });
    return table;
  }

  private walk(from: Building, keys: readonly (AST.TOMLBare | AST.TOMLQuoted)[]): Building {
    let table = from;
    for (const key of keys) {
      const name = keyText(key);
      const there = table.entries.get(name)?.value;
      const inner = there?.is === "list" ? there.items[there.items.length - 1] : there;
      if (inner?.is === "table") table = inner as Building;
      else {
        const span = this.span(key);
        const made: Building = { is: "table", entries: new Map(), span };
        table.entries.set(name, { span, value: made });
        table = made;
      }
    }
    return table;
  }

  private pair(table: Building, pair: AST.TOMLKeyValue): void {
    const keys = pair.key.keys;
    const last = keys[keys.length - 1];
    if (last === undefined) return;
    this.walk(table, keys.slice(0, -1)).entries.set(keyText(last), { span: this.span(last), value: this.value(pair.value) });
  }

  private value(node: AST.TOMLContentNode): TomlValue {
    const span = this.span(node);
    if (node.type === "TOMLArray") return { is: "list", items: node.elements.map((e) => this.value(e)), span };
    if (node.type === "TOMLInlineTable") {
      const table: Building = { is: "table", entries: new Map(), span };
      for (const pair of node.body) this.pair(table, pair);
      return table;
    }
    switch (node.kind) {
      case "string": {
        const inner = this.source.slice(node.range[0] + 1, node.range[1] - 1);
        return { is: "text", value: node.value, span, at: inner === node.value ? { ...span, column: span.column + 1 } : null };
      }
      case "integer":
      case "float":
        return { is: "number", value: node.value, span };
      case "boolean":
        return { is: "flag", value: node.value, span };
      default:
        return { is: "time", value: node.datetime, span };
    }
  }

  private span(node: AST.HasLocs): Span {
    return { file: this.name, line: node.loc.start.line, column: node.loc.start.column + 1 };
  }
}

function keyText(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}

/** The parser notices an unfinished value only where the next line begins; a reader looks for it at the end of the line that lacks it. */
function syntaxError(file: string, source: string, error: ParseError): Failure {
  let at = Math.min(error.index, source.length);
  if (/^(Unterminated|Unspecified|Expected|The key)/.test(error.message)) {
    const before = source.slice(0, at).trimEnd().length;
    if (source.slice(before, at).includes("\n") || at === source.length) at = before;
  }
  const lines = source.slice(0, at).split("\n");
  const column = (lines[lines.length - 1] ?? "").length + 1;
  return failure("toml.syntax", 3, `not TOML: ${error.message.charAt(0).toLowerCase()}${error.message.slice(1)}`, {
    file,
    line: lines.length,
    column,
    hint: "expected KEY = VALUE, [TABLE] or [[STEP]]; texts stand in quotes, lists in brackets",
  });
}
