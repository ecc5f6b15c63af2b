/** A project's configuration: platformio.ini with its extra_configs, as PlatformIO 6.2 would understand it. */
import { CONFIG_FILE } from "./config-file.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { didYouMean } from "../nearest.ts";
import { lexIni, type Piece, placeOfText } from "./lex.ts";
import type { Value } from "./options.ts";
import { type Place, problem } from "./problem.ts";
import { type Builtin, type ConfigIo, homeFolder, Resolver } from "./resolve.ts";
import { Sections, splitPlace } from "./sections.ts";
import { configWarnings } from "./warnings.ts";

export type { Value } from "./options.ts";
export type { Place } from "./problem.ts";
export type { Builtin, ConfigIo } from "./resolve.ts";

export interface Config {
  /** All sections in the order of their first appearance; [DEFAULT] is not one. */
  readonly sections: readonly string[];
  /** The names NAME of the sections [env:NAME], in the same order. */
  readonly envs: readonly string[];
  /** `default_envs`, as it is set; empty when it is not. The names are not checked here. */
  readonly defaultEnvs: readonly string[];
  /** Files read, in the order of reading: platformio.ini and what extra_configs named. */
  readonly files: readonly string[];
  /** Same shape as failures, but nothing is refused for them. */
  readonly warnings: readonly Failure[];
  /** Names of a section's options: its own, inherited ones, and those that only an environment variable sets. */
  options(section: string): readonly string[];
  /** The text of the value before any interpolation, found through `extends`; undefined when no file sets it. */
  raw(section: string, option: string): string | undefined;
  /** The value as a build sees it, typed. Undefined: not set and without default (a declared list is then empty). */
  get(section: string, option: string): Result<Value | undefined>;
  /** The same with `${UNIX_TIME}` left as it is written, for keys. */
  getTimeless(section: string, option: string): Result<Value | undefined>;
  /** The built-in names (PROJECT_DIR, PROJECT_HASH, UNIX_TIME) that took part in a value, directly or through other options. */
  uses(section: string, option: string): readonly Builtin[];
  /** Where a value begins or, with `text`, the line of it that holds this text; null for a default or an environment variable. */
  origin(section: string, option: string, text?: string): Place | null;
  /** The lines of a value, each with its place; empty like `origin`. */
  lines(section: string, option: string): readonly (Piece & Place)[];
  /**
   * The envs to build, in file order: those asked for, else `default_envs`, else all. Fails when there are none (exit 3), when any
   * name in the file is not made of letters, digits, `_` and `-` (3), when one asked for is unknown (2) or one of `default_envs` (3).
   */
  select(asked: readonly string[]): Result<readonly string[]>;
  /** Every error there is in any value, for lint; `get` reports the same ones one at a time. */
  check(): readonly Failure[];
}

/**
 * Reads the project in `projectDir` (absolute, links resolved, no slash at the end: values contain it as it is).
 * Fails with the first error that makes the files unreadable as a whole: no file, syntax, duplicates, cyclic extends.
 */
export function readConfig(projectDir: string, io: ConfigIo): Result<Config> {
  const read = readFiles(projectDir, io);
  const unread = read.problems[0];
  if (unread !== undefined) return { ok: false, failure: unread };
  const { sections, files } = read;
  const resolver = new Resolver(sections, projectDir, io, false);
  const timeless = new Resolver(sections, projectDir, io, true);
  const names = sections.names();
  for (const name of names) {
    const { failure } = sections.walk(name);
    if (failure !== null) return { ok: false, failure };
  }
  const chosen = resolver.get("platformio", "default_envs");
  if (!chosen.ok) return chosen;
  const defaultEnvs = asList(chosen.value.value);
  const envs = names.filter((name) => name.startsWith("env:")).map((name) => name.slice("env:".length));

  function source(section: string, option: string) {
    const found = resolver.source(section, option);
    return found.ok ? found.value : undefined;
  }
  const config: Config = {
    sections: names,
    envs,
    defaultEnvs,
    files,
    warnings: configWarnings(sections, resolver),
    options(section) {
      const found = resolver.options(section);
      return found.ok ? found.value : [];
    },
    raw: (section, option) => source(section, option)?.value,
    get: (section, option) => plain(resolver.get(section, option)),
    getTimeless: (section, option) => plain(timeless.get(section, option)),
    uses(section, option) {
      const found = resolver.get(section, option);
      return found.ok ? [...found.value.uses].sort() : [];
    },
    origin(section, option, text = "") {
      const found = source(section, option);
      return found === undefined ? null : placeOfText(found, text);
    },
    lines(section, option) {
      const found = source(section, option);
      return found === undefined ? [] : found.pieces.map((piece) => ({ ...piece, file: found.file }));
    },
    select: (asked) => selectEnvs(config, sections, resolver, asked),
    check: () => checkAll(config, sections, resolver),
  };
  return { ok: true, value: config };
}

/** What `--lint` reports: all errors, also those that make the files unreadable, and all warnings. */
export function lintConfig(
  projectDir: string,
  io: ConfigIo,
): { readonly errors: readonly Failure[]; readonly warnings: readonly Failure[] } {
  const { problems } = readFiles(projectDir, io);
  if (problems.length > 0) return { errors: problems, warnings: [] };
  const config = readConfig(projectDir, io);
  return config.ok ? { errors: config.value.check(), warnings: config.value.warnings } : { errors: [config.failure], warnings: [] };
}

