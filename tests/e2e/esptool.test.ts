/** Uploads to ESP32s and an ESP8266 by real esptool, 4 and 5, into the mock of their ROM loader: what is where afterwards, what is not written again, what goes wrong. */
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as esp32 from "./esp32-parts.ts";
import * as esp8266 from "./esp8266-parts.ts";
import { esptoolOnPath, installEsptools, MockChip } from "./esptool.ts";
import { PackageServer } from "./package-server.ts";
import { diagnostics, ends, freshFolder, type Ran, type RunOptions, TestProject } from "./harness.ts";

const BOARD = "esp32-c3-devkitm-1";
const OUT = `.fb/build/${BOARD}/release`;
/** Bytes of an image that are read back. */
const LOOKED_AT = 0x40000;
const SOURCES = { "src/main.cpp": "#include <Arduino.h>\nint turns;\nvoid setup() { turns = 1; }\nvoid loop() { turns = core(turns); }\n" };

const isInstalled = (process.env["PATH"] ?? "")
  .split(":")
  .some((folder) => ["esptool", "esptool.py"].some((name) => existsSync(join(folder, name))));
const tools = esp32.hasCompiler ? await installEsptools() : null;
if (tools === null) test("left out: nothing is written by esptool", () => console.error("no compiler for the ESP32-C3, or no esptool"));
else {
  const core = esp32.coreFolder();
  const compiler = esp32.toolchain();
  const cache = freshFolder("cache");
  const chips: MockChip[] = [];
  const all: TestProject[] = [];
  test.after(async () => {
    all[0]?.fb(["daemon", "kill"]);
    for (const chip of chips) await chip.stop();
  });
  const chipOf = async (name: string) => {
    const chip = await MockChip.start(name, tools);
    chips.push(chip);
    return chip;
  };
  /** On a busy machine the mock may take the end of one connection at its pty for that of the next, and answers as its other self: then once more, with another chip. */
  const tries = (name: string, act: () => void | Promise<void>) =>
    test(name, async () => {
      try {
        await act();
      } catch (error) {
        console.error(`once more: ${error}`);
        await act();
      }
    });
  const path = (bin: string): RunOptions => ({ vars: { PATH: `${bin}:${process.env["PATH"]}` } });
  const fresh = esptoolOnPath(tools.fresh);
  const FRESH = path(fresh.bin);
  /** more: further packages, options of the env. */
  const c3 = (packages = "", options = "") => {
    const ini = `[env:${BOARD}]\nplatform = espressif32\nframework = arduino\nboard = ${BOARD}\n${options}platform_packages =\n  framework-arduinoespressif32@symlink://${core.folder}\n  toolchain-riscv32-esp@symlink://${compiler.folder}\n${packages}`;
    const project = new TestProject({ ...SOURCES, "platformio.ini": ini }, { cache });
    all.push(project);
    return project;
  };
  const IMAGES = (project: TestProject) =>
    [
      [0, project.path(`${OUT}/bootloader.bin`)],
      [0x8000, project.path(`${OUT}/partitions.bin`)],
      [0xe000, core.path("tools/partitions/boot_app0.bin")],
      [0x10000, project.path(`${OUT}/firmware.bin`)],
    ] as const;
  const holds = (chip: MockChip, images: readonly (readonly [number, string])[]) => {
    const read = images.map(([at, file]) => [at, readFileSync(file), file] as const);
    const begin = Math.min(...read.map(([at]) => at));
    // The mock may stall where much is read at once.
    const until = Math.max(...read.map(([at, image]) => at + Math.min(image.length, LOOKED_AT)));
    const flash = chip.flash(begin, until - begin);
    for (const [at, image, file] of read) {
      const part = image.subarray(0, LOOKED_AT);
      assert.ok(flash.subarray(at - begin, at - begin + part.length).equals(part), `${file} at ${at}`);
    }
  };
  const said = (ran: Ran) => ends(ran).find((end) => end.kind === "flash")?.output ?? "";
  const failure = (ran: Ran) => {
    const [first] = diagnostics(ran).filter((each) => each.severity === "error");
    return `${first?.code}: ${first?.message} | ${first?.hint}`;
  };

  tries("esptool 5 of PATH: each image at its place; what the chip has is not written again; what it has no longer is", async () => {
    const chip = await chipOf("esp32c3");
    const project = c3();
    const first = project.run([":flash", "-p", chip.port], FRESH);
    assert.is(said(first), "");
    assert.ok(first.events.some((event) => event.type === "progress" && event.at === "writing" && event.done === 100));
    holds(chip, IMAGES(project));

    const again = project.run([":flash", "-p", chip.port], FRESH);
    assert.is(said(again), "not written again, as the board has the same: bootloader.bin, partitions.bin, boot_app0.bin, firmware.bin\n");
    project.edit("src/main.cpp", "turns = 1", "turns = 2");
    const changed = project.run([":flash", "-p", chip.port], FRESH);
    assert.is(said(changed), "not written again, as the board has the same: bootloader.bin, partitions.bin, boot_app0.bin\n");

    project.run([":erase", "-p", chip.port], FRESH);
    assert.ok(chip.flash(0, 4096).every((byte) => byte === 0xff));
    assert.is(said(project.run([":flash", "-p", chip.port], FRESH)), "");
    holds(chip, IMAGES(project));
  });

  tries("the image of the file system goes to its partition, and the rest of the flash stays as it is", async () => {
    const chip = await chipOf("esp32c3");
    const project = c3("", "board_build.filesystem = littlefs\n");
    project.write("data/a.txt", "hello\n");
    project.run([":flash-fs", "-p", chip.port], FRESH);
    const image = project.path(`${OUT}/littlefs.bin`);
    assert.ok(readFileSync(image).includes("hello"));
    holds(chip, [[0x290000, image]]);
    assert.ok(chip.flash(0x10000, 4096).every((byte) => byte === 0xff));
    assert.is(said(project.run([":flash-fs", "-p", chip.port], FRESH)), "not written again, as the board has the same: littlefs.bin\n");
  });

  tries(
    "PlatformIO's package, a script at its top, of a version that knows no such words: all is written each time, and nothing said of it",
    async () => {
      const chip = await chipOf("esp32c3");
      const tool = new TestProject(
        { "package.json": '{ "name": "tool-esptoolpy", "version": "2.41100.0" }\n' },
        { folder: freshFolder("tool") },
      );
      tool.write("esptool.py", `import sys\nsys.path.insert(0, '${tools.old}')\nimport esptool\nesptool._main()\n`);
      const project = c3(`  tool-esptoolpy@symlink://${tool.folder}\n`);
      const ran = project.run([":flash", "-p", chip.port]);
      assert.is(said(ran), "");
      assert.equal(diagnostics(ran), []);
      assert.ok(ran.events.some((event) => event.type === "progress" && event.at === "writing" && event.done === 100));
      holds(chip, IMAGES(project));
      const { code, stderr } = project.fb(["run", ":flash", "-v", "-p", chip.port]);
      assert.is(code, 0, stderr);
      assert.is(stderr.match(/^Wrote \d+ bytes/gm)?.length, 4, stderr);
      assert.match(stderr, /python3 \S+\/esptool\.py .*--before default_reset --after hard_reset write_flash -z /);

      tool.edit("esptool.py", "import esptool\n", "import esptool_has_parts\n");
      assert.match(
        failure(project.run([":flash", "--offline", "-p", chip.port], { exit: 5 })),
        /^flash\.not-started: esptool\.py does not run here.*No module named.* \| .*pip install esptool/,
      );
      tool.remove("esptool.py");
      assert.match(
        failure(project.run([":flash", "-p", chip.port], { exit: 3 })),
        /^package\.no-folder: .*has no program bin\/esptool or bin\/esptool\.py or esptool/,
      );
    },
  );

  tries(
    "PlatformIO's package is fetched without the modules that it needs: an esptool of PATH has them, else pip brings them once",
    async () => {
      const chip = await chipOf("esp32c3");
      const server = await PackageServer.start();
      const made = new TestProject(
        { "package.json": '{ "name": "tool-esptoolpy", "version": "2.41100.0" }', "esptool.py": "import esptool\nesptool._main()\n" },
        { folder: freshFolder("esptoolpy") },
      );
      cpSync(join(tools.old, "esptool"), made.path("esptool"), { recursive: true });
      server.publishFolder("platformio", "tool-esptoolpy", "2.41100.0", made.folder);
      const project = c3("  platformio/tool-esptoolpy @ ~2.41100.0\n");
      const flash = (bin: string, ...words: readonly string[]) =>
        project.start(["run", ":flash", "--json", "-p", chip.port, ...words], {
          vars: { FB_REGISTRY: server.url, PATH: `${bin}${process.env["PATH"]}` },
        }).ended;
      const first = await flash(`${fresh.bin}:`);
      assert.is(first.code, 0, first.stderr);
      if (isInstalled) return console.error("this machine has an esptool: a PATH without one is not tried");
      const offline = await flash("", "--offline");
      assert.is(offline.code, 5, offline.stderr);
      assert.match(failure(offline), /^flash\.not-started: esptool\.py does not run here.*No module named.* \| .*pip install esptool/);
      const codes = (ran: Ran) => [ran.code, ...diagnostics(ran).map((each) => each.code)];
      assert.equal(codes(await flash("")), [0, "flash.modules"]);
      assert.equal(codes(await flash("", "--offline")), [0]);
      await server.close();
    },
  );

  tries("another chip; a port that goes; an esptool that is killed: exit 5, the cause and what to try", async () => {
    const other = await chipOf("esp32s3");
    const project = c3("", "board_build.embed_files = big.bin\n");
    // Nothing that can be compressed: it takes a while.
    project.write("big.bin", randomBytes(0x100000));
    project.edit("src/main.cpp", "int turns;", 'extern "C" const char big[] asm("_binary_big_bin_start");\nint turns;');
    project.edit("src/main.cpp", "turns = 1", "turns = big[0]");
    assert.match(
      failure(project.run([":flash", "-p", other.port], { ...FRESH, exit: 5 })),
      /^flash\.signature: .* is another chip than the esp32c3 of board "esp32-c3-devkitm-1" \(esptool: A fatal error occurred: This chip is ESP32-S3, not ESP32-C3.*\| .*another `board =`/,
    );
    const begun = async (chip: MockChip) => {
      const running = project.start(["run", ":flash", "--json", "-p", chip.port], FRESH);
      await running.until((event) => event.type === "progress" && event.done > 10 && event.done < 90);
      return running;
    };
    const killed = await begun(await chipOf("esp32c3"));
    process.kill(Number(readFileSync(fresh.pid, "utf8")), "SIGKILL");
    const ended = await killed.ended;
    assert.is(ended.code, 5, ended.stderr);
    assert.match(failure(ended), /^flash\.failed: .*: esptool was ended by something else than fb .*\| .*incomplete: flash it again/);
    // Not the one before, which was left in the middle of a packet.
    const chip = await chipOf("esp32c3");
    const lost = await begun(chip);
    await chip.stop();
    const gone = await lost.ended;
    assert.is(gone.code, 5, gone.stderr);
    assert.match(failure(gone), /^flash\.lost: .* went while the board was written.*\| .*flash it again/);
    assert.match(failure(project.run([":flash", "-p", chip.port], { ...FRESH, exit: 5 })), /^device\.\S+: .*\/dev\/pts\//);
  });

  tries("a port that is none is never taken for another one, and told before anything is built; two envs do not write to one port", () => {
    const project = c3();
    for (const [port, exit, says] of [
      ["sim:a/b", 2, /^device\.address: "sim:a\/b" names no port: a virtual board is sim:BOARD/],
      ["/dev/ttyNO", 5, /^device\.not-found: there is no port \/dev\/ttyNO/],
    ] as const) {
      const ran = project.run([":flash", "-p", port], { ...FRESH, exit });
      assert.match(failure(ran), says);
      if (exit === 2) assert.equal(ends(ran), []);
    }
    const two = c3("", "upload_port = /dev/ttyNO\n");
    two.write("platformio.ini", `${two.read("platformio.ini")}\n[env:twin]\nextends = env:${BOARD}\n`);
    assert.match(failure(two.run([":flash"], { ...FRESH, exit: 5 })), /^device\.two-envs: /);
  });

  if (!esp8266.hasCompiler) test("left out: an ESP8266", () => console.error(`no ${esp8266.COMPILER}`));
  else
    tries("an ESP8266, whose image is one", async () => {
      const chip = await chipOf("esp8266");
      const ini = `[env:nodemcuv2]\nplatform = espressif8266\nframework = arduino\nboard = nodemcuv2\nplatform_packages = framework-arduinoespressif8266@symlink://${esp8266.coreFolder().folder}\n`;
      const project = new TestProject({ ...SOURCES, "platformio.ini": ini }, { cache });
      project.run([":flash", "-p", chip.port], FRESH);
      holds(chip, [[0, project.path(".fb/build/nodemcuv2/release/firmware.bin")]]);
      assert.is(said(project.run([":flash", "-p", chip.port], FRESH)), "not written again, as the board has the same: firmware.bin\n");
    });
}

test.run();
