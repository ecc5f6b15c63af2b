/** Arduino sketches through the binary: they build without prototypes, errors name their own tabs and lines, and the image prints what the sketch prints. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { AVR, executed, FB, isNoop, result, TestProject, unoCache } from "./harness.ts";

const UNO = `[env:uno]\n${AVR}`;
const HEX = ".fb/build/uno/release/firmware.hex";

/** What the image sends to its serial port within so many simulated milliseconds. */
function prints(project: TestProject, ms: number, hex = HEX): string {
  const chip = ["--mcu", "atmega328p", "--clock", "16000000", "--timeout", String(ms / 1000)];
  const ran = spawnSync(FB, ["tool", "emulate", project.path(hex), ...chip], { encoding: "utf8" });
  assert.is(ran.status, 0, ran.stderr);
  return ran.stdout;
}

/** A main tab and two others; everything that a conversion by line patterns gets wrong. */
const TABS = {
  "platformio.ini": UNO,
  "src/Clock.ino": `// The tab that comes first by name is the main tab.
#include "shapes.h"
struct Point { int x, y; };
enum Mode { OFF, ON };
typedef int (*Op)(int, int);
template <typename T> T largest(T a, T b) { return a > b ? a : b; }
const char text[] = R"(a raw string with void fake() { and a } inside)";
void setup() {
  Serial.begin(9600);
  Serial.println(sum(2, 3));
  Serial.println(scale({2, 5}).y);
  Serial.println(apply(multiply, 4, 5));
  Serial.println(largest(7, 6));
  Serial.println(mode(ON));
  Serial.println(greet());
  Serial.println(greet("again"));
  Serial.println(area(Circle{3}));
  Serial.println(choose());
  Serial.println(text);
  Serial.println(fromTab(20));
  Serial.println(array(table, 3));
}
void loop() {}
#if defined(NEVER)
int choose() { return broken here; }
#else
int choose() { return 42; }
#endif
int sum(int a, int b = 1) { return a + b; }
Point scale(Point p) { return {p.x * 10, p.y * 10}; }
int multiply(int a, int b) { return a * b; }
int apply(Op op, int a, int b) { return op(a, b); }
int mode(Mode m) { return m == ON; }
`,
  "src/Words.ino": `const char *greet(const char *name = "world") {
  return name;
}
int table[3] = {1, 2, 3};
int array(int values[], int count) { int s = 0; for (int i = 0; i < count; i++) s += values[i]; return s; }
`,
  "src/areas.ino": `int area(const Circle &c) { return 3 * c.r * c.r; }
static inline unsigned long fromTab(unsigned long n)
{
  return n + 1;
}
`,
  "src/shapes.h": "#pragma once\nstruct Circle { int r; };\nextern int table[3];\n",
};

test("several tabs, templates, default arguments, own types, function pointers, raw strings, #if: it builds and prints what it should", () => {
  const project = new TestProject(TABS, { cache: unoCache() });
  project.run();
  assert.equal(prints(project, 300).trim().split("\n"), [
    "5",
    "50",
    "20",
    "7",
    "1",
    "world",
    "again",
    "27",
    "42",
    "a raw string with void fake() { and a } inside",
    "21",
    "6",
  ]);
  isNoop(project.run());
  // A tab's edit converts and compiles; a new tab is taken, a removed one goes.
  project.edit("src/areas.ino", "n + 1", "n + 2");
  assert.ok(executed(project.run()).some((e) => e.startsWith("compile ")));
  assert.match(prints(project, 300), "\n22\n");
  project.write("src/more.ino", "int unusedTab() { return helper(); }\nint helper() { return 5; }\n");
  project.run();
  project.remove("src/more.ino");
  assert.equal(executed(project.run()), [], "as before");
});

test("an error in a tab names the tab and its line; so does a warning, and the next tab's numbers are its own", () => {
  const project = new TestProject(TABS, { cache: unoCache() });
  const broken = [
    ["src/Clock.ino", "int multiply(int a, int b) { return a * b; }", "int multiply(int a, int b) { return a * missing1; }", 31],
    ["src/Words.ino", "int table[3]", "int tabel[3] = {missing2};\nint table[3]", 4],
    ["src/areas.ino", "  return n + 1;", "  return n + missing3;", 4],
    ["src/shapes.h", "struct Circle { int r; };", "struct Circle { int r; missing4 q; };", 2],
  ] as const;
  for (const [file, from, to, line] of broken) {
    project.edit(file, from, to);
    const ran = project.fb([]);
    assert.is(ran.code, 1);
    const name = /missing\d/.exec(to)?.[0] ?? "";
    const message = (ran.stdout + ran.stderr).split("\n").find((l) => l.includes("error:") && l.includes(name)) ?? "";
    assert.ok(message.startsWith(`${file}:${line}:`), `${file}:${line} expected, said: ${message}\n${ran.stderr}`);
    project.edit(file, to, from);
  }
  project.run();
});

