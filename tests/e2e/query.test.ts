/** `fb query` in real projects: what it says, that a view which stands is asked without a plan or a lock, and that it is never an old one. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { acquireLock } from "../../cli/host/lock.ts";
import { newSeed, Random } from "../random.ts";
import { executed, isNoop, TestProject } from "./harness.ts";

const FILES = {
  "platformio.ini": "[platformio]\ndefault_envs = one\n[env:one]\nplatform = native\n[env:two]\nplatform = native\nbuild_flags = -DTWO\n",
  "include/both.h": "#pragma once\n#define BOTH 1\n",
  "lib/led/led.h": "#pragma once\nint led(void);\n",
  "lib/led/led.c": '#include "led.h"\nint led(void) { return 1; }\n',
  "src/a.c": '#include "both.h"\nint a(void) { return BOTH; }\n',
  "src/main.c": '#include "both.h"\n#include "led.h"\nint a(void);\nint main(void) { return a() + led() - 2; }\n',
};

/** The answer's lines; the exit code is 0. */
function ask(project: TestProject, ...args: readonly string[]): string[] {
  const ran = project.fb(["query", ...args]);
  assert.is(ran.code, 0, `fb query ${args.join(" ")}\n${ran.stderr}`);
  return ran.stdout.split("\n").slice(0, -1);
}

/** Asks until the answer comes from a view that stands: a folder's clock may tick too slowly for the first to be kept. */
function settled(project: TestProject): void {
  do ask(project, "set()");
  while (!project.exists(".fb/state/view-snapshot"));
}

test("before the first build: what is declared, of all envs; after it, what was read", () => {
  const project = new TestProject(FILES);
  assert.equal(ask(project, ":firmware"), [":firmware@one", ":firmware@two"]);
  assert.equal(ask(project, "rdeps(//..., src/a.c, 1)"), ["compile:one:src/a.c.o", "compile:two:src/a.c.o", "src/a.c"]);
  assert.equal(ask(project, "inputs('both.h', //...)"), []);
  assert.not.ok(project.exists(".fb/build"), "nothing was built");
  project.run();
  assert.equal(ask(project, "inputs('both.h', //...)"), ["compile:one:src/a.c.o", "compile:one:src/main.c.o"]);
  assert.equal(ask(project, "somepath(:firmware, include/both.h)").at(0), ":firmware@one");
  assert.equal(ask(project, "--output", "label_kind", "deps(link:one:program, 1) - filter('^(/|pkg:)', //...)"), [
    "link link:one:program",
    "file .fb/build/one/release/lib/led/libled.a",
    "file .fb/build/one/release/src/a.c.o",
    "file .fb/build/one/release/src/main.c.o",
  ]);
});

test("the outputs: json, dot, mermaid, commands", () => {
  const project = new TestProject(FILES);
  const [json] = ask(project, "-o", "json", "set(compile:two:src/a.c.o src/a.c)");
  const [action, file] = JSON.parse(json ?? "") as { label: string; argv: string[] }[];
  assert.is(action?.label, "compile:two:src/a.c.o");
  assert.ok(action?.argv.includes("-DTWO"));
  assert.equal(file, { label: "src/a.c", kind: "file", env: "", inputs: [], outputs: [], argv: [] });
  assert.match(project.fb(["query", "-o", "dot", "deps(compile:one:src/a.c.o)"]).stdout, /"compile:one:src\/a.c.o" -> "src\/a.c";/);
  assert.match(project.fb(["query", "-o", "mermaid", "deps(compile:one:src/a.c.o)"]).stdout, /^flowchart LR\n( {2}n\d+.*\n)+/);
  const [compile, link] = ask(project, "-o", "commands", "set(link:one:program compile:one:src/a.c.o)");
  assert.match(compile ?? "", / src\/a\.c$/);
  assert.match(link ?? "", /-o \.fb\/build\/one\/release\/program/);
  assert.not.equal(
    ask(project, "--debug", "-o", "commands", "compile:one:src/a.c.o"),
    ask(project, "-o", "commands", "compile:one:src/a.c.o"),
    "of another profile",
  );
  assert.equal(project.fb(["query", "-C", project.folder, ":firmware@two"], { cwd: "/" }).stdout, ":firmware@two\n");
});

