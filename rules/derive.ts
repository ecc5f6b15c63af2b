/** Names that a rule file makes of others, by tables and patterns: `[derive.NAME]`. */
import { ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { type Bound, expandText, type Scope, scope, within } from "./expand.ts";
import { isObject, parseJson } from "./json.ts";
import { namesIn, type Template } from "./template.ts";
import type { Span } from "./toml.ts";

/** Asked in this order: `there`, `first`, `text`, `file`, `find`; "" where none of them has an answer. */
export interface Derived {
  readonly name: string;
  readonly span: Span;
  /** The first of these files that is there. */
  readonly there: readonly Template[];
  /** A file whose text it is; null for none. */
  readonly text: Template | null;
  /** The first of these counts all of whose names are there and that is not empty. */
  readonly first: readonly Template[];
  /** What is looked up; null for nothing. */
  readonly of: Template | null;
  /** A JSON file: an object from texts to texts. One that is not there, or is something else, has no answer. */
  readonly file: Template | null;
  readonly case: "" | "upper" | "lower";
  /** By regular expressions that fit the whole of `of`, its letters made upper or lower case; `${found[1]}` is the first group. */
  readonly find: readonly (readonly [pattern: string, text: Template])[];
}

/**
 * The names with those that the file derives of them, each of which may use the ones above it. read: a file's text, null where there is none.
 * Failures: those of expandText.
 */
export function withDerived(
  derived: readonly Derived[],
  given: ReadonlyMap<string, Bound>,
  read: (path: string) => string | null,
): Result<ReadonlyMap<string, Bound>> {
  const names = new Map(given);
  for (const each of derived) {
    const value = derive(each, scope(names), read);
    if (!value.ok) return value;
    names.set(each.name, value.value);
  }
  return ok(names);
}

function derive(derived: Derived, names: Scope, read: (path: string) => string | null): Result<string> {
  for (const template of derived.there) {
    if (!namesIn(template).every((name) => names.names.has(name))) continue;
    const path = expandText(template, names);
    if (!path.ok || (!path.value.endsWith("/") && read(path.value) !== null)) return path;
  }
  for (const template of derived.first) {
    if (!namesIn(template).every((name) => names.names.has(name))) continue;
    const text = expandText(template, names);
    if (!text.ok || text.value !== "") return text;
  }
  if (derived.text !== null) {
    const path = expandText(derived.text, names);
    return path.ok ? ok(read(path.value) ?? "") : path;
  }
  if (derived.of === null) return ok("");
  const of = expandText(derived.of, names);
  if (!of.ok) return of;
  const file = derived.file === null ? null : expandText(derived.file, names);
  if (file?.ok === false) return file;
  const listed = file === null ? null : entryOf(read(file.value), of.value);
  if (listed !== null) return ok(listed);
  const text = derived.case === "upper" ? of.value.toUpperCase() : derived.case === "lower" ? of.value.toLowerCase() : of.value;
  for (const [pattern, template] of derived.find) {
    const found = new RegExp(`^(?:${pattern})$`, "u").exec(text);
    if (found !== null) return expandText(template, within(names, [["found", [...found].map((group) => group ?? "")]]));
  }
  return ok("");
}

function entryOf(text: string | null, key: string): string | null {
  const table = text === null ? null : parseJson(text);
  if (!table?.ok || !isObject(table.value) || !Object.hasOwn(table.value, key)) return null;
  const value = table.value[key];
  return typeof value === "string" ? value : null;
}
