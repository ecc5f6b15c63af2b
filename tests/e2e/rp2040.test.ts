/** A Pico from its sources to its image and to a virtual board, by Debian's compiler and a small core of our own in arduino-pico's shape. Left out where there is no such compiler. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readUf2 } from "../../rules/image/uf2.ts";
import { readLittlefs } from "../rules/image/littlefs-reader.ts";
import { coreFiles } from "../platforms/cores/folder.ts";
import { diagnostics, executed, freshFolder, isNoop, restored, TestProject } from "./harness.ts";
import { equalInTwoFolders } from "./twin-builds.ts";

const COMPILER = "arm-none-eabi-gcc";
const OUT = ".fb/build/pico/release";
const PICO = "[env:pico]\nboard = pico\n";
const FLASH = 0x10000000;

const SOURCES: Readonly<Record<string, string>> = {
  "src/main.cpp": "#include <Arduino.h>\n#include <own.h>\nvoid setup() { own(); }\nvoid loop() {}\n",
  "src/c.c": "int c;\n",
  "lib/own/src/own.h": "void own();\n",
  "lib/own/src/own.cpp": '#include <own.h>\n#include <Arduino.h>\nvoid own() { say("own\\n"); }\n',
};

/** What follows a change of the program. */
const LINKED = ["link firmware.elf", "objcopy firmware.uf2", "size size.json"];

/** The core as it would come: with its archives built. */
function makeCore(): TestProject {
  const core = new TestProject(coreFiles("rp2040"), { folder: freshFolder("core") });
  for (const chip of ["rp2040", "rp2350"]) {
    const lib = join(core.folder, "lib", chip);
    const cpu = ["-mthumb", `-mcpu=${chip === "rp2040" ? "cortex-m0plus" : "cortex-m33"}`, "-Os", "-c"];
    const ran = spawnSync(COMPILER, [...cpu, join(core.folder, "libpico.c"), "-o", join(lib, "pico.o")], { encoding: "utf8" });
    assert.is(ran.status, 0, ran.stderr);
    assert.is(spawnSync("arm-none-eabi-ar", ["rcsD", join(lib, "libpico.a"), join(lib, "pico.o")]).status, 0);
    for (const name of ["liblwip.a", "libbearssl.a"]) writeFileSync(join(lib, name), "!<arch>\n");
    writeFileSync(join(core.folder, "ota.c"), "void ota(void) {}\n");
    assert.is(spawnSync(COMPILER, [...cpu, join(core.folder, "ota.c"), "-o", join(lib, "ota.o")]).status, 0);
  }
  return core;
}

function projectWith(core: TestProject, envs = PICO, options: { readonly folder?: string; readonly cache?: string } = {}): TestProject {
  const base =
    "platform = https://github.com/maxgerhardt/platform-raspberrypi.git\nboard_build.core = earlephilhower\nframework = arduino\n";
  const ini = `[env]\n${base.replace(/https\S+/, "raspberrypi")}platform_packages = framework-arduinopico@symlink://${core.folder}\n${envs}`;
  return new TestProject({ ...SOURCES, "platformio.ini": ini }, options);
}

