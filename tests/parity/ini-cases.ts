/** Generated projects' configurations, from a seed: each uses much of the grammar at once, and about one in three has one fault. */
import { Random } from "../random.ts";

export interface IniCase {
  readonly name: string;
  /** Texts by path; the first is platformio.ini. */
  readonly files: Readonly<Record<string, string>>;
  /** Environment variables. */
  readonly vars: Readonly<Record<string, string>>;
}

/** The case of this number; it depends on nothing but the two. */
export function iniCase(seed: number, index: number): IniCase {
  return new Maker(new Random(seed * 1_000_003 + index), `seed ${seed} #${index}`).case();
}

const ENVS = ["env:a", "env:b", "env:c", "env:d-1", "env:E_2"];
const FREE = ["common", "base", "flags_x", "x y", "ü", "Common", "env_base", "common_env_data"];
const TEXTS = [
  ...["platform", "board", "upload_port", "upload_protocol", "upload_command", "upload_resetmethod", "monitor_port", "monitor_encoding"],
  ...[
    "board_build.mcu",
    "board_build.f_cpu",
    "board_build.f_flash",
    "board_build.flash_mode",
    "board_upload.x",
    "board_build.a.b",
    "custom_a",
  ],
  ...[
    "custom_b",
    "foo",
    "debug_tool",
    "debug_init_break",
    "debug_port",
    "debug_speed",
    "debug_server_ready_pattern",
    "debug_test",
    "test_port",
  ],
  ...["board_mcu", "board_f_cpu", "board_f_flash", "board_flash_mode"],
];
const LISTS = [
  ...[
    "build_flags",
    "build_src_flags",
    "src_build_flags",
    "build_unflags",
    "build_src_filter",
    "src_filter",
    "targets",
    "platform_packages",
  ],
  ...["framework", "lib_deps", "lib_use", "lib_force", "lib_install", "lib_ignore", "lib_extra_dirs", "extra_scripts", "extra_script"],
  ...["monitor_filters", "upload_flags", "debug_build_flags", "debug_init_cmds", "debug_extra_cmds", "debug_load_cmds", "debug_load_cmd"],
  ...["debug_server", "check_flags", "check_src_filters", "check_patterns", "test_filter", "test_ignore", "test_testing_command"],
];
/** Values of options that are no text: good ones, the usual first, then bad ones. */
const TYPED: Readonly<Record<string, readonly [good: readonly string[], bad: readonly string[]]>> = {
  upload_speed: [
    ["9600", "1_0", "+1", "-3", "007"],
    ["x", "", "1.5", "0x10", "9600L", "1__0", "\n  9600\n  1"],
  ],
  monitor_speed: [["115200", "9600", "\n  74880"], ["fast"]],
  monitor_baud: [["300"], ["1e3"]],
  test_speed: [["115200"], ["1,2"]],
  lib_archive: [
    ["yes", "no", "True", "0", "", "oFF"],
    ["2", "maybe", "yess"],
  ],
  monitor_raw: [["1", "off", "t"], ["x"]],
  monitor_echo: [["n", "y"], ["-1"]],
  monitor_rts: [
    ["0", "1"],
    ["3", "-1", "yes"],
  ],
  monitor_dtr: [
    ["1", "0"],
    ["", "2"],
  ],
  build_type: [
    ["release", "debug", "test"],
    ["Debug", "fast", ""],
  ],
  lib_ldf_mode: [
    ["chain+", "off", "deep", "chain", "deep+"],
    ["CHAIN", "on"],
  ],
  lib_compat_mode: [["soft", "strict", "off"], ["hard"]],
  monitor_parity: [["N", "E"], ["n"]],
  monitor_eol: [["CRLF", "LF"], ["lf"]],
  check_tool: [
    ["cppcheck", "clangtidy, cppcheck"],
    ["pvs-studio", "cppcheck,clangtidy"],
  ],
  check_severity: [
    ["low, high", "medium"],
    ["low,high", "Low"],
  ],
  check_skip_packages: [["yes"], ["si"]],
  test_framework: [["unity", "doctest", "custom"], ["catch2"]],
  test_build_src: [["yes", "no"], ["da"]],
  test_build_project_src: [["yes", "no"], ["nein"]],
  debug_load_mode: [["always", "manual"], ["never"]],
};
const DIRS = [
  ...["src_dir", "build_dir", "workspace_dir", "lib_dir", "core_dir", "home_dir", "libdeps_dir", "packages_dir", "include_dir", "data_dir"],
  ...["test_dir", "boards_dir", "monitor_dir", "shared_dir", "globallib_dir", "platforms_dir", "cache_dir", "build_cache_dir"],
];
const WORDS = [
  ...["-DA", "-DB=1", "-D C", "+<*>", "-<x/>", "a@^1.2", "https://x.y/z.git#v1", "x;y", "x#y", "'a b'", '"q"', "é", "a,b", "-Wl,-rpath"],
  ...[
    "=",
    ":",
    "[z]",
    "C:\\x",
    "%%",
    "%%(x)s",
    "$$",
    "$X",
    "$PROJECT_HASH",
    "$$PROJECT_HASH",
    "}",
    "{",
    "日本",
    "-DV='\"x y\"'",
    "\\",
    "-I/a=b",
  ],
  ...["a  b", "!cmd arg", "@", "~/x", "🙂", "x ;y", "${", "$(date)"],
];
const COMMENTS = ["; c", "# c", ";c", " # x = y", "\t; [s]", "#", ";;; [env:q]"];
const VARS: Readonly<Record<string, readonly string[]>> = {
  PLATFORMIO_BUILD_FLAGS: ["-DENV", "", "${this.board}", "a, b", "-DX ; c"],
  PLATFORMIO_BUILD_UNFLAGS: ["-Os"],
  PLATFORMIO_UPLOAD_PORT: ["/dev/x", ""],
  PLATFORMIO_UPLOAD_FLAGS: ["-v\n-x"],
  PLATFORMIO_SRC_DIR: ["s2", "~/s", "${platformio.lib_dir}/s"],
  PLATFORMIO_SRC_FILTER: ["+<env>"],
  PLATFORMIO_BUILD_SRC_FLAGS: ["-DS"],
  PLATFORMIO_SRC_BUILD_FLAGS: ["-DOLD"],
  PLATFORMIO_HOME_DIR: ["/hd"],
  PLATFORMIO_CORE_DIR: ["/cd", ""],
  PLATFORMIO_LIB_EXTRA_DIRS: ["l1, l2"],
  PLATFORMIO_EXTRA_SCRIPTS: ["x.py"],
  PLATFORMIO_DEFAULT_ENVS: ["a", "a, b"],
  PLATFORMIO_BUILD_CACHE_DIR: ["c"],
  EXTRA: ["e", "a ; b", "a\nb", " padded ", "${common.k1}", "%"],
};
const FAULTS = [
  ...["percent", "percent-open", "percent-name", "percent-depth", "section", "option", "env-option", "this", "self", "circle", "env-name"],
  ...["twice", "section-twice", "no-delimiter", "headless", "no-name", "open-header", "same-indent", "extends-circle", "value", "value"],
  ...["default_envs", "bad-env", "no-envs", "svd", "extra-syntax"],
] as const;
type Fault = (typeof FAULTS)[number];

