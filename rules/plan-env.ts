/**
 * The plan of one env: which files are compiled by which rule with which flags, what is archived, linked and converted. Pure but for what it looks at
 * through PlanIo, all of which becomes the plan's reads: a file added under the source filter plans again, an edited one does not.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import { baseOf, collapse, join, outFolder } from "../engine/paths.ts";
import type { ActionSpec, Digest, Failure, PlanIo, Planned, ProjectPath, Read, Result } from "../engine/types.ts";
import { type CompileFlags, type Composed, type ComposeInput, compose } from "./compose.ts";
import { type Bound, expand, expandText, type Scope, scope, within } from "./expand.ts";
import { defaultFilter, filterText, matchSources, objectPath, type SourceKind, sourceKind } from "./filter.ts";
import { type FlagContext, noScopes, type Parsed, parseFlags, plainScopes, type Scopes } from "./flags.ts";
import { type Given, instantiate, RSP_LIMIT } from "./instantiate.ts";
import { linkerScripts, mapFiles } from "./link-files.ts";
import { didYouMean } from "./nearest.ts";
import { type LibraryOptions, type PlannedLibraries, planLibraries } from "./plan-libs.ts";
import { type Resolved, resolve } from "./resolve.ts";
import { type Rule, type RuleFile, ruleDigestInput } from "./rulefile.ts";
import { FLAG_SCOPES } from "./schema.ts";
import { type PlannedSteps, planSteps, type StepProgram } from "./steps.ts";
import type { Template } from "./template.ts";

/** A toolchain as a plan sees it. Folders are as commands name them. */
export interface PlannedTool {
  readonly folder: string;
  readonly version: string;
  readonly digest: Digest;
  /** The compilers' own include folders, and the linker's library folders. */
  readonly includeC: readonly string[];
  readonly includeCxx: readonly string[];
  readonly libraries: readonly string[];
}

/** One env with everything that was decided before planning. All of it enters the plan's key. */
export interface EnvPlan {
  readonly env: string;
  readonly profile: "release" | "quick" | "debug";
  readonly host: string;
  readonly projectDir: string;
  readonly platform: RuleFile;
  /** "" for none. */
  readonly framework: string;
  readonly frameworkFolder: string;
  readonly frameworkDigest: string;
  /** Names below `${board.…}` with `board.` before them, `${upload.…}` and `${option.…}`. */
  readonly names: ReadonlyMap<string, Bound>;
  readonly mcu: string;
  /** The folder of the board's variant where it is not the framework's; null for the framework's. */
  readonly variantFolder: string | null;
  readonly tools: ReadonlyMap<string, PlannedTool>;
  /** Variables of flags: PIOENV, PROJECT_SRC_DIR… */
  readonly variables: ReadonlyMap<string, string>;
  readonly flags: {
    readonly board: readonly string[];
    readonly user: FlagSource;
    readonly unflags: FlagSource;
    readonly src: FlagSource;
    readonly debug: FlagSource;
  };
  readonly commands: ReadonlyMap<string, string>;
  readonly srcFilter: readonly string[];
  readonly srcDir: string;
  readonly includeDir: string;
  readonly testDir: string;
  readonly libraries: LibraryOptions;
  /** The project's fb.toml; null for none. */
  readonly own: RuleFile | null;
  /** All envs of the project, for messages. */
  readonly envs: readonly string[];
  /** Where PATH leads for the programs that steps name: absolute paths. */
  readonly programs: ReadonlyMap<string, string>;
}

/** The items of a flag option and where they stand. */
export interface FlagSource {
  readonly items: readonly string[];
  readonly option: string;
  readonly file: string | null;
  readonly line: number;
  readonly column: number;
}

type Hash = (text: string) => Digest;

/** A group of sources that share flags: the project's, the core's, the variant's. */
interface Group {
  readonly sources: readonly { readonly src: string; readonly obj: string; readonly kind: SourceKind }[];
  readonly flags: CompileFlags;
  readonly waitFor: readonly string[];
}

