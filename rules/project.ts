/** A project as one readonly record: platformio.ini, fb.toml, the platforms' rule files and boards joined, each env by itself. */
import { fail, failure, ok, warning } from "../engine/failure.ts";
import { collapse } from "../engine/paths.ts";
import type { DirEntry, Failure, Result } from "../engine/types.ts";
import {
  type Board,
  type BoardOverride,
  type BoardTable,
  findBoard,
  NO_BOARDS,
  overlayBoard,
  readBoardTable,
  withDefaults,
} from "./boards.ts";
import { coreProblem, frameworkProblems } from "./env-framework.ts";
import { choosePlatform, elsewhere } from "./env-platform.ts";
import { type Config, type ConfigIo, readConfig, type Value } from "./ini/config.ts";
import { declaredOption } from "./ini/options.ts";
import { readRuleFile, type RuleFile } from "./rulefile.ts";
import type { ReadBase } from "./base-files.ts";
import type { PackageSettings } from "./package-settings.ts";
import { joinSettings, readUserSettings } from "./settings.ts";
import { type Origin, type PackageWant, parsePackageWant, parsePlatformSpec, type PlatformSpec } from "./spec.ts";
import { packageBoards, packageWants, type PlatformPackage } from "./platform-package.ts";
import { laterOptions, unheardOfPlatform, unheardOptions } from "./unsupported.ts";
import { wayOfPort } from "./upload-port.ts";

export const RULE_FILE_NAME = "fb.toml";

/** What reading a project asks of the world; each answer can be recorded as an input. Paths are absolute or relative to the project. */
export interface ProjectIo extends ConfigIo {
  list(path: string): readonly DirEntry[] | null;
  /** What readRuleFile(file, text, bases) gives, where that is known without parsing; null where it is not. Without it, all is read. */
  readonly knownRules?: (file: string, text: string, bases: ReadBase) => RuleFile | null;
  /** Where the platform package lies that an env asks for, if it is no folder of the ini's, or that came for one that asks for none: absolute. null: it is not here yet. */
  readonly platformFolder?: (env: string, spec: PlatformSpec) => string | null;
}

export interface Platform {
  /** The name by which the rule file is known first: `atmelavr`. */
  readonly name: string;
  readonly rules: RuleFile;
  readonly boards: BoardTable;
}

/** `value` as a build sees it, but with `${UNIX_TIME}` left as it is written; `time`: it is in there. */
export interface OptionValue {
  readonly value: Value;
  readonly time: boolean;
  readonly origin: Origin | null;
}

/** Folders, relative to the project where they are in it ("." for itself), else absolute. They need not be there. */
export interface ProjectDirs {
  readonly include: string;
  readonly src: string;
  readonly lib: string;
  readonly data: string;
  readonly test: string;
  readonly boards: string;
  readonly shared: string;
  readonly globallib: string;
  readonly core: string;
}

export interface EnvProject {
  readonly name: string;
  readonly platform: Platform;
  readonly platformSpec: PlatformSpec;
  /** The platform package that the env asks for; null for fb's own boards and packages. */
  readonly platformPackage: PlatformPackage | null;
  /** It asks for one that is not here, or its board may be in one: board and packages are fb's own until it is, the board null where fb has none of that name. */
  readonly isPending: boolean;
  /** Of an env that asks for no platform package: fb itself has not its board (`board.unknown`), and says so where none comes. */
  readonly unknownBoard: Failure | null;
  readonly board: Board | null;
  /** In lower case; null for none. */
  readonly framework: string | null;
  readonly buildType: "release" | "test" | "debug";
  /** Items as the ini has them, not yet parsed as flags. */
  readonly buildFlags: readonly string[];
  readonly buildUnflags: readonly string[];
  readonly buildSrcFlags: readonly string[];
  readonly debugBuildFlags: readonly string[];
  /** `build_src_filter`, its items as they are written. */
  readonly srcFilter: readonly string[];
  readonly libDeps: readonly string[];
  readonly libIgnore: readonly string[];
  readonly libExtraDirs: readonly string[];
  readonly ldfMode: string;
  readonly libCompatMode: string;
  readonly libArchive: boolean;
  readonly packageWants: readonly PackageWant[];
  /** Every option that is set for the env, by its present name where it has one. */
  readonly options: ReadonlyMap<string, OptionValue>;
  /** What this env says that fb does not obey yet although its firmware may differ. */
  readonly warnings: readonly Failure[];
}

/** An env, or all that is wrong with it (exit 3); what is wrong with one env keeps no other from being built. */
export type EnvRead = { readonly ok: true; readonly value: EnvProject } | { readonly ok: false; readonly failures: readonly Failure[] };

