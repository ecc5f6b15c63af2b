/** Which names "did you mean" offers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { didYouMean, editDistance, nearest } from "../../rules/nearest.ts";

const distances: readonly (readonly [string, string, number])[] = [
  ["", "", 0],
  ["", "abc", 3],
  ["board", "board", 0],
  ["bord", "board", 1],
  ["baord", "board", 1],
  ["kitten", "sitting", 3],
  ["ca", "abc", 3],
];

test("distance", () => {
  for (const [a, b, steps] of distances) {
    assert.is(editDistance(a, b), steps, `${a} → ${b}`);
    assert.is(editDistance(b, a), steps, `${b} → ${a}`);
  }
});

test("nearest", () => {
  const options = ["board", "build_flags", "build_unflags", "lib_deps", "platform", "upload_port", "upload_speed"];
  assert.equal(nearest("bord", options), ["board"]);
  assert.equal(nearest("BOARD", options), ["board"], "case does not count");
  assert.equal(nearest("build_flag", options), ["build_flags"], "much farther ones are left out");
  assert.equal(nearest("zzz", options), []);
  assert.equal(nearest("", options), []);
  assert.equal(nearest("x", ["a", "b", "c", "d"]), ["a", "b", "c"], "at most three, in the order given");
  assert.equal(nearest("x", ["a", "a", "a"]), ["a"], "each once");
  assert.equal(nearest("env:unoo", ["env:uno", "env:due", "env:unox"]), ["env:uno", "env:unox"]);
});

test("sentence", () => {
  assert.is(didYouMean("bord", ["board"], "none"), 'did you mean "board"?');
  assert.is(didYouMean("ab", ["ac", "ad"], "none"), 'did you mean "ac" or "ad"?');
  assert.is(didYouMean("zzz", ["board"], "none"), "none");
});

test.run();
