/** What ESP32s are built with here: small cores of our own, Debian's compiler under Espressif's names. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { coreFiles } from "../platforms/cores/folder.ts";
import { freshFolder, TestProject } from "./harness.ts";

const PREFIX = "riscv64-unknown-elf-";

export const COMPILER = `${PREFIX}gcc`;
export const hasCompiler = spawnSync(COMPILER, ["--version"]).status === 0;

/** Arduino 2.0 for a C3, with its SDK's archive and bootloader made. */
export function coreFolder(): TestProject {
  const core = new TestProject(coreFiles("esp32c3"), { folder: freshFolder("core") });
  makeSdk(core, "tools/sdk/esp32c3", "rv32imc", ["sdk"]);
  finish(core);
  return core;
}

/** Arduino 3 for a C6: the core, and its SDK in a package of its own. */
export function cores3(): { readonly core: TestProject; readonly libs: TestProject } {
  const files = Object.entries(coreFiles("esp32c3")).filter(([path]) => /^(?:cores|variants\/esp32c3|tools\/partitions)\//.test(path));
  const own = Object.fromEntries(files.map(([path, text]) => [path.replace("variants/esp32c3", "variants/esp32c6"), text]));
  own["package.json"] = '{ "name": "framework-arduinoespressif32", "version": "3.3.2" }\n';
  own["tools/pioarduino-build.py"] = 'env.Append(\n    CFLAGS=["-Werror=return-type"],\n    CXXFLAGS=["-Werror=return-type"],\n)\n';
  const core = new TestProject(own, { folder: freshFolder("core") });
  finish(core);
  const libs = new TestProject(coreFiles("esp32c6"), { folder: freshFolder("libs") });
  makeSdk(libs, "esp32c6", "rv32imac_zicsr_zifencei", ["sdk", "zb_ed"]);
  return { core, libs };
}

function finish(core: TestProject): void {
  mkdirSync(core.path("libraries"), { recursive: true });
  writeFileSync(core.path("tools/partitions/boot_app0.bin"), new Uint8Array(0x2000).fill(0xff).fill(1, 0, 4));
}

/** Of each NAME.c an archive, and the bootloaders. */
function makeSdk(package_: TestProject, at: string, march: string, archives: readonly string[]): void {
  const flags = [`-march=${march}`, "-mabi=ilp32", "-Os", "-ffunction-sections"];
  const run = (program: string, ...args: string[]) => {
    const ran = spawnSync(`${PREFIX}${program}`, args, { cwd: package_.path(at), encoding: "utf8" });
    assert.is(ran.status, 0, ran.stderr);
  };
  for (const folder of ["lib", "bin"]) mkdirSync(package_.path(`${at}/${folder}`), { recursive: true });
  for (const name of archives) {
    run("gcc", ...flags, "-c", `${name}.c`, "-o", `${name}.o`);
    run("ar", "rcsD", `lib/lib${name}.a`, `${name}.o`);
  }
  for (const mode of ["qio", "dio"])
    run("gcc", ...flags, "-nostdlib", "-T", "bootloader.ld", "bootloader.c", "-o", `bin/bootloader_${mode}_80m.elf`);
}

/** Debian's compiler under Espressif's names. */
export function toolchain(version = "8.4.0"): TestProject {
  const folder = new TestProject(
    { "package.json": JSON.stringify({ name: "toolchain-riscv32-esp", version }) },
    { folder: freshFolder("toolchain") },
  );
  for (const name of ["gcc", "g++", "as", "ar", "gcc-ar", "objcopy", "size"]) {
    folder.write(`bin/riscv32-esp-elf-${name}`, `#!/bin/sh\nexec /usr/bin/${PREFIX}${name} "$@"\n`);
    chmodSync(folder.path(`bin/riscv32-esp-elf-${name}`), 0o755);
  }
  return folder;
}

/** What a program with a library and a file in it is made of. */
export const SOURCES: Readonly<Record<string, string>> = {
  "src/main.cpp":
    '#include <Arduino.h>\n#include <own.h>\nextern "C" const char text[] asm("_binary_certs_ca_pem_start");\nint turns;\nvoid setup() { turns = own() + text[0]; }\nvoid loop() { turns = core(turns); }\n',
  "src/c.c": "int c = 1;\n",
  "lib/own/src/own.h": "int own();\n",
  "lib/own/src/own.cpp": '#include "own.h"\nint own() { return 3; }\n',
  "certs/ca.pem": "hello",
};

export interface Image {
  /** Flash mode, size and frequency, the chip's id. */
  readonly settings: readonly number[];
  readonly segments: readonly (readonly [address: number, size: number])[];
}

/** What the boot ROM reads of an image; its checksum and its digest have to hold. */
export function readImage(image: Buffer): Image {
  assert.is(image[0], 0xe9);
  let at = 24;
  let sum = 0xef;
  const segments = Array.from({ length: image[1] ?? 0 }, () => {
    const [address, size] = [image.readUInt32LE(at), image.readUInt32LE(at + 4)];
    for (const byte of image.subarray(at + 8, at + 8 + size)) sum ^= byte;
    at += 8 + size;
    return [address, size] as const;
  });
  const end = (at | 15) + 1;
  assert.is(image[end - 1], sum, "checksum");
  assert.equal([...image.subarray(end)], [...createHash("sha256").update(image.subarray(0, end)).digest()], "digest");
  return { settings: [...image.subarray(2, 4), image.readUInt16LE(12)], segments };
}
