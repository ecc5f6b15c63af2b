/** What templates stand for: names looked up in scopes, lists spliced, variables expanded when they are used. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { type ComputedBy, compute, literally, matched, patternsOf, type ReadText } from "./computed.ts";
import { didYouMean } from "./nearest.ts";
import type { Part, Template } from "./template.ts";
import type { Span } from "./toml.ts";

export type Bound = string | readonly string[];

/** A variable of a rule file, not yet expanded. */
export type Variable =
  | { readonly is: "text"; readonly text: Template }
  | { readonly is: "list"; readonly items: readonly Template[]; readonly span: Span }
  | Computed;

/** Made of other values; computed.ts says what the elements mean. */
export interface Computed {
  readonly is: "computed";
  readonly by: ComputedBy;
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
  /** What values that are made of files read them by; null: they are as files that are not there. */
  readonly read: ReadText | null;
}

export type ExpandCode = "rule.unknown-name" | "rule.list-in-text" | "rule.name-cycle" | "rule.index";

const NO_NAMES: ReadonlyMap<string, Bound> = new Map();
const NO_VARS: ReadonlyMap<string, Variable> = new Map();

export function scope(
  names: ReadonlyMap<string, Bound>,
  vars: ReadonlyMap<string, Variable> = NO_VARS,
  outer: Scope | null = null,
  read: ReadText | null = outer?.read ?? null,
): Scope {
  return { names, vars, outer, read };
}

/** A scope with further names before those of `outer`. */
export function within(outer: Scope, names: Iterable<readonly [string, Bound]>): Scope {
  return scope(new Map(names), NO_VARS, outer);
}

/** A scope with further variables (of another file) before those of `outer`. */
export function withVars(outer: Scope, vars: ReadonlyMap<string, Variable>): Scope {
  return scope(NO_NAMES, vars, outer);
}

/** Whether a name is known in a scope; it is not expanded. */
export function knows(scope: Scope, name: string): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.outer) if (at.names.has(name) || at.vars.has(name)) return true;
  return false;
}

/**
 * The elements that a list of templates stands for. An element that is nothing but `${name}` splices a list and keeps a text, an empty one too.
 * Failures (exit 3): `rule.unknown-name`, `rule.list-in-text`, `rule.name-cycle`, `rule.index`, each at the template that says the name; those of compute.
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
  constructor(result: Result<never>) {
    this.result = result;
  }
}

function stop(code: ExpandCode, message: string, span: Span, hint: string): Stop {
  return new Stop(fail(failure(code, 3, message, { ...span, hint })));
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
      throw stop(
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
  if (by === "match") return chosen(items, scope, chain);
  if (by === "first") return firstOf(items, scope, chain, (each) => each !== "");
  if (by === "there") return firstOf(items, scope, chain, (path) => !path.endsWith("/") && (scope.read?.(path) ?? null) !== null);
  const { at } = patternsOf(by, items.length);
  const words = items.flatMap((item, i) => (at.includes(i) ? [text(item, scope, chain, literally)] : elements([item], scope, chain)));
  const made = compute(by, words, span, scope.read);
  if (!made.ok) throw new Stop(fail(made.failure));
  return made.value;
}

/** Of a text, then pairs of a pattern and what it is for it: that of the first pattern that fits all of the text, else the element that is left over, else "". */
function chosen([of, ...rest]: readonly Template[], scope: Scope, chain: Chain): Bound {
  if (of === undefined) return "";
  const patterns = rest.filter((_, i) => i % 2 === 0 && i + 1 < rest.length).map((pattern) => text(pattern, scope, chain, literally));
  const match = matched(text(of, scope, chain, null), patterns);
  const to = match === null ? rest[patterns.length * 2] : rest[match.at * 2 + 1];
  return to === undefined ? "" : text(to, within(scope, [["found", match?.found ?? []]]), chain, null);
}

/** The first of these that counts, all of whose names are known; "" where there is none. */
function firstOf(items: readonly Template[], scope: Scope, chain: Chain, counts: (each: string) => boolean): string {
  for (const item of items) {
    const known = item.parts.every((part) => part.is === "text" || [part.name, ...part.or].some((name) => knows(scope, name)));
    const value = known ? text(item, scope, chain, null) : "";
    if (known && counts(value)) return value;
  }
  return "";
}

function lookUp(part: NamePart, scope: Scope, chain: Chain): Bound {
  const bound = find(part, scope, chain);
  if (part.index === null) return bound;
  const items = typeof bound === "string" ? [bound] : bound;
  const item = items[part.index];
  if (item !== undefined) return item;
  const has =
    items.length === 0 ? "is empty" : items.length === 1 ? "has one element, [0]" : `has the elements [0] to [${items.length - 1}]`;
  throw stop(
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
      throw stop(
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
  throw stop("rule.unknown-name", `unknown name \${${part.name}}`, part.span, didYouMean(part.name, known, hintFor(part.name, known)));
}

/** With nothing close: the names of the same table, or how to write a shell's own variable. */
function hintFor(name: string, known: readonly string[]): string {
  const table = name.slice(0, name.indexOf(".") + 1);
  const siblings = table === "" ? [] : [...new Set(known.filter((n) => n.startsWith(table)))].sort().slice(0, 6);
  if (siblings.length > 0) return `expected one of ${siblings.map((n) => `\${${n}}`).join(" ")}`;
  return `expected a name of [vars] or one that fb gives; write $\${${name}} where the text itself is meant`;
}