class Maker {
  private readonly r: Random;
  private readonly name: string;
  private readonly fault: Fault | null;
  private sections: readonly string[] = [];
  private current = "";

  constructor(r: Random, name: string) {
    this.r = r;
    this.name = name;
    this.fault = r.chance(0.36) ? r.pick(FAULTS) : null;
  }

  case(): IniCase {
    const { r } = this;
    const envs = this.fault === "no-envs" ? [] : r.sample(ENVS, 1 + r.below(3));
    this.sections = [...envs, ...r.sample(FREE, 1 + r.below(3))];
    let names = [...this.sections];
    if (r.chance(0.5)) names.push("env");
    const extra = r.chance(0.22) || this.fault === "extra-syntax";
    if (r.chance(0.5) || extra || this.fault === "default_envs") names.push("platformio");
    if (r.chance(0.12)) names.push("DEFAULT");
    names = r.shuffled(names);
    const vars = r.chance(0.35)
      ? Object.fromEntries(r.sample(Object.keys(VARS), 1 + r.below(3)).map((v) => [v, r.pick(VARS[v] ?? [""])]))
      : {};
    const files = extra ? this.parted(names) : { "platformio.ini": this.file(names, "") };
    return { name: this.fault === null ? this.name : `${this.name} ${this.fault}`, files, vars };
  }

