/** Toolchains that are here are asked once; what they say is right; a change of any guarded file means asking again. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Macros, predefines, probeToolchain, type Toolchain, type ToolchainAsk } from "../../cache/toolchain.ts";
import type { Memo } from "../../engine/types.ts";
import { memory, toolIo } from "../platforms/builder.ts";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "fb-toolchain-")));
test.after(() => rmSync(dir, { recursive: true, force: true }));

const hide = ["-no-canonical-prefixes", "-fno-canonical-system-headers"];
function asking(prefix: string, arch: readonly string[] = [], tries: readonly string[] = []): ToolchainAsk {
  return {
    cc: `${prefix}gcc`,
    cxx: `${prefix}g++`,
    programs: [`${prefix}as`, `${prefix}objcopy`, `${prefix}none`],
    arch,
    hide,
    tries,
    name: "toolchain",
    macros: null,
  };
}
async function ask(what: ToolchainAsk, memo: Memo = memory(), io = toolIo(dir)): Promise<Toolchain> {
  const found = await probeToolchain(what, io, memo);
  if (!found.ok) throw new Error(found.failure.message);
  return found.value;
}
const avr = asking("/usr/bin/avr-", ["-mmcu=atmega328p"], ["-fdiagnostics-color=always", ...hide, "-fno-such-flag"]);

test("avr-gcc: version, folders, flags, files", async () => {
  const found = await ask(avr);
  assert.is(found.version, execFileSync("avr-gcc", ["-dumpversion"], { encoding: "utf8" }).trim());
  assert.ok(found.includesC.some((folder) => folder.endsWith("/avr/include")));
  assert.ok(found.libraries.some((folder) => folder.endsWith("/avr5")));
  assert.equal(found.accepted, ["-fdiagnostics-color=always", ...hide]);
  const names = found.guards.map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  for (const name of ["avr-gcc", "cc1", "cc1plus", "lto1", "collect2", "as", "ld", "specs-atmega328p"])
    assert.ok(names.includes(name), name);
});

test("the system's gcc: C++ has folders that C has not", async () => {
  const found = await ask(asking("/usr/bin/"));
  assert.ok(found.includesC.includes("/usr/include"));
  assert.ok(found.includesCxx.some((folder) => folder.includes("c++")));
  assert.not.ok(found.includesC.some((folder) => folder.includes("c++")));
});

test("a second time asks nobody; other flags do", async () => {
  const memo = memory();
  const io = toolIo(dir);
  const first = await ask(avr, memo, io);
  const runs = io.runs;
  assert.ok(runs > 10);
  assert.equal(await ask(avr, memo, io), first);
  assert.is(io.runs, runs);
  const other = await ask({ ...avr, arch: ["-mmcu=atmega2560"] }, memo, io);
  assert.ok(io.runs > runs);
  assert.is.not(other.digest, first.digest, "other specs");
});

test("a copy elsewhere has the same digest, and another one when a part of it changes", async () => {
  // A driver that answers as the real one does, with a cc1 of its own.
  const cc = execFileSync("sh", ["-c", "command -v gcc"], { encoding: "utf8" }).trim();
  for (const name of ["x", "y"]) {
    mkdirSync(join(dir, name, "bin"), { recursive: true });
    cpSync(execFileSync(cc, ["-print-prog-name=lto-wrapper"], { encoding: "utf8" }).trim(), join(dir, name, "cc1"));
    for (const driver of ["gcc", "g++"]) {
      writeFileSync(
        join(dir, name, "bin", driver),
        `#!/bin/sh\ncase "$*" in *-print-prog-name=cc1) echo "\${0%/bin/*}/cc1";; *) exec ${cc.replace(/gcc$/, driver)} "$@";; esac\n`,
      );
      chmodSync(join(dir, name, "bin", driver), 0o755);
    }
  }
  const memo = memory();
  const at = (name: string) => ask({ ...asking(`${name}/bin/`), programs: [] }, memo);
  const before = await at("x");
  assert.ok(before.guards.some(({ path }) => path === join(dir, "x/cc1")));
  assert.is((await at("y")).digest, before.digest);
  writeFileSync(join(dir, "x/cc1"), "another");
  assert.is.not((await at("x")).digest, before.digest);
  symlinkSync("y", join(dir, "link"));
  const linked = await at("link");
  assert.is(linked.digest, before.digest, "the content counts, not the place");
  assert.ok(linked.guards.some(({ path }) => path === join(dir, "y/cc1")));
});

test("macros: asked once by digest and flags", async () => {
  const memo = memory();
  const io = toolIo(dir);
  const found = await ask(avr, memo, io);
  const wanted: Macros = { driver: avr.cxx, language: "c++", flags: ["-mmcu=atmega328p", "-std=gnu++11"] };
  const macros = predefines(found, wanted, io, memo);
  if (!macros.ok) throw new Error(macros.failure.message);
  assert.match(macros.value, /^#define __AVR_ATmega328P__ 1$/m);
  assert.match(macros.value, /^#define __cplusplus 201103L$/m);
  const runs = io.runs;
  predefines(found, wanted, io, memo);
  assert.is(io.runs, runs);
});

test("macros that are named before are asked for along", async () => {
  const memo = memory();
  const io = toolIo(dir);
  const macros: Macros = { driver: avr.cxx, language: "c++", flags: ["-mmcu=atmega328p"] };
  const found = await ask({ ...avr, macros }, memo, io);
  const runs = io.runs;
  const asked = predefines(found, macros, io, memo);
  assert.is(io.runs, runs);
  assert.equal(asked, predefines(found, macros, io, memory()));
});

test("what is no compiler: who was asked, what it said", async () => {
  writeFileSync(join(dir, "bad-gcc"), "#!/bin/sh\necho 'bad CPU type' >&2\nexit 126\n");
  chmodSync(join(dir, "bad-gcc"), 0o755);
  const found = await probeToolchain(asking(`${dir}/bad-`), toolIo(dir), memory());
  if (found.ok) throw new Error("expected a failure");
  assert.equal([found.failure.code, found.failure.exit], ["toolchain.probe", 4]);
  assert.match(found.failure.message, /bad-gcc for its version: it exited with 126 and said "bad CPU type"/);
  const none = await probeToolchain(asking("/nowhere/"), toolIo(dir), memory());
  assert.not.ok(none.ok);
});

const given = process.env["AVR_TOOLCHAIN"];
if (given !== undefined)
  test("$AVR_TOOLCHAIN through a link: folders are spelled with the link", async () => {
    mkdirSync(join(dir, ".fb/pkg"), { recursive: true });
    symlinkSync(given, join(dir, ".fb/pkg/tc"));
    const found = await ask(asking(".fb/pkg/tc/bin/avr-", ["-mmcu=atmega328p"]));
    for (const folder of [...found.includesC, ...found.libraries]) assert.ok(folder.startsWith(".fb/pkg/tc/"), folder);
    for (const { path } of found.guards) assert.ok(path.startsWith(realpathSync(given)), path);
    assert.ok(readFileSync(found.guards[0]?.path ?? "").length > 0);
  });

test.run();
