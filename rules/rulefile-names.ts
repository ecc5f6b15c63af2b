/** What names a rule file may give, and whether those it speaks of are there: the checks that no shape can tell. */
import { failure } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import { ARITY, patternsOf } from "./computed.ts";
import type { Computed, Variable } from "./expand.ts";
import { didYouMean } from "./nearest.ts";
import { templatesOf } from "./reached-names.ts";
import type { ActionTemplate, RuleFile } from "./rulefile.ts";
import { FLAG_SCOPES } from "./schema.ts";
import { inOrder } from "./shape.ts";
import { namesIn, type Template } from "./template.ts";
import type { Span } from "./toml.ts";

/** Names that fb gives to templates, so no variable may take them. */
export const GIVEN_NAMES: ReadonlySet<string> = new Set([
  ...["src", "obj", "in", "out", "depfile", "build", "gen", "env", "profile", "objects", "linker"],
  ...["tool", "board", "upload", "option", "image", "claim", "uploader", "defined", "data", "user"],
  ...FLAG_SCOPES,
]);

/** Targets that fb gives, so no step may take their names; compile and link are what `before` and `after` speak of. */
const GIVEN_TARGETS: ReadonlySet<string> = new Set([
  ...[
    "firmware",
    "elf",
    "size",
    "core",
    "lib",
    "deps",
    "packages",
    "flash",
    "flash-eeprom",
    "fuses",
    "bootloader",
    "monitor",
    "emulate",
    "fs",
    "flash-fs",
    "erase",
    "compdb",
    "all",
  ],
  ...["compile", "link"],
]);

/**
 * In the order of the file. `rule.reserved-name`, `rule.duplicate-step`; `rule.unknown-name`: an overlay's variable that the file neither has in [vars]
 * nor uses; `rule.edit-text`: append, prepend or remove on a text.
 */
export function checkNames(file: RuleFile): Failure[] {
  const found: Failure[] = [];
  const say = (code: string, message: string, span: Span, hint: string) => found.push(failure(code, 3, message, { ...span, hint }));
  const reserved = (name: string, span: Span) =>
    say(
      "rule.reserved-name",
      `expected another name: \${${name}} is one that fb gives`,
      span,
      `rename the variable, for instance to my_${name}`,
    );

  for (const [name, variable] of file.vars) {
    if (GIVEN_NAMES.has(name)) reserved(name, spanOf(variable));
    if (variable.is === "computed") found.push(...checkComputed(variable));
  }
  for (const { on, within, span } of file.overlays)
    if (on === "when" && !within.includes(".") && !file.vars.has(within))
      say(
        "rule.unknown-name",
        `"${within}" is no variable of [vars]`,
        span,
        didYouMean(within, [...file.vars.keys()], "name it in [vars]"),
      );
  const used = usedNames(file);
  const texts = new Set([...file.vars].filter(([, v]) => v.is !== "list").map(([name]) => name));
  for (const overlay of file.overlays)
    for (const [name, change] of overlay.vars) if (change.is === "set" && change.to.is === "text") texts.add(name);
  for (const overlay of file.overlays)
    for (const [name, change] of overlay.vars) {
      if (GIVEN_NAMES.has(name)) reserved(name, change.span);
      else if (!file.vars.has(name) && !used.has(name))
        say(
          "rule.unknown-name",
          `"${name}" is no variable of [vars], and nothing in this file uses it`,
          change.span,
          didYouMean(name, [...file.vars.keys(), ...used], "name it in [vars]"),
        );
      else if (change.is === "edit" && texts.has(name))
        say(
          "rule.edit-text",
          `append, prepend and remove expect a list, but "${name}" is a text elsewhere in this file`,
          change.span,
          `make it a list everywhere: ${name} = ["…"]`,
        );
    }
  const steps = new Map<string, Span>();
  for (const step of file.steps) {
    const first = steps.get(step.name);
    if (first !== undefined)
      say(
        "rule.duplicate-step",
        `expected another name: line ${first.line} has a step "${step.name}" already`,
        step.span,
        "each step is a target, so each has a name of its own",
      );
    else if (GIVEN_TARGETS.has(step.name))
      say(
        "rule.reserved-name",
        `expected another name: ":${step.name}" is a target that fb gives`,
        step.span,
        `rename the step, for instance to my-${step.name}`,
      );
    steps.set(step.name, first ?? step.span);
  }
  return inOrder(found);
}

/** How many elements there are, and regular expressions that are written out. */
function checkComputed({ by, items, span }: Computed): Failure[] {
  const [least, most, what] = ARITY[by];
  if (items.length < least || items.length > most) {
    const hint = `write ${by} = [ … ] with ${what}`;
    return [
      failure("rule.wrong-value", 3, `${by} expects ${what}, found ${items.length === 1 ? "one element" : `${items.length} elements`}`, {
        ...span,
        hint,
      }),
    ];
  }
  const { at, flags } = patternsOf(by, items.length);
  return at.flatMap((i) => {
    const pattern = items[i];
    if (pattern === undefined) return [];
    // A name stands for letters, whatever they are.
    const text = pattern.parts.map((part) => (part.is === "text" ? part.text : "x")).join("");
    if (isPattern(text, flags)) return [];
    const message = `expected a regular expression, found "${pattern.text}"`;
    return [failure("rule.wrong-value", 3, message, { ...pattern.span, hint: "close its groups and brackets" })];
  });
}

function isPattern(text: string, flags: string): boolean {
  try {
    new RegExp(text, flags);
    return true;
  } catch {
    // What it throws names the place in the expression, which is one line here.
    return false;
  }
}

function spanOf(variable: Variable): Span {
  return variable.is === "text" ? variable.text.span : variable.span;
}

function usedNames(file: RuleFile): Set<string> {
  const used = new Set<string>();
  const see = (templates: Iterable<Template>) => {
    for (const template of templates) for (const name of namesIn(template)) used.add(name);
  };
  const seeVariable = (v: Variable) => see(templatesOf(v));
  const seeAction = (a: ActionTemplate) => {
    see([...a.run, ...a.in, ...a.order, ...a.out, ...a.color, ...a.vars.values()]);
    see([a.depfile, a.label].filter((t) => t !== null));
  };
  for (const v of file.vars.values()) seeVariable(v);
  for (const list of file.flags.values()) see(list);
  for (const tool of file.tools.values()) for (const v of tool.names.values()) seeVariable(v);
  for (const framework of file.frameworks.values()) {
    for (const part of framework.parts) see([part.folder, ...part.filter, ...part.defines]);
    for (const list of [...framework.before.values(), ...framework.after.values()]) see(list);
  }
  for (const script of file.scripts.values()) see([script.file, ...script.names.values(), ...[...script.lists.values()].flat()]);
  for (const overlay of file.overlays)
    for (const change of [...overlay.vars.values(), ...overlay.flags.values()]) {
      if (change.is === "set") seeVariable(change.to);
      else see([...change.prepend, ...change.append]);
    }
  for (const rule of file.rules.values()) seeAction(rule);
  for (const step of file.steps) {
    seeAction(step);
    if (step.sh !== null) see([step.sh]);
  }
  return used;
}
