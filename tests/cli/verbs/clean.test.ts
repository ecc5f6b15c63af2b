import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { acquireLock } from "../../../cli/host/lock.ts";
import { freshFolder, isNoop, result, TestProject } from "../../e2e/harness.ts";

const FILES = {
  "platformio.ini": "[env:a]\nplatform = native\n[env:b]\nplatform = native\n",
  "src/main.c": "int main(void) { return 0; }\n",
};
const cache = freshFolder("cache");

function built(): TestProject {
  const project = new TestProject(FILES, { cache });
  project.run();
  return project;
}

test("removes the outputs, says how much, and the next run has them again", () => {
  const project = built();
  const before = project.tree(".fb/build");
  const ran = project.fb(["clean"]);
  assert.is(ran.code, 0);
  assert.match(ran.stdout, /^removed \.fb\/build: \d+ files, [\d.]+ [kM]?B\n$/);
  assert.not(project.exists(".fb/build"));
  assert.ok(project.exists(".fb/state") && project.exists("src/main.c"));
  assert.is(result(project.run()).ran, 0, "restored from the cache");
  assert.equal(project.tree(".fb/build"), before);
  isNoop(project.run());
});

test("-e: of one env; twice: nothing to remove", () => {
  const project = built();
  assert.is(project.fb(["clean", "-e", "a"]).code, 0);
  assert.equal([project.exists(".fb/build/a"), project.exists(".fb/build/b")], [false, true]);
  assert.is(project.fb(["clean", "-e", "a"]).stdout, "nothing to remove\n");
});

test("-e: an env that is no more in the ini can be cleaned, one that never was cannot", () => {
  const project = built();
  project.write("platformio.ini", "[env:a]\nplatform = native\n");
  assert.is(project.fb(["clean", "-e", "b"]).code, 0);
  assert.not(project.exists(".fb/build/b"));
  const ran = project.fb(["clean", "-e", "aa"]);
  assert.is(ran.code, 2);
  assert.match(ran.stderr, 'did you mean "a"?');
  assert.ok(project.exists(".fb/build/a"));
});

test("--all: the .fb folder is gone, a broken ini is no hindrance", () => {
  const project = built();
  project.write("platformio.ini", "nonsense\n");
  assert.is(project.fb(["clean", "--all"]).code, 0);
  assert.not(project.exists(".fb"));
});

test("`fb run -t clean` is the same", () => {
  const project = built();
  assert.match(project.fb(["run", "-t", "clean", "-e", "a"]).stdout, "removed .fb/build/a:");
});

test("links are removed, never followed", () => {
  const project = built();
  const outside = freshFolder("outside");
  writeFileSync(`${outside}/keep`, "kept");
  symlinkSync(outside, project.path(".fb/build/a/link"));
  symlinkSync(`${outside}/keep`, project.path(".fb/build/a/file"));
  symlinkSync(outside, project.path(".fb/build/c"));
  assert.is(project.fb(["clean", "-e", "c"]).code, 0);
  assert.not(project.exists(".fb/build/c"));
  assert.is(project.fb(["clean", "--all"]).code, 0);
  assert.not(project.exists(".fb"));
  assert.is(readFileSync(`${outside}/keep`, "utf8"), "kept");
});

test("a link where fb's folder should be is left, with what to do", () => {
  const outside = freshFolder("outside");
  mkdirSync(`${outside}/build/a`, { recursive: true });
  const project = new TestProject(FILES);
  symlinkSync(outside, project.path(".fb"));
  for (const args of [["clean"], ["clean", "--all"], ["clean", "-e", "a"]]) {
    const ran = project.fb(args);
    assert.is(ran.code, 4);
    assert.match(ran.stderr, "follows no links");
  }
  assert.ok(existsSync(`${outside}/build/a`));
});

test("an env whose name climbs out removes nothing outside", () => {
  const project = new TestProject({ "platformio.ini": "[env:../../src]\nplatform = native\n", "src/main.c": "", ".fb/build/x": "" });
  project.fb(["clean", "-e", "../../src"]);
  assert.ok(project.exists("src/main.c"));
});

test("waits for who works in the project, and says for whom", async () => {
  const project = built();
  const stop = new AbortController().signal;
  const lock = await acquireLock(project.folder, { request: [":firmware"], onWait: () => {}, stop, form: null });
  const clean = project.start(["clean"]);
  await new Promise((waits) => clean.child.stderr?.once("data", waits));
  assert.ok(project.exists(".fb/build"));
  lock?.release();
  const ran = await clean.ended;
  assert.is(ran.code, 0);
  assert.match(ran.stderr, `waiting for another fb in this project (process ${process.pid}: :firmware)`);
  assert.not(project.exists(".fb/build"));
});

test.run();