export interface Project {
  /** Absolute, links resolved. */
  readonly dir: string;
  readonly name: string;
  readonly config: Config;
  /** The project's fb.toml, or null. */
  readonly ruleFile: RuleFile | null;
  /** Where packages come from: of fb.toml, else of the user's own file. */
  readonly settings: PackageSettings;
  readonly dirs: ProjectDirs;
  /** In file order. */
  readonly envs: ReadonlyMap<string, EnvRead>;
  readonly defaultEnvs: readonly string[];
  readonly warnings: readonly Failure[];
  /** Names of options that belong to verbs which fb has not yet, sorted: for `fb doctor` and lint, not for every build. */
  readonly later: readonly string[];
}

/**
 * Reads the project in `dir` (absolute, links resolved, no slash at the end). `platforms` is the folder of fb's platforms, absolute.
 * Fails with what makes the project unreadable as a whole: no or a broken platformio.ini, a broken fb.toml.
 */
export function readProject(dir: string, platforms: string, io: ProjectIo): Result<Project> {
  const config = readConfig(dir, io);
  if (!config.ok) return config;
  const fbToml = io.read(RULE_FILE_NAME);
  const ruleFile = fbToml === null ? ok(null) : readRuleFile(RULE_FILE_NAME, fbToml);
  if (!ruleFile.ok) return ruleFile;
  const platformFile = ruleFile.value?.platform ?? null;
  if (platformFile !== null) {
    const hint = "remove it: a platform is chosen by `platform =` of an env";
    return fail(
      failure("project.platform-table", 3, "[platform] is for fb's own platforms, not for a project's fb.toml", {
        file: RULE_FILE_NAME,
        hint,
      }),
    );
  }
  const userSettings = readUserSettings(io);
  if (!userSettings.ok) return userSettings;
  const dirs = projectDirs(dir, config.value);
  if (!dirs.ok) return dirs;
  const name = config.value.get("platformio", "name");
  if (!name.ok) return name;
  const shelf = new PlatformShelf(platforms, io);
  const reader = { dir, config: config.value, io, shelf, dirs: dirs.value, ignoreScripts: ruleFile.value?.extraScripts === "ignore" };
  return ok({
    dir,
    name: String(name.value ?? ""),
    config: config.value,
    ruleFile: ruleFile.value,
    settings: joinSettings(ruleFile.value?.settings ?? null, userSettings.value),
    dirs: dirs.value,
    envs: new Map(config.value.envs.map((env) => [env, readEnv(env, reader)])),
    defaultEnvs: config.value.defaultEnvs,
    warnings: config.value.warnings,
    later: laterOptions(config.value),
  });
}

/** The platforms that come with fb, each read when it is asked for. Files of fb's own installation: a mistake in one is a broken installation. */
export class PlatformShelf {
  readonly #folder: string;
  readonly #io: Pick<ProjectIo, "read" | "list" | "knownRules">;
  readonly #read = new Map<string, Result<Platform> | null>();

  constructor(folder: string, io: Pick<ProjectIo, "read" | "list" | "knownRules">) {
    this.#folder = folder;
    this.#io = io;
  }

  /** The platform that `platform = name` stands for (without case), undefined where there is none. */
  find(name: string): Result<Platform> | undefined {
    for (const platform of this.named(name)) return platform;
    return undefined;
  }

  /** All of that name: rules for other versions of a platform, or of a fork, have a folder of their own. Each is read when it is asked for. */
  *named(name: string): Generator<Result<Platform>> {
    // Mostly its folder is called so: then no other is read.
    const own = `${this.#folder}/${name.toLowerCase()}`;
    const folders = this.#folders();
    for (const folder of [...folders.filter((each) => each === own), ...folders.filter((each) => each !== own)]) {
      const platform = this.#load(folder);
      if (platform === null) continue;
      if (!platform.ok || platform.value.rules.platform?.names.some((each) => each.toLowerCase() === name.toLowerCase()) === true)
        yield platform;
    }
  }

  all(): Result<readonly Platform[]> {
    const found: Platform[] = [];
    for (const folder of this.#folders()) {
      const platform = this.#load(folder);
      if (platform?.ok === false) return platform;
      if (platform !== null) found.push(platform.value);
    }
    return ok(found);
  }

  #folders(): string[] {
    return (this.#io.list(this.#folder) ?? []).filter((entry) => entry.is === "dir").map((entry) => `${this.#folder}/${entry.name}`);
  }

