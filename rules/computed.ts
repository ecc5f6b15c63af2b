/** Values that a rule file makes of others: `{ sum = … }`, `{ find = … }` and the like of `[vars]`. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import type { Bound } from "./expand.ts";
import { isObject, parseJson } from "./json.ts";
import { nameFits } from "./name-fits.ts";
import { numberOf } from "./number.ts";
import { TEXT_FORMS } from "./text-forms.ts";
import type { Span } from "./toml.ts";

/** What a value can be made by: the key in its braces. */
export const COMPUTED = [
  "sum",
  "hex",
  "upper",
  "fit",
  "each",
  "lines",
  "find",
  "match",
  "first",
  "there",
  "text",
  "lookup",
  "grep",
] as const;
export type ComputedBy = (typeof COMPUTED)[number];

/** How many elements each takes, at least and at most, and what they are. */
export const ARITY: Readonly<Record<ComputedBy, readonly [least: number, most: number, what: string]>> = {
  sum: [1, Number.POSITIVE_INFINITY, "numbers"],
  hex: [1, Number.POSITIVE_INFINITY, "numbers"],
  upper: [1, 1, "a text"],
  fit: [2, Number.POSITIVE_INFINITY, "a pattern and a list"],
  each: [2, Number.POSITIVE_INFINITY, "a text and a list"],
  lines: [1, Number.POSITIVE_INFINITY, "texts"],
  find: [2, 3, "a regular expression, a text, and what it is otherwise"],
  match: [3, Number.POSITIVE_INFINITY, "a text, then regular expressions with what it is for each, and what it is otherwise"],
  first: [1, Number.POSITIVE_INFINITY, "texts"],
  there: [1, Number.POSITIVE_INFINITY, "files"],
  text: [1, 2, "a file, and the form that its text is brought into"],
  lookup: [2, 2, "a file and a key"],
  grep: [2, Number.POSITIVE_INFINITY, "a regular expression and files"],
};

/** The places of the regular expressions among `count` elements, and the flags that they are read with. */
export function patternsOf(by: ComputedBy, count: number): { readonly at: readonly number[]; readonly flags: string } {
  if (by === "find") return { at: [0], flags: FIND_FLAGS };
  if (by === "grep") return { at: [0], flags: "u" };
  const pairs = by === "match" ? Math.floor((count - 1) / 2) : 0;
  return { at: Array.from({ length: pairs }, (_, pair) => 2 * pair + 1), flags: "u" };
}

const FIND_FLAGS = "im";

/** What a name in a regular expression stands for, as an expression that fits just that: it may be a value of the ini, and those are no expressions. */
export function literally(value: string): string {
  return value.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** Of these only some elements are expanded, so expand.ts makes them itself. */
type Chosen = "match" | "first" | "there";

/** The text of a file of a package; null where there is none. */
export type ReadText = (path: string) => string | null;

/**
 * words: its elements, expanded. span: where it stands. read: null where nothing may be read. Failures (exit 3): `rule.not-a-number`, `rule.not-found`,
 * `rule.no-file`, `rule.wrong-value`.
 */
export function compute(by: Exclude<ComputedBy, Chosen>, words: readonly string[], span: Span, read: ReadText | null): Result<Bound> {
  const [first = "", ...rest] = words;
  switch (by) {
    case "sum":
    case "hex": {
      const total = sum(words, span);
      return total.ok ? ok(by === "sum" ? String(total.value) : `0x${total.value.toString(16)}`) : total;
    }
    case "upper":
      return ok(words.join("").toUpperCase());
    case "fit":
      return ok(rest.filter((each) => nameFits(first, each)));
    case "each":
      return ok(rest.map((each) => first + each));
    case "lines":
      return ok(words.flatMap(trimmedLines).filter((line) => line !== ""));
    case "find":
      return find(first, rest, span);
    case "text":
      return textOf(first, rest[0] ?? "", read?.(first) ?? "", span);
    case "lookup":
      return ok(entryOf(read?.(first) ?? null, rest[0] ?? ""));
    case "grep":
      return grep(new RegExp(first, "u"), rest, read);
  }
}

/** The groups of the first of `patterns` that fits the whole text, [0] is all of it, and its place; null where none fits. */
export function matched(text: string, patterns: readonly string[]): { readonly at: number; readonly found: readonly string[] } | null {
  for (const [at, pattern] of patterns.entries()) {
    const found = new RegExp(`^(?:${pattern})$`, "u").exec(text);
    if (found !== null) return { at, found: [...found].map((group) => group ?? "") };
  }
  return null;
}

/** form: "" for none. "" where the text is none of the kind. */
function textOf(path: string, form: string, text: string, span: Span): Result<Bound> {
  if (form === "") return ok(text);
  const made = TEXT_FORMS[form];
  if (made !== undefined) return ok(made(path, text) ?? "");
  const hint = `expected one of ${Object.keys(TEXT_FORMS).join(", ")}`;
  return fail(failure("rule.wrong-value", 3, `no form of texts is called "${form}"`, { ...span, hint }));
}

function trimmedLines(text: string): string[] {
  return text.split("\n").map((line) => line.trim());
}

function sum(words: readonly string[], span: Span): Result<number> {
  let total = 0;
  for (const word of words) {
    const minus = word.startsWith("-");
    const value = numberOf(minus ? word.slice(1) : word);
    if (value === null) {
      const hint = "write digits, 0x and hexadecimal digits, or K or M after them";
      return fail(failure("rule.not-a-number", 3, `expected a number, found "${word}"`, { ...span, hint }));
    }
    total += minus ? -value : value;
  }
  return ok(total);
}

function find(pattern: string, [where = "", otherwise]: readonly string[], span: Span): Result<Bound> {
  const found = new RegExp(pattern, FIND_FLAGS).exec(where);
  if (found !== null) return ok(found[1] ?? found[0]);
  if (otherwise !== undefined) return ok(otherwise);
  const hint = "add what it is otherwise as a third element";
  return fail(failure("rule.not-found", 3, `nothing fits ${pattern}`, { ...span, hint }));
}

/** "" where the file is not there, or no JSON object that has a text for the key. */
function entryOf(text: string | null, key: string): string {
  const table = text === null ? null : parseJson(text);
  if (!table?.ok || !isObject(table.value) || !Object.hasOwn(table.value, key)) return "";
  const value = table.value[key];
  return typeof value === "string" ? value : "";
}

function grep(pattern: RegExp, files: readonly string[], read: ReadText | null): Result<Bound> {
  const found: string[] = [];
  for (const path of files) {
    const text = read?.(path) ?? null;
    if (text === null) return fail(noFile(path));
    for (const line of trimmedLines(text)) {
      const group = pattern.exec(line)?.[1];
      if (group !== undefined) found.push(group);
    }
  }
  return ok(found);
}

/** A file of a package that the rules read, and that is not there. */
export function noFile(path: string): Failure {
  const hint = "another version of the package may have it: look at platform_packages";
  return failure("rule.no-file", 3, `the package has no file ${path}`, { file: "platformio.ini", hint });
}
