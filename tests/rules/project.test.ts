/** A project from its files: what envs become, and that what is wrong with one keeps no other from being built. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { DirEntry } from "../../engine/types.ts";
import { type EnvProject, envNames, type Project, type ProjectIo, projectRelative, readProject } from "../../rules/project.ts";
import { withPort } from "../../rules/upload-port.ts";

const PLATFORMS = new URL("../../platforms", import.meta.url).pathname;

/** Files of the project from memory, those of the platforms from disk; what was asked for is noted. */
function project(files: Readonly<Record<string, string>>, asked: string[] = []): Project {
  const io: ProjectIo = {
    read(path) {
      asked.push(path);
      return path.startsWith(PLATFORMS) ? readFileSync(path, "utf8") : (files[path] ?? null);
    },
    list(path) {
      const entry = (name: string): DirEntry => ({ name, is: statSync(`${path}/${name}`).isDirectory() ? "dir" : "file" });
      return path.startsWith(PLATFORMS) ? readdirSync(path).sort().map(entry) : null;
    },
    glob: () => [],
    value: (name) => (name === "HOME" ? "/home/me" : undefined),
    unixTime: () => 1_700_000_000,
    sha1: () => "0",
  };
  const read = readProject("/p ü", PLATFORMS, io);
  if (!read.ok) throw new Error(JSON.stringify(read.failure));
  return read.value;
}
function env(read: Project, name: string): EnvProject {
  const found = read.envs.get(name);
  if (found === undefined || !found.ok) throw new Error(JSON.stringify(found));
  return found.value;
}
function codes(read: Project, name: string): string[] {
  const found = read.envs.get(name);
  return found === undefined || found.ok ? [] : found.failures.map((f) => `${f.code}:${f.line}:${f.exit}`);
}

const FORK = "https://github.com/pioarduino/platform-espressif32/releases/download";
test("one name, several folders of rules: a package's version tells which, before it is here its address", () => {
  const held = (version: string) => JSON.stringify({ name: "espressif32", version });
  const read = project({
    "/six/platform.json": held("6.13.0"),
    "/new/platform.json": held("55.03.311"),
    "/newer/platform.json": held("56.0.0"),
    "/old/platform.json": held("2023.06.02"),
    "/three/platform.json": held("53.03.13"),
    "/three/boards/esp32dev.json": '{"name":"D","build":{"mcu":"esp32"}}',
    "/old/boards/esp32dev.json": '{"name":"D","build":{"mcu":"esp32"}}',
    "/new/boards/esp32dev.json": '{"name":"D","build":{"mcu":"esp32"}}',
    "/six/boards/esp32dev.json": '{"name":"D","build":{"mcu":"esp32"}}',
    "platformio.ini": `[env]
framework = arduino
board = esp32dev
[env:bare]
platform = espressif32
[env:six]
platform = symlink:///six
[env:new]
platform = symlink:///new
[env:newer]
platform = symlink:///newer
[env:pending]
platform = ${FORK}/55.03.35/platform-espressif32.zip
board = esp32-c6-devkitc-1
custom_sdkconfig = CONFIG_X=y
[env:git]
platform = https://github.com/pioarduino/platform-espressif32.git#develop
[env:official]
platform = https://github.com/platformio/platform-espressif32.git
[env:own]
platform = pioarduino
[env:wled]
platform = https://github.com/tasmota/platform-espressif32/releases/download/2023.06.02/platform-espressif32.zip
[env:old]
platform = symlink:///old
[env:three]
platform = symlink:///three
[env:other]
platform = espressif32
board = esp32-c6-devkitc-1
`,
  });
  const names = ["bare", "six", "new", "pending", "git", "official", "own", "wled", "old", "three"].map((name) => [
    name,
    env(read, name).platform.name,
  ]);
  assert.equal(Object.fromEntries(names), {
    ...{ bare: "espressif32", six: "espressif32", new: "pioarduino", pending: "pioarduino" },
    ...{ git: "pioarduino", official: "espressif32", own: "pioarduino", wled: "tasmota32", old: "tasmota32", three: "pioarduino53" },
  });
  assert.is(env(read, "pending").board?.mcu, "esp32c6");
  assert.equal(
    env(read, "pending").warnings.map((w) => [w.code, w.line]),
    [["env.option-unheard", 15]],
  );
  const other = read.envs.get("other");
  assert.match(
    other?.ok === false ? (other.failures[0]?.hint ?? "") : "",
    /^platform = https:\/\/github\.com\/pioarduino\/.*\.zip has it$/,
  );
  assert.equal(codes(read, "newer"), ["platform.not-covered:11:3"]);
});

