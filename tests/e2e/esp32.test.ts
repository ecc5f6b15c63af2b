/** An ESP32-C3 from its sources to its images, by Debian's compiler and a small core of our own in the framework's shape. Left out where there is no such compiler. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fakeQemu } from "../cli/device/sim/fake-qemu.ts";
import { readLittlefs } from "../rules/image/littlefs-reader.ts";
import { COMPILER, coreFolder, hasCompiler, readImage, SOURCES, toolchain } from "./esp32-parts.ts";
import { diagnostics, ends, executed, freshFolder, restored, TestProject } from "./harness.ts";

const BOARD = "esp32-c3-devkitm-1";
const OUT = `.fb/build/${BOARD}/release`;

let virtual: TestProject | null = null;
test.after(() => {
  virtual?.fb(["daemon", "kill"]);
});

if (!hasCompiler)
  test("left out: no ESP32 is built here", () => {
    console.error(`no ${COMPILER}: Debian's gcc-riscv64-unknown-elf has it`);
  });
else {
  const core = coreFolder();
  const tools = toolchain();
  const projectWith = (envs = `[env:${BOARD}]\nboard = ${BOARD}\n`, options: { readonly folder?: string } = {}) => {
    const packages = `framework-arduinoespressif32@symlink://${core.folder}\n  toolchain-riscv32-esp@symlink://${tools.folder}`;
    const ini = `[env]\nplatform = espressif32\nframework = arduino\nboard_build.embed_txtfiles = certs/ca.pem\nplatform_packages =\n  ${packages}\n${envs}`;
    return new TestProject({ ...SOURCES, "platformio.ini": ini }, options);
  };
  const limit = (project: TestProject, env: string) =>
    (JSON.parse(project.read(`.fb/build/${env}/release/size.json`)) as { flash: { total: number } }).flash.total;

  test("build, sizes, images; edits cost what they must", () => {
    const project = projectWith();
    const first = project.run();
    assert.equal(
      executed(first).filter((each) => !each.startsWith("compile")),
      [
        ...["archive lib/own/libown.a", "archive libFrameworkArduino.a", "link firmware.elf"],
        ...["objcopy bootloader.bin", "objcopy firmware.bin", "objcopy partitions.bin", "size size.json", "step embedded.o"],
      ],
    );
    const elf = readFileSync(project.path(`${OUT}/firmware.elf`));
    const bytes = readFileSync(project.path(`${OUT}/firmware.bin`));
    const image = readImage(bytes);
    assert.equal(image.settings, [2, 0x2f, 5], "dio for qio, 4 MB, 80 MHz, a C3");
    assert.equal([...bytes.subarray(0xb0, 0xd0)], [...createHash("sha256").update(elf).digest()], "the digest of the ELF file");
    for (const [address] of image.segments.filter(([address]) => address >>> 24 === 0x42 || address >>> 24 === 0x3c))
      assert.is(address & 0xffff, bytes.indexOf(segmentAt(bytes, address)) & 0xffff, "mapped as it lies in the flash");
    assert.equal(readImage(readFileSync(project.path(`${OUT}/bootloader.bin`))).settings, [2, 0x2f, 5]);
    assert.ok(bytes.includes("hello\0"), "the file that the program has in it");
    assert.is(limit(project, BOARD), 0x140000, "the partition's size");

    assert.equal(executed(project.run()), []);
    project.edit("src/main.cpp", "own() +", "own() + 1 +");
    const again = ["link firmware.elf", "objcopy firmware.bin", "size size.json"];
    assert.equal(executed(project.run()), ["compile src/main.cpp", ...again]);
    project.write("certs/ca.pem", "hallo");
    assert.equal(executed(project.run()), [...again, "step embedded.o"]);
    core.edit("tools/partitions/default.csv", "0x290000,0x170000", "0x290000,0x160000");
    assert.equal(executed(project.run()), ["objcopy partitions.bin"]);
    core.edit("tools/partitions/default.csv", "app0,     app,  ota_0,   0x10000, 0x140000", "app0,     app,  ota_0,   0x10000, 0x130000");
    assert.equal(
      executed(project.run()).filter((each) => !each.startsWith("objcopy firm")),
      ["objcopy partitions.bin", "size size.json"],
    );
    assert.is(limit(project, BOARD), 0x130000);
    core.edit(`tools/platformio-build-esp32c3.py`, `"HAVE_CONFIG_H",`, `"HAVE_CONFIG_H", "MORE",`);
    assert.ok(executed(project.run()).includes("compile src/c.c"), "the build script's lists are in the flags");
    core.edit(`tools/platformio-build-esp32c3.py`, `"HAVE_CONFIG_H", "MORE",`, `"HAVE_CONFIG_H",`);
    core.edit("tools/partitions/default.csv", "0x10000, 0x130000", "0x10000, 0x140000");
    core.edit("tools/partitions/default.csv", "0x290000,0x160000", "0x290000,0x170000");

    assert.equal(
      executed(project.run([":merged"])).filter((each) => each.includes("merged")),
      ["objcopy merged.bin"],
    );
    const merged = readFileSync(project.path(`${OUT}/merged.bin`));
    for (const [place, file] of [
      [0, "bootloader.bin"],
      [0x8000, "partitions.bin"],
      [0x10000, "firmware.bin"],
    ] as const)
      assert.ok(merged.subarray(place).indexOf(readFileSync(project.path(`${OUT}/${file}`))) === 0, file);
  });

  test("a LittleFS image of the size of its partition, by fb where no mklittlefs is there", () => {
    const env = (name: string, more: string) => `[env:${name}]\nboard = ${BOARD}\nboard_build.filesystem = littlefs\n${more}`;
    const project = projectWith(env("usual", "") + env("later", "board_build.littlefs_version = 2.1\n"));
    const [missing] = diagnostics(project.run([":fs@usual"], { exit: 1 }));
    assert.equal([missing?.code, missing?.file], ["run.no-input", "data"]);
    assert.match(missing?.hint ?? "", /^make it, .*platformio\.ini/);
    project.write("data/www/index.html", "<p>\n".repeat(2000));
    for (const [name, version] of [
      ["usual", "2.0"],
      ["later", "2.1"],
    ] as const) {
      assert.ok(executed(project.run([`:fs@${name}`])).includes("objcopy littlefs.bin"));
      const { disk, count, nameMax, files } = readLittlefs(readFileSync(project.path(`.fb/build/${name}/release/littlefs.bin`)));
      assert.equal([disk, count, nameMax, [...files.keys()]], [version, 0x170, 64, ["www/index.html"]]);
    }
  });

  test("envs of one board share all; a board, a mode of the flash and a table have what is theirs", () => {
    const project = projectWith(
      `[env:${BOARD}]\nboard = ${BOARD}\n[env:twin]\nboard = ${BOARD}\n[env:xiao]\nboard = seeed_xiao_esp32c3\n[env:dio]\nboard = ${BOARD}\nboard_build.flash_mode = dio\n[env:table]\nboard = ${BOARD}\nboard_build.partitions = my.csv\n`,
    );
    project.write("my.csv", "nvs,data,nvs,,20K\nfactory,app,factory,,64K\n");
    project.run(["-e", BOARD]);
    const twin = project.run(["-e", "twin"]);
    // The map of the link names the folder of the env.
    assert.equal(
      executed(twin).filter((each) => !/firmware\.elf|size\.json|firmware\.bin/.test(each)),
      [],
    );
    assert.ok(restored(twin).includes("objcopy bootloader.bin"));
    assert.is(project.digest(".fb/build/twin/release/firmware.bin"), project.digest(`${OUT}/firmware.bin`));
    assert.ok(executed(project.run(["-e", "xiao"])).includes("compile src/main.cpp"), "another board's name is in its flags");
    assert.ok(executed(project.run(["-e", "dio"])).includes("compile src/main.cpp"), "the SDK's configuration is another");
    assert.ok(executed(project.run(["-e", "table"])).includes("objcopy partitions.bin"));
    assert.is(limit(project, "table"), 0x10000);
  });

  test("Tasmota's fork: no digest at the end, the program where ota_0 is", () => {
    const build = { core: "esp32", f_cpu: "160000000L", f_flash: "80000000L", flash_mode: "qio", mcu: "esp32c3", variant: "esp32c3" };
    const fork = new TestProject(
      {
        "platform.json": JSON.stringify({ name: "espressif32", version: "2023.06.02", packages: {} }),
        [`boards/${BOARD}.json`]: JSON.stringify({
          name: "A C3",
          vendor: "V",
          build,
          upload: { maximum_size: 4194304, flash_size: "4MB" },
        }),
      },
      { folder: freshFolder("fork") },
    );
    const project = projectWith(`[env:${BOARD}]\nboard = ${BOARD}\nboard_build.partitions = late.csv\n`);
    project.edit("platformio.ini", "platform = espressif32", `platform = symlink://${fork.folder}`);
    project.write("late.csv", "nvs,data,nvs,0x9000,0x5000\nsafeboot,app,factory,0x10000,0x10000\nmain,app,ota_0,0x20000,0x140000\n");
    project.run([":merged"]);
    const bytes = readFileSync(project.path(`${OUT}/firmware.bin`));
    assert.equal([bytes[0], bytes[23], bytes.length % 16], [0xe9, 0, 0]);
    const merged = readFileSync(project.path(`${OUT}/merged.bin`));
    assert.is(merged.subarray(0x20000).indexOf(bytes), 0);
    assert.is(limit(project, BOARD), 0x140000);
  });

  test("equal bytes in two folders, of each profile", () => {
    for (const profile of ["release", "quick", "debug"]) {
      const folders = [freshFolder("one"), `${freshFolder("a blank ü ")}/p`];
      const [one, two] = folders.map((folder) => {
        const project = projectWith(undefined, { folder });
        const ran = project.run([`--${profile}`]);
        assert.ok(ends(ran).some((end) => end.label === "firmware.bin" && end.status === "ran"));
        return project.tree(`.fb/build/${BOARD}/${profile}`);
      });
      const named = (tree: Record<string, string> | undefined) =>
        Object.fromEntries(Object.entries(tree ?? {}).filter(([path]) => !/\.d$|build_info|\.map$/.test(path)));
      assert.equal(named(one), named(two), profile);
    }
  });

  test("esptool is given all images, each with its place", async () => {
    const tool = new TestProject(
      { "package.json": '{ "name": "tool-esptoolpy", "version": "2.41100.0" }\n' },
      { folder: freshFolder("esptool") },
    );
    tool.write("bin/esptool.py", `#!/bin/sh\nprintf '%s\\n' "$@" > '${tool.path("said")}'\n`);
    chmodSync(tool.path("bin/esptool.py"), 0o755);
    const project = projectWith();
    project.edit("platformio.ini", "toolchain-riscv32-esp@", `tool-esptoolpy@symlink://${tool.folder}\n  toolchain-riscv32-esp@`);
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = `socket://127.0.0.1:${(server.address() as AddressInfo).port}`;
    project.run([":flash", "-p", port]);
    server.close();
    const said = tool.read("said").trim().split("\n");
    assert.is(
      said
        .slice(said.indexOf("write_flash"))
        .join(" ")
        .replace(/\S+\/tools\//, "FW/"),
      `write_flash --skip-flashed -z --flash_mode dio --flash_freq 80m --flash_size 4MB 0x0000 ${OUT}/bootloader.bin 0x8000 ${OUT}/partitions.bin 0xe000 FW/partitions/boot_app0.bin 0x10000 ${OUT}/firmware.bin`,
    );
  });

  test("a virtual board, and :emulate, by a stand-in for Espressif's QEMU: the whole flash, as large as its bootloader says", async () => {
    const bin = freshFolder("bin");
    const say = `printf 'flash %s %s\\n' "$(wc -c <"$image")" "$(head -c $(wc -c <'@') "$image" | cmp - '@' && echo equal)" >&3; exec sleep 600`;
    const project = projectWith();
    fakeQemu(join(bin, "qemu-system-riscv32"), ["esp32c3"], say.replaceAll("@", project.path(`${OUT}/merged.bin`)));
    const vars = { PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`, FB_DAEMON_PORT: "0" };
    virtual = project;
    const wanted = ["--expect", "^flash 4194304 equal$", "--timeout", "60", "--halt-on-success", "^flash"];
    project.run([":emulate", ...wanted], { vars });
    project.run([":flash", ":monitor", "-p", "sim:esp32c3", ...wanted], { vars });
    const other = diagnostics(project.run([":flash", "-p", "sim:esp32"], { vars, exit: 5 }));
    assert.match(`${other[0]?.code} ${other[0]?.hint}`, /^device\.no-(qemu|machine) .*Espressif/);
  });

  test("a program that does not fit its partition is never an image", () => {
    const project = projectWith(`[env:tiny]\nboard = ${BOARD}\nboard_build.partitions = tiny_app.csv\n`);
    project.write("src/big.c", `const char big[0x4000] = {1};\n`);
    project.edit("src/main.cpp", "int turns;", 'extern "C" const char big[];\nint turns;');
    project.edit("src/main.cpp", "core(turns)", "core(big[turns])");
    const ran = project.run([], { exit: 1 });
    assert.match(ran.stdout + ran.stderr, /8,?192|fit/);
    assert.not(project.exists(".fb/build/tiny/release/firmware.bin"));
  });
}

/** The content of the segment that is loaded there. */
function segmentAt(image: Buffer, wanted: number): Buffer {
  for (let at = 24, left = image[1] ?? 0; left > 0; left--) {
    const [address, size] = [image.readUInt32LE(at), image.readUInt32LE(at + 4)];
    if (address === wanted) return image.subarray(at + 8, at + 8 + size);
    at += 8 + size;
  }
  throw new Error(`no segment at ${wanted}`);
}

test.run();
