/**
 * The plan of one env: which files are compiled by which rule with which flags, what is archived, linked and converted. Pure but for what it looks at
 * through PlanIo, all of which becomes the plan's reads: a file added under the source filter plans again, an edited one does not.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import { baseOf, collapse, join, outFolder } from "../engine/paths.ts";
import type { Digest, Failure, PlanIo, Planned, ProjectPath, Result } from "../engine/types.ts";
import { type Composed, type ComposeInput, compose, flagWords } from "./compose.ts";
import type { EnvPlan, FlagSource } from "./env-plan.ts";
import { type Bound, expand, expandText, knows, type Scope, scope, within } from "./expand.ts";
import { defaultFilter, filterText, matchSources, objectPath, relativeTo, sourceKind } from "./filter.ts";
import { type FlagContext, type Item, noScopes, type Parsed, parseFlags, plainScopes, type Scopes } from "./flags.ts";
import { EnvActions, type Group, type Hash, nameOnly } from "./plan-actions.ts";
import { type LibraryOptions, type PlannedLibraries, planLibraries } from "./plan-libs.ts";
import { type GlobTree, normal } from "./python-glob.ts";
import { boardContext, type ResolveContext, type Resolved, resolve } from "./resolve.ts";
import { FLAG_SCOPES, type FlagScope } from "./schema.ts";
import { scriptLists } from "./script-lists.ts";
import { imagesOf, namesOf, templateNames } from "./plan-names.ts";
import { type PlannedSteps, planSteps, type StepProgram } from "./steps.ts";
import type { Template } from "./template.ts";

export function planEnv(plan: EnvPlan, io: PlanIo, hash: Hash): Result<Planned> {
  return new EnvPlanner(plan, io, hash).plan();
}

/** The libraries of an env and what leads to them; nothing else is planned. Fails as planEnv does. */
export function planEnvLibraries(plan: EnvPlan, io: PlanIo, hash: Hash): Result<PlannedLibraries> {
  return new EnvPlanner(plan, io, hash).librariesAlone();
}

class EnvPlanner {
  private readonly p: EnvPlan;
  private readonly io: PlanIo;
  private readonly hash: Hash;
  private readonly build: string;
  /** The flags of the board and of the user: what they define decides which flags the platform has. */
  private readonly board: Parsed;
  private readonly user: Parsed;
  /** The board's for this framework. */
  private readonly extra: Parsed;
  private readonly context: ResolveContext;
  private readonly resolved: Resolved;
  private readonly scope: Scope;
  private readonly actions: EnvActions;
  private readonly notes: Failure[];
  /** Of what the platform makes of names and reads from the packages. */
  private readonly mistake: Failure | null;

  constructor(plan: EnvPlan, io: PlanIo, hash: Hash) {
    this.p = plan;
    this.notes = [...plan.notes];
    this.io = io;
    this.hash = hash;
    this.build = outFolder(plan.env, plan.profile);
    const toolVersions = new Map([...plan.tools].map(([name, tool]) => [name, tool.version]));
    toolVersions.set(`framework.${plan.framework}`, plan.frameworkVersion);
    this.board = this.parse(boardSource(plan.flags.board), false);
    this.user = this.parse(plan.flags.user, false);
    const { env, profile, host, framework } = plan;
    const known = namesOf(plan);
    const read = (path: string) => {
      const bytes = io.read(path);
      return bytes === null ? null : new TextDecoder().decode(bytes);
    };
    this.extra = this.frameworkExtra(known);
    this.context = { env, profile, host, framework, ...boardContext(known), read, macros: new Set(this.defined()), toolVersions };
    this.resolved = resolve(plan.platform, this.context);
    const names = templateNames(plan, known, this.resolved, this.build, {
      defined: this.defined(),
      user: (each) => [this.board, this.user].flatMap(({ scopes }) => flagWords(scopes[each], plan)),
    });
    const inner = scope(names, this.resolved.vars, null, read);
    const scripts = plan.framework === "" ? ok<ReadonlyMap<string, Bound>>(new Map()) : scriptLists(plan.platform.scripts, inner);
    this.mistake = this.resolved.mistake ?? (scripts.ok ? null : scripts.failure);
    this.scope = scripts.ok ? within(inner, scripts.value) : inner;
    this.actions = new EnvActions(plan, io, hash, this.build, this.resolved, this.scope);
  }

