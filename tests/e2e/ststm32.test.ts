/** An STM32 from its sources to its image, by Debian's compiler and a small core of our own in stm32duino's shape. Left out where there is no such compiler. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { coreFiles } from "../platforms/cores/folder.ts";
import { Bootloader, FLASH_START, ptyOf } from "./stm32-bootloader.ts";
import { diagnostics, digestOf, executed, FB, freshFolder, isNoop, type Ran, restored, TestProject } from "./harness.ts";
import { equalInTwoFolders } from "./twin-builds.ts";

const COMPILER = "arm-none-eabi-gcc";
const OUT = ".fb/build/f4/release";
const F4 = "[env:f4]\nboard = nucleo_f411re\n";
const F4_VARIANT = "variants/STM32F4xx/F411R(C-E)T";

const SOURCES: Readonly<Record<string, string>> = {
  "src/main.cpp":
    "#include <Arduino.h>\n#include <Blinker.h>\n#include <own.h>\nstatic int turns = 7;\nvoid setup() { turns += own(); Serial.println(FAMILY); }\nvoid loop() { blink_once(); }\n",
  "src/c.c": "int c = 1;\n",
  "lib/own/src/own.h": "int own();\n",
  "lib/own/src/own.cpp": '#include "own.h"\nint own() { return 3; }\n',
};

/** What follows a change of the program. */
const LINKED = ["link firmware.elf", "objcopy firmware.bin", "size size.json"];

function projectWith(core: TestProject, envs = F4, options: { readonly folder?: string; readonly cache?: string } = {}): TestProject {
  const packages = `\n  framework-arduinoststm32@symlink://${core.folder}\n  framework-cmsis@symlink://${core.folder}/cmsis`;
  const ini = `[env]\nplatform = ststm32\nframework = arduino\nplatform_packages =${packages}\n${envs}`;
  return new TestProject({ ...SOURCES, "platformio.ini": ini }, options);
}

const QEMU = "qemu-system-arm";
/** Waits for its clocks as ST's drivers do: an oscillator, the PLL by its bit's word, the switch; wait states that are there when they are looked at. */
const TALKS = `#include <Arduino.h>
#define REG(at) (*(volatile uint32_t *)(at))
void setup() {
  Serial.println(FAMILY);
  REG(0x40023800) |= 1u << 16;
  while (!(REG(0x40023800) & 1u << 17)) {}
  REG(0x42470060) = 1;
  while (!(REG(0x40023800) & 1u << 25)) {}
  *(volatile uint8_t *)0x40023c00 = 5;
  while ((REG(0x40023c00) & 7) != 5) {}
  REG(0x40023808) = (REG(0x40023808) & ~3u) | 2;
  while ((REG(0x40023808) >> 2 & 3) != 2) {}
  Serial.println("clock ok");
}
void loop() {}
`;
/** Its second serial port, which a Nucleo has at its USB. */
const ECHOES = `#include <Arduino.h>
static volatile uint32_t *const usart2 = (volatile uint32_t *)0x40004400;
void setup() { usart2[3] = 0x200c; Serial.println(FAMILY); }
void loop() {
  if (!(usart2[0] & 0x20)) return;
  char line[] = "you said _\\r\\n";
  line[9] = (char)usart2[1];
  for (char *c = line; *c; c++) usart2[1] = (uint8_t)*c;
}
`;
/** Each byte in the interrupt for the one before it, the last in that for all sent: as ST's drivers do. */
const INTERRUPTS = `#include <Arduino.h>
static volatile uint32_t *const usart2 = (volatile uint32_t *)0x40004400;
static const char *next = "sent by interrupts\\r\\n";
static uint32_t table[128] __attribute__((aligned(512)));
static void sent() {
  if (usart2[3] & 0x40) {
    usart2[3] &= ~0x40u;
    next = "and again\\r\\n";
    usart2[3] |= 0x80;
  } else if (*next) usart2[1] = (uint8_t)*next++;
  else usart2[3] = (usart2[3] & ~0x80u) | 0x40;
}
void setup() {
  for (int i = 0; i < 16; i++) table[i] = ((uint32_t *)0x08000000)[i];
  table[16 + 38] = (uint32_t)sent;
  *(volatile uint32_t *)0xe000ed08 = (uint32_t)table;
  *(volatile uint32_t *)0xe000e104 = 1 << 6;
  usart2[3] = 0x2088;
}
void loop() {}
`;

