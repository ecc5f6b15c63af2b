/**
 * Records what PlatformIO passes to its tools for generated flags: tests/rules/fixtures/flags-native.json and flags-avr.json.
 * FB_PEERS=FOLDER (one that peers/setup made: venv, platformio) [FB_ATMELAVR=FOLDER (a checkout of platform-atmelavr)] node record-flags.ts [--cases N] [--seed N] [--out FOLDER]
 * The compilers are stand-ins that write down their arguments, so the recorded lists are what the shell made of PlatformIO's commands.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Case, caseMaker, type LibraryCase } from "./flag-cases.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100" },
    seed: { type: "string", default: "3" },
    out: { type: "string", default: join(import.meta.dirname, "fixtures") },
  },
});
const peers = process.env["FB_PEERS"];
if (peers === undefined) throw new Error("set FB_PEERS to the folder that peers/setup made");
const work = mkdtempSync(join(tmpdir(), "record-flags-"));
const log = join(work, "log");
const bin = join(work, "bin");
const core = join(work, "core");

const STUB = `#!/bin/sh
if [ "$*" = "-v" ] || [ "$*" = "--version" ]; then echo "gcc version 12.2.0" >&2; exit 0; fi
{ printf '%s\\037' "\${0##*/}" "$@"; printf '\\036'; } >> '${log}'
out=; last=
for a; do [ "$last" = -o ] && out=$a; last=$a; done
case "\${0##*/}" in *ar) out=$2;; *objcopy) out=$last;; esac
[ -n "$out" ] && : > "$out"
exit 0
`;

function stubs(folder: string, prefix: string): void {
  mkdirSync(folder, { recursive: true });
  for (const tool of ["gcc", "g++", "as", "ar", "ranlib", "gcc-ar", "gcc-ranlib", "objcopy", "size"]) {
    writeFileSync(join(folder, prefix + tool), STUB);
    chmodSync(join(folder, prefix + tool), 0o755);
  }
}

/** A core folder of our own: the peers' platforms, packages by link, and an AVR toolchain of stand-ins. */
function setUp(): void {
  stubs(bin, "");
  const from = join(peers ?? "", "platformio");
  mkdirSync(join(core, "packages"), { recursive: true });
  cpSync(join(from, "platforms"), join(core, "platforms"), { recursive: true });
  for (const name of ["tool-scons", "framework-arduino-avr"]) symlinkSync(join(from, "packages", name), join(core, "packages", name));
  const toolchain = join(core, "packages", "toolchain-atmelavr");
  stubs(join(toolchain, "bin"), "avr-");
  for (const name of ["package.json", ".piopm"]) cpSync(join(from, "packages", "toolchain-atmelavr", name), join(toolchain, name));
  const atmelavr = process.env["FB_ATMELAVR"];
  if (atmelavr === undefined) return;
  cpSync(atmelavr, join(core, "platforms", "atmelavr"), { recursive: true });
  const spec = { owner: "platformio", id: null, name: "atmelavr", requirements: null, uri: null };
  writeFileSync(
    join(core, "platforms", "atmelavr", ".piopm"),
    JSON.stringify({ type: "platform", name: "atmelavr", version: "5.2.0", spec }),
  );
}

function write(file: string, text: string): void {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
}

function option(name: string, items: readonly string[]): string {
  return items.length === 0 ? "" : `${name} =\n${items.map((item) => `  ${item}\n`).join("")}`;
}

/** Every tool call of one env: the tool's name and its arguments, with /P for the project's folder. */
function run(project: string, env: string): string[][] {
  rmSync(log, { force: true });
  const result = spawnSync(join(peers ?? "", "venv", "bin", "pio"), ["run", "-d", project, "-e", env, "-j", "1", "-s"], {
    env: {
      PATH: `${bin}:${join(peers ?? "", "venv", "bin")}:/usr/bin:/bin`,
      HOME: work,
      PLATFORMIO_CORE_DIR: core,
      PLATFORMIO_SETTING_ENABLE_TELEMETRY: "no",
      PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL: "9999",
    },
    encoding: "utf8",
  });
  if (result.status !== 0) {
    process.stderr.write(`${env}: ${result.stderr.slice(-600)}\n`);
    return [];
  }
  return readFileSync(log, "utf8")
    .split("\u001e")
    .filter((line) => line !== "")
    .map((line) =>
      line
        .split("\u001f")
        .slice(0, -1)
        .map((word) => word.replaceAll(project, "/P").replaceAll(core, "/CORE")),
    );
}

function strip(calls: readonly string[][], source: string, before: string): string[] {
  const call = calls.find((words) => words.at(-1) === source);
  if (call === undefined) throw new Error(`no command for ${source}`);
  const o = call.lastIndexOf("-o");
  const rest = call.slice(1, -1);
  if (before === "c") return rest.slice(3);
  return call.slice(1, o).filter((word, i, all) => !(word === "-c" && i === all.length - 1));
}

function project(libraries: readonly LibraryCase[], name: string): string {
  const folder = join(work, name);
  write(
    join(folder, "src", "main.cpp"),
    `${libraries
      .filter((library) => library.direct)
      .map((library) => `#include "${library.name}.h"\n`)
      .join("")}int main() {}\n`,
  );
  for (const file of ["src/a.c", "src/b.S", "src/c.s", "src/sub/x.h", "test/t.c", "include/i.h", "inc/pre.h", "inc/m.h", "sp dir/s.h"])
    write(join(folder, file), "\n");
  write(
    join(folder, "test", "test_custom_runner.py"),
    "from platformio.public import TestRunnerBase\nclass CustomTestRunner(TestRunnerBase):\n    pass\n",
  );
  for (const library of libraries) {
    const lib = join(folder, "lib", library.name);
    const manifest = {
      name: library.name,
      version: "1.0.0",
      build: { flags: library.flags, unflags: library.unflags, libArchive: library.archived },
    };
    write(join(lib, "library.json"), JSON.stringify(manifest));
    write(
      join(lib, "src", `${library.name}.h`),
      [...library.dependencies, ...library.circular].map((other) => `#include "${other}.h"\n`).join(""),
    );
    write(join(lib, "src", `${library.name}.c`), `#include "${library.name}.h"\n`);
    for (const folder of ["extra", "inc"]) write(join(lib, folder, "e.h"), "\n");
  }
  return folder;
}

