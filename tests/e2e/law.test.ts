/**
 * The law of edits, through the real binary: after any edits the requested outputs are, byte for byte, those of a clean build in another folder with an empty
 * cache; what does not build fails there with the same words; and a following run does nothing. tests/engine/law.test.ts asks the same of the engine alone.
 *
 * FB_SEQUENCES=N plays N sequences of each platform instead of the few that CI has time for; FB_SEED=N starts with that seed, and FB_SEQUENCES=1 with it plays
 * that sequence alone; FB_LAW=native or uno leaves out the other. Every tenth is compared with the exported commands too, played by sh.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { NATIVE } from "./edits/native.ts";
import { type Tally, sequence } from "./edits/sequence.ts";
import { UNO } from "./edits/uno.ts";

const seed = Number(process.env["FB_SEED"] ?? 1);
const asked = process.env["FB_SEQUENCES"];
const only = process.env["FB_LAW"];

for (const [kind, few] of [
  [NATIVE, 10],
  [UNO, 3],
] as const) {
  const sequences = Number(asked ?? few);
  if (only !== undefined && only !== kind.name) continue;
  test(`the law of edits, ${kind.name}: ${sequences} sequences from seed ${seed}`, async () => {
    const tally: Tally = { runs: 0, asked: 0, askedGood: 0, edits: 0 };
    for (let i = seed; i < seed + sequences; i++) {
      try {
        await sequence(kind, i, i % 10 === 1, tally);
        if (asked !== undefined) console.log(`${kind.name} ${i}: ${JSON.stringify(tally)}`);
      } catch (error) {
        console.error(`${error instanceof Error ? error.message : error}\nrepeat with FB_LAW=${kind.name} FB_SEED=${i} FB_SEQUENCES=1`);
        throw new Error(`the law of edits is broken by sequence ${i}`);
      }
    }
    // Sequences of nothing but projects that do not build would prove little.
    if (sequences > 9) assert.ok(tally.askedGood * 3 > tally.asked, JSON.stringify(tally));
  });
}

test.run();
