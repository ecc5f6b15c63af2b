/** The actions of one env's plan, made from its platform's rules: compiles, archives, the link and what follows it. */
import { isEffect } from "../engine/effects.ts";
import { fail, failure, ok } from "../engine/failure.ts";
import { baseOf, collapse } from "../engine/paths.ts";
import type { ActionSpec, Digest, PlanIo, ProjectPath, Read, Result } from "../engine/types.ts";
import { argumentFiles } from "./argument-files.ts";
import type { CompileFlags, Composed } from "./compose.ts";
import type { EnvPlan, PlannedTool } from "./env-plan.ts";
import { filesBelow } from "./globs.ts";
import { type Bound, expand, type Scope, within } from "./expand.ts";
import type { SourceKind } from "./filter.ts";
import { innerTool } from "./inner-tools.ts";
import { type Given, instantiate, RSP_LIMIT } from "./instantiate.ts";
import { linkerScripts, mapFiles } from "./link-files.ts";
import { didYouMean } from "./nearest.ts";
import type { Resolved } from "./resolve.ts";
import { reachedNames } from "./reached-names.ts";
import { type Rule, ruleDigestInput } from "./rulefile.ts";
import { shellWord } from "./shellwords.ts";
import { namesIn, type Template } from "./template.ts";
import { effectScope, IMAGE_MARK, uploadOf } from "./uploads.ts";

export type Hash = (text: string) => Digest;

/** A group of sources that share flags: the project's, the core's, the variant's. */
export interface Group {
  readonly sources: readonly { readonly src: string; readonly obj: string; readonly kind: SourceKind }[];
  readonly flags: CompileFlags;
  readonly waitFor: readonly string[];
}

export class EnvActions {
  /** All that were made, in order. */
  readonly made: ActionSpec[] = [];
  private readonly p: EnvPlan;
  private readonly io: PlanIo;
  private readonly hash: Hash;
  private readonly build: string;
  private readonly resolved: Resolved;
  private scope: Scope;
  private readonly digests = new Map<Rule, Digest>();
  private readonly toolsOf = new Map<Rule, PlannedTool | null>();

  /** build: the env's output folder. */
  constructor(plan: EnvPlan, io: PlanIo, hash: Hash, build: string, resolved: Resolved, scope: Scope) {
    this.p = plan;
    this.io = io;
    this.hash = hash;
    this.build = build;
    this.resolved = resolved;
    this.scope = scope;
  }

  /** An action that runs inside fb. */
  inner(name: string, args: readonly string[], inputs: readonly string[], out: ProjectPath, label: string): void {
    const { env, profile } = this.p;
    this.made.push({
      name: `${env}/${profile}/${name}:${out.slice(this.build.length + 1)}`,
      kind: "step",
      label,
      env,
      profile,
      sharing: "all",
      argv: ["fb", "tool", ...args],
      vars: {},
      unkeyed: { argv: [], vars: {} },
      rspfile: null,
      inputs: inputs.map((path) => ({ is: "file", path: path as ProjectPath })),
      orderOnly: [],
      outputs: [out],
      tool: this.hash(`inner:${name}`),
      rule: this.hash("inner"),
      discover: { by: "nothing" },
      claims: [{ on: "cpu", units: 1 }],
    });
  }