  plan(): Result<Planned> {
    const sources = this.projectSources();
    const input = this.composeInput();
    if (!input.ok) return input;
    const libraries = this.libraries(input.value, sources);
    if (!libraries.ok) return libraries;
    const composed = compose({ ...input.value, libraries: libraries.value.inputs, uses: libraries.value.uses });
    const steps = this.steps();
    if (!steps.ok) return steps;
    const { project, link } = composed;
    const generated = steps.value.generatedOutputs;
    const libs = this.buildLibraries(libraries.value, composed, generated);
    if (!libs.ok) return libs;
    const all = [...sources, ...this.generatedSources(generated)];
    // What steps make, or a library that is linked without an archive, may be all of the program.
    if (all.length === 0 && libs.value.objects.length === 0) return fail(this.nothingToBuild());
    const own = this.actions.compileAll({ sources: all, flags: project, waitFor: generated });
    if (!own.ok) return own;
    const parts = this.frameworkParts(composed, input.value, generated);
    if (!parts.ok) return parts;
    const { direct, objects, archives: libArchives } = libs.value;
    const prepared = this.actions.prepare();
    if (!prepared.ok) return prepared;
    const linked = this.actions.link(
      [...direct, ...all],
      [...prepared.value.filter((path) => path.endsWith(".o")), ...parts.value.objects, ...objects, ...own.value],
      [...libArchives, ...parts.value.archives],
      link,
      [...steps.value.beforeLink, ...prepared.value],
      [...generated, ...steps.value.beforeLink, ...prepared.value],
    );
    if (!linked.ok) return linked;
    const images = this.actions.images();
    if (!images.ok) return images;
    const image = steps.value.provides.image ?? images.value.image;
    const firmware = [image, ...images.value.reports];
    const core = [...parts.value.objects, ...parts.value.archives];
    const targets: Record<string, ProjectPath[]> = {
      firmware: firmware as ProjectPath[],
      elf: [linked.value],
      ...(images.value.reports.length === 0 ? {} : { size: images.value.reports as ProjectPath[] }),
      ...(core.length === 0 ? {} : { core }),
      ...libs.value.targets,
      ...images.value.targets,
      ...this.actions.effects(image as ProjectPath),
    };
    for (const [name, paths] of Object.entries(steps.value.targets)) targets[name] = paths as ProjectPath[];
    return ok({ actions: [...this.actions.made, ...steps.value.actions], targets, notes: this.notes });
  }

  librariesAlone(): Result<PlannedLibraries> {
    const input = this.composeInput();
    return input.ok ? this.libraries(input.value, this.projectSources()) : input;
  }

  // ── flags ──

