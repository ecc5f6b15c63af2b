/** What a step reads and writes, as paths: globs and folders resolved, outputs kept where a step may write. */
import { fail, failure, ok } from "../engine/failure.ts";
import { collapse, folderOf, isAbsolute } from "../engine/paths.ts";
import type { ProjectPath, Result } from "../engine/types.ts";
import { type Bound, expand, expandText, type Scope } from "./expand.ts";
import { escapeGlob, filesBelow, glob, isGlob, type ListFolder } from "./globs.ts";
import { paths } from "./instantiate.ts";
import type { Step } from "./rulefile.ts";
import type { Template } from "./template.ts";
import type { Span } from "./toml.ts";

export interface Output {
  readonly path: ProjectPath;
  readonly span: Span;
  readonly step: Step;
}

/** bound: what `${out}` stands for. */
export interface Outputs {
  readonly list: readonly Output[];
  readonly bound: Bound;
}

/** bound: what `${in}` stands for. */
export interface Inputs {
  readonly list: readonly ProjectPath[];
  readonly bound: Bound;
}

/** Files of the project that fb reads before any step runs, so no step may write them. */
const FIXED = new Set(["platformio.ini", "fb.toml", "fb.lock"]);

/** Failure `step.outside`: an output that is not below the folder of outputs nor named inside the project. */
export function outputsOf(step: Step, scope: Scope, build: string): Result<Outputs> {
  const list: Output[] = [];
  for (const template of step.out) {
    const texts = expand([template], scope);
    if (!texts.ok) return texts;
    for (const text of texts.value) {
      const why = refused(text, build);
      if (why !== "")
        return fail(
          failure("step.outside", 3, `step "${step.name}": ${why}`, {
            ...template.span,
            hint: "let it be under ${gen} or ${build}, or a file inside the project",
          }),
        );
      list.push({ path: collapse(text) as ProjectPath, span: template.span, step });
    }
  }
  const bound = paths(step.out, scope);
  if (!bound.ok) return bound;
  return ok({ list, bound: typeof bound.value === "string" ? collapse(bound.value) : bound.value.map(collapse) });
}

/** Why a step may not write there, "" if it may. */
export function refused(text: string, build: string): string {
  const path = collapse(text);
  const lower = path.toLowerCase();
  const first = lower.split("/")[0] ?? "";
  if (text === "" || path === ".") return `expected the path of an output, found "${text}"`;
  if (isAbsolute(path) || first === "..") return `the output "${text}" is outside the project`;
  if (path === build || path === `${build}/`) return `the output "${text}" is the folder of all outputs`;
  if (path.startsWith(`${build}/`)) return "";
  if (first === ".fb") return `the output "${text}" is in fb's own folder, outside "${build}"`;
  if (first === ".git") return `the output "${text}" is in git's own folder`;
  if (FIXED.has(lower)) return `the output "${text}" is a file that fb reads before any step runs`;
  // An output is removed before its action runs, and with a folder all that is in it.
  if (path.endsWith("/")) return `the output folder "${text}" is among the project's own files, and fb empties output folders`;
  return "";
}

export interface InputContext {
  readonly build: string;
  readonly list: ListFolder;
  readonly exists: (path: string) => boolean;
  /** Outputs of the env's steps. */
  readonly outputs: readonly Output[];
  /** Who else produces a path, or null. */
  readonly producer: (path: string) => string | null;
}

/** Failures `step.no-input`: a file or folder that is not there, a glob that matches nothing; `step.outside`: a path that climbs out with `..`. */
export function inputsOf(step: Step, scope: Scope, context: InputContext): Result<Inputs> {
  const list: string[] = [];
  let single = step.in.length === 1;
  for (const template of step.in) {
    const found = isGlob(template.parts.map((p) => (p.is === "text" ? p.text : "")).join(""))
      ? globbed(step, template, scope, context)
      : named(step, template, scope, context);
    if (!found.ok) return found;
    single = single && found.value.single;
    list.push(...found.value.list);
  }
  const unique = [...new Set(list)];
  return ok({ list: unique as ProjectPath[], bound: single && unique[0] !== undefined ? unique[0] : unique });
}

interface Found {
  readonly list: readonly string[];
  readonly single: boolean;
}

function globbed(step: Step, template: Template, scope: Scope, context: InputContext): Result<Found> {
  const plain = expandText(template, scope);
  if (!plain.ok) return plain;
  const pattern = expandText(template, scope, escapeGlob);
  if (!pattern.ok) return pattern;
  const clean = pattern.value.replace(/^(?:\.\/)+/, "");
  if (outside(plain.value)) return fail(climbs(step, plain.value, template.span));
  const list = glob(
    clean,
    context.list,
    context.outputs.map((o) => o.path).filter((p) => !p.endsWith("/")),
  );
  const own = new Set<string>(context.outputs.filter((o) => o.step === step).map((o) => o.path));
  const others = list.filter((p) => !own.has(p));
  if (others.length > 0) return ok({ list: others, single: false });
  return fail(
    failure("step.no-input", 3, `step "${step.name}": expected files that fit "${plain.value}", found none`, {
      ...template.span,
      hint: "globs start at the project's folder; ** stands for any folders",
    }),
  );
}

function named(step: Step, template: Template, scope: Scope, context: InputContext): Result<Found> {
  const texts = expand([template], scope);
  if (!texts.ok) return texts;
  const list: string[] = [];
  let single = texts.value.length === 1 && expandText(template, scope).ok;
  for (const text of texts.value) {
    const path = collapse(text);
    if (outside(text)) return fail(climbs(step, text, template.span));
    const made = path.startsWith(`${context.build}/`) || context.outputs.some((o) => o.path === path) || context.producer(path) !== null;
    if (path.endsWith("/") && !made) {
      const below = filesBelow(path.slice(0, -1), context.list);
      if (below === null) return fail(missing(step, `the folder "${text}"`, folderOf(path), template.span));
      const own = new Set<string>(context.outputs.filter((o) => o.step === step).map((o) => o.path));
      list.push(...below.filter((p) => !own.has(p)));
      single = false;
    } else if (made || context.exists(path)) list.push(path);
    else return fail(missing(step, text === "" ? "a path" : `the file "${text}"`, folderOf(path), template.span));
  }
  return ok({ list, single });
}

function outside(text: string): boolean {
  return collapse(text).split("/")[0] === "..";
}

function climbs(step: Step, text: string, span: Span) {
  return failure("step.outside", 3, `step "${step.name}": the input "${text}" is outside the project`, {
    ...span,
    hint: "expected a path inside the project, or an absolute one",
  });
}

function missing(step: Step, what: string, folder: string, span: Span) {
  return failure("step.no-input", 3, `step "${step.name}": expected ${what}, which is not there and which no step makes`, {
    ...span,
    hint: `look in ${folder === "" ? "the project's folder" : folder}`,
  });
}
