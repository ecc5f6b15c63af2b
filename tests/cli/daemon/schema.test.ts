import { test } from "uvu";
import * as assert from "uvu/assert";
import { choice, flag, list, options, orNull, seconds, text, whole, wrongWith } from "../../../cli/daemon/schema.ts";

const schema = options(
  {
    name: text("n"),
    mode: choice("m", "a", "b"),
    many: list(text("one"), "l"),
    count: whole("c", 1, 9),
    time: seconds("t"),
    on: flag("o"),
    or: orNull(text("x")),
  },
  "name",
);

test("what a body may hold", () => {
  for (const good of [
    { name: "" },
    { name: "x", mode: "b", many: ["p", ""], count: 9, time: 0.5, on: false, or: null },
    { name: "x", other: [1], mode: null },
  ])
    assert.is(wrongWith(good, schema), null, JSON.stringify(good));
});

test("what is wrong with one, by name", () => {
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [null, /body must be a JSON object/],
    [[], /JSON object/],
    [7, /JSON object/],
    [{}, /lacks "name"/],
    [{ name: null }, /lacks "name"/],
    [{ name: 7 }, /"name" must be a text/],
    [{ name: "a\0b" }, /NUL/],
    [{ name: "x".repeat(5000) }, /longer/],
    [{ name: "x", mode: "c" }, /"mode" must be one of a, b/],
    [{ name: "x", many: "y" }, /"many" must be a list/],
    [{ name: "x", many: ["y", 7] }, /"many"\[1\] must be a text/],
    [{ name: "x", many: Array(2000).fill("") }, /more than 1000/],
    [{ name: "x", count: 0 }, /"count" must be a whole number from 1 to 9/],
    [{ name: "x", count: 1.5 }, /whole number/],
    [{ name: "x", time: -1 }, /"time" must be a number from 0/],
    [{ name: "x", time: "5" }, /"time"/],
    [{ name: "x", on: 1 }, /"on" must be true or false/],
    [JSON.parse('{"__proto__": {"name": "x"}}'), /lacks "name"/],
  ];
  for (const [body, says] of wrong) assert.match(wrongWith(body, schema) ?? "nothing", says);
});

test.run();
