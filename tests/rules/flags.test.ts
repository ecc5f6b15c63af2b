/** parseFlags() by tables: every kind of option, define values, quoting, variables, and the warnings. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  commandsIn,
  type FlagContext,
  type Item,
  noScopes,
  parseFlags,
  plainScopes,
  projectFolder,
  pythonNumber,
  type Scope,
  scopeNames,
} from "../../rules/flags.ts";
import { shellArguments, shellEscape, splitWords } from "../../rules/shellwords.ts";
import { expandText, expressionsIn } from "../../rules/subst.ts";
import { Random } from "../random.ts";

const variables = new Map([
  ["PIOENV", "uno"],
  ["PROJECT_SRC_DIR", "/home/me/p/src"],
  ["SPACED", "a b"],
  ["NESTED", "<$PIOENV>"],
  ["LOOP", "x$LOOP"],
  ["EMPTY", ""],
]);
const context: FlagContext = {
  variables,
  projectDir: "/home/me/p",
  base: "",
  commands: new Map([["git describe", "-DVERSION=v1 -lgit\n"]]),
  plain: false,
  option: "build_flags",
  file: "platformio.ini",
  line: 7,
  column: 1,
};

/** The scopes that are not empty, pairs as [name, value]. */
function parsed(text: string | readonly string[], change: Partial<FlagContext> = {}): Record<string, unknown[]> {
  const { scopes } = parseFlags(typeof text === "string" ? [text] : text, { ...context, ...change });
  const show = (item: Item): unknown => (typeof item === "string" ? item : [item.name, item.value]);
  return Object.fromEntries(scopeNames.filter((name) => scopes[name].length > 0).map((name) => [name, scopes[name].map(show)]));
}

const table: readonly (readonly [text: string, scopes: Partial<Record<Scope, unknown[]>>])[] = [
  ["-Os -mx -fy -Wz -static -s", { ccflags: ["-Os", "-mx", "-fy", "-Wz", "-static", "-s"] }],
  ["-DA -D B -DC=1 -D D=x=y -DE=", { defines: ["A", "B", ["C", "1"], ["D", "x=y"], ["E", ""]] }],
  ["-UA -U", { ccflags: ["-UA", "-U"] }],
  ["-Iinc -I inc2 -I.", { includes: ["inc", "inc2", "."] }],
  ["-Llib -L lib2", { libpath: ["lib", "lib2"] }],
  ["-lm -l c -l:x.a", { libs: ["m", "c", ":x.a"] }],
  ["-Wl,-Map,x -Wl,-Tx.ld", { linkflags: ["-Wl,-Map,x", "-Wl,-Tx.ld"] }],
  ["-Wa,-al", { asflags: ["-al"], ccflags: ["-Wa,-al"] }],
  ["-Wp,-P", { cppflags: ["-Wp,-P"] }],
  ["-std=c99 -std=gnu++17 -stdlib=libc++", { cflags: ["-std=c99"], cxxflags: ["-std=gnu++17", "-stdlib=libc++"] }],
  ["-pthread -fopenmp -openmp", { ccflags: ["-pthread", "-fopenmp", "-openmp"], linkflags: ["-pthread", "-fopenmp", "-openmp"] }],
  ["-fsanitize=undefined +x", { ccflags: ["-fsanitize=undefined", "+x"], linkflags: ["-fsanitize=undefined", "+x"] }],
  ["-mwindows -dylib_file a", { linkflags: ["-mwindows", "-dylib_file", "a"] }],
  [
    "-include a.h -isystem d --param x=1",
    {
      ccflags: [
        ["-include", "a.h"],
        ["-isystem", "d"],
        ["--param", "x=1"],
      ],
    },
  ],
  [
    "-isysroot /s -arch a",
    {
      ccflags: [
        ["-isysroot", "/s"],
        ["-arch", "a"],
      ],
      linkflags: [
        ["-isysroot", "/s"],
        ["-arch", "a"],
      ],
    },
  ],
  ["-F/x -F y -framework Z -frameworkdir=/q", {}],
  ["-Wl,-rpath=/z -Wl,-R/z -Wl,-R,/z", {}],
  ["foo.a -u sym", { ccflags: ["-u"], libs: ["./foo.a", "./sym"] }],
  ["!git describe", { defines: [["VERSION", "v1"]], libs: ["git"] }],
  ["-I", {}],
  ["", {}],
  ["-DX='\"a b\"'", { defines: [["X", '\\"a b\\"']] }],
  ['-DX=\\"s\\"', { defines: [["X", '\\"s\\"']] }],
  ['"-DX=1"', { defines: [["X", "1"]] }],
  ["'' -Os", { ccflags: ["-Os"] }],
  ["-I$PROJECT_SRC_DIR/x -L${PROJECT_SRC_DIR}", { includes: ["src/x"], libpath: ["src"] }],
  ["-DX=$PIOENV", { defines: [["X", "$PIOENV"]] }],
];
for (const [text, scopes] of table) test(`parse ${text}`, () => assert.equal(parsed(text), { ...scopes }));