  #load(folder: string): Result<Platform> | null {
    let known = this.#read.get(folder);
    if (known === undefined) {
      known = this.#open(folder);
      this.#read.set(folder, known);
    }
    return known;
  }

  #open(folder: string): Result<Platform> | null {
    const file = `${folder}/platform.toml`;
    const text = this.#io.read(file);
    if (text === null) return null;
    const bases: ReadBase = (path) => this.#io.read(path);
    const known = this.#io.knownRules?.(file, text, bases) ?? null;
    const rules = known === null ? readRuleFile(file, text, bases) : ok(known);
    if (!rules.ok) return rules;
    const info = rules.value.platform;
    const name = info?.names[0];
    if (info === null || name === undefined)
      return fail(failure("platform.no-table", 3, "expected a table [platform] with names", { file, line: 1, hint: "install fb again" }));
    const boardsFile = collapse(`${folder}/${info.boards}`);
    const boardsText = info.boards === "" ? null : this.#io.read(boardsFile);
    const boards = boardsText === null ? ok(NO_BOARDS) : readBoardTable(boardsFile, boardsText);
    return boards.ok ? ok({ name, rules: rules.value, boards: boards.value }) : boards;
  }
}

interface EnvReader {
  readonly dir: string;
  readonly config: Config;
  readonly io: ProjectIo;
  readonly shelf: PlatformShelf;
  readonly dirs: ProjectDirs;
  readonly ignoreScripts: boolean;
}

function readEnv(name: string, reader: EnvReader): EnvRead {
  const { config, dirs, io } = reader;
  const section = `env:${name}`;
  const failures: Failure[] = [];
  const options = new Map<string, OptionValue>();
  const get = (option: string): Value | undefined => {
    const value = config.getTimeless(section, option);
    if (value.ok) return value.value;
    if (!failures.includes(value.failure)) failures.push(value.failure);
    return undefined;
  };
  const text = (option: string): string => {
    const value = get(option);
    return typeof value === "string" ? value.trim() : "";
  };
  const list = (option: string): readonly string[] => {
    const value = get(option);
    return typeof value === "object" ? value : value === undefined || value === "" ? [] : [String(value)];
  };
  for (const option of config.options(section)) {
    const value = get(option);
    if (value === undefined) continue;
    const time = config.uses(section, option).includes("UNIX_TIME");
    options.set(declaredOption(section, option)?.name ?? option, { value, time, origin: config.origin(section, option) });
  }

  if (!/^[a-z\d_-]+$/i.test(name)) {
    const hint = `name it of letters, digits, "_" and "-"`;
    failures.push(failure("env.name", 3, `[${section}]: "${name}" is no name of an env`, { ...sectionPlace(section, config), hint }));
  }
  const platformSpec = parsePlatformSpec(text("platform"), config.origin(section, "platform"));
  const chosen = platformSpec.ok ? choosePlatform(name, platformSpec.value, reader) : platformSpec;
  const platform = chosen.ok ? ok(chosen.value.platform) : chosen;
  if (!platform.ok) failures.push(platform.failure);
  const { held, isPending, mayCome } = chosen.ok ? chosen.value : { held: null, isPending: false, mayCome: false };

  const frameworks = list("framework")
    .map((each) => each.toLowerCase().trim())
    .filter((each) => each !== "");
  const framework = frameworks[0] ?? null;
  if (platform.ok) failures.push(...frameworkProblems(section, platform.value, frameworks, config));

  let board: Board | null = null;
  let unknownBoard: Failure | null = null;
  const boardId = text("board");
  const place = config.origin(section, "board");
  if (platform.ok && boardId !== "") {
    const boards = held === null ? null : packageBoards(held, io);
    const folders = [dirs.boards, `${dirs.core}/boards`, ...(boards === null ? [] : [boards.folder])];
    const found = findBoard(boardId, folders, boards ?? platform.value.boards, platform.value.name, io, place);
    const given = platform.value.rules.platform?.board ?? new Map();
    const laid = found.ok
      ? overlayBoard(withDefaults(found.value, given), overrides(options))
      : fail<Board>(elsewhere(found.failure, boardId, platform.value, reader.shelf));
    if (laid.ok) board = laid.value;
    else if (laid.failure.code !== "board.unknown" || !(isPending || mayCome)) failures.push(laid.failure);
    else if (mayCome) unknownBoard = laid.failure;
    const problem = board === null ? null : coreProblem(section, platform.value, framework, board, options, place);
    if (problem !== null) failures.push(problem);
  } else if (platform.ok && platform.value.boards !== NO_BOARDS) {
    const hint = "add `board = ID`; fb boards lists the ids";
    failures.push(
      failure("env.no-board", 3, `[${section}] has no board: platform ${platform.value.name} needs one`, {
        ...sectionPlace(section, config),
        hint,
      }),
    );
  }

  const own: PackageWant[] = [];
  for (const item of list("platform_packages")) {
    const want = parsePackageWant(item, config.origin(section, "platform_packages", item));
    if (want.ok) own.push(want.value);
    else failures.push(want.failure);
  }
  const wants = held === null || !platform.ok ? ok([]) : packageWants(held, platform.value.rules, own, config.origin(section, "platform"));
  if (!wants.ok) failures.push(wants.failure);
  const scripts = list("extra_scripts");
  const [script] = scripts;
  if (script !== undefined && !reader.ignoreScripts) {
    const message = `[${section}] has extra_scripts, which fb does not run yet: ${scripts.join(", ")}`;
    const hint =
      'what they do would be missing from the firmware; to build without them say so in fb.toml: [compat] extra_scripts = "ignore"';
    failures.push(failure("env.extra-scripts", 3, message, { ...config.origin(section, "extra_scripts", script), hint }));
  }
  const buildFlags = list("build_flags");
  const buildUnflags = list("build_unflags");
  const buildSrcFlags = list("build_src_flags");
  const buildType = text("build_type");
  const env = {
    buildType: buildType === "debug" || buildType === "test" ? buildType : "release",
    ...{ buildFlags, buildUnflags, buildSrcFlags, debugBuildFlags: list("debug_build_flags"), srcFilter: list("build_src_filter") },
    ...{ libDeps: list("lib_deps"), libIgnore: list("lib_ignore"), libExtraDirs: list("lib_extra_dirs") },
    ...{ ldfMode: text("lib_ldf_mode"), libCompatMode: text("lib_compat_mode"), libArchive: get("lib_archive") !== false },
  } as const;
  if (failures.length > 0 || !platform.ok || !platformSpec.ok || !wants.ok) return { ok: false, failures };
  const { rules, name: known } = platform.value;
  const unheard = [
    ...unheardOptions(section, options),
    ...unheardOfPlatform(section, known, rules.platform?.unheard ?? [], options, board?.values ?? new Map()),
  ];
  const warnings = unheard.map((each) => warning(each.code, each.message, { ...each.origin, hint: each.hint }));
  const of = {
    name,
    platform: platform.value,
    platformSpec: platformSpec.value,
    platformPackage: held,
    unknownBoard,
    isPending: isPending || unknownBoard !== null,
  };
  return { ok: true, value: { ...of, board, framework, ...env, packageWants: [...own, ...wants.value], options, warnings } };
}

