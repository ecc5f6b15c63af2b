/** The action cache: what is recorded is found, by this process and the next; read sets stay few and newest first. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { keyOf, open, someReads, someResult, staticKeyOf, temporary } from "./help.ts";

test("a result is found before and after it is written, and by another process's view", async () => {
  const folder = temporary();
  const a = open(folder);
  const results = ["x", "yy", "a.cpp"].map((n) => someResult(n));
  for (const [i, r] of results.entries()) a.actions.record(staticKeyOf(`s${i}`), keyOf(`k${i}`), r);
  const check = (c: ReturnType<typeof open>) =>
    results.forEach((r, i) => {
      assert.equal(c.actions.get(keyOf(`k${i}`)), r);
      assert.equal(c.actions.reads(staticKeyOf(`s${i}`)), [r.reads]);
    });
  check(a);
  await a.actions.flush();
  check(a);
  assert.ok((await a.close()).ok);
  const b = open(folder);
  check(b);
  assert.is(b.actions.get(keyOf("other")), undefined);
  assert.equal(b.actions.reads(staticKeyOf("other")), []);
  assert.equal(b.troubles(), []);
  await b.close();
});

test("a result without outputs, reads or log", async () => {
  const folder = temporary();
  const r = { outputs: [], log: "", reads: [], grown: new Uint8Array(), ms: 0, origin: "" };
  const a = open(folder);
  a.actions.record(staticKeyOf("s"), keyOf("k"), r);
  await a.close();
  const b = open(folder);
  assert.equal(b.actions.get(keyOf("k")), r);
  assert.equal(b.actions.reads(staticKeyOf("s")), [[]]);
  await b.close();
});

test("read sets: newest first, equal ones once and moved to the front, at most eight", async () => {
  const folder = temporary();
  const s = staticKeyOf("s");
  const set = (i: number) => someReads(3, `set${i}`);
  let expected: number[] = [];
  for (const [run, i] of [0, 1, 2, 1, 3, 4, 5, 6, 7, 8, 9, 0, 9].entries()) {
    const c = open(folder);
    c.actions.record(s, keyOf(`k${run}`), { ...someResult(`r${run}`), reads: set(i) });
    expected = [i, ...expected.filter((e) => e !== i)];
    if (run % 3 !== 0) await c.actions.flush();
    assert.equal(c.actions.reads(s).slice(0, 8), expected.slice(0, 8).map(set));
    await c.close();
    expected = expected.slice(0, 8);
  }
  const c = open(folder);
  assert.is(c.actions.reads(s).length, 8);
  await c.close();
});

test("several records of one static key in one batch keep their order", async () => {
  const folder = temporary();
  const a = open(folder);
  for (const i of [1, 2, 3, 2]) a.actions.record(staticKeyOf("s"), keyOf(`k${i}`), { ...someResult("r"), reads: someReads(2, `${i}`) });
  const expected = [2, 3, 1].map((i) => someReads(2, `${i}`));
  assert.equal(a.actions.reads(staticKeyOf("s")), expected);
  await a.close();
  const b = open(folder);
  assert.equal(b.actions.reads(staticKeyOf("s")), expected);
  await b.close();
});

test("what the process had in memory and no record holds is not in the database's file", async () => {
  const folder = temporary();
  const a = open(folder);
  for (let round = 0; round < 40; round++) {
    let freed = 0;
    for (let i = 0; i < 2000; i++) freed += Buffer.from("S3CRET-MARK ".repeat(340)).length;
    assert.is(freed, 2000 * 12 * 340);
    for (let i = 0; i < 20; i++) a.actions.record(staticKeyOf(`s${round}.${i}`), keyOf(`k${round}.${i}`), someResult(`x${round}.${i}`));
    await a.actions.flush();
  }
  await a.close();
  const file = readFileSync(join(folder, "actions", "data.mdb"), "latin1");
  assert.ok(file.length > 100_000);
  assert.not.ok(file.includes("S3CRET-MARK"));
});

test("a dropped result is gone, and can be recorded again", async () => {
  const folder = temporary();
  const a = open(folder);
  a.actions.record(staticKeyOf("s"), keyOf("k"), someResult("x"));
  await a.actions.flush();
  a.actions.drop(keyOf("k"));
  assert.is(a.actions.get(keyOf("k")), undefined);
  await a.actions.flush();
  assert.is(a.actions.get(keyOf("k")), undefined);
  a.actions.record(staticKeyOf("s"), keyOf("k"), someResult("y"));
  assert.equal(a.actions.get(keyOf("k")), someResult("y"));
  await a.close();
  const b = open(folder);
  assert.equal(b.actions.get(keyOf("k")), someResult("y"));
  await b.close();
});

test("entries that hold something else are misses", async () => {
  const folder = temporary();
  const a = open(folder);
  a.actions.record(staticKeyOf("s"), keyOf("k"), someResult("x"));
  await a.actions.flush();
  const key = Buffer.from(keyOf("k"), "hex");
  const good = Buffer.from(a.db.get("results", key) ?? []);
  for (const bad of [
    Buffer.from([]),
    good.subarray(0, 20),
    Buffer.concat([Buffer.from([9]), good.subarray(1)]),
    Buffer.concat([good, good]),
  ]) {
    a.db.transact(() => a.db.put("results", key, bad));
    assert.is(a.actions.get(keyOf("k")), undefined);
  }
  for (let i = 0; i < good.length; i++) {
    const bad = Buffer.from(good);
    bad[i] = (bad[i] as number) ^ (1 << (i % 8));
    a.db.transact(() => a.db.put("results", key, bad));
    assert.is(a.actions.get(keyOf("k")), undefined, `byte ${i}`);
  }
  await a.close();
});

test("a record whose blob could not be kept is not kept", async () => {
  const folder = temporary();
  const a = open(folder);
  const r = someResult("x");
  a.blobs.put(`${folder}/not-there`, r.outputs[0]?.digest ?? ("" as never));
  a.actions.record(staticKeyOf("s"), keyOf("k"), r);
  assert.is(a.actions.get(keyOf("k")), undefined);
  assert.equal(
    a.troubles().map((t) => t.code),
    ["cache.changed"],
  );
  await a.close();
});

test.run();