  compileAll(group: Group): Result<ProjectPath[]> {
    const { flags } = group;
    const lists: [string, Bound][] = [
      ["cflags", flags.cflags],
      ["cxxflags", flags.cxxflags],
      ["ccflags", flags.ccflags],
      ["cppflags", flags.cppflags],
      ["asflags", flags.asflags],
      ["asppflags", flags.asppflags],
      ["defines", flags.defines],
      ["includes", flags.includes],
    ];
    const groupScope = within(this.scope, lists);
    const named = argumentFiles(
      [...flags.ccflags, ...flags.cflags, ...flags.cxxflags, ...flags.cppflags, ...flags.asflags],
      group.waitFor,
      this.io,
    );
    const objects: ProjectPath[] = [];
    const made = (path: string) => path.startsWith(`${this.build}/`);
    const readsMade = flags.includeDirs.some(made);
    for (const { src, obj, kind } of group.sources) {
      const rule = this.ruleFor(src, kind);
      if (!rule.ok) return rule;
      const tool = this.toolOf(rule.value);
      const given: Given = {
        ...this.given(rule.value, tool),
        src,
        inputs: named.files.map(fileRead),
        opened: named.opened,
        orderOnly: group.waitFor,
        label: src,
        builtIn: kind === "cxx" ? (tool?.includeCxx ?? []) : (tool?.includeC ?? []),
      };
      const action = instantiate(rule.value, within(groupScope, [["obj", obj]]), given);
      if (!action.ok) return action;
      // Debug information, __FILE__, assert and the seed that names the source say where a generated file lies.
      const names = action.value.sharing === "all" && (readsMade || made(src));
      this.made.push(names ? { ...action.value, sharing: "outputs" } : action.value);
      const output = action.value.outputs[0];
      if (output !== undefined) objects.push(output);
    }
    return ok(objects);
  }

  /** What the platform's rules of kind step make before the link: linker scripts, and objects (`.o`) that are linked. One whose inputs are all empty lists makes nothing. */
  prepare(): Result<ProjectPath[]> {
    const outputs: ProjectPath[] = [];
    for (const rule of this.resolved.rules.values()) {
      if (rule.kind !== "step") continue;
      const ins = expand(rule.in, this.scope);
      if (!ins.ok) return ins;
      if (ins.value.length === 0 && rule.in.length > 0) continue;
      const tool = this.toolOf(rule);
      const action = instantiate(rule, this.scope, { ...this.given(rule, tool), builtIn: tool?.includeC ?? [] });
      if (!action.ok) return action;
      this.made.push(action.value);
      outputs.push(...action.value.outputs);
    }
    return ok(outputs);
  }

  archive(name: string, objects: readonly ProjectPath[]): Result<ProjectPath> {
    const rule = this.named("archive");
    if (!rule.ok) return rule;
    const given = { ...this.given(rule.value, this.toolOf(rule.value)), inputs: objects.map(fileRead), label: name };
    const action = instantiate(
      rule.value,
      within(this.scope, [
        ["archive", name],
        ["objects", objects],
      ]),
      given,
    );
    if (!action.ok) return action;
    this.made.push(action.value);
    return ok(action.value.outputs[0] as ProjectPath);
  }

  /** waitFor: what must be there before it starts; made: what steps write until then. */
  link(
    sources: Group["sources"],
    objects: readonly ProjectPath[],
    archives: readonly ProjectPath[],
    flags: Composed["link"],
    waitFor: readonly ProjectPath[],
    made: readonly ProjectPath[],
  ): Result<ProjectPath> {
    const rule = this.named("link");
    if (!rule.ok) return rule;
    const list = (name: string) => expand([nameOnly(name)], this.scope);
    const linker = list(sources.some((s) => s.kind === "cxx") ? "link_cxx" : "link_c");
    const start = list("group_start");
    const end = list("group_end");
    if (!linker.ok) return linker;
    if (!start.ok) return start;
    if (!end.ok) return end;
    const inGroup = [...flags.libsBefore, ...archives, ...flags.libsAfter];
    const libs = inGroup.length === 0 ? [] : [...start.value, ...inGroup, ...end.value];
    const tool = this.toolOf(rule.value);
    const named = argumentFiles(flags.linkflags, made, this.io);
    const found = linkerScripts(named.words, flags.libpath, made, this.io);
    const scripts = [...named.files, ...found];
    this.scope = within(this.scope, this.scriptNames(found[0] ?? null));
    const given: Given = {
      ...this.given(rule.value, tool),
      inputs: [...objects, ...archives, ...scripts].map(fileRead),
      opened: named.opened,
      orderOnly: waitFor,
      label: imageName(this.p, this.resolved, "elf"),
      builtIn: tool?.libraries ?? [],
    };
    const names: [string, Bound][] = [
      ["linker", linker.value[0] ?? ""],
      ["linkflags", flags.linkflags],
      ["objects", objects],
      ["libpath", flags.libpath],
      ["libs", libs],
    ];
    const action = instantiate(rule.value, within(this.scope, names), given);
    if (!action.ok) return action;
    const maps = mapFiles(flags.linkflags, this.build);
    this.made.push({
      ...action.value,
      outputs: [...action.value.outputs, ...maps],
      sharing: maps.length > 0 ? "outputs" : action.value.sharing,
    });
    return ok(action.value.outputs[0] as ProjectPath);
  }