  /** Over several files, of which some are named by a pattern. */
  private parted(names: readonly string[]): Record<string, string> {
    const { r } = this;
    const half = Math.ceil(names.length / 2);
    const first = ["platformio", ...names.slice(0, half).filter((n) => n !== "platformio")];
    const patterns = r.sample(
      [
        "own.ini",
        "./own.ini",
        "more/*.ini",
        "more/**/*.ini",
        "mor?/[xy].ini",
        "**/x.ini",
        "o*.ini",
        "none.ini",
        "more",
        "[!p]*.ini",
        "{own,x}.ini",
      ],
      1 + r.below(3),
    );
    const list = r.chance(0.5) ? patterns.join(", ") : `\n${patterns.map((p) => `  ${p}\n`).join("")}`;
    const others = names.slice(half).filter((n) => n !== "platformio");
    const nested = r.chance(0.3) ? "[platformio]\nextra_configs = late.ini\n" : "";
    return {
      "platformio.ini": this.file(r.shuffled(first), `extra_configs = ${list}`),
      "own.ini": nested + this.file(others, ""),
      "more/x.ini":
        this.fault === "extra-syntax"
          ? "[env:a]\nnonsense\n"
          : this.file(
              r.sample(
                names.filter((n) => n !== "platformio"),
                2,
              ),
              "",
            ),
      ...(r.chance(0.4) ? { "more/deep/y.ini": this.file(r.sample(others, 1), "") } : {}),
      ...(r.chance(0.3) ? { "more/.hidden.ini": "[env:hidden]\nboard = h\n" } : {}),
      ...(nested === "" ? {} : { "late.ini": `[${r.pick(this.sections)}]\nlate = 1\nk1 = late\n` }),
    };
  }

  private file(names: readonly string[], platformio: string): string {
    const { r } = this;
    let text = names.map((name) => this.section(name, name === "platformio" ? platformio : "")).join("\n");
    if (this.fault === "headless" && platformio === "") text = `stray = 1\n${text}`;
    if (this.fault === "section-twice" && names[0] !== undefined) text += `\n[${names[0]}]\nagain = 1`;
    text += r.pick(["\n", "", "\n\n", "\n; end"]);
    if (r.chance(0.1)) text = text.replaceAll("\n", "\r\n");
    else if (r.chance(0.02)) text = text.replaceAll("\n", "\r");
    return r.chance(0.05) ? `\ufeff${text}` : text;
  }

  private section(name: string, more: string): string {
    const { r } = this;
    this.current = name;
    const pad = r.pick(["", "", "", "", "  ", "\t"]);
    const options = r.shuffled([...this.options(name), ...this.faulty(name)]);
    const outer = r.chance(0.03) ? "  " : "";
    const lines = [`${outer}[${name}]${r.chance(0.1) ? ` ${r.pick(COMMENTS)}` : ""}`];
    if (this.fault === "open-header" && r.chance(0.5)) lines.push("[open");
    // Deeper than the section's own name it would continue nothing, but be an option all the same.
    for (const line of more === "" ? [] : more.split("\n")) lines.push(line);
    for (const [option, value] of options) {
      if (r.chance(0.08)) lines.push(r.pick(["", "", "   ", pad]) + r.pick([...COMMENTS, ""]));
      lines.push(this.option(option, value, pad));
    }
    if (this.fault === "twice" && options[0] !== undefined)
      lines.push(this.option(r.chance(0.5) ? options[0][0].toUpperCase() : options[0][0], "again", pad));
    if (this.fault === "no-delimiter" && r.chance(0.6)) lines.push(`${pad}nonsense`);
    if (this.fault === "no-name" && r.chance(0.6)) lines.push(`${pad}= nameless`);
    if (this.fault === "same-indent" && r.chance(0.6)) lines.push(`${pad}build_x =\n${pad}-DA`);
    if (r.chance(0.3)) lines.push("");
    return lines.join("\n");
  }

