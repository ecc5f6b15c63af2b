/** Pages of the cache's database that silently became other ones: found before LMDB meets them, and nothing is found in a database that is whole. */
import { spawnSync } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Lmdb, type TableName, tableNames } from "../../cache/lmdb.ts";
import { misplacedPages } from "../../cache/page-places.ts";
import { newSeed, Random } from "../random.ts";
import { checker, keyOf, open, sha, someResult, staticKeyOf, temporary } from "./help.ts";

const PAGE = 4096;
const random = new Random(newSeed());

const fileOf = (folder: string) => join(folder, "data.mdb");

function look(folder: string, leaves = true): string | null {
  const fd = openSync(fileOf(folder), "r");
  try {
    return misplacedPages(fd, leaves);
  } finally {
    closeSync(fd);
  }
}

/** Some entries of some tables put, removed, put again in other lengths, or a table emptied: what an action, a collection or a long run leave. */
function change(db: Lmdb, most: number): void {
  const failure = db.transact(() => {
    for (let i = random.below(60); i >= 0; i--) {
      const table: TableName = random.pick(tableNames);
      const key = Buffer.from(sha(`${random.below(most)}`), "hex");
      const deed = random.below(40);
      if (deed === 0 && random.below(8) === 0) db.clear(table);
      else if (deed < 14) db.remove(table, key);
      else db.put(table, key, Buffer.alloc(random.pick([10, 150, 150, 1500, 5000, 20_000]), deed));
    }
  });
  assert.is(failure, null);
}

async function database(changes: number): Promise<string> {
  const folder = join(temporary(), "actions");
  mkdirSync(folder);
  for (let left = changes; left > 0; ) {
    const db = new Lmdb(folder);
    for (let i = 1 + random.below(5); i > 0 && left > 0; i--, left--) change(db, 120);
    await db.close();
  }
  return folder;
}

test("a database that is whole: after any changes, by one process or by several openings, of any size", async () => {
  for (let round = 0; round < 3; round++) {
    const folder = join(temporary(), "actions");
    mkdirSync(folder);
    for (let opened = 0; opened < 12; opened++) {
      const db = new Lmdb(folder);
      for (let i = random.below(8); i >= 0; i--) {
        change(db, [40, 400, 4000][round] ?? 0);
        assert.is(look(folder), null);
      }
      await db.close();
      assert.is(look(folder), null);
    }
  }
});

test("any page in the place of any other: found, or reading and writing go well", async () => {
  const folder = await database(30);
  const whole = readFileSync(fileOf(folder));
  const pages = whole.length / PAGE;
  const copy = join(temporary(), "actions");
  mkdirSync(copy);
  let found = 0;
  let harmless = 0;
  for (let i = 0; i < 2000 && (harmless < 12 || found < 12); i++) {
    const [from, to] = [random.below(pages), random.below(pages)];
    const damaged = Buffer.from(whole);
    whole.copy(damaged, to * PAGE, from * PAGE, (from + 1) * PAGE);
    if (damaged.equals(whole)) continue;
    writeFileSync(fileOf(copy), damaged);
    if (look(copy) !== null) {
      found++;
      continue;
    }
    if (++harmless > 12) continue;
    const [program = "", ...args] = checker;
    const ran = spawnSync(program, [...args, copy], { encoding: "utf8" });
    assert.equal([ran.status, ran.signal], [0, null], `page ${from} in the place of ${to}: ${ran.stderr}`);
  }
  assert.ok(found >= 12, `${found} found, ${harmless} not`);
});

test("bits that flipped in the list of free pages: found, or another list that LMDB takes", async () => {
  const folder = await database(30);
  const whole = readFileSync(fileOf(folder));
  const meta = whole.readBigUInt64LE(152) > whole.readBigUInt64LE(PAGE + 152) ? 0 : PAGE;
  const list = Number(whole.readBigUInt64LE(meta + 88)) * PAGE;
  let found = 0;
  for (let i = 0; i < 200; i++) {
    const damaged = Buffer.from(whole);
    const at = list + random.below(PAGE);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
    writeFileSync(fileOf(folder), damaged);
    if (look(folder) !== null) found++;
  }
  assert.ok(found > 10, `${found} of 200`);
});

test("a cache with such a page begins a new database, with one warning, and all goes on", async () => {
  const folder = temporary();
  const c = open(folder);
  for (let i = 0; i < 200; i++) c.actions.record(staticKeyOf(`s${i}`), keyOf(`k${i}`), someResult(`r${i}`));
  await c.close();
  const file = join(folder, "actions", "data.mdb");
  const bytes = readFileSync(file);
  const { atime, mtime } = statSync(file);
  const meta = bytes.readBigUInt64LE(152) > bytes.readBigUInt64LE(PAGE + 152) ? 0 : PAGE;
  const list = Number(bytes.readBigUInt64LE(meta + 88));
  bytes.copy(bytes, list * PAGE, 2 * PAGE, 3 * PAGE);
  writeFileSync(file, bytes);
  // The time of the last write says nothing.
  utimesSync(file, atime, mtime);
  assert.is(look(join(folder, "actions"), false), `page ${list} is another one`, "beside other processes too");
  const again = open(folder);
  const [warning, more] = again.troubles();
  assert.equal([warning?.code, warning?.severity, more], ["cache.moved-aside", "warning", undefined]);
  assert.match(warning?.message ?? "", new RegExp(`was damaged \\(page ${list} is another one\\)`));
  again.actions.record(staticKeyOf("s"), keyOf("k"), someResult("new"));
  assert.ok((await again.close()).ok);
  const last = open(folder);
  assert.equal([last.troubles(), last.actions.get(keyOf("k"))], [[], someResult("new")]);
  await last.close();
});

test("a file that is as it was left is not looked at again; a copy of it is", async () => {
  const folder = temporary();
  const c = open(folder);
  c.actions.record(staticKeyOf("s"), keyOf("k"), someResult("r"));
  await c.close();
  const left = () => readFileSync(join(folder, "open", "left"), "utf8");
  const before = left();
  const reader = open(folder);
  assert.equal(reader.actions.get(keyOf("k")), someResult("r"));
  await reader.close();
  assert.is(left(), before);
  const file = join(folder, "actions", "data.mdb");
  copyFileSync(file, `${file}.copy`);
  copyFileSync(`${file}.copy`, file);
  const copied = open(folder);
  assert.equal(copied.troubles(), []);
  assert.equal(copied.actions.get(keyOf("k")), someResult("r"));
  await copied.close();
  assert.is.not(left(), before);
});

test.run();
