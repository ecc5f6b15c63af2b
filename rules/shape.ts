/** Shapes: a small description of what a TOML file may hold, from which the validator and the JSON Schema are both made. */
import { failure } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import { didYouMean } from "./nearest.ts";
import { parseTemplate, TEMPLATE } from "./template.ts";
import type { Span, TomlTable, TomlValue } from "./toml.ts";

/** `expected` completes "expected …, found …"; `about` is what an editor shows. */
export interface TextShape {
  readonly is: "text";
  readonly about: string;
  readonly expected: string;
  /** Whether `${names}` are expanded in it. */
  readonly template: boolean;
  readonly oneOf: readonly string[] | null;
  /** A regular expression (flag u) that the whole text fits. */
  readonly pattern: string | null;
}
export interface FlagShape {
  readonly is: "flag";
  readonly about: string;
}
/** A whole number, at least 0. */
export interface CountShape {
  readonly is: "count";
  readonly about: string;
}
export interface ConstShape {
  readonly is: "const";
  readonly about: string;
  readonly value: number;
}
export interface ListShape {
  readonly is: "list";
  readonly about: string;
  readonly of: TextShape | TableShape;
  readonly min: 0 | 1;
}
/** Alternatives that differ in their TOML type. */
export interface EitherShape {
  readonly is: "either";
  readonly about: string;
  readonly of: readonly (TextShape | ListShape | TableShape | FlagShape)[];
}
export interface TableShape {
  readonly is: "table";
  readonly about: string;
  /** Its name in the schema's $defs, or null to write it out where it is used. */
  readonly name: string | null;
  readonly keys: Readonly<Record<string, Shape>>;
  readonly required: readonly string[];
  /** Further keys: what their names fit (those of `keys` do too) and what they hold; null: there are none. */
  readonly rest: { readonly pattern: string; readonly expected: string; readonly of: Shape } | null;
  /** Exactly one of these keys is there; empty for no such rule. */
  readonly exactlyOne: readonly string[];
  /** Where `key` is one of `values`, `needs` is there too. */
  readonly where: readonly { readonly key: string; readonly values: readonly string[]; readonly needs: string }[];
}
export type Shape = TextShape | FlagShape | CountShape | ConstShape | ListShape | EitherShape | TableShape;

export type ShapeCode = "rule.unknown-key" | "rule.missing-key" | "rule.wrong-type" | "rule.wrong-value" | "rule.template";

/** Everything in `table` that does not fit, in the order of the file; all exit 3 with the code of ShapeCode that names the kind of mistake. */
export function check(table: TomlTable, shape: TableShape): Failure[] {
  const found: Failure[] = [];
  checkTable(table, shape, "", found);
  return inOrder(found);
}

/** File by file (in the order in which they are first spoken of), from top to bottom. */
export function inOrder(found: readonly Failure[]): Failure[] {
  const files = [...new Set(found.map((each) => each.file))];
  return found.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column);
}

function say(code: ShapeCode, message: string, span: Span, hint: string): Failure {
  return failure(code, 3, message, { ...span, hint });
}