  private options(name: string): [option: string, value: string][] {
    const { r } = this;
    const options: [string, string][] = [];
    if (name === "platformio") {
      for (const dir of r.sample(DIRS, r.below(4))) options.push([dir, this.dir()]);
      if (r.chance(0.15)) options.push(["name", r.pick(["blink", "", "my name"])], ["description", "about # it"]);
      if (this.fault === "default_envs") options.push(["default_envs", "nowhere"]);
      else if (r.chance(0.3)) {
        const envs = this.sections.filter((s) => s.startsWith("env:")).map((s) => s.slice(4));
        options.push([r.pick(["default_envs", "env_default"]), r.pick([envs.join(", "), `\n  ${envs.join("\n  ")}`, envs[0] ?? ""])]);
      }
      if (r.chance(0.15)) options.push([r.pick(["unknown_x", "custom_p", "board"]), "1"]);
    } else if (name === "env" || name.startsWith("env:")) {
      for (const option of r.sample(TEXTS, r.below(5)))
        options.push([option, r.chance(0.7) ? r.pick(["uno", "x y", "", "8000000L", "p@^1", "a, b"]) : this.word()]);
      for (const option of r.sample(LISTS, r.below(5))) options.push([option, this.value()]);
      for (const option of r.sample(Object.keys(TYPED), r.below(3))) options.push([option, r.pick(TYPED[option]?.[0] ?? [])]);
    } else {
      for (const option of ["k1", "k2", "build_flags", ...(r.chance(0.2) ? ["ünï"] : [])]) options.push([option, this.value()]);
      options.push(["board", r.pick(["uno", "", "x%%y"])]);
      if (r.chance(0.3)) options.push([r.pick([...TEXTS, ...LISTS]), this.value()]);
    }
    if (name !== "DEFAULT" && r.chance(0.4)) options.push(["extends", this.extended(name)]);
    // configparser takes no option twice, and [DEFAULT] has been asked for by name.
    return [...new Map(options)];
  }

  /** Later sections by name, so that there is no circle. */
  private extended(name: string): string {
    const { r } = this;
    const later = this.sections.filter((s) => s > name);
    const picked = [...r.sample(later, 1 + r.below(3)), ...(r.chance(0.1) ? ["missing"] : [])];
    return r.chance(0.7) ? picked.join(", ") : `\n    ${picked.join(r.pick(["\n    ", "\n\n    ", "\n    ; c\n    "]))}`;
  }

  /** What is wrong with a section, where that is one option. */
  private faulty(name: string): [option: string, value: string][] {
    const { r } = this;
    if (r.chance(0.4)) return [];
    const env = name.startsWith("env:");
    switch (this.fault) {
      case "percent":
        return [["custom_fault", r.pick(["50%", "a % b", "%", "%%%", "%s", "x %d y"])]];
      case "percent-open":
        return [["custom_fault", r.pick(["%(x", "%(x)", "%()s", "%(x)d"])]];
      case "percent-name":
        return [["custom_fault", "a %(nowhere)s"]];
      case "percent-depth":
        return [...Array.from({ length: 11 }, (_, i): [string, string] => [`d${i}`, `%(d${i + 1})s`]), ["d11", r.pick(["end", "%(d0)s"])]];
      case "section":
        return [["custom_fault", r.pick(["${nowhere.x}", "a ${env:nowhere.x} b", "${COMMON.k1}", "${ common.k1}", "${Env.board}"])]];
      case "option":
        return [["custom_fault", r.pick([`\${${r.pick(this.sections)}.nowhere}`, "${platformio.nowhere}", `\${${name}.k9}`])]];
      case "env-option":
        return [["custom_fault", r.pick(["${env.nowhere}", `\${${r.pick(this.sections)}.foo.bar}`])]];
      case "this":
        return [["custom_fault", r.pick(["${this.nowhere}", "${this.board.x}", "${this.__ENV__}", "${this.__env}"])]];
      case "self":
        return [["custom_fault", r.pick(["${this.custom_fault}", `\${${name}.custom_fault}`, "a ${this.CUSTOM_FAULT}"])]];
      case "circle":
        return [
          ["custom_fault", "a ${this.custom_other}"],
          ["custom_other", `\${${name}.custom_fault} b`],
        ];
      case "env-name":
        return env ? [] : [["custom_fault", "${this.__env__}"]];
      case "extends-circle":
        return name === "DEFAULT" || !env ? [] : [["extends", r.pick([name, `${this.sections.at(-1)}, ${name}`])]];
      case "value": {
        const [option, [, bad]] = r.pick(Object.entries(TYPED));
        return env || name === "env" ? [[option, r.pick(bad)]] : [];
      }
      case "svd":
        return env ? [["debug_svd_path", "nowhere.svd"]] : [];
      case "bad-env":
        return env ? [["custom_x", `1\n[env:${r.pick(["a b", "ä", "a.b", "x/y", ""])}]\nboard = q`]] : [];
      default:
        return [];
    }
  }

