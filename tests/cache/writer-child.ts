/**
 * A build as the cache sees it, for the tests: puts blobs, records results, looks up its own and others', restores them and checks what comes.
 * Arguments: cache folder, name, number of actions (0: until killed). Prints "recorded I" once a record is committed; exits 1 if anything wrong came back.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyOf, open, sha, someReads, someResult, staticKeyOf } from "./help.ts";

const [, , folder = "", name = "", count = "0"] = process.argv;
const contentOf = (n: string, i: number) => `${n}:${i} `.repeat(2000);
const dir = mkdtempSync(join(tmpdir(), "fb-writer-"));
process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
mkdirSync(join(dir, "out"));
const cache = open(folder);

function lookUp(n: string, i: number): boolean {
  const result = cache.actions.get(keyOf(`${n} ${i}`));
  if (result === undefined) return false;
  const output = result.outputs[0];
  const text = contentOf(n, i);
  if (
    output === undefined ||
    output.digest !== sha(text) ||
    result.log !== `warning: ${n}-${i}\n\0 und so weiter: ü` ||
    result.reads.length !== 8
  )
    throw new Error(`wrong record ${n} ${i}`);
  const to = join(dir, "out", "file");
  if (cache.blobs.restore(output.digest, output.size, to, false) !== "done") {
    cache.actions.drop(keyOf(`${n} ${i}`));
    return false;
  }
  if (readFileSync(to, "utf8") !== text) throw new Error(`wrong content ${n} ${i}`);
  return true;
}

const last = count === "0" ? Number.POSITIVE_INFINITY : Number(count);
for (let i = 0; i < last; i++) {
  const text = contentOf(name, i);
  const file = join(dir, "in");
  writeFileSync(file, text);
  cache.blobs.put(file, sha(text));
  cache.actions.record(staticKeyOf(`shared ${i % 10}`), keyOf(`${name} ${i}`), {
    ...someResult(`${name}-${i}`, [text]),
    reads: someReads(8, `${name} ${i % 3}`),
  });
  cache.memo.setValue(`${name} ${i}`, `${i}`);
  if (i % 5 === 4) {
    const flushed = cache.flush();
    if (!flushed.ok) throw new Error(flushed.failure.message);
    writeFileSync(1, `recorded ${i}\n`);
  }
  for (const n of ["1", "2", "3"]) lookUp(n, Math.max(0, i - 2));
  // Timers of the cache get their turn.
  await new Promise((resolve) => setImmediate(resolve));
}
const closed = await cache.close();
if (!closed.ok) throw new Error(closed.failure.message);
// What went wrong with a blob loses its record.
for (const { code, message } of cache.troubles()) if (code === "cache.changed") throw new Error(message);
