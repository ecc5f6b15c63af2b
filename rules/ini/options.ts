/** The options that PlatformIO declares: type, default, environment variable, former names. Any other option is plain text. */
import { splitList, strip } from "./text.ts";

/** What an option's value is once read; a list's items are always text. */
export type Value = string | number | boolean | readonly string[];

export type Scope = "platformio" | "env";

/** `flag`: an integer 0 or 1. `file`: a path of a file that is there. `folder`: a path, made absolute. */
export type OptionType = "text" | "integer" | "flag" | "boolean" | "choice" | "file" | "folder";

export interface DeclaredOption {
  readonly scope: Scope;
  readonly name: string;
  readonly type: OptionType;
  readonly list: boolean;
  readonly choices: readonly string[];
  /** Environment variable that overrides it (a list: is appended to it), or null. */
  readonly variable: string | null;
  readonly oldNames: readonly string[];
  /** As text with `${}`, or typed; null when there is none. `platformio.name` and `core_dir` have computed ones, null here. */
  readonly fallback: Value | null;
}

interface Facts {
  type?: OptionType;
  list?: true;
  choices?: string;
  variable?: true;
  old?: string;
  fallback?: Value;
}

function option(scope: Scope, name: string, facts: Facts = {}): DeclaredOption {
  return {
    scope,
    name,
    type: facts.type ?? (facts.choices === undefined ? "text" : "choice"),
    list: facts.list ?? false,
    choices: facts.choices?.split(" ") ?? [],
    variable: facts.variable ? `PLATFORMIO_${name.toUpperCase()}` : null,
    oldNames: facts.old?.split(" ") ?? [],
    fallback: facts.fallback ?? null,
  };
}

function folder(name: string, fallback: string | null): DeclaredOption {
  return option("platformio", name, { type: "folder", variable: true, ...(fallback === null ? {} : { fallback }) });
}

const list = { list: true } as const;
const core = "${platformio.core_dir}";
const workspace = "${platformio.workspace_dir}";

/** In PlatformIO's order, in which options that only an environment variable sets are listed. */
export const DECLARED: readonly DeclaredOption[] = [
  option("platformio", "name"),
  option("platformio", "description"),
  option("platformio", "default_envs", { list: true, variable: true, old: "env_default" }),
  option("platformio", "extra_configs", list),
  option("platformio", "core_dir", { type: "folder", variable: true, old: "home_dir" }),
  folder("globallib_dir", `${core}/lib`),
  folder("platforms_dir", `${core}/platforms`),
  folder("packages_dir", `${core}/packages`),
  folder("cache_dir", `${core}/.cache`),
  folder("build_cache_dir", null),
  folder("workspace_dir", "${PROJECT_DIR}/.pio"),
  folder("build_dir", `${workspace}/build`),
  folder("libdeps_dir", `${workspace}/libdeps`),
  ...["include", "src", "lib", "data", "test", "boards", "monitor", "shared"].map((name) =>
    folder(`${name}_dir`, `\${PROJECT_DIR}/${name}`),
  ),

  option("env", "platform"),
  option("env", "platform_packages", list),
  option("env", "board"),
  option("env", "framework", list),
  option("env", "board_build.mcu", { old: "board_mcu" }),
  option("env", "board_build.f_cpu", { old: "board_f_cpu" }),
  option("env", "board_build.f_flash", { old: "board_f_flash" }),
  option("env", "board_build.flash_mode", { old: "board_flash_mode" }),

  option("env", "build_type", { choices: "release test debug", fallback: "release" }),
  option("env", "build_flags", { list: true, variable: true }),
  option("env", "build_src_flags", { list: true, variable: true, old: "src_build_flags" }),
  option("env", "build_unflags", { list: true, variable: true }),
  option("env", "build_src_filter", { list: true, variable: true, old: "src_filter", fallback: "+<*> -<.git/> -<.svn/>" }),
  option("env", "targets", list),

  option("env", "upload_port", { variable: true }),
  option("env", "upload_protocol"),
  option("env", "upload_speed", { type: "integer" }),
  option("env", "upload_flags", { list: true, variable: true }),
  option("env", "upload_resetmethod"),
  option("env", "upload_command"),

  option("env", "monitor_port"),
  option("env", "monitor_speed", { type: "integer", old: "monitor_baud", fallback: 9600 }),
  option("env", "monitor_parity", { choices: "N E O S M", fallback: "N" }),
  option("env", "monitor_filters", list),
  option("env", "monitor_rts", { type: "flag" }),
  option("env", "monitor_dtr", { type: "flag" }),
  option("env", "monitor_eol", { choices: "CR LF CRLF", fallback: "CRLF" }),
  option("env", "monitor_raw", { type: "boolean", fallback: false }),
  option("env", "monitor_echo", { type: "boolean", fallback: false }),
  option("env", "monitor_encoding", { fallback: "UTF-8" }),

  option("env", "lib_deps", { list: true, old: "lib_use lib_force lib_install" }),
  option("env", "lib_ignore", list),
  option("env", "lib_extra_dirs", { list: true, variable: true }),
  option("env", "lib_ldf_mode", { choices: "off chain deep chain+ deep+", fallback: "chain" }),
  option("env", "lib_compat_mode", { choices: "off soft strict", fallback: "soft" }),
  option("env", "lib_archive", { type: "boolean", fallback: true }),

  option("env", "check_tool", { list: true, choices: "cppcheck clangtidy", fallback: ["cppcheck"] }),
  option("env", "check_src_filters", { list: true, old: "check_patterns" }),
  option("env", "check_flags", list),
  option("env", "check_severity", { list: true, choices: "low medium high", fallback: ["low", "medium", "high"] }),
  option("env", "check_skip_packages", { type: "boolean", fallback: false }),

  option("env", "test_framework", { choices: "doctest googletest unity custom", fallback: "unity" }),
  option("env", "test_filter", list),
  option("env", "test_ignore", list),
  option("env", "test_port"),
  option("env", "test_speed", { type: "integer", fallback: 115200 }),
  option("env", "test_build_src", { type: "boolean", old: "test_build_project_src", fallback: false }),
  option("env", "test_testing_command", list),

  option("env", "debug_tool"),
  option("env", "debug_build_flags", { list: true, fallback: ["-Og", "-g2", "-ggdb2"] }),
  option("env", "debug_init_break", { fallback: "tbreak main" }),
  option("env", "debug_init_cmds", list),
  option("env", "debug_extra_cmds", list),
  option("env", "debug_load_cmds", { list: true, old: "debug_load_cmd", fallback: ["load"] }),
  option("env", "debug_load_mode", { choices: "always modified manual", fallback: "always" }),
  option("env", "debug_server", list),
  option("env", "debug_port"),
  option("env", "debug_speed"),
  option("env", "debug_svd_path", { type: "file" }),
  option("env", "debug_server_ready_pattern"),
  option("env", "debug_test"),

  option("env", "extends", list),
  option("env", "extra_scripts", { list: true, variable: true, old: "extra_script" }),
];