function checkTable(table: TomlTable, shape: TableShape, path: string, found: Failure[]): void {
  for (const [key, entry] of table.entries) {
    const inner = path === "" ? key : `${path}.${key}`;
    const known = Object.hasOwn(shape.keys, key) ? shape.keys[key] : undefined;
    if (known !== undefined) checkValue(entry.value, known, inner, found);
    else if (shape.rest === null) {
      const names = Object.keys(shape.keys);
      const hint = didYouMean(key, names, `expected ${names.length === 1 ? "" : "one of "}${names.join(" ")}`);
      found.push(say("rule.unknown-key", `unknown key "${key}"${path === "" ? "" : ` in ${path}`}`, entry.span, hint));
    } else if (!new RegExp(shape.rest.pattern, "u").test(key))
      found.push(
        say(
          "rule.unknown-key",
          `"${key}" in ${path}: expected ${shape.rest.expected}`,
          entry.span,
          `rename it to fit ${shape.rest.pattern}`,
        ),
      );
    else checkValue(entry.value, shape.rest.of, inner, found);
  }
  const here = path === "" ? "the file" : path;
  for (const key of shape.required)
    if (!table.entries.has(key))
      found.push(say("rule.missing-key", `expected the key "${key}" in ${here}`, table.span, exampleOf(key, shape)));
  if (shape.exactlyOne.length > 0) {
    const there = shape.exactlyOne.filter((key) => table.entries.has(key));
    const names = shape.exactlyOne.map((k) => `"${k}"`).join(" or ");
    if (there.length === 0)
      found.push(say("rule.missing-key", `expected ${names} in ${here}`, table.span, exampleOf(shape.exactlyOne[0] ?? "", shape)));
    if (there.length > 1)
      found.push(
        say(
          "rule.unknown-key",
          `expected only one of ${names} in ${here}`,
          table.entries.get(there[1] ?? "")?.span ?? table.span,
          "take one of them away",
        ),
      );
  }
  for (const { key, values, needs } of shape.where) {
    const value = table.entries.get(key)?.value;
    if (value?.is === "text" && values.includes(value.value) && !table.entries.has(needs))
      found.push(
        say(
          "rule.missing-key",
          `expected the key "${needs}" in ${here}, since ${key} is "${value.value}"`,
          table.span,
          exampleOf(needs, shape),
        ),
      );
  }
}

function exampleOf(key: string, shape: TableShape): string {
  const inner = shape.keys[key];
  return inner === undefined ? "" : `${key}: ${inner.about}`;
}

function checkValue(value: TomlValue, shape: Shape, path: string, found: Failure[]): void {
  const fits = shape.is === "either" ? shape.of.find((s) => s.is === value.is) : shape;
  const isNumber = fits?.is === "const" || fits?.is === "count";
  if (fits === undefined || (isNumber ? value.is !== "number" : fits.is !== value.is)) {
    found.push(say("rule.wrong-type", `${path}: expected ${expectedOf(shape)}, found ${typeOf(value)}`, value.span, hintFor(value, shape)));
    return;
  }
  if (fits.is === "table" && value.is === "table") checkTable(value, fits, path, found);
  else if (fits.is === "list" && value.is === "list") {
    if (value.items.length < fits.min)
      found.push(say("rule.wrong-value", `${path}: expected at least one element, found []`, value.span, fits.about));
    for (const [i, item] of value.items.entries()) checkValue(item, fits.of, `${path}[${i}]`, found);
  } else if (fits.is === "const" && value.is === "number") {
    if (value.value !== fits.value)
      found.push(
        say(
          "rule.wrong-value",
          `${path}: expected ${fits.value}, found ${value.value}`,
          value.span,
          `this fb reads ${path} = ${fits.value}`,
        ),
      );
  } else if (fits.is === "count" && value.is === "number") {
    if (!Number.isSafeInteger(value.value) || value.value < 0)
      found.push(say("rule.wrong-value", `${path}: expected ${expectedOf(fits)}, found ${value.value}`, value.span, fits.about));
  } else if (fits.is === "text" && value.is === "text") {
    if (fits.oneOf !== null && !fits.oneOf.includes(value.value))
      found.push(
        say(
          "rule.wrong-value",
          `${path}: expected ${expectedOf(fits)}, found "${value.value}"`,
          value.span,
          didYouMean(value.value, fits.oneOf, fits.about),
        ),
      );
    else if (fits.pattern !== null && !new RegExp(fits.pattern, "u").test(value.value))
      found.push(say("rule.wrong-value", `${path}: expected ${fits.expected}, found "${value.value}"`, value.span, fits.about));
    else if (fits.template) {
      const parsed = parseTemplate(value);
      if (!parsed.ok) found.push({ ...parsed.failure, message: `${path}: ${parsed.failure.message}` });
    }
  }
}