test("what is wrong with a query is pointed at: exit 2", () => {
  const project = new TestProject(FILES);
  for (let i = 0; i < 2; i++) {
    const bad = project.fb(["query", "deps(:firmware) + (src/a.c"]);
    assert.is(bad.code, 2);
    assert.match(bad.stderr, /\n {2}deps\(:firmware\) \+ \(src\/a\.c\n {28}\^\n/);
    const unknown = project.fb(["query", "deps(:firmwar)"]);
    assert.is(unknown.code, 2);
    assert.match(unknown.stderr, /nothing is called ":firmwar"\n {2}deps\(:firmwar\)\n {7}\^\n {2}hint: did you mean ":firmware"\?/);
    assert.is(bad.stdout + unknown.stdout, "");
    settled(project);
  }
  assert.is(project.fb(["query"]).code, 2);
  assert.is(project.fb(["query", "--output", "xml", "//..."]).code, 2);
});

test("an env that cannot be planned: the others answer, and the exit code is its own", () => {
  const project = new TestProject({
    ...FILES,
    "platformio.ini": `${FILES["platformio.ini"]}[env:broken]\nplatform = atmelavr\nboard = unheard-of\n`,
  });
  const ran = project.fb(["query", ":firmware"]);
  assert.is(ran.code, 3);
  assert.is(ran.stdout, ":firmware@one\n:firmware@two\n");
  assert.match(ran.stderr, /unheard-of/);
  project.write("platformio.ini", "[env:x]\nplatform = native\nboard = \n  [");
  const none = project.fb(["query", ":firmware"]);
  assert.is(none.code, 3);
  assert.is(none.stdout, "");
});

test("a view that stands needs no lock and no plan; a build after it is still one of few changes", async () => {
  const project = new TestProject(FILES);
  project.run();
  while (!project.exists(".fb/state/graph")) isNoop(project.run());
  settled(project);
  const lock = await acquireLock(project.folder, { request: [":test"], onWait: () => {}, stop: new AbortController().signal, form: null });
  assert.equal(ask(project, "rdeps(:elf@one, src/a.c, 2)").at(-1), "src/a.c");
  await lock?.release();
  const graph = (): bigint => statSync(project.path(".fb/state/graph"), { bigint: true }).mtimeNs;
  const before = graph();
  project.edit("src/a.c", "return BOTH", "return 2 * BOTH");
  assert.equal(executed(project.run()), ["compile src/a.c", "link program"]);
  assert.is(graph(), before, "the kept graph was taken up");
  isNoop(project.run());
  ask(project, "//...");
  project.edit("src/a.c", "2 * BOTH", "3 * BOTH");
  assert.equal(executed(project.run()), ["compile src/a.c", "link program"]);
  assert.is(graph(), before, "also with a view that was made after the snapshot was amended");
});

test("while a build holds the project, who needs a new view says so and waits", async () => {
  const project = new TestProject(FILES);
  const lock = await acquireLock(project.folder, { request: [":slow"], onWait: () => {}, stop: new AbortController().signal, form: null });
  const running = project.start(["query", ":firmware"]);
  await running.untilError(/waiting for another fb in this project \(process \d+: :slow\)/);
  await lock?.release();
  assert.is((await running.ended).stdout, ":firmware@one\n:firmware@two\n");
});

test("the page of a graph shows no value of ${sysenv.*}: a digest stands for it", () => {
  const project = new TestProject({
    ...FILES,
    "platformio.ini": "[env:pc]\nplatform = native\nbuild_flags = -DTOKEN=${sysenv.FB_TEST_TOKEN}\n",
  });
  const vars = { FB_TEST_TOKEN: "hunter2hunter2" };
  for (let i = 0; i < 2; i++) {
    assert.is(project.fb(["graph"], { vars }).code, 0);
    const page = project.read(".fb/graph.html");
    assert.not.match(page, /hunter2/);
    assert.match(page, /-DTOKEN=\$\{sysenv\.FB_TEST_TOKEN@sha256:[0-9a-f]{64}\}/);
    project.run([], { vars });
  }
});

test("a damaged view is none", () => {
  const project = new TestProject(FILES);
  settled(project);
  const right = ask(project, "-o", "json", "//...");
  const random = new Random(newSeed());
  for (const name of ["view-default", "view-snapshot"])
    for (let i = 0; i < 6; i++) {
      const path = project.path(`.fb/state/${name}`);
      const bytes = readFileSync(path);
      const at = random.below(bytes.length);
      if (i === 0) writeFileSync(path, bytes.subarray(0, at));
      else {
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        writeFileSync(path, bytes);
      }
      assert.equal(ask(project, "-o", "json", "//..."), right, `${name} at ${at}`);
      settled(project);
    }
});

test("a law: after any edit, built or not, a kept view says what a new one says", () => {
  const seed = newSeed();
  const random = new Random(seed);
  const project = new TestProject(FILES);
  let files = 0;
  const edits: Readonly<Record<string, () => void>> = {
    "a source is added": () => project.write(`src/more${files}.c`, `#include "both.h"\nint more${files++}(void) { return BOTH; }\n`),
    "a source goes": () => files > 0 && project.remove(`src/more${--files}.c`),
    "a header is included": () => project.write("src/a.c", `#include "both.h"\n#include "led.h"\nint a(void) { return BOTH; }\n`),
    "a header is included no more": () => project.write("src/a.c", `int a(void) { return 1; }\n`),
    "a header shadows another": () => project.write("src/both.h", "#pragma once\n#define BOTH 1\n"),
    "it does not any more": () => project.exists("src/both.h") && project.remove("src/both.h"),
    "a flag": () => project.write("platformio.ini", FILES["platformio.ini"].replace("-DTWO", `-DTWO=${random.below(3)}`)),
    "an env": () => project.write("platformio.ini", `${FILES["platformio.ini"]}[env:three]\nplatform = native\n`),
    "a body": () => project.write("lib/led/led.c", `#include "led.h"\nint led(void) { return ${random.below(9)} * 0 + 1; }\n`),
    nothing: () => {},
  };
  for (let step = 0; step < 10; step++) {
    const what = random.pick(Object.keys(edits));
    edits[what]?.();
    const builds = random.chance(0.5);
    if (builds) project.run(random.chance(0.5) ? [] : ["-e", "one", "-e", "two"]);
    const kept = ask(project, "-o", "json", "//...");
    const again = ask(project, "-o", "json", "//...");
    project.remove(".fb/state/view-snapshot");
    const fresh = ask(project, "-o", "json", "//...");
    assert.equal(kept, fresh, `FB_SEED=${seed}, step ${step}: ${what}${builds ? ", built" : ""}`);
    assert.equal(again, fresh, `FB_SEED=${seed}, step ${step}: ${what}, asked again`);
  }
});

test.run();
