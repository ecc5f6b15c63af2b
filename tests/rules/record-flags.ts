/**
 * Records what PlatformIO passes to its tools for generated flags: tests/rules/fixtures/flags-native.json and flags-avr.json.
 * node record-flags.ts [--cases N] [--seed N] [--out FOLDER]; what it needs: ../parity/README.md.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Peer, writeFileTo } from "../parity/peer.ts";
import { type Case, caseMaker, type LibraryCase } from "./flag-cases.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100" },
    seed: { type: "string", default: "3" },
    out: { type: "string", default: join(import.meta.dirname, "fixtures") },
  },
});
const peer = Peer.find();
if (typeof peer === "string") throw new Error(peer);

function option(name: string, items: readonly string[]): string {
  return items.length === 0 ? "" : `${name} =\n${items.map((item) => `  ${item}\n`).join("")}`;
}

/** Every tool call of one env: the tool's name and its arguments. */
function run(from: Peer, folder: string, env: string): readonly (readonly string[])[] {
  const { calls, error } = from.run(folder, [env]);
  if (error !== "") process.stderr.write(`${env}: ${error.slice(-600)}\n`);
  return error === "" ? calls : [];
}

function strip(calls: readonly (readonly string[])[], source: string, before: string): string[] {
  const call = calls.find((words) => words.at(-1) === source);
  if (call === undefined) throw new Error(`no command for ${source}`);
  const o = call.lastIndexOf("-o");
  const rest = call.slice(1, -1);
  if (before === "c") return rest.slice(3);
  return call.slice(1, o).filter((word, i, all) => !(word === "-c" && i === all.length - 1));
}

function project(from: Peer, libraries: readonly LibraryCase[]): string {
  const folder = from.project({});
  writeFileTo(
    join(folder, "src", "main.cpp"),
    `${libraries
      .filter((library) => library.direct)
      .map((library) => `#include "${library.name}.h"\n`)
      .join("")}int main() {}\n`,
  );
  for (const file of ["src/a.c", "src/b.S", "src/c.s", "src/sub/x.h", "test/t.c", "include/i.h", "inc/pre.h", "inc/m.h", "sp dir/s.h"])
    writeFileTo(join(folder, file), "\n");
  writeFileTo(
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
    writeFileTo(join(lib, "library.json"), JSON.stringify(manifest));
    writeFileTo(
      join(lib, "src", `${library.name}.h`),
      [...library.dependencies, ...library.circular].map((other) => `#include "${other}.h"\n`).join(""),
    );
    writeFileTo(join(lib, "src", `${library.name}.c`), `#include "${library.name}.h"\n`);
    for (const folder of ["extra", "inc"]) writeFileTo(join(lib, folder, "e.h"), "\n");
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

function record(from: Peer, folder: string, test: Case, prefix: string): object | null {
  const calls = run(from, folder, test.name);
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

const make = caseMaker(Number(values.seed));
const native: object[] = [];
for (let i = 0; i < Number(values.cases); i++) {
  const test = make.native(i);
  const folder = project(peer, test.libraries);
  writeFileTo(join(folder, "platformio.ini"), ini(test, "platform = native\n"));
  const recorded = record(peer, folder, test, "");
  if (recorded !== null) native.push(recorded);
  rmSync(folder, { recursive: true });
}
const lines = (cases: readonly object[]): string => `[\n${cases.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`;
mkdirSync(values.out, { recursive: true });
writeFileSync(join(values.out, "flags-native.json"), lines(native));
if (peer.avr) {
  const avr: object[] = [];
  for (const test of make.avr()) {
    const folder = project(peer, []);
    writeFileTo(
      join(folder, "platformio.ini"),
      ini(test, `platform = atmelavr\nboard = ${test.board}\n${test.arduino ? "framework = arduino\n" : ""}`),
    );
    const recorded = record(peer, folder, test, "avr-");
    if (recorded !== null) avr.push(recorded);
  }
  writeFileSync(join(values.out, "flags-avr.json"), lines(avr));
}
peer.close();