function expectedOf(shape: Shape): string {
  switch (shape.is) {
    case "text":
      return shape.oneOf === null ? shape.expected : shape.oneOf.map((v) => `"${v}"`).join(" or ");
    case "flag":
      return "true or false";
    case "count":
      return "a whole number";
    case "const":
      return String(shape.value);
    case "list":
      return `a list of ${shape.of.is === "table" ? "tables" : "texts"}`;
    case "table":
      return "a table";
    case "either":
      return shape.of.map(expectedOf).join(" or ");
    default:
      return shape satisfies never;
  }
}

function typeOf(value: TomlValue): string {
  switch (value.is) {
    case "text":
      return `the text "${value.value.length > 30 ? `${value.value.slice(0, 30)}…` : value.value}"`;
    case "number":
      return `the number ${value.value}`;
    case "flag":
      return String(value.value);
    case "time":
      return `the time ${value.value}`;
    case "list":
      return "a list";
    case "table":
      return "a table";
    default:
      return value satisfies never;
  }
}

function hintFor(value: TomlValue, shape: Shape): string {
  if (shape.is === "list" && value.is === "text" && shape.of.is === "text") return `put it in brackets: [${JSON.stringify(value.value)}]`;
  if (shape.is === "list" && value.is === "table" && shape.of.is === "table") return "write the header with two brackets: [[…]]";
  if ((shape.is === "text" || shape.is === "either") && (value.is === "number" || value.is === "flag"))
    return `put it in quotes: "${value.value}"`;
  return shape.about;
}

/** The shape as JSON Schema, draft 2020-12. */
export function jsonSchema(shape: TableShape, id: string, title: string): Record<string, unknown> {
  const defs: Record<string, unknown> = {};
  const root = tableSchema(shape, defs);
  const { description, ...body } = root;
  return { $schema: "https://json-schema.org/draft/2020-12/schema", $id: id, title, description, ...body, $defs: defs };
}

function schemaOf(shape: Shape, defs: Record<string, unknown>): Record<string, unknown> {
  switch (shape.is) {
    case "text":
      return {
        description: shape.about,
        type: "string",
        ...(shape.oneOf === null ? {} : { enum: shape.oneOf }),
        ...(shape.pattern !== null ? { pattern: shape.pattern } : shape.template ? { pattern: TEMPLATE } : {}),
      };
    case "flag":
      return { description: shape.about, type: "boolean" };
    case "count":
      return { description: shape.about, type: "integer", minimum: 0 };
    case "const":
      return { description: shape.about, const: shape.value };
    case "list":
      return {
        description: shape.about,
        type: "array",
        items: schemaOf(shape.of, defs),
        ...(shape.min === 0 ? {} : { minItems: shape.min }),
      };
    case "either":
      return { description: shape.about, anyOf: shape.of.map((s) => schemaOf(s, defs)) };
    case "table": {
      if (shape.name === null) return tableSchema(shape, defs);
      defs[shape.name] ??= tableSchema(shape, defs);
      return { $ref: `#/$defs/${shape.name}` };
    }
    default:
      return shape satisfies never;
  }
}

function tableSchema(shape: TableShape, defs: Record<string, unknown>): Record<string, unknown> {
  const conditions = shape.where.map(({ key, values, needs }) => ({
    if: { type: "object", required: [key], properties: { [key]: { enum: values } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: { type: "object", required: [needs] },
  }));
  return {
    description: shape.about,
    type: "object",
    ...(Object.keys(shape.keys).length === 0
      ? {}
      : { properties: Object.fromEntries(Object.entries(shape.keys).map(([k, s]) => [k, schemaOf(s, defs)])) }),
    ...(shape.required.length === 0 ? {} : { required: shape.required }),
    ...(shape.rest === null
      ? { additionalProperties: false }
      : {
          propertyNames: { pattern: shape.rest.pattern },
          additionalProperties: schemaOf(shape.rest.of, defs),
        }),
    ...(shape.exactlyOne.length === 0 ? {} : { oneOf: shape.exactlyOne.map((key) => ({ type: "object", required: [key] })) }),
    ...(conditions.length === 0 ? {} : { allOf: conditions }),
  };
}
