/**
 * `platform = NAME` alone through the binary: where nothing brings what a build needs, or fb itself has not the board, PlatformIO's platform package does, in the newest
 * version that fb's rules are for. An ESP32-C3's, with Debian's compiler as its toolchain and a small core of our own.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMPILER, coreFolder, hasCompiler, toolchain } from "./esp32-parts.ts";
import { ends, freshFolder, type Ran, result, TestProject } from "./harness.ts";
import { type Content, PackageServer } from "./package-server.ts";

const FAR = { FB_REGISTRY: "http://no-such-host.invalid" };
const SOURCES = { "src/main.cpp": "#include <Arduino.h>\nint turns;\nvoid setup() {}\nvoid loop() { turns = core(turns); }\n" };
const BOARD = "esp32-c3-devkitm-1";

const server = await PackageServer.start();
test.after(() => void server.close());

/** A board that only the platform package has: what fb itself knows of this platform, its own table of packages brings. */
const NEWEST = "newest";
const ini = (more = "", board = NEWEST) => `[env:a]\nplatform = espressif32\nboard = ${board}\nframework = arduino\n${more}`;
/** A platform of which fb knows no place for a compiler. */
const TEENSY = "[env:a]\nplatform = teensy\nboard = teensy41\nframework = arduino\n";

function project(text = ini(), more: Readonly<Record<string, string>> = {}): TestProject {
  return new TestProject({ ...SOURCES, "platformio.ini": text, ...more });
}
function run(
  p: TestProject,
  args: readonly string[] = [],
  vars: Readonly<Record<string, string>> = { FB_REGISTRY: server.url },
): Promise<Ran> {
  return p.start(["run", ...args, "--json"], { vars }).ended;
}
function fetched(run: Ran): string[] {
  return ends(run)
    .filter((e) => e.status === "ran" && e.kind === "fetch")
    .map((e) => e.label)
    .sort();
}

const TABLE = readFileSync(new URL("../../platforms/espressif32/boards.json", import.meta.url), "utf8");
const c3 = (JSON.parse(TABLE) as Readonly<Record<string, object>>)[BOARD];

function platform(version: string, toolchain: string, core: string): Content {
  const packages = {
    "toolchain-riscv32-esp": { owner: "espressif", version: toolchain },
    "framework-arduinoespressif32": { owner: "platformio", version: core, optional: true },
  };
  return {
    "platform.json": JSON.stringify({ name: "espressif32", version, packages }),
    "platform.py": 'raise SystemExit("ran")\n',
    [`boards/${BOARD}.json`]: JSON.stringify(c3),
    "boards/newest.json": JSON.stringify({ ...c3, name: "Newest" }),
  };
}

server.publish("platformio", "espressif32", "6.1.0", platform("6.1.0", "9.1.0", "~3.20014.0"), "platform");
server.publish("platformio", "espressif32", "6.2.0", platform("6.2.0", "9.2.0", "~3.20014.0"), "platform");
server.publish("platformio", "espressif32", "99.0.0", platform("99.0.0", "9.9.0", "~9.0.0"), "platform");
// Of another owner, and newer.
server.publish("acme", "espressif32", "6.3.0", platform("6.3.0", "9.9.0", "~9.0.0"), "platform");

test("nothing can be asked: exit 4 at once, what is missing and the ways to bring it; a board that nobody knows stays so", async () => {
  for (const [args, vars] of [
    [[], FAR],
    [["--offline"], {}],
  ] as const) {
    const p = project(TEENSY);
    const ran = await run(p, args, vars);
    assert.is(ran.code, 4, ran.stderr);
    assert.match(ran.stderr, /error: package \S+-?teensy\S* is not here.*; platform teensy @ ~5\.2\.0 of \[env:a\] is not here/);
    assert.match(ran.stderr, /hint: connect to the network; or .*platform_packages = \S+@symlink:\/\/\/FOLDER; or .*fb cache export/);
    assert.not.ok(p.exists("fb.lock"));
    const board = await run(project(ini("", "esp32-c3-devkitm-2")), args, vars);
    assert.is(board.code, 3, board.stderr);
    assert.match(
      board.stderr,
      /platformio\.ini:3:\d+: error: unknown board "esp32-c3-devkitm-2".*; platform espressif32.*\n.*did you mean "/,
    );
  }
  const system = await run(project(ini("", "newest")), ["--packages", "system"]);
  assert.is(system.code, 3);
  assert.match(system.stderr, /unknown board "newest"/);
});

