/** Conditions of includes in both readings: PlatformIO's Python and the compiler's C; and the directives that they are read from. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defineMacro, evaluateC, type Macros } from "../../rules/c-conditions.ts";
import { conditionalIncludes, unmetIncludes } from "../../rules/conditional.ts";
import { directivesOf, parseDirectives } from "../../rules/directives.ts";
import { FileTree } from "../../rules/file-tree.ts";
import { evaluatePython, isTrue, Loud, type PythonValue } from "../../rules/python-conditions.ts";
import { memoryIo } from "./memory-io.ts";

const C: readonly (readonly [condition: string, expected: boolean | null])[] = [
  ["1", true],
  ["NO", false],
  ["ONE", true],
  ["EMPTY + 0", false],
  ["defined ONE && !defined(NO)", true],
  ["VERSION(5, 3) >= VERSION(4, 9)", true],
  ["VERSION(4, 1) >= VERSION(4, 9)", false],
  ["CAT(ON, E) == 1", true],
  ["0x10 == 020 && 0b10 == 2 && 1'000 == 1000UL", true],
  ["'a' == 97", true],
  ["(-1) >> 1 == -1", true],
  ["1 ? 0 : 1", false],
  ["0 && (1 / 0)", false],
  ['__has_include("there.h") && !__has_include(<not.h>)', true],
  ["defined(__has_include)", true],
  ["SELF", false],
  ["ISDEF", true],
  ["1 +", null],
  ["unknown(1)", null],
  ['"text"', null],
];

for (const [condition, expected] of C) {
  test(`C: ${condition}`, () => {
    const macros: Macros = new Map();
    defineMacro(macros, "ONE", null, "1");
    defineMacro(macros, "EMPTY", null, "");
    defineMacro(macros, "VERSION", "a, b", "((a) * 100 + (b))");
    defineMacro(macros, "CAT", "a, b", "a ## b");
    defineMacro(macros, "SELF", null, "SELF");
    defineMacro(macros, "ISDEF", null, "1");
    assert.is(
      evaluateC(condition, macros, (name, quote) => name === "there.h" && quote),
      expected,
    );
  });
}

const PYTHON: readonly (readonly [condition: string, expected: boolean | "loud"])[] = [
  ["LEVEL > 2", true],
  ["LEVEL == 3 && defined(LEVEL)", true],
  ["!LEVEL == 4", true],
  ["unknown || LEVEL", false],
  ["LEVEL || unknown", true],
  ["defined(unknown) && unknown > 1", false],
  ["NONE", false],
  ["NONE == 0", false],
  ["TEXT > 1", false],
  ["LEVEL ? 0 : 1", true],
  ["010 == 8 && 0x1F == 31L", true],
  ["__has_include(<x.h>)", false],
  ["LEVEL % 0", "loud"],
  ["1 / 2 == 0", false],
  ["(LEVEL + 1) % 2 == 0 && !(LEVEL < 2)", true],
];

for (const [condition, expected] of PYTHON) {
  test(`Python: ${condition}`, () => {
    const names = new Map<string, PythonValue>([
      ["LEVEL", 3],
      ["NONE", null],
      ["TEXT", "BAR"],
    ]);
    if (expected === "loud")
      assert.throws(
        () => evaluatePython(condition, names),
        (error: unknown) => error instanceof Loud,
      );
    else assert.is(isTrue(evaluatePython(condition, names)), expected);
  });
}

test("directives: spliced, without comments, hidden ones marked, nothing else", () => {
  const source =
    '#pragma once\n  #  if A /* x */ // y\r\n#define \\\n B 1\nint i; # if 0\n/*\n#include "c.h"\n*/\nconst char *s = R"(\n#else\n)";\n#endif\n';
  assert.equal(
    parseDirectives(directivesOf(new TextEncoder().encode(source))).map((d) => `${d.hidden ? "~" : ""}${d.name}${d.rest}`),
    ["if A", "define  B 1", '~include "c.h"', "~else", "endif"],
  );
  assert.is(directivesOf(new TextEncoder().encode("int main() {}\n")), "");
  assert.is(
    directivesOf(new TextEncoder().encode("#if 1\nint a;\n#endif")),
    directivesOf(new TextEncoder().encode("\n#if 1 // because\nint b;\n#endif\n")),
  );
});

const FOLDERS = ["include", "src", "lib/A", "lib/AB"];

