/** `fb size`: what it tells adds up to what the toolchain's own `size` says; objects and libraries are right with and without link-time optimisation. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ProgramReport, Versus } from "../../cli/size/report.ts";
import { AVR, freshFolder, TestProject, unoCache } from "./harness.ts";

type Told = ProgramReport & { readonly vs: Versus | null };

const SKETCH = `#include <Arduino.h>
#include <Wire.h>
#include <blinker.h>
int counter;
const char table[] PROGMEM = "in flash";
void setup() { Serial.begin(9600); Wire.begin(); Serial.println(F("flash string")); Serial.println("ram string"); blink(13); }
void loop() { Serial.println(analogRead(0) * 3.1f); counter++; Serial.write(pgm_read_byte(table + counter % 8)); }
`;
const FILES = {
  "src/main.cpp": SKETCH,
  "lib/blinker/blinker.h": "void blink(int pin);\n",
  "lib/blinker/blinker.cpp": `#include <Arduino.h>
#include "blinker.h"
static volatile char pattern[24];
namespace lamp { __attribute__((noinline)) void wait(unsigned long ms) { for (unsigned long i = 0; i < ms; i++) pattern[i % 24]++; } }
void blink(int pin) { digitalWrite(pin, HIGH); lamp::wait(300); lamp::wait(pin); digitalWrite(pin, LOW); }
`,
};
const NO_LTO = "build_unflags = -flto -fuse-linker-plugin\n";

/** text, data and bss as `size` of a toolchain tells them. */
function toolSize(program: string, file: string): readonly [text: number, data: number, bss: number] {
  const ran = spawnSync(program, [file], { encoding: "utf8" });
  assert.is(ran.status, 0, ran.stderr);
  const [text = 0, data = 0, bss = 0] = (ran.stdout.split("\n")[1] ?? "").trim().split(/\s+/).map(Number);
  return [text, data, bss];
}

function told(project: TestProject, args: readonly string[]): Told {
  const ran = project.fb(["size", "--json", ...args]);
  assert.is(ran.code, 0, ran.stderr);
  return JSON.parse(ran.stdout) as Told;
}

/** The sums are those of `size`, by section and by library. */
function adds(report: Told, program: string, file: string): void {
  const [text, data, bss] = toolSize(program, file);
  assert.equal([report.flash.used, report.ram.used], [text + data, data + bss], file);
  const sum = (of: readonly number[]) => of.reduce((a, b) => a + b, 0);
  assert.is(sum(report.libraries.map((l) => l.flash)), report.flash.used);
  assert.is(sum(report.libraries.map((l) => l.ram)), report.ram.used);
  // Initialised data counts twice in these sums, and once among the symbols.
  assert.is(sum(report.symbols.map((s) => s.bytes)), text + data + bss);
  assert.ok(report.symbols.every((s, i) => s.bytes > 0 && s.bytes <= (report.symbols[i - 1]?.bytes ?? s.bytes)));
}

function objectOf(report: Told, name: string): string | undefined {
  return report.symbols.find((s) => s.name === name)?.object;
}

