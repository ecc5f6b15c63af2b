/** A project's own steps as actions of one env. */
import { fail, failure, ok } from "../engine/failure.ts";
import { baseOf, collapse, folderOf, isAbsolute } from "../engine/paths.ts";
import type { ActionSpec, Digest, ProjectPath, Result } from "../engine/types.ts";
import { type Bound, expand, expandText, type Scope, scope, withVars, within } from "./expand.ts";
import type { ListFolder } from "./globs.ts";
import { build, RSP_LIMIT } from "./instantiate.ts";
import { isFor, type Resolved } from "./resolve.ts";
import { type RuleFile, ruleDigestInput, type Step } from "./rulefile.ts";
import { shellWord } from "./shellwords.ts";
import { checkWords, cycle, type Ordered, waits, waitsFor } from "./step-order.ts";
import { type Inputs, inputsOf, type Output, type Outputs, outputsOf, refused } from "./step-paths.ts";
import { namesIn, type Template } from "./template.ts";
import type { Span } from "./toml.ts";

/**
 * The first word of a step's command. path: a bare word, to be found on PATH. project: a file of the project or an output; it is an input of the step.
 * package: below `.fb/pkg/`. absolute: anywhere else on the machine. `text` as written, for project and package without `./`.
 */
export interface StepProgram {
  readonly is: "path" | "project" | "package" | "absolute";
  readonly text: string;
  readonly step: string;
  readonly span: Span;
}

export interface StepContext {
  readonly env: string;
  readonly profile: string;
  /** `.fb/build/ENV/PROFILE`, and the folder in it for generated headers and sources. */
  readonly build: string;
  readonly gen: string;
  /** All envs of the project. */
  readonly envs: readonly string[];
  /** The file's own variables for this env. */
  readonly resolved: Resolved;
  /** `build gen env profile board.* upload.* option.* tool.*`. */
  readonly scope: Scope;
  /** What `${image.NAME}` stands for: the path of each image that the link can lead to. */
  readonly images: ReadonlyMap<string, string>;
  /** What makes a path that no step makes, for the message; null if nothing does. */
  readonly producer: (path: string) => string | null;
  readonly list: ListFolder;
  readonly exists: (path: string) => boolean;
  /** The digest that stands for a program in the key; a failure where it is not found. */
  readonly tool: (program: StepProgram) => Result<Digest>;
  readonly hash: (text: string) => Digest;
  /** Variables that a step's process gets beyond its own, not in its key: PATH. */
  readonly passed: Readonly<Record<string, string>>;
}

export interface PlannedSteps {
  readonly actions: readonly ActionSpec[];
  /** There before any compile starts: for `orderOnly` of compiles. */
  readonly generatedOutputs: readonly ProjectPath[];
  /** There before the link starts. */
  readonly beforeLink: readonly ProjectPath[];
  /** The output that is the env's image instead of the platform's, or null. */
  readonly provides: { readonly image: ProjectPath | null };
  /** The names of `images` that a step uses: their actions are needed when the step is. */
  readonly images: readonly string[];
  /** The step's name → its outputs; of a step without outputs the name of its action. */
  readonly targets: Readonly<Record<string, readonly ProjectPath[]>>;
}

/** What is known of one step before its action is made. */
interface Draft {
  readonly step: Step;
  readonly scope: Scope;
  readonly outputs: Outputs;
  readonly inputs: Inputs;
  readonly argv: readonly string[];
  /** The files of the project that it runs. */
  readonly programs: readonly string[];
  readonly order: readonly string[];
  readonly images: readonly string[];
  readonly before: readonly string[];
}

/**
 * Failures (exit 3): of expand; `step.outside`, `step.no-input`, `step.two-producers`, `step.cycle`, `step.unknown-step`, `step.unknown-env`,
 * `step.no-output` (before, after or `provides` of a step that writes nothing, or a folder as the image), `step.image-too-early`.
 */
