/**
 * Records which libraries PlatformIO compiles, with which folders and defines, and how it links them, for generated trees: tests/rules/fixtures/libraries.json.
 * FB_PEERS=FOLDER (one that peers/setup made: venv, platformio) [FB_ATMELAVR=FOLDER (a checkout of platform-atmelavr)] node record-libraries.ts
 * [--trees N] [--from N] [--envs N] [--seed N] [--out FILE]. The compilers are stand-ins that write down their arguments.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { iniOf, type LibraryTree, libraryTree } from "./library-cases.ts";

const { values } = parseArgs({
  options: {
    trees: { type: "string", default: "20" },
    from: { type: "string", default: "0" },
    envs: { type: "string", default: "5" },
    seed: { type: "string", default: "1" },
    out: { type: "string", default: join(import.meta.dirname, "fixtures", "libraries.json") },
  },
});
const peers = process.env["FB_PEERS"];
if (peers === undefined) throw new Error("set FB_PEERS to the folder that peers/setup made");
const work = mkdtempSync(join(tmpdir(), "record-libraries-"));
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

/** A core folder of our own: the peers' platforms, a small Arduino core, and an AVR toolchain of stand-ins. */
function setUp(): void {
  stubs(bin, "");
  write(join(work, "python", "sitecustomize.py"), "import time\ntime.sleep = lambda seconds: None\n");
  const from = join(peers ?? "", "platformio");
  mkdirSync(join(core, "packages"), { recursive: true });
  cpSync(join(from, "platforms"), join(core, "platforms"), { recursive: true });
  symlinkSync(join(from, "packages", "tool-scons"), join(core, "packages", "tool-scons"));
  const framework = join(core, "packages", "framework-arduino-avr");
  for (const [path, text] of Object.entries(CORE)) write(join(framework, path), text);
  for (const name of ["package.json", ".piopm"]) cpSync(join(from, "packages", "framework-arduino-avr", name), join(framework, name));
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

/** A framework that is quickly compiled. */
const CORE: Readonly<Record<string, string>> = {
  "cores/arduino/Arduino.h": "#include <Wire.h>\n",
  "cores/arduino/main.cpp": "\n",
  "variants/standard/pins_arduino.h": "\n",
  "libraries/Wire/src/Wire.h": "\n",
  "libraries/Wire/src/Wire.cpp": '#include "Wire.h"\n',
  "libraries/Wire/library.properties": "name=Wire\nversion=1.0\narchitectures=avr\n",
};

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function calls(folder: string): string[][] {
  rmSync(log, { force: true });
  const result = spawnSync(join(peers ?? "", "venv", "bin", "pio"), ["run", "-d", folder, "-j", "1", "-s"], {
    env: {
      PATH: `${bin}:${join(peers ?? "", "venv", "bin")}:/usr/bin:/bin`,
      HOME: work,
      PLATFORMIO_CORE_DIR: core,
      PLATFORMIO_SETTING_ENABLE_TELEMETRY: "no",
      PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL: "9999",
      // A name that is unknown here is asked for elsewhere, in vain, and again, and again: without pauses.
      PYTHONPATH: join(work, "python"),
      HTTPS_PROXY: "http://127.0.0.1:9",
      HTTP_PROXY: "http://127.0.0.1:9",
    },
    encoding: "utf8",
  });
  if (result.status !== 0) process.stderr.write(`${folder}: ${result.stderr.slice(-300)}\n`);
  if (!existsSync(log)) return [];
  return readFileSync(log, "utf8")
    .split("\u001e")
    .filter((line) => line !== "")
    .map((line) =>
      line
        .split("\u001f")
        .slice(0, -1)
        .map((word) =>
          word
            .replaceAll(core, "/CORE")
            .replaceAll(`${folder}/`, "")
            .replaceAll(folder, ".")
            .replace(/\/CORE\/platforms\/\w+\/builder\//, ""),
        ),
    );
}

/** What one env did: each compiled file's defines and folders by group of files that share them, and the link. */
function summary(all: readonly string[][], env: string): object | null {
  const own = all.filter((words) => words.some((word) => word.startsWith(`.pio/build/${env}/`)));
  const groups = new Map<string, string[]>();
  let link: string[] | null = null;
  for (const words of own) {
    const [tool = ""] = words;
    const source = words.at(-1) ?? "";
    if (/(ar|ranlib|objcopy|size)$/.test(tool)) continue;
    if (!/\.(c|cc|cpp|S|asm)$/.test(source)) {
      link = words;
      continue;
    }
    if (source.startsWith("/CORE/packages/framework-arduino-avr/cores")) continue;
    const flags = words.filter((word) => /^-[DIU]/.test(word));
    const key = JSON.stringify(flags);
    groups.set(key, [...(groups.get(key) ?? []), source]);
  }
  if (link === null) return null;
  const linked = link
    .slice(1)
    .filter((word) => /^(-L|-l|-Wl,--one)|\.(o|a)$/.test(word))
    .map((word) => word.replace(`.pio/build/${env}`, "@").replace(/^@\/lib[0-9a-f]{3}\//, "@/"));
  return { groups: [...groups].map(([flags, sources]) => [...JSON.parse(flags), "", ...sources.sort()]), link: linked };
}

setUp();
const recorded: string[] = [];
const first = Number(values.from);
for (let i = first; i < first + Number(values.trees); i++) {
  const tree: LibraryTree = libraryTree(Number(values.seed), i, Number(values.envs));
  if (tree.arduino && process.env["FB_ATMELAVR"] === undefined) continue;
  const folder = join(work, tree.name);
  for (const [path, text] of Object.entries(tree.files)) write(join(folder, path), text);
  write(join(folder, "platformio.ini"), iniOf(tree));
  const all = calls(folder);
  const envs = tree.envs.map((env) => JSON.stringify({ ...env, expect: summary(all, env.name) }));
  recorded.push(
    `{"name":${JSON.stringify(tree.name)},"arduino":${tree.arduino},"files":${JSON.stringify(tree.files)},"envs":[\n${envs.join(",\n")}\n]}`,
  );
  rmSync(folder, { recursive: true });
  process.stderr.write(`${tree.name} `);
}
writeFileSync(values.out, `[\n${recorded.join(",\n")}\n]\n`);
rmSync(work, { recursive: true });