test("fb boards, fb init, fb config and fb doctor ask nobody; fb doctor says what the next build would fetch", async () => {
  const p = project(TEENSY);
  const asked = server.asked.length;
  const told = (args: readonly string[], of = p) => of.start(args, { vars: { FB_REGISTRY: server.url } }).ended;
  assert.is((await told(["boards", "teensy"])).code, 0);
  assert.is((await told(["config"])).code, 0);
  assert.is((await told(["init", "--board", BOARD], new TestProject({}))).code, 0);
  assert.match((await told(["doctor"])).stdout, /env a +to be fetched: platform teensy/);
  p.edit("platformio.ini", "teensy41", "newest");
  assert.match((await told(["doctor"])).stdout, /FAIL +env a +platformio\.ini:3: unknown board "newest"/);
  assert.is(server.asked.length, asked);
});

test("fb deps -n says which would be fetched: of fb's own table where that has all, else of the platform package", async () => {
  const own = await project(ini("", BOARD)).start(["deps", "-n"], { vars: FAR }).ended;
  assert.is(own.code, 0, own.stderr);
  assert.match(
    own.stdout,
    /^ {2}toolchain-riscv32-esp +8\.4\.0\+2021r2-patch5 +fetch +https:\/\/\S+\n {2}framework-arduinoespressif32 +2\.0\.\d+ +fetch +https:/m,
  );
  const p = project();
  const told = await p.start(["deps", "-n"], { vars: { FB_REGISTRY: server.url } }).ended;
  assert.match(told.stdout, /^ {2}espressif32 +6\.2\.0 +fetch +http.*platformio-espressif32-6\.2\.0\.tar\.gz$/m);
  assert.not.ok(p.exists("fb.lock"));
  const far = await project(TEENSY).start(["deps", "-n"], { vars: FAR }).ended;
  assert.is(far.code, 4);
  assert.match(far.stdout, /^ {2}teensy +not known$/m);
});

test("a compiler of the machine's that a fetched framework can not do with is for a framework in a folder, or for who says --packages system", async () => {
  const machine = freshFolder("machine");
  mkdirSync(join(machine, "bin"));
  for (const name of ["gcc", "g++"]) writeFileSync(join(machine, `bin/arm-none-eabi-${name}`), "#!/bin/sh\n", { mode: 0o755 });
  const vars = { ...FAR, PATH: `${machine}/bin:${process.env["PATH"]}` };
  const pico = "[env:a]\nplatform = raspberrypi\nboard = pico\nframework = arduino\nboard_build.core = earlephilhower\n";
  const told = async (text: string, ...args: string[]) => (await project(text).start(["deps", "-n", ...args], { vars }).ended).stdout;
  assert.match(await told(pico), /^ {2}toolchain-rp2040-earlephilhower +4\.1\.0-1aec55e +fetch /m);
  assert.match(await told(pico), /^ {2}framework-arduinopico +1\.50700\.0 +fetch /m);
  const own = `${pico}platform_packages = framework-arduinopico@symlink://${freshFolder("core")}\n`;
  assert.match(await told(own), new RegExp(`^ {2}toolchain-rp2040-earlephilhower +here +${machine}$`, "m"));
  assert.match(await told(pico, "--packages", "system"), new RegExp(`^ {2}toolchain-rp2040-earlephilhower +here +${machine}$`, "m"));
});

if (!hasCompiler)
  test("left out: no ESP32 is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-riscv64-unknown-elf has it`);
  });
