/** A rule file for one env: overlays applied in their order, so that what is left has no conditions. */
import type { Failure } from "../engine/types.ts";
import type { ReadText } from "./computed.ts";
import { type Bound, expandVariable, scope, type Variable } from "./expand.ts";
import { nameFits } from "./name-fits.ts";
import type { Word } from "./checked-toml.ts";
import type { Change, Overlay, Rule, RuleFile, Tool } from "./rulefile.ts";
import { FLAG_SCOPES, type FlagScope } from "./schema.ts";
import type { Template } from "./template.ts";

/**
 * toolVersions: by the name of the tool; a tool that is not in it has no version that an overlay could fit. core, cpu, mcu: of the board's `build`, board: its id,
 * "" where there is none. names: what `when` looks at, beside the file's variables as [vars] has them, which may read files by `read`. macros: what the board's and the user's flags define, NAME or NAME=VALUE.
 */
export interface ResolveContext {
  readonly host: string;
  readonly framework: string;
  readonly core: string;
  readonly cpu: string;
  readonly mcu: string;
  readonly board: string;
  readonly names: ReadonlyMap<string, Bound>;
  readonly read?: ReadText;
  readonly macros: ReadonlySet<string>;
  readonly profile: string;
  readonly env: string;
  readonly toolVersions: ReadonlyMap<string, string>;
}

/** What overlays look at of a board, from the names that templates see of it. */
export function boardContext(names: ReadonlyMap<string, Bound>): Pick<ResolveContext, "core" | "cpu" | "mcu" | "board" | "names"> {
  const text = (name: string) => {
    const value = names.get(name);
    return typeof value === "string" ? value : "";
  };
  return { core: text("board.build.core"), cpu: text("board.build.cpu"), mcu: text("board.build.mcu"), board: text("board.id"), names };
}

export interface Resolved {
  /** The file's variables and `tool.NAME.KEY` of its tools; the scope that expands them has the name `tool.NAME` for each tool's folder. */
  readonly vars: ReadonlyMap<string, Variable>;
  readonly flags: Readonly<Record<FlagScope, readonly Template[]>>;
  readonly tools: ReadonlyMap<string, Tool>;
  /** Those that are for this env, in the order of the file. */
  readonly rules: ReadonlyMap<string, Rule>;
  /** Of a variable that `when` looks at: it has no value. */
  readonly mistake: Failure | null;
}

export function resolve(file: RuleFile, context: ResolveContext): Resolved {
  const vars = new Map(file.vars);
  const flags = Object.fromEntries(FLAG_SCOPES.map((scope) => [scope, file.flags.get(scope) ?? []])) as Record<
    FlagScope,
    readonly Template[]
  >;
  const chosen = new Set<string>();
  const looked = new Looked(file, context);
  for (const overlay of file.overlays) {
    if (overlay.on === "choose" && chosen.has(overlay.within)) continue;
    if (!applies(overlay, context, looked)) continue;
    if (overlay.on === "choose") chosen.add(overlay.within);
    for (const [name, change] of overlay.vars) vars.set(name, changed(vars.get(name), change));
    for (const [scope, change] of overlay.flags) flags[scope] = changedList(flags[scope], change);
  }
  for (const tool of file.tools.values()) for (const [key, variable] of tool.names) vars.set(`tool.${tool.name}.${key}`, variable);
  return {
    vars,
    flags,
    tools: file.tools,
    rules: new Map([...file.rules].filter(([, rule]) => isFor(rule.env, context.env) && isMeant(rule, context.names))),
    mistake: looked.mistake,
  };
}

/** What the overlays of `when` look at: names as they are, variables as the file has them before any overlay. */
class Looked {
  mistake: Failure | null = null;
  private readonly file: RuleFile;
  private readonly context: ResolveContext;

  constructor(file: RuleFile, context: ResolveContext) {
    this.file = file;
    this.context = context;
  }

  /** null: nothing of that name, or a list. */
  at(name: string): string | null {
    const { names, read = null } = this.context;
    let value = names.get(name);
    const variable = this.file.vars.get(name);
    if (value === undefined && variable !== undefined) {
      const expanded = expandVariable(variable, scope(names, this.file.vars, null, read));
      if (expanded.ok) value = expanded.value;
      else this.mistake ??= expanded.failure;
    }
    return typeof value === "string" ? value : null;
  }
}

/** Whether a rule is for an env with these names. Of a command that is the env's own (`upload_protocol = custom`) the rule "flash" tells what it is done with. */
export function isMeant({ name, when }: Pick<Rule, "name" | "when">, names: ReadonlyMap<string, Bound>): boolean {
  return [...when].every(([key, pattern]) => {
    const value = names.get(key);
    if (key === "upload.protocol" && value === "custom" && name === "flash") return true;
    const others = pattern.startsWith("!");
    // What nobody says is none of those that are meant, and so one of the others.
    if (typeof value !== "string") return others;
    const meant = pattern.slice(others ? 1 : 0).split("|");
    return meant.some((each) => nameFits(each, value)) !== others;
  });
}

/** Whether a rule or step with this `env = […]` is for an env. */
export function isFor(env: readonly Word[], name: string): boolean {
  return env.length === 0 || env.some((word) => nameFits(word.text, name));
}

/** Whether a version is in a range such as `<6` or `>=5,<8`: all of its parts hold. Missing numbers are 0 (`<=5` leaves 5.4 out); `=5` or `5` fits every 5.x. */
export function versionFits(range: string, version: string): boolean {
  const numbers = numbersOf(version);
  if (numbers.length === 0) return false;
  return range.split(",").every((part) => {
    const match = /^\s*(<=|>=|<|>|=)?\s*([\d.]+)\s*$/.exec(part);
    if (match === null) return false;
    const bound = numbersOf(match[2] ?? "");
    const order = compare(numbers, bound);
    switch (match[1]) {
      case "<":
        return order < 0;
      case "<=":
        return order <= 0;
      case ">":
        return order > 0;
      case ">=":
        return order >= 0;
      default:
        return compare(numbers.slice(0, bound.length), bound) === 0;
    }
  });
}

function numbersOf(version: string): number[] {
  return (/^\d+(?:\.\d+)*/.exec(version.trim().replace(/^v/, ""))?.[0] ?? "").split(".").filter(Boolean).map(Number);
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const order = (a[i] ?? 0) - (b[i] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

function applies(overlay: Overlay, context: ResolveContext, looked: Looked): boolean {
  const { on, name } = overlay;
  if (on === "tool") {
    const version = context.toolVersions.get(name);
    return version !== undefined && versionFits(overlay.within, version);
  }
  const fits = (value: string) => name.split("|").some((pattern) => nameFits(pattern, value));
  if (on === "when") {
    const value = looked.at(overlay.within);
    return value !== null && fits(value);
  }
  if (on === "choose") return name === "*" || [...context.macros].some((macro) => fits(macro) || name.split("|").includes(`${macro}=*`));
  return context[on] !== "" && fits(context[on]);
}

function changed(before: Variable | undefined, change: Change): Variable {
  if (change.is === "set") return change.to;
  return {
    is: "list",
    items: changedList(before === undefined ? [] : before.is === "text" ? [before.text] : before.items, change),
    span: change.span,
  };
}

/** Elements are compared as they are written, so `remove = ["${arch}"]` takes that element away, not what it stands for. */
function changedList(before: readonly Template[], change: Change): readonly Template[] {
  if (change.is === "set") return change.to.is === "text" ? [change.to.text] : change.to.items;
  const gone = new Set(change.remove.map((t) => t.text));
  return [...change.prepend, ...before.filter((t) => !gone.has(t.text)), ...change.append];
}