function short(all: readonly string[]): readonly string[] {
  return all.map((each) => each.replace(/ \S*\//, " "));
}

if (spawnSync(COMPILER, ["--version"]).status !== 0)
  test("left out: no RP2040 is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-arm-none-eabi has it`);
  });
else {
  const core = makeCore();
  const project = projectWith(core, `${PICO}board_build.filesystem_size = 0.5MB\n`);

  test("build, sizes, image, the memory map filled in", () => {
    const made = executed(project.run()).filter((each) => !each.startsWith("compile"));
    assert.equal(made, ["archive lib/own/libown.a", "archive libFrameworkArduino.a", ...LINKED, "step memmap_default.ld"]);
    const script = project.read(`${OUT}/memmap_default.ld`);
    assert.match(script, /ORIGIN = 0x10000000, LENGTH = 1568768\n/);
    assert.match(script, /_FS_start = 270004224\);\nPROVIDE\(_FS_end = 270528512\)/);
    assert.not.match(script, /__[A-Z]+_/);
    const pages = readUf2(readFileSync(project.path(`${OUT}/firmware.uf2`)));
    assert.equal([...(pages?.keys() ?? [])].slice(0, 2), [FLASH, FLASH + 256]);
    assert.is(Buffer.from(pages?.get(FLASH) ?? []).readUInt32LE(252), 0xfb24258e, "the first stage, with its checksum");
    assert.is(Buffer.from(pages?.get(FLASH + 256) ?? []).readUInt32LE(0), 0x20040000, "then the vectors: the stack's end");
    const { flash, ram } = JSON.parse(project.read(`${OUT}/size.json`)) as Record<"flash" | "ram", { total: number; used: number }>;
    assert.equal([flash.total, ram.total], [1568768, 262144]);
    assert.ok(flash.used > 400 && flash.used < 1000 && ram.used === 4, `${flash.used} ${ram.used}`);
    isNoop(project.run());
  });

  test("edits cost what they must, those of the core's lists of flags too", () => {
    project.edit("src/main.cpp", "loop() {}", "loop() { own(); }");
    assert.equal(executed(project.run()), ["compile src/main.cpp", ...LINKED]);
    core.edit("lib/rp2040/platform_wrap.txt", "-Wl,--wrap=free", "-Wl,--wrap=free\n-Wl,--wrap=calloc");
    assert.equal(executed(project.run()).slice(0, 1), ["link firmware.elf"], "arguments of the link");
    core.edit("lib/rp2040/memmap_default.ld", "*(.bss*)", "*(.bss*) *(.more*)");
    assert.equal(executed(project.run()).slice(-1), ["step memmap_default.ld"]);
    core.edit("include/base.h", "BASE 7", "BASE 9");
    const based = short(executed(project.run()));
    assert.ok(
      based.includes("compile core.c") && based.includes("compile boot2_w25q080_2_padded_checksum.S") && !based.includes("compile c.c"),
    );
    core.edit("lib/platform_def.txt", "-DPICO_CXX", "-DPICO_CXX\n-DMORE=1");
    const all = short(executed(project.run()));
    assert.ok(all.includes("compile c.c") && all.includes("compile start.S"), "a macro of the core is one of every compile");
    core.edit("lib/rp2040/platform_inc.txt", "-iwithprefixbefore/", "-iwithprefixbefore/nearer\n-iwithprefixbefore/");
    assert.ok(short(executed(project.run())).includes("compile main.cpp"));
    core.write("nearer/regs.h", '#define REGS_OF "nearer"\n');
    const nearer = short(executed(project.run()));
    assert.ok(nearer.includes("compile core.c") && !nearer.includes("compile c.c"), "a header that is now found first");
    isNoop(project.run());
  });

  test("envs of one board share all; RP2350 and the W have what is theirs", () => {
    const envs = `${PICO}[env:twin]\nboard = pico\n[env:two]\nboard = rpipico2\n[env:w]\nboard = rpipicow\n`;
    const several = projectWith(core, envs);
    several.run(["-e", "pico"]);
    const twin = several.run(["-e", "twin"]);
    assert.equal(executed(twin), []);
    assert.ok(restored(twin).includes("objcopy firmware.uf2"));
    several.run(["-e", "two", "-e", "w"]);
    const family = (env: string) => readFileSync(several.path(`.fb/build/${env}/release/firmware.uf2`)).readUInt32LE(28);
    assert.equal([family("twin"), family("two")], [0xe48bff56, 0xe48bff59]);
    assert.ok(several.exists(".fb/build/w/release/FrameworkArduinoVariant/init.cpp.o"));
  });

  test("equal bytes in two folders, of each profile", () => {
    equalInTwoFolders((folder) => projectWith(core, undefined, { folder }), "pico", "firmware.uf2");
  });

  test("it runs on a virtual Pico, and says what it says", () => {
    const said = project.run([":emulate", "--expect", "^own$", "--halt-on-success", "^nearer 51$"]);
    const lines = said.events.flatMap((event) => (event.type === "serial" ? [event.line] : []));
    assert.equal(lines.slice(0, 5), ["own", "nearer 49", "own", "nearer 50", "own"]);
  });

  test("the file system's image, which fb makes without mklittlefs", () => {
    project.write("data/notes/a name of more than 32 bytes, as the core takes it.txt", "one\n");
    assert.equal(executed(project.run([":fs"])), ["objcopy littlefs.bin"]);
    const { disk, count, nameMax, files } = readLittlefs(readFileSync(project.path(`${OUT}/littlefs.bin`)));
    assert.equal([disk, count, nameMax], ["2.1", 128, 255]);
    assert.equal([...files.keys()], ["notes/a name of more than 32 bytes, as the core takes it.txt"]);
    const none = projectWith(core);
    none.write("data/a", "");
    assert.equal(
      diagnostics(none.run([":fs"], { exit: 1 })).map((each) => each.code),
      ["image.full"],
    );
  });

  test("a file system that leaves no room, Mbed's core, an image for no drive", () => {
    const envs = `[env:room]\nboard = pico\nboard_build.filesystem_size = 2MB\n[env:mbed]\nboard = pico\nboard_build.core = arduino\n`;
    const wrong = projectWith(core, envs);
    const room = wrong.fb(["run", "-e", "room"]);
    assert.is(room.code, 1);
    const mbed = wrong.fb(["run", "-e", "mbed"]);
    assert.is(mbed.code, 3);
    assert.match(mbed.stdout + mbed.stderr, /has the core "arduino"[\s\S]*board_build\.core = earlephilhower/);
  });

  const vars = { FB_DAEMON_PORT: "0" };
  const flashed = projectWith(core, `${PICO}upload_protocol = mbed\n`);
  test.after(() => {
    flashed.fb(["daemon", "kill"], { vars });
  });

  test("the UF2 is copied to a drive, and to a virtual Pico, which runs it", async () => {
    const drive = join(freshFolder("drive"), "RPI-RP2");
    mkdirSync(drive);
    writeFileSync(join(drive, "INFO_UF2.TXT"), "Board-ID: RPI-RP2\n");
    const copied = flashed.fb(["run", ":flash", "-p", drive], { vars });
    assert.is(copied.code, 0, copied.stdout + copied.stderr);
    assert.equal(readFileSync(join(drive, "firmware.uf2")), readFileSync(flashed.path(`${OUT}/firmware.uf2`)));
    const ran = await flashed.start(["run", ":flash", ":monitor", "-p", "sim:pico", "--halt-on-success", "^nearer 51", "--json"], { vars })
      .ended;
    assert.is(ran.code, 0, ran.stdout + ran.stderr);
    assert.equal(diagnostics(ran), []);
  });
}

test.run();
