/** The memo: a digest is known for exactly the signature that it was remembered with. */
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Lmdb } from "../../cache/lmdb.ts";
import { LocalMemo } from "../../cache/memo.ts";
import { isYoung, sameSignature } from "../../engine/files.ts";
import type { Signature } from "../../engine/types.ts";
import { sha, temporary } from "./help.ts";

const s: Signature = {
  dev: 2049n,
  ino: 18446744073709551615n,
  size: 5n,
  mtimeNs: 1_700_000_000_123_456_789n,
  ctimeNs: 1_700_000_000_123_456_790n,
};
const other: Signature[] = (["dev", "ino", "size", "mtimeNs", "ctimeNs"] as const).map((field) => ({ ...s, [field]: s[field] - 1n }));

test("digests by path and signature, in this process and the next", async () => {
  const folder = join(temporary(), "db");
  const db = new Lmdb(folder);
  const memo = new LocalMemo(db);
  memo.remember("src/a.c", s, sha("a"));
  memo.remember("src/b.c", s, sha("b"));
  const check = (m: LocalMemo) => {
    assert.is(m.digest("src/a.c", { ...s }), sha("a"));
    assert.is(m.digest("src/b.c", s), sha("b"));
    assert.is(m.digest("src/c.c", s), undefined);
    for (const o of other) assert.is(m.digest("src/a.c", o), undefined);
  };
  check(memo);
  await db.close();
  const again = new Lmdb(folder);
  check(new LocalMemo(again));
  const memo2 = new LocalMemo(again);
  memo2.remember("src/a.c", { ...s, size: 6n }, sha("A"));
  again.flush();
  const memo3 = new LocalMemo(again);
  assert.is(memo3.digest("src/a.c", { ...s, size: 6n }), sha("A"));
  assert.is(memo3.digest("src/a.c", s), undefined);
  await again.close();
});

test("values of any name", async () => {
  const folder = join(temporary(), "db");
  const names = ["", "includes:abc", "ü".repeat(300), "x".repeat(5000), "x".repeat(5001)];
  const db = new Lmdb(folder);
  const memo = new LocalMemo(db);
  for (const [i, n] of names.entries()) memo.setValue(n, JSON.stringify({ i, text: "€".repeat(i * 1000) }));
  await db.close();
  const again = new Lmdb(folder);
  const memo2 = new LocalMemo(again);
  for (const [i, n] of names.entries()) assert.equal(JSON.parse(memo2.value(n) ?? "null"), { i, text: "€".repeat(i * 1000) });
  assert.is(memo2.value("other"), undefined);
  memo2.setValue("", "1");
  assert.is(memo2.value(""), "1");
  await again.close();
});

test("signatures: equal in all five, racy when not older than their disk's clock", () => {
  assert.ok(sameSignature(s, { ...s }));
  for (const o of other) assert.not.ok(sameSignature(s, o));
  for (const [now, dev, racy] of [
    [s.ctimeNs, s.dev, true],
    [s.ctimeNs + 1n, s.dev, false],
    [s.mtimeNs, s.dev, true],
    [s.ctimeNs + 1n, 1n, true],
    [s.ctimeNs + 2_000_000_000n, 1n, true],
    [s.ctimeNs + 2_000_000_001n, 1n, false],
  ] as const)
    assert.is(isYoung(s, now, dev), racy, `${now} ${dev}`);
  assert.ok(isYoung({ ...s, mtimeNs: s.ctimeNs + 5n }, s.ctimeNs + 1n, s.dev));
});

test.run();