else {
  const core = (version: string): string => {
    const made = coreFolder();
    made.write("package.json", JSON.stringify({ name: "framework-arduinoespressif32", version }));
    return made.folder;
  };
  for (const version of ["9.1.0", "9.2.0"]) server.publishFolder("espressif", "toolchain-riscv32-esp", version, toolchain(version).folder);
  server.publishFolder("platformio", "framework-arduinoespressif32", "3.20014.1", core("3.20014.1"));
  server.publishFolder("platformio", "framework-arduinoespressif32", "3.30000.0", core("3.30000.0"));

  test("the newest that the rules are for, and what it asks for; locked; the same bytes offline, and on another machine", async () => {
    const p = project();
    const first = await run(p);
    assert.is(first.code, 0, first.stderr);
    assert.equal(fetched(first), ["espressif32 6.2.0", "framework-arduinoespressif32 3.20014.1", "toolchain-riscv32-esp 9.2.0"]);
    assert.not.match(first.stderr, /warning|note/);
    const lock = p.read("fb.lock");
    assert.match(lock, /\[platform\."platformio\/espressif32@6\.2\.0"\][\s\S]*wants = \[\n {2}\{ env = "a", spec = "espressif32" \},\n\]/);
    const image = p.digest(".fb/build/a/release/firmware.bin");
    assert.is(result(await run(p)).upToDate, result(first).actions);
    const asked = server.asked.length;
    p.remove(".fb");
    const again = await run(p, ["--offline", "--locked"], {});
    assert.is(again.code, 0, again.stderr);
    assert.is(p.digest(".fb/build/a/release/firmware.bin"), image);
    assert.is(p.read("fb.lock"), lock);
    assert.is(server.asked.length, asked, "nothing is asked of the network");
    // What a newer registry has is nothing to another machine that has the lock.
    const other = project(ini(), { "fb.lock": lock });
    const there = await run(other, ["--locked"]);
    assert.is(there.code, 0, there.stderr);
    assert.is(other.digest(".fb/build/a/release/firmware.bin"), image);
    assert.is(other.read("fb.lock"), lock);
  });

  test("a board that only the platform package has; one that it has not either; the other envs are built", async () => {
    const p = project(`${ini()}[env:b]\nplatform = espressif32\nboard = newesd\nframework = arduino\n`);
    const ran = await run(p);
    assert.is(ran.code, 3, ran.stderr);
    assert.match(ran.stderr, /platformio\.ini:7:\d+: error: unknown board "newesd".*\n.*did you mean "newest"/);
    assert.equal(
      result(ran).artifacts.map((each) => each.env),
      ["a"],
    );
  });

  test("fb deps --upgrade takes a newer one; a range, or folders for all that is needed, are obeyed as ever", async () => {
    const p = project(ini().replace("espressif32", "espressif32 @ 6.1.0"));
    assert.is((await run(p)).code, 0);
    assert.match(p.read("fb.lock"), /espressif32@6\.1\.0/);
    p.edit("platformio.ini", "espressif32 @ 6.1.0", "espressif32");
    p.write("fb.lock", p.read("fb.lock").replaceAll("espressif32 @ 6.1.0", "espressif32"));
    const stays = await run(p);
    assert.is(stays.code, 0, stays.stderr);
    assert.match(p.read("fb.lock"), /platform\."platformio\/espressif32@6\.1\.0/);
    const told = await p.start(["deps", "--upgrade"], { vars: { FB_REGISTRY: server.url } }).ended;
    assert.is(told.code, 0, told.stderr);
    assert.match(told.stdout, /platformio\/espressif32 6\.1\.0 → 6\.2\.0/);
    assert.match(told.stdout, /espressif\/toolchain-riscv32-esp 9\.1\.0 → 9\.2\.0/);
    const asked = server.asked.length;
    const own = project(
      ini(
        `platform_packages =\n  framework-arduinoespressif32@symlink://${coreFolder().folder}\n  toolchain-riscv32-esp@symlink://${toolchain().folder}\n`,
        BOARD,
      ),
    );
    const ran = await run(own);
    assert.is(ran.code, 0, ran.stderr);
    assert.is(server.asked.length, asked);
    assert.not.ok(own.exists("fb.lock"));
  });

  test("what another env has locked is nothing to one that needs no platform package", async () => {
    const folders = `platform_packages =\n  framework-arduinoespressif32@symlink://${coreFolder().folder}\n  toolchain-riscv32-esp@symlink://${toolchain().folder}\n`;
    const p = project(`${ini()}[env:own]\nplatform = espressif32\nboard = ${BOARD}\nframework = arduino\n${folders}`);
    const ran = await run(p);
    assert.is(ran.code, 0, ran.stderr);
    assert.not.match(p.read("fb.lock"), /env = "own"/);
    assert.is(result(await run(p)).upToDate, result(ran).actions);
  });
}

test.run();