  /** What rules may say of the linker script that the flags name first: its path, and its text where a variable reads in it. "" where there is none. */
  private scriptNames(file: ProjectPath | null): [string, Bound][] {
    const isRead = [...this.resolved.vars.values()].some(
      (v) => v.is === "computed" && v.items.some((item) => namesIn(item).includes("ldscript.text")),
    );
    const content = isRead && file !== null && !file.startsWith(".fb/build/") ? this.io.read(file) : null;
    return [
      ["ldscript.file", file ?? ""],
      ["ldscript.text", content === null ? "" : new TextDecoder().decode(content).replaceAll(/\/\*[\s\S]*?\*\//g, " ")],
    ];
  }

  /** What is made from the linked program: the image to flash, the size report; targets: what is made for those who ask for it by name. */
  images(): Result<{ image: ProjectPath; reports: ProjectPath[]; targets: Record<string, ProjectPath[]> }> {
    const kind = this.p.platform.platform?.image ?? "elf";
    let image = `${this.build}/${imageName(this.p, this.resolved, "elf")}` as ProjectPath;
    const reports: ProjectPath[] = [];
    const targets: Record<string, ProjectPath[]> = {};
    for (const rule of this.resolved.rules.values()) {
      if (rule.kind !== "objcopy" && rule.kind !== "size") continue;
      // Its tool is there when it is asked for.
      if (rule.target !== "" && this.toolOf(rule) === null && this.toolName(rule) !== undefined) continue;
      const action = instantiate(rule, this.scope, { ...this.given(rule, this.toolOf(rule)), label: null });
      if (!action.ok && rule.target !== "") continue;
      if (!action.ok) return action;
      const output = action.value.outputs[0] as ProjectPath;
      this.made.push({ ...action.value, label: baseOf(output) });
      if (rule.target !== "") targets[rule.target] = [...(targets[rule.target] ?? []), output];
      else if (rule.kind === "size") reports.push(output);
      else if (output.endsWith(`.${kind}`)) image = output;
    }
    return ok({ image, reports, targets });
  }

  /**
   * What is done with the image, by the names of targets. A rule that this board has no facts for gives none. What only a run knows stays in the command as it is
   * written: `${claim.port}`, the folder of a tool that builds have no use for, and its program.
   */
  effects(image: ProjectPath): Record<string, ProjectPath[]> {
    const { platform, tools, names, variables, env } = this.p;
    const late = [...this.resolved.tools.keys()]
      .flatMap((name) => [...(tools.has(name) ? [] : [`tool.${name}`]), `tool.${name}.program`])
      .map((name): [string, Bound] => [name, `\${${name}}`]);
    const found = uploadOf(platform, names, variables);
    const upload = found.ok ? found.value : null;
    const scope = effectScope(platform, upload, this.scope, [...late, [`image.${platform.platform?.image ?? "elf"}`, image]]);
    const devices = new Map(["sim", "serial"].map((name) => [name, `${name}:${env}`]));
    const targets: Record<string, ProjectPath[]> = {};
    const rules = [...this.resolved.rules.values()].filter((rule) => isEffect(rule) && (rule.kind === "monitor" || upload !== null));
    for (const target of new Set(rules.map((rule) => rule.target))) {
      // All of a target or nothing: half of it may leave a chip that answers no more.
      const made: ActionSpec[] = [];
      for (const rule of rules.filter((each) => each.target === target)) {
        const action = instantiate(rule, scope, { ...this.given(rule, this.toolOf(rule)), devices });
        if (!action.ok) break;
        const [read] = action.value.inputs;
        const own = rule.name === "flash" && upload?.command != null ? shellCommand(upload.command, image) : action.value.argv;
        made.push({ ...action.value, label: read === undefined || rule.name !== target ? rule.name : baseOf(read.path), argv: own });
      }
      if (made.length < rules.filter((each) => each.target === target).length) continue;
      this.made.push(...made);
      targets[target] = made.map((action) => action.name as ProjectPath);
    }
    return targets;
  }

  private ruleFor(src: string, kind: SourceKind): Result<Rule> {
    const name = baseOf(src);
    for (const rule of this.resolved.rules.values()) {
      if (rule.kind === "compile" && rule.match.some((glob) => globFits(glob, name))) return ok(rule);
    }
    const message = `no rule of platform ${this.p.platform.platform?.names[0]} compiles ${src} (${kind})`;
    return fail(failure("plan.no-rule", 3, message, { file: this.p.platform.file, hint: "leave it out with build_src_filter" }));
  }

  private named(name: string): Result<Rule> {
    const rule = this.resolved.rules.get(name);
    if (rule !== undefined) return ok(rule);
    const hint = didYouMean(name, this.resolved.rules.keys(), "install fb again");
    return fail(failure("plan.no-rule", 3, `${this.p.platform.file} has no rule "${name}"`, { file: this.p.platform.file, hint }));
  }

  /** The tool whose programs a rule runs: the first that its command names, itself or through variables. */
  private toolOf(rule: Rule): PlannedTool | null {
    let tool = this.toolsOf.get(rule);
    if (tool === undefined) {
      tool = this.p.tools.get(this.toolName(rule) ?? "") ?? null;
      this.toolsOf.set(rule, tool);
    }
    return tool;
  }

  private toolName(rule: Rule): string | undefined {
    const from = [...rule.run, ...(rule.kind === "link" ? [nameOnly("link_cxx")] : [])];
    const valuesOf = (name: string) => {
      const variable = this.resolved.vars.get(name);
      return variable === undefined ? [] : [variable];
    };
    for (const name of reachedNames(from, valuesOf)) if (name.startsWith("tool.")) return name.split(".")[1];
    return undefined;
  }

  private given(rule: Rule, tool: PlannedTool | null): Given {
    let digest = this.digests.get(rule);
    if (digest === undefined) {
      digest = this.hash(ruleDigestInput(rule));
      this.digests.set(rule, digest);
    }
    return {
      env: this.p.env,
      profile: this.p.profile,
      build: this.build,
      src: null,
      inputs: [],
      orderOnly: [],
      label: null,
      tool: tool?.digest ?? this.hash(innerTool(rule.run.map((template) => template.text))),
      builtIn: [],
      opened: new Map(),
      filesBelow: (folder) => filesBelow(folder, (dir) => this.io.list(dir)),
      devices: new Map(),
      rule: digest,
      rspLimit: RSP_LIMIT,
    };
  }
}

/** upload_command, which PlatformIO gives to a shell. */
function shellCommand(command: string, image: ProjectPath): string[] {
  return ["/bin/sh", "-c", command.replaceAll(IMAGE_MARK, () => shellWord(image))];
}

/** The name of an image's file in the output folder. */
export function imageName(plan: EnvPlan, resolved: Resolved, kind: string): string {
  const program = plan.platform.platform?.program ?? "firmware";
  // The platform's link rule names its own output; a host's program has no suffix.
  const linked = resolved.rules.get("link")?.out[0]?.text;
  return kind === "elf" && linked !== undefined ? baseOf(linked) : `${program}.${kind}`;
}

/** The template `${name}`, which no file says. */
export function nameOnly(name: string): Template {
  const span = { file: "", line: 0, column: 0 };
  return { text: `\${${name}}`, parts: [{ is: "name", name, or: [], index: null, span }], span };
}

function fileRead(path: string): Read {
  return { is: "file", path: collapse(path) as ProjectPath };
}

/** `*.cpp`, with `**​/` before it or not, against a file's name. */
function globFits(glob: string, name: string): boolean {
  const pattern = glob.startsWith("**/") ? glob.slice(3) : glob;
  return pattern.startsWith("*") && !pattern.slice(1).includes("*") ? name.endsWith(pattern.slice(1)) : pattern === name;
}
