/** Include texts: a table of what gcc's lexing allows, and the law that nothing gcc includes is missed. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { includesOf } from "../../rules/includes.ts";
import { newSeed, Random } from "../random.ts";

const show = (source: string): string[] =>
  includesOf(Buffer.from(source, "utf8")).map((i) => `${i.how} ${i.quote ? `"${i.text}"` : `<${i.text}>`}`);

const TABLE: readonly (readonly [name: string, source: string, expected: readonly string[]])[] = [
  ["quotes and angles", '#include "a.h"\n#include <b/c.h>\n', ['include "a.h"', "include <b/c.h>"]],
  ["spaces and none", ' \t#\t include<b.h>\n#include"a.h"', ["include <b.h>", 'include "a.h"']],
  ["next and import", '#include_next <c.h>\n#import "d.h"\n', ["next <c.h>", 'import "d.h"']],
  ["embed", '#embed "x.bin"\n', ['include "x.bin"']],
  ["__has_include", '#if __has_include(<e.h>) || __has_include("f.h")\n', ["has <e.h>", 'has "f.h"']],
  ["__has_include, spaced or bare", '#if __has_include ( "e.h" ) && __has_include_next <f.h>\n', ['has "e.h"', "has <f.h>"]],
  ["__has_include behind a macro", "#define HAS(x) __has_include(x)\n#if HAS(<w.h>)\n", ['macro "x"', "has <w.h>"]],
  ["a macro", "#include M\n#include STR(x)\n", ['macro "M"', 'macro "STR"']],
  ["comments around", '/* a */ # /* b\n */ include /**/ "yes.h" // x', ['include "yes.h"']],
  ["comments", '// #include "a"\n/*\n#include "b"\n*/\n#include "c"\n', ['comment "b"', 'include "c"']],
  ["a comment sign in a string", '"/*"\n#include "c"\n', ['include "c"']],
  ["a comment sign in a line comment", '// /*\n#include "c"\n', ['include "c"']],
  ["an escaped quote", '"\\"/*"\n#include "c"\n', ['include "c"']],
  ["a quote as a character", '\'"\' /*\n*/\n#include "c"\n', ['include "c"']],
  ["a digit separator", "int x = 1'000; char c = '\"';\n#include \"c\"\n", ['include "c"']],
  ["an apostrophe in dead code", '#if 0\ndon\'t\n#include "c"\n#endif\n', ['include "c"']],
  [
    "comment signs in a header's name",
    '#include <a//b.h>\n#include "a/*b.h"\n#include "c"\n',
    ["include <a//b.h>", 'include "a/*b.h"', 'include "c"'],
  ],
  ["a joined line", '#inc\\\nlude "s.h"\n#include \\  \n "t.h"\n', ['include "s.h"', 'include "t.h"']],
  ["a comment that goes on", '// x \\\n#include "no.h"\n#include "y.h"', ['include "y.h"']],
  [
    "a raw string hides a comment sign, both readings",
    'R"(\n#include "in.h" /* " \n)"\n#include "out.h"\n',
    ['include "out.h"', 'include "in.h"', 'comment "out.h"'],
  ],
  ["CRLF", '#include "a.h"\r\n#include "b.h"\r\n', ['include "a.h"', 'include "b.h"']],
  ["a byte order mark", '\ufeff#include "a.h"\n', ['include "a.h"']],
  ["UTF-8", '#include "übung.h"\n', ['include "übung.h"']],
  ["digraph and trigraph", '%:include "d.h"\n??=include "t.h"\n', ['include "d.h"', 'include "t.h"']],
  ["twice", '#include "a.h"\n#include "a.h"\n#include <a.h>\n', ['include "a.h"', "include <a.h>"]],
  ["not at the line's start", 'int x; #include "a.h"\n', []],
  ["other directives", '#define include "a.h"\n#pragma include "b.h"\n#includes "c.h"\n', []],
  ["names of JavaScript's own", "#constructor\n#include constructor\n", ['macro "constructor"']],
  ["times", 'f(__DATE__); // __TIME__\ng("__TIME__", __TIMESTAMP__);\n', ["time <__DATE__>", "time <__TIMESTAMP__>"]],
  ["incbin in assembler", '  .incbin "z.bin", 1, 2\n  .include "q.inc"\n', ['incbin "z.bin"', 'asm "q.inc"']],
  ["incbin in C", 'asm(".incbin \\"data.bin\\"\\n");\nasm(".include \\"x.inc\\"");\n', ['incbin "data.bin"', 'asm "x.inc"']],
  ["incbin by macro", 'asm(".incbin \\"" FILE "\\"\\n");\n#define FILE "my.bin"\n', ['incbin "FILE"', 'incbin "my.bin"']],
  ["INCBIN", 'INCBIN(Foo, "foo.txt");\nINCBIN(Bar, bar.txt);\n', ['incbin "foo.txt"', 'incbin "bar.txt"']],
  ["unclosed all over", '#include <a\n#include "b\n/* x', []],
  ["nothing", "", []],
];