export function planSteps(file: RuleFile, context: StepContext): Result<PlannedSteps> {
  const wrong = checkWords(file.steps, context.envs);
  if (wrong !== null) return fail(wrong);
  const steps = file.steps.filter((step) => isFor(step.env, context.env));
  const images: [string, Bound][] = [...context.images].map(([name, path]) => [`image.${name}`, path]);
  const own = withVars(within(context.scope, images), context.resolved.vars);
  const written = new Map<Step, Outputs>();
  for (const step of steps) {
    const outputs = outputsOf(step, own, context.build);
    if (!outputs.ok) return outputs;
    written.set(step, outputs.value);
  }
  const all = [...written.values()].flatMap((o) => o.list);
  const clash = twoProducers(all, context.producer);
  if (clash !== null) return fail(clash);

  const drafts: Draft[] = [];
  for (const step of steps) {
    const outputs = written.get(step);
    if (outputs === undefined) continue;
    const draft = draftOf(step, own, outputs, all, context);
    if (!draft.ok) return draft;
    drafts.push(draft.value);
  }
  const ordered = drafts.map((d): Ordered => ({ step: d.step, before: d.before, reads: readsOf(d, all), images: d.images }));
  const graph = waits(ordered);
  const loop = cycle(graph, ordered);
  if (loop !== null) return fail(loop);
  for (const { step, images } of drafts) {
    const without = waits(ordered.map((o) => (o.step === step ? { ...o, images: [] } : o)));
    if (images.length > 0 && !waitsFor(without, step.name, "link")) return fail(tooEarly(step, images[0] ?? ""));
  }
  const unordered = noOutput(drafts);
  return unordered ?? assemble(drafts, context);
}

function draftOf(step: Step, own: Scope, outputs: Outputs, all: readonly Output[], context: StepContext): Result<Draft> {
  // To name an output after an image is not to read it, so only what follows is remembered.
  const recording = new Recording([...context.images].map(([name, path]) => [`image.${name}`, path]));
  const withOut = within(scope(recording, undefined, own), [["out", outputs.bound]]);
  const inputs = inputsOf(step, withOut, { ...context, outputs: all });
  if (!inputs.ok) return inputs;
  const names: [string, Bound][] = [["in", inputs.value.bound]];
  if (step.depfile !== null) {
    const depfile = expandText(step.depfile, withOut);
    if (!depfile.ok) return depfile;
    const why = collapse(depfile.value).startsWith(`${context.build}/`)
      ? ""
      : refused(depfile.value, context.build) || `the depfile "${depfile.value}" is not under \${build}`;
    if (why !== "")
      return fail(
        failure("step.outside", 3, `step "${step.name}": ${why}`, { ...step.depfile.span, hint: 'write depfile = "${build}/NAME.d"' }),
      );
    names.push(["depfile", depfile.value]);
  }
  const inner = within(withOut, names);
  const argv = commandOf(step, inner);
  if (!argv.ok) return argv;
  // The rest of what an action is made of, so that an image named only there is seen too.
  const order = expand(step.order, inner);
  if (!order.ok) return order;
  for (const template of [...step.vars.values(), ...step.color, ...(step.label === null ? [] : [step.label])]) {
    const text = expand([template], inner);
    if (!text.ok) return text;
  }
  const used = [...recording.used].map((name) => name.slice("image.".length));
  const late = used.length > 0 || step.after.some((word) => word.text === "link");
  const generates = outputs.list.some((o) => o.path.startsWith(`${context.gen}/`));
  const before = step.before?.map((word) => word.text) ?? (generates && !late ? ["compile"] : []);
  const programs = programFiles(step, argv.value, all, context);
  return ok({ step, scope: inner, outputs, inputs: inputs.value, argv: argv.value, programs, order: order.value, images: used, before });
}

/** `sh` runs with -e, so a line that fails in the middle fails the step. */
function commandOf(step: Step, scope: Scope): Result<readonly string[]> {
  if (step.sh !== null) {
    const text = expandText(step.sh, scope, shellWord);
    return text.ok ? ok(["/bin/sh", "-ec", text.value]) : text;
  }
  const argv = expand(step.run, scope);
  if (argv.ok && (argv.value[0] ?? "") === "")
    return fail(
      failure("step.no-program", 3, `step "${step.name}": expected a program as the first element of run`, {
        ...(step.run[0] ?? step).span,
        hint: "the names in it stand for nothing",
      }),
    );
  return argv;
}