test("an env with everything", () => {
  const read = project({
    "platformio.ini": `[platformio]
src_dir = code
lib_dir = /elsewhere/lib
default_envs = a
[common]
build_flags = -DCOMMON
[env]
framework = Arduino
[env:a]
platform = platformio/atmelavr@^5
board = uno
board_build.f_cpu = 8000000L
board_upload.maximum_size = 1000
build_flags = \${common.build_flags}
  -DT=\${UNIX_TIME}
build_unflags = -Os
build_type = debug
upload_speed = 19200
custom_x = y
platform_packages =
  toolchain-atmelavr@symlink://../tc
  framework-arduino-avr@~5.1
`,
  });
  const a = env(read, "a");
  assert.equal(
    [a.platform.name, a.platformSpec.version, a.framework, a.board?.id, a.buildType],
    ["atmelavr", "^5", "arduino", "uno", "debug"],
  );
  assert.equal(a.buildFlags, ["-DCOMMON", "-DT=${UNIX_TIME}"]);
  assert.ok(a.options.get("build_flags")?.time);
  assert.not.ok(a.options.get("build_unflags")?.time);
  assert.equal([a.buildUnflags, a.debugBuildFlags, a.srcFilter], [["-Os"], ["-Og", "-g2", "-ggdb2"], ["+<*> -<.git/> -<.svn/>"]]);
  assert.equal(
    a.packageWants.map((w) => [w.name, w.origin?.line]),
    [
      ["toolchain-atmelavr", 21],
      ["framework-arduino-avr", 22],
    ],
  );
  const names = envNames(a);
  const expected = {
    ...{
      env: "a",
      "board.build.f_cpu": "8000000L",
      "board.upload.maximum_size": "1000",
      "upload.speed": "19200",
      "board.upload.speed": "115200",
    },
    ...{ "option.custom_x": "y", "upload.protocol": "arduino" },
  };
  for (const [name, value] of Object.entries(expected)) assert.is(names.get(name), value, name);
  assert.equal(
    [read.dirs.src, read.dirs.lib, read.dirs.boards, read.dirs.core],
    ["code", "/elsewhere/lib", "boards", "/home/me/.platformio"],
  );
  assert.equal([read.name, read.defaultEnvs, read.later], ["p ü", ["a"], []]);
});

test("a board of a core that the platform's rules are not for is refused by name; one that names none has the platform's", () => {
  const env = (core: string) => `[env:${core}]\nplatform = ststm32\nboard = ${core}\nframework = arduino\n`;
  const cores = ["stm32", "none", "maple", "stm32l0", "arduino"];
  const board = (core: string) => JSON.stringify({ name: "x", build: { mcu: "stm32f103c8t6", ...(core === "none" ? {} : { core }) } });
  const files = Object.fromEntries(cores.map((core) => [`boards/${core}.json`, board(core)]));
  const read = project({ "platformio.ini": cores.map(env).join(""), ...files });
  assert.equal(
    cores.filter((core) => read.envs.get(core)?.ok),
    ["stm32", "none"],
  );
  assert.equal(codes(read, "maple"), ["env.core:11:3"]);
});

test("a chip that the platform's rules are not for is refused where it is set, a macro that asks Tasmota's builder for another core, too", () => {
  const read = project({
    "boards/solo.json": JSON.stringify({ name: "S", build: { mcu: "esp32", extra_flags: "-DARDUINO_X -DCORE32SOLO1" } }),
    "platformio.ini": `[env]
framework = arduino
board = esp32dev
platform = espressif32
[env:c6]
board_build.mcu = esp32c6
[env:c6-three]
platform = pioarduino
board_build.mcu = esp32c6
[env:solo]
platform = tasmota32
build_flags = -Wall
  -DFRAMEWORK_ARDUINO_SOLO1
[env:solo-board]
platform = tasmota32
board = solo
[env:official]
build_flags = -DFRAMEWORK_ARDUINO_SOLO1
[env:wled]
platform = tasmota32
build_flags = -DARDUINO_X
`,
  });
  assert.equal(
    ["c6", "c6-three", "solo", "solo-board", "official", "wled"].map((name) => codes(read, name)),
    [["env.core:6:3"], [], ["env.core:12:3"], ["env.core:16:3"], [], []],
  );
});