function overrides(options: ReadonlyMap<string, OptionValue>): BoardOverride[] {
  const found: BoardOverride[] = [];
  for (const [name, { value, origin }] of options) {
    if (!name.toLowerCase().startsWith("board_")) continue;
    found.push({ path: name.slice("board_".length), value: typeof value === "object" ? value.join("\n") : String(value), origin });
  }
  return found;
}

function sectionPlace(section: string, config: Config): Origin | null {
  const first = config.options(section).find((option) => config.origin(section, option) !== null);
  return first === undefined ? null : config.origin(section, first);
}

function projectDirs(dir: string, config: Config): Result<ProjectDirs> {
  const found: Record<string, string> = {};
  for (const key of ["include", "src", "lib", "data", "test", "boards", "shared", "globallib", "core"] as const) {
    const value = config.get("platformio", `${key}_dir`);
    if (!value.ok) return value;
    found[key] = projectRelative(dir, String(value.value ?? ""));
  }
  // The loop above has filled every key.
  return ok(found as unknown as ProjectDirs);
}

/** A path of the ini as the project names it: relative where it is inside, "." for the project itself. */
export function projectRelative(dir: string, path: string): string {
  const plain = collapse(path).replace(/(?<=.)\/$/, "");
  if (plain === dir) return ".";
  return plain.startsWith(`${dir}/`) ? plain.slice(dir.length + 1) : plain;
}

/** Names for templates of an env: `board.…`, `upload.…` (the ini's before the board's), `option.NAME`, `env`. */
export function envNames(env: EnvProject): Map<string, string | readonly string[]> {
  const names = new Map<string, string | readonly string[]>([["env", env.name]]);
  for (const [key, value] of env.board?.values ?? []) {
    names.set(`board.${key}`, value);
    if (key.startsWith("upload.")) names.set(key, value);
  }
  for (const [name, { value }] of env.options) {
    const bound = typeof value === "object" ? value : String(value);
    names.set(`option.${name}`, bound);
    const upload = /^upload_(.+)$/.exec(name);
    if (upload !== null) names.set(`upload.${upload[1]}`, bound);
  }
  const port = names.get("upload.port");
  // Whose command is the env's own means what it says.
  const way = names.get("upload.protocol") === "custom" || typeof port !== "string" ? undefined : wayOfPort(env.platform.rules, port);
  if (way !== undefined) names.set("upload.protocol", way);
  return names;
}
