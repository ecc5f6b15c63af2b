/** What an ESP8266 is built with here: a small core of our own, Debian's compiler. */
import { spawnSync } from "node:child_process";
import * as assert from "uvu/assert";
import { EBOOT, esp8266Core } from "../platforms/cores/esp8266.ts";
import { freshFolder, TestProject } from "./harness.ts";

export const COMPILER = "xtensa-lx106-elf-gcc";
export const hasCompiler = spawnSync(COMPILER, ["--version"]).status === 0;

/** A folder with the core, its bootloader linked. */
export function coreFolder(): TestProject {
  const core = new TestProject(
    { ...esp8266Core(["nodemcu", "d1_mini", "generic"]), "bootloaders/eboot/eboot.c": EBOOT["eboot.c"] },
    { folder: freshFolder("core") },
  );
  core.write("bootloaders/eboot/eboot.ld", EBOOT["eboot.ld"]);
  const eboot = (name: string) => core.path(`bootloaders/eboot/${name}`);
  const linked = spawnSync(
    COMPILER,
    ["-Os", "-mlongcalls", "-nostdlib", "-T", eboot("eboot.ld"), eboot("eboot.c"), "-o", eboot("eboot.elf")],
    { encoding: "utf8" },
  );
  assert.is(linked.status, 0, linked.stderr);
  return core;
}