export function planEnv(plan: EnvPlan, io: PlanIo, hash: Hash): Result<Planned> {
  return new EnvPlanner(plan, io, hash).plan();
}

class EnvPlanner {
  private readonly p: EnvPlan;
  private readonly io: PlanIo;
  private readonly hash: Hash;
  private readonly build: string;
  private readonly resolved: Resolved;
  private readonly scope: Scope;
  private readonly actions: ActionSpec[] = [];
  private readonly notes: Failure[] = [];
  private readonly digests = new Map<Rule, Digest>();

  constructor(plan: EnvPlan, io: PlanIo, hash: Hash) {
    this.p = plan;
    this.io = io;
    this.hash = hash;
    this.build = outFolder(plan.env, plan.profile);
    const toolVersions = new Map([...plan.tools].map(([name, tool]) => [name, tool.version]));
    const { env, profile, host, framework, mcu } = plan;
    this.resolved = resolve(plan.platform, { env, profile, host, framework, mcu, toolVersions });
    const gen = `${this.build}/gen`;
    const image = (kind: string): readonly [string, Bound] => [`image.${kind}`, `${this.build}/${this.imageName(kind)}`];
    const names = new Map<string, Bound>([
      ...plan.names,
      ...[...plan.tools].map(([name, tool]) => [`tool.${name}`, tool.folder] as const),
      ["build", this.build],
      ["gen", gen],
      ["env", env],
      ["profile", profile],
      ["framework", plan.frameworkFolder],
      ...["elf", "hex", "bin", "uf2"].map(image),
    ]);
    if (plan.variantFolder !== null) names.set("variant", plan.variantFolder);
    this.scope = scope(names, this.resolved.vars);
  }

  private imageName(kind: string): string {
    const program = this.p.platform.platform?.program ?? "firmware";
    // The platform's link rule names its own output; a host's program has no suffix.
    const linked = this.resolved.rules.get("link")?.out[0]?.text;
    if (kind === "elf" && linked !== undefined) return baseOf(linked);
    return `${program}.${kind}`;
  }

  plan(): Result<Planned> {
    const sources = this.projectSources();
    if (!sources.ok) return sources;
    const input = this.composeInput();
    if (!input.ok) return input;
    const libraries = this.libraries(input.value, sources.value);
    if (!libraries.ok) return libraries;
    const composed = compose({ ...input.value, libraries: libraries.value.inputs, uses: libraries.value.uses });
    const steps = this.steps();
    if (!steps.ok) return steps;
    const { project, framework, link } = composed;
    const generated = steps.value.generatedOutputs;
    const libs = this.buildLibraries(libraries.value, composed, generated);
    if (!libs.ok) return libs;
    const all = [...sources.value, ...this.generatedSources(generated)];
    const own = this.compileAll({ sources: all, flags: project, waitFor: generated });
    if (!own.ok) return own;
    const archives = this.frameworkArchives(framework, generated);
    if (!archives.ok) return archives;
    const { direct, objects, archives: libArchives } = libs.value;
    const linked = this.link(
      [...direct, ...all],
      [...objects, ...own.value],
      [...libArchives, ...archives.value],
      link,
      steps.value.beforeLink,
    );
    if (!linked.ok) return linked;
    const images = this.images();
    if (!images.ok) return images;
    const image = steps.value.provides.image ?? images.value.image;
    const firmware = [image, ...images.value.reports];
    const targets: Record<string, ProjectPath[]> = {
      firmware: firmware as ProjectPath[],
      elf: [linked.value],
      ...(images.value.reports.length === 0 ? {} : { size: images.value.reports as ProjectPath[] }),
      ...(archives.value.length === 0 ? {} : { core: archives.value }),
      ...libs.value.targets,
    };
    for (const [name, paths] of Object.entries(steps.value.targets)) targets[name] = paths as ProjectPath[];
    return ok({ actions: [...this.actions, ...steps.value.actions], targets, notes: this.notes });
  }

  // ── flags ──

