import { test } from "uvu";
import * as assert from "uvu/assert";
import { Lines, LONGEST } from "../../../cli/daemon/lines.ts";
import { newSeed, Random } from "../../random.ts";

test("generated: however the bytes are cut, the lines are the same, in order, with their numbers", () => {
  const seed = newSeed();
  for (let round = 0; round < 200; round++) {
    const random = new Random(seed + round);
    const words = Array.from({ length: random.below(40) }, () =>
      Array.from({ length: random.below(12) }, () => random.pick(["a", "é", "\r", "€", "z"])).join(""),
    );
    const rest = random.pick(["", "cut off", "half é"]);
    const all = Buffer.from(words.map((w) => `${w}${random.pick(["\n", "\r\n"])}`).join("") + rest);
    const wanted = all
      .toString()
      .split("\n")
      .slice(0, -1)
      .map((l) => l.replace(/\r$/, ""));
    const lines = new Lines();
    let ended = 0;
    for (let at = 0; at < all.length; ) {
      const to = Math.min(all.length, at + 1 + random.below(9));
      ended += lines.push(all.subarray(at, to));
      at = to;
    }
    assert.equal(lines.since(0, 1e9), { lines: wanted, index: 0 });
    assert.equal([lines.end, ended, lines.partial], [wanted.length, wanted.length, rest]);
    const from = random.below(wanted.length + 1);
    assert.equal(lines.since(from, 3), { lines: wanted.slice(from, from + 3), index: from });
  }
});

test("only the latest are kept; who asks for older ones sees that they are gone", () => {
  const lines = new Lines();
  for (let i = 0; i < 10_000; i++) lines.push(Buffer.from(`line ${i} ${"x".repeat(60)}\n`));
  const { lines: kept, index } = lines.since(0, 1e9);
  assert.ok(index > 0 && index + kept.length === 10_000);
  assert.match(kept[0] ?? "", new RegExp(`^line ${index} `));
  assert.ok(kept.length * 60 > 200_000, "and not too few");
});

test("a line that never ends comes in pieces; bytes that are no UTF-8 do not lose others", () => {
  const lines = new Lines();
  lines.push(Buffer.alloc(LONGEST + 10, 120));
  assert.is(lines.end, 1);
  lines.push(Buffer.from([0xff, 10, 97, 10]));
  assert.equal(lines.since(0, 9).lines, ["x".repeat(LONGEST), `${"x".repeat(10)}\uFFFD`, "a"]);
});

test.run();