/**
 * Reads platformio.ini, then the extra_configs that are known so far, and after each of them those that it added; later files
 * override earlier ones. What a pattern does not match is nothing to complain of: projects name files that users may add.
 */
function readFiles(projectDir: string, io: ConfigIo): { sections: Sections; files: string[]; problems: readonly Failure[] } {
  const sections = new Sections();
  const files: string[] = [];
  const seen = new Set([`${projectDir}/${CONFIG_FILE}`]);

  function readOne(path: string, text: string): readonly Failure[] {
    files.push(path);
    const file = lexIni(text, path);
    if (file.problems.length > 0) return file.problems;
    sections.merge(file);
    const extra = new Resolver(sections, projectDir, io, false).get("platformio", "extra_configs");
    if (!extra.ok) return [extra.failure];
    for (const pattern of asList(extra.value.value)) {
      const home = homeFolder(io);
      const expanded = pattern.startsWith("~/") && home !== undefined ? home.replace(/\/+$/, "") + pattern.slice(1) : pattern;
      for (const match of io.glob(expanded)) {
        if (seen.has(match)) continue;
        seen.add(match);
        const content = io.read(match);
        const problems = content === null ? [] : readOne(match, content);
        if (problems.length > 0) return problems;
      }
    }
    return [];
  }

  const text = io.read(CONFIG_FILE);
  if (text === null) {
    const hint = "run fb in the project's folder, name it with -C DIR, or make one with fb init --board ID";
    return { sections, files, problems: [problem("ini.not-found", `expected a ${CONFIG_FILE} in ${projectDir}, found none`, null, hint)] };
  }
  return { sections, files, problems: readOne(CONFIG_FILE, text) };
}

function selectEnvs(config: Config, sections: Sections, resolver: Resolver, asked: readonly string[]): Result<readonly string[]> {
  const { envs, defaultEnvs } = config;
  const [failure] = envsProblems(config, sections, resolver);
  if (failure !== undefined) return { ok: false, failure };
  const unknown = asked.find((name) => !envs.includes(name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, envs, `the envs are ${envs.join(", ")}`);
    return { ok: false, failure: { ...problem("ini.unknown-env", `there is no env "${unknown}" in ${CONFIG_FILE}`, null, hint), exit: 2 } };
  }
  const wanted = asked.length > 0 ? asked : defaultEnvs;
  return { ok: true, value: wanted.length === 0 ? envs : envs.filter((name) => wanted.includes(name)) };
}

/** What is wrong with the names of envs, whichever are built, in PlatformIO's order. */
function envsProblems(config: Config, sections: Sections, resolver: Resolver): Failure[] {
  const { envs, defaultEnvs } = config;
  if (envs.length === 0) {
    const hint = "add a section such as [env:uno] with platform, board and framework";
    const message = `expected at least one section [env:NAME] in ${CONFIG_FILE}, found none`;
    return [problem("ini.no-envs", message, { file: CONFIG_FILE, line: 1, column: 1 }, hint)];
  }
  const badNames = envs.filter((name) => !/^[a-z0-9_-]+$/i.test(name));
  const unknown = defaultEnvs.filter((name) => !envs.includes(name));
  return [
    ...unknown.map((name) => unknownDefault(name, envs, resolver)),
    ...badNames.map((name) => {
      const message = `"${name}" cannot be the name of an env: expected letters, digits, "_" and "-"`;
      return problem("ini.env-name", message, sections.place(`env:${name}`), "rename the section");
    }),
  ];
}

function unknownDefault(unknown: string, envs: readonly string[], resolver: Resolver): Failure {
  const found = resolver.source("platformio", "default_envs");
  const option = found.ok && found.value?.value.includes(unknown) ? found.value : undefined;
  const source = option === undefined ? "PLATFORMIO_DEFAULT_ENVS (environment variable)" : "default_envs";
  const hint = unknown.includes(",") ? 'separate the names with ", " or put each on a line of its own' : `the envs are ${envs.join(", ")}`;
  const place = option === undefined ? null : splitPlace(option, unknown);
  return problem("ini.unknown-env", `${source} names the env "${unknown}", which is not there`, place, didYouMean(unknown, envs, hint));
}

function checkAll(config: Config, sections: Sections, resolver: Resolver): Failure[] {
  const failures = new Map<string, Failure>();
  function add(failure: Failure | undefined): void {
    if (failure === undefined) return;
    // One bad line that many envs inherit is one error.
    const id = failure.file === null ? failure.message : [failure.code, failure.file, failure.line, failure.column].join("\n");
    if (!failures.has(id)) failures.set(id, failure);
  }
  for (const failure of envsProblems(config, sections, resolver)) add(failure);
  for (const section of config.sections) {
    for (const option of config.options(section)) {
      const value = resolver.get(section, option);
      if (!value.ok) add(value.failure);
    }
  }
  return [...failures.values()];
}

function plain(resolved: Result<{ readonly value: Value | undefined }>): Result<Value | undefined> {
  return resolved.ok ? { ok: true, value: resolved.value.value } : resolved;
}

function asList(value: Value | undefined): readonly string[] {
  return typeof value === "object" ? value : [];
}
