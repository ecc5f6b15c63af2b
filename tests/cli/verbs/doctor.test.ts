import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { freshFolder, TestProject, type Ran } from "../../e2e/harness.ts";

interface Answer {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string; readonly hint: string }[];
}

function answer(ran: Ran): Answer {
  const told = JSON.parse(ran.stdout) as Answer;
  assert.is(told.ok, ran.code === 0);
  assert.is(
    told.ok,
    told.checks.every((c) => c.ok),
  );
  for (const c of told.checks) assert.ok(c.message !== "" && (c.ok || c.hint !== ""), JSON.stringify(c));
  return told;
}

function check(told: Answer, name: string): Answer["checks"][number] {
  const found = told.checks.find((c) => c.name === name);
  assert.ok(found !== undefined, `no check ${name}: ${told.checks.map((c) => c.name).join(" ")}`);
  return found as Answer["checks"][number];
}

const UNO = "[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\n";
const calm = { CPATH: undefined, LIBRARY_PATH: undefined };

test("a good machine and project: ok, with the compilers' versions", () => {
  const project = new TestProject({ "platformio.ini": UNO });
  const told = answer(project.fb(["doctor", "--json"], { vars: calm }));
  assert.ok(told.ok, JSON.stringify(told));
  assert.match(check(told, "node").message, process.versions.node);
  assert.match(check(told, "cache").message, project.cache);
  assert.match(check(told, "native").message, /gcc \d+\.\d+/);
  assert.match(check(told, "env uno").message, /avr-gcc \d+\.\d+.*framework-arduino-avr/);
});

test("no project here is no failure; a named one that is not there is", () => {
  const empty = new TestProject({});
  assert.is(empty.fb(["doctor"], { vars: calm }).code, 0);
  const ran = empty.fb(["doctor", "--json", "gone"], { vars: calm });
  assert.is(ran.code, 4);
  assert.not(check(answer(ran), "project").ok);
});

test("a compiler that is not on PATH is fetched; where only the system's count, the env says what to install", () => {
  const bin = freshFolder("bin");
  symlinkSync("/bin/sh", join(bin, "sh"));
  const project = new TestProject({ "platformio.ini": UNO });
  const fetched = answer(project.fb(["doctor", "--json"], { vars: { ...calm, PATH: bin } }));
  assert.match(check(fetched, "env uno").message, /^to be fetched: toolchain-atmelavr \d/);
  assert.ok(check(fetched, "env uno").ok);
  project.write("fb.toml", 'schema = 1\n[packages]\nprovider = "system"\n');
  const told = answer(project.fb(["doctor", "--json"], { vars: { ...calm, PATH: bin } }));
  assert.is(told.ok, false);
  assert.match(check(told, "env uno").hint, "apt install gcc-avr");
  assert.ok(check(told, "atmelavr").ok, "the platform alone is no failure");
  assert.match(check(told, "atmelavr").hint, "apt install gcc-avr");
});

test("variables that change results in silence are named", () => {
  const project = new TestProject({});
  const told = answer(project.fb(["doctor", "--json"], { vars: { CPATH: "/x", GCC_EXEC_PREFIX: "/y/", PLATFORMIO_BUILD_FLAGS: "-DX" } }));
  assert.ok(told.ok);
  const said = told.checks.filter((c) => c.name === "variables");
  assert.ok(
    said.some((c) => /CPATH, .*GCC_EXEC_PREFIX/.test(c.message) && c.hint.includes("removes")),
    JSON.stringify(said),
  );
  assert.ok(said.some((c) => c.message.includes("PLATFORMIO_BUILD_FLAGS")));
});

test("a cache that cannot be written, and a bound that is no size", () => {
  const project = new TestProject({ file: "" });
  const unwritable = answer(project.fb(["doctor", "--json"], { vars: { ...calm, FB_CACHE_DIR: project.path("file/cache") } }));
  assert.not(check(unwritable, "cache").ok);
  const bound = answer(project.fb(["doctor", "--json"], { vars: { ...calm, FB_CACHE_LIMIT: "much" } }));
  assert.not(check(bound, "cache").ok);
});

test("what is wrong with an env is one failed check with all its places; options that wait are named", () => {
  const ini = "[env:a]\nplatform = nope\nextra_scripts = x.py\n[env:b]\nplatform = native\ndebug_tool = simavr\n";
  const told = answer(new TestProject({ "platformio.ini": ini }).fb(["doctor", "--json"], { vars: calm }));
  assert.is(told.checks.filter((c) => c.name === "env a").length, 1);
  const a = check(told, "env a");
  assert.match(a.message, "platformio.ini:2");
  assert.match(a.hint, "platformio.ini:3");
  assert.ok(check(told, "env b").ok);
  assert.match(check(told, "options").message, "debug_tool");
});

test("a compiler that does not run is said to", () => {
  const bin = join(freshFolder("tools"), "bin");
  mkdirSync(bin);
  symlinkSync("/bin/sh", join(bin, "sh"));
  writeFileSync(join(bin, "avr-gcc"), "#!/bin/sh\nexit 3\n");
  chmodSync(join(bin, "avr-gcc"), 0o755);
  const told = answer(new TestProject({}).fb(["doctor", "--json"], { vars: { ...calm, PATH: bin } }));
  assert.match(check(told, "atmelavr").message, "avr-gcc (does not run)");
});

test("for people: one line a check, hints below, a last line that sums up", () => {
  const ran = new TestProject({ "platformio.ini": "[env:a]\nplatform = nope\n" }).fb(["doctor"], { vars: calm });
  assert.is(ran.code, 4);
  assert.match(ran.stdout, /^ok {4}node /m);
  assert.match(ran.stdout, /^FAIL {2}env a +platformio\.ini:2: /m);
  assert.match(ran.stdout, /\n1 check failed\n$/);
});

test.run();