  /** All that decides flags but the libraries. */
  private composeInput(): Result<ComposeInput> {
    const { p } = this;
    const failures: Failure[] = [];
    const parse = (source: FlagSource, plain: boolean): Scopes => {
      const parsed: Parsed = parseFlags(source.items, { ...this.flagContext(source), plain });
      for (const note of parsed.notes) (note.severity === "error" ? failures : this.notes).push(note);
      return parsed.scopes;
    };
    const boardSource = { items: p.flags.board, option: "build.extra_flags", file: null, line: 0, column: 0 };
    const own = this.ownFlags();
    if (!own.ok) return own;
    const includeThere = this.io.list(p.includeDir) !== null;
    const genFirst = this.usesGen() ? [`${this.build}/gen`] : [];
    const input: ComposeInput = {
      variables: p.variables,
      projectDir: p.projectDir,
      buildDir: this.build,
      platform: p.framework === "" ? own.value : noScopes,
      board: parse(boardSource, false),
      user: parse(p.flags.user, false),
      framework: p.framework === "" ? noScopes : own.value,
      unflags: parse(p.flags.unflags, false),
      src: parse(p.flags.src, false),
      debug: p.profile === "debug" ? parse(p.flags.debug, true) : null,
      withoutLto: p.profile === "quick",
      testIncludes: null,
      projectIncludes: [...genFirst, ...(includeThere ? [p.includeDir] : []), p.srcDir],
      libraries: [],
      uses: [],
      ldscript: null,
    };
    const first = failures[0];
    return first === undefined ? ok(input) : fail(first);
  }

  private flagContext(source: FlagSource): Omit<FlagContext, "plain"> {
    const { option, file, line, column } = source;
    return { variables: this.p.variables, projectDir: this.p.projectDir, base: "", commands: this.p.commands, option, file, line, column };
  }

  /** The flags of the platform file, for this env. */
  private ownFlags(): Result<Scopes> {
    const lists: Record<string, string[]> = {};
    for (const name of FLAG_SCOPES) {
      const expanded = expand(this.resolved.flags[name], this.scope);
      if (!expanded.ok) return expanded;
      lists[name] = expanded.value;
    }
    return ok(plainScopes(lists as unknown as Parameters<typeof plainScopes>[0]));
  }

  private usesGen(): boolean {
    return this.p.own?.steps.some((s) => s.out.some((o) => o.text.includes("${gen}"))) ?? false;
  }

  // ── sources ──

  private projectSources(): Result<Group["sources"]> {
    const { srcDir, srcFilter, variables } = this.p;
    const found = matchSources(filterText(srcFilter, variables), this.io, srcDir);
    const sources = found.flatMap((path): Group["sources"] => {
      const kind = sourceKind(path);
      const src = collapse(join(srcDir, path));
      return kind === null ? [] : [{ src, obj: withoutSuffix(objectPath("src", path)), kind }];
    });
    const sketch = this.sketch();
    const all = sketch === null ? sources : [...sources, sketch];
    if (all.length > 0) return ok(all);
    const message = `nothing to build: no source file in ${srcDir}/ passes the source filter`;
    const hint = "put sources (.c .cpp .S, for Arduino .ino) there, or look at src_dir and build_src_filter";
    return fail(failure("project.no-sources", 1, message, { file: "platformio.ini", hint }));
  }

  /** What a step writes below ${gen} and is source is compiled with the project's. */
  private generatedSources(outputs: readonly string[]): Group["sources"] {
    return outputs.flatMap((src): Group["sources"] => {
      const kind = src.startsWith(`${this.build}/gen/`) ? sourceKind(src) : null;
      return kind === null ? [] : [{ src, obj: src.slice(this.build.length + 1), kind }];
    });
  }

  /** The files of a sketch, merged before they are compiled. */
  private tabs(): readonly string[] {
    const { srcDir, framework } = this.p;
    if (framework !== "arduino") return [];
    const names = (this.io.list(srcDir) ?? []).filter((e) => e.is === "file" && /\.(ino|pde)$/.test(e.name)).map((e) => e.name);
    return names.map((name) => join(srcDir, name));
  }

