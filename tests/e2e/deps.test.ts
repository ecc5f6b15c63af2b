/** `fb deps` through the binary: what it brings and tells, upgrades, who needs what, and the settings that say where packages come from. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AVR, BLINK, freshFolder, isNoop, type Ran, TestProject } from "./harness.ts";
import { archive, type Content, PackageServer } from "./package-server.ts";

const server = await PackageServer.start();
test.after(() => void server.close());

/** One run; the server is in this process, which must not stand still meanwhile. */
function fb(p: TestProject, args: readonly string[], vars: Readonly<Record<string, string>> = { FB_REGISTRY: server.url }): Promise<Ran> {
  return p.start(args, { vars }).ended;
}

function json(ran: Ran): {
  packages: { name: string; version: string; source: string; sha256: string; kind: string; neededBy: object[] }[];
  missing: { message: string }[];
} {
  return JSON.parse(ran.stdout);
}

/** A library of the registry that has a source, and says its version. */
function library(name: string, version: string, more: { readonly includes?: string; readonly needs?: string } = {}): Content {
  const { includes = "", needs = "{}" } = more;
  return {
    "library.json": `{"name":"${name}","version":"${version}","dependencies":${needs}}`,
    [`src/${name}.h`]: `#pragma once\nint ${name.toLowerCase()}();\n`,
    [`src/${name}.cpp`]: `${includes}int ${name.toLowerCase()}() { return ${version.replaceAll(".", "")}; }\n`,
  };
}

/** Publishes libraries under an owner that no other test has. */
function owner(name: string): string {
  server.publish(
    name,
    "Lamp",
    "1.0.0",
    library("Lamp", "1.0.0", { includes: "#include <Clock.h>\n", needs: `{"${name}/Clock":"^2.0.0"}` }),
  );
  server.publish(name, "Clock", "2.1.0", library("Clock", "2.1.0"));
  server.publish(name, "Other", "1.0.0", library("Other", "1.0.0"));
  return name;
}

const MAIN = '#include <Lamp.h>\n#include <stdio.h>\nint main() { printf("%d\\n", lamp()); }\n';