for (const [name, source, expected] of TABLE) test(name, () => assert.equal(show(source), expected));

test("Latin-1 names stay as they are", () => {
  assert.is(includesOf(Buffer.from('#include "\xfcbung.h"\n', "latin1"))[0]?.text, "\xfcbung.h");
});

test("an include between any complete pieces of text is found", () => {
  const pieces = [
    '"a"',
    "'b'",
    "/* c\n */",
    "// d\n",
    "\n",
    "x",
    "1'0",
    'R"(e)"',
    "\\\n",
    '#define Y "\n',
    "#if 0\n",
    "don't\n",
    "<",
    '"\\""',
    "'\"'",
    "/",
    "*",
    " ",
  ];
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < 2000; round++) {
    let text = "";
    for (let n = random.below(12); n > 0; n--) text += pieces[random.below(pieces.length)];
    // "/" then "*" opens a comment, a backslash joins lines: close both before the include.
    const source = `${text} */\n\n#include "found.h"\n`;
    assert.ok(show(source).includes('include "found.h"'), `seed ${seed}: ${JSON.stringify(source)}`);
  }
});

test("every file that gcc reads of the Arduino core is named by a text of a file that it read", () => {
  const core = process.env["ARDUINO_CORE"] ?? "/usr/share/arduino/hardware/arduino/avr";
  const folder = join(core, "cores/arduino");
  const flags = ["-M", "-mmcu=atmega2560", "-DF_CPU=1", "-DDECIMAL_DIG=__DECIMAL_DIG__", `-I${folder}`, `-I${join(core, "variants/mega")}`];
  let read = 0;
  for (const source of ["HardwareSerial.cpp", "wiring_digital.c", "wiring_pulse.S", "USBCore.cpp", "WString.cpp"]) {
    const rule = execFileSync("avr-gcc", [...flags, join(folder, source)], { encoding: "utf8" });
    const files = rule
      .replace(/^[^:]*:/, "")
      .replaceAll("\\\n", " ")
      .trim()
      .split(/\s+/)
      .map((f) => resolve(f));
    const texts = new Set(files.flatMap((f) => includesOf(readFileSync(f)).map((i) => i.text.replace(/^(\.\.?\/)+/, ""))));
    read += files.length;
    for (const file of files.slice(1))
      assert.ok(
        [...texts].some((t) => file.endsWith(`/${t}`)),
        `${source}: ${file}`,
      );
  }
  assert.ok(read > 50);
});

test("random bytes end", () => {
  const seed = newSeed();
  const random = new Random(seed);
  const alphabet = "#\"'/*\\\nR()<>ix _%:?=inclde.".split("");
  for (let round = 0; round < 500; round++) {
    let text = "";
    for (let n = random.below(200); n > 0; n--) text += alphabet[random.below(alphabet.length)];
    includesOf(Buffer.from(text));
  }
});

test.run();
