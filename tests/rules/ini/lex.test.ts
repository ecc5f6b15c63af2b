/** Sections, options and values with their places; what each kind of bad line is called. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lexIni, placeInValue, placeOfText, valuePlace } from "../../../rules/ini/lex.ts";

test("places of sections, options and values", () => {
  const file = lexIni("; head\n[env:a]\n  board\t= uno ; x\nbuild_flags =\n  -DA\n\n    -DB -DC\n", "x.ini");
  assert.equal(file.problems, []);
  const [section] = file.sections;
  const [board, flags] = section?.options ?? [];
  assert.ok(section && board && flags);
  assert.equal([section.name, section.line, section.column], ["env:a", 2, 1]);
  assert.equal([board.name, board.value, board.line, board.column], ["board", "uno", 3, 3]);
  assert.equal(valuePlace(board), { file: "x.ini", line: 3, column: 11 });
  assert.is(flags.value, "\n-DA\n\n-DB -DC");
  assert.equal(valuePlace(flags), { file: "x.ini", line: 5, column: 3 });
  assert.equal(placeOfText(flags, "-DC"), { file: "x.ini", line: 7, column: 9 });
  assert.equal(placeOfText(flags, "not there"), valuePlace(flags));
  assert.equal(placeInValue(flags, flags.value.indexOf("-DB")), { file: "x.ini", line: 7, column: 5 });
});

test("every character of a value is where the file has it", () => {
  const text = "[c]\nx = one ; c\n  two  three\n\n\t four\n; gone\n  five=six # c\n";
  const option = lexIni(text, "x.ini").sections[0]?.options[0];
  assert.ok(option);
  const lines = text.split("\n");
  for (const [offset, char] of [...option.value].entries()) {
    if (char === "\n") continue;
    const { line, column } = placeInValue(option, offset);
    assert.is(lines[line - 1]?.[column - 1], char, `offset ${offset}`);
  }
});

test("a byte order mark is skipped", () => {
  const file = lexIni("\ufeff[env:a]\nboard = uno\n", "x.ini");
  assert.equal(file.problems, []);
  assert.is(file.sections[0]?.name, "env:a");
});

const bad: readonly (readonly [string, string, string, number, number, RegExp])[] = [
  ["option before a section", "\n x = 1\n[a]\n", "ini.no-section", 2, 2, /\[section\]/],
  ["no delimiter", "[a]\nnonsense\n", "ini.syntax", 2, 1, /option = value/],
  ["continuation not indented", "[a]\nflags =\n-DA\n", "ini.syntax", 3, 1, /indent it more than flags/],
  ["no name", "[a]\n  = x\n", "ini.syntax", 2, 3, /option = value/],
  ["open section", "[a]\n[b\n", "ini.syntax", 2, 1, /close/],
  ["duplicate option", "[a]\nx = 1\nX : 2\n", "ini.duplicate-option", 3, 1, /one of the two/],
  ["duplicate section", "[a]\nx = 1\n\n[a]\n", "ini.duplicate-section", 4, 1, /line 1/],
];

for (const [name, text, code, line, column, hint] of bad) {
  test(name, () => {
    const { problems } = lexIni(text, "x.ini");
    assert.equal(
      problems.map((p) => [p.code, p.exit, p.file, p.line, p.column]),
      [[code, 3, "x.ini", line, column]],
    );
    assert.match(problems[0]?.hint ?? "", hint);
  });
}

test("all problems of a file at once", () => {
  const { problems } = lexIni("x = 1\ny = 2\n[a]\nbad\nz = 1\nz = 2\n[a]\nbad\n", "x.ini");
  assert.equal(
    problems.map((p) => `${p.line} ${p.code}`),
    ["1 ini.no-section", "4 ini.syntax", "6 ini.duplicate-option", "7 ini.duplicate-section", "8 ini.syntax"],
  );
});

test.run();
