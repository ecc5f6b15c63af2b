/** What an ESP32-C3 is built with here: a small core of our own, Debian's compiler under Espressif's names. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { coreFiles } from "../platforms/cores/folder.ts";
import { freshFolder, TestProject } from "./harness.ts";

const PREFIX = "riscv64-unknown-elf-";
const RV32 = ["-march=rv32imc", "-mabi=ilp32", "-Os", "-ffunction-sections"];
const SDK = "tools/sdk/esp32c3";

export const COMPILER = `${PREFIX}gcc`;
export const hasCompiler = spawnSync(COMPILER, ["--version"]).status === 0;

/** The core with its SDK's archive and bootloader made. */
export function coreFolder(): TestProject {
  const core = new TestProject(coreFiles("esp32c3"), { folder: freshFolder("core") });
  const run = (program: string, ...args: string[]) => {
    const ran = spawnSync(`${PREFIX}${program}`, args, { cwd: core.path(SDK), encoding: "utf8" });
    assert.is(ran.status, 0, ran.stderr);
  };
  for (const folder of [`${SDK}/lib`, `${SDK}/bin`, "libraries"]) mkdirSync(core.path(folder), { recursive: true });
  run("gcc", ...RV32, "-c", "sdk.c", "-o", "sdk.o");
  run("ar", "rcsD", "lib/libsdk.a", "sdk.o");
  for (const mode of ["qio", "dio"])
    run("gcc", ...RV32, "-nostdlib", "-T", "bootloader.ld", "bootloader.c", "-o", `bin/bootloader_${mode}_80m.elf`);
  writeFileSync(core.path("tools/partitions/boot_app0.bin"), new Uint8Array(0x2000).fill(0xff).fill(1, 0, 4));
  return core;
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
