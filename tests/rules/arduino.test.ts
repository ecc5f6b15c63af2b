/**
 * Sketches become C++ that real compilers take, and what those say names the sketch's own tab and line. The fixtures are one construct each: NAME.ino, or
 * a folder of tabs; those under errors/ have one planted error, on the line that says ERROR.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { convertSketch, decodeSource, encodeSource, type Tab } from "../../rules/arduino.ts";
import { newSeed, Random } from "../random.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/sketches");
const CORE = process.env["ARDUINO_CORE"] ?? "/usr/share/arduino/hardware/arduino/avr";
const OTHER = join(process.env["AVR_TOOLCHAIN"] ?? "", "bin/avr-g++");
const COMPILERS = ["avr-g++", ...(existsSync(OTHER) ? [OTHER] : [])];
const dir = mkdtempSync(join(tmpdir(), "fb-sketches-"));
test.after(() => rmSync(dir, { recursive: true, force: true }));

/** Tabs of a fixture, named as they are in its folder. */
function tabsOf(fixture: string): Tab[] {
  const files = fixture.endsWith(".ino") ? [fixture] : readdirSync(join(FIXTURES, fixture)).map((f) => `${fixture}/${f}`);
  return files.map((path) => ({ path, text: decodeSource(readFileSync(join(FIXTURES, path))).text }));
}

/** PlatformIO's flags for an uno, as far as they bear on the language; plus what Debian's 5.4 wants for its own headers. */
const FLAGS = (
  "-x c++ -fsyntax-only -fno-exceptions -fno-threadsafe-statics -fpermissive -std=gnu++11 -mmcu=atmega328p -Os -w -DARDUINO=10808 -DARDUINO_AVR_UNO " +
  "-DARDUINO_ARCH_AVR -DF_CPU=16000000L -DDECIMAL_DIG=__DECIMAL_DIG__"
).split(" ");
const FOLDERS = ["cores/arduino", "variants/standard", "libraries/EEPROM/src", "libraries/SPI/src"].map((f) => `-I${join(CORE, f)}`);

function compile(compiler: string, text: string): { readonly status: number | null; readonly log: string } {
  const file = join(dir, "sketch.cpp");
  writeFileSync(file, encodeSource(text));
  const { status, stderr } = spawnSync(compiler, [...FLAGS, ...FOLDERS, file], { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } });
  return { status, log: stderr };
}

const good = readdirSync(FIXTURES).filter((name) => name !== "errors");
const bad = readdirSync(join(FIXTURES, "errors")).map((name) => `errors/${name}`);

test("there are fixtures and a compiler", () => {
  assert.ok(good.length >= 80 && bad.length >= 10);
  assert.match(execFileSync("avr-g++", ["--version"], { encoding: "utf8" }), "avr-g++");
});

for (const name of good) {
  test(`compiles: ${name}`, () => {
    const { text } = convertSketch(tabsOf(name));
    for (const compiler of COMPILERS) {
      const { status, log } = compile(compiler, text);
      assert.is(status, 0, `${compiler}\n${log}\n${text}`);
    }
  });
}

/** `tab:line` of the line that says ERROR; behind the word may stand another place. */
function planted(tabs: readonly Tab[]): string {
  for (const { path, text } of tabs) {
    for (const [i, line] of text.split("\n").entries()) {
      const m = /\/\/ ERROR ?(.*)$/.exec(line);
      if (m !== null) return m[1] || `${path}:${i + 1}`;
    }
  }
  throw new Error("no ERROR in the fixture");
}

for (const name of bad) {
  test(`names the place: ${name}`, () => {
    const tabs = tabsOf(name);
    const { text } = convertSketch(tabs);
    for (const compiler of COMPILERS) {
      const { log } = compile(compiler, text);
      const first = /^(.*?:\d+):\d+: error:/m.exec(log)?.[1];
      assert.is(first, planted(tabs), `${compiler}\n${log}\n${text}`);
    }
  });
}

const one = (text: string): string => convertSketch([{ path: "s.ino", text }]).text;

test("nothing is added where nothing is missing", () => {
  assert.is(one("void setup() {}\nvoid loop() {}\n"), '#include <Arduino.h>\n#line 1 "s.ino"\nvoid setup() {}\nvoid loop() {}\n');
});

test("a prototype keeps layout, default arguments and place", () => {
  assert.is(
    one("void setup() { f(); }\n  int f(int a = 1,\n        int b = g(2, 3) /* c */) { return a; }\n"),
    '#include <Arduino.h>\n#line 1 "s.ino"\n#line 2 "s.ino"\n  int f(int a = 1,\n        int b = g(2, 3) /* c */);\n#line 1 "s.ino"\n' +
      "void setup() { f(); }\n  int f(int a    ,\n        int b           /* c */) { return a; }\n",
  );
});

test("a < in a default argument is no bracket where no > can close it", () => {
  const made = one(
    "void setup() { f(1); }\nint f(int a = (1 < 2) ? 3 : 4, bool b = a < 1, P<int, 3> c = P<int, 3>(), bool d = 1 > 0) { return 0; }\n",
  );
  const [, definition = ""] = made.split("void setup()");
  assert.match(definition.replace(/ +/g, " "), "int f(int a , bool b , P<int, 3> c , bool d ) {");
});

