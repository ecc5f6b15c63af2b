/** The argument lists of every compile and of the link of one env, composed from all sources of flags in PlatformIO's order. */
import { type Item, isEmpty, mutable, noScopes, type Pair, projectFolder, type Scope, type Scopes, sameItem, scopeNames } from "./flags.ts";
import { shellArguments } from "./shellwords.ts";
import { expandText, type Variables } from "./subst.ts";

/** What PlatformIO 6.2.0 defines in every build. */
export const platformioVersion = 60200;

/** The flags of a library and its place among the others. Ids are the caller's. */
export interface LibraryInput {
  readonly id: string;
  /** The include folders of its own, in order. */
  readonly includes: readonly string[];
  /** The manifest's `build.flags` and `build.unflags` (for library.properties its `ldflags`), parsed with `base` = the library's folder. */
  readonly flags: Scopes;
  readonly unflags: Scopes;
  /** An archive is made of it: `lib_archive`/`libArchive` is not off and it has sources. Only then do the env's `build_unflags` reach the library's own flags. */
  readonly archived: boolean;
  /** `lib_ldf_mode = off` for it: it sees all that was built before. */
  readonly off: boolean;
  /** It has a library.json: who includes it in a circle sees, with its own folders, all that its compiles had been given by then. */
  readonly lendsIncludes: boolean;
  /** Ids of the libraries it depends on, in the order in which they were found, and of those that depend on it in turn. */
  readonly dependencies: readonly string[];
  readonly circular: readonly string[];
}

export interface ComposeInput {
  readonly variables: Variables;
  readonly projectDir: string;
  /** The output folder, first of the folders searched for libraries. */
  readonly buildDir: string;
  /** What the platform sets before PlatformIO's own define and the board's flags (its flags for builds without framework). */
  readonly platform: Scopes;
  /** The board's `build.extra_flags`. */
  readonly board: Scopes;
  /** `build_flags`. */
  readonly user: Scopes;
  /** What the framework appends: flags, defines, core and variant folders, `libs` such as "m". */
  readonly framework: Scopes;
  /** What it puts before all that is there by then. */
  readonly before: Scopes;
  /** What the board adds for this framework, after the framework's own, and what the framework adds after that. */
  readonly extra: Scopes;
  readonly after: Scopes;
  /** `build_unflags`. */
  readonly unflags: Scopes;
  /** `build_src_flags`. */
  readonly src: Scopes;
  /** Debug builds: `debug_build_flags` (or the platform's own where the user has none), parsed with `plain`; null for any other build. */
  readonly debug: Scopes | null;
  /** Profile quick: the LTO flags of platform and framework are left out, those of board and user stay. */
  readonly withoutLto: boolean;
  /** Test builds: the folders to search, innermost suite first; null for any other build. */
  readonly testIncludes: readonly string[] | null;
  /** `include_dir` if it exists, then `src_dir`. */
  readonly projectIncludes: readonly string[];
  /** Every library the env may see, in storage order, and the ids that the project depends on, in the order in which they were found. */
  readonly libraries: readonly LibraryInput[];
  readonly uses: readonly string[];
  /** The platform's main linker script, passed with -T unless the flags name another; null if it has none. */
  readonly ldscript: string | null;
}

/**
 * Arguments of compiles, each one as the tool gets it. C++: cxxflags ccflags cppflags defines includes; C: cflags in place of cxxflags;
 * assembler through the preprocessor: asflags asppflags cppflags defines includes; plain assembler: asflags.
 */
export interface CompileFlags {
  readonly cflags: readonly string[];
  readonly cxxflags: readonly string[];
  readonly ccflags: readonly string[];
  readonly cppflags: readonly string[];
  readonly asflags: readonly string[];
  readonly asppflags: readonly string[];
  /** -D… in order, then -U…. */
  readonly defines: readonly string[];
  /** -I…. */
  readonly includes: readonly string[];
  /** The folders of `includes`. */
  readonly includeDirs: readonly string[];
}

/** Link: linkflags OBJECTS libpath -Wl,--start-group libsBefore PROJECT-ARCHIVES FRAMEWORK-ARCHIVES libsAfter -Wl,--end-group, the group only if it is not empty. */
export interface LinkFlags {
  readonly linkflags: readonly string[];
  /** -L…. */
  readonly libpath: readonly string[];
  /** -l… of libraries and build_src_flags. */
  readonly libsBefore: readonly string[];
  /** -l… of build_flags and the framework. */
  readonly libsAfter: readonly string[];
}