const BY_NAME = new Map<string, DeclaredOption>();
for (const declared of DECLARED) BY_NAME.set(`${declared.scope}.${declared.name}`, declared);
for (const declared of DECLARED) for (const old of declared.oldNames) BY_NAME.set(`${declared.scope}.${old}`, declared);
const BY_OLD_NAME = new Map(DECLARED.flatMap((declared) => declared.oldNames.map((old) => [old, declared] as const)));

/** The scope of a section: `platformio`, `env` (also of `env:NAME`), or null for one that the project is free to use. */
export function scopeOf(section: string): Scope | null {
  const scope = section.split(":", 1)[0];
  return scope === "platformio" || scope === "env" ? scope : null;
}

/** The declaration of an option by its present or a former name, or undefined. */
export function declaredOption(section: string, name: string): DeclaredOption | undefined {
  const scope = scopeOf(section);
  return scope === null ? undefined : BY_NAME.get(`${scope}.${name}`);
}

/** The option that now has another name, whatever its scope; PlatformIO warns of these everywhere. */
export function renamedOption(name: string): DeclaredOption | undefined {
  return BY_OLD_NAME.get(name);
}

const BOOLEANS = new Map([
  ...["1", "yes", "true", "on", "t", "y"].map((word) => [word, true] as const),
  ...["0", "no", "false", "off", "f", "n", ""].map((word) => [word, false] as const),
]);

/** A cast value, or what was expected instead. */
export type Cast = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly expected: string };

/** Text → the declared type; other values are taken as they are. `isFile` is asked for options of type `file` only. */
export function castOption(declared: DeclaredOption, value: Value, isFile: (path: string) => boolean): Cast {
  if (typeof value !== "string") return { ok: true, value };
  if (declared.list) {
    const items = splitList(value);
    const wrong = declared.type === "choice" ? items.find((item) => !declared.choices.includes(item)) : undefined;
    return wrong === undefined ? { ok: true, value: items } : expected(words(declared.choices), wrong);
  }
  switch (declared.type) {
    case "text":
    case "folder":
      return { ok: true, value };
    case "file":
      return isFile(value) ? { ok: true, value } : expected("the path of an existing file", value);
    case "choice":
      return declared.choices.includes(value) ? { ok: true, value } : expected(words(declared.choices), value);
    case "boolean": {
      const known = BOOLEANS.get(strip(value).toLowerCase());
      return known === undefined ? expected("yes or no", value) : { ok: true, value: known };
    }
    case "integer":
    case "flag": {
      // Python's int(): a sign, digits, single underscores between them.
      const digits = strip(value);
      const number = /^[+-]?\d+(?:_\d+)*$/.test(digits) ? Number(digits.replaceAll("_", "")) : Number.NaN;
      if (declared.type === "flag" && number !== 0 && number !== 1) return expected("0 or 1", value);
      return Number.isSafeInteger(number) ? { ok: true, value: number } : expected("a whole number", value);
    }
    default:
      return declared.type satisfies never;
  }
}

function expected(what: string, found: string): Cast {
  return { ok: false, expected: `expected ${what}, found "${found}"` };
}

function words(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}
