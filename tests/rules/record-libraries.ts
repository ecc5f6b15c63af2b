/**
 * Records which libraries PlatformIO compiles, with which folders and defines, and how it links them, for generated trees: tests/rules/fixtures/libraries.json.
 * node record-libraries.ts [--trees N] [--from N] [--envs N] [--seed N] [--out FILE]; what it needs: ../parity/README.md.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CORE, type Files, Peer, PROJECT } from "../parity/peer.ts";
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
const peer = Peer.find();
if (typeof peer === "string") throw new Error(peer);

/** A framework that is quickly compiled. */
const FRAMEWORK: Files = {
  "cores/arduino/Arduino.h": "#include <Wire.h>\n",
  "cores/arduino/main.cpp": "\n",
  "variants/standard/pins_arduino.h": "\n",
  "libraries/Wire/src/Wire.h": "\n",
  "libraries/Wire/src/Wire.cpp": '#include "Wire.h"\n',
  "libraries/Wire/library.properties": "name=Wire\nversion=1.0\narchitectures=avr\n",
};

/** Every tool call of a project's envs, with paths as the project names them. */
function calls(from: Peer, folder: string): string[][] {
  const ran = from.run(folder);
  if (ran.error !== "") process.stderr.write(`${folder}: ${ran.error.slice(-300)}\n`);
  const builder = new RegExp(`${CORE}/platforms/\\w+/builder/`);
  return ran.calls.map((words) => words.map((word) => word.replaceAll(`${PROJECT}/`, "").replaceAll(PROJECT, ".").replace(builder, "")));
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

if (peer.avr) peer.useFramework(FRAMEWORK);
const recorded: string[] = [];
const first = Number(values.from);
for (let i = first; i < first + Number(values.trees); i++) {
  const tree: LibraryTree = libraryTree(Number(values.seed), i, Number(values.envs));
  if (tree.arduino && !peer.avr) continue;
  const folder = peer.project({ ...tree.files, "platformio.ini": iniOf(tree) });
  const all = calls(peer, folder);
  const envs = tree.envs.map((env) => JSON.stringify({ ...env, expect: summary(all, env.name) }));
  recorded.push(
    `{"name":${JSON.stringify(tree.name)},"arduino":${tree.arduino},"files":${JSON.stringify(tree.files)},"envs":[\n${envs.join(",\n")}\n]}`,
  );
  peer.remove(folder);
  process.stderr.write(`${tree.name} `);
}
writeFileSync(values.out, `[\n${recorded.join(",\n")}\n]\n`);
peer.close();