function programOf(step: Step, first: string): StepProgram {
  const span = (step.sh ?? step.run[0] ?? step).span;
  if (!first.includes("/")) return { is: "path", text: first, step: step.name, span };
  const path = collapse(first);
  if (isAbsolute(first) || path.split("/")[0] === "..") return { is: "absolute", text: first, step: step.name, span };
  return { is: path.startsWith(".fb/pkg/") ? "package" : "project", text: path, step: step.name, span };
}

/** Of the project: the first word, or the script that an interpreter is given (`python3 tools/make.py`): the first word behind it that is no option. */
function programFiles(step: Step, argv: readonly string[], all: readonly Output[], context: StepContext): string[] {
  const program = programOf(step, argv[0] ?? "");
  if (program.is === "project") return [program.text];
  const word = step.sh === null ? argv.slice(1).find((each) => !each.startsWith("-")) : undefined;
  const script = collapse(word ?? "");
  if (word === undefined || isAbsolute(script) || script.startsWith("../")) return [];
  const maker = all.find((o) => o.path === script);
  if (maker !== undefined) return maker.step === step ? [] : [script];
  if (script.startsWith(`${context.build}/`)) return [];
  return context.list(folderOf(script))?.some((e) => e.is === "file" && e.name === baseOf(script)) === true ? [script] : [];
}

function readsOf(draft: Draft, all: readonly Output[]): string[] {
  const read = new Set<string>([...draft.inputs.list, ...draft.order.map(collapse), ...draft.programs]);
  return all
    .filter((o) => read.has(o.path) || (o.path.endsWith("/") && [...read].some((p) => p.startsWith(o.path))))
    .map((o) => o.step.name);
}

/** Paths are compared without case, since some disks do. */
function twoProducers(all: readonly Output[], producer: (path: string) => string | null) {
  const seen = new Map<string, Output>();
  const bare = (path: string) => path.toLowerCase().replace(/\/$/, "");
  for (const output of all) {
    const key = bare(output.path);
    const first = seen.get(key);
    const by =
      first === undefined
        ? producer(output.path)
        : `step "${first.step.name}" (${first.span.file}:${first.span.line}:${first.span.column})`;
    if (by !== null) return clashes(output, `${by} makes "${output.path}" already`);
    seen.set(key, output);
  }
  for (const output of all)
    for (let at = bare(output.path).lastIndexOf("/"); at > 0; at = bare(output.path).lastIndexOf("/", at - 1)) {
      const outer = seen.get(bare(output.path).slice(0, at));
      if (outer !== undefined && !(outer.step === output.step && outer.path.endsWith("/")))
        return clashes(
          output,
          `"${output.path}" is within "${outer.path}", which step "${outer.step.name}" (${outer.span.file}:${outer.span.line}:${outer.span.column}) makes`,
        );
    }
  return null;
}

function clashes(output: Output, why: string) {
  return failure("step.two-producers", 3, `step "${output.step.name}": ${why}`, {
    ...output.span,
    hint: "expected one maker for each file: give the output another name",
  });
}

function tooEarly(step: Step, image: string) {
  const name = `image.${image}`;
  const templates: Template[] = [...step.in, ...step.run, ...(step.sh === null ? [] : [step.sh]), ...step.order, ...step.vars.values()];
  const at = templates.flatMap((t) => t.parts).find((p) => p.is === "name" && p.name === name);
  const span = at?.is === "name" ? at.span : (templates.find((t) => namesIn(t).length > 0) ?? step).span;
  return failure("step.image-too-early", 3, `step "${step.name}" uses \${${name}}, which is there only after the link`, {
    ...span,
    hint: 'expected after = ["link"] in this step',
  });
}

