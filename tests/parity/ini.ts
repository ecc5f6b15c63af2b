/** Configurations: what fb makes of a platformio.ini against what PlatformIO's own code made of it, table, error and warnings. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openDisk } from "../../cli/host/disk.ts";
import { RecordingProjectIo } from "../../cli/open-project.ts";
import { type ConfigIo, lintConfig, readConfig } from "../../rules/ini/config.ts";
import { type ConfigTable, configTable } from "../../rules/ini/json.ts";
import { type IniCase, iniCase } from "./ini-cases.ts";
import { HAND_CASES } from "./ini-hand.ts";
import { type Kind, numbersOf, seeded } from "./kind.ts";

/** The project's folder, the home folder and the time that both sides are told of. */
const GIVEN = { project: "/home/someone/work space/blink", home: "/home/someone", time: 1700000000 };

export interface IniAnswer {
  readonly table: ConfigTable | null;
  readonly error: readonly [type: string, message: string] | null;
  readonly warnings: readonly string[];
  /** The class of what checking the names of envs said, where the table could be made. */
  readonly invalid: string | null;
}

/** PlatformIO's answers, in the order of the cases. `python`: one that has its package. */
function askIni(python: string, cases: readonly IniCase[]): readonly IniAnswer[] {
  const input = JSON.stringify({ ...GIVEN, cases });
  const ran = spawnSync(python, [join(import.meta.dirname, "ini-answer.py")], { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return ran.stdout
    .trim()
    .split("\n")
    .map((line): IniAnswer => JSON.parse(line));
}

/** fb's code for what PlatformIO refuses; an error that is not in here is a new one to look at. */
const CODES: readonly (readonly [error: RegExp, code: string])[] = [
  [/^Hang/, "ini.extends-cycle"],
  [/contains no section headers/, "ini.no-section"],
  [/: option '.*' in section '.*' already exists/, "ini.duplicate-option"],
  [/: section '.*' already exists/, "ini.duplicate-section"],
  [/contains parsing errors/, "ini.syntax"],
  [/No section: /, "ini.no-section"],
  [/No option '/, "ini.no-option"],
  [/'%' must be followed by|bad interpolation variable reference|Bad value substitution|Recursion limit exceeded/, "ini.interpolation"],
  [/`\$\{this\.__env__\}` is called from the/, "ini.interpolation"],
  [/Infinite recursion has been detected/, "ini.recursion"],
  [/^ProjectOptionValueError/, "ini.bad-value"],
];
const INVALID: Readonly<Record<string, string>> = {
  UnknownEnvNamesError: "ini.unknown-env",
  InvalidEnvNameError: "ini.env-name",
  ProjectEnvsNotAvailableError: "ini.no-envs",
};

/** What differs, in words; empty when nothing does. */
function compareIni(test: IniCase, answer: IniAnswer): string {
  const folder = mkdtempSync(join(tmpdir(), "fb-ini-"));
  try {
    for (const [path, text] of Object.entries(test.files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return differences(ioOf(test, folder), answer);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The files on the disk, and nothing else of this machine. */
function ioOf(test: IniCase, folder: string): ConfigIo {
  const disk = new RecordingProjectIo(folder, openDisk(folder));
  return {
    read: (path) => disk.read(path),
    glob: (pattern) => disk.glob(pattern),
    value: (name) => test.vars[name] ?? (name === "HOME" ? GIVEN.home : undefined),
    unixTime: () => GIVEN.time,
    sha1: (text) => createHash("sha1").update(text).digest("hex"),
  };
}

function differences(io: ConfigIo, answer: IniAnswer): string {
  const config = readConfig(GIVEN.project, io);
  const table = config.ok ? configTable(config.value) : config;
  const lint = lintConfig(GIVEN.project, io);
  for (const { code, hint, message, file, line, column } of [...lint.errors, ...lint.warnings]) {
    if (!/^ini\.[a-z-]+$/.test(code) || hint === "" || message === "" || (file !== null && (line < 1 || column < 1)))
      return `a message without code, place or hint: ${JSON.stringify({ code, message, file, line, column, hint })}`;
  }
  if (answer.error !== null) {
    const [type, message] = answer.error;
    const text = `${type}: ${message}`;
    const code = CODES.find(([error]) => error.test(text))?.[1];
    if (table.ok) return `PlatformIO refuses it: ${text}\nfb reads ${JSON.stringify(table.value)}`;
    // configparser goes on after a line that it can not read, but not after a duplicate; fb names both, in the order of lines.
    const doubled = code?.startsWith("ini.duplicate") && lint.errors.some((error) => error.code === code);
    if (code !== table.failure.code && !doubled) return `PlatformIO: ${text}\nfb: ${table.failure.code} ${table.failure.message}`;
    if (table.failure.exit !== 3 || lint.errors.length === 0) return `fb's lint does not see ${table.failure.message}`;
    return "";
  }
  if (!table.ok) return `PlatformIO accepts it\nfb: ${JSON.stringify(table.failure)}`;
  // As it is printed: JSON knows no -0.
  const printed: ConfigTable = JSON.parse(JSON.stringify(table.value));
  if (!isDeepStrictEqual(printed, answer.table)) return tableDifference(printed, answer.table ?? []);
  const chosen = config.ok ? config.value.select([]) : config;
  const code = chosen.ok ? "" : chosen.failure.code;
  if (code !== (answer.invalid === null ? "" : INVALID[answer.invalid])) return `names of envs: PlatformIO ${answer.invalid}, fb ${code}`;
  if (answer.invalid === null && lint.errors.length > 0) return `fb's lint says ${JSON.stringify(lint.errors)}`;
  return warningDifference(
    lint.warnings.map((warning) => `${warning.code} ${warning.message}`),
    answer.warnings,
  );
}

/** The first section or value that is not the same. */
function tableDifference(ours: ConfigTable, theirs: ConfigTable): string {
  const names = (table: ConfigTable) => table.map(([name, options]) => `[${name}] ${options.map(([option]) => option).join(" ")}`);
  const at = names(theirs).findIndex((name, i) => name !== names(ours)[i]);
  if (at >= 0 || ours.length !== theirs.length) return `options\n  PlatformIO: ${names(theirs)[at]}\n  fb:         ${names(ours)[at]}`;
  for (const [i, [section, options]] of theirs.entries()) {
    for (const [k, [option, value]] of options.entries()) {
      const own = ours[i]?.[1][k]?.[1];
      if (!isDeepStrictEqual(own, value))
        return `${option} of [${section}]\n  PlatformIO: ${JSON.stringify(value)}\n  fb:         ${JSON.stringify(own)}`;
    }
  }
  return "the tables";
}

/** fb warns of all that PlatformIO warns of, in its own words; of renamed and unknown options and of monitor filters only then. */
function warningDifference(ours: readonly string[], theirs: readonly string[]): string {
  const said = ours.join("\n");
  for (const warning of theirs) {
    const [option = ""] = /(?<=`)[^`]+(?=`)/.exec(warning) ?? [];
    const expected = warning.includes("deprecated")
      ? `ini.renamed-option option ${option} of`
      : warning.includes("unknown")
        ? `ini.unknown-option unknown option ${option} in`
        : warning.includes("Invalid variable")
          ? "ini.bare-variable"
          : "ini.monitor-filters";
    if (!said.includes(expected)) return `PlatformIO warns: ${warning}\nfb: ${said}`;
  }
  const more = /ini\.(?:renamed-option|unknown-option|monitor-filters).*/.exec(said);
  return more !== null && !theirs.some((warning) => !warning.includes("Invalid variable")) ? `only fb warns: ${more[0]}` : "";
}

const hand = new Map(HAND_CASES.map((test) => [test.name, test]));

export const iniKind: Kind<IniCase, IniAnswer> = {
  name: "ini",
  about: "platformio.ini: every value, error and warning",
  usual: 500,
  make(id) {
    const numbers = numbersOf(id);
    return numbers === null ? (hand.get(id) ?? null) : iniCase(...numbers);
  },
  kept: [...hand.keys(), ...seeded(1, 420)],
  ask: (peer, cases) =>
    askIni(
      peer.python,
      cases.map(({ input }) => input),
    ),
  compare: compareIni,
  files: ({ files, vars }) => ({ ...files, "vars.json": JSON.stringify(vars) }),
};
