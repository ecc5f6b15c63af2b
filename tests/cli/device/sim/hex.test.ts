import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadHex } from "../../../../cli/device/sim/hex.ts";

/** A record with the checksum that makes its bytes sum to nothing. */
function record(type: number, address: number, data: readonly number[]): string {
  const bytes = [data.length, address >> 8, address & 0xff, type, ...data];
  const sum = bytes.reduce((n, byte) => n + byte, 0);
  return `:${Buffer.from([...bytes, -sum & 0xff]).toString("hex")}\n`;
}

const END = record(1, 0, []);

function load(text: string): Uint8Array | string {
  const flash = new Uint8Array(0x20010).fill(0xff);
  const loaded = loadHex(text, flash, "a.hex");
  return loaded.ok ? flash : `${loaded.failure.file}:${loaded.failure.line}: ${loaded.failure.message}`;
}

test("data lies where its record and the base before it say", () => {
  const text = record(0, 2, [1, 2]) + record(2, 0, [0x10, 0]) + record(0, 3, [3]) + record(4, 0, [0, 2]) + record(0, 0xf, [4]) + END;
  const flash = load(text);
  if (typeof flash === "string") throw new Error(flash);
  assert.equal(
    [2, 3, 0x10003, 0x2000f].map((at) => flash[at]),
    [1, 2, 3, 4],
  );
  assert.is(flash.filter((byte) => byte !== 0xff).length, 4);
});

const bad: readonly (readonly [string, string, RegExp])[] = [
  ["no record", "hello\n", /^a\.hex:1: .*no record/],
  ["a wrong checksum", `${END.slice(0, -3)}00\n`, /^a\.hex:1: .*checksum/],
  ["too few bytes", ":0500000001FA\n", /^a\.hex:1: .*has 1 bytes of data, its count says 5/],
  ["beyond the flash", record(4, 0, [0, 2]) + record(0, 0xf, [1, 2]) + END, /^a\.hex:2: .*0x20010.*131088 bytes/],
  ["an unknown type", record(9, 0, []) + END, /^a\.hex:1: .*type 9/],
  ["no end", record(0, 0, [1]), /^a\.hex:0: .*no end/],
];
for (const [name, text, message] of bad)
  test(`a file with ${name} is refused`, () => {
    const said = load(text);
    assert.match(typeof said === "string" ? said : "loaded", message);
  });

test.run();
