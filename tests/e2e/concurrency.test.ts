/** Runs that are interrupted, or meet in one project: what is there afterwards is right, and nobody is left over. Those that share a cache: sharing.test.ts. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { waitFor, workersIn } from "./faults.ts";
import { executed, isNoop, type Running, result, TestProject } from "./harness.ts";

const NATIVE = "[env:pc]\nplatform = native\n";
/** Usually 0.1 s; what takes longer than this waits for something. */
const HANG_MS = 5000;
const OUT = ".fb/build/pc/release";

/** A source that keeps the compiler busy for minutes, as its flags allow, and takes no memory. */
const ENDLESS = "constexpr long f() { bool s = false; while (true) s = !s; return s; }\nstatic_assert(f() != 1);\n";
const ENDLESS_INI = `${NATIVE}build_flags = -std=c++17 -fconstexpr-ops-limit=99999999999 -fconstexpr-loop-limit=2147483647\n`;

const compilers = (folder: string) => workersIn(folder).filter((w) => w.name.startsWith("cc1"));

function endless(): TestProject {
  return new TestProject({
    "platformio.ini": ENDLESS_INI,
    "src/main.cpp": "int main() { return 0; }\n",
    "src/slow1.cpp": ENDLESS,
    "src/slow2.cpp": ENDLESS.replace("!= 1", "!= 2"),
  });
}

/** Interrupts a run whose compilers are at work; the milliseconds until fb was gone. */
async function interrupted(project: TestProject, running: Running, signal: NodeJS.Signals, whole: boolean): Promise<number> {
  await waitFor("two compilers", () => compilers(project.folder).length >= 2);
  const began = performance.now();
  const pid = running.child.pid ?? 0;
  process.kill(whole ? -pid : pid, signal);
  const ran = await running.ended;
  const took = performance.now() - began;
  assert.equal(compilers(project.folder), [], "no compiler is left");
  assert.is(ran.code, 130, ran.stderr);
  assert.is(result(ran).status, "cancelled");
  return took;
}

for (const [signal, whole] of [
  ["SIGINT", false],
  ["SIGINT", true],
  ["SIGTERM", false],
] as const)
  test(`${signal} ${whole ? "to the terminal's whole group" : "to fb"} while it compiles: 130 at once, no compiler, no partial output`, async () => {
    // The best of three: the machine may be busy with something else.
    const times: number[] = [];
    for (let i = 0; i < 3 && !times.some((t) => t < HANG_MS); i++) {
      const project = endless();
      times.push(await interrupted(project, project.start(["run", "-j", "3", "--json"], { group: whole }), signal, whole));
      await waitFor("everything to be gone", () => workersIn(project.folder).length === 0);
      for (const unit of ["slow1", "slow2"]) assert.not.ok(project.exists(`${OUT}/src/${unit}.cpp.o`), unit);
      assert.equal(
        Object.keys(project.tree(".fb")).filter((p) => /\.(tmp|d|rsp|new)$/.test(p)),
        [],
      );
      // The next run is right: with what ended before kept, and nothing half made.
      for (const unit of ["slow1", "slow2"]) project.write(`src/${unit}.cpp`, `int ${unit}() { return 1; }\n`);
      const next = project.run();
      assert.equal(
        executed(next).filter((e) => e !== "compile src/main.cpp"),
        ["compile src/slow1.cpp", "compile src/slow2.cpp", "link program"],
      );
      isNoop(project.run());
    }
    assert.ok(
      times.some((t) => t < HANG_MS),
      `${times.map(Math.round).join(", ")} ms`,
    );
  });

test("a run that waits for another one can be interrupted too", async () => {
  const project = endless();
  const first = project.start(["run", "--json"]);
  await first.until((e) => e.type === "start" && e.label === "src/slow1.cpp");
  await waitFor("a compiler", () => compilers(project.folder).length > 0);
  const second = project.start(["run", "--json"]);
  await second.untilError(/waiting for another fb in this project \(process \d+: :firmware\)/);
  second.child.kill("SIGINT");
  assert.is((await second.ended).code, 130);
  assert.ok(compilers(project.folder).length > 0, "the first goes on");
  first.child.kill("SIGINT");
  assert.is((await first.ended).code, 130);
});

/** A project of some size: units, a C file, a step that makes a header, subfolders. */
function sizeable(units: number): Record<string, string> {
  const files: Record<string, string> = {
    "platformio.ini": `${NATIVE}build_flags = -O1\n`,
    "fb.toml":
      'schema = 1\n[[step]]\nname = "version"\nin = "VERSION"\nout = "${gen}/version.h"\nsh = "echo \\"#define VERSION $(cat ${in})\\" > ${out}"\n',
    VERSION: "1\n",
    "include/common.h": "#include <version.h>\n#include <array>\n",
    "src/main.cpp": '#include "common.h"\nextern "C" int c(void);\nint main() { return c(); }\n',
    "src/c.c": "int c(void) { return 0; }\n",
  };
  for (let i = 0; i < units; i++)
    files[`src/part${i % 3}/u${i}.cpp`] = `#include "common.h"\nint u${i}() { std::array<int, ${i + 1}> v{}; return VERSION + v[0]; }\n`;
  return files;
}

test("three runs at once in one project: all succeed, one does the work", async () => {
  const project = new TestProject(sizeable(6));
  const runs = await Promise.all([1, 2, 3].map(() => project.start(["run", "--json"]).ended));
  for (const ran of runs) assert.is(ran.code, 0, ran.stderr);
  assert.equal(runs.map((ran) => result(ran).ran > 0).filter(Boolean).length, 1, "the others find everything in place");
  const clean = new TestProject(sizeable(6));
  clean.run();
  assert.equal(project.tree(OUT), clean.tree(OUT));
  isNoop(project.run());
});

test("three runs at once with different requests", async () => {
  const project = new TestProject({ ...sizeable(4), "platformio.ini": `${NATIVE}[env:two]\nplatform = native\nbuild_flags = -DTWO\n` });
  const requests = [["-e", "pc"], ["-e", "two"], ["--debug"]];
  const runs = await Promise.all(requests.map((args) => project.start(["run", ...args, "--json"]).ended));
  for (const ran of runs) assert.is(ran.code, 0, ran.stderr);
  for (const args of requests) isNoop(project.run(args), args.join(" "));
});

test("fb clean while a run goes on waits for it", async () => {
  const project = new TestProject(sizeable(6));
  const running = project.start(["run", "--json"]);
  await running.until((e) => e.type === "start");
  const cleaned = project.fb(["clean"]);
  assert.is(cleaned.code, 0, cleaned.stderr);
  assert.is((await running.ended).code, 0);
  assert.not.ok(project.exists(`${OUT}/program`));
  assert.equal(executed(project.run()), []);
});

test.run();
