/** `platform = NAME @ VERSION` and addresses through the binary: a platform package is fetched, its packages and boards count, it is locked, and its Python is never run. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Event } from "../../engine/types.ts";
import { ends, freshFolder, type Ran, result, TestProject } from "./harness.ts";
import { archive, type Content, LEAST_CORE, PackageServer, staysWithoutNetwork, TOOLCHAIN } from "./package-server.ts";

const server = await PackageServer.start();
test.after(() => void server.close());

function run(p: TestProject, args: readonly string[] = []): Promise<Ran> {
  return p.start(["run", ...args, "--json"], { vars: { FB_REGISTRY: server.url } }).ended;
}

const board = (name: string, mcu: string) =>
  JSON.stringify({
    name,
    vendor: "Acme",
    url: "https://acme.example",
    frameworks: ["arduino"],
    build: { core: "arduino", variant: "standard", mcu, f_cpu: "8000000L", extra_flags: "-DARDUINO_ACME" },
    upload: { maximum_size: 30720, maximum_ram_size: 2048, protocol: "arduino", speed: 57600 },
  });

/** What runs of Python leave: nothing. */
const TRAP = 'open("/tmp/fb-python-ran", "w").write("x")\nraise SystemExit("ran")\n';

function platform(version: string, toolchain: string, core: string, more: Content = {}): Content {
  const packages = {
    "toolchain-atmelavr": { type: "toolchain", owner: "acme", version: toolchain },
    "framework-arduino-avr": { type: "framework", owner: "acme", version: core, optional: true },
    "tool-avrdude": { type: "uploader", owner: "acme", version: "~1.0.0", optional: true },
  };
  const about = { name: "atmelavr", version, frameworks: { arduino: { package: "framework-arduino-avr" } }, packages };
  return {
    "platform.json": JSON.stringify(about),
    "platform.py": TRAP,
    "builder/main.py": TRAP,
    "boards/acme.json": board("Acme", "atmega328p"),
    ...more,
  };
}

const core = (version: string): Content => ({
  ...LEAST_CORE,
  "platform.txt": `version=${version}\n`,
  "package.json": JSON.stringify({ name: "framework-arduino-avr", version }),
  "cores/arduino/Arduino.h": `${LEAST_CORE["cores/arduino/Arduino.h"]}#define CORE ${Number(version.replaceAll(".", ""))}\n`,
});

for (const version of ["1.5.0", "2.0.0"]) {
  const manifest = JSON.stringify({ name: "toolchain-atmelavr", version });
  server.publish("acme", "toolchain-atmelavr", version, { ...TOOLCHAIN, "package.json": manifest }, "tool");
}
for (const version of ["5.1.0", "5.2.0", "6.0.0"]) server.publish("acme", "framework-arduino-avr", version, core(version), "tool");
server.publish("platformio", "atmelavr", "5.0.0", platform("5.0.0", "~1.5.0", "~5.1.0"), "platform");
server.publish(
  "platformio",
  "atmelavr",
  "5.1.0",
  platform("5.1.0", "~1.5.0", "~5.2.0", { "boards/late.json": board("Late", "atmega168p") }),
  "platform",
);
server.publish("platformio", "atmelavr", "6.0.0", platform("6.0.0", "~2.0.0", "~6.0.0"), "platform");

const SKETCH = "#include <Arduino.h>\nvolatile int core;\nvoid setup() { core = CORE; }\nvoid loop() {}\n";
const ini = (platform: string, more = "", id = "acme") => `[env:a]\nplatform = ${platform}\nboard = ${id}\nframework = arduino\n${more}`;
const project = (platform: string, more = "", id = "acme") =>
  new TestProject({ "platformio.ini": ini(platform, more, id), "src/main.cpp": SKETCH });

function fetched(run: Ran): string[] {
  return ends(run)
    .filter((e) => e.status === "ran" && e.kind === "fetch")
    .map((e) => e.label)
    .sort();
}

