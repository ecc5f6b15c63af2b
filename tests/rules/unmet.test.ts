/**
 * Law of the modes with a plus: knowing the compiler's own macros changes a plan only where PlatformIO's plan does not compile, as gcc itself says. Generated
 * projects; PlatformIO's plan is fb's without those macros (tests/parity holds it to that).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ActionSpec } from "../../engine/types.ts";
import { newSeed, Random } from "../random.ts";
import { iniOf, type LibraryTree, libraryTree } from "./library-cases.ts";
import { planned } from "./memory-plan.ts";

const seed = newSeed();
const COUNT = 60;
const PREDEFINED = spawnSync("g++", ["-dM", "-E", "-x", "c++", "/dev/null"], { encoding: "utf8" }).stdout;

/** Native, with one env in a mode with a plus; and conditions that PlatformIO takes another way than the compiler. */
function projectOf(number: number): LibraryTree {
  const r = new Random(seed * 1009 + number);
  const tree = libraryTree(seed, number * 3, 1);
  const files = { ...tree.files };
  const headers = Object.keys(files).filter((path) => /^(lib|extra|more)\/.*\.h$/.test(path));
  for (const path of Object.keys(files).filter((each) => /\.(c|cc|cpp|h|hpp)$/.test(each))) {
    if (!r.chance(0.15) || headers.length === 0) continue;
    const condition = r.pick([
      "__GNUC__",
      "!defined(__AVR__)",
      "HAVE_X",
      "LEVEL == 3 || defined(HAVE_X)",
      "defined(__linux__) && NOT == 0",
    ]);
    const header = r.pick(headers);
    files[path] += `#if ${condition}\n#include <${header.slice(header.lastIndexOf("/") + 1)}>\n#endif\n`;
  }
  const mode = r.pick(["chain+", "deep+"] as const);
  return { ...tree, files, envs: tree.envs.map((env) => ({ ...env, mode, compat: "off" as const, deps: [], ignore: [] })) };
}

const folders = (spec: ActionSpec): readonly string[] => spec.argv.filter((word) => word.startsWith("-I")).map((word) => word.slice(2));

/** Whether gcc refuses the source, or finds a header of its among `more` only. */
function misses(spec: ActionSpec, more: readonly string[], folder: string): boolean {
  const words = spec.argv.slice(1).filter((word, i) => !["-c", "-MD"].includes(word) && !["-o", "-MF"].includes(spec.argv[i] ?? ""));
  const asked = words.filter((word) => word !== "-o" && word !== "-MF");
  const { stdout, status } = spawnSync(spec.argv[0] ?? "", ["-M", "-MG", ...asked], { cwd: folder, encoding: "utf8" });
  if (status !== 0) return true;
  const named = stdout
    .replaceAll("\\\n", " ")
    .split(/(?<!\\)\s+/)
    .slice(1)
    .map((name) => name.replaceAll("\\ ", " "));
  return named.some((name) => !existsSync(join(folder, name)) && more.some((each) => existsSync(join(folder, each, name))));
}

test(`${COUNT} projects (FB_SEED=${seed})`, () => {
  let differing = 0;
  for (let number = 0; number < COUNT; number++) {
    const tree = projectOf(number);
    const [env] = tree.envs;
    const files = { ...tree.files, "platformio.ini": iniOf(tree) };
    const compiles = (predefines: string | null): Map<string, ActionSpec> => {
      const actions = planned(files, predefines).actions(env?.name ?? "");
      return new Map(actions.filter(({ kind }) => kind === "compile").map((spec) => [spec.label, spec]));
    };
    const [plain, more] = [compiles(null), compiles(PREDEFINED)];
    for (const source of plain.keys()) assert.ok(more.has(source), `${number}: ${source} is not compiled`);
    const words = (all: ReadonlyMap<string, ActionSpec>): string => JSON.stringify([...all].map(([name, { argv }]) => [name, argv]));
    if (words(plain) === words(more)) continue;
    differing++;
    const folder = mkdtempSync(join(tmpdir(), "fb-unmet-"));
    try {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(join(folder, dirname(path)), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const excuse = [...plain].some(([name, spec]) => {
        const other = more.get(name);
        return other !== undefined && misses(spec, folders(other), folder);
      });
      assert.ok(
        excuse,
        `${number}: PlatformIO's plan compiles, and fb's is another\n${words(plain)}\n${words(more)}\n${JSON.stringify(files, null, 1)}`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  assert.ok(differing > 0, "no project differs");
});

test.run();
