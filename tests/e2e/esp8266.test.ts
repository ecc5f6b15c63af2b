/** An ESP8266 from its sources to its image, by Debian's compiler and a small core of our own in the framework's shape. Left out where there is no such compiler. */
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { TcpDevice } from "../cli/device/far.ts";
import { COMPILER, coreFolder, hasCompiler } from "./esp8266-parts.ts";
import { readLittlefs } from "../rules/image/littlefs-reader.ts";
import { diagnostics, executed, freshFolder, restored, TestProject } from "./harness.ts";
import { equalInTwoFolders } from "./twin-builds.ts";

const OUT = ".fb/build/nodemcuv2/release";

const SOURCES: Readonly<Record<string, string>> = {
  "src/main.cpp":
    "#include <Arduino.h>\n#include <own.h>\nint turns;\nvoid setup() { turns = own(); }\nvoid loop() { turns = core(turns); }\n",
  "src/c.c": "int c = 1;\n",
  "lib/own/src/own.h": "int own();\n",
  "lib/own/src/own.cpp": '#include "own.h"\nint own() { return 3; }\n',
};

function projectWith(
  core: TestProject,
  envs = "[env:nodemcuv2]\nboard = nodemcuv2\n",
  options: { readonly folder?: string; readonly cache?: string } = {},
): TestProject {
  const ini = `[env]\nplatform = espressif8266\nframework = arduino\nplatform_packages = framework-arduinoespressif8266@symlink://${core.folder}\n${envs}`;
  return new TestProject({ ...SOURCES, "platformio.ini": ini }, options);
}

/** What the boot ROM and eboot check of an image: each part's segments and checksum, the size and the flash's settings. */
function parts(
  image: Uint8Array,
): { readonly segments: readonly (readonly [address: number, size: number])[]; readonly settings: number; readonly holds: boolean }[] {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  return [0, 4096].map((start) => {
    assert.is(image[start], 0xe9);
    let at = start + 8;
    let sum = 0xef;
    const segments = Array.from({ length: image[start + 1] ?? 0 }, () => {
      const [address, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
      // Size and CRC of the whole stand in the program's first segment, written after its checksum.
      const own = Uint8Array.from(image.subarray(at + 8, at + 8 + size));
      if (start === 4096 && at === 4096 + 8) own.fill(0, 0, 8);
      for (const byte of own) sum ^= byte;
      at += 8 + size;
      return [address, size] as const;
    });
    return { segments, settings: view.getUint16(start + 2), holds: image[at | 15] === sum };
  });
}

if (!hasCompiler)
  test("left out: no ESP8266 is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-xtensa-lx106 has it`);
  });
