import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { freshFolder, result, TestProject, unoCache } from "../../e2e/harness.ts";

test("a project from nothing, which builds", () => {
  const project = new TestProject({}, { cache: unoCache() });
  const ran = project.fb(["init", "--board", "uno"]);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(project.read("platformio.ini"), "[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\n");
  assert.equal(
    ["src/main.cpp", "include", "lib"].map((p) => project.exists(p)),
    [true, true, true],
  );
  assert.is(project.read(".gitignore"), ".fb/\ncompile_commands.json\n");
  assert.equal(
    result(project.run()).artifacts.map((a) => a.path as string),
    [".fb/build/uno/release/firmware.hex"],
  );
  assert.is(project.fb(["config", "--lint"]).code, 0);
});

test("into a folder that is not there yet, several boards at once", () => {
  const folder = join(freshFolder(), "a/b");
  const project = new TestProject({});
  assert.is(project.fb(["init", "-b", "uno", "-b", "leonardo", "-b", "uno", folder]).code, 0);
  assert.equal(
    [...readFileSync(join(folder, "platformio.ini"), "utf8").matchAll(/^\[(.*)\]$/gm)].map((m) => m[1]),
    ["env:uno", "env:leonardo"],
  );
});

test("a board more is appended, and what was there stays to the byte", () => {
  const ini = "; mine\r\n[env]\r\nframework = arduino\r\n[env:uno]\r\nplatform = atmelavr\r\nboard = uno";
  const project = new TestProject({ "platformio.ini": ini, ".gitignore": "*.log" });
  const ran = project.fb(["init", "--board", "leonardo", "--board", "uno"]);
  assert.is(ran.code, 0);
  assert.match(ran.stdout, "platformio.ini:6 has uno already, as [env:uno]");
  assert.is(
    project.read("platformio.ini"),
    `${ini}\r\n\r\n[env:leonardo]\r\nplatform = atmelavr\r\nboard = leonardo\r\nframework = arduino\r\n`,
  );
  assert.is(project.read(".gitignore"), "*.log\n.fb/\ncompile_commands.json\n");
  assert.not(project.exists("src"), "an old project gets no new source");
  const before = project.read("platformio.ini");
  assert.is(project.fb(["init", "--board", "leonardo"]).code, 0);
  assert.is(project.read("platformio.ini"), before);
  assert.is(project.read(".gitignore"), "*.log\n.fb/\ncompile_commands.json\n");
});

test("nothing that is there is overwritten", () => {
  const project = new TestProject({ "src/app.cpp": "// mine\n", "include/x.h": "", ".gitignore": "/.fb\ncompile_commands.json\n" });
  assert.is(project.fb(["init", "--board", "uno"]).code, 0);
  assert.is(project.read("src/app.cpp"), "// mine\n");
  assert.not(project.exists("src/main.cpp"));
  assert.is(project.read(".gitignore"), "/.fb\ncompile_commands.json\n");
});

test("an Arduino sketch stays where it is, and builds", () => {
  const folder = freshFolder("blink");
  writeFileSync(join(folder, "blink.ino"), "void setup() { go(); }\nvoid go() {}\nvoid loop() {}\n");
  const project = new TestProject({}, { folder, cache: unoCache() });
  assert.is(project.fb(["init", "--board", "uno"]).code, 0);
  assert.match(project.read("platformio.ini"), "[platformio]\nsrc_dir = .\n");
  assert.not(project.exists("src"));
  assert.is(result(project.run()).artifacts.length, 1);
});

test("an unknown board: exit 3, near ids, and nothing written", () => {
  const project = new TestProject({});
  const ran = project.fb(["init", "--board", "unno", "new"]);
  assert.is(ran.code, 3);
  assert.match(ran.stderr, 'did you mean "uno"');
  assert.not(project.exists("new"));
});

test("a board of the project's own, and an env whose name is taken", () => {
  const board = JSON.stringify({ name: "Mine", platform: "atmelavr", frameworks: ["arduino"], build: { mcu: "atmega328p" }, upload: {} });
  const project = new TestProject({ "platformio.ini": "[env:leonardo]\nplatform = atmelavr\nboard = uno\n", "boards/mine.json": board });
  assert.is(project.fb(["init", "--board", "mine"]).code, 0);
  assert.match(project.read("platformio.ini"), "\n[env:mine]\nplatform = atmelavr\nboard = mine\nframework = arduino\n");
  const before = project.read("platformio.ini");
  const ran = project.fb(["init", "--board", "leonardo"]);
  assert.is(ran.code, 3);
  assert.match(ran.stderr, /^platformio\.ini:3:/m);
  assert.is(project.read("platformio.ini"), before);
});

test("a platformio.ini that does not read is left as it is, and told of once", () => {
  const project = new TestProject({ "platformio.ini": "[env:a\n" });
  const ran = project.fb(["init", "--board", "uno"]);
  assert.is(ran.code, 3);
  assert.is(ran.stderr.match(/platformio\.ini:1/g)?.length, 1, ran.stderr);
  assert.is(project.read("platformio.ini"), "[env:a\n");
});

test("a file where the folder should be: exit 4", () => {
  const project = new TestProject({ file: "" });
  const ran = project.fb(["init", "--board", "uno", "file/inside"]);
  assert.is(ran.code, 4);
  assert.match(ran.stderr, "hint:");
});

test.run();
