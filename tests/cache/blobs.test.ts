/** Blobs: what comes back is what was put, or nothing; the source and the target are never linked to them. */
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  chmodSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LocalBlobs } from "../../cache/blobs.ts";
import type { Failure } from "../../engine/types.ts";
import { sha, temporary } from "./help.ts";

function blobsIn(folder: string): { blobs: LocalBlobs; troubles: Failure[] } {
  const troubles: Failure[] = [];
  return { blobs: new LocalBlobs(join(folder, "blobs"), (f) => troubles.push(f)), troubles };
}

const sizes = [0, 1, 20_000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_500_000];

test("round trips of all sizes, into folders that are not there yet, with modes", () => {
  const folder = temporary();
  const { blobs, troubles } = blobsIn(folder);
  for (const [i, size] of sizes.entries()) {
    const bytes = Buffer.alloc(size, `content ${i}`);
    const file = join(folder, `in${i}`);
    writeFileSync(file, bytes);
    blobs.put(file, sha(bytes));
    for (const executable of [false, true]) {
      const to = join(folder, "out", `${i}`, `${executable}`);
      assert.is(blobs.restore(sha(bytes), size, to, executable), "done");
      assert.ok(readFileSync(to).equals(bytes));
      assert.is(statSync(to).mode & 0o777, executable ? 0o755 : 0o644);
      assert.is(lstatSync(to).nlink, 1);
    }
    assert.is(lstatSync(file).nlink, 1);
    assert.is(lstatSync(blobs.path(sha(bytes))).nlink, 1);
  }
  assert.equal(troubles, []);
  assert.is(
    blobs.takeAdded(),
    sizes.reduce((a, b) => a + b),
  );
});

test("a folder where a blob should be is a damaged blob: it goes, and a put replaces it", () => {
  const folder = temporary();
  const { blobs, troubles } = blobsIn(folder);
  for (const size of [10, 3_000_000]) {
    const bytes = Buffer.alloc(size, "x");
    writeFileSync(join(folder, "in"), bytes);
    mkdirSync(join(blobs.path(sha(bytes)), "inner"), { recursive: true });
    assert.is(blobs.restore(sha(bytes), size, join(folder, "to"), false), "corrupt");
    assert.not.ok(existsSync(blobs.path(sha(bytes))));
    mkdirSync(join(blobs.path(sha(bytes)), "inner"), { recursive: true });
    blobs.put(join(folder, "in"), sha(bytes));
    assert.is(blobs.restore(sha(bytes), size, join(folder, "to"), false), "done");
  }
  assert.equal(troubles, []);
});

test("a restore replaces what is there, also a read-only file", () => {
  const folder = temporary();
  const { blobs } = blobsIn(folder);
  writeFileSync(join(folder, "a"), "new");
  blobs.put(join(folder, "a"), sha("new"));
  writeFileSync(join(folder, "to"), "something longer");
  chmodSync(join(folder, "to"), 0o444);
  assert.is(blobs.restore(sha("new"), 3, join(folder, "to"), false), "done");
  assert.is(readFileSync(join(folder, "to"), "utf8"), "new");
});

test("a blob flipped, cut or longer is corrupt, is deleted, and the target stays as it was", () => {
  const folder = temporary();
  const { blobs } = blobsIn(folder);
  for (const size of [10, 2_000_000]) {
    const bytes = Buffer.alloc(size, "ab");
    const file = join(folder, "in");
    writeFileSync(file, bytes);
    const to = join(folder, `to${size}`);
    writeFileSync(to, "old");
    const damages: ((blob: string) => void)[] = [
      (blob) => {
        const bad = Buffer.from(bytes);
        bad[size - 1] = 0;
        writeFileSync(blob, bad);
      },
      (blob) => truncateSync(blob, size - 1),
      (blob) => truncateSync(blob, 0),
      (blob) => appendFileSync(blob, "x"),
    ];
    for (const damage of damages) {
      blobs.put(file, sha(bytes));
      const blob = blobs.path(sha(bytes));
      chmodSync(blob, 0o644);
      damage(blob);
      assert.is(blobs.restore(sha(bytes), size, to, false), "corrupt");
      assert.not.ok(existsSync(blob));
      assert.is(readFileSync(to, "utf8"), "old");
      assert.is(blobs.restore(sha(bytes), size, to, false), "gone");
      assert.is(readFileSync(to, "utf8"), "old");
    }
    assert.equal(
      readdirSync(folder).filter((n) => n.startsWith(".tmp")),
      [],
    );
  }
});

test("a source whose content is not what was said is not kept", () => {
  const folder = temporary();
  for (const size of [10, 2_000_000]) {
    const { blobs, troubles } = blobsIn(folder);
    const bytes = Buffer.alloc(size, "x");
    writeFileSync(join(folder, "in"), bytes);
    const d = sha("something else");
    blobs.put(join(folder, "in"), d);
    assert.ok(blobs.isLost(d));
    assert.not.ok(existsSync(blobs.path(d)));
    assert.equal(
      troubles.map((t) => [t.code, t.severity]),
      [["cache.changed", "warning"]],
    );
    assert.equal(readdirSync(dirname(blobs.path(d))), []);
  }
});

test("putting what is there only renews its time", () => {
  const folder = temporary();
  const { blobs } = blobsIn(folder);
  writeFileSync(join(folder, "in"), "x");
  blobs.put(join(folder, "in"), sha("x"));
  const blob = blobs.path(sha("x"));
  const before = statSync(blob);
  utimesSync(blob, 1, 1);
  blobs.put(join(folder, "in"), sha("x"));
  assert.is(statSync(blob).ino, before.ino);
  assert.ok(statSync(blob).mtimeMs >= before.mtimeMs - 1000);
});

test("a target that cannot be replaced is the system's error, and leaves nothing behind", () => {
  const folder = temporary();
  const { blobs } = blobsIn(folder);
  writeFileSync(join(folder, "in"), "x");
  blobs.put(join(folder, "in"), sha("x"));
  mkdirSync(join(folder, "to", "full"), { recursive: true });
  assert.throws(() => blobs.restore(sha("x"), 1, join(folder, "to"), false), /EISDIR|ENOTEMPTY|EEXIST/);
  assert.equal(readdirSync(folder).sort(), ["blobs", "in", "to"]);
});

test.run();