test("a macro with arguments may be the type that a function returns", () => {
  const made = one(
    "#define CONST(t) const t\n#define RUN(x) x();\nRUN(a)\nvoid setup() { f(); }\nCONST(int) f() { return 1; }\nISR(b) {}\n",
  );
  assert.match(made, "CONST(int) f();");
  assert.not.match(made, "ISR(b);");
});

test("a prototype never moves into an #if", () => {
  const text = one("#ifdef A\nvoid a() { late(); }\n#endif\nvoid setup() { late(); }\nvoid late() {}\n");
  assert.ok(text.indexOf("void late();") < text.indexOf("#ifdef A"), text);
});

test("the function's own conditions go with it", () => {
  const text = one("void setup() { f(); }\n#if A\nint x;\n#elif B // or\nvoid f() {}\n#endif\n");
  assert.match(text, '#if A\n#elif B // or\n#line 5 "s.ino"\nvoid f();\n#endif\n#line 1 "s.ino"\nvoid setup()');
});

test("the order of the tabs is PlatformIO's", () => {
  const tab = (path: string, text: string): Tab => ({ path, text });
  const order = (tabs: readonly Tab[]): string[] => [...convertSketch(tabs).text.matchAll(/^#line 1 "(.*)"$/gm)].map((m) => m[1] ?? "");
  const tabs = [tab("z.ino", ""), tab("b.pde", ""), tab("m.ino", "void setup() {}"), tab("a.ino", ""), tab("n.ino", "// void loop(")];
  assert.equal(order(tabs), ["n.ino", "m.ino", "a.ino", "z.ino", "b.pde"]);
  assert.equal(order([...tabs].reverse()), ["n.ino", "m.ino", "a.ino", "z.ino", "b.pde"]);
  assert.is(convertSketch(tabs).main, "n.ino");
});

test("paths are quoted for #line", () => {
  assert.match(convertSketch([{ path: 'a"b\\c.ino', text: "" }]).text, '#line 1 "a\\"b\\\\c.ino"');
});

test("no tabs", () => assert.equal(convertSketch([]), { text: "#include <Arduino.h>\n", main: "" }));

test("decoding keeps every byte", () => {
  for (const bytes of [
    Buffer.from("grün ✓ 😀"),
    Buffer.from([0x61, 0xfc, 0xe2, 0x82, 0xac, 0x0a, 0xff]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from(""),
  ]) {
    assert.is(Buffer.from(encodeSource(decodeSource(bytes).text)).toString("hex"), bytes.toString("hex"));
  }
  assert.is(decodeSource(Buffer.from("\ufeffa ✓")).text, "a ✓");
  assert.is(decodeSource(Buffer.from("a ✓")).warning, null);
  assert.match(decodeSource(Buffer.from("a\nb\xe9", "latin1")).warning ?? "", "line 2 is not UTF-8 (byte 0xE9)");
});

const SOUP = (
  '{ } ( ) [ ] < > ; , : :: = & * ~ -> ... # \\ " \' /* */ // struct class enum typedef using template operator extern "C" namespace auto static const ' +
  'void int f g A B #if #else #endif #define #if_0 R"( )" 1 0x1 \'{\' "s" <% %> <: :> %: __attribute__ noexcept try'
).split(" ");

test("token soup: the text is kept, nothing fails or hangs", () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < 1500; round++) {
    let text = "";
    for (let n = random.below(80); n > 0; n--)
      text +=
        (SOUP[random.below(SOUP.length)] ?? "").replace("_0", " 0") + (random.below(4) === 0 ? "\n" : random.below(3) === 0 ? "" : " ");
    const converted = one(text);
    // Whatever is taken for a function, all words of the text are still there in their order, but for defaults that moved.
    assert.ok(converted.startsWith("#include <Arduino.h>\n"), `seed ${seed}`);
    assert.is(one(text), converted, `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

test("long and deep texts end", () => {
  for (const piece of ["(", "{", "#if A\n", "#if A\n{\n#else\n", "f(", "a<", "void f() {}\n", "template <", "[", "\\\n", "'", 'R"('])
    one(piece.repeat(20_000));
});

/** Functions of a valid program, each with its prototype ahead: conversion adds none and the program stays as it was. */
test("valid C++ stays as it is", () => {
  const seed = newSeed();
  const random = new Random(seed);
  const types = ["int", "const char *", "unsigned long", "P &", "const P &", "E", "void (*)(int)"];
  const results = ["void", "int", "P", "const char *", "E", "static int", "unsigned long"];
  for (let round = 0; round < 100; round++) {
    let heads = "struct P { int x; };\nenum E { E0 };\n";
    let bodies = "";
    for (let n = 0; n < 6; n++) {
      const parameters = Array.from({ length: random.below(4) }, () => types[random.below(types.length)] ?? "");
      const result = results[random.below(results.length)];
      const named = parameters.map((t, i) => (t.includes("(*)") ? t.replace("(*)", `(*p${i})`) : `${t} p${i}`));
      heads += `${result} f${n}(${(random.below(2) === 0 ? parameters : named).join(", ")});\n`;
      bodies += `${result} f${n}(${named.join(", ")}) { for (;;) f${random.below(6)}; }\n`;
    }
    const text = `${heads}void setup() { f0; }\nvoid loop() {}\n${bodies}`;
    assert.is(one(text), `#include <Arduino.h>\n#line 1 "s.ino"\n${text}`, `seed ${seed}`);
  }
});

test.run();