/** QEMUs whose image is in a folder of this project's run or daemon. */
function machinesOf(project: TestProject): readonly string[] {
  const all = spawnSync("ps", ["-eo", "pid,stat,args"], { encoding: "utf8" }).stdout.split("\n");
  const own = [project.folder, `FB_CACHE_DIR=${project.cache}`];
  return all.filter((line) => {
    const [, pid, state, args] = /^ *(\d+) +(\S+) +(.*)$/.exec(line) ?? [];
    return (
      args?.startsWith(QEMU) === true &&
      state?.startsWith("Z") === false &&
      own.some((text) => `${args} ${varsOf(pid ?? "")}`.includes(text))
    );
  });
}

function varsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

function daemonOf(project: TestProject): number {
  return (JSON.parse(readFileSync(join(project.cache, "daemon/state.json"), "utf8")) as { pid: number }).pid;
}

async function eventually(is: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !is(); ) {
    assert.ok(performance.now() < end, "it never was");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
const hasFlasher = spawnSync("stm32flash", ["-h"]).status !== null && spawnSync("socat", ["-V"]).status === 0;

if (spawnSync(COMPILER, ["--version"]).status !== 0)
  test("left out: no STM32 is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-arm-none-eabi has it`);
  });
else {
  const cmsis = { "cmsis/CMSIS/Core/Include/core_cm.h": "#pragma once\n", "cmsis/package.json": '{ "version": "2.60300.0" }\n' };
  const core = new TestProject({ ...coreFiles("ststm32"), ...cmsis }, { folder: freshFolder("core") });

  test("build, sizes, image; edits cost what they must", () => {
    const project = projectWith(core);
    const made = executed(project.run());
    assert.equal(
      made.filter((each) => !each.startsWith("compile")),
      ["archive lib/Blinker/libBlinker.a", "archive lib/own/libown.a", "archive libFrameworkArduino.a", ...LINKED],
    );
    const image = readFileSync(project.path(`${OUT}/firmware.bin`));
    assert.equal([image.readUInt32LE(0), image.readUInt32LE(4) >>> 20], [0x20020000, 0x80], "the stack's end, and a start in flash");
    assert.ok(image.includes("F4\0"));
    assert.ok(project.exists(`${OUT}/firmware.map`));
    const { flash, ram } = JSON.parse(project.read(`${OUT}/size.json`)) as Record<"flash" | "ram", { total: number; used: number }>;
    assert.equal([flash.total, ram.total], [524288, 131072]);
    assert.ok(flash.used > 400 && flash.used < 2000 && ram.used >= 4, `${flash.used} ${ram.used}`);

    isNoop(project.run());
    project.edit("src/main.cpp", "= 7", "= 8");
    assert.equal(executed(project.run()), ["compile src/main.cpp", ...LINKED]);
    const short = (all: readonly string[]) => all.map((each) => each.replace(/ \S*\//, " "));
    core.edit("libraries/SrcWrapper/src/stm32/vectors.h", "14", "15");
    assert.equal(short(executed(project.run())), ["compile startup.S", ...LINKED]);
    core.edit(`${F4_VARIANT}/ldscript.ld`, "ENTRY(Reset_Handler)", "ENTRY(Reset_Handler)\n_more = 1;");
    assert.equal(executed(project.run()), LINKED, "the variant's script is an input of the link");
    core.edit("system/ldscript.ld", "*(.noinit*)", "*(.noinit*) *(.other*)");
    assert.equal(executed(project.run()).slice(0, 1), ["link firmware.elf"], "so is the core's, though it changes nothing");
    core.edit("cmsis/CMSIS/Core/Include/core_cm.h", "once", "once\n#define CM 1");
    const compiled = short(executed(project.run()));
    assert.ok(compiled.includes("compile main.cpp") && !compiled.includes("compile c.c") && !compiled.includes("compile reset.c"));
    core.edit("libraries/SrcWrapper/src/stm32/vectors.h", "15", "14");
  });

  test("the core's table of names is an input of the plan", () => {
    const project = projectWith(core);
    project.run();
    core.edit("tools/platformio/boards_remap.json", "{", '{\n    "nucleo_f411re": "NUCLEO_F411RE",');
    assert.equal(executed(project.run()), [], "the same name");
    core.edit("tools/platformio/boards_remap.json", '"NUCLEO_F411RE"', '"Renamed"');
    core.write(`${F4_VARIANT}/variant_Renamed.h`, core.read(`${F4_VARIANT}/variant_NUCLEO_F411RE.h`));
    assert.ok(executed(project.run()).includes("compile src/c.c"), "it is in the flags");
    core.edit("tools/platformio/boards_remap.json", '\n    "nucleo_f411re": "Renamed",', "");
  });

  test("envs of one board share all; another board, and USB, have what is theirs", () => {
    const envs = `${F4}[env:twin]\nboard = nucleo_f411re\n[env:f1]\nboard = bluepill_f103c8\n[env:usb]\nboard = nucleo_f411re\nbuild_flags = -DPIO_FRAMEWORK_ARDUINO_ENABLE_CDC\n`;
    const project = projectWith(core, envs);
    project.run(["-e", "f4"]);
    const twin = project.run(["-e", "twin"]);
    // The map of the link names its folder.
    assert.equal(executed(twin), ["link firmware.elf"]);
    assert.ok(restored(twin).includes("objcopy firmware.bin"));
    assert.is(project.digest(".fb/build/twin/release/firmware.bin"), project.digest(`${OUT}/firmware.bin`));
    project.run(["-e", "f1"]);
    const image = readFileSync(project.path(".fb/build/f1/release/firmware.bin"));
    assert.is(image.readUInt32LE(0), 0x20005000);
    assert.ok(image.includes("F1\0"));
    const usb = executed(project.run(["-e", "usb"])).map((each) => each.replace(/ \S*\//, " "));
    assert.ok(usb.includes("compile usbd.c") && usb.includes("compile cdc.c"));
    assert.not.ok(project.exists(`${OUT}/USBDevice`));
  });

  test("equal bytes in two folders, of each profile", () => {
    equalInTwoFolders((folder) => projectWith(core, undefined, { folder }), "f4", "firmware.bin");
  });

  test("a program that does not fit is never an image; a variant that is not there is told with the nearest", () => {
    const project = projectWith(
      core,
      "[env:f1]\nboard = bluepill_f103c8\n[env:none]\nboard = bluepill_f103c8\nboard_build.variant = STM32F1xx/F103C8T_F103CB(T)\n",
    );
    project.write("src/big.c", `__attribute__((used)) const char big[${0x11000}] = {1};\n`);
    project.edit("src/main.cpp", "static int", 'extern "C" const char big[];\nstatic int');
    project.edit("src/main.cpp", "+= own()", "+= big[own()]");
    const ran = project.run(["-e", "f1"], { exit: 1 });
    assert.ok(diagnostics(ran).length > 0 || /overflow|not fit/.test(ran.stdout + ran.stderr));
    assert.not(project.exists(".fb/build/f1/release/firmware.bin"));
    const none = project.fb(["run", "-e", "none"]);
    assert.is(none.code, 3);
    assert.match(none.stdout + none.stderr, /did you mean "F103C8T_F103CB\(T-U\)"/);
  });

  test("a command of the env's own takes the place of the protocol's; a protocol that nobody knows, and a script that is not there, are told", () => {
    const envs = `${F4}upload_protocol = custom\nupload_command = cp $SOURCE copied.bin\n[env:odd]\nboard = nucleo_f411re\nupload_protocol = teleport\n[env:own]\nboard = nucleo_f411re\nboard_build.ldscript = own.ld\n`;
    const project = projectWith(core, envs);
    project.run(["-e", "f4", ":flash"]);
    assert.is(project.digest("copied.bin"), project.digest(`${OUT}/firmware.bin`));
    assert.match(
      diagnostics(project.run(["-e", "odd", ":flash"], { exit: 3 }))
        .map((each) => each.code)
        .join(),
      /upload\.protocol/,
    );
    project.write("own.ld", core.read(`${F4_VARIANT}/ldscript.ld`));
    assert.ok(executed(project.run(["-e", "own"])).includes("link firmware.elf"));
    project.edit("own.ld", "ENTRY(Reset_Handler)", "ENTRY(main)");
    assert.ok(executed(project.run(["-e", "own"])).includes("link firmware.elf"), "it is an input");
  });

  test("a Nucleo's drive gets the image; the doctor knows the packages", () => {
    const project = projectWith(core, `${F4}upload_protocol = mbed\n`);
    const folder = freshFolder("drive");
    writeFileSync(join(folder, "MBED.HTM"), "");
    project.run([":flash", "-p", folder]);
    assert.is(digestOf(join(folder, "firmware.bin")), project.digest(`${OUT}/firmware.bin`));
    assert.match(project.fb(["doctor"]).stdout, /env f4 .*framework-cmsis \(/, "a package without programs goes by its own name");
  });

  if (spawnSync(QEMU, ["--version"]).status === 0) {
    test("it runs in QEMU, and says what it says", () => {
      const project = projectWith(core);
      const said = project.run([":emulate", "--expect", "^F4$", "--halt-on-success", "^F4$", "--timeout", "30"]);
      assert.ok(said.events.some((event) => event.type === "serial" && event.line === "F4"));
      const silent = project.run([":emulate", "--halt-on-error", "^F4$", "--timeout", "30"], { exit: 1 });
      assert.match(
        diagnostics(silent)
          .map((each) => each.message)
          .join(),
        /--halt-on-error .* matched: F4/,
      );
    });

    const vars = { FB_DAEMON_PORT: "0" };
    const virtual: TestProject[] = [];
    test.after(() => {
      for (const project of virtual) project.fb(["daemon", "kill"], { vars });
    });
    const board = (main = TALKS) => {
      const project = projectWith(core);
      project.write("src/main.cpp", main);
      virtual.push(project);
      return project;
    };
    const linesOf = ({ events }: Ran) => events.flatMap((event) => (event.type === "serial" ? [event.line] : []));

    test("a virtual board of QEMU's takes it, whatever upload_protocol says: flashed, watched, expected, started anew for each monitor", async () => {
      const project = board();
      const args = ["run", ":flash", ":monitor", "-p", "sim:netduinoplus2", "--json", "--timeout", "60"];
      const ran = await project.start([...args, "--halt-on-success", "^clock ok$", "--expect", "^F4$"], { vars }).ended;
      assert.is(ran.code, 0, ran.stdout + ran.stderr);
      assert.equal(linesOf(ran).slice(0, 2), ["F4", "clock ok"], "QEMU has no clock that gets ready, fb's board has");
      const again = project.fb(["monitor", "-p", "sim:netduinoplus2", "--timeout", "60", "--halt-on-success", "clock"], { vars });
      assert.is(again.code, 0, again.stdout + again.stderr);
      const errors = project.fb(["monitor", "-p", "sim:netduinoplus2", "--timeout", "60", "--halt-on-error", "clock"], { vars });
      assert.is(errors.code, 1);
      assert.match(project.fb(["devices"], { vars }).stdout, /^sim:netduinoplus2 .*sim-netduinoplus2-1$/m);
      project.run();
      isNoop(project.run());
    });

    test("bytes that are sent by interrupts, which QEMU 7.2 has not", () => {
      const said = board(INTERRUPTS).run([
        ":emulate",
        "--expect",
        "^sent by interrupts$",
        "--halt-on-success",
        "^and again$",
        "--timeout",
        "60",
      ]);
      assert.equal(linesOf(said).slice(0, 2), ["sent by interrupts", "and again"]);
    });

    test("what is typed is read; a second board of that name is another one", async () => {
      const project = board(ECHOES);
      const flashed = project.fb(["run", ":flash", "-p", "sim:netduinoplus2/2,sim:olimex-stm32-h405", "--json"], { vars });
      // Debian's QEMU of now has not both: the one that it has is flashed all the same.
      assert.ok(flashed.code === 0 || flashed.code === 5, flashed.stdout + flashed.stderr);
      const args = ["monitor", "-p", "sim:netduinoplus2/2", "--timeout", "60", "--halt-on-success", "you said x"];
      const typing = spawn(FB, args, { cwd: project.folder, env: project.vars({ vars }), stdio: ["pipe", "pipe", "inherit"] });
      await once(typing.stdout, "data");
      typing.stdin.write("x");
      assert.equal(await once(typing, "exit"), [0, null]);
      const empty = project.fb(["monitor", "-p", "sim:netduinoplus2", "--timeout", "0.5", "--halt-on-error", "."], { vars });
      assert.is(empty.stdout, "", "this one has nothing in its flash");
    });

    test("another machine than the board's, and one that this QEMU has not, are told: exit 5", () => {
      const project = board();
      const told = (port: string) => {
        const ran = project.run([":flash", "-p", port], { exit: 5, vars });
        return diagnostics(ran).map(({ code, hint }) => `${code} ${hint}`)[0];
      };
      assert.is(told("sim:netduino2"), "flash.refused -p sim:netduinoplus2");
      assert.match(told("sim:esp32c3") ?? "", /^device\.no-(qemu|machine) .*Espressif/);
      assert.match(told("sim:none") ?? "", /^device\.sim virtual boards: .*sim:netduinoplus2/);
      const f1 = projectWith(core, "[env:f1]\nboard = bluepill_f103c8\n");
      virtual.push(f1);
      const none = diagnostics(f1.run([":flash", "-p", "sim:netduinoplus2"], { exit: 5, vars }));
      assert.is(none[0]?.code, "flash.no-machine");
    });

    test("QEMU is gone with the monitor, with the daemon, and with fb, however these end", async () => {
      const project = board();
      project.run([":flash", "-p", "sim:netduinoplus2"], { vars });
      const monitor = project.start(["monitor", "-p", "sim:netduinoplus2", "--json"], { vars });
      await monitor.until((event) => event.type === "serial");
      assert.is(machinesOf(project).length, 1);
      monitor.child.kill("SIGINT");
      await monitor.ended;
      await eventually(() => machinesOf(project).length === 0);
      const second = project.start(["monitor", "-p", "sim:netduinoplus2", "--json"], { vars });
      await second.until((event) => event.type === "serial");
      process.kill(daemonOf(project), "SIGKILL");
      await eventually(() => machinesOf(project).length === 0);
      second.child.kill("SIGKILL");
      const emulated = project.start(["run", ":emulate", "--json"], { vars });
      await emulated.until((event) => event.type === "serial");
      assert.is(machinesOf(project).length, 1);
      emulated.child.kill("SIGKILL");
      await eventually(() => machinesOf(project).length === 0);
    });
  } else
    test("left out: nothing runs in QEMU here", () => {
      console.error(`no ${QEMU}: Debian has it`);
    });

  if (hasFlasher) {
    // A pty has no parity, which the bootloader asks for.
    const serial = `${F4}upload_protocol = serial\nupload_flags =\n  -m\n  8n1\n`;
    const vars = { FB_DAEMON_PORT: "0" };
    let flashing: TestProject | null = null;
    test.after(() => {
      flashing?.fb(["daemon", "kill"], { vars });
    });

    test("stm32flash writes what was built, into a bootloader that speaks AN3155", async () => {
      const project = projectWith(core, serial);
      flashing = project;
      const chip = new Bootloader();
      const port = join(freshFolder("pty"), "port");
      const pty = await ptyOf(port, (bytes) => chip.hear(bytes));
      const ran = await project.start(["run", ":flash", "-p", port, "--json"], { vars }).ended;
      await pty.close();
      assert.is(ran.code, 0, ran.stdout + ran.stderr);
      const image = readFileSync(project.path(`${OUT}/firmware.bin`));
      assert.equal(Buffer.from(chip.flash.subarray(0, image.length)), image);
      assert.is(chip.started, FLASH_START);
      assert.ok(ran.events.some((event) => event.type === "progress" && event.done === 100));
    });

    test("no answer: exit 5, the cause, and what to try", async () => {
      const project = projectWith(core, serial, { cache: flashing?.cache ?? freshFolder("cache") });
      const port = join(freshFolder("pty"), "port");
      const pty = await ptyOf(port, null);
      const ran = await project.start(["run", ":flash", "-p", port, "--json"], { vars }).ended;
      await pty.close();
      assert.is(ran.code, 5, ran.stdout + ran.stderr);
      const told = diagnostics(ran).find((each) => each.severity === "error");
      assert.is(told?.code, "flash.sync");
      assert.match(`${told?.message} ${told?.hint}`, /does not answer[\s\S]*BOOT0/);
    });
  } else
    test("left out: nothing is flashed here", () => {
      console.error("no stm32flash or no socat: Debian has both");
    });
}

test.run();