  private dir(): string {
    return this.r.pick([
      ...["x", "./y/../z", "~/q", "/abs", "", "${PROJECT_DIR}/p", "${platformio.name}/in", "$PROJECT_HASH", "${sysenv.EXTRA}", "${NOT}/x"],
      ...["..", "a//b/", "~", "../../up", "$PROJECT_DIR/b", "${sysenv.HOME}/h", ".", "a b", "\n  lines", "${this.name}"],
    ]);
  }

  private option(name: string, value: string, pad: string): string {
    const { r } = this;
    const shown = r.chance(0.1) ? (r.chance(0.5) ? name.toUpperCase() : `${name.charAt(0).toUpperCase()}${name.slice(1)}`) : name;
    return (
      pad +
      shown +
      r.pick([" = ", " = ", "=", ": ", " : ", " =", "\t=\t", "= "]) +
      (value.startsWith("\n") ? value.replaceAll("\n", `\n${pad}`) : value)
    );
  }

  private value(): string {
    const { r } = this;
    const words = Array.from({ length: 1 + r.below(3) }, () => this.word());
    const shape = r.below(8);
    let text = "";
    if (shape < 3) text = words.join(" ");
    else if (shape === 3) text = words.join(", ");
    else if (shape > 4) text = this.lines(words);
    return r.chance(0.12) ? text + r.pick([" ", "", "\t", "  "]) + r.pick(COMMENTS) : text;
  }

  /** A value over lines, deeper than any option is. */
  private lines(words: readonly string[]): string {
    const { r } = this;
    const lines = [r.chance(0.6) ? "" : (words[0] ?? "")];
    for (const word of words) {
      if (r.chance(0.15)) lines.push(r.pick(["", "   "]));
      if (r.chance(0.15)) lines.push(r.pick(["", "  ", "    ", "\t"]) + r.pick(COMMENTS));
      lines.push(r.pick(["    ", "   ", "\t\t", "      ", "\t  "]) + word + (r.chance(0.3) ? ` ${this.word()}` : ""));
    }
    return lines.join("\n");
  }

  private word(): string {
    const x = this.r.next();
    if (x < 0.26) return this.reference();
    if (x < 0.28 && !this.current.startsWith("env") && this.current !== "platformio") return this.r.pick(["%(board)s", "%(BOARD)s"]);
    return this.r.pick(WORDS);
  }

  /** A `${…}` that can mostly be resolved: it leads to later sections only, and to options that are there. */
  private reference(): string {
    const { r } = this;
    const env = this.current === "env" || this.current.startsWith("env:");
    switch (r.below(9)) {
      case 0:
        return r.pick(["${PROJECT_DIR}", "${PROJECT_HASH}", "${UNIX_TIME}", "${BUILD_DIR}", "${PIOENV}", '${UPLOAD_PORT and "-p "}']);
      case 1:
        return r.pick(["${sysenv.EXTRA}", "${sysenv.NOPE}", "${sysenv.HOME}", "${sysenv.PLATFORMIO_BUILD_FLAGS}"]);
      case 2:
        return `\${platformio.${r.pick([...DIRS.filter((dir) => dir !== "home_dir"), "name", "description", "default_envs", "extra_configs"])}}`;
      case 3:
      case 4:
        if (!env) return "${LATER}";
        return `\${this.${r.pick(["board_build.mcu", "debug_tool", "monitor_port", "test_speed", "test_build_src", "upload_resetmethod", ...(this.current === "env" ? [] : ["__env__"])])}}`;
      case 5:
        return `\${env.${r.pick(["platform", "lib_archive", "monitor_eol", "debug_load_mode", "check_severity", "monitor_speed", "lib_compat_mode"])}}`;
      default: {
        const later = this.sections.filter((s) => s > this.current && !s.startsWith("env_"));
        if (later.length === 0) return "${LATER}";
        const section = r.pick(later);
        const names = section.startsWith("env:")
          ? ["build_flags", "board", "lib_deps", "upload_speed"]
          : ["k1", "k2", ...(r.chance(0.1) ? ["K1", "extends"] : [])];
        return `\${${section}.${r.pick(names)}}`;
      }
    }
  }
}
