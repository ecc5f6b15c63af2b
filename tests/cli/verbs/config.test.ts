import { test } from "uvu";
import * as assert from "uvu/assert";
import { TestProject } from "../../e2e/harness.ts";
import type { IniAnswer } from "../../parity/ini.ts";
import { HAND_CASES } from "../../parity/ini-hand.ts";
import { readRecorded } from "../../parity/recorded.ts";

/** PlatformIO's own answers; those that name no folder, home or time are the same wherever the project lies. */
const answers = new Map(readRecorded<IniAnswer>("ini").map((line) => [line.id, line.answer] as const));
const recorded = HAND_CASES.flatMap((c) => {
  const answer = answers.get(c.name);
  return answer === undefined || answer.invalid !== null ? [] : [{ ...c, table: answer.table }];
}).filter((c) => {
  const text = JSON.stringify([c.table, c.files]);
  const movable = !/\/home\/someone|1700000000|PROJECT_|UNIX_TIME/.test(text) && Object.keys(c.files).every((f) => !f.startsWith("/"));
  return movable && Object.keys(c.vars).length === 0 && c.files["platformio.ini"] !== undefined;
});

test("--json is PlatformIO's table, and where that refuses fb does too", () => {
  assert.ok(recorded.length > 30, `${recorded.length} cases`);
  const some = [...recorded.filter((c) => c.table !== null).slice(0, 14), ...recorded.filter((c) => c.table === null).slice(0, 6)];
  for (const c of some) {
    const ran = new TestProject(c.files).fb(["config", "--json"]);
    if (c.table === null) {
      assert.is(ran.code, 3, c.name);
      assert.is(ran.stdout, "", c.name);
    } else {
      assert.is(ran.code, 0, `${c.name}: ${ran.stderr}`);
      assert.equal(JSON.parse(ran.stdout), c.table, c.name);
    }
  }
});

const NATIVE = "[env:a]\nplatform = native\n";

test("for people: sections, values expanded, lists one item a line", () => {
  const ini = `[common]\nflags =\n  -DA\n  -DB\n${NATIVE}build_flags = \${common.flags}\nlib_archive = no\n`;
  const ran = new TestProject({ "platformio.ini": ini }).fb(["config"]);
  assert.is(ran.code, 0);
  assert.is(
    ran.stdout,
    "[common]\n  flags = -DA\n          -DB\n\n[env:a]\n  platform    = native\n  build_flags = -DA\n                -DB\n  lib_archive = no\n",
  );
});

test("a value that cannot be resolved is shown as written, and named with its place", () => {
  const ran = new TestProject({ "platformio.ini": `${NATIVE}build_flags = \${nope.x}\n` }).fb(["config"]);
  assert.is(ran.code, 3);
  assert.match(ran.stdout, "build_flags = ${nope.x}");
  assert.match(ran.stderr, /^platformio\.ini:3:\d+: error: /m);
});

test("a sound project has nothing to lint", () => {
  const project = new TestProject({ "platformio.ini": NATIVE });
  assert.equal([project.fb(["config", "--lint"]).stdout, project.fb(["config", "--lint"]).code], ["nothing wrong\n", 0]);
  assert.equal(JSON.parse(project.fb(["config", "--lint", "--json"]).stdout), { errors: [], warnings: [] });
});

interface Lint {
  readonly errors: readonly { type: string; message: string; source: string | null; lineno: number; hint: string }[];
  readonly warnings: Lint["errors"];
}

test("lint names what is wrong in both files, and options that wait for their verb", () => {
  const ini = `[env:a]\nplatform = atmelavr\nboard = unno\nframework = arduino\ndebug_tool = simavr\n[env:b]\nplatform = native\nbuild_flags = \${x.y}\n`;
  const toml = 'schema = 1\n[[step]]\nname = "v"\nout = ["${gen}/v.h"]\nrunn = ["true"]\n';
  const project = new TestProject({ "platformio.ini": ini, "fb.toml": toml });
  const ran = project.fb(["config", "--lint", "--json"]);
  assert.is(ran.code, 3);
  const lint = JSON.parse(ran.stdout) as Lint;
  const places = (list: Lint["errors"]) => list.map((p) => `${p.source}:${p.lineno}`);
  assert.ok(places(lint.errors).includes("fb.toml:5"), ran.stdout);
  assert.ok(places(lint.errors).includes("platformio.ini:8"), ran.stdout);
  assert.is(new Set(places(lint.errors)).size, lint.errors.length, "each once");
  for (const p of [...lint.errors, ...lint.warnings]) assert.ok(p.hint !== "" && p.type !== "", JSON.stringify(p));

  project.write("fb.toml", "schema = 1\n");
  project.edit("platformio.ini", "build_flags = ${x.y}\n", "");
  const again = JSON.parse(project.fb(["config", "--lint", "--json"]).stdout) as Lint;
  assert.equal(places(again.errors), ["platformio.ini:3"]);
  assert.match(again.errors[0]?.hint ?? "", '"uno"');
  assert.equal(places(again.warnings), ["platformio.ini:5"]);
});

test("a folder without a project: exit 3, and --lint --json says it as JSON", () => {
  const project = new TestProject({});
  assert.is(project.fb(["config"]).code, 3);
  const lint = project.fb(["config", "--lint", "--json"]);
  assert.is(lint.code, 3);
  assert.is((JSON.parse(lint.stdout) as Lint).errors.length, 1);
});

test.run();