  /** All that decides flags but the libraries. */
  private composeInput(): Result<ComposeInput> {
    const { p } = this;
    if (this.mistake !== null) return fail(this.mistake);
    const failures: Failure[] = [];
    const take = ({ scopes, notes }: Parsed): Scopes => {
      for (const note of notes) (note.severity === "error" ? failures : this.notes).push(note);
      return scopes;
    };
    const own = this.ownFlags((scope) => this.resolved.flags[scope]);
    if (!own.ok) return own;
    const before = this.ownFlags((scope) => p.platform.frameworks.get(p.framework)?.before.get(scope) ?? []);
    if (!before.ok) return before;
    const after = this.ownFlags((scope) => p.platform.frameworks.get(p.framework)?.after.get(scope) ?? []);
    if (!after.ok) return after;
    const ldscript = knows(this.scope, "ldscript") ? expandText(nameOnly("ldscript"), this.scope) : ok(null);
    if (!ldscript.ok) return ldscript;
    const includeThere = this.io.list(p.includeDir) !== null;
    const genFirst = this.usesGen() ? [`${this.build}/gen`] : [];
    const input: ComposeInput = {
      variables: p.variables,
      projectDir: p.projectDir,
      buildDir: this.build,
      platform: p.framework === "" ? own.value : noScopes,
      board: take(this.board),
      user: take(this.user),
      framework: p.framework === "" ? noScopes : own.value,
      before: before.value,
      extra: take(this.extra),
      after: after.value,
      unflags: take(this.parse(p.flags.unflags, false)),
      src: take(this.parse(p.flags.src, false)),
      debug: p.profile === "debug" ? take(this.parse(p.flags.debug, true)) : null,
      withoutLto: p.profile === "quick",
      testIncludes: null,
      projectIncludes: [...genFirst, ...(includeThere ? [p.includeDir] : []), p.srcDir],
      libraries: [],
      uses: [],
      ldscript: ldscript.value === "" ? null : ldscript.value,
    };
    const first = failures[0];
    return first === undefined ? ok(input) : fail(first);
  }

  private frameworkExtra(names: ReadonlyMap<string, Bound>): Parsed {
    const template = this.p.platform.frameworks.get(this.p.framework)?.boardFlags ?? null;
    const text = template === null ? ok("") : expandText(template, scope(names));
    return this.parse(boardSource(text.ok && text.value !== "" ? [text.value] : []), false);
  }

  /** What the flags of board and user define: NAME or NAME=VALUE, in order. Their mistakes are told where they are composed. */
  private defined(): readonly string[] {
    const text = (item: Item) => (typeof item === "string" ? item : `${item.name}=${item.value}`);
    return [this.board, this.user, this.extra].flatMap(({ scopes }) => scopes.defines.map(text));
  }

  private parse(source: FlagSource, plain: boolean): Parsed {
    return parseFlags(source.items, { ...this.flagContext(source), plain });
  }

  private flagContext(source: FlagSource): Omit<FlagContext, "plain"> {
    const { option, file, line, column } = source;
    return { variables: this.p.variables, projectDir: this.p.projectDir, base: "", commands: this.p.commands, option, file, line, column };
  }

  /** Flags of the platform file, for this env. */
  private ownFlags(of: (scope: FlagScope) => readonly Template[]): Result<Scopes> {
    const lists: Record<string, string[]> = {};
    for (const name of FLAG_SCOPES) {
      const expanded = expand(of(name), this.scope);
      if (!expanded.ok) return expanded;
      lists[name] = expanded.value;
    }
    return ok(plainScopes(lists as unknown as Parameters<typeof plainScopes>[0]));
  }

  private usesGen(): boolean {
    return this.p.own?.steps.some((s) => s.out.some((o) => o.text.includes("${gen}"))) ?? false;
  }

  // ── sources ──

  private projectSources(): Group["sources"] {
    const { srcDir, srcFilter, variables } = this.p;
    const tabs = this.tabs();
    const sketch = tabs[0] === undefined ? null : `${baseOf(tabs[0])}.cpp`;
    // PlatformIO's conversion lies beside the tabs: the filter decides on it, and its name on its place among the objects.
    const tree = sketch === null ? this.io : withFile(this.io, srcDir, sketch);
    return matchSources(filterText(srcFilter, variables), tree, srcDir).flatMap((path): Group["sources"] => {
      if (path === sketch) return [this.sketch(tabs)];
      const kind = sourceKind(path);
      const src = collapse(join(srcDir, path));
      return kind === null ? [] : [{ src, obj: withoutSuffix(objectPath("src", path)), kind }];
    });
  }