test("an option's argument must stand in the same item", () => {
  assert.equal(parsed(["-I", "inc"]), { libs: ["./inc"] });
});

test("debug_build_flags keep define values as they are", () => {
  assert.equal(parsed("-DA=007 -DB='\"x\"'", { plain: true }), {
    defines: [
      ["A", "007"],
      ["B", '"x"'],
    ],
  });
});

test("commands are those of items that start with an exclamation mark", () => {
  assert.equal(commandsIn(["-Os", "!git describe", " !no", "!a | b"]), ["git describe", "a | b"]);
});

const numbers: readonly (readonly [string, string | null])[] = [
  ["1", "1"],
  ["007", "7"],
  ["000", "0"],
  ["12345678901234567890", "12345678901234567890"],
  ["2.50", "2.5"],
  ["1.", "1.0"],
  [".5", "0.5"],
  ["0.0000001", "1e-07"],
  ["0.0001", "0.0001"],
  ["0.00001", "1e-05"],
  ["100000.0", "100000.0"],
  ["10000000000000000.0", "1e+16"],
  ["1234567890123456.0", "1234567890123456.0"],
  ["1234567890123456789.5", "1.2345678901234568e+18"],
  ["0.0", "0.0"],
  ["3.14159265358979", "3.14159265358979"],
  ["1e3", null],
  ["0x10", null],
  ["1.2.3", null],
  ["-5", null],
  ["10UL", null],
  ["", null],
  [".", null],
  ["1 ", null],
];
for (const [value, number] of numbers) test(`number ${value}`, () => assert.is(pythonNumber(value), number));

const folders: readonly (readonly [text: string, base: string, folder: string])[] = [
  ["inc", "", "inc"],
  ["./inc/", "", "inc"],
  ["inc/../x", "", "x"],
  [".", "", "."],
  ["/home/me/p", "", "."],
  ["/home/me/p/x", "", "x"],
  ["/home/me/pq", "", "/home/me/pq"],
  ["../out", "", "/home/me/out"],
  ["/opt/x/", "", "/opt/x"],
  ["extra", "lib/A", "lib/A/extra"],
  ["..", "lib/A", "lib"],
  ["inc", "/store/A", "/store/A/inc"],
  ["#x", "lib/A", "x"],
  ["#/x", "", "x"],
  ["", "", "."],
];
for (const [text, base, folder] of folders)
  test(`folder ${text} in "${base}"`, () => assert.is(projectFolder(text, "/home/me/p", base), folder));

const words: readonly (readonly [string, readonly string[] | null])[] = [
  ["a b\tc\nd", ["a", "b", "c", "d"]],
  ["'a b' c", ["a b", "c"]],
  ['"a b"c', ["a bc"]],
  ["a\\ b", ["a b"]],
  ['"a\\"b\\\\c\\d"', ['a"b\\c\\d']],
  ["''", [""]],
  ["a''b", ["ab"]],
  ["a#b #c", ["a#b", "#c"]],
  ["'a\\'", ["a\\"]],
  ["'a", null],
  ['"a', null],
  ['"a\\', null],
  ["a\\", null],
  ["", []],
  [" ", []],
  ["\\\n", ["\n"]],
];
for (const [text, split] of words) test(`words of ${JSON.stringify(text)}`, () => assert.equal(splitWords(text), split));