/** Order is kept through files, so a step that writes none cannot come before another. */
function noOutput(drafts: readonly Draft[]): Result<never> | null {
  const say = (span: Span, message: string, hint: string) => fail<never>(failure("step.no-output", 3, message, { ...span, hint }));
  const images = drafts.filter((d) => d.step.provides === "image");
  for (const { step, outputs } of drafts) {
    const word = step.before?.[0];
    if (word !== undefined && outputs.list.length === 0)
      return say(word.span, `step "${step.name}" is to run before ${word.text}, but has no output`, 'expected an "out" in this step');
    for (const after of step.after) {
      const other = drafts.find((d) => d.step.name === after.text);
      if (other !== undefined && other.outputs.list.length === 0)
        return say(
          after.span,
          `step "${step.name}" is to run after "${after.text}", which has no output`,
          `expected an "out" in step "${after.text}"`,
        );
    }
    const image = step.provides === "image" ? outputs.list[0] : undefined;
    if (step.provides === "image" && (image === undefined || image.path.endsWith("/")))
      return say(
        image?.span ?? step.span,
        `step "${step.name}" provides the image: expected a file as its first output`,
        "name the file first in out",
      );
  }
  const [first, second] = images;
  if (first !== undefined && second !== undefined)
    return fail(
      failure(
        "step.two-producers",
        3,
        `step "${second.step.name}": step "${first.step.name}" (${first.step.span.file}:${first.step.span.line}:${first.step.span.column}) provides the image already`,
        {
          ...second.step.span,
          hint: 'expected one provider for each env: limit them with env = ["…"]',
        },
      ),
    );
  return null;
}

function assemble(drafts: readonly Draft[], context: StepContext): Result<PlannedSteps> {
  const actions: ActionSpec[] = [];
  const targets: Record<string, readonly ProjectPath[]> = {};
  for (const draft of drafts) {
    const action = actionOf(draft, drafts, context);
    if (!action.ok) return action;
    actions.push(action.value);
    targets[draft.step.name] = action.value.outputs.length > 0 ? action.value.outputs : [action.value.name as ProjectPath];
  }
  const before = (what: string) => drafts.filter((d) => d.before.includes(what)).flatMap((d) => d.outputs.list.map((o) => o.path));
  return ok({
    actions,
    generatedOutputs: before("compile"),
    beforeLink: before("link"),
    provides: { image: drafts.find((d) => d.step.provides === "image")?.outputs.list[0]?.path ?? null },
    images: [...new Set(drafts.flatMap((d) => d.images))].sort(),
    targets,
  });
}

function actionOf(draft: Draft, drafts: readonly Draft[], context: StepContext): Result<ActionSpec> {
  const { step, argv, inputs, outputs } = draft;
  const program = programOf(step, argv[0] ?? "");
  const tool = context.tool(program);
  if (!tool.ok) return tool;
  const outputsOfStep = (d: Draft) => d.outputs.list.map((o) => o.path);
  const orderOnly: string[] = drafts
    .filter((d) => d.before.includes(step.name) || step.after.some((word) => word.text === d.step.name))
    .flatMap(outputsOfStep);
  const elf = context.images.get("elf");
  if (step.after.some((word) => word.text === "link") && elf !== undefined) orderOnly.push(elf);
  const used = draft.images.map((name) => context.images.get(name) ?? "").filter((p) => p !== "");
  const action = build(
    step,
    "step",
    draft.scope,
    [...inputs.list, ...used, ...draft.programs],
    outputs.list.map((o) => o.path),
    {
      env: context.env,
      profile: context.profile,
      build: context.build,
      src: null,
      inputs: [],
      orderOnly,
      label: step.name,
      tool: tool.value,
      builtIn: [],
      opened: new Map(),
      filesBelow: () => null,
      devices: new Map(),
      rule: context.hash(ruleDigestInput(step)),
      rspLimit: RSP_LIMIT,
    },
    argv,
  );
  return action.ok ? ok({ ...action.value, unkeyed: { argv: action.value.unkeyed.argv, vars: context.passed } }) : action;
}

/** Names that remember which of them were looked up. */
class Recording extends Map<string, Bound> {
  readonly used = new Set<string>();
  override get(name: string): Bound | undefined {
    const bound = super.get(name);
    if (bound !== undefined) this.used.add(name);
    return bound;
  }
}