export interface Composed {
  readonly framework: CompileFlags;
  readonly project: CompileFlags;
  /** By id: the libraries that are built. */
  readonly libraries: ReadonlyMap<string, CompileFlags>;
  /** Their ids as they are built and their archives linked: a library after those that it depends on. */
  readonly order: readonly string[];
  readonly link: LinkFlags;
}

/** A SCons environment: scopes that grow. `undefines` is what comes after all -D. */
interface State {
  readonly scopes: { -readonly [S in Scope]: Item[] };
  undefines: string[];
}

/**
 * Composes all lists (PlatformIO's BuildProgram): platform, -DPLATFORMIO, board, user, framework, debug, unflags; from that the framework's sources are
 * compiled, libraries with their own flags, and the project with `build_src_flags`. Nothing fails here.
 */
export function compose(input: ComposeInput): Composed {
  const env: State = { scopes: mutable(noScopes), undefines: [] };
  env.scopes.libpath.push(BUILD_DIR);
  append(env, input.withoutLto ? withoutLto(input.platform) : input.platform);
  const version: Pair = { name: "PLATFORMIO", value: String(platformioVersion), number: true };
  appendUnique(env.scopes.defines, [version]);
  processFlags(env, input.board);
  processFlags(env, input.user);
  append(env, input.withoutLto ? withoutLto(input.framework) : input.framework);
  processFlags(env, input.extra);
  append(env, input.withoutLto ? withoutLto(input.after) : input.after);
  for (const name of scopeNames) env.scopes[name].unshift(...input.before[name]);
  if (input.debug !== null) configureDebug(env, input.debug);
  processUnflags(env, input.unflags);

  const test = input.testIncludes !== null;
  const project = clone(env);
  if (test) project.scopes.defines.push("PIO_UNIT_TESTING");
  processFlags(project, input.src);
  if (input.testIncludes !== null) {
    project.scopes.defines.push("UNIT_TEST");
    project.scopes.includes.unshift(...input.testIncludes);
  }
  const built = buildLibraries(env, project, input, test);
  prependUnique(project.scopes.includes, input.projectIncludes);

  const words = (items: readonly Item[]): string[] => flagWords(items, input);
  const libs = [...env.scopes.libs];
  prependUnique(libs, project.scopes.libs);
  const before = libs.length - env.scopes.libs.length;
  prependUnique(env.scopes.libpath, project.scopes.libpath);
  prependUnique(env.scopes.linkflags, project.scopes.linkflags);
  const ownScript = env.scopes.linkflags.some((item) => typeof item === "string" && item.includes("-Wl,-T"));
  return {
    framework: compileFlags(env, input),
    project: compileFlags(project, input),
    libraries: new Map(built.order.map((id) => [id, compileFlags(built.state(id), input)])),
    order: built.order,
    link: {
      linkflags: [...(input.ldscript !== null && !ownScript ? ["-T", input.ldscript] : []), ...words(env.scopes.linkflags)],
      libpath: prefixed(
        "-L",
        env.scopes.libpath.map((item) => (item === BUILD_DIR ? projectFolder(input.buildDir, input.projectDir, "") : item)),
      ),
      libsBefore: libs.slice(0, before).flatMap((item) => libraryArguments(item, input.variables)),
      libsAfter: libs.slice(before).flatMap((item) => libraryArguments(item, input.variables)),
    },
  };
}

/** The build folder among the library folders, by its name as in PlatformIO: it is not what -L$BUILD_DIR of a flag becomes, which may be there too, or be taken away. */
const BUILD_DIR = "$BUILD_DIR";

interface BuiltLibraries {
  readonly order: readonly string[];
  state(id: string): State;
}

