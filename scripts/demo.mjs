/**
 * `npm run demo`: from a fresh clone to a firmware that runs. Builds examples/blink in a folder of its own, with a compiler and a core that fb fetches (pip, apt-get; no
 * root, nothing installed), or with the system's where no source can be reached; then lets a simulated Uno run it for a second.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle, ensurePackages, root } from "./setup.mjs";

ensurePackages();
bundle();
const project = join(root, "dist", "demo");
rmSync(project, { recursive: true, force: true });
mkdirSync(project, { recursive: true });
for (const name of ["platformio.ini", "src"]) cpSync(join(root, "examples", "blink", name), join(project, name), { recursive: true });
run(join(root, "cli", "fb"), ["run", "-C", project, "--packages", "auto"]);
const hex = join(project, ".fb/build/uno/release/firmware.hex");
process.stdout.write(
  `\nWhat was fetched is locked in ${join("dist", "demo", "fb.lock")}. A simulated Uno runs the program for one second:\n`,
);
run(join(root, "cli", "fb"), ["tool", "emulate", hex, "--mcu", "atmega328p", "--clock", "16000000", "--timeout", "1"]);

function run(program, args) {
  const ran = spawnSync(program, args, { stdio: "inherit" });
  if (ran.status !== 0) process.exit(ran.status ?? 1);
}
