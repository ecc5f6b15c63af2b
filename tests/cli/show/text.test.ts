import { execFileSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { cutEnd, cutStart, displayWidth, oneLine, quoteForShell, renderFailure, sanitize, stripSgr } from "../../../cli/show/text.ts";
import { seconds, ticking } from "../../../cli/show/time.ts";
import { Random } from "../../random.ts";

/** Text, with colours, without. */
const cleaned: readonly (readonly [string, string, string])[] = [
  ["plain ‘text’\n\tx", "plain ‘text’\n\tx", "plain ‘text’\n\tx"],
  ["\x1b[01;31m\x1b[Kerror:\x1b[m\x1b[K no", "\x1b[01;31merror:\x1b[m no", "error: no"],
  ["\x1b[31mleft open", "\x1b[31mleft open\x1b[0m", "left open"],
  ["a\r\nb\rc", "a\nb\nc", "a\nb\nc"],
  ["\x1b]0;title\x07x\x1b]8;;http://h\x1b\\link\x1b]8;;\x1b\\", "xlink", "xlink"],
  ["\x1b[2J\x1b[1;1Hhome\x1b[?25l\x1b[3A", "home", "home"],
  ["\x9b31mred\x9bm", "\x1b[31mred\x1b[m", "red"],
  ["\x1bPsome\x1b\\dcs", "dcs", "dcs"],
  ["\x1b]unterminated\nnext", "unterminated\nnext", "unterminated\nnext"],
  ["\x1bcreset\x1b(B\x07\x08\x00\x7f", "reset", "reset"],
  ["\x1b[>4;2mx", "x", "x"],
  ["ends in \x1b", "ends in ", "ends in "],
];
for (const [text, color, bare] of cleaned)
  test(`sanitize ${JSON.stringify(text)}`, () => {
    assert.is(sanitize(text, true), color);
    assert.is(stripSgr(text), bare);
    assert.is(sanitize(color, true), color);
  });

test("a name stays on its line", () => assert.is(oneLine("a\nb\r\tc\x1b[31md"), "a b cd"));

const widths: readonly (readonly [string, number])[] = [
  ["", 0],
  ["abc", 3],
  ["äöü", 3],
  ["e\u0301", 1],
  ["日本", 4],
  ["ｆｂ", 4],
  ["🚀x", 3],
  ["\x1b[1mab\x1b[0m", 2],
  ["…", 1],
  ["한글", 4],
];
for (const [text, width] of widths) test(`width of ${JSON.stringify(text)}`, () => assert.is(displayWidth(text), width));

test("cuts keep within the columns and say that something is missing", () => {
  assert.is(cutEnd("abcdef", 6), "abcdef");
  assert.is(cutEnd("abcdef", 4), "abc…");
  assert.is(cutStart("src/main.cpp", 9), "…main.cpp");
  assert.is(cutStart("日本語.cpp", 8), "…語.cpp");
  assert.is(cutEnd("日本語", 4), "日…");
  for (const text of ["abcdef", "日本語日本語", "e\u0301e\u0301e\u0301", "🚀🚀🚀"])
    for (let n = 0; n < 14; n++)
      for (const cut of [cutEnd(text, n), cutStart(text, n)]) assert.ok(displayWidth(cut) <= n, `${text} ${n} ${cut}`);
});

test("a quoted command is read back by the shell word for word", () => {
  assert.is(quoteForShell(["avr-g++", "-DX=1", "-o", "a.o", "-Iinclude"]), "avr-g++ -DX=1 -o a.o -Iinclude");
  assert.is(quoteForShell(['-DS="a b"', "it's", ""]), `'-DS="a b"' 'it'\\''s' ''`);
  const random = new Random(7);
  const letters = "ab '\"\\$`!*?[](){}<>|&;#~\n\t=:,éx-";
  const argv = Array.from({ length: 60 }, () =>
    Array.from({ length: random.below(12) }, () => letters[random.below(letters.length)]).join(""),
  );
  const read = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${quoteForShell(argv)}`], { encoding: "utf8" });
  assert.equal(read.split("\0").slice(0, -1), argv);
});

test("times", () => {
  assert.equal([0, 84, 1240, 9994, 9996, 12_340, 99_940, 99_960, 185_000].map(seconds), [
    "0.00 s",
    "0.08 s",
    "1.24 s",
    "9.99 s",
    "10.0 s",
    "12.3 s",
    "99.9 s",
    "1 min 40 s",
    "3 min 5 s",
  ]);
  assert.equal([0, 3240, 9990, 59_900, 60_000, 185_000].map(ticking), ["0.0s", "3.2s", "9.9s", "59s", "1m00s", "3m05s"]);
});

test("a failure names its place, its message and what to do", () => {
  const failure = {
    severity: "error",
    message: 'unknown board "unoo"',
    file: "platformio.ini",
    line: 4,
    column: 1,
    hint: 'did you mean "uno"?',
  } as const;
  assert.is(renderFailure(failure, { color: false }), 'platformio.ini:4:1: error: unknown board "unoo"\n  hint: did you mean "uno"?\n');
  assert.is(renderFailure({ ...failure, column: 0, hint: "" }, { color: false }), 'platformio.ini:4: error: unknown board "unoo"\n');
  assert.is(renderFailure({ ...failure, line: 0, hint: "" }, { color: false }), 'platformio.ini: error: unknown board "unoo"\n');
  assert.is(
    renderFailure({ ...failure, severity: "warning", file: null, hint: "a\nb" }, { color: false }),
    'warning: unknown board "unoo"\n  hint: a\n        b\n',
  );
  const colored = renderFailure(failure, { color: true });
  assert.is(colored.startsWith("\x1b[1mplatformio.ini:4:1: \x1b[0m\x1b[1;31merror:\x1b[0m "), true);
  assert.is(stripSgr(colored), renderFailure(failure, { color: false }));
});

test.run();