const shell: readonly (readonly [string, readonly string[]])[] = [
  ["-Os", ["-Os"]],
  ['-DX=\\"s\\"', ['-DX="s"']],
  ['-DX=\\"a b\\"', ['-DX="a b"']],
  ["-DX='c'", ["-DX=c"]],
  ["-DX='a b'", ["-DX='a b'"]],
  ["-DF(x)=x", ["-DF(x)=x"]],
  ["-DM=(1<<3)", ["-DM=(1<<3)"]],
  ["-DX=a;b&c|d", ["-DX=a;b&c|d"]],
  ["-DX=it's", ["-DX=it's"]],
  ["a\\\\b", ["a\\b"]],
  ["a''b\"\"c", ["abc"]],
  ["$X `y` *", ["$X `y` *"]],
];
for (const [argument, got] of shell.filter(([argument]) => argument !== '"" b'))
  test(`shell ${argument}`, () => assert.equal(shellArguments(argument), got));

test("an inner quote of a spaced argument ends the quotes around it, as for a shell", () => {
  assert.equal(shellArguments('-DX="a b'), ['-DX="a b']);
  assert.equal(shellArguments('-DX="a b" c'), ["-DX=a", "b c"]);
});

test("law: an escaped argument comes back as it was", () => {
  const letters = ["a", " ", "\t", "'", '"', "\\", "$", "`", "(", ";", "ü"];
  const random = new Random(42);
  for (let i = 0; i < 2000; i++) {
    const text = Array.from({ length: 1 + (i % 9) }, () => random.pick(letters)).join("");
    assert.equal(shellArguments(shellEscape(text)), [text], `case ${i}`);
  }
});

test("flags of a platform reach the tool exactly as they are written", () => {
  const flags = {
    ...noScopes,
    defines: ['NAME="a b"', "N=007", "P=$PIOENV"],
    libs: ["m", "/a b/lib$.a"],
    ccflags: ["-fx=$$'"],
  } as Parameters<typeof plainScopes>[0];
  const scopes = plainScopes(flags);
  assert.equal(scopes.ccflags.map((item) => expandText(item as string, variables)).flatMap(shellArguments), ["-fx=$$'"]);
  assert.equal(scopes.defines[1], { name: "N", value: "007", number: true });
  const [m, file] = scopes.libs;
  assert.is(m, "m");
  assert.equal(typeof file === "object" && shellArguments(expandText(file.value, variables)), ["/a b/lib$.a"]);
});

const expansions: readonly (readonly [string, string])[] = [
  ["a$PIOENV", "auno"],
  ["${PIOENV}b", "unob"],
  ["x$NONE", "x"],
  ["$$x", "$x"],
  ["$(x$)", "x"],
  ["$5", "$5"],
  ["a b", "a b"],
  ["-DX=$SPACED", "-DX=a b"],
  ["$NESTED", "<uno>"],
  ["$LOOP", "x"],
  ["${1+1}z", "z"],
  ["", ""],
  ["a$EMPTY", "a"],
  ["$PIOENV.c", "uno.c"],
  ["$SPACED/$NONE/${PIOENV}$$", "a b//uno$"],
];
for (const [text, got] of expansions) test(`expand ${text}`, () => assert.is(expandText(text, variables), got));

test("expressions are what is no plain name", () => {
  assert.equal(expressionsIn("${PIOENV} ${A and B} $X"), ["${A and B}"]);
});

const notes: readonly (readonly [text: string, code: string, says: RegExp])[] = [
  ["foo.a", "flags.bare-word", /-Wl,foo\.a/],
  ["-u sym", "flags.bare-word", /-Wl,-u,sym/],
  ["-T x.ld", "flags.bare-word", /-Wl,-Tx\.ld/],
  ["-Xlinker foo", "flags.bare-word", /write -Wl,foo/],
  ["-e start", "flags.bare-word", /-Wl,-e,start/],
  ["word", "flags.bare-word", /-lword/],
  ["-Wl,-rpath=/z", "flags.lost", /-Wl,-rpath,/],
  ["-F/x", "flags.lost", /macOS/],
  ["-DX='a", "flags.open-quote", /quote/],
  ["-DX=${A+1}", "flags.expression", /Python/],
];
for (const [text, code, says] of notes) {
  test(`note of ${text}`, () => {
    const all = parseFlags([text], context).notes;
    assert.is(all.length, 1);
    const [note] = all;
    assert.is(note?.code, code);
    assert.is(note?.file, "platformio.ini");
    assert.is(note?.line, 7);
    assert.is(note?.severity, code === "flags.open-quote" ? "error" : "warning");
    assert.match(`${note?.message} ${note?.hint}`, says);
  });
}

test.run();