function ini(test: Case, extra: string): string {
  return [
    `[env:${test.name}]\n${extra}`,
    option("build_flags", test.build_flags),
    option("build_unflags", test.build_unflags),
    option("build_src_flags", test.build_src_flags),
    option("debug_build_flags", test.debug_build_flags),
    test.debug ? "build_type = debug\n" : "",
    test.test ? "build_type = test\ntest_build_src = yes\ntest_framework = custom\n" : "",
    test.off ? `lib_ldf_mode = off\nlib_deps =\n${test.libraries.map((library) => `  ${library.name}\n`).join("")}` : "",
  ].join("");
}

function record(folder: string, test: Case, prefix: string): object | null {
  const calls = run(folder, test.name);
  if (calls.length === 0) return null;
  const sources = (name: string): string[] => strip(calls, name, name.endsWith(".c") || name.endsWith(".cpp") ? "c" : "s");
  const link = calls.find(
    (words) => words[0]?.startsWith(`${prefix}g`) && words.some((word) => /\/(program|firmware\.elf)$/.test(word)) && !words.includes("-c"),
  );
  if (link === undefined) throw new Error(`${test.name}: no link`);
  const libraries = test.libraries.map((library) => [library.name, sources(`lib/${library.name}/src/${library.name}.c`)] as const);
  const framework = calls.find((words) => words.at(-1)?.endsWith("/wiring.c"));
  return {
    ...test,
    expect: {
      c: sources("src/a.c"),
      cxx: sources("src/main.cpp"),
      S: sources("src/b.S"),
      s: sources("src/c.s"),
      link: link.slice(1),
      libraries: Object.fromEntries(libraries),
      framework: framework === undefined ? null : framework.slice(4, -1),
    },
  };
}

setUp();
const make = caseMaker(Number(values.seed));
const native: object[] = [];
for (let i = 0; i < Number(values.cases); i++) {
  const test = make.native(i);
  const folder = project(test.libraries, `native${i}`);
  write(join(folder, "platformio.ini"), ini(test, "platform = native\n"));
  const recorded = record(folder, test, "");
  if (recorded !== null) native.push(recorded);
  rmSync(folder, { recursive: true });
}
const lines = (cases: readonly object[]): string => `[\n${cases.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`;
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "flags-native.json"), lines(native));
if (process.env["FB_ATMELAVR"] !== undefined) {
  const avr: object[] = [];
  for (const test of make.avr()) {
    const folder = project([], test.name);
    write(
      join(folder, "platformio.ini"),
      ini(test, `platform = atmelavr\nboard = ${test.board}\n${test.arduino ? "framework = arduino\n" : ""}`),
    );
    const recorded = record(folder, test, "avr-");
    if (recorded !== null) avr.push(recorded);
  }
  writeFileSync(join(values.out, "flags-avr.json"), lines(avr));
}
execFileSync("rm", ["-rf", work]);
