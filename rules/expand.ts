/** What templates stand for: names looked up in scopes, lists spliced, variables expanded when they are used. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { nameFits } from "./name-fits.ts";
import { didYouMean } from "./nearest.ts";
import { numberOf } from "./number.ts";
import type { Part, Template } from "./template.ts";
import type { Span } from "./toml.ts";

export type Bound = string | readonly string[];

/** A variable of a rule file, not yet expanded. */
export type Variable =
  | { readonly is: "text"; readonly text: Template }
  | { readonly is: "list"; readonly items: readonly Template[]; readonly span: Span }
  | Computed;

/**
 * Made of other values. sum: of numbers, `-` before one takes it away (`0x…`, `4M`, `80000000L` are numbers too). hex: the same, in hexadecimal. upper: in capitals. fit: a pattern (`*` for any letters), then
 * what is looked through: the elements that fit. each: what is put before each of the others. lines: of texts, without empty ones. find: a regular expression, a text, and what it is if nothing fits: the expression's first group, else all that fits.
 */
export interface Computed {
  readonly is: "computed";
  readonly by: "sum" | "hex" | "upper" | "fit" | "each" | "lines" | "find";
  readonly items: readonly Template[];
  readonly span: Span;
}

/**
 * Where names are looked up: `names`, then `vars`, then the outer scope. A variable is expanded with the whole scope it is used in, so one that
 * speaks of `${src}` has another value in each compile.
 */
export interface Scope {
  readonly names: ReadonlyMap<string, Bound>;
  readonly vars: ReadonlyMap<string, Variable>;
  readonly outer: Scope | null;
}

export type ExpandCode =
  | "rule.unknown-name"
  | "rule.list-in-text"
  | "rule.name-cycle"
  | "rule.index"
  | "rule.not-a-number"
  | "rule.not-found";

const NO_NAMES: ReadonlyMap<string, Bound> = new Map();
const NO_VARS: ReadonlyMap<string, Variable> = new Map();

export function scope(names: ReadonlyMap<string, Bound>, vars: ReadonlyMap<string, Variable> = NO_VARS, outer: Scope | null = null): Scope {
  return { names, vars, outer };
}

/** A scope with further names before those of `outer`. */
export function within(outer: Scope, names: Iterable<readonly [string, Bound]>): Scope {
  return { names: new Map(names), vars: NO_VARS, outer };
}

/** A scope with further variables (of another file) before those of `outer`. */
export function withVars(outer: Scope, vars: ReadonlyMap<string, Variable>): Scope {
  return { names: NO_NAMES, vars, outer };
}

/** Whether a name is known in a scope; it is not expanded. */
export function knows(scope: Scope, name: string): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.outer) if (at.names.has(name) || at.vars.has(name)) return true;
  return false;
}

/**
 * The elements that a list of templates stands for. An element that is nothing but `${name}` splices a list and keeps a text, an empty one too.
 * Failures (exit 3): `rule.unknown-name`, `rule.list-in-text`, `rule.name-cycle`, `rule.index`, each at the template that says the name.
 */
export function expand(templates: readonly Template[], scope: Scope): Result<string[]> {
  try {
    return ok(elements(templates, scope, []));
  } catch (error) {
    return asFailure(error);
  }
}

/** One text. `quote`, if given, is applied to what names stand for (a shell's quoting), and lists are then joined by spaces instead of refused. */
export function expandText(template: Template, scope: Scope, quote: ((value: string) => string) | null = null): Result<string> {
  try {
    return ok(text(template, scope, [], quote));
  } catch (error) {
    return asFailure(error);
  }
}

/** A variable's value as names see it: a text or a list. */
export function expandVariable(variable: Variable, scope: Scope): Result<Bound> {
  try {
    return ok(value(variable, scope, []));
  } catch (error) {
    return asFailure(error);
  }
}

/** Unwinds the recursion within this file; it never leaves it. */
class Stop {
  readonly result: Result<never>;
  constructor(code: ExpandCode, message: string, span: Span, hint: string) {
    this.result = fail(failure(code, 3, message, { ...span, hint }));
  }
}

function asFailure(error: unknown): Result<never> {
  if (error instanceof Stop) return error.result;
  throw error;
}

type Chain = readonly string[];
type NamePart = Extract<Part, { is: "name" }>;

function elements(templates: readonly Template[], scope: Scope, chain: Chain): string[] {
  const out: string[] = [];
  for (const template of templates) {
    const only = template.parts.length === 1 ? template.parts[0] : undefined;
    if (only === undefined || only.is === "text") {
      out.push(only?.text ?? text(template, scope, chain, null));
      continue;
    }
    const bound = lookUp(only, scope, chain);
    if (typeof bound === "string") out.push(bound);
    else for (const item of bound) out.push(item);
  }
  return out;
}

