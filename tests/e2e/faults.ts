/** What the suites of faults share: a project with a bit of everything, its clean build to judge by, random numbers, and who is still at work in a folder. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import * as assert from "uvu/assert";
import { freshFolder, type Ran, TestProject } from "./harness.ts";
import { newSeed, Random } from "../random.ts";

export const OUT = ".fb/build/pc/release";

/** A seed that is printed, so that FB_SEED can repeat it. */
export function seeded(): { readonly seed: number; readonly random: Random } {
  const seed = newSeed();
  return { seed, random: new Random(seed) };
}

/** How many rounds: `usual` in CI, more with this variable. */
export function rounds(variable: string, usual: number): number {
  return Number(process.env[variable] ?? usual);
}

// One option of a verb that fb has not: a note that is said once, and kept. Commands are longer than what a slot takes through its pipe.
const INI = `[env:pc]\nplatform = native\nlib_ldf_mode = chain+\ndebug_tool = simavr\nbuild_flags = -O1 -Wall ${Array.from({ length: 100 }, (_, i) => `-DA_LONG_NAME_FOR_A_MACRO_${i}=${i}`).join(" ")}\n`;

/**
 * A project whose every compile depends on its version: C and C++, a library (archive), a header that a step makes, a warning, subfolders, and an object
 * of more than 1 MB, which the cache copies in another way.
 */
export function sources(version: number, units = 6): Record<string, string> {
  const files: Record<string, string> = {
    "platformio.ini": INI,
    "fb.toml":
      'schema = 1\n[[step]]\nname = "version"\nin = "VERSION"\nout = "${gen}/version.h"\nsh = "echo \\"#define VERSION $(cat ${in})\\" > ${out}"\n',
    VERSION: `${version}\n`,
    "include/common.h": "#include <version.h>\n",
    "lib/part/src/part.h": "int part(int);\nint other(int);\n",
    "lib/part/src/part.c": '#include "part.h"\nint part(int x) { return x + 1; }\n',
    "lib/part/src/other.c": '#include "part.h"\nint other(int x) { return x + 2; }\n',
    "src/main.cpp":
      '#include "common.h"\n#include <array>\nextern "C" {\n#include "part.h"\nint sum(void);\n}\nint main() { std::array<int, 2> a{VERSION, part(VERSION)}; return a[0] + a[1] + sum() > 1 << 30; }\n',
    "src/big.c": '#include "common.h"\nchar big[1200000] = {VERSION + 1};\n',
    "src/sum.c": `${range(units, (i) => `int u${i}(void);`).join("\n")}\nint sum(void) { return ${range(units, (i) => `u${i}()`).join(" + ")}; }\n`,
  };
  for (const i of range(units, (n) => n)) {
    const unused = i === 0 ? "int never_used; " : "";
    files[`src/group${i % 3}/u${i}.c`] = `#include "common.h"\nint u${i}(void) { ${unused}return VERSION + ${i}; }\n`;
  }
  return files;
}

function range<T>(n: number, make: (i: number) => T): T[] {
  return Array.from({ length: n }, (_, i) => make(i));
}

const clean = new Map<string, Record<string, string>>();

/** What a clean build of these sources leaves in .fb/build: in a folder of its own, with an empty cache. Built once. */
export function cleanTree(files: Readonly<Record<string, string>>): Record<string, string> {
  const key = JSON.stringify(files);
  const known = clean.get(key);
  if (known !== undefined) return known;
  const project = new TestProject(files);
  project.run();
  const tree = project.tree(".fb/build");
  clean.set(key, tree);
  return tree;
}

/** Asserts that a project's outputs are, byte for byte, those of a clean build. */
export function isClean(project: TestProject, files: Readonly<Record<string, string>>, what: string): void {
  assert.equal(project.tree(".fb/build"), cleanTree(files), what);
}

/** Asserts that the cache holds nothing damaged. */
export function isSound(project: TestProject, what: string): void {
  const verified = project.fb(["cache", "verify"]);
  assert.is(verified.code, 0, `${what}\n${verified.stdout}${verified.stderr}`);
}

/** fb's own text of a crash, or Node's. */
export function isSpoken(ran: Pick<Ran, "stdout" | "stderr">, what: string): void {
  assert.not.match(ran.stderr, /a bug in fb|own output|^ {4}at |node:internal/m, `${what}\n${ran.stderr}`);
}

/** A process at work in a folder. */
export interface Worker {
  readonly pid: number;
  readonly name: string;
  /** Clock ticks since boot: with the pid, nobody else's. */
  readonly start: string;
}

/** Processes whose current folder is the project's: its compilers, shells and fb itself. Those that are dead and not yet reaped do not count. */
export function workersIn(folder: string): Worker[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const cwd = readlinkSync(`/proc/${pid}/cwd`);
        if (cwd !== folder && !cwd.startsWith(`${folder}/`)) return [];
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [, name = ""] = /\((.*)\)/s.exec(stat) ?? [];
        const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return fields[0] === "Z" || fields[0] === "X" ? [] : [{ pid: Number(pid), name, start: fields[19] ?? "" }];
      } catch {
        return [];
      }
    });
}

/** Waits for what no event tells: the state of other processes. */
export async function waitFor(what: string, is: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !is(); ) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}

export function later(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** A project of these sources with a cache of its own. */
export function projectOf(files: Readonly<Record<string, string>>, cache = freshFolder("cache")): TestProject {
  return new TestProject(files, { cache });
}