/** The files that PlatformIO's preprocessor reads of src/main.cpp, from a tree. */
function read(files: Readonly<Record<string, string>>, defines: readonly string[] = []): readonly string[] | null {
  const io = memoryIo(files);
  return conditionalIncludes("src/main.cpp", FOLDERS, defines, {
    tree: new FileTree(io),
    directives: (path) => parseDirectives(io.directives(path) ?? ""),
  });
}

/** What a compiler that predefines __AVR__, and that is given these folders, would look for in vain. */
function unmet(files: Readonly<Record<string, string>>, given: readonly string[], defines: readonly string[] = []): readonly string[] {
  const io = memoryIo(files);
  const found = unmetIncludes("src/main.cpp", FOLDERS, defines, {
    tree: new FileTree(io),
    directives: (path) => parseDirectives(io.directives(path) ?? ""),
    predefines: "#define __AVR__ 1\n",
    given,
    elsewhere: (text) => text === "stdio.h",
  });
  return [...found].map((pair) => pair.join(" < "));
}

test("what only the compiler knows is read as the compiler reads it, and only what it misses is told", () => {
  const main = '#ifdef __AVR__\n#include "a.h"\n#else\n#include "ab.h"\n#endif\n#if FEATURE\n#include <b.h>\n#endif\n#include <stdio.h>\n';
  const files = {
    "src/main.cpp": main,
    "lib/A/a.h": '#if __has_include(<c.h>)\n#include "c.h"\n#endif\n',
    "lib/AB/ab.h": "",
    "lib/AB/b.h": "",
    "lib/AB/c.h": "",
    "lib/AB/stdio.h": "",
  };
  assert.equal(read(files, ["-DFEATURE"]), ["lib/AB/ab.h", "lib/AB/stdio.h"]);
  assert.equal(unmet(files, ["src"], ["-DFEATURE"]), ["lib/A/a.h < src/main.cpp", "lib/AB/c.h < lib/A/a.h", "lib/AB/b.h < src/main.cpp"]);
  assert.equal(unmet(files, ["src", "lib/A"]), ["lib/AB/c.h < lib/A/a.h"]);
  assert.equal(unmet(files, ["src", "lib/AB"], ["-DFEATURE"]), ["lib/A/a.h < src/main.cpp"]);
});

test("macros of headers and of flags count, in the order of lines", () => {
  const files = {
    "src/main.cpp": '#include "a.h"\n#if WANTS == 2\n#include WHICH\n#endif\n',
    "lib/A/a.h": "#define WANTS 2\n",
    "lib/AB/ab.h": "",
  };
  assert.equal(read(files, ['-DWHICH="ab.h"']), ["lib/A/a.h", "lib/AB/ab.h"]);
  assert.equal(read(files, ["-DWHICH=<none.h>"]), ["lib/A/a.h"]);
});

test("a file that PlatformIO's preprocessor gives up on is read in the classic way", () => {
  assert.is(read({ "src/main.cpp": "#if 1 % 0\n#endif\n" }), null);
  assert.is(read({ "src/main.cpp": "#include WHICH\n" }, ["-DWHICH"]), null);
});

test("headers that include each other end", () => {
  assert.equal(
    read({ "src/main.cpp": '#include "a.h"\n', "lib/A/a.h": '#include "ab.h"\n', "lib/AB/ab.h": '#include "a.h"\n#include "main.cpp"\n' }),
    ["lib/A/a.h", "lib/AB/ab.h"],
  );
});

test("law: any text is read without a crash", () => {
  let state = 99;
  const next = (n: number) => (state = (state * 1103515245 + 12345) & 0x7fffffff) % n;
  const words = [
    "#if ",
    "#elif ",
    "#else",
    "#endif",
    "#define A",
    "(x) ",
    "#undef A",
    "#include ",
    '"a.h"',
    "<ab.h>",
    "A",
    "&&",
    "(",
    ")",
    "!",
    "1",
    "defined",
    "/*",
    "*/",
    '"',
    "##",
    ",",
    "\\",
    "%",
    "0",
  ];
  for (let i = 0; i < 3000; i++) {
    let text = "";
    for (let n = next(40); n > 0; n--) text += `${words[next(words.length)]}${next(3) === 0 ? "\n" : " "}`;
    const files = { "src/main.cpp": text, "lib/A/a.h": "", "lib/AB/ab.h": "" };
    read(files, ["-DB=1"]);
    unmet(files, [], ["-DB=1"]);
  }
});

test.run();
