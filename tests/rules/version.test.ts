/** Versions, their order, and ranges: the usual ones by hand, PlatformIO's answers to many in ../parity. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { castVersion, compareVersions, inRange, parseRange, readVersion, versionText } from "../../rules/version.ts";

const RANGES: readonly (readonly [range: string, inside: readonly string[], outside: readonly string[]])[] = [
  ["*", ["0.0.1", "9.9.9"], []],
  ["1.2.3", ["1.2.3"], ["1.2.4", "1.2.3-rc.1"]],
  ["==1.2", ["1.2.0", "1.2.9"], ["1.3.0"]],
  ["^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0", "2.0.0-rc.1"]],
  ["^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]],
  ["^0.0.3", ["0.0.3"], ["0.0.4"]],
  ["^1", ["1.0.0", "1.9.9"], ["2.0.0"]],
  ["~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]],
  ["~1", ["1.9.0"], ["2.0.0"]],
  [">=1.0,<2.0", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.0"]],
  [">1.2", ["1.3.0"], ["1.2.9"]],
  ["<=1.2", ["1.2.9"], ["1.3.0"]],
  ["!=1.0.0", ["1.0.1", "1.0.1-rc.1"], ["1.0.0", "1.0.0-rc.1", "1.0.0+b"]],
  ["!=1.0.0-", ["1.0.0-rc.1"], ["1.0.0"]],
  ["!=1.0.0+", ["1.0.0+b", "1.0.0-rc.1"], ["1.0.0"]],
  ["!=1.0", ["0.9.9", "1.1.0"], ["1.0.5"]],
  ["<2.0.0", ["1.9.9"], ["2.0.0-rc.1", "2.0.0"]],
  ["<2.0.0-rc.2", ["2.0.0-rc.1"], ["2.0.0-rc.2"]],
  ["==1.0.0+", ["1.0.0"], ["1.0.0+b"]],
  ["==1.0.0", ["1.0.0", "1.0.0+b"], ["1.0.0-rc.1"]],
  ["==1.0.0+b", ["1.0.0+b"], ["1.0.0", "1.0.0+c"]],
  ["1.*", ["1.4.0"], ["2.0.0"]],
  ["<2.0.0-", ["2.0.0-rc.1"], ["2.0.0"]],
];

for (const [range, inside, outside] of RANGES) {
  test(`range ${range}`, () => {
    for (const text of inside) assert.is(inRange(text, range), true, text);
    for (const text of outside) assert.is(inRange(text, range), false, text);
  });
}

for (const range of ["", "1.2.x", "x", ">= 1.2", ">=1.2, <2", "latest", "https://x", "^1.2.3+4", "!=*", "01.2", "1.2-rc1", "1 || 2"])
  test(`"${range}" is no range`, () => {
    const read = parseRange(range);
    assert.is(read.ok, false);
    if (!read.ok) assert.ok(range.split(",").includes(read.block), read.block);
  });

test("versions order as semver says", () => {
  const order = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0",
    "1.0.1",
    "1.10.0",
    "20240101123456789012.0.0",
    "20240101123456789013.0.0",
  ];
  for (const [i, text] of order.entries()) {
    const [a, b] = [readVersion(text), readVersion(order[i + 1] ?? text)];
    if (a === null || b === null) throw new Error(text);
    assert.ok(i === order.length - 1 ? compareVersions(a, b) === 0 : compareVersions(a, b) < 0, text);
  }
});

const CAST: readonly (readonly [text: string, version: string | null])[] = [
  ["1.2", "1.2.0"],
  ["1.2.3.4", "1.2.3+4"],
  ["v1.2.3", "0.0.0+v1.2.3"],
  ["abc1234", "0.0.0+sha.abc1234"],
  ["7.3.0-atmel3.6.1-arduino7", "7.3.0-atmel3.6.1-arduino7"],
  ["01.02", "1.2.0"],
  ["v1 beta", null],
  ["", null],
];
for (const [text, version] of CAST)
  test(`the version of "${text}"`, () => {
    const cast = castVersion(text);
    assert.is(cast === null ? null : versionText(cast), version);
  });

test.run();
