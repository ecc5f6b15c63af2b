/** Packed values come back as they were, shared where they are equal. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Json, Packer, type Reference, Unpacker } from "../../engine/packed.ts";
import { newSeed, Random } from "../random.ts";

function roundTrip(values: readonly Json[]): Json[] {
  const packer = new Packer();
  const places: Reference[] = values.map((v) => packer.add(v));
  const unpacker = new Unpacker(packer.finish());
  return places.map((p) => unpacker.value(p));
}

test("every kind of value comes back", () => {
  const values: Json[] = [
    "",
    "a",
    "ä𝄞\0\n",
    0,
    -1.5,
    1e300,
    true,
    false,
    null,
    [],
    {},
    [[]],
    [{}],
    { a: [] },
    { a: { b: [1, "1", null] }, c: "" },
  ];
  assert.equal(roundTrip(values), values);
  assert.equal(roundTrip([values]), [values]);
});

test("a string, a scalar's text, a list and a record that hold the same words are not taken for each other", () => {
  const values: Json[] = ["1", 1, "null", null, ["a"], { a: "a" }, [0], [["a"], "a"], ["a", "a"], { "0": 0 }];
  assert.equal(roundTrip(values), values);
});

test("equal parts are one object", () => {
  const flags = () => ["-Os", "-Wall", "-DX=1"];
  const [a, b, c] = roundTrip([
    { name: "a", flags: flags() },
    { name: "b", flags: flags() },
    { name: "a", flags: flags() },
  ]) as [{ flags: Json }, { flags: Json }, Json];
  assert.is(a.flags, b.flags);
  assert.is(a as Json, c);
});

test("a string is found where it begins and ends, not within others", () => {
  const packer = new Packer();
  const strings = ["a/b/c", "b", "", "c", "a", "/", "a/", "b/c", "ä", "aä", "b/"];
  const places = strings.map((s) => packer.add(s));
  const unpacker = new Unpacker(packer.finish());
  for (const [i, s] of strings.entries()) assert.is(unpacker.find(s), s === "" ? null : places[i], s);
  for (const other of ["a/b", "cb", "/c", "bc", "c/", "aa", "äa", "x"]) assert.is(unpacker.find(other), null, other);
  assert.equal(
    unpacker.endingIn("/").map((reference) => unpacker.value(reference)),
    ["/", "a/", "b/"],
  );
});

test("generated values come back", () => {
  const random = new Random(newSeed());
  const make = (depth: number): Json => {
    switch (random.below(depth > 4 ? 3 : 6)) {
      case 0:
        return `s${random.below(50)}`;
      case 1:
        return random.below(40) - 20;
      case 2:
        return [true, false, null][random.below(3)] ?? null;
      case 3:
      case 4:
        return Array.from({ length: random.below(5) }, () => make(depth + 1));
      default:
        return Object.fromEntries(Array.from({ length: random.below(4) }, () => [`k${random.below(6)}`, make(depth + 1)]));
    }
  };
  const values = Array.from({ length: 3000 }, () => make(0));
  assert.equal(roundTrip(values), values);
});

test.run();
