/** docs/platforms.md is true: the files that it shows are a family and a board that an fb with nothing else of them builds. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSections } from "../../rules/elf.ts";
import { freshFolder, TestProject } from "../e2e/harness.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The guide's files by path: a block's info line names its file; blocks of one file follow each other. */
function shown(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [, path = "", text = ""] of readFileSync(join(root, "docs/platforms.md"), "utf8").matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm))
    files.set(path, `${files.has(path) ? `${files.get(path)}\n` : ""}${text}`);
  return files;
}

/** An fb of its own, whose platforms are ours and those of the guide. */
function install(files: ReadonlyMap<string, string>): string {
  const home = freshFolder("home");
  for (const name of ["package.json", "platforms", "cli/fb"]) cpSync(join(root, name), join(home, name), { recursive: true });
  // The caches of compiled code would be written anew for this place.
  cpSync(join(root, "dist"), join(home, "dist"), { recursive: true, filter: (path) => !/compile-cache|\.cjs\.v\d/.test(path) });
  symlinkSync(join(root, "node_modules"), join(home, "node_modules"));
  for (const [path, text] of files) if (path.startsWith("platforms/")) put(join(home, path), text);
  return join(home, "cli/fb");
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const files = shown();
// Makes dist/ where it is not there yet.
spawnSync(join(root, "cli/fb"), ["--version"]);
const fb = install(files);
const p = new TestProject({
  "src/main.c": '#include <avr/io.h>\n#ifdef MINI\n#include "mini.h"\n#endif\nint main(void) { DDRB = F_CPU / 100000; }\n',
});
for (const [path, text] of files) if (!path.startsWith("platforms/")) p.write(path, text);
p.write("framework/package.json", '{"name":"framework-mini","version":"1.2.5"}');
p.write("framework/core/mini.h", '#pragma once\n_Static_assert(MINI == 1, "the framework\'s version");\nvoid mini(void);\n');
p.write("framework/core/mini.c", '#include "mini.h"\nvoid mini(void) {}\n');

function run(args: readonly string[], vars: Readonly<Record<string, string>> = {}) {
  return spawnSync(fb, args, { cwd: p.folder, env: p.vars({ vars }), encoding: "utf8" });
}

test("the guide has a family and a board", () => {
  assert.equal(
    [...files.keys()],
    [
      "boards/doorbell.json",
      "platforms/tiny/platform.toml",
      "platforms/tiny/boards.json",
      "platforms/tiny/packages.toml",
      "platformio.ini",
    ],
  );
});

test("its boards are listed, its envs build with its flags, and an unchanged build does nothing", () => {
  const boards = run(["boards", "tiny", "--json"]);
  const listed = JSON.parse(boards.stdout) as { id: string; platform: string; flash: number }[];
  assert.equal(
    listed.filter((b) => b.platform === "tiny").map((b) => [b.id, b.flash]),
    [
      ["attiny13", 1024],
      ["attiny85", 8192],
      ["doorbell", 8192],
    ],
  );
  const built = run(["run", "-v"]);
  assert.is(built.status, 0, built.stderr);
  assert.match(
    built.stdout,
    /avr-gcc -o \S+attiny85\/release\/src\/main\.c\.o -c -Os -Wall -ffunction-sections -fdata-sections -mmcu=attiny85 -DF_CPU=8000000L /,
  );
  assert.match(built.stdout, /avr-gcc -o \S+doorbell\/release\/src\/main\.c\.o .*-mmcu=attiny84 .*-DDOORBELL/);
  assert.match(
    built.stdout,
    /avr-gcc -o \S+mini\/release\/Core\/mini\.c\.o -c -Os -fno-inline -Wall -mmcu=attiny13a -DPLATFORMIO=60200 -DF_CPU=1200000L -DMINI=1 /,
  );
  for (const env of ["attiny85", "mini", "doorbell"]) {
    assert.ok(p.exists(`.fb/build/${env}/release/firmware.hex`), env);
    assert.ok(readSections(env, readFileSync(p.path(`.fb/build/${env}/release/firmware.elf`))).ok, env);
  }
  assert.match(run(["run"]).stdout, /up to date/);
});

test("it flashes, by the command that the guide gives; a framework that its rules are not for is refused", () => {
  p.write("fake/bin/avrdude", '#!/bin/sh\necho "$@" > told\n');
  chmodSync(p.path("fake/bin/avrdude"), 0o755);
  const flashed = run(["run", ":flash@attiny85"], { PATH: `${p.path("fake/bin")}:${process.env["PATH"]}` });
  assert.is(flashed.status, 0, flashed.stderr);
  assert.is(p.read("told"), "-p attiny85 -c usbtiny -U flash:w:.fb/build/attiny85/release/firmware.hex:i\n");
  p.write("framework/package.json", '{"name":"framework-mini","version":"2.0.0"}');
  const refused = run(["run", "-e", "mini"]);
  assert.is(refused.status, 3);
  assert.match(refused.stderr, /\[env:mini\] has framework-mini 2\.0\.0: fb's rules cover \^1\.2/);
});

test.run();
