/** From an env of a project to what its plan takes: packages found, toolchains probed, commands run, names bound. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { PackageRef } from "../cache/providers/package.ts";
import { type Answer, type Macros, probeToolchain, type Toolchain, type ToolchainIo } from "../cache/toolchain.ts";
import { fail, failure, ok, warning } from "../engine/failure.ts";
import { collapse, folderOf, outFolder } from "../engine/paths.ts";
import type { Failure, Memo, Result } from "../engine/types.ts";
import { checkVariant } from "../rules/boards.ts";
import { type Bound, expandVariable, type Scope, scope } from "../rules/expand.ts";
import { commandsIn } from "../rules/flags.ts";
import type { EnvPlan, FlagSource, PlannedTool } from "../rules/env-plan.ts";
import { type EnvProject, envNames, type Project } from "../rules/project.ts";
import { boardContext, resolve } from "../rules/resolve.ts";
import type { Tool } from "../rules/rulefile.ts";
import type { Origin } from "../rules/spec.ts";
import type { FetchedLibrary } from "./acquire/libraries.ts";
import type { HostDisk } from "./host/disk.ts";
import { hashing } from "./host/hash.ts";
import { quote } from "./host/slots.ts";
import { hasRoom } from "./host/space.ts";
import { libraryOptions, macroFlags } from "./library-input.ts";
import { commandOutput } from "./open-project.ts";
import { type EnvPackages, isAnywhere, programOf } from "./packages.ts";

export interface PlanInput {
  readonly plan: EnvPlan;
  readonly packages: readonly PackageRef[];
  readonly toolchains: readonly Toolchain[];
  /** `!commands` with what they printed, for the next run to ask again. */
  readonly commands: ReadonlyMap<string, string>;
  /** Programs that were looked for on PATH, with where they were found. */
  readonly programs: ReadonlyMap<string, string | null>;
}

/** packages: of this env, their links made, since a local toolchain is called through its link. */
export async function planInput(
  project: Project,
  env: EnvProject,
  profile: EnvPlan["profile"],
  packages: EnvPackages,
  fetched: readonly FetchedLibrary[],
  disk: HostDisk,
  memo: Memo,
): Promise<Result<PlanInput>> {
  const host = process.platform;
  const rules = env.platform.rules;
  const framework = env.framework ?? "";
  const core = packages.framework;
  const names = new Map<string, Bound>(envNames(env));
  for (const [tool, ref] of packages.tools) {
    names.set(`tool.${tool.name}`, ref.as);
    if (isAnywhere(tool)) names.set(`tool.${tool.name}.program`, programOf(tool, ref, disk) ?? "");
  }
  // Neither versions nor the macros of flags are known before the probe; what the probe needs (drivers, -mmcu) must not hang on them.
  const board = boardContext(names);
  const { vars, flags } = resolve(rules, { host, framework, ...board, profile, env: env.name, toolVersions: new Map(), macros: new Set() });
  const standard = flags.cxxflags.map((flag) => flag.text).filter((flag) => flag.startsWith("-std="));
  const plain = plainMacros(env, standard, scope(names, vars));
  const macros = plain === null ? null : { ...plain, flags: [...plain.flags, ...macroFlags(env)] };
  const probed = await probeTools(packages, scope(names, vars), macros, disk, project.dir, memo);
  if (!probed.ok) return probed;
  const { tools, toolchains, hide } = probed.value;
  if (hide !== null) names.set("hide", hide);

  const variant = variantFolder(env, project, disk, core);
  if (!variant.ok) return variant;
  const commands = new Map<string, string>();
  for (const command of flagCommands(env)) {
    const output = commandOutput(command, project.dir, commandPlace(env, command));
    if (!output.ok) return output;
    commands.set(command, output.value);
  }
  const programs = stepPrograms(project);
  const variables = flagVariables(project, env, profile);
  const [toolchain] = toolchains;
  const compiler =
    toolchain === undefined || plain === null || macros === null
      ? null
      : { toolchain, macros, plain, io: toolchainIo(disk, project.dir), memo };
  const libraries = libraryOptions(project, env, variables, disk, compiler, fetched);
  if (!libraries.ok) return libraries;
  const plan: EnvPlan = {
    env: env.name,
    profile,
    host,
    projectDir: project.dir,
    platform: rules,
    framework,
    frameworkFolder: core?.as ?? "",
    frameworkDigest: core?.digest ?? "",
    frameworkVersion: core?.version ?? "",
    names,
    mcu: board.mcu,
    variantFolder: variant.value,
    tools,
    variables,
    flags: flagSources(env),
    commands,
    srcFilter: env.srcFilter,
    srcDir: project.dirs.src,
    includeDir: project.dirs.include,
    testDir: project.dirs.test,
    dataDir: project.dirs.data,
    libraries: libraries.value,
    own: project.ruleFile,
    envs: [...project.envs.keys()],
    programs: new Map([...programs].filter((e): e is [string, string] => e[1] !== null)),
    notes: passedOver(packages),
  };
  return ok({ plan, packages: packages.all, toolchains, commands, programs: new Map([...programs, ...toolPrograms(packages)]) });
}

