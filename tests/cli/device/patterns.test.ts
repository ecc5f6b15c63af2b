/** The contract's table of monitor patterns and exit codes. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Patterns, type PatternTexts } from "../../../cli/device/patterns.ts";

const none: PatternTexts = { haltOnError: null, haltOnSuccess: null, expect: null };
const error = { haltOnError: "panic" };
const success = { haltOnSuccess: "^done" };
const expect = { expect: "temp=\\d+" };

/** Exit code, and whether a line or the time decided it. The last line has no newline. */
function outcome(given: Partial<PatternTexts>, lines: readonly string[], partial = ""): string {
  const patterns = Patterns.read({ ...none, ...given });
  if (!patterns.ok) throw new Error(patterns.failure.message);
  for (const line of lines) {
    const verdict = patterns.value.line(line);
    if (verdict !== null) return `${verdict.exit} at ${line}`;
  }
  return `${patterns.value.timeUp(partial).exit} in the end`;
}

const table: readonly (readonly [Partial<PatternTexts>, readonly string[], string])[] = [
  [{}, ["a", "panic"], "0 in the end"],
  [error, ["a", "Kernel PANIC", "b"], "1 at Kernel PANIC"],
  [error, ["a"], "1 in the end"],
  [success, ["not done", "Done.", "b"], "0 at Done."],
  [success, ["not done"], "1 in the end"],
  [expect, ["temp=21"], "0 in the end"],
  [expect, ["temp=?"], "1 in the end"],
  [{ ...success, ...expect }, ["temp=21", "done"], "0 at done"],
  [{ ...success, ...expect }, ["done", "temp=21"], "1 at done"],
  [{ ...success, ...expect }, ["done temp=21"], "0 at done temp=21"],
  [{ ...success, ...expect }, ["temp=21"], "0 in the end"],
  [{ ...error, ...success }, ["done panic"], "1 at done panic"],
  [{ ...error, ...expect }, ["temp=21", "panic"], "1 at panic"],
];
for (const [given, lines, ends] of table)
  test(`${JSON.stringify(given)} with ${lines.join(", ")}: ${ends}`, () => assert.is(outcome(given, lines), ends));

test("a last line without newline counts when the time is up", () => {
  assert.is(outcome(expect, [], "temp=3"), "0 in the end");
  assert.is(outcome(error, [], "panic"), "1 in the end");
  assert.is(outcome(success, [], "done"), "0 in the end");
});

test("what is no expression is refused with its flag", () => {
  for (const flag of ["haltOnError", "haltOnSuccess", "expect"] as const) {
    const read = Patterns.read({ ...none, [flag]: "a(" });
    if (read.ok) throw new Error("it was taken");
    assert.is(read.failure.exit, 2);
    assert.match(
      read.failure.message,
      flag.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
    );
  }
});

test.run();
