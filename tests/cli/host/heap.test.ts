/** The heap of a process that makes garbage stays small, and code that it keeps is taken by the next one: no flag of V8 stays changed. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";

const heap = join(import.meta.dirname, "../../../cli/host/heap.ts");

/** 40 arrays of 1 MB are alive at a time. Left to V8, the heap comes to 350 MB. */
const PROGRAM = `
import { cachedDataVersionTag, getHeapStatistics } from "node:v8";
import { keepHeapSmall } from ${JSON.stringify(heap)};
const before = cachedDataVersionTag();
const kept = [];
let most = 0;
for (let i = 0; i < 3000; i++) {
  kept.push(Array.from({ length: 16_000 }, (_, k) => ({ k })).length > 0 ? new Array(120_000).fill(i + 0.5) : null);
  if (kept.length > 40) kept.shift();
  for (let call = 0; call < 8; call++) keepHeapSmall();
  most = Math.max(most, getHeapStatistics().used_heap_size);
}
console.log(JSON.stringify({ most, same: before === cachedDataVersionTag() }));
`;

function made(): { readonly most: number; readonly same: boolean } {
  const ran = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM], { encoding: "utf8" });
  assert.is(ran.status, 0, ran.stderr);
  return JSON.parse(ran.stdout);
}

test("garbage is collected before it doubles what is alive, and V8's flags are as they were", () => {
  const { most, same } = made();
  assert.ok(same, "kept code would be thrown away");
  assert.ok(most < 125 * 2 ** 20, `${most} bytes at the most`);
});

test.run();
