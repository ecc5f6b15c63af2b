/** JSON errors have a place, also where V8's message has none. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { dotted, parseJson } from "../../rules/json.ts";
import { newSeed, Random } from "../random.ts";

const cases: readonly (readonly [text: string, line: number, column: number, expected: RegExp])[] = [
  ['{"a":1,}', 1, 8, /name/],
  ['{"a": b}', 1, 7, /value/],
  ["[1,2", 1, 5, /"," or "]"/],
  ['{"a":1\n "b":2}', 2, 2, /"," or "}"/],
  ["{} x", 1, 4, /end/],
  ["", 1, 1, /value/],
  ['{"a":{"b":[1,{"c":2}]},\n"d" 3}', 2, 5, /":"/],
  ["[1,]", 1, 4, /value/],
  ["{'a':1}", 1, 2, /name/],
  ['"a\nb"', 1, 1, /value/],
  ['{"a":01}', 1, 7, /"," or "}"/],
  ['[[],{"a":[]}', 1, 13, /"," or "]"/],
];
for (const [text, line, column, expected] of cases)
  test(JSON.stringify(text), () => {
    const parsed = parseJson(text);
    if (parsed.ok) throw new Error("expected an error");
    assert.equal([parsed.line, parsed.column], [line, column]);
    assert.match(parsed.expected, expected);
  });

test("what V8 takes is taken, and what it refuses has a place in the text: random cuts and changes", () => {
  const seed = newSeed();
  const random = new Random(seed);
  const whole = JSON.stringify({ name: 'a "q"', list: [1, -2.5e3, true, null, { x: [] }], ü: {} }, null, 1);
  for (let i = 0; i < 2000; i++) {
    const at = random.below(whole.length);
    const text = whole.slice(0, at) + ["", ",", "}", "]", '"', "x", " "][random.below(7)] + whole.slice(at + random.below(3));
    const parsed = parseJson(text);
    let fine = true;
    try {
      JSON.parse(text);
    } catch {
      fine = false;
    }
    assert.is(parsed.ok, fine, `seed ${seed}: ${text}`);
    if (!parsed.ok) assert.ok(parsed.line >= 1 && parsed.line <= text.split("\n").length && parsed.column >= 1, `seed ${seed}: ${text}`);
  }
});

test("dotted keys", () => {
  const json = { a: { b: { c: 1 } }, list: [1] };
  assert.is(dotted(json, "a.b.c"), 1);
  assert.is(dotted(json, "a.x.c"), undefined);
  assert.is(dotted(json, "list.0"), undefined);
  assert.is(dotted(json, "toString"), undefined);
});

test.run();