test("a sketch with functions before the first use, classes, namespaces, attributes and interrupts", () => {
  const project = new TestProject(
    {
      "platformio.ini": UNO,
      "src/main.ino": `namespace deep { int inner() { return 1; } }
class Counter { public: int next() { return ++n; } private: int n = 0; };
volatile int ticks;
ISR(TIMER1_COMPA_vect) { ticks++; }
Counter counter;
void setup() { Serial.begin(9600); Serial.print(deep::inner() + counter.next() + later<int>(5) + flash()); }
void loop() {}
template <class T> T later(T t) { return t; }
__attribute__((noinline)) int flash() { return pgm_read_byte(F("x")); }
`,
    },
    { cache: unoCache() },
  );
  project.run();
  assert.is(prints(project, 200).trim(), String(1 + 1 + 5 + "x".charCodeAt(0)));
});

test("a .pde, a sketch beside .cpp, .c and .S files that share a header", () => {
  const project = new TestProject(
    {
      "platformio.ini": UNO,
      "src/old.pde": '#include "parts.h"\nvoid setup() { Serial.begin(9600); Serial.print(cpp() + c() + s()); }\nvoid loop() {}\n',
      "src/parts.h": '#ifdef __cplusplus\nint cpp();\nextern "C" {\n#endif\nint c(void);\nint s(void);\n#ifdef __cplusplus\n}\n#endif\n',
      "src/cpp.cpp": '#include <Arduino.h>\n#include "parts.h"\nint cpp() { return 1; }\n',
      "src/c.c": '#include "parts.h"\nint c(void) { return 20; }\n',
      "src/s.S": ".global s\ns:\n ldi r24, lo8(300)\n ldi r25, hi8(300)\n ret\n",
    },
    { cache: unoCache() },
  );
  project.run();
  assert.is(prints(project, 200).trim(), "321");
});

test("all profiles run alike; the elf runs in simavr too where that is installed", () => {
  const project = new TestProject(
    {
      "platformio.ini": UNO,
      "src/a.ino":
        'void setup() { Serial.begin(9600); Serial.println("up"); }\nvoid loop() { static int n; Serial.println(n++); delay(100); }\n',
    },
    { cache: unoCache() },
  );
  for (const profile of ["release", "quick", "debug"]) {
    project.run([`--${profile}`]);
    assert.match(prints(project, 500, `.fb/build/uno/${profile}/firmware.hex`), /^up\n0\n1\n2\n3/);
  }
  const simavr = spawnSync("simavr", ["-m", "atmega328p", "-f", "16000000", project.path(".fb/build/uno/release/firmware.elf")], {
    encoding: "utf8",
    timeout: 3000,
  });
  if ((simavr.error as { code?: string } | undefined)?.code === "ENOENT") process.stdout.write("(no simavr) ");
  else assert.match(`${simavr.stdout}${simavr.stderr}`, /up\.*[^]*0[^]*1/);
});

test("the core's and its libraries' own examples build", () => {
  const examples = [
    "/usr/share/arduino/hardware/arduino/avr/libraries/EEPROM/examples/eeprom_crc/eeprom_crc.ino",
    "/usr/share/arduino/hardware/arduino/avr/libraries/SPI/examples/BarometricPressureSensor/BarometricPressureSensor.ino",
    "/usr/share/arduino/hardware/arduino/avr/libraries/Wire/examples/master_reader/master_reader.ino",
    "/usr/share/arduino/hardware/arduino/avr/libraries/SoftwareSerial/examples/SoftwareSerialExample/SoftwareSerialExample.ino",
  ];
  const cache = unoCache();
  for (const example of examples) {
    const project = new TestProject({ "platformio.ini": UNO, "src/sketch.ino": readFileSync(example, "utf8") }, { cache });
    assert.ok((result(project.run()).size[0]?.flash.used ?? 0) > 1000, example);
  }
});

test.run();
