/**
 * `npm run demo`: from a fresh clone to a firmware that runs. Builds examples/blink in a folder of its own, with a compiler and a core that fb fetches (pip, apt-get; no
 * root, nothing installed), or with the system's where no source can be reached; then real avrdude flashes a virtual Uno, and its serial output is shown.
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
const fb = join(root, "cli", "fb");
let hadDaemon = true;
run(fb, ["run", "-C", project, "--packages", "auto"]);
process.stdout.write(`
What was fetched is locked in ${join("dist", "demo", "fb.lock")}. Now avrdude writes the program to a virtual Uno, through its own bootloader, and the monitor reads what it says:
`);
// The daemon, which holds the board in between, ends with the demo where nobody had one.
hadDaemon = spawnSync(fb, ["daemon", "status", "--json"], { encoding: "utf8" }).stdout.includes('"running":true');
run(fb, ["run", ":flash", "-C", project, "-p", "sim:uno", "--packages", "auto"]);
run(fb, ["monitor", project, "-p", "sim:uno", "-t", "5"]);
stopDaemon();

function run(program, args) {
  const ran = spawnSync(program, args, { stdio: "inherit" });
  if (ran.status === 0) return;
  stopDaemon();
  process.exit(ran.status ?? 1);
}

function stopDaemon() {
  if (!hadDaemon) spawnSync(fb, ["daemon", "stop"], { stdio: "ignore" });
}
