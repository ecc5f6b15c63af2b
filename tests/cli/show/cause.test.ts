import { test } from "uvu";
import * as assert from "uvu/assert";
import { causesText, causeText } from "../../../cli/show/cause.ts";
import type { CanonPath, Cause } from "../../../engine/types.ts";

const file = "include/pins.h" as CanonPath;
const digest = (c: string) => `sha256:${c.repeat(64)}`;

const table: readonly (readonly [Cause, string])[] = [
  [{ cause: "input-changed", file, old: digest("a"), new: digest("b"), via: [] }, "include/pins.h changed"],
  [
    { cause: "input-changed", file, old: "", new: "", via: ["src/a.cpp" as CanonPath, file] },
    "include/pins.h changed, read through src/a.cpp",
  ],
  [{ cause: "input-added", file }, "include/pins.h is new"],
  [{ cause: "input-removed", file }, "include/pins.h is gone"],
  [{ cause: "output-missing", file }, "include/pins.h is missing"],
  [{ cause: "output-changed", file }, "include/pins.h was changed by someone else"],
  [{ cause: "arg-added", arg: "-DX=a b" }, "new argument '-DX=a b'"],
  [{ cause: "arg-removed", arg: "-Os" }, "argument -Os dropped"],
  [{ cause: "var-changed", name: "PATH", old: "", new: "/bin" }, "var PATH changed (unset → /bin)"],
  [{ cause: "tool-changed", name: "avr", old: digest("a"), new: digest("b") }, "tool avr changed (aaaaaaaa → bbbbbbbb)"],
  [{ cause: "rule-changed", name: "cxx", old: "", new: "" }, "rule cxx changed"],
  [{ cause: "first-build" }, "never built here"],
  [{ cause: "forced" }, "asked for"],
  [{ cause: "evicted" }, "its result was evicted from the cache"],
];
for (const [cause, text] of table) test(text, () => assert.is(causeText(cause), text));

test("the first of several, and how many more", () => {
  assert.is(causesText([]), "");
  assert.is(causesText([{ cause: "forced" }, { cause: "evicted" }, { cause: "first-build" }]), "asked for (and 2 more)");
});

test.run();
