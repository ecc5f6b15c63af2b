/** The verbs that only print, and `fb tool`. */
import { spawnSync } from "node:child_process";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { VERBS, verbsHere } from "../../../cli/flags.ts";
import { TestProject } from "../../e2e/harness.ts";

const empty = new TestProject({});

test("version and help", () => {
  assert.is(empty.fb(["version"]).stdout, "fb 0.1.0\n");
  assert.is(empty.fb(["--version"]).stdout, "fb 0.1.0\n");
  const { stdout, stderr, code } = empty.fb(["help"]);
  assert.equal([code, stderr], [0, ""]);
  for (const verb of verbsHere) assert.match(stdout, `fb ${verb}`);
});

test("every verb explains itself", () => {
  for (const verb of Object.keys(VERBS)) {
    const ran = empty.fb(["help", verb]);
    assert.is(ran.code, 0, verb);
    assert.match(ran.stdout, `fb ${verb}`);
  }
});

test("completion scripts are scripts of their shell, and complete verbs, flags and envs", () => {
  const project = new TestProject({ "platformio.ini": "[env:uno_x]\nplatform = atmelavr\n[env:uno_y]\n" });
  const bash = project.fb(["completion", "bash"]).stdout;
  project.write("fb.bash", bash);
  const asked = (words: string) =>
    spawnSync(
      "bash",
      ["-c", `. ./fb.bash; COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _fb; printf '%s\\n' "\${COMPREPLY[@]}"`],
      {
        cwd: project.folder,
        encoding: "utf8",
      },
    ).stdout.split("\n");
  assert.ok(asked("fb doc").includes("doctor"));
  assert.ok(asked("fb run --why").includes("--why"));
  assert.equal(
    asked("fb run -e uno").filter((w) => w !== ""),
    ["uno_x", "uno_y"],
  );
  for (const shell of ["zsh", "fish"]) assert.ok(empty.fb(["completion", shell]).stdout.includes("doctor"), shell);
});

test("tool: the exit code and the message of what runs inside fb", () => {
  const project = new TestProject({ "a.ino": "void setup() { f(); }\nvoid f() {}\nvoid loop() {}\n" });
  assert.is(project.fb(["tool", "ino", "--out", "out/a.cpp", "a.ino"]).code, 0);
  assert.match(project.read("out/a.cpp"), "void f();");
  const missing = project.fb(["tool", "ino", "--out", "b.cpp", "gone.ino"]);
  assert.is(missing.code, 4);
  assert.match(missing.stderr, "gone.ino");
  const unknown = project.fb(["tool", "inoo"]);
  assert.is(unknown.code, 2);
  assert.match(unknown.stderr, 'did you mean "ino"?');
  assert.is(project.fb(["tool", "size"]).code, 2);
});

test("tool check-lmdb: 0 for a whole database, something else for a damaged one", () => {
  const project = new TestProject({ "platformio.ini": "[env:a]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" });
  project.run();
  const folder = join(project.cache, "actions");
  assert.is(project.fb(["tool", "check-lmdb", folder]).code, 0);
  assert.is(project.fb(["tool", "check-lmdb"]).code, 2);
  truncateSync(join(folder, "data.mdb"), 12288);
  assert.is.not(project.fb(["tool", "check-lmdb", folder]).code, 0);
});

test.run();
