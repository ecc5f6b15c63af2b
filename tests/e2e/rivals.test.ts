/** What other build tools of this field were caught at by running them, where no other test has it by name: fb does otherwise. Stale firmware has a file of its own. */
import { spawnSync } from "node:child_process";
import { readdirSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { executed, freshFolder, isNoop, result, TestProject } from "./harness.ts";

const NATIVE = "platform = native\n";
const MAIN = { "src/main.c": "int lib(void);\nint main(void) { return lib(); }\n", "lib/one/one.c": "int lib(void) { return 7; }\n" };
const INI = `[env:pc]\n${NATIVE}lib_deps = one\n`;

function answer(p: TestProject, env = "pc"): number | null {
  return spawnSync(p.path(`.fb/build/${env}/release/program`)).status;
}

test("several envs: all are built; -e twice builds both; an env that is not asked for is not", () => {
  const envs = ["a", "b", "c"].map((env, i) => `[env:${env}]\n${NATIVE}build_flags = -DV=${i + 1}\n`).join("");
  const files = { "platformio.ini": envs, "src/main.c": "int main(void) { return V; }\n" };
  const two = new TestProject(files);
  two.run(["-e", "a", "-e", "c"]);
  assert.equal([answer(two, "a"), answer(two, "b"), answer(two, "c")], [1, null, 3]);
  const all = new TestProject(files);
  all.run();
  assert.equal([answer(all, "a"), answer(all, "b"), answer(all, "c")], [1, 2, 3]);
});

test("${this.OPTION}, ${this.__env__} and ${sysenv.X} reach the program as what they stand for, never as text", () => {
  const p = new TestProject({
    "platformio.ini": `[env:pc]\n${NATIVE}custom_v = 5\nbuild_flags = -DA=\${this.custom_v} -DB=\\"\${this.__env__}\\" -DC=\\"\${sysenv.FB_NAME}\\"\n`,
    "src/main.c": '#include <stdio.h>\nint main(void) { printf("%d %s %s", A, B, C); }\n',
  });
  p.run([], { vars: { FB_NAME: "x" } });
  assert.is(spawnSync(p.path(".fb/build/pc/release/program"), { encoding: "utf8" }).stdout, "5 pc x");
});

test("the user's -Wall -Werror counts: the warning fails the build, said once and whole, on stderr", () => {
  const p = new TestProject({
    "platformio.ini": `[env:pc]\n${NATIVE}build_flags = -Wall -Werror\n`,
    "src/main.c": "int main(void) { int unused; return 0; }\n",
  });
  const ran = p.fb([]);
  assert.is(ran.code, 1);
  assert.is(ran.stderr.match(/src\/main\.c:1:\d+: error: unused variable/g)?.length, 1, ran.stderr);
  assert.not.match(ran.stdout, "error");
});

test("an object that someone truncated harms neither its project nor another that shares the cache", () => {
  const cache = freshFolder("cache");
  const p = new TestProject({ "platformio.ini": INI, ...MAIN }, { cache });
  p.run();
  for (const path of ["lib/one/one.c.o", "lib/one/libone.a", "src/main.c.o", "program"].filter((each) =>
    p.exists(`.fb/build/pc/release/${each}`),
  )) {
    truncateSync(p.path(`.fb/build/pc/release/${path}`), 20);
    p.edit("src/main.c", "int main", "\nint main");
    p.run();
    assert.is(answer(p), 7, path);
  }
  const other = new TestProject({ "platformio.ini": INI, ...MAIN }, { cache });
  assert.ok(result(other.run()).hits > 0);
  assert.is(answer(other), 7);
  assert.match(other.fb(["cache", "verify"]).stdout, "sound");
});

test("junk written to the image is not what a run leaves", () => {
  const p = new TestProject({ "platformio.ini": INI, ...MAIN });
  p.run();
  writeFileSync(p.path(".fb/build/pc/release/program"), "junk");
  p.run();
  assert.is(answer(p), 7);
});

test("a project that was moved: no stale path, and nothing is built again", () => {
  const from = freshFolder();
  const p = new TestProject({ "platformio.ini": INI, ...MAIN, "src/v.h": "" }, { folder: `${from}/here` });
  p.run([":firmware", ":compdb"]);
  renameSync(`${from}/here`, `${from}/there`);
  const moved = new TestProject({}, { folder: `${from}/there`, cache: p.cache });
  assert.equal(executed(moved.run([":firmware", ":compdb"])), []);
  assert.is(answer(moved), 7);
  for (const file of ["compile_commands.json", ".fb/build/pc/release/build_info.json"]) assert.not.match(moved.read(file), `${from}/here`);
  isNoop(moved.run([":firmware", ":compdb"]));
});

test("a project that was moved, whose flags name its folder: the program names the new one", () => {
  const from = freshFolder();
  const files = {
    "platformio.ini": `[env:pc]\n${NATIVE}build_flags = -DROOT=\\"\${PROJECT_DIR}\\"\n`,
    "src/main.c": "#include <stdio.h>\nint main(void) { puts(ROOT); }\n",
  };
  const p = new TestProject(files, { folder: `${from}/here` });
  p.run();
  renameSync(p.folder, `${from}/there`);
  const moved = new TestProject({}, { folder: `${from}/there`, cache: p.cache });
  moved.run();
  assert.is(spawnSync(moved.path(".fb/build/pc/release/program"), { encoding: "utf8" }).stdout, `${from}/there\n`);
});

test("what fb writes lies in its own folder, unless it is asked for more", () => {
  const p = new TestProject({ "platformio.ini": INI, ...MAIN });
  p.run();
  assert.equal(readdirSync(p.folder).sort(), [".fb", "lib", "platformio.ini", "src"]);
  p.run([":compdb"]);
  assert.ok(p.exists("compile_commands.json"));
});

test("--why gives the reason of everything that runs, with the file that changed", () => {
  const p = new TestProject({ "platformio.ini": INI, ...MAIN });
  p.run();
  p.edit("src/main.c", "int main", "int more;\nint main");
  const said = p.fb(["--why"]);
  assert.match(said.stdout + said.stderr, /compile pc src\/main\.c {2}\(src\/main\.c changed\)/);
});

test.run();
