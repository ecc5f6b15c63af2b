/** An ESP32-C6 of Arduino 3, as pioarduino's platform package has it, from its sources to its images: Debian's compiler, a core and an SDK of our own in their packages' shape. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMPILER, cores3, hasCompiler, readImage, SOURCES, toolchain } from "./esp32-parts.ts";
import { executed, freshFolder, TestProject } from "./harness.ts";

const BOARD = "esp32-c6-devkitc-1";
const OUT = `.fb/build/${BOARD}/release`;

if (!hasCompiler)
  test("left out: no ESP32 is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-riscv64-unknown-elf has it`);
  });
else {
  const { core, libs } = cores3();
  const tools = toolchain();
  const build = { core: "esp32", f_cpu: "160000000L", f_flash: "80000000L", flash_mode: "qio", mcu: "esp32c6", variant: "esp32c6" };
  const upload = { flash_size: "8MB", maximum_ram_size: 327680, maximum_size: 8388608, require_upload_port: true, speed: 460800 };
  const platform = new TestProject(
    {
      "platform.json": JSON.stringify({ name: "espressif32", version: "55.03.35", packages: {} }),
      [`boards/${BOARD}.json`]: JSON.stringify({ name: "A C6 of a test", vendor: "V", frameworks: ["arduino"], build, upload }),
    },
    { folder: freshFolder("platform") },
  );
  const projectWith = (envs = `[env:${BOARD}]\nboard = ${BOARD}\n`, folder = freshFolder("project")) => {
    const packages = [
      `framework-arduinoespressif32@symlink://${core.folder}`,
      `framework-arduinoespressif32-libs@symlink://${libs.folder}`,
      `toolchain-riscv32-esp@symlink://${tools.folder}`,
    ].join("\n  ");
    const ini = `[env]\nplatform = symlink://${platform.folder}\nframework = arduino\nboard_build.embed_txtfiles = certs/ca.pem\nplatform_packages =\n  ${packages}\n${envs}`;
    return new TestProject({ ...SOURCES, "platformio.ini": ini }, { folder });
  };

  test("build, sizes, images; edits of the packages cost what they must", () => {
    const project = projectWith();
    assert.equal(
      executed(project.run()).filter((each) => !each.startsWith("compile")),
      [
        ...["archive libFrameworkArduino.a", "link firmware.elf"],
        ...["objcopy bootloader.bin", "objcopy firmware.bin", "objcopy partitions.bin", "size size.json", "step embedded.o"],
      ],
    );
    const bytes = readFileSync(project.path(`${OUT}/firmware.bin`));
    const image = readImage(bytes);
    assert.equal(image.settings, [2, 0x30, 13], "dio for qio, 8 MB, 80 MHz, a C6");
    const elf = readFileSync(project.path(`${OUT}/firmware.elf`));
    assert.equal([...bytes.subarray(0xb0, 0xd0)], [...createHash("sha256").update(elf).digest()], "the digest of the ELF file");
    assert.is(image.segments[0]?.[0], bytes.readUInt32LE(24), "the program's description comes first");
    assert.equal(readImage(readFileSync(project.path(`${OUT}/bootloader.bin`))).settings, [2, 0x30, 13]);
    const size = JSON.parse(project.read(`${OUT}/size.json`)) as { flash: { total: number } };
    assert.is(size.flash.total, 0x140000, "the partition's size");

    assert.equal(executed(project.run()), []);
    project.edit("src/main.cpp", "own() +", "own() + 1 +");
    const again = ["link firmware.elf", "objcopy firmware.bin", "size size.json"];
    assert.equal(executed(project.run()), ["compile src/main.cpp", ...again]);
    libs.edit("esp32c6/pioarduino-build.py", `"-fno-lto",`, `"-fno-lto", "-Wl,--no-warn-rwx-segments",`);
    assert.equal(executed(project.run())[0], "link firmware.elf", "the SDK's flags are read from its package");
    libs.edit("esp32c6/pioarduino-build.py", `"-fno-lto", "-Wl,--no-warn-rwx-segments",`, `"-fno-lto",`);
    core.edit("tools/pioarduino-build.py", `CFLAGS=["-Werror=return-type"],\n    CXX`, `CFLAGS=["-Werror=implicit"],\n    CXX`);
    assert.ok(executed(project.run()).includes("compile src/c.c"), "and what the core adds to them from the core's");
    core.edit("tools/pioarduino-build.py", `CFLAGS=["-Werror=implicit"],\n    CXX`, `CFLAGS=["-Werror=return-type"],\n    CXX`);

    project.run([":merged"]);
    const merged = readFileSync(project.path(`${OUT}/merged.bin`));
    assert.is(merged.indexOf(readFileSync(project.path(`${OUT}/bootloader.bin`))), 0, "a C6 boots from the beginning of its flash");
    assert.is(merged.subarray(0x10000).indexOf(bytes.subarray(0, 0x20)), 0);
  });

  test("Zigbee's library where the flags say so; the program where the table has it", () => {
    const project = projectWith(
      `[env:zb]\nboard = ${BOARD}\nbuild_flags = -DZIGBEE_MODE_ED\n[env:late]\nboard = ${BOARD}\nboard_build.partitions = late.csv\n`,
    );
    project.edit("src/main.cpp", "own() +", "ZB() + own() +");
    project.edit(
      "src/main.cpp",
      "int turns;",
      'extern "C" int zb();\n#ifdef ZIGBEE_MODE_ED\n#define ZB() zb()\n#else\n#define ZB() 0\n#endif\nint turns;',
    );
    project.write("late.csv", "nvs,data,nvs,0x9000,0x5000\nfactory,app,factory,0x10000,0x10000\nmain,app,ota_0,0x20000,0x140000\n");
    project.run(["-e", "zb"]);
    project.run(["-e", "late", ":merged"]);
    const merged = readFileSync(project.path(".fb/build/late/release/merged.bin"));
    assert.is(merged.subarray(0x20000).indexOf(readFileSync(project.path(".fb/build/late/release/firmware.bin"))), 0);
  });

  test("equal bytes in two folders", () => {
    const [one, two] = [freshFolder("one"), `${freshFolder("a blank ü ")}/p`].map((folder) => {
      const project = projectWith(undefined, folder);
      project.run();
      return [project.digest(`${OUT}/firmware.elf`), project.digest(`${OUT}/firmware.bin`)];
    });
    assert.equal(one, two);
  });
}

test.run();
