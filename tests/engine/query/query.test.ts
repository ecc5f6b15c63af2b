/** Queries of Bazel's documentation, asked of a firmware project: the sets are the oracle's, the order is the view's. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { evaluate } from "../../../engine/query/evaluate.ts";
import { parseQuery } from "../../../engine/query/parse.ts";
import { QueryProblem } from "../../../engine/query/problem.ts";
import { nearest } from "../../../rules/nearest.ts";
import { Oracle } from "./oracle.ts";
import { FIRMWARE, viewOfTable } from "./project.ts";

const view = viewOfTable(FIRMWARE);
const is = new Oracle(FIRMWARE);
const set = (...labels: string[]): Set<string> => new Set(labels);

function ask(query: string): string[] {
  return evaluate(view, parseQuery(query, nearest), nearest).map((id) => view.label(id));
}

const firmware = set(":firmware@uno", ":firmware@mega");
const minus = (a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> => new Set([...a].filter((l) => !b.has(l)));
const both = (a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> => new Set([...a].filter((l) => b.has(l)));
const out = (env: string, name: string): string => `.fb/build/${env}/release/${name}`;

/** What the documentation asks → the query → what it should give. */
const CASES: readonly (readonly [string, string, ReadonlySet<string>])[] = [
  ["everything", "//...", is.all],
  ["everything, as typed with an ellipsis", "//…", is.all],
  ["everything by :all", ":all", is.all],
  ["a target of all envs", ":firmware", firmware],
  ["a target of one env", ":firmware@uno", set(":firmware@uno")],
  ["a library's target", ":lib/Servo@mega", set(":lib/Servo@mega")],
  ["an action", "compile:uno:src/main.cpp.o", set("compile:uno:src/main.cpp.o")],
  ["a file", "src/main.cpp", set("src/main.cpp")],
  ["a file, with ./", "./src/main.cpp", set("src/main.cpp")],
  ["an output", out("uno", "firmware.elf"), set(out("uno", "firmware.elf"))],
  ["a package, and without its version", "pkg:toolchain-avr@5.4.0 ^ pkg:toolchain-avr", set("pkg:toolchain-avr@5.4.0")],
  ["all below a folder", "src/...", set("src/main.cpp", "src/radio.c")],
  ["an env", ":all@mega", new Set([...is.all].filter((l) => is.envs.get(l) === "mega"))],
  ["what does :firmware depend on", "deps(:firmware)", is.deps(firmware)],
  ["its direct dependencies", "deps(:firmware@uno, 1)", is.deps(set(":firmware@uno"), 1)],
  ["nothing but itself", "deps(:firmware, 0)", firmware],
  ["three steps down", "deps(:firmware, 3)", is.deps(firmware, 3)],
  ["what depends on a header", "rdeps(//..., include/pins.h)", is.rdeps(is.all, set("include/pins.h"))],
  ["what depends directly on it", "rdeps(//..., include/pins.h, 1)", is.rdeps(is.all, set("include/pins.h"), 1)],
  ["of one env", "rdeps(:firmware@uno, include/pins.h)", is.rdeps(set(":firmware@uno"), set("include/pins.h"))],
  ["what the universe does not reach", "rdeps(:lib/Servo, include/pins.h)", set()],
  ["all source files that it depends on", "kind(file, deps(:firmware))", is.kind(/file/, is.deps(firmware))],
  ["the compiles among them", "kind('^compile$', deps(:firmware@uno))", is.kind(/^compile$/, is.deps(set(":firmware@uno")))],
  ["all paths between two", "allpaths(:firmware@uno, lib/Servo/Servo.h)", is.allpaths(set(":firmware@uno"), set("lib/Servo/Servo.h"))],
  ["all paths from where there is none", "allpaths(:lib/Servo, include/radio.h)", set()],
  ["all paths to a package", "allpaths(:firmware, pkg:framework-arduino)", is.allpaths(firmware, set("pkg:framework-arduino@1.8"))],
  ["a path to itself", "somepath(src/main.cpp, src/main.cpp)", set("src/main.cpp")],
  ["no path", "somepath(:lib/Servo, include/radio.h)", set()],
  ["union", "src/main.cpp + src/radio.c", set("src/main.cpp", "src/radio.c")],
  [
    "what both envs share",
    "deps(:firmware@uno) ^ deps(:firmware@mega)",
    both(is.deps(set(":firmware@uno")), is.deps(set(":firmware@mega"))),
  ],
  [
    "what only one has",
    "deps(:firmware@uno) except deps(:firmware@mega)",
    minus(is.deps(set(":firmware@uno")), is.deps(set(":firmware@mega"))),
  ],
  ["words for operators", "src/main.cpp union src/radio.c intersect src/main.cpp", set("src/main.cpp")],
  ["all operators bind alike, from the left", "src/main.cpp + src/radio.c - src/main.cpp", set("src/radio.c")],
  ["from the left too", "src/main.cpp - src/main.cpp + src/radio.c", set("src/radio.c")],
  ["parentheses", "src/main.cpp - (src/main.cpp + src/radio.c)", set()],
  ["a hyphen within a word", ":test-radio", set(":test-radio@uno")],
  ["set", "set(src/main.cpp 'src/radio.c')", set("src/main.cpp", "src/radio.c")],
  ["an empty set", "set()", set()],
  [
    "let: what lies between, without its ends",
    "let v = lib/... in allpaths(:firmware, $v) except $v",
    minus(is.allpaths(firmware, set("lib/Servo/Servo.cpp", "lib/Servo/Servo.h")), set("lib/Servo/Servo.cpp", "lib/Servo/Servo.h")),
  ],
  ["let in let, the inner one counts", "let x = src/main.cpp in let x = src/radio.c in $x", set("src/radio.c")],
  ["let's body reaches to the end", "src/main.cpp + let x = src/radio.c in $x - src/main.cpp", set("src/main.cpp", "src/radio.c")],
  ["filter", "filter('\\.h$', deps(:firmware@uno))", is.filter(/\.h$/, is.deps(set(":firmware@uno")))],
  ["filter finds anywhere", 'filter("radio", //...)', is.filter(/radio/, is.all)],
  ["attr: a flag", "attr(argv, '-DLED=13', //...)", set("compile:uno:src/main.cpp.o", "compile:uno:src/radio.c.o")],
  [
    "attr: one element of a list",
    "attr(argv, '[[ ]-Os[,\\]]', :all@mega)",
    is.kind(/compile/, new Set([...is.all].filter((l) => is.envs.get(l) === "mega"))),
  ],
  ["attr: env", "attr(env, '^mega$', kind(link, //...))", set("link:mega:firmware.elf")],
  ["attr: rule", "attr(rule, '^c$', //...)", set("compile:uno:src/radio.c.o", "compile:mega:src/radio.c.o")],
  ["attr: tool", "attr(tool, 'avr-g..$', kind(link, //...))", set("link:uno:firmware.elf", "link:mega:firmware.elf")],
  ["attr: an inner tool", "attr(tool, '^fb tool size$', //...)", set("size:uno:size.json", "size:mega:size.json")],
  ["attr: version", "attr(version, '^5', //...)", set("pkg:toolchain-avr@5.4.0")],
  ["attr: sharing", "attr(sharing, all, //...)", is.kind(/compile|link|archive|objcopy|size|step/, is.all)],
  ["attr: inputs", "attr(inputs, 'radio.h', //...)", set("compile:uno:src/radio.c.o", "compile:mega:src/radio.c.o")],
  ["attr: outputs", "attr(outputs, 'firmware.map', //...)", set("link:uno:firmware.elf", "link:mega:firmware.elf")],
  ["attr: label", "attr(label, '^pkg:', //...)", set("pkg:toolchain-avr@5.4.0", "pkg:framework-arduino@1.8")],
  [
    "inputs: the actions that read it",
    "inputs('pins\\.h$', deps(:firmware@uno))",
    set("compile:uno:src/main.cpp.o", "compile:uno:src/radio.c.o"),
  ],
  ["outputs: the actions that make it", "outputs('\\.elf$', //...)", set("link:uno:firmware.elf", "link:mega:firmware.elf")],
  ["inputs of what is no action", "inputs('.', src/main.cpp + :firmware)", set()],
  ["buildfiles of an env", "buildfiles(:firmware@mega)", set("platformio.ini", "fb.toml")],
  ["buildfiles of all", "buildfiles(deps(:firmware))", set("platformio.ini", "fb.toml", "boards/uno.json")],
  ["buildfiles of a source", "buildfiles(src/main.cpp)", set("platformio.ini", "fb.toml", "boards/uno.json")],
  ["tests", "tests(//...)", set(":test-radio@uno")],
  ["tests of nothing", "tests(:firmware)", set()],
  ["a generated header", "rdeps(:firmware@uno, VERSION, 2)", is.rdeps(set(":firmware@uno"), set("VERSION"), 2)],
  ["words that are functions' names", "set(src/main.cpp) ^ deps(src/main.cpp)", set("src/main.cpp")],
  ["no space needed around signs", "(src/main.cpp)+set(src/radio.c)^(//...)", set("src/main.cpp", "src/radio.c")],
  ["lines and tabs", "deps(\n\t:firmware@uno,\n\t1\n)", is.deps(set(":firmware@uno"), 1)],
  [
    "which outputs does an edit of a header change",
    "let all = //... in kind(file, rdeps($all, include/radio.h)) - include/radio.h",
    minus(is.kind(/file/, is.rdeps(is.all, set("include/radio.h"))), set("include/radio.h")),
  ],
  [
    "deep unions",
    Array.from({ length: 2000 }, () => "src/main.cpp")
      .join("+")
      .replaceAll("+", " + "),
    set("src/main.cpp"),
  ],
];