else {
  const core = coreFolder();

  test("build, sizes, image; edits cost what they must", () => {
    const project = projectWith(core);
    const first = project.run();
    assert.equal(
      executed(first).filter((each) => !each.startsWith("compile")),
      [
        ...["archive lib/own/libown.a", "archive libFrameworkArduino.a", "link firmware.elf", "objcopy firmware.bin", "size size.json"],
        "step ld/local.eagle.app.v6.common.ld",
      ],
    );
    const image = readFileSync(project.path(`${OUT}/firmware.bin`));
    const [boot, program] = parts(image);
    assert.ok(boot?.holds === true && program?.holds === true, "checksums");
    assert.equal([boot?.settings, program?.settings], [0x0240, 0x0240], "dio, 4 MB, 40 MHz");
    assert.equal(
      program?.segments.map(([address]) => address >>> 16),
      [0x4020, 0x4010, 0x4010, 0x3ffe, 0x3ffe],
    );
    assert.is(image.readUInt32LE(4096 + 16), image.length);
    assert.is(
      (JSON.parse(project.read(`${OUT}/size.json`)) as { flash: { total: number } }).flash.total,
      0xfeff0,
      "the script's segment, not the chip's flash",
    );

    assert.equal(executed(project.run()), []);
    project.edit("src/main.cpp", "turns = own()", "turns = own() + 1");
    assert.equal(executed(project.run()), ["compile src/main.cpp", "link firmware.elf", "objcopy firmware.bin", "size size.json"]);
    core.edit("tools/sdk/ld/eagle.app.v6.common.ld.h", "LONG(MMU_ICACHE_SIZE)", "LONG(MMU_ICACHE_SIZE) LONG(1)");
    assert.equal(executed(project.run()), [
      "link firmware.elf",
      "objcopy firmware.bin",
      "size size.json",
      "step ld/local.eagle.app.v6.common.ld",
    ]);
    core.edit("tools/sdk/ld/eagle.flash.4m1m.ld", "0xfeff0", "0xfefe0");
    assert.ok(executed(project.run()).includes("link firmware.elf"), "the layout is an input of the link");
    assert.is((JSON.parse(project.read(`${OUT}/size.json`)) as { flash: { total: number } }).flash.total, 0xfefe0);
    core.edit("tools/sdk/lib/libhal.a", "!<arch>\n", "!<arch>\n");
    assert.equal(executed(project.run()), [], "the same bytes again");
    core.edit("tools/sdk/ld/eagle.flash.4m1m.ld", "0xfefe0", "0xfeff0");
  });

  test("envs of one board share all; a board, a layout and a macro have what is theirs", () => {
    const P = "PIO_FRAMEWORK_ARDUINO";
    const project = projectWith(
      core,
      `[env:nodemcuv2]\nboard = nodemcuv2\n[env:twin]\nboard = nodemcuv2\n[env:d1]\nboard = d1_mini\n[env:layout]\nboard = nodemcuv2\nboard_build.ldscript = eagle.flash.2m.ld\n[env:mmu]\nboard = nodemcuv2\nbuild_flags = -D${P}_MMU_CACHE16_IRAM48 -D${P}_ESPRESSIF_SDK305\n`,
    );
    project.run(["-e", "nodemcuv2"]);
    const twin = project.run(["-e", "twin"]);
    assert.equal(executed(twin), []);
    assert.ok(restored(twin).includes("objcopy firmware.bin"));
    assert.is(project.digest(".fb/build/twin/release/firmware.bin"), project.digest(`${OUT}/firmware.bin`));
    assert.ok(executed(project.run(["-e", "d1"])).includes("compile src/main.cpp"), "another board's name is in its flags");
    const layout = project.run(["-e", "layout"]);
    assert.equal(
      executed(layout),
      ["link firmware.elf", "objcopy firmware.bin", "size size.json"].filter((each) => executed(layout).includes(each)),
    );
    const [, other] = parts(readFileSync(project.path(".fb/build/layout/release/firmware.bin")));
    assert.is(other?.settings, 0x0230, "dio, 2 MB");
    const mmu = executed(project.run(["-e", "mmu"]));
    assert.ok(mmu.includes("step ld/local.eagle.app.v6.common.ld") && mmu.includes("compile src/main.cpp"));
    assert.match(project.read(".fb/build/mmu/release/ld/local.eagle.app.v6.common.ld"), /len = 0xC000/);
  });

  test("equal bytes in two folders, of each profile", () => {
    equalInTwoFolders((folder) => projectWith(core, undefined, { folder }), "nodemcuv2", "firmware.bin");
  });

  test("the file system's image, by the platform's tool: of the files below data/, and of nothing else", () => {
    const tool = new TestProject(
      { "package.json": '{ "name": "tool-mklittlefs", "version": "1.203.0" }\n' },
      { folder: freshFolder("mkfs") },
    );
    tool.write("bin/mklittlefs", '#!/bin/sh\nfor last; do :; done\n{ echo "$*"; find "$2" -type f | sort | xargs cat; } > "$last"\n');
    chmodSync(tool.path("bin/mklittlefs"), 0o755);
    const project = projectWith(core, "[env:nodemcuv2]\nboard = nodemcuv2\nboard_build.filesystem = littlefs\n");
    project.edit("platformio.ini", `${core.folder}\n`, `${core.folder}, tool-mklittlefs@symlink://${tool.folder}\n`);
    assert.equal(
      executed(project.run()).filter((each) => each.includes("littlefs")),
      [],
      "not made unless it is asked for",
    );
    project.run([":fs"], { exit: 1 });
    project.write("data/a.txt", "one\n");
    assert.equal(executed(project.run([":fs"])), ["objcopy littlefs.bin"]);
    assert.is(project.read(`${OUT}/littlefs.bin`), `-c data -p 256 -b 8192 -s 1024000 ${OUT}/littlefs.bin\none\n`);
    assert.equal(executed(project.run([":fs"])), []);
    project.write("data/sub/b.txt", "two\n");
    assert.equal(executed(project.run([":fs"])), ["objcopy littlefs.bin"]);
    project.edit("data/a.txt", "one", "three");
    assert.equal(executed(project.run([":fs"])), ["objcopy littlefs.bin"]);
    assert.match(project.read(`${OUT}/littlefs.bin`), /three\ntwo\n$/);
    const ran = project.run([":fs@other"], { exit: 2 });
    assert.ok(diagnostics(ran).length > 0);
  });

  test("the file system's image without that tool: fb makes it; with it, the tool does; one of SPIFFS needs its tool", () => {
    const project = projectWith(
      core,
      "[env:nodemcuv2]\nboard = nodemcuv2\nboard_build.filesystem = littlefs\n[env:old]\nboard = nodemcuv2\n",
    );
    const told = (targets: readonly string[], exit: number) => diagnostics(project.run(targets, { exit }))[0]?.message ?? "";
    const image = () => readLittlefs(readFileSync(project.path(`${OUT}/littlefs.bin`)));
    project.run([":fs@nodemcuv2"], { exit: 1 });
    project.write("data/a.txt", "one\n");
    project.write("data/sub/b.txt", "two\n".repeat(9000));
    assert.equal(executed(project.run([":fs@nodemcuv2"])), ["objcopy littlefs.bin"]);
    assert.equal([...image().files.keys()], ["a.txt", "sub/b.txt"]);
    assert.equal([image().disk, image().block, image().count, image().nameMax], ["2.0", 8192, 125, 32]);
    assert.equal(executed(project.run([":fs@nodemcuv2"])), []);
    project.remove("data/sub/b.txt");
    assert.equal(executed(project.run([":fs@nodemcuv2"])), ["objcopy littlefs.bin"]);
    assert.equal([...image().files.keys()], ["a.txt"]);
    const tool = new TestProject(
      { "bin/mklittlefs": '#!/bin/sh\nfor last; do :; done\necho theirs > "$last"\n' },
      { folder: freshFolder("mkfs") },
    );
    chmodSync(tool.path("bin/mklittlefs"), 0o755);
    const path = { PATH: `${tool.path("bin")}:${process.env["PATH"]}` };
    assert.equal(executed(project.run([":fs@nodemcuv2"], { vars: path })), ["objcopy littlefs.bin"]);
    assert.is(project.read(`${OUT}/littlefs.bin`), "theirs\n");
    project.run([":fs@nodemcuv2"]);
    assert.equal([...image().files.keys()], ["a.txt"]);
    assert.match(told(["--offline", ":fs@old"], 4), /^tool-mkspiffs \S+ is not here and could not be fetched/);
    project.write("data/big", "x".repeat(2_000_000));
    assert.match(told([":fs@nodemcuv2"], 1), /data: its files take \d+ blocks of 8192 bytes, the file system has 125/);
  });

  test("over the air without a place to send it to is told before anything is built", () => {
    const project = projectWith(core, "[env:nodemcuv2]\nboard = nodemcuv2\nupload_protocol = espota\n");
    const ran = project.run([":flash"], { exit: 3 });
    assert.equal(
      diagnostics(ran).map((d) => d.code),
      ["upload.no-host"],
    );
    assert.equal(executed(ran), []);
    const two = project.fb(["run", ":flash", "-n", "-p", "10.0.0.7,kitchen.local"]);
    assert.match(two.stdout, /would run flash nodemcuv2 .* → 10\.0\.0\.7\n.*would run flash nodemcuv2 .* → kitchen\.local\n/);
  });

  test("the monitor's decoder says which functions a crash went through", async () => {
    const project = projectWith(core, "[env:nodemcuv2]\nboard = nodemcuv2\nmonitor_filters = default, esp8266_exception_decoder\n");
    project.run();
    const symbols = spawnSync(COMPILER.replace(/gcc$/, "nm"), [project.path(`${OUT}/firmware.elf`)], { encoding: "utf8" }).stdout;
    const [, setup = ""] = /^([0-9a-f]{8}) T setup$/m.exec(symbols) ?? [];
    assert.match(setup, /^4/);
    const said = `\nException (29):\nepc1=0x${setup} epc2=0x00000000 epc3=0x00000000 excvaddr=0x00000000 depc=0x00000000\n\n>>>stack>>>\n\nctx: cont\nsp: 3ffffcd0 end: 3fffffc0 offset: 0190\n3ffffe60:  ${setup} 00000004 3ffffea0 feefeffe  \n<<<stack<<<\n`;
    const device = await TcpDevice.open(said);
    const ran = await project.start(["monitor", "-p", device.address, "--halt-on-error", "<<<stack<<<"]).ended;
    project.fb(["daemon", "kill"]);
    assert.is(ran.code, 1, ran.stderr);
    assert.match(
      ran.stderr,
      new RegExp(`exception 29, StoreProhibited: .*\n(.*\n)*.*0x${setup}: setup\\b.*\n(.*\n)*.*0x${setup}: setup\\b`),
    );
  });

  test("a program that does not fit is never an image", () => {
    const project = projectWith(core, "[env:esp01]\nboard = esp01\n");
    project.write("src/big.c", `const char big[${0x60000}] __attribute__((section(".irom0.text"))) = {1};\n`);
    project.edit("src/main.cpp", "int turns;", 'extern "C" const char big[];\nint turns;');
    project.edit("src/main.cpp", "core(turns)", "core(big[turns])");
    core.edit("tools/sdk/ld/eagle.flash.512k64.ld", "len = 0x69ff0", "len = 0x60000");
    const ran = project.run([], { exit: 1 });
    assert.ok(diagnostics(ran).length > 0 || /overflow|not fit/.test(ran.stdout + ran.stderr));
    assert.not(project.exists(".fb/build/esp01/release/firmware.bin"));
    core.edit("tools/sdk/ld/eagle.flash.512k64.ld", "len = 0x60000", "len = 0x69ff0");
  });
}

test.run();
