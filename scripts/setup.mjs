/** What npm scripts need before anything else, in JavaScript that Node 20 runs: npm packages, Debian's compilers, the bundle. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text) => process.stderr.write(`setup: ${text}\n`);

/**
 * Installs npm's packages when they are missing or older than the lock file. Not by `npm ci`: that refuses a lock file without the optional packages
 * of other machines (which npm leaves out where its registry does not have them); an install that saves nothing obeys the same lock.
 */
export function ensurePackages() {
  const marker = join(root, "node_modules", ".package-lock.json");
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs) return;
  say("npm install");
  const npm = spawnSync("npm", ["install", "--no-save", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (npm.error) fatal(`npm install did not start: ${npm.error.message}`);
  if (npm.status !== 0) fatal("npm install failed: see its message above");
}

/** The Node of version 24 or later that npm brought, else the running one when it is new enough. */
export function node24() {
  const modules = join(root, "node_modules");
  for (const name of existsSync(modules) ? readdirSync(modules) : []) {
    const node = join(modules, name, "bin", "node");
    if (name.startsWith("node-") && existsSync(node)) return node;
  }
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  fatal("no Node of version 24 or later: npm has none for this machine, so install one and put it on PATH");
}

/** What the AVR examples and tests need, from Debian; `packages` maps a file that proves it is there to a package. */
export function ensureDebian(packages) {
  const missing = Object.entries(packages).filter(([file]) => !(file.startsWith("/") ? existsSync(file) : onPath(file)));
  if (missing.length === 0) return;
  const names = [...new Set(missing.map(([, name]) => name))];
  const command = `apt-get install -y ${names.join(" ")}`;
  if (process.getuid?.() !== 0 || !onPath("apt-get"))
    fatal(`these are needed and not installed: ${names.join(", ")}\n  run: sudo ${command}`);
  say(command);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = () => spawnSync("sh", ["-c", `${command} >&2`], { env, stdio: ["ignore", 2, 2] }).status === 0;
  if (!install()) {
    spawnSync("apt-get", ["update", "-qq"], { env, stdio: ["ignore", 2, 2] });
    if (!install()) fatal(`${command} failed: see its message above`);
  }
}

export const avr = {
  "avr-gcc": "gcc-avr",
  "avr-objcopy": "binutils-avr",
  "/usr/lib/avr/include/avr/io.h": "avr-libc",
  "/usr/share/arduino/hardware/arduino/avr/boards.txt": "arduino-core-avr",
};
export const native = { gcc: "gcc", "g++": "g++" };

/** Builds dist/ anew. */
export function bundle() {
  execFileSync(node24(), [join(root, "scripts", "bundle.ts")], { cwd: root, stdio: ["ignore", 2, 2] });
}

function onPath(name) {
  return (process.env.PATH ?? "").split(":").some((dir) => existsSync(join(dir, name)));
}

export function fatal(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(4);
}