  private nothingToBuild(): Failure {
    const { srcDir } = this.p;
    const message = `nothing to build: no source file in ${srcDir}/ passes the source filter`;
    const hint = "put sources (.c .cpp .S, for Arduino .ino) there, or look at src_dir and build_src_filter";
    return failure("project.no-sources", 1, message, { file: "platformio.ini", hint });
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
  private sketch(tabs: readonly string[]): Group["sources"][number] {
    const { srcDir } = this.p;
    const first = baseOf(tabs[0] ?? "");
    const out = `${this.build}/src/${first}.cpp` as ProjectPath;
    const label = tabs.length === 1 ? join(srcDir, first) : `${srcDir}/*.ino`;
    this.actions.inner("ino", ["ino", "--out", out, ...tabs], tabs, out, `${label} → .cpp`);
    return { src: out, obj: `src/${first}.cpp`, kind: "cxx" };
  }

  /** Compiles the framework's parts; objects are of those that are linked without an archive. */
  private frameworkParts(
    { framework: flags }: Composed,
    input: ComposeInput,
    generated: readonly string[],
  ): Result<{ objects: ProjectPath[]; archives: ProjectPath[] }> {
    const archives: ProjectPath[] = [];
    const linked: ProjectPath[] = [];
    const forced = flags.includes.some((i) => i.includes(`${this.build}/`)) ? generated : [];
    const parts = this.p.platform.frameworks.get(this.p.framework)?.parts ?? [];
    const asReleased = input.debug !== null && parts.some(({ debug }) => !debug) ? compose({ ...input, debug: null }).framework : flags;
    for (const { name, folder: where, filter, link, defines, debug } of parts) {
      const folder = expandText(where, this.scope);
      if (!folder.ok) return folder;
      const words = expand(filter, this.scope);
      if (!words.ok) return words;
      if (this.io.list(folder.value) === null) return fail(this.noFolder(where.text, folder.value));
      const wanted = words.value.length === 0 ? defaultFilter : words.value.join(" ");
      const found = matchSources(wanted, this.io, folder.value).flatMap((path): Group["sources"] => {
        const kind = sourceKind(path);
        return kind === null ? [] : [{ src: join(folder.value, path), obj: withoutSuffix(objectPath(name, path)), kind }];
      });
      if (found.length === 0) continue;
      const own = expand(defines, this.scope);
      if (!own.ok) return own;
      const common = debug ? flags : asReleased;
      const partFlags = { ...common, defines: [...common.defines, ...own.value.map((define) => `-D${define}`)] };
      const objects = this.actions.compileAll({ sources: found, flags: partFlags, waitFor: forced });
      if (!objects.ok) return objects;
      if (link === "objects") {
        linked.push(...objects.value);
        continue;
      }
      const archive = this.actions.archive(`lib${name}.a`, objects.value);
      if (!archive.ok) return archive;
      archives.push(archive.value);
    }
    return ok({ objects: linked, archives });
  }

  // ── libraries ──

  private libraries(input: ComposeInput, sources: Group["sources"]): Result<PlannedLibraries> {
    const { p } = this;
    const storages = expand([nameOnly("libraries")], this.scope);
    if (!storages.ok) return storages;
    const libraryOptions = this.libraryOptions();
    if (!libraryOptions.ok) return libraryOptions;
    const tabs = this.tabs();
    const sketch = tabs[0] === undefined ? null : { path: `${tabs[0]}.cpp`, tabs };
    const merged = sketch === null ? null : `${this.build}/src/${baseOf(sketch.path)}`;
    const planned = planLibraries({
      options: libraryOptions.value,
      projectDir: p.projectDir,
      framework: p.framework,
      mcu: p.mcu,
      frameworkStorages: storages.value,
      srcDir: p.srcDir,
      includeDir: this.io.list(p.includeDir) === null ? null : p.includeDir,
      testDir: p.testDir,
      sources: inOrder(
        sources.map(({ src }) => (src === merged ? (sketch?.path ?? src) : src)),
        p.srcDir,
      ),
      sketch,
      io: this.io,
      parse: (items, base, option, file) =>
        parseFlags(items, { ...this.flagContext({ items, option, file, line: 0, column: 0 }), base, plain: false }),
      defines: (library) => {
        const alone = compose(library === null ? input : { ...input, libraries: [library], uses: [library.id] });
        return (library === null ? alone.project : alone.libraries.get(library.id))?.defines ?? [];
      },
      given: (libraries, uses) => {
        const composed = compose({ ...input, libraries, uses });
        return (id) => (id === null ? composed.project : composed.libraries.get(id))?.includeDirs ?? [];
      },
      otherIncludes: () => [...compose(input).project.includeDirs, ...[...p.tools.values()].flatMap((tool) => tool.includeCxx)],
    });
    const error = planned.notes.find((note) => note.severity === "error");
    if (error !== undefined) return fail(error);
    this.notes.push(...planned.notes);
    return ok(planned);
  }

  /** The env's own, with what the platform's variables `lib_ignore` and `lib_archive` (false) say. */
  private libraryOptions(): Result<LibraryOptions> {
    const list = (name: string) => (knows(this.scope, name) ? expand([nameOnly(name)], this.scope) : ok<string[]>([]));
    const ignore = list("lib_ignore");
    if (!ignore.ok) return ignore;
    const archive = list("lib_archive");
    if (!archive.ok) return archive;
    const { libraries } = this.p;
    const direct = archive.value[0] === "false" ? { archive: false, archiveSet: true } : {};
    return ok({ ...libraries, ...direct, ignore: [...libraries.ignore, ...ignore.value] });
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
      const made = this.actions.compileAll({ sources, flags, waitFor });
      if (!made.ok) return made;
      if (archived.get(id) === true) {
        const archive = this.actions.archive(`lib/${name}/lib${name}.a`, made.value);
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

  /** where: as the rule file names the folder. */
  private noFolder(where: string, folder: string): Failure {
    const what = where === "${core}" || where === "${variant}" ? where.slice(2, -1) : null;
    if (what === null) {
      const hint = "another version of the framework may have it: look at platform_packages";
      return failure("framework.no-folder", 3, `the framework's package has no folder ${folder}`, { file: "platformio.ini", hint });
    }
    const name = this.p.names.get(`board.build.${what}`);
    const message = `the board's ${what} "${String(name ?? "")}" is not in the framework's package: there is no folder ${folder}`;
    const hint = `use a framework package that has it (platform_packages), or set board_build.${what}`;
    return failure(`framework.no-${what}`, 3, message, { file: "platformio.ini", hint });
  }

  // ── actions ──

  private steps(): Result<PlannedSteps> {
    const { own, env, profile } = this.p;
    if (own === null) return ok({ actions: [], generatedOutputs: [], beforeLink: [], provides: { image: null }, images: [], targets: {} });
    const images = imagesOf(this.p, this.resolved, this.build);
    const made = new Map([...images].map(([kind, path]) => [path, `the image ${kind} of env ${env}`] as const));
    return planSteps(own, {
      env,
      profile,
      build: this.build,
      gen: `${this.build}/gen`,
      envs: this.p.envs,
      resolved: resolve(own, this.context),
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
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** A tree with one file more. */
function withFile(tree: GlobTree, folder: string, name: string): GlobTree {
  return {
    list(dir) {
      const entries = tree.list(dir);
      if (entries === null || normal(dir) !== normal(folder)) return entries;
      return [...entries.filter((entry) => entry.name !== name), { name, is: "file" }];
    },
  };
}

/** The board's own flags as a source: no line of the project says them. */
function boardSource(items: readonly string[]): FlagSource {
  return { items, option: "build.extra_flags", file: null, line: 0, column: 0 };
}

/** As PlatformIO goes through them: by what they are called from the source folder, so that `../` comes first. */
function inOrder(sources: readonly string[], srcDir: string): string[] {
  const named = sources.map((src) => [relativeTo(srcDir, src), src] as const);
  return named.sort(([a], [b]) => byBytes(a, b)).map(([, src]) => src);
}

function withoutSuffix(object: string): string {
  return object.endsWith(".o") ? object.slice(0, -2) : object;
}
