/** compile_commands.json as clangd takes it: no error in what a user opens, one in what is wrong. Left out, and said so, where there is no clangd. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AVR, BLINK, TestProject, unoCache } from "./harness.ts";

const CLANGD = [process.env["FB_CLANGD"] ?? "", "/usr/bin/clangd"].find((p) => p !== "" && existsSync(p));
const tryIt = CLANGD === undefined ? test.skip : test;
if (CLANGD === undefined) process.stdout.write("(no clangd here: it is not asked; apt-get install clangd) ");

/** What clangd says of a file: its errors. */
function errors(project: TestProject, file: string): string[] {
  const ran = spawnSync(CLANGD ?? "", ["--compile-commands-dir=.", `--check=${file}`], {
    cwd: project.folder,
    encoding: "utf8",
    timeout: 120_000,
    env: project.vars({}),
  });
  const said = ran.stderr.split("\n");
  assert.ok(
    said.some((line) => line.includes("Compile command from CDB is:")),
    `${file} is in the database\n${ran.stderr}`,
  );
  const found = said.filter((line) => line.startsWith("E["));
  assert.is(ran.status === 0, found.length === 0, ran.stderr);
  return found;
}

tryIt("uno: a main file, the core, a library; native; in every profile", () => {
  const project = new TestProject(
    {
      "platformio.ini": `[env:uno]\n${AVR}[env:pc]\nplatform = native\nbuild_src_filter = +<pc.cpp>\n`,
      "fb.toml": "schema = 1\ncompdb = true\n",
      "src/main.cpp": BLINK.replace("#include", "#include <Wire.h>\n#include <lamp.h>\n#include"),
      "lib/lamp/lamp.h": '#include <avr/pgmspace.h>\nconst char text[] PROGMEM = "x";\n',
      "src/pc.cpp": "#ifndef __AVR__\n#include <vector>\nint main() { return static_cast<int>(std::vector<int>(0).size()); }\n#endif\n",
    },
    { cache: unoCache() },
  );
  for (const profile of ["release", "quick", "debug"]) {
    project.run([`--${profile}`]);
    for (const file of ["src/main.cpp", "src/pc.cpp"]) assert.equal(errors(project, file), [], `${file}, ${profile}`);
  }
  const files = (JSON.parse(project.read("compile_commands.json")) as { readonly file: string }[]).map((e) => e.file);
  for (const name of ["wiring.c", "Print.cpp", "Wire.cpp"])
    assert.equal(errors(project, files.find((file) => file.endsWith(`/${name}`)) ?? name), [], name);
  project.edit("src/main.cpp", "delay(500)", "delai(500)");
  assert.ok(
    errors(project, "src/main.cpp").some((line) => line.includes("'delai'")),
    "a mistake is one",
  );
});

tryIt("uno: a sketch, as a user opens it", () => {
  const project = new TestProject(
    {
      "platformio.ini": `[env:uno]\n${AVR}`,
      "src/app.ino": "int state = 0;\nvoid setup() { pinMode(13, OUTPUT); }\nvoid loop() { digitalWrite(13, state); }\n",
      "src/more.ino": "int twice(int n) { return n * state; }\n",
    },
    { cache: unoCache() },
  );
  project.run([":compdb"]);
  for (const file of ["src/app.ino", "src/more.ino"]) assert.equal(errors(project, file), [], file);
});

test.run();
