/** `fb run` where nothing is built: what it says to people and scripts before a run begins. */
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { diagnostics, executed, freshFolder, result, TestProject } from "../../e2e/harness.ts";

const FILES = { "platformio.ini": "[env:pc]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" };

test("a folder without a project: with --json the events of a run that came to nothing", () => {
  const empty = new TestProject({});
  const ran = empty.run([":elf@pc"], { exit: 3 });
  const [hello, said] = ran.events;
  assert.equal(hello, { type: "hello", t: 0, schema: 1, version: "0.1.0", project: empty.folder, request: [":elf@pc"] });
  assert.equal(said, {
    type: "diagnostic",
    t: 0,
    severity: "error",
    code: "project.none",
    message: `there is no platformio.ini in ${empty.folder}`,
    file: null,
    line: 0,
    column: 0,
    hint: "`fb init --board uno` makes a project here; -C DIR names another folder",
  });
  assert.is(ran.events.length, 3);
  assert.is(result(ran).status, "failed");
  assert.match(ran.stderr, /error: there is no platformio\.ini/);
});

test("a target that the platform does not have: told by an event too, and nothing is built", () => {
  for (const words of [[":flash-fs"], ["-t", "uploadfs"], [":fs"]]) {
    const ran = new TestProject(FILES).run(words, { exit: 2 });
    assert.equal(
      diagnostics(ran).map((d) => d.code),
      ["target.unknown"],
    );
    assert.equal(executed(ran), []);
  }
});

test("one of two folders is no project: nothing is built", () => {
  const both = freshFolder("both");
  const one = new TestProject(FILES, { folder: join(both, "one") });
  const ran = one.fb(["run", "one:firmware", "two:firmware", "--json"], { cwd: both });
  assert.is(ran.code, 3);
  assert.equal(executed(ran), []);
  assert.not.ok(one.exists(".fb"));
  assert.match(ran.stderr, /there is no folder .*\/two/);
  const good = one.fb(["run", "one:firmware", "--json"], { cwd: both });
  assert.is(good.code, 0, good.stderr);
  assert.ok(one.exists(".fb/build/pc/release/program"));
});

test.run();