function project(by: string, more = ""): TestProject {
  return new TestProject({
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps =\n  ${by}/Lamp @ ^1.0\n${more}`,
    "src/main.cpp": MAIN,
  });
}

test("brings, locks, and tells what each env has; --json as the contract has it", async () => {
  const by = owner("tell");
  const p = project(by);
  const first = await fb(p, ["deps"]);
  assert.is(first.code, 0, first.stderr);
  assert.match(first.stdout, /env a\n(?:.*\n)*.*tell\/Clock +2\.1\.0 +locked +http/);
  assert.match(first.stdout, /fb\.lock: 2 packages; changed: tell\/Clock 2\.1\.0 \(new\), tell\/Lamp 1\.0\.0 \(new\)/);
  assert.not.ok(p.exists(".fb/build/a/release/program"));
  const told = await fb(p, ["deps", "--json", "--offline", "--locked"]);
  assert.is(told.code, 0, told.stderr);
  const { packages, missing } = json(told);
  assert.equal(missing, []);
  const lamp = packages.find((each) => each.name === "tell/Lamp");
  assert.equal(Object.keys(lamp ?? {}), ["name", "version", "source", "sha256", "kind", "neededBy"]);
  assert.match(lamp?.sha256 ?? "", /^[0-9a-f]{64}$/);
  assert.is(lamp?.source, `${server.url}/tell-Lamp-1.0.0.tar.gz`);
  assert.equal(lamp?.neededBy, [{ env: "a", file: "platformio.ini", include: "" }]);
  const clock = packages.find((each) => each.name === "tell/Clock");
  assert.match(JSON.stringify(clock?.neededBy), /"env":"a","file":"[^"]*library\.json","include":""/);
  assert.ok(packages.some((each) => each.kind === "toolchain" && each.source === "system"));
});

test("--upgrade: all or one name, what changed is said; other libraries keep their versions", async () => {
  const by = owner("up");
  const p = project(by);
  assert.is((await fb(p, ["run"])).code, 0);
  server.publish(by, "Lamp", "1.3.0", library("Lamp", "1.3.0", { includes: "#include <Clock.h>\n", needs: `{"${by}/Clock":"^2.0.0"}` }));
  server.publish(by, "Clock", "2.2.0", library("Clock", "2.2.0"));
  const one = await fb(p, ["deps", "--upgrade", "clock"]);
  assert.is(one.code, 0, one.stderr);
  assert.is(one.stdout, "up/Clock 2.1.0 → 2.2.0\n");
  assert.match(p.read("fb.lock"), /up\/Lamp@1\.0\.0/);
  const all = await fb(p, ["deps", "--upgrade"]);
  assert.is(all.stdout, "up/Lamp 1.0.0 → 1.3.0\n");
  assert.match((await fb(p, ["deps", "--upgrade"])).stdout, /^nothing newer/);
  const built = await fb(p, ["run", "--locked", "--offline", "--json"]);
  assert.is(built.code, 0, built.stderr);
  const unknown = await fb(p, ["deps", "--upgrade=Clok"]);
  assert.is(unknown.code, 2);
  assert.match(unknown.stderr, /fb\.lock has no package "Clok".*\n.*Clock/);
});

test("a library that is added changes nothing of those that the lock has", async () => {
  const by = owner("add");
  const p = project(by);
  assert.is((await fb(p, ["deps"])).code, 0);
  server.publish(by, "Lamp", "1.9.0", library("Lamp", "1.9.0"));
  server.publish(by, "Clock", "2.9.0", library("Clock", "2.9.0"));
  // On a machine that has never asked the registry.
  const q = project(by, `  ${by}/Other\n`);
  q.write("fb.lock", p.read("fb.lock"));
  const added = await fb(q, ["deps"]);
  assert.is(added.code, 0, added.stderr);
  assert.match(added.stdout, /fb\.lock: 3 packages; changed: add\/Other 1\.0\.0 \(new\)\n/);
  const upgraded = await fb(q, ["deps", "--upgrade"]);
  assert.is(upgraded.stdout, "add/Clock 2.1.0 (no longer needed)\nadd/Lamp 1.0.0 → 1.9.0\n");
});

test("--tree: who needs what, and the include that asked; a header of two libraries is told with both", async () => {
  const by = owner("tree");
  const p = project(by, "lib_ldf_mode = deep\n");
  p.write("lib/Inner/library.json", '{"name":"Inner","version":"0.5.0"}');
  p.write("lib/Inner/src/Inner.h", "#include <Deep.h>\n");
  p.write("lib/Inner/src/common.h", "#pragma once\n");
  p.write("lib/Deep/src/Deep.h", "#pragma once\n");
  p.write("lib/Deep/src/common.h", "#pragma once\n");
  p.write("src/more/part.cpp", '#include "Inner.h"\n#include <common.h>\n');
  const told = await fb(p, ["deps", "--tree"]);
  assert.is(told.code, 0, told.stderr);
  const rows = told.stdout.split("\n").map((row) => row.trimEnd());
  assert.ok(
    rows.some((row) => /^[├└]─ tree\/Lamp 1\.0\.0 {2}lib_deps; http/.test(row)),
    told.stdout,
  );
  assert.ok(
    rows.some((row) => /^[│ ] {2}└─ tree\/Clock 2\.1\.0 {2}.*library\.json names it/.test(row)),
    told.stdout,
  );
  assert.ok(
    rows.some((row) => /^[├└]─ Inner 0\.5\.0 {2}src\/more\/part\.cpp includes (?:Inner|common)\.h; lib\/Inner$/.test(row)),
    told.stdout,
  );
  assert.ok(
    rows.some((row) => /Deep {2}.* includes .*; (?:lib\/Deep|above)$/.test(row)),
    told.stdout,
  );
  assert.match(told.stderr, /common\.h is in 2 libraries: lib\/\w+, which is used, and lib\/\w+/);
  const { packages } = json(await fb(p, ["deps", "--json"]));
  const inner = packages.find((each) => each.name === "Inner");
  assert.is(inner?.source, "lib/Inner");
  assert.match(JSON.stringify(inner?.neededBy), /^\[\{"env":"a","file":"src\/more\/part\.cpp","include":"(?:Inner|common)\.h"\}/);
});

test("a sketch: the include is told with the tab that has it; a library of the framework", async () => {
  const p = new TestProject({
    "platformio.ini": "[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\n",
    "src/main.ino": "void setup() {}\nvoid loop() {}\n",
    "src/second.ino": "#include <Wire.h>\n",
  });
  const told = await fb(p, ["deps", "--json"]);
  assert.is(told.code, 0, told.stderr);
  const { packages } = json(told);
  assert.equal(packages.find((each) => each.name === "Wire")?.neededBy, [{ env: "uno", file: "src/second.ino", include: "Wire.h" }]);
  assert.equal(
    packages
      .filter((each) => each.kind !== "library")
      .map((each) => each.kind)
      .sort(),
    ["framework", "toolchain"],
  );
});

test("what can not be brought: exit 4, and --json has it under missing", async () => {
  const p = project("nobody");
  const told = await fb(p, ["deps", "--json"]);
  assert.is(told.code, 4);
  assert.match(json(told).missing[0]?.message ?? "", /nobody\/Lamp/);
});

// ── settings ──

const FAR = "http://far.invalid/pub/";
server.put("mirror/far.tar.gz", archive("far.tar.gz", { "src/Far.h": "#define FAR 5\n" }, "far-main"));

function farProject(toml: string | null): TestProject {
  const files = {
    "platformio.ini": `[env:a]\nplatform = native\nlib_deps = ${FAR}far.tar.gz\n`,
    "src/main.cpp": "#include <Far.h>\nint main() { return FAR; }\n",
  };
  return new TestProject(toml === null ? files : { ...files, "fb.toml": toml });
}

/** A user's own file; the variables that lead there. */
function userFile(text: string): { readonly vars: Record<string, string>; readonly file: string } {
  const home = freshFolder("config");
  const file = join(home, "fb/config.toml");
  mkdirSync(dirname(file));
  if (text !== "") writeFileSync(file, text);
  return { vars: { XDG_CONFIG_HOME: home }, file };
}

test("[mirrors]: another place is asked, the lock keeps the address that the project names", async () => {
  const p = farProject(`schema = 1\n[mirrors]\n"${FAR}" = "${server.url}/mirror/"\n`);
  const built = await fb(p, ["run", "--json"], {});
  assert.is(built.code, 0, built.stderr);
  assert.match(p.read("fb.lock"), /from = "http:\/\/far\.invalid\/pub\/far\.tar\.gz"/);
  isNoop(await fb(p, ["run", "--json"], {}));
  p.edit("fb.toml", "mirror/", "elsewhere/");
  isNoop(await fb(p, ["run", "--json", "--locked"], {}), "another mirror makes no other firmware:");
});

test("settings of the user's own file count where the project's say nothing", async () => {
  const good = `[mirrors]\n"${FAR}" = "${server.url}/mirror/"\n`;
  const bad = `[mirrors]\n"${FAR}" = "${server.url}/nowhere/"\n`;
  assert.is((await fb(farProject(null), ["run"], userFile(good).vars)).code, 0);
  assert.is((await fb(farProject(`schema = 1\n${good}`), ["run"], userFile(bad).vars)).code, 0);
  const failed = await fb(farProject(`schema = 1\n${bad}`), ["run"], userFile(good).vars);
  assert.is(failed.code, 4);
  assert.match(failed.stderr, /nowhere\/far\.tar\.gz/);
});

test("[registry]: libraries come from it", async () => {
  const by = owner("settled");
  const p = project(by);
  p.write("fb.toml", `schema = 1\n[registry]\nurl = "${server.url}/"\n`);
  const built = await fb(p, ["run"], {});
  assert.is(built.code, 0, built.stderr);
});

test("[packages]: an edit of either file is seen by a project that is built; the flag comes first", async () => {
  const p = new TestProject({ "platformio.ini": `[env:uno]\n${AVR}`, "src/main.cpp": BLINK });
  const { vars, file } = userFile("");
  const run = (...more: string[]) => fb(p, ["run", "--json", "--offline", ...more], vars);
  assert.is((await run()).code, 0);
  isNoop(await run());
  writeFileSync(file, '[packages]\nprovider = "fetch"\n');
  const refused = await run();
  assert.is(refused.code, 4);
  assert.match(refused.stderr, /toolchain-atmelavr .* is not here and could not be fetched/);
  assert.is((await run("--packages", "system")).code, 0);
  p.write("fb.toml", 'schema = 1\n[packages]\nprovider = "system"\n');
  assert.is((await run()).code, 0);
});

test("mistakes in settings: the file and the line", async () => {
  const p = farProject('schema = 1\n[packages]\nprovider = "sytem"\n');
  const own = await fb(p, ["run"], {});
  assert.is(own.code, 3);
  assert.match(own.stderr, /fb\.toml:3:.*"sytem"(?:.*\n)*.*system/);
  const { vars, file } = userFile('[mirrors]\nfar = "https://x/"\n');
  const users = await fb(farProject(null), ["run"], vars);
  assert.is(users.code, 3);
  assert.ok(users.stderr.includes(`${file}:2:`), users.stderr);
});

test.run();