interface ProbedTools {
  readonly tools: ReadonlyMap<string, PlannedTool>;
  readonly toolchains: readonly Toolchain[];
  /** Of the platform's `hide` flags those that the compilers take; null where nothing was probed. */
  readonly hide: readonly string[] | null;
}

async function probeTools(
  packages: EnvPackages,
  names: Scope,
  macros: Macros | null,
  disk: HostDisk,
  folder: string,
  memo: Memo,
): Promise<Result<ProbedTools>> {
  const tools = new Map<string, PlannedTool>();
  const toolchains: Toolchain[] = [];
  let hide: readonly string[] | null = null;
  for (const [tool, ref] of packages.tools) {
    if (tool.probe !== "gcc") {
      tools.set(tool.name, { folder: ref.as, version: ref.version, digest: ref.digest, includeC: [], includeCxx: [], libraries: [] });
      continue;
    }
    const probed = await probe(tool, names, macros, disk, folder, memo);
    if (!probed.ok) return probed;
    const { version, digest, includesC, includesCxx, libraries, accepted } = probed.value;
    toolchains.push(probed.value);
    tools.set(tool.name, { folder: ref.as, version, digest, includeC: includesC, includeCxx: includesCxx, libraries });
    hide = texts("hide", names).filter((f) => accepted.includes(f));
  }
  return ok({ tools, toolchains, hide });
}

/** The compiler whose macros conditions of includes are read with, and the platform's flags that choose them. */
function plainMacros(env: EnvProject, standard: readonly string[], names: Scope): Macros | null {
  const tool = [...env.platform.rules.tools.values()].find((each) => each.probe === "gcc");
  const cxx = tool?.names.get("cxx");
  const driver = cxx === undefined ? null : expandVariable(cxx, names);
  if (driver === null || !driver.ok || typeof driver.value !== "string") return null;
  return { driver: driver.value, language: "c++", flags: [...texts("arch", names), ...standard] };
}

function texts(name: string, names: Scope): string[] {
  const variable = names.vars.get(name);
  if (variable === undefined) return [];
  const value = expandVariable(variable, names);
  return !value.ok ? [] : typeof value.value === "string" ? [value.value] : [...value.value];
}

async function probe(
  tool: Tool,
  names: Scope,
  macros: Macros | null,
  disk: HostDisk,
  folder: string,
  memo: Memo,
): Promise<Result<Toolchain>> {
  const programs = new Map<string, string>();
  for (const [key, variable] of tool.names) {
    const value = expandVariable(variable, names);
    if (!value.ok) return value;
    if (typeof value.value === "string") programs.set(key, value.value);
  }
  const hide = texts("hide", names);
  const ask = {
    cc: programs.get("cc") ?? "",
    cxx: programs.get("cxx") ?? "",
    programs: [...programs.values()],
    arch: texts("arch", names),
    hide,
    tries: hide,
    name: tool.package,
    macros,
  };
  return probeToolchain(ask, toolchainIo(disk, folder), memo);
}

