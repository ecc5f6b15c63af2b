/** Dependency files as gcc and ld write them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseDepfile } from "../../engine/depfile.ts";

const table: readonly (readonly [name: string, text: string, want: readonly string[]])[] = [
  ["one line", "a.o: a.c b.h\n", ["a.c", "b.h"]],
  ["continued", "a.o: a.c \\\n  b.h \\\n c.h\n", ["a.c", "b.h", "c.h"]],
  ["CRLF", "a.o: a.c \\\r\n b.h\r\n", ["a.c", "b.h"]],
  ["escaped blank, hash, dollar", "a.o: a\\ b.c \\#x.h $$y.h\n", ["a b.c", "#x.h", "$y.h"]],
  ["backslashes", "a.o: dir\\file.h a\\\\\\ b.h\n", ["dir\\file.h", "a\\ b.h"]],
  ["phony targets of -MP", "a.o: a.c b.h\n\nb.h:\n", ["a.c", "b.h"]],
  ["two rules", "a.o: a.c\na.d: b.h a.c\n", ["a.c", "b.h"]],
  ["several targets", "a.o a.d: a.c\n", ["a.c"]],
  ["colon in a name", "a.o: c:x.h\n", ["c:x.h"]],
  ["no end of line", "a.o: a.c", ["a.c"]],
  ["unicode", "ü.o: ü.c\n", ["ü.c"]],
  ["empty", "", []],
];
for (const [name, text, want] of table) test(name, () => assert.equal(parseDepfile(text), [...want]));

// A "$$" anywhere sends the text another way, on which every character is looked at.
test("what needs no escape is read alike beside what does", () => {
  for (const [name, text, want] of table)
    if (!/\\(?!\r?\n)/.test(text)) assert.equal(parseDepfile(`${text}\nz.o: $$z\n`), [...want, "$z"], name);
});

test.run();
