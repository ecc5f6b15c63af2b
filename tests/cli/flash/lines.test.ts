/**
 * avrdude's command lines against PlatformIO's. platformio-lines.json: [board, target, options of the ini, the commands], got by running the builder scripts of
 * PlatformIO's platform-atmelavr (5.1.0) for every board that fb has; without `-C CONF`, as fb's avrdude finds its own.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { flagVariables } from "../../../cli/plan-input.ts";
import type { DirEntry } from "../../../engine/types.ts";
import { type Bound, expand, scope, within } from "../../../rules/expand.ts";
import { envNames, type ProjectIo, readProject } from "../../../rules/project.ts";
import { boardContext, resolve } from "../../../rules/resolve.ts";
import { CLAIM_PORT, effectScope, uploadOf } from "../../../rules/uploads.ts";

type Case = readonly [
  board: string,
  target: string,
  options: Readonly<Record<string, string | readonly string[]>>,
  lines: readonly (readonly string[])[] | null,
];

const CASES = JSON.parse(readFileSync(new URL("platformio-lines.json", import.meta.url), "utf8")) as readonly Case[];
const PLATFORMS = new URL("../../../platforms", import.meta.url).pathname;
/** PlatformIO's names of targets. */
const TARGETS: Readonly<Record<string, string>> = { upload: "flash", uploadeep: "flash-eeprom" };

function ini(board: string, options: Case[2]): string {
  const lines = Object.entries(options).map(
    ([name, value]) => `${name} =${typeof value === "string" ? ` ${value}` : value.map((v) => `\n  ${v}`).join("")}`,
  );
  return ["[env:a]", "platform = atmelavr", `board = ${board}`, "framework = arduino", ...lines, ""].join("\n");
}

/** The commands that fb would run; null: it has no such target for the board. */
function commands(board: string, target: string, options: Case[2]): string[][] | null {
  const io: ProjectIo = {
    read: (path) => (path.startsWith(PLATFORMS) ? readFileSync(path, "utf8") : path === "platformio.ini" ? ini(board, options) : null),
    list(path) {
      const entry = (name: string): DirEntry => ({ name, is: statSync(`${path}/${name}`).isDirectory() ? "dir" : "file" });
      return path.startsWith(PLATFORMS) ? readdirSync(path).sort().map(entry) : null;
    },
    glob: () => [],
    value: () => undefined,
    unixTime: () => 0,
    sha1: () => "0",
  };
  const read = readProject("/p", PLATFORMS, io);
  if (!read.ok) throw new Error(read.failure.message);
  const env = read.value.envs.get("a");
  if (env?.ok !== true) throw new Error(JSON.stringify(env));
  const { rules } = env.value.platform;
  const names = envNames(env.value);
  const upload = uploadOf(rules, names, flagVariables(read.value, env.value, "release"));
  if (!upload.ok) throw new Error(upload.failure.message);
  const around = { env: "a", profile: "release", host: "linux", framework: "arduino", toolVersions: new Map(), macros: new Set<string>() };
  const { vars, rules: meant } = resolve(rules, { ...around, ...boardContext(names) });
  const more: [string, Bound][] = [
    ["framework", "CORE"],
    ["tool.avrdude", "T"],
    ["tool.micronucleus", "T"],
  ];
  const where = effectScope(rules, upload.value, scope(new Map([...names, ...more]), vars), []);
  const mine = [...meant.values()].filter((rule) => rule.target === target);
  const made = mine.map((rule) => {
    const read = rule.name === "bootloader" ? expand(rule.in, where) : null;
    const input = read?.ok === true ? (read.value[0] ?? "") : "IMAGE";
    return expand(rule.run, within(where, [["in", input]]));
  });
  const shown = (arg: string) => arg.replace("T/bin/avrdude", "avrdude").replaceAll(CLAIM_PORT, "PORT");
  const lines = made.flatMap((argv) => (argv.ok ? [argv.value.map(shown)] : []));
  return lines.length < mine.length ? null : lines;
}

test("of every board, and of other protocols, speeds and flags", () => {
  assert.ok(new Set(CASES.map(([board]) => board)).size > 100);
  for (const [board, target, options, lines] of CASES) {
    const said = commands(board, TARGETS[target] ?? target, options);
    assert.equal(said, lines, `${board} ${target} ${JSON.stringify(options)}`);
  }
});

test("micronucleus has a program of its own, for boards without USB hardware", () => {
  const options = { upload_protocol: "micronucleus", upload_flags: ["--fast-mode"] };
  const [line, ...more] = commands("trinket3", "flash", options) ?? [];
  assert.equal(line, ["T/bin/micronucleus", "--fast-mode", "--no-ansi", "--run", "--timeout", "60", "IMAGE"]);
  assert.equal(more, []);
});

test("what PlatformIO's line would get wrong: a port of another kind in upload_flags counts alone; lock bits that nobody gives are left out", () => {
  const [line] = commands("uno", "flash", { upload_protocol: "stk500v2", upload_flags: ["-Pusb"] }) ?? [];
  assert.equal(
    line?.filter((arg) => arg.startsWith("-P")),
    ["-Pusb"],
  );
  const [fuses] = commands("trinket3", "fuses", { "board_fuses.hfuse": "0xDF", "board_fuses.lfuse": "0xF1" }) ?? [];
  assert.equal(fuses, ["avrdude", "-p", "attiny85", "-c", "usbtiny", "-Uhfuse:w:0xDF:m", "-Ulfuse:w:0xF1:m"]);
});

test.run();