test("uno and mega, with and without LTO, release and debug: sums are avr-size's, each symbol has its object", () => {
  const ini = `[env:lto]\n${AVR}[env:plain]\n${AVR}${NO_LTO}[env:mega]\n${AVR.replace("uno", "megaatmega2560")}`;
  const project = new TestProject({ "platformio.ini": ini, ...FILES }, { cache: unoCache() });
  for (const [env, profile] of [
    ["lto", "release"],
    ["plain", "release"],
    ["mega", "release"],
    ["lto", "debug"],
  ] as const) {
    const report = told(project, ["-e", env, `--${profile}`]);
    adds(report, "avr-size", project.path(`.fb/build/${env}/${profile}/firmware.elf`));
    assert.equal([report.env, report.vs], [env, null]);
    assert.is(report.flash.total, env === "mega" ? 253952 : 32256);
    const where = `${env} ${profile}`;
    assert.is(objectOf(report, "lamp::wait(unsigned long)"), "lib/blinker/blinker.cpp.o", where);
    assert.is(objectOf(report, "pattern"), "lib/blinker/blinker.cpp.o", `${where}: static data`);
    assert.is(objectOf(report, "counter"), "src/main.cpp.o", where);
    assert.is(objectOf(report, "table"), "src/main.cpp.o", `${where}: a static constant`);
    assert.is(objectOf(report, "Serial"), "FrameworkArduino/HardwareSerial0.cpp.o", where);
    assert.is(objectOf(report, "twi_stop"), "lib/Wire/utility/twi.c.o", where);
    assert.match(objectOf(report, "__vectors") ?? "", /^crtatmega\w+\.o$/);
    assert.match(objectOf(report, "__do_copy_data") ?? "", /^libgcc\.a\(/);
    const share = (name: string) => report.libraries.find((l) => l.name === name);
    for (const name of ["core", "lib/Wire", "lib/blinker", "src", "libgcc", "libm", "other"])
      assert.ok(share(name) !== undefined, `${where}: ${name} is one of ${report.libraries.map((l) => l.name).join(", ")}`);
    assert.ok((share("lib/blinker")?.ram ?? 0) >= 24, where);
    // What nobody knows the object of is little: constructors in one, switch tables, strings.
    const unknown = report.symbols.filter((s) => s.object === "" || s.object.startsWith("(")).reduce((n, s) => n + s.bytes, 0);
    assert.ok(unknown < report.flash.used * 0.08, `${where}: ${unknown} bytes of ${report.flash.used}`);
  }
});

test("native, with -O2 and -g, LTO, static C++: sums are those of size", () => {
  const project = new TestProject({
    "platformio.ini":
      "[env:o2]\nplatform = native\nbuild_flags = -O2 -g\n[env:lto]\nplatform = native\nbuild_flags = -O2 -flto\n[env:static]\nplatform = native\nbuild_flags = -Lvendor -lcxx\n",
    // A script for the linker: PlatformIO's flags have no way to say -l:libstdc++.a.
    "vendor/libcxx.a": "INPUT(-l:libstdc++.a)\n",
    "lib/shape/shape.h": "int area(int);\n",
    "lib/shape/shape.cpp":
      "namespace geo { __attribute__((noinline)) int twice(int v) { return v * 2; } }\nint area(int r) { return geo::twice(r + 1); }\n",
    "src/main.cpp":
      '#include <iostream>\n#include <map>\n#include <string>\n#include <shape.h>\nthread_local int own = 5; thread_local int more[10];\nint buffer[5000];\nint main(int argc, char**) { std::map<std::string, int> m; m["a"] = area(argc); buffer[argc] = more[argc] = own++; std::cout << m["a"] << buffer[1]; return 0; }\n',
  });
  for (const env of ["o2", "lto", "static"]) {
    const report = told(project, ["-e", env]);
    adds(report, "size", project.path(`.fb/build/${env}/release/program`));
    assert.is(objectOf(report, "buffer"), "src/main.cpp.o", env);
    assert.equal([objectOf(report, "own"), objectOf(report, "more")], ["src/main.cpp.o", "src/main.cpp.o"], `${env}: thread-local`);
    assert.equal([report.flash.total, report.ram.total], [null, null]);
    if (env === "static") assert.ok(report.libraries.some((l) => l.name === "libstdc++" && l.flash > 100_000));
    else assert.is(objectOf(report, "geo::twice(int)") ?? "lib/shape/shape.cpp.o", "lib/shape/shape.cpp.o", env);
  }
});

test("the difference to the last build, measured or not; to another env; to a saved report", () => {
  const ini = `[env:uno]\n${AVR}${NO_LTO}[env:big]\n${AVR}${NO_LTO}build_flags = -DBIG\n`;
  const files = { ...FILES, "src/main.cpp": `${SKETCH}#ifdef BIG\nchar big[100];\nchar* where() { return big; }\n#endif\n` };
  const project = new TestProject({ "platformio.ini": ini, ...files }, { cache: unoCache() });
  const first = told(project, ["-e", "uno"]);
  assert.is(first.vs, null);
  project.edit("lib/blinker/blinker.cpp", "pattern[24]", "pattern[40]");
  const second = told(project, [":firmware@uno"]);
  assert.equal([second.vs?.to, second.vs?.ram], ["the last build", 16]);
  assert.equal(second.vs?.libraries, [{ name: "lib/blinker", flash: 0, ram: 16 }]);
  assert.equal(second.vs?.symbols, [{ name: "pattern", object: "lib/blinker/blinker.cpp.o", section: ".bss", bytes: 16 }]);
  assert.equal(told(project, ["@uno"]), second, "nothing was linked since: the same answer");
  // Two builds of which nobody asked the size: the last is compared to the one before it.
  project.edit("lib/blinker/blinker.cpp", "pattern[40]", "pattern[50]");
  project.run(["-e", "uno"]);
  project.edit("lib/blinker/blinker.cpp", "pattern[50]", "pattern[53]");
  project.run(["-e", "uno"]);
  const third = told(project, ["-e", "uno"]);
  assert.equal([third.vs?.ram, third.vs?.flash], [3, 0]);
  assert.equal(
    third.vs?.symbols.filter((s) => s.name === "pattern").map((s) => s.bytes),
    [3],
  );
  // A saved report.
  project.write("before.json", JSON.stringify(first));
  const since = told(project, ["-e", "uno", "--vs", "before.json"]);
  assert.equal([since.vs?.to, since.vs?.ram], ["before.json", 29]);
  assert.equal(
    since.vs?.symbols.map((s) => [s.name, s.bytes]),
    [["pattern", 29]],
  );
  // Saved with -n: what it lacks is not new.
  project.write("few.json", JSON.stringify({ ...first, symbols: first.symbols.slice(0, 3) }));
  assert.equal(told(project, ["-e", "uno", "--vs", "few.json"]).vs?.symbols, []);
  const text = project.fb(["size", "-e", "uno", "-n", "4", "--vs", "before.json"]).stdout;
  assert.match(text, /RAM: .*\(used \d+ bytes from 2048 bytes, \+29\)/);
  assert.match(text, /lib\/blinker +\d+ +53 +\+29\n/);
  assert.match(text, /against before\.json\n +section +symbol +object\n +\+29 +\.bss +pattern +lib\/blinker\/blinker\.cpp\.o\n$/);
  // Another env, which is linked for it.
  assert.not.ok(existsSync(join(project.folder, ".fb/build/big")));
  const other = told(project, ["-e", "big", "--vs", "uno"]);
  assert.equal([other.vs?.to, other.vs?.ram], ["uno", other.symbols.some((s) => s.name === "big") ? 100 : 0]);
  // Several envs: one value all the same.
  const both = JSON.parse(project.fb(["size", "--json"]).stdout) as Told[];
  assert.equal(
    both.map((r) => r.env),
    ["uno", "big"],
  );
});

test("it runs nothing that is up to date, and says what a build says that fails", () => {
  const project = new TestProject({ "platformio.ini": "[env:pc]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" });
  const report = told(project, []);
  const linked = project.mtime(".fb/build/pc/release/program");
  assert.equal(told(project, []), report);
  assert.is(project.mtime(".fb/build/pc/release/program"), linked);
  project.edit("src/main.c", "return 0", "return oops");
  const failed = project.fb(["size", "--json"]);
  assert.equal([failed.code, failed.stdout], [1, ""]);
  assert.match(failed.stderr, /src\/main\.c:1:\d+: error: .*oops/);
  assert.is(project.fb(["size", "--vs", "nowhere"]).code, 1, "its own program comes first");
  project.edit("src/main.c", "return oops", "return 0");
  assert.match(project.fb(["size", "--vs", "nowhere"]).stderr, /no env "nowhere"/);
  assert.match(project.fb(["size", "--vs", "platformio.ini"]).stderr, /platformio\.ini is no JSON/);
  assert.match(project.fb(["size", "src/main.c"]).stderr, /tells of an env's program/);
});

test("a program that does not fit its board is what one asks about", () => {
  const project = new TestProject(
    { "platformio.ini": `[env:uno]\n${AVR}board_upload.maximum_size = 500\n`, ...FILES },
    { cache: unoCache(), folder: freshFolder("with blank ") },
  );
  const report = told(project, []);
  assert.ok(report.flash.used > 500);
  assert.is(report.flash.total, 500);
  assert.match(project.fb(["size"]).stdout, /Flash: \[={10}\] +\d+\.\d% OVERFLOW/);
  project.run([], { exit: 1 });
});

test.run();