  /** The action that merges the tabs of a sketch; its output is compiled as one more source. */
  private sketch(): Group["sources"][number] | null {
    const { srcDir } = this.p;
    const tabs = this.tabs();
    const first = tabs[0];
    if (first === undefined) return null;
    const out = `${this.build}/src/${baseOf(first)}.cpp` as ProjectPath;
    this.actions.push(
      this.inner("ino", ["ino", "--out", out, ...tabs], tabs, out, `${tabs.length === 1 ? first : `${srcDir}/*.ino`} → .cpp`),
    );
    return { src: out, obj: `src/${baseOf(first)}.cpp`, kind: "cxx" };
  }

  /** An action that runs inside fb. */
  private inner(name: string, args: readonly string[], inputs: readonly string[], out: ProjectPath, label: string): ActionSpec {
    const { env, profile } = this.p;
    return {
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
    };
  }

  private frameworkArchives(flags: CompileFlags, generated: readonly string[]): Result<ProjectPath[]> {
    if (this.p.framework === "") return ok([]);
    // PlatformIO links the variant before the core.
    const parts = [
      ["FrameworkArduinoVariant", "variant"],
      ["FrameworkArduino", "core"],
    ] as const;
    const archives: ProjectPath[] = [];
    const forced = flags.includes.some((i) => i.includes(`${this.build}/`)) ? generated : [];
    for (const [name, variable] of parts) {
      const folder = expandText(nameOnly(variable), this.scope);
      if (!folder.ok) return folder;
      if (this.io.list(folder.value) === null) return fail(this.noFolder(variable, folder.value));
      const found = matchSources(defaultFilter, this.io, folder.value).flatMap((path): Group["sources"] => {
        const kind = sourceKind(path);
        return kind === null ? [] : [{ src: join(folder.value, path), obj: withoutSuffix(objectPath(name, path)), kind }];
      });
      if (found.length === 0) continue;
      const objects = this.compileAll({ sources: found, flags, waitFor: forced });
      if (!objects.ok) return objects;
      const archive = this.archive(`lib${name}.a`, objects.value);
      if (!archive.ok) return archive;
      archives.push(archive.value);
    }
    return ok(archives);
  }

  // ── libraries ──

  private libraries(input: ComposeInput, sources: Group["sources"]): Result<PlannedLibraries> {
    const { p } = this;
    const storages = expand([nameOnly("libraries")], this.scope);
    if (!storages.ok) return storages;
    const tabs = this.tabs();
    const sketch = tabs[0] === undefined ? null : { path: `${tabs[0]}.cpp`, tabs };
    const merged = sketch === null ? null : `${this.build}/src/${baseOf(sketch.path)}`;
    const planned = planLibraries({
      options: p.libraries,
      projectDir: p.projectDir,
      framework: p.framework,
      mcu: p.mcu,
      frameworkStorages: storages.value,
      srcDir: p.srcDir,
      includeDir: this.io.list(p.includeDir) === null ? null : p.includeDir,
      testDir: p.testDir,
      sources: sources.map(({ src }) => (src === merged ? (sketch?.path ?? src) : src)).sort(byBytes),
      sketch,
      io: this.io,
      parse: (items, base, option, file) =>
        parseFlags(items, { ...this.flagContext({ items, option, file, line: 0, column: 0 }), base, plain: false }),
      defines: (library) => {
        const alone = compose(library === null ? input : { ...input, libraries: [library], uses: [library.id] });
        return (library === null ? alone.project : alone.libraries.get(library.id))?.defines ?? [];
      },
      otherIncludes: () => [...compose(input).project.includeDirs, ...[...p.tools.values()].flatMap((tool) => tool.includeCxx)],
    });
    const error = planned.notes.find((note) => note.severity === "error");
    if (error !== undefined) return fail(error);
    this.notes.push(...planned.notes);
    return ok(planned);
  }

  /** Compiles the libraries, deepest first. Objects are of those that make no archive; targets: one for each library, and one for all. */
  private buildLibraries(
    planned: PlannedLibraries,
    composed: Composed,
    generated: readonly string[],
  ): Result<{ direct: Group["sources"]; objects: ProjectPath[]; archives: ProjectPath[]; targets: Record<string, ProjectPath[]> }> {
    const direct: Group["sources"][number][] = [];
    const objects: ProjectPath[] = [];
    const archives: ProjectPath[] = [];
    const targets: Record<string, ProjectPath[]> = {};
    const archived = new Map(planned.inputs.map((input) => [input.id, input.archived]));
    for (const id of composed.order) {
      const built = planned.built.get(id);
      const flags = composed.libraries.get(id);
      if (built === undefined || flags === undefined) continue;
      const { library, name } = built;
      const sources = built.sources.flatMap((path): Group["sources"] => {
        const kind = sourceKind(path);
        const obj = withoutSuffix(objectPath(`lib/${name}`, path));
        return kind === null ? [] : [{ src: collapse(join(library.srcDir, path)), obj, kind }];
      });
      const waitFor = flags.includes.some((folder) => folder.includes(`${this.build}/`)) ? generated : [];
      const made = this.compileAll({ sources, flags, waitFor });
      if (!made.ok) return made;
      if (archived.get(id) === true) {
        const archive = this.archive(`lib/${name}/lib${name}.a`, made.value);
        if (!archive.ok) return archive;
        archives.push(archive.value);
        targets[`lib/${name}`] = [archive.value];
      } else {
        direct.push(...sources);
        objects.push(...made.value);
        targets[`lib/${name}`] = made.value;
      }
    }
    return ok({ direct, objects, archives, targets: { ...targets, deps: [...objects, ...archives] } });
  }

  private noFolder(what: "core" | "variant", folder: string): Failure {
    const name = this.p.names.get(`board.build.${what}`);
    const message = `the board's ${what} "${String(name ?? "")}" is not in the framework's package: there is no folder ${folder}`;
    const hint = `use a framework package that has it (platform_packages), or set board_build.${what}`;
    return failure(`framework.no-${what}`, 3, message, { file: "platformio.ini", hint });
  }

  // ── actions ──

  private compileAll(group: Group): Result<ProjectPath[]> {
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
    const responses = [...flags.ccflags, ...flags.cflags, ...flags.cxxflags, ...flags.cppflags]
      .filter((a) => a.startsWith("@"))
      .map((a) => fileRead(a.slice(1)));
    const objects: ProjectPath[] = [];
    for (const { src, obj, kind } of group.sources) {
      const rule = this.ruleFor(src, kind);
      if (!rule.ok) return rule;
      const tool = this.toolOf(rule.value);
      const given: Given = {
        ...this.given(rule.value, tool),
        src,
        inputs: responses,
        orderOnly: group.waitFor,
        label: src,
        builtIn: kind === "cxx" ? (tool?.includeCxx ?? []) : (tool?.includeC ?? []),
      };
      const action = instantiate(rule.value, within(groupScope, [["obj", obj]]), given);
      if (!action.ok) return action;
      this.actions.push(action.value);
      const output = action.value.outputs[0];
      if (output !== undefined) objects.push(output);
    }
    return ok(objects);
  }

  private archive(name: string, objects: readonly ProjectPath[]): Result<ProjectPath> {
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
    this.actions.push(action.value);
    return ok(action.value.outputs[0] as ProjectPath);
  }

  private link(
    sources: Group["sources"],
    objects: readonly ProjectPath[],
    archives: readonly ProjectPath[],
    flags: Composed["link"],
    waitFor: readonly ProjectPath[],
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
    const scripts = linkerScripts(flags.linkflags, flags.libpath, this.io);
    const given: Given = {
      ...this.given(rule.value, tool),
      inputs: [...objects, ...archives, ...scripts].map(fileRead),
      orderOnly: waitFor,
      label: this.imageName("elf"),
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
    this.actions.push({
      ...action.value,
      outputs: [...action.value.outputs, ...maps],
      sharing: maps.length > 0 ? "outputs" : action.value.sharing,
    });
    return ok(action.value.outputs[0] as ProjectPath);
  }

  /** What is made from the linked program: the image to flash, the size report. */
  private images(): Result<{ image: ProjectPath; reports: ProjectPath[] }> {
    const kind = this.p.platform.platform?.image ?? "elf";
    let image = `${this.build}/${this.imageName("elf")}` as ProjectPath;
    const reports: ProjectPath[] = [];
    for (const rule of this.resolved.rules.values()) {
      if (rule.kind !== "objcopy" && rule.kind !== "size") continue;
      const action = instantiate(rule, this.scope, { ...this.given(rule, this.toolOf(rule)), label: null });
      if (!action.ok) return action;
      const output = action.value.outputs[0] as ProjectPath;
      const named = { ...action.value, label: baseOf(output) };
      this.actions.push(named);
      if (rule.kind === "size") reports.push(output);
      else if (output.endsWith(`.${kind}`)) image = output;
    }
    return ok({ image, reports });
  }

  private steps(): Result<PlannedSteps> {
    const { own, env, profile, host, framework, mcu } = this.p;
    if (own === null) return ok({ actions: [], generatedOutputs: [], beforeLink: [], provides: { image: null }, images: [], targets: {} });
    const toolVersions = new Map([...this.p.tools].map(([name, tool]) => [name, tool.version]));
    const images = new Map(["elf", "hex", "bin", "uf2"].map((kind): [string, string] => [kind, `${this.build}/${this.imageName(kind)}`]));
    const made = new Map([...images].map(([kind, path]) => [path, `the image ${kind} of env ${env}`] as const));
    return planSteps(own, {
      env,
      profile,
      build: this.build,
      gen: `${this.build}/gen`,
      envs: this.p.envs,
      resolved: resolve(own, { env, profile, host, framework, mcu, toolVersions }),
      scope: this.scope,
      images,
      producer: (path) => made.get(path) ?? null,
      list: (dir) => this.io.list(dir),
      exists: (path) => this.io.exists(path),
      tool: (program) => this.programDigest(program),
      hash: this.hash,
      passed: {},
    });
  }

  private programDigest(program: StepProgram): Result<Digest> {
    if (program.is === "project") return ok(this.hash("project"));
    const path = program.is === "path" ? this.p.programs.get(program.text) : program.text;
    const digest = path === undefined ? null : this.io.digest(path);
    if (digest !== null) return ok(digest);
    const message = `step "${program.step}": the program ${program.text} is not there${program.is === "path" ? " (looked for on PATH)" : ""}`;
    return fail(failure("step.no-program", 3, message, { ...program.span, hint: "install it, or name it by its path" }));
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

  /** The tool whose programs a rule runs. */
  private toolOf(rule: Rule): PlannedTool | null {
    const text = rule.run.map((t) => t.text).join(" ");
    const name = /\$\{tool\.([^.}]+)/.exec(text)?.[1] ?? (rule.kind === "link" ? [...this.p.tools.keys()][0] : undefined);
    return name === undefined ? null : (this.p.tools.get(name) ?? null);
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
      tool: tool?.digest ?? this.hash("fb"),
      builtIn: [],
      devices: new Map(),
      rule: digest,
      rspLimit: RSP_LIMIT,
    };
  }
}

/** The template `${name}`, which no file says. */
function nameOnly(name: string): Template {
  const span = { file: "", line: 0, column: 0 };
  return { text: `\${${name}}`, parts: [{ is: "name", name, index: null, span }], span };
}

function fileRead(path: string): Read {
  return { is: "file", path: collapse(path) as ProjectPath };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function withoutSuffix(object: string): string {
  return object.endsWith(".o") ? object.slice(0, -2) : object;
}

/** `*.cpp`, with `**​/` before it or not, against a file's name. */
function globFits(glob: string, name: string): boolean {
  const pattern = glob.startsWith("**/") ? glob.slice(3) : glob;
  return pattern.startsWith("*") && !pattern.slice(1).includes("*") ? name.endsWith(pattern.slice(1)) : pattern === name;
}
