/** `npm test`: installs what is missing, builds the bundle, runs every test file; arguments are words that a file's path must contain. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { avr, bundle, ensureDebian, ensurePackages, native, node24, root } from "./setup.mjs";

ensurePackages();
ensureDebian({
  ...native,
  ...avr,
  simavr: "simavr",
  avrdude: "avrdude",
  ninja: "ninja-build",
  git: "git",
  bzip2: "bzip2",
  xz: "xz-utils",
  socat: "socat",
});
bundle();
const ran = spawnSync(node24(), [join(root, "tests", "run.ts"), ...process.argv.slice(2)], { cwd: root, stdio: "inherit" });
process.exit(ran.status ?? 1);
