/** `npm run demo`: from a fresh clone to a firmware that runs. Installs what is missing, builds examples/blink, lets a simulated Uno run it for a second. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { avr, bundle, ensureDebian, ensurePackages, node24, root } from "./setup.mjs";

ensurePackages();
ensureDebian(avr);
bundle();
const project = join(root, "examples", "blink");
run(join(root, "cli", "fb"), ["-C", project]);
const hex = join(project, ".fb/build/uno/release/firmware.hex");
process.stdout.write("\nA simulated Uno runs it for one second:\n");
run(node24(), [join(root, "scripts", "simulate.ts"), hex, "1000"]);

function run(program, args) {
  const ran = spawnSync(program, args, { stdio: "inherit" });
  if (ran.status !== 0) process.exit(ran.status ?? 1);
}
