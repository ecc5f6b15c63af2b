/** Reads of a rule file's tables that fit the description in schema.ts: what is of another type here is a bug. */
import type { Computed, Variable } from "./expand.ts";
import { COMPUTED } from "./computed.ts";
import { parseTemplate, type Template } from "./template.ts";
import type { Span, TomlTable, TomlValue } from "./toml.ts";

/** A plain word with its place. */
export interface Word {
  readonly text: string;
  readonly span: Span;
}

export function at(table: TomlTable, key: string): TomlValue | undefined {
  return table.entries.get(key)?.value;
}
export function bug(): never {
  throw new Error("a checked rule file does not fit its description");
}
export function tableAt(table: TomlTable, key: string): TomlTable | null {
  const value = at(table, key);
  return value === undefined ? null : value.is === "table" ? value : bug();
}
export function tablesAt(table: TomlTable, key: string): [name: string, inner: TomlTable, span: Span][] {
  const inner = tableAt(table, key);
  return inner === null ? [] : tablesIn(inner);
}
export function tablesIn(table: TomlTable): [name: string, inner: TomlTable, span: Span][] {
  return [...table.entries].map(([name, e]) => [name, e.value.is === "table" ? e.value : bug(), e.span]);
}
export function words(value: TomlValue | undefined): Word[] {
  if (value === undefined) return [];
  return (value.is === "list" ? value.items : [value]).map((v) => (v.is === "text" ? { text: v.value, span: v.span } : bug()));
}
export function textAt(table: TomlTable, key: string, otherwise = ""): string {
  return words(at(table, key))[0]?.text ?? otherwise;
}
export function textsAt(table: TomlTable, key: string): string[] {
  return words(at(table, key)).map((w) => w.text);
}
export function tableList(value: TomlValue | undefined): TomlTable[] {
  return (value?.is === "list" ? value.items : []).map((item) => (item.is === "table" ? item : bug()));
}
export function flagAt(table: TomlTable, key: string, otherwise = false): boolean {
  const value = at(table, key);
  return value?.is === "flag" ? value.value : otherwise;
}
export function template(value: TomlValue): Template {
  const parsed = value.is === "text" ? parseTemplate(value) : bug();
  return parsed.ok ? parsed.value : bug();
}
/** Of a text one, of a list one an element, of nothing none. */
export function templates(value: TomlValue | undefined): Template[] {
  return value === undefined ? [] : value.is === "list" ? value.items.map(template) : [template(value)];
}
export function templateAt(table: TomlTable, key: string): Template | null {
  return templates(at(table, key))[0] ?? null;
}
export function variable(value: TomlValue): Variable {
  if (value.is === "table") return computed(value);
  return value.is === "list" ? { is: "list", items: templates(value), span: value.span } : { is: "text", text: template(value) };
}

export function computed(table: TomlTable): Computed {
  const by = COMPUTED.find((each) => table.entries.has(each)) ?? bug();
  return { is: "computed", by, items: templates(at(table, by)), span: table.span };
}

/** Each key's elements; keys: what the description in schema.ts lets stand there. */
export function lists<K extends string>(table: TomlTable | null): Map<K, readonly Template[]> {
  return new Map([...(table?.entries ?? [])].map(([key, e]) => [key as K, templates(e.value)]));
}
