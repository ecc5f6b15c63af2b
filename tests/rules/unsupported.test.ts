/** Options of an ini that a build does not obey: who has them is told what to type instead. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { unheardOptions } from "../../rules/unsupported.ts";

const origin = { file: "platformio.ini", line: 4, column: 11 };
const heard = (value: string | string[]) => unheardOptions("env:uno", new Map([["targets", { value, origin, time: false }]]));

test("targets: `fb run` builds; the words that do the rest", () => {
  const [told, ...more] = heard(["upload", "monitor"]);
  assert.equal(more, []);
  assert.is(told?.hint, "here: fb run -t upload -t monitor -e uno");
  assert.is(told?.origin, origin);
  assert.is(heard("upload")[0]?.hint, "here: fb run -t upload -e uno");
});

test("nothing is told of none", () => {
  assert.equal([heard(""), heard([]), unheardOptions("env:uno", new Map())], [[], [], []]);
});

test.run();