function exec(argv: readonly string[], cwd: string): Answer {
  const [program = "", ...args] = argv;
  const ran = spawnSync(program, args, { cwd, env: probeVars(), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return { code: ran.status ?? 127, stdout: ran.stdout ?? "", stderr: ran.stderr ?? "" };
}

/** One shell that starts them all: each would cost Node a fork of itself, and they may run beside each other and beside this process. */
async function execAll(argvs: readonly (readonly string[])[], cwd: string): Promise<readonly Answer[]> {
  const temp = tmpdir();
  // A compiler whose answer does not fit on the disk ends as if all were well.
  const isRoomy = () => hasRoom(temp, 1 << 20, 4 * argvs.length);
  let answers: string | null = null;
  try {
    if (!isRoomy()) throw new Error("no room");
    const folder = mkdtempSync(join(temp, "fb-probe-"));
    answers = folder;
    const lines = argvs.map((argv, i) => {
      const at = quote(join(folder, String(i)));
      return `{ ${argv.map(quote).join(" ")} >${at}.out 2>${at}.err </dev/null; echo $? >${at}.code; } &\n`;
    });
    const shell = spawn("/bin/sh", ["-c", `${lines.join("")}wait`], { cwd, env: probeVars(), stdio: "ignore" });
    await new Promise((resolve, reject) => shell.once("error", reject).once("exit", resolve));
    const said = (i: number, end: string) => readFileSync(join(folder, `${i}.${end}`), "utf8");
    const all = argvs.map((_, i) => ({ code: said(i, "code").trim(), stdout: said(i, "out"), stderr: said(i, "err") }));
    if (!isRoomy() || all.some(({ code }) => code === "")) throw new Error("no room");
    return all.map((answer) => ({ ...answer, code: Number(answer.code) }));
  } catch {
    // No shell, or no folder with room for the answers.
    return argvs.map((argv) => exec(argv, cwd));
  } finally {
    if (answers !== null) rmSync(answers, { recursive: true, force: true });
  }
}

function probeVars(): Record<string, string> {
  return { LC_ALL: "C.UTF-8", PATH: process.env["PATH"] ?? "" };
}

function toolchainIo(disk: HostDisk, folder: string): ToolchainIo {
  return {
    sign: (path) => disk.sign(path),
    realpath: (path) => disk.realpath(path),
    sha256: (data) => hashing.sha256(data),
    exec: (argv) => exec(argv, folder),
    execAll: (argvs) => execAll(argvs, folder),
  };
}

/** The variant's folder where a board of the project brings its own; null for the framework's, which must have it. */
function variantFolder(env: EnvProject, project: Project, disk: HostDisk, core: PackageRef | null): Result<string | null> {
  if (env.board === null || core === null) return ok(null);
  const name = env.board.values.get("build.variant");
  if (env.board.variantsDir !== null && typeof name === "string") {
    const folder = join(env.board.variantsDir, name);
    if (disk.isDir(folder)) return ok(folder);
    const message = `board "${env.board.id}" has its variant in ${folder}, and there is no such folder`;
    return fail(failure("board.no-variant", 3, message, { file: env.board.file, hint: "look at build.variants_dir and build.variant" }));
  }
  const variants = collapse(join(`${core.folder}/variants`, folderOf(typeof name === "string" ? name : "")));
  const wrong = checkVariant(env.board, disk.list(variants), variants, project.config.origin(`env:${env.name}`, "board"));
  return wrong === null ? ok(null) : fail(wrong);
}

/** The `!commands` of every flag option. */
function flagCommands(env: EnvProject): readonly string[] {
  const { buildFlags, buildUnflags, buildSrcFlags, debugBuildFlags, board } = env;
  return commandsIn([...buildFlags, ...buildUnflags, ...buildSrcFlags, ...debugBuildFlags, ...(board?.extraFlags ?? [])]);
}

/** Where the ini has a `!command`. */
function commandPlace(env: EnvProject, command: string): Origin | null {
  const { buildFlags, buildUnflags, buildSrcFlags, debugBuildFlags } = env;
  const all = { build_flags: buildFlags, build_unflags: buildUnflags, build_src_flags: buildSrcFlags, debug_build_flags: debugBuildFlags };
  const [option] = Object.entries(all).find(([, items]) => items.some((i) => i.includes(command))) ?? [""];
  return env.options.get(option)?.origin ?? null;
}

/** What `$NAME` in flags and filters stands for; PlatformIO's names, with fb's output folder for its build folder. */
export function flagVariables(project: Project, env: EnvProject, profile: string): ReadonlyMap<string, string> {
  const build = outFolder(env.name, profile);
  const dir = (path: string) => (path.startsWith("/") ? path : path === "." ? project.dir : join(project.dir, path));
  const value = (name: string) => {
    const found = env.board?.values.get(name);
    return typeof found === "string" ? found : "";
  };
  return new Map([
    ["PIOENV", env.name],
    ["PIOPLATFORM", env.platform.name],
    ["PIOFRAMEWORK", env.framework ?? ""],
    ["PROJECT_DIR", project.dir],
    ["PROJECT_SRC_DIR", dir(project.dirs.src)],
    ["PROJECT_INCLUDE_DIR", dir(project.dirs.include)],
    ["PROJECT_LIB_DIR", dir(project.dirs.lib)],
    ["PROJECT_DATA_DIR", dir(project.dirs.data)],
    ["PROJECT_TEST_DIR", dir(project.dirs.test)],
    ["PROJECT_BUILD_DIR", ".fb/build"],
    ["BUILD_DIR", build],
    ["BUILD_SRC_DIR", `${build}/src`],
    ["BUILD_TYPE", env.buildType],
    ["PROGNAME", env.platform.rules.platform?.program ?? "firmware"],
    ["BOARD", env.board?.id ?? ""],
    ["BOARD_MCU", value("build.mcu")],
    ["BOARD_F_CPU", value("build.f_cpu")],
    // Replaced when the command runs: the time is no part of a key.
    ["UNIX_TIME", "${UNIX_TIME}"],
  ]);
}

function flagSources(env: EnvProject): EnvPlan["flags"] {
  const source = (option: string, items: readonly string[]): FlagSource => {
    const origin = env.options.get(option)?.origin ?? null;
    return { items, option, file: origin?.file ?? null, line: origin?.line ?? 0, column: origin?.column ?? 0 };
  };
  return {
    board: env.board?.extraFlags ?? [],
    user: source("build_flags", env.buildFlags),
    unflags: source("build_unflags", env.buildUnflags),
    src: source("build_src_flags", env.buildSrcFlags),
    debug: source("debug_build_flags", env.debugBuildFlags),
  };
}

/** Where PATH leads for the programs that steps call by name; null where it leads nowhere. */
function stepPrograms(project: Project): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const step of project.ruleFile?.steps ?? []) {
    const name = step.run[0]?.text ?? "";
    if (name !== "" && !name.includes("/") && !name.includes("$")) found.set(name, onPath(name));
  }
  return found;
}

/** The programs by which tools of the system were found: a PATH that now leads to another compiler makes another plan. */
function toolPrograms(packages: EnvPackages): [string, string | null][] {
  const looked = [...packages.tools.filter(([, ref]) => ref.from === "system").map(([tool]) => tool), ...packages.absent];
  const names = looked.flatMap(({ finds }) => finds.split("|")).filter((name) => name !== "");
  return names.map((name): [string, string | null] => [name, onPath(name)]);
}

/** Compilers that a shell would run, and fb does not. */
function passedOver({ tools }: EnvPackages): Failure[] {
  return tools.flatMap(([tool, ref]) => {
    if (ref.passedOver === null) return [];
    const message = `${ref.passedOver} is not used: it is in no folder called "bin"; ${ref.folder}/bin/${tool.finds} is`;
    const hint = `put the toolchain's own bin folder first on PATH, or name it: platform_packages = ${ref.name}@symlink:///FOLDER`;
    return [warning("package.passed-over", message, { hint })];
  });
}

/** The absolute path of a program on PATH, links resolved. */
export function onPath(name: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder || ".", name);
    if (existsSync(path) && statSync(path).isFile() && (statSync(path).mode & 0o111) !== 0) return realpathSync(path);
  }
  return null;
}
