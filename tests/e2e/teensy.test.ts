/** A Teensy 4.1 from its sources to its image, by Debian's compiler and a small core of our own in Teensyduino's shape. Left out where there is no such compiler. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { coreFiles } from "../platforms/cores/folder.ts";
import { diagnostics, executed, freshFolder, isNoop, restored, TestProject } from "./harness.ts";

const COMPILER = "arm-none-eabi-gcc";
const T41 = "[env:t41]\nboard = teensy41\n";
const OUT = ".fb/build/t41/release";
const LINKED = ["link firmware.elf", "objcopy firmware.hex", "size size.json"];

const SOURCES: Readonly<Record<string, string>> = {
  "src/main.cpp": "#include <Arduino.h>\nvolatile char first;\nvoid setup() { first = usb_kind[0]; }\nvoid loop() {}\n",
  "src/c.c": "int c = 1;\n",
};

function projectWith(core: TestProject, envs = T41, options: { readonly folder?: string; readonly cache?: string } = {}): TestProject {
  const packages = `platform_packages = framework-arduinoteensy@symlink://${core.folder}`;
  // Teensyduino's compiler has a library of mathematics there.
  const ini = `[env]\nplatform = teensy\nframework = arduino\n${packages}\nbuild_flags = -L${core.folder}/math\n${envs}`;
  return new TestProject({ ...SOURCES, "platformio.ini": ini }, options);
}

if (spawnSync(COMPILER, ["--version"]).status !== 0)
  test("left out: no Teensy is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-arm-none-eabi has it`);
  });
else {
  const core = new TestProject(coreFiles("teensy"), { folder: freshFolder("core") });
  core.write("math/README", "");
  writeFileSync(core.path("math/libarm_cortexM7lfsp_math.a"), "!<arch>\n");

  test("build, sizes, image; edits cost what they must; who linked at another time has another clock", () => {
    const project = projectWith(core);
    const made = executed(project.run());
    assert.equal(
      made.filter((each) => !each.startsWith("compile")),
      ["archive libFrameworkArduino.a", ...LINKED],
    );
    assert.not.ok(made.some((each) => each.includes("Blink.cc")));
    assert.match(project.read(`${OUT}/firmware.hex`), /^:02000004600\w+\r?\n/);
    const { flash } = JSON.parse(project.read(`${OUT}/size.json`)) as { flash: { total: number; used: number } };
    assert.ok(flash.total === 8_126_464 && flash.used > 20, JSON.stringify(flash));
    isNoop(project.run());
    project.edit("src/c.c", "1", "2");
    assert.equal(executed(project.run()).slice(0, 2), ["compile src/c.c", "link firmware.elf"]);
    core.edit("cores/teensy4/imxrt1062_t41.ld", "7936K", "7935K");
    assert.ok(executed(project.run()).includes("link firmware.elf"), "the script is an input");
    const twin = projectWith(core, T41, { cache: project.cache });
    twin.edit("src/c.c", "1", "2");
    const ran = twin.run();
    assert.ok(executed(ran).includes("link firmware.elf"), "a link is of its own time");
    assert.ok(restored(ran).includes("compile src/c.c") && restored(ran).includes("archive libFrameworkArduino.a"));
  });

  test("USB types and speeds by macros; envs share what is equal", () => {
    const envs = `${T41}[env:midi]\nboard = teensy41\nbuild_flags = \${env.build_flags} -DUSB_MIDI\n[env:small]\nboard = teensy41\nbuild_flags = \${env.build_flags} -DTEENSY_OPT_SMALLEST_CODE\n`;
    const project = projectWith(core, envs);
    project.run(["-e", "t41"]);
    const text = (env: string) =>
      spawnSync("arm-none-eabi-strings", ["-n4", project.path(`.fb/build/${env}/release/firmware.elf`)], { encoding: "utf8" }).stdout;
    assert.ok(/^serial$/m.test(text("t41")) && !/^midi$/m.test(text("t41")));
    project.run(["-e", "midi"]);
    assert.ok(/^midi$/m.test(text("midi")));
    assert.equal(executed(project.run(["-e", "small"])).filter((each) => each.startsWith("compile")).length, 5);
  });

  if (spawnSync("teensy_loader_cli", ["--list-mcus"]).error === undefined)
    test("teensy_loader_cli waits for a board; who does not come is told after a while: exit 5, what to press", () => {
      const project = projectWith(core, `${T41}upload_protocol = teensy-cli\n`);
      const ran = project.run([":flash", "--timeout", "2"], { exit: 5 });
      assert.match(
        diagnostics(ran)
          .map((each) => `${each.code} ${each.hint}`)
          .join(),
        /flash\.(silent|timeout).*button/,
      );
    });
  else
    test("left out: no Teensy is waited for here", () => {
      console.error("no teensy_loader_cli: Debian's teensy-loader-cli has it");
    });
}

test.run();