/** Builds libraries depth first as the project uses them, and hands it what they share: each gets what its dependencies share, then its own folders, before the env's. */
function buildLibraries(env: State, project: State, input: ComposeInput, test: boolean): BuiltLibraries {
  const byId = new Map(input.libraries.map((library) => [library.id, library]));
  const states = new Map<string, State>();
  const order: string[] = [];
  const find = (id: string): LibraryInput => {
    const library = byId.get(id);
    if (library === undefined) throw new Error(`library ${id} is used but not given`);
    return library;
  };
  const stateOf = (library: LibraryInput): State => {
    const known = states.get(library.id);
    if (known !== undefined) return known;
    const state = clone(env);
    if (test) state.scopes.defines.push("PIO_UNIT_TESTING");
    processFlags(state, library.flags);
    processUnflags(state, library.unflags);
    states.set(library.id, state);
    return state;
  };
  // Each user of a library has it built once more, which hands it what the libraries that it includes in a circle have been given meanwhile. Where
  // nothing has changed since the last time began, nothing would.
  let changes = 0;
  const visited = new Map<string, number>();
  const give = (to: State, from: State): void => {
    changes += share(to, from);
  };
  const build = (library: LibraryInput): void => {
    const before = visited.get(library.id);
    if (before === changes) return;
    visited.set(library.id, changes);
    const state = stateOf(library);
    for (const id of library.dependencies) {
      build(find(id));
      give(state, stateOf(find(id)));
    }
    for (const id of library.circular) {
      const other = find(id);
      const lent = other.lendsIncludes ? stateOf(other).scopes.includes.filter((folder) => !has(env.scopes.includes, folder)) : [];
      changes += prependUnique(state.scopes.includes, [...other.includes, ...lent]);
    }
    if (before === undefined) {
      changes += prependUnique(state.scopes.includes, library.includes);
      if (library.off) for (const other of input.libraries) if (order.includes(other.id)) give(state, stateOf(other));
      if (library.archived) processUnflags(state, input.unflags);
      order.push(library.id);
    }
  };
  for (const id of input.uses) {
    build(find(id));
    share(project, stateOf(find(id)));
  }
  return { order, state: (id) => stateOf(find(id)) };
}

/** What a library hands to whoever depends on it. Gives the number of items that were new there. */
function share(to: State, from: State): number {
  let added = 0;
  for (const scope of ["includes", "libpath", "libs", "linkflags"] as const) added += prependUnique(to.scopes[scope], from.scopes[scope]);
  return added;
}

function clone(state: State): State {
  return { scopes: mutable(state.scopes), undefines: [...state.undefines] };
}

function append(state: State, scopes: Scopes): void {
  for (const name of scopeNames) state.scopes[name].push(...scopes[name]);
}

/** Appends, then takes every -U out of the compiler flags, those of earlier sources too: it removes one plain define and goes behind all -D. */
function processFlags(state: State, scopes: Scopes): void {
  if (isEmpty(scopes)) return;
  append(state, scopes);
  for (const flag of [...state.scopes.ccflags]) {
    if (typeof flag !== "string" || !flag.startsWith("-U")) continue;
    state.scopes.ccflags.splice(state.scopes.ccflags.indexOf(flag), 1);
    const define = state.scopes.defines.indexOf(flag.slice(2));
    if (define >= 0) state.scopes.defines.splice(define, 1);
    state.undefines.push(flag);
  }
}

const FOLDERS: ReadonlySet<Scope> = new Set<Scope>(["includes", "libpath"]);

/** Removes what equals an unflag, whatever scope either is in; a bare name also removes a define with a value. Folders are compared with folders only. */
function processUnflags(state: State, unflags: Scopes): void {
  const folders = [...unflags.includes, ...unflags.libpath];
  const others = scopeNames.filter((name) => !FOLDERS.has(name)).flatMap((name) => unflags[name]);
  if (folders.length === 0 && others.length === 0) return;
  for (const name of scopeNames) {
    const remove = FOLDERS.has(name) ? folders : others;
    state.scopes[name] = state.scopes[name].filter(
      (current) => !remove.some((unflag) => sameItem(unflag, current) || (typeof current !== "string" && unflag === current.name)),
    );
  }
}

const STRIPPED_FOR_DEBUG = new Set(["-Os", "-g", ...["-O", "-g", "-ggdb"].flatMap((flag) => [0, 1, 2, 3].map((level) => flag + level))]);

function configureDebug(state: State, flags: Scopes): void {
  const { scopes } = state;
  scopes.defines.push("__PLATFORMIO_BUILD_DEBUG__");
  for (const name of ["asflags", "ccflags", "linkflags"] as const) {
    scopes[name] = scopes[name].filter((item) => typeof item !== "string" || !STRIPPED_FOR_DEBUG.has(item));
  }
  for (const name of scopeNames) {
    if (flags[name].length === 0) continue;
    const all = [...scopes[name], ...flags[name]];
    if (name === "defines") scopes.defines = [...scopes.defines.filter((item) => !has(flags.defines, item)), ...flags.defines];
    else scopes[name] = FOLDERS.has(name) ? unique(all) : unique(all.reverse()).reverse();
  }
  const levels = flags.ccflags.filter((item) => typeof item === "string" && /^-[Og]/.test(item));
  const debugging = levels.filter((item) => typeof item === "string" && item.startsWith("-g"));
  if (debugging.length > 0) appendUnique(scopes.asflags, ["-g"]);
  appendUnique(scopes.asppflags, debugging);
  appendUnique(scopes.linkflags, levels);
}

