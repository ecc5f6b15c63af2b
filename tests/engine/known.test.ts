/** The columns of known files say what was entered, also when rows are used again and widened. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { KnownFiles } from "../../engine/known.ts";
import type { Digest, Signature } from "../../engine/types.ts";

const signature = (n: number): Signature => ({
  dev: 1n,
  ino: BigInt(n),
  size: BigInt(n * 2),
  mtimeNs: 10n ** 18n + BigInt(n),
  ctimeNs: -1n,
});
const digest = (n: number) => `d${n}` as Digest;

test("what was entered is there, what was taken out is not", () => {
  const known = new KnownFiles();
  for (let i = 0; i < 300; i++) known.set(`f${i}`, digest(i), signature(i), i % 3 === 0);
  for (let i = 0; i < 300; i += 2) known.delete(`f${i}`);
  for (let i = 300; i < 500; i++) known.set(`f${i}`, digest(i), signature(i), false);
  for (let i = 0; i < 500; i++) {
    const there = i >= 300 || i % 2 === 1;
    assert.is(known.has(`f${i}`), there);
    assert.is(known.digest(`f${i}`), there ? digest(i) : undefined);
    assert.equal(known.before(`f${i}`), there ? signature(i) : null);
    assert.is(known.isYoung(`f${i}`), there && i < 300 && i % 3 === 0);
  }
  assert.equal([...known.looked()].length, 350);
  assert.equal([...known.young()].map(([path]) => path).slice(0, 3), ["f3", "f9", "f15"]);
  known.setOld("f3");
  assert.not(known.isYoung("f3"));
});

test("a file that is entered again is entered since", () => {
  const known = new KnownFiles();
  known.set("a", digest(1), signature(1), false);
  const mark = known.mark;
  assert.not(known.isSince("a", mark));
  known.delete("a");
  assert.not(known.isSince("a", mark));
  known.set("a", digest(2), signature(2), false);
  assert.ok(known.isSince("a", mark));
  assert.is(known.digest("a"), digest(2));
});

test("what was carried is known, and was not looked at", () => {
  const known = new KnownFiles();
  known.carry("a", digest(1), new BigUint64Array([1n, 2n, 3n, 4n, 5n]));
  known.set("b", digest(2), signature(2), false);
  assert.is(known.digest("a"), digest(1));
  assert.equal(known.before("a"), { dev: 1n, ino: 2n, size: 3n, mtimeNs: 4n, ctimeNs: 5n });
  assert.equal(
    [...known.looked()].map(([path]) => path),
    ["b"],
  );
  assert.ok(known.isSame("b", signature(2)));
  for (const part of ["dev", "ino", "size", "mtimeNs", "ctimeNs"] as const)
    assert.not(known.isSame("b", { ...signature(2), [part]: signature(2)[part] + 1n }), part);
  assert.not(known.isSame("c", signature(2)));
  known.set("a", digest(3), signature(3), true);
  assert.is([...known.looked()].length, 2);
  assert.equal([...known.young()], [["a", signature(3)]]);
  known.delete("a");
  assert.equal([...known.young()], []);
  known.set("a", digest(3), signature(3), false);
  known.carry("b", digest(2), new BigUint64Array(5));
  assert.equal(
    [...known.looked()].map(([path]) => path),
    ["a"],
  );
});

test.run();