test("a version: the platform package, then what it asks for, are fetched; its board counts; locked, and the same without a network", async () => {
  const p = project("atmelavr @ ^5.0");
  const first = await run(p);
  assert.is(first.code, 0, first.stderr);
  assert.equal(fetched(first), ["atmelavr 5.1.0", "framework-arduino-avr 5.2.0", "toolchain-atmelavr 1.5.0"]);
  const lock = p.read("fb.lock");
  assert.match(
    lock,
    /\[platform\."platformio\/atmelavr@5\.1\.0"\]\nprovider = "fetch"\nsource = "registry"\nfiles = \[\n {2}\{ system = "\*", from = "http/,
  );
  assert.match(lock, /wants = \[\n {2}\{ env = "a", spec = "atmelavr @ \^5\.0" \},\n\]/);
  assert.match(lock, /\[tool\."acme\/toolchain-atmelavr@1\.5\.0"\]/);
  await staysWithoutNetwork(p, first, server, (args) => run(p, args));
});

test("another machine with the lock has the same; another range is drift that names both", async () => {
  const p = project("atmelavr @ 5.0.0");
  const image = result(await run(p)).artifacts[0]?.sha256;
  const other = new TestProject({ "platformio.ini": p.read("platformio.ini"), "fb.lock": p.read("fb.lock"), "src/main.cpp": SKETCH });
  assert.is(result(await run(other, ["--locked"])).artifacts[0]?.sha256, image);
  p.edit("platformio.ini", "@ 5.0.0", "@ ~4.2");
  const drift = await run(p, ["--locked"]);
  assert.is(drift.code, 3);
  assert.match(drift.stderr, /platformio\.ini:2.*fb\.lock has nothing for atmelavr @ ~4\.2.*\n(?:.*\n)*.*5\.0\.0/);
});

test("fb deps --upgrade takes the newest that the ini asks for, and what that asks for", async () => {
  const p = project("atmelavr @ ^5.0");
  await run(p);
  p.write("fb.lock", p.read("fb.lock").replaceAll("5.1.0", "5.0.0"));
  const told = await p.start(["deps", "--upgrade"], { vars: { FB_REGISTRY: server.url } }).ended;
  assert.is(told.code, 0, told.stderr);
  assert.match(told.stdout, /platformio\/atmelavr 5\.0\.0 → 5\.1\.0/);
});

test("platform_packages counts before what the platform asks for, the project's boards before its boards", async () => {
  const p = project("atmelavr @ 5.0.0", "platform_packages = acme/framework-arduino-avr @ ~5.2.0\n");
  p.write("boards/acme.json", board("Own", "atmega168p"));
  const ran = await run(p);
  assert.is(ran.code, 0, ran.stderr);
  assert.ok(fetched(ran).includes("framework-arduino-avr 5.2.0"));
  assert.match(JSON.stringify(p.read(".fb/build/a/release/build_info.json")), /atmega168p/);
});

test("addresses: an archive, a folder, a file:// archive; the name that platform.json has counts", async () => {
  const content = platform("5.9.9", "~1.5.0", "~5.1.0");
  const zip = server.put("some-fork.tar.gz", archive("some-fork.tar.gz", content, "platform-fork"));
  const folder = freshFolder("platform");
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const packed = join(freshFolder("packed"), "atmelavr.tar.gz");
  writeFileSync(packed, archive("atmelavr.tar.gz", content, "x"));
  for (const address of [`atmelavr=${zip}`, `symlink://${folder}`, `file://${folder}`, folder, `file://${packed}`]) {
    const p = project(address);
    const ran = await run(p);
    assert.is(ran.code, 0, `${address}\n${ran.stderr}`);
    assert.is(p.read("fb.lock").includes("[platform."), /\.gz/.test(address), address);
  }
  server.guarded.set("/guarded.tar.gz", `Basic ${Buffer.from("me:secret").toString("base64")}`);
  server.put("guarded.tar.gz", archive("guarded.tar.gz", content, "x"));
  const p = project(`atmelavr=${server.url.replace("//", "//me:secret@")}/guarded.tar.gz`);
  const guarded = await run(p);
  assert.is(guarded.code, 0, guarded.stderr);
  assert.not.ok(`${p.read("fb.lock")}${guarded.stdout}${guarded.stderr}`.includes("secret"));
  const unnamed = await run(project(zip));
  assert.is(unnamed.code, 3);
  assert.match(unnamed.stderr, /fb has no rules for platform some-fork of \[env:a\] yet.*\n.*platform = NAME=http/);
});

test("a repository at a tag: the commit is locked, and what comes after it is not taken", async () => {
  const repository = freshFolder("repository");
  const git = (...args: string[]): string => {
    const who = ["-c", "user.name=n", "-c", "user.email=n@example.invalid", "-c", "init.defaultBranch=main"];
    const ended = spawnSync("git", [...who, ...args], { cwd: repository, encoding: "utf8" });
    assert.is(ended.status, 0, ended.stderr);
    return ended.stdout.trim();
  };
  const commit = (content: Content): string => {
    for (const [path, text] of Object.entries(content)) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
    }
    git("add", "-A");
    git("commit", "-qm", "x");
    return git("rev-parse", "HEAD");
  };
  git("init", "-q");
  const first = commit(platform("5.0.0", "~1.5.0", "~5.1.0"));
  git("tag", "v5.0.0");
  const p = project(`atmelavr=git+file://${repository}#v5.0.0`);
  const ran = await run(p);
  assert.is(ran.code, 0, ran.stderr);
  assert.ok(fetched(ran).includes("framework-arduino-avr 5.1.0"));
  const lock = p.read("fb.lock");
  assert.match(lock, new RegExp(`from = "git\\+file://.*#${first}"`));
  commit(platform("5.0.1", "~1.5.0", "~5.2.0"));
  git("tag", "-f", "v5.0.0");
  p.remove(".fb");
  assert.is((await run(p)).code, 0);
  assert.is(p.read("fb.lock"), lock);
});

test("a folder's platform is watched like any file of the project: another version of a package is another build", async () => {
  const folder = freshFolder("platform");
  for (const [path, text] of Object.entries(platform("5.0.0", "~1.5.0", "~5.1.0"))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const p = project(`symlink://${folder}`);
  const first = result(await run(p));
  assert.is(result(await run(p)).upToDate, first.actions);
  const before = first.artifacts[0]?.sha256;
  writeFileSync(join(folder, "platform.json"), platform("5.0.1", "~1.5.0", "~5.2.0")["platform.json"] ?? "");
  const after = await run(p);
  assert.is(after.code, 0, after.stderr);
  assert.equal(fetched(after), ["framework-arduino-avr 5.2.0"]);
  assert.is.not(result(after).artifacts[0]?.sha256, before);
});

test("a board that the platform does not have: its nearest names; one env's board keeps no other from being built", async () => {
  const p = project("atmelavr @ 5.1.0", "", "lato");
  p.write("platformio.ini", `${p.read("platformio.ini")}[env:b]\nplatform = atmelavr @ 5.1.0\nboard = late\nframework = arduino\n`);
  for (const again of [false, true]) {
    const ran = await run(p);
    assert.is(ran.code, 3, String(again));
    assert.match(
      ran.stderr,
      /platformio\.ini:3.*unknown board "lato": expected one of platform atmelavr \(2 boards\).*\n.*did you mean "late"/,
    );
    assert.is(result(ran).artifacts.filter((each) => each.env === "b").length, 1);
  }
});

test("a version that fb's rules are not for is an error that names those that are, before anything is asked for; of an address once that is here", async () => {
  const asked = server.asked.length;
  const ran = await run(project("atmelavr @ 6.0.0"));
  assert.is(ran.code, 3);
  assert.match(ran.stderr, /platformio\.ini:2:\d+: error: \[env:a\] asks for platform atmelavr 6\.0\.0: fb's rules cover \^4, \^5/);
  assert.is(server.asked.length, asked);
  const p = project(`atmelavr=${server.put("six.tar.gz", archive("six.tar.gz", platform("6.0.0", "~2.0.0", "~6.0.0"), "x"))}`);
  for (let i = 0; i < 2; i++) {
    const far = await run(p);
    assert.is(far.code, 3);
    assert.match(far.stderr, /asks for platform atmelavr 6\.0\.0: fb's rules cover \^4, \^5/);
    assert.equal(fetched(far).length, i === 0 ? 1 : 0);
  }
});

test("what can not be had: an unknown version names those that there are, an unreachable registry says three ways; nothing is locked", async () => {
  const p = project("atmelavr @ ~4.2");
  const none = await run(p);
  assert.is(none.code, 3);
  assert.match(none.stderr, /platformio\.ini:2.*the registry has no such version\n.*5\.0\.0, 5\.1\.0, 6\.0\.0/);
  const far = await p.start(["run", "--json"], { vars: { FB_REGISTRY: "http://no-such-host.invalid" } }).ended;
  assert.is(far.code, 4);
  assert.match(
    far.stderr,
    /platform atmelavr @ ~4\.2 of \[env:a\] is not here, and the registry could not be asked for it: .*no-such-host\.invalid/,
  );
  assert.match(far.stderr, /connect to the network; or .*platform = symlink:\/\/\/FOLDER; or write platform = atmelavr alone/);
  const unknown = await run(project("atmelavr=https://127.0.0.1:1/none.zip"));
  assert.is(unknown.code, 4);
  assert.not.ok(p.exists("fb.lock"));
});

test("an archive that is no platform is told so, at the ini's line", async () => {
  const url = server.put("nothing.tar.gz", archive("nothing.tar.gz", { "readme.md": "x" }));
  const ran = await run(project(`atmelavr=${url}`));
  assert.is(ran.code, 3);
  assert.match(ran.stderr, /platformio\.ini:2.* has no platform\.json: it is no platform package/);
});

test("--packages system: nothing is fetched, fb's own board counts and a warning says so; a board that fb has not is an error", async () => {
  const p = project("atmelavr @ 5.1.0", "platform_packages = framework-arduino-avr @ symlink://core\n", "uno");
  for (const [path, text] of Object.entries(core("1.0.0"))) p.write(`core/${path}`, text);
  const asked = server.asked.length;
  const ran = await run(p, ["--packages", "system"]);
  assert.is(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /warning: platform atmelavr @ 5\.1\.0 of \[env:a\] is not fetched/);
  assert.is(server.asked.length, asked);
  const late = await run(project("atmelavr @ 5.1.0"), ["--packages", "system"]);
  assert.is(late.code, 3);
  assert.match(late.stderr, /fb itself has no board "acme" of platform atmelavr/);
});

test("fb deps -n: what would be fetched, and from where; what nobody can be asked for is told once; nothing is fetched or written", async () => {
  const both = `${ini("atmelavr @ 5.1.0", "lib_deps =\n  acme/Lamp @ ^1.0\n  Wire\n")}[env:b]\nplatform = nordicnrf52\nboard = x\n`;
  const p = new TestProject({ "platformio.ini": both, "src/main.cpp": SKETCH });
  const told = await p.start(["deps", "-n", "-e", "a"], { vars: { FB_REGISTRY: server.url } }).ended;
  assert.is(told.code, 0, told.stderr);
  assert.match(told.stdout, /^ {2}atmelavr +5\.1\.0 +5\.1\.0 +fetch +http.*platformio-atmelavr-5\.1\.0\.tar\.gz$/m);
  assert.match(told.stdout, /^ {2}Lamp +\^1\.0 +not known$/m);
  assert.not.ok(p.exists("fb.lock") || p.exists(".fb"));
  await run(p, ["-e", "a", ":packages"]);
  const here = await p.start(["deps", "-n", "--json"], { vars: { FB_REGISTRY: "http://no-such-host.invalid" } }).ended;
  const { packages, missing } = JSON.parse(here.stdout) as {
    packages: { name: string; state: string }[];
    missing: { code: string; message: string }[];
  };
  assert.equal(
    packages.filter((each) => each.name.includes("avr")).map((each) => `${each.name} ${each.state}`),
    ["atmelavr here", "toolchain-atmelavr here", "framework-arduino-avr here"],
  );
  assert.ok(
    missing.some(
      (each) => each.code === "env.unknown-platform" && /fb has no rules for platform nordicnrf52 of \[env:b\] yet/.test(each.message),
    ),
  );
  const far = await project("atmelavr @ 5.0.0", "lib_deps = acme/Lamp\n").start(["deps", "-n"], {
    vars: { FB_REGISTRY: "http://no-such-host.invalid" },
  }).ended;
  assert.is(far.code, 4);
  assert.match(far.stdout, /^ {2}atmelavr +5\.0\.0 +not known$/m);
  assert.match(
    far.stderr,
    /^error: 2 things that the envs ask for are not known: the registry could not be asked: .*no-such-host\.invalid/m,
  );
});

const SEED = Number(process.env["FB_SEED"] ?? randomInt(1 << 30));
test(`kill -9 while a platform comes (FB_SEED=${SEED}): the next run completes`, async () => {
  for (let i = 0; i < 2; i++) {
    const p = project("atmelavr @ 5.1.0");
    const going = p.start(["run", "--json"], { vars: { FB_REGISTRY: server.url } });
    const at = (SEED >> (i * 3)) % 6;
    let seen = 0;
    await going.until((event: Event) => (event.type === "start" || event.type === "end") && seen++ >= at);
    going.child.kill("SIGKILL");
    await going.ended;
    const ran = await run(p);
    assert.is(ran.code, 0, `${at}: ${ran.stderr}`);
    assert.match(p.read("fb.lock"), /atmelavr@5\.1\.0/);
  }
});

test.run();