function text(template: Template, scope: Scope, chain: Chain, quote: ((value: string) => string) | null): string {
  let out = "";
  for (const part of template.parts) {
    if (part.is === "text") {
      out += part.text;
      continue;
    }
    const bound = lookUp(part, scope, chain);
    if (typeof bound === "string") out += quote === null ? bound : quote(bound);
    else if (quote !== null) out += bound.map(quote).join(" ");
    else
      throw new Stop(
        "rule.list-in-text",
        `expected a text, but \${${part.name}} is a list${bound.length === 0 ? " (empty here)" : ` of ${bound.length}`}`,
        part.span,
        `let "\${${part.name}}" be an element of its own, or take one: \${${part.name}[0]}`,
      );
  }
  return out;
}

function value(variable: Variable, scope: Scope, chain: Chain): Bound {
  switch (variable.is) {
    case "text":
      return text(variable.text, scope, chain, null);
    case "list":
      return elements(variable.items, scope, chain);
    case "computed":
      return computed(variable, scope, chain);
  }
}

function computed({ by, items, span }: Computed, scope: Scope, chain: Chain): Bound {
  const words = elements(items, scope, chain);
  const [pattern = "", ...rest] = words;
  switch (by) {
    case "sum":
      return String(words.reduce((sum, each) => sum + number(each, span), 0));
    case "hex":
      return `0x${words.reduce((sum, each) => sum + number(each, span), 0).toString(16)}`;
    case "upper":
      return words.join("").toUpperCase();
    case "fit":
      return rest.filter((each) => nameFits(pattern, each));
    case "each":
      return rest.map((each) => pattern + each);
    case "lines":
      return words.flatMap((each) => each.split("\n").map((line) => line.trim())).filter((line) => line !== "");
    case "find": {
      const [where = "", otherwise] = rest;
      const found = new RegExp(pattern, "im").exec(where);
      if (found !== null) return found[1] ?? found[0];
      if (otherwise !== undefined) return otherwise;
      throw new Stop("rule.not-found", `nothing in ${items[1]?.text} fits ${pattern}`, span, "add what it is otherwise as a third element");
    }
  }
}

function number(text: string, span: Span): number {
  const minus = text.startsWith("-");
  const value = numberOf(minus ? text.slice(1) : text);
  if (value === null)
    throw new Stop(
      "rule.not-a-number",
      `expected a number, found "${text}"`,
      span,
      "write digits, 0x and hexadecimal digits, or K or M after them",
    );
  return minus ? -value : value;
}

function lookUp(part: NamePart, scope: Scope, chain: Chain): Bound {
  const bound = find(part, scope, chain);
  if (part.index === null) return bound;
  const items = typeof bound === "string" ? [bound] : bound;
  const item = items[part.index];
  if (item !== undefined) return item;
  const has =
    items.length === 0 ? "is empty" : items.length === 1 ? "has one element, [0]" : `has the elements [0] to [${items.length - 1}]`;
  throw new Stop(
    "rule.index",
    `no \${${part.name}[${part.index}]}: ${part.name} ${has}`,
    part.span,
    "expected a number below the length; the first is [0]",
  );
}

function find(part: NamePart, scope: Scope, chain: Chain): Bound {
  if (part.or.length > 0) {
    const [name = part.name, ...or] = [part.name, ...part.or].filter((each) => knows(scope, each));
    const bound = find({ ...part, name, or: [] }, scope, chain);
    const [next, ...rest] = or;
    return bound.length > 0 || next === undefined ? bound : find({ ...part, name: next, or: rest }, scope, chain);
  }
  for (let at: Scope | null = scope; at !== null; at = at.outer) {
    const bound = at.names.get(part.name);
    if (bound !== undefined) return bound;
    const variable = at.vars.get(part.name);
    if (variable === undefined) continue;
    if (chain.includes(part.name)) {
      const loop = [...chain.slice(chain.indexOf(part.name)), part.name].join(" → ");
      throw new Stop(
        "rule.name-cycle",
        `\${${part.name}} needs itself: ${loop}`,
        part.span,
        "expected names that do not lead back to themselves",
      );
    }
    return value(variable, scope, [...chain, part.name]);
  }
  const known: string[] = [];
  for (let at: Scope | null = scope; at !== null; at = at.outer) known.push(...at.names.keys(), ...at.vars.keys());
  throw new Stop("rule.unknown-name", `unknown name \${${part.name}}`, part.span, didYouMean(part.name, known, hintFor(part.name, known)));
}

/** With nothing close: the names of the same table, or how to write a shell's own variable. */
function hintFor(name: string, known: readonly string[]): string {
  const table = name.slice(0, name.indexOf(".") + 1);
  const siblings = table === "" ? [] : [...new Set(known.filter((n) => n.startsWith(table)))].sort().slice(0, 6);
  if (siblings.length > 0) return `expected one of ${siblings.map((n) => `\${${n}}`).join(" ")}`;
  return `expected a name of [vars] or one that fb gives; write $\${${name}} where the text itself is meant`;
}