test("what is wrong with one env leaves the others", () => {
  const read = project({
    "platformio.ini": `[env:none]
board = uno
[env:typo]
platform = atmelav
[env:board]
platform = atmelavr
board = unoo
framework = arduin
[env:noboard]
platform = atmelavr
[env:two]
platform = atmelavr
board = uno
framework = arduino, arduino
[env:package]
platform = native
platform_packages = symlink://../x
[env:type]
platform = native
build_type = fast
[env:core]
platform = raspberrypi
board = pico
framework = arduino
[env:riscv]
platform = raspberrypi
board = rpipico2
framework = arduino
board_build.mcu = rp2350-riscv
[env:pico]
platform = https://github.com/maxgerhardt/platform-raspberrypi.git
board = pico
framework = arduino
board_build.core = earlephilhower
[env:good]
platform = Native
`,
  });
  assert.equal(codes(read, "none"), ["env.no-platform:2:3"]);
  assert.equal(codes(read, "core"), ["env.core:23:3"]);
  assert.equal(codes(read, "riscv"), ["env.core:29:3"]);
  assert.is(read.envs.get("pico")?.ok, true);
  assert.equal(codes(read, "typo"), ["env.unknown-platform:4:3"]);
  assert.equal(codes(read, "board"), ["env.unknown-framework:8:3", "board.unknown:7:3"]);
  assert.equal(codes(read, "noboard"), ["env.no-board:10:3"]);
  assert.equal(codes(read, "two"), ["env.frameworks:14:3"]);
  assert.equal(codes(read, "package"), ["package.spec:17:3"]);
  assert.equal(codes(read, "type"), ["ini.bad-value:20:3"]);
  assert.equal([env(read, "good").platform.name, env(read, "good").framework, env(read, "good").board], ["native", null, null]);
});

test("extra_scripts: refused, or ignored where fb.toml says so", () => {
  const ini = "[env:a]\nplatform = native\nextra_scripts =\n  pre:x.py\n  y.py\n";
  const refused = project({ "platformio.ini": ini }).envs.get("a");
  if (refused === undefined || refused.ok) throw new Error("expected a failure");
  assert.match(refused.failures[0]?.message ?? "", /pre:x\.py, y\.py/);
  assert.is(refused.failures[0]?.line, 4);
  env(project({ "platformio.ini": ini, "fb.toml": 'schema = 1\n[compat]\nextra_scripts = "ignore"\n' }), "a");
});

test("a broken fb.toml, and one that is a platform, stop the project", () => {
  const ini = "[env:a]\nplatform = native\n";
  assert.throws(() => project({ "platformio.ini": ini, "fb.toml": "schema = 2\n" }), /fb\.toml/);
  assert.throws(
    () => project({ "platformio.ini": ini, "fb.toml": 'schema = 1\n[platform]\nnames = ["x"]\ntitle = "X"\n' }),
    /project\.platform-table/,
  );
  assert.throws(() => project({}), /ini\.not-found/);
});

test("options that are obeyed are not warned of", () => {
  const read = project({ "platformio.ini": "[env:a]\nplatform = native\nlib_deps = Servo\nlib_extra_dirs = more\n" });
  assert.is(env(read, "a").warnings.length, 0);
  assert.equal(env(read, "a").libDeps, ["Servo"]);
});

test("the project's own board is looked for first, where boards_dir says", () => {
  const asked: string[] = [];
  const ini = "[platformio]\nboards_dir = hw\n[env:a]\nplatform = atmelavr\nboard = mine\n";
  const board = '{"name":"Mine","build":{"mcu":"atmega8"},"upload":{}}';
  assert.is(env(project({ "platformio.ini": ini, "hw/mine.json": board }, asked), "a").board?.mcu, "atmega8");
  assert.ok(asked.includes("fb.toml"), "also what is not there is asked for, so that it can appear");
});

test("folders as the project names them", () => {
  for (const [path, expected] of [
    ["/p/src", "src"],
    ["/p", "."],
    ["/p/a/../b/", "b"],
    ["/px/src", "/px/src"],
    ["/q", "/q"],
  ] as const)
    assert.is(projectRelative("/p", path), expected);
});

test("a port that a command names goes before upload_port, also where it means a way; what it does not change is the same env", () => {
  const envs = ["[env:stm]\nplatform = ststm32\nboard = nucleo_f411re\n", "[env:esp]\nplatform = espressif32\nboard = esp32dev\n"];
  const ini = `${envs.join("framework = arduino\n")}framework = arduino\n[env:ota]\nextends = env:esp\nupload_port = 10.0.0.7\n`;
  const read = project({ "platformio.ini": ini });
  const way = (name: string, port: string | null) =>
    envNames(env(port === null ? read : withPort(read, port), name)).get("upload.protocol");
  assert.equal(
    [null, "sim:netduinoplus2", "/dev/ttyACM0"].map((port) => way("stm", port)),
    ["stlink", "sim", "stlink"],
  );
  assert.equal(
    [null, "192.168.1.5", "/dev/ttyUSB0"].map((port) => way("esp", port)),
    ["esptool", "espota", "esptool"],
  );
  assert.equal(
    [null, "/dev/ttyUSB0", "lamp.local"].map((port) => way("ota", port)),
    ["espota", "esptool", "espota"],
  );
  assert.is(env(withPort(read, "/dev/ttyACM0"), "stm"), env(read, "stm"));
  assert.is(env(withPort(read, "lamp.local"), "ota"), env(read, "ota"));
});

test.run();
