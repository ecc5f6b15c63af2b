/** Include texts come back from what the memo keeps. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { IncludeTexts } from "../../engine/include-texts.ts";
import type { IncludeText } from "../../engine/types.ts";

const HOW: readonly IncludeText["how"][] = ["include", "next", "import", "has", "macro", "incbin", "asm", "time", "comment"];
const all = HOW.flatMap((how) => ["a.h", "", "[x", 'ä\t"b".h'].flatMap((text) => [true, false].map((quote) => ({ text, quote, how }))));

test("every kind, quoted or not", () => {
  assert.equal(new IncludeTexts().decode(new IncludeTexts().encode(all)), all);
  for (const text of all) assert.equal(new IncludeTexts().decode(new IncludeTexts().encode([text])), [text]);
  assert.equal(new IncludeTexts().decode(new IncludeTexts().encode([])), []);
});

test("a text with a line break", () => {
  const odd: IncludeText[] = [...all, { text: "a\nb", quote: true, how: "incbin" }];
  assert.equal(new IncludeTexts().decode(new IncludeTexts().encode(odd)), odd);
});

test("equal texts are one object, however they came", () => {
  const texts = new IncludeTexts();
  const [one] = texts.decode('i"a.h\ni<b.h');
  const [, two] = texts.shared([
    { text: "b.h", quote: false, how: "include" },
    { text: "a.h", quote: true, how: "include" },
  ]);
  assert.is(one, two);
});

test.run();