for (const [what, query, expected] of CASES)
  test(what, () => {
    const found = ask(query);
    assert.equal([...found].sort(), [...expected].sort(), query);
    assert.is(new Set(found).size, found.length, "each once");
    for (const [at, label] of found.entries())
      for (const edge of is.edges.get(label) ?? [])
        if (found.includes(edge)) assert.ok(found.indexOf(edge) > at, `${label} comes before ${edge}, of which it is made`);
  });

test("the oracle is no empty thing: what the firmware is made of is there", () => {
  const found = is.deps(firmware);
  for (const label of ["src/main.cpp", "include/radio.h", "pkg:framework-arduino@1.8", "link:uno:firmware.elf", "VERSION"])
    assert.ok(found.has(label), label);
  assert.not.ok(found.has("test/radio_test.c"));
});

test("somepath is a path, and a shortest one", () => {
  const path = ask("somepath(:firmware, pkg:framework-arduino)");
  const to = set("pkg:framework-arduino@1.8");
  assert.is(is.notAPath(path, firmware, to), null);
  for (let depth = 0; depth < path.length - 1; depth++)
    assert.not.ok(
      [...is.deps(firmware, depth)].some((l) => to.has(l)),
      `${depth} steps do not reach it`,
    );
});

test("the order does not hang on the order in which actions were planned", () => {
  const turned = viewOfTable(FIRMWARE, (specs) => specs.reverse());
  const labels = (v: typeof view): string[] => Array.from({ length: v.size }, (_, id) => v.label(id));
  assert.equal(labels(turned), labels(view));
});