const LTO = /^(-flto(=.*|-.*)?|-fno-lto|-f(no-)?fat-lto-objects|-f(no-)?use-linker-plugin)$/;

function withoutLto(scopes: Scopes): Scopes {
  const result = mutable(scopes);
  for (const name of scopeNames) result[name] = result[name].filter((item) => typeof item !== "string" || !LTO.test(item));
  return result;
}

function has(list: readonly Item[], item: Item): boolean {
  return list.some((other) => sameItem(other, item));
}

function unique(list: readonly Item[]): Item[] {
  const result: Item[] = [];
  for (const item of list) if (!has(result, item)) result.push(item);
  return result;
}

function appendUnique(list: Item[], items: readonly Item[]): void {
  list.push(...unique(items).filter((item) => !has(list, item)));
}

function prependUnique(list: Item[], items: readonly Item[]): number {
  const added = unique(items).filter((item) => !has(list, item));
  list.unshift(...added);
  return added.length;
}

function compileFlags(state: State, input: ComposeInput): CompileFlags {
  const { scopes } = state;
  const words = (items: readonly Item[]): string[] => flagWords(items, input);
  const includeDirs = scopes.includes.filter((folder) => typeof folder === "string");
  return {
    cflags: words(scopes.cflags),
    cxxflags: words(scopes.cxxflags),
    ccflags: words(scopes.ccflags),
    cppflags: words(scopes.cppflags),
    asflags: words(scopes.asflags),
    asppflags: words(scopes.asppflags),
    defines: [
      ...scopes.defines.flatMap((item) => defineArguments(item, input.variables)),
      ...state.undefines.flatMap((flag) => argumentsOf(flag, input.variables)),
    ],
    includes: prefixed("-I", includeDirs),
    includeDirs,
  };
}

/** Options whose argument is a path: one below the project's folder is written relative to it, so that results can be shared. */
const PATH_OPTIONS = new Set(["-include", "-imacros", "-isystem", "-iquote", "-idirafter"]);

/** One text of a flag list as the tool gets it; nothing if nothing is left of it. */
function argumentsOf(text: string, variables: Variables): string[] {
  const expanded = expandText(text, variables);
  return expanded === "" ? [] : shellArguments(expanded);
}

/** Items as the tool gets them. */
export function flagWords(items: readonly Item[], input: Pick<ComposeInput, "variables" | "projectDir">): string[] {
  return items.flatMap((item) => itemArguments(item, input));
}

function itemArguments(item: Item, input: Pick<ComposeInput, "variables" | "projectDir">): string[] {
  if (typeof item === "string") return argumentsOf(item, input.variables);
  if (!PATH_OPTIONS.has(item.name)) {
    return [item.name, ...argumentsOf(item.value, input.variables)];
  }
  const path = expandText(item.value, input.variables);
  const relative = path.startsWith("/") || item.name === "-include" || item.name === "-imacros";
  return [item.name, ...shellArguments(relative ? projectFolder(path, input.projectDir, "") : path)];
}

/** SCons expands the text of a define twice: once itself, once as part of the command. To what looks like -D already (`-D -DX`) it adds no other. */
function defineArguments(item: Item, variables: Variables): string[] {
  const text = typeof item === "string" ? item : `${item.name}=${item.value}`;
  const once = expandText(text, variables);
  return once === "" ? [] : argumentsOf(once.startsWith("-D") ? once : `-D${once}`, variables);
}

/** A pair is a file of the platform's own (plainScopes). SCons takes one `lib` from the front of a library's name and one `.a` or `.so` from its end, and expands it twice as it does defines. */
function libraryArguments(item: Item, variables: Variables): string[] {
  if (typeof item !== "string") return argumentsOf(item.value, variables);
  const name = expandText(item, variables)
    .replace(/^lib/, "")
    .replace(/(\.a|\.so)$/, "");
  if (name === "") return [];
  return argumentsOf(name.startsWith("-l") ? name : `-l${name}`, variables);
}

function prefixed(prefix: string, folders: readonly Item[]): string[] {
  return folders.filter((folder) => typeof folder === "string").map((folder) => prefix + folder);
}