/** A query, with the caret where the problem is, and what is said. */
const MALFORMED: readonly (readonly [string, string, RegExp])[] = [
  ["", "^", /empty/],
  ["   ", "^", /empty/],
  ["deps(:firmware", "              ^", /ends here: expected ","|ends here: expected "\)"/],
  ["deps :firmware", "     ^", /expected an operator/],
  ["deps(:firmware))", "               ^", /unexpected "\)"/],
  ["dep(:firmware)", "^", /no function "dep"/],
  ["deps(:firmwar)", "     ^", /nothing is called ":firmwar"/],
  ["deps(:firmware, x)", "                ^", /"x" is no depth/],
  ["deps(:firmware, -1)", "                ^", /unexpected "-"|is no depth/],
  ["deps(:firmware, 1, 2)", "                 ^", /expected "\)"/],
  ["rdeps(:firmware)", "               ^", /expected ","/],
  ["kind('(', //...)", "     ^", /not a regular expression: .*[Gg]roup/],
  ["attr(argv, '[', //...)", "           ^", /not a regular expression/],
  ["attr(color, 'x', //...)", "     ^", /no attribute "color"/],
  ["src/main.cpp +", "              ^", /ends here/],
  ["+ src/main.cpp", "^", /unexpected "\+"/],
  ["src/main.cpp - - src/radio.c", "               ^", /unexpected "-"/],
  ["let x = src/main.cpp $x", "                     ^", /expected "in"/],
  ["let = src/main.cpp in $x", "    ^", /variable's name/],
  ["let x src/main.cpp in $x", "      ^", /expected "="/],
  ["$x", "^", /no variable "\$x"/],
  ["let x = src/main.cpp in $y", "                        ^", /no variable "\$y"/],
  ["(let x = src/main.cpp in $x) + $x", "                               ^", /no variable "\$x"/],
  ["set(src/main.cpp, src/radio.c)", "                ^", /unexpected ","/],
  ["set(deps(:firmware))", "        ^", /expected "\)"/],
  ["filter('x', 'unclosed)", "            ^", /quote has no end/],
  ["src/main.cpp & src/radio.c", "             ^", /unexpected "&"/],
  ["*.cpp", "^", /unexpected "\*"/],
  ["in", "^", /unexpected "in"/],
  ["kind(, //...)", "     ^", /expected a pattern/],
  ["kind(compile)", "            ^", /expected ","/],
  ["()", " ^", /expected a label/],
  ["$1", "^", /no variable's name/],
];

for (const [query, caret, says] of MALFORMED)
  test(`malformed: ${JSON.stringify(query)}`, () => {
    try {
      ask(query);
    } catch (error) {
      if (!(error instanceof QueryProblem)) throw error;
      assert.match(error.message, says);
      assert.is(`${" ".repeat(error.at)}^`, caret, error.message);
      return;
    }
    assert.unreachable("it has an answer");
  });

test("an unknown label tells of near ones", () => {
  const hint = (query: string): string => {
    try {
      ask(query);
    } catch (error) {
      if (error instanceof QueryProblem) return error.hint;
    }
    return "none";
  };
  assert.match(hint(":firmwar"), /":firmware"/);
  assert.match(hint("src/mian.cpp"), /"src\/main.cpp"/);
  assert.match(hint("main.cpp"), /"src\/main.cpp"/);
  assert.match(hint("firmware.elf"), /\.fb\/build\/uno\/release\/firmware\.elf/);
  assert.match(hint("dpes(:firmware)"), /"deps"/);
  assert.match(hint("attr(arg, 'x', //...)"), /"argv"/);
});

test.run();
