/** A sequence of edits and runs: made from a seed and played at once, played again with parts left out, and made as short as it can be. */
import { Random } from "../../random.ts";
import { Generator } from "./generator.ts";
import { firstIni, iniText } from "./ini.ts";
import type { ProjectKind } from "./kind.ts";
import { type Op, opText } from "./ops.ts";
import { Broken, Stage } from "./stage.ts";

const ROUNDS = 6;
/** Making a failing sequence shorter takes no longer. */
const SHRINK_MS = 150_000;

export interface Tally {
  runs: number;
  asked: number;
  askedGood: number;
  edits: number;
}

/** Plays what the seed says. Throws Broken with the shortest sequence that was found to break the law. */
export async function sequence(kind: ProjectKind, seed: number, sh: boolean, tally: Tally): Promise<void> {
  const random = new Random(seed);
  const stage = newStage(kind);
  const done: Op[] = [];
  const play = async (op: Op): Promise<boolean> => {
    done.push(op);
    const good = await stage.apply(op);
    if (op.do !== "run") tally.edits++;
    else {
      tally.runs++;
      if (op.check) tally.asked++;
      if (op.check && good) tally.askedGood++;
    }
    return good;
  };
  try {
    const generator = new Generator(random, kind, stage.place.folder);
    for (const op of generator.begin()) await play(op);
    let good = true;
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) for (const op of generator.edits(!good)) await play(op);
      good = await play(generator.run(round === ROUNDS - 1, sh));
      if (good) generator.remember();
    }
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    const short = await shrink(kind, done, error);
    throw new Broken(
      error.kind,
      `the law is broken (${kind.name}) by\n${short.ops.map((op) => `  ${opText(op)}\n`).join("")}${short.error.message}`,
    );
  } finally {
    stage.close();
  }
}

function newStage(kind: ProjectKind): Stage {
  return new Stage(iniText(firstIni(kind.ini), kind.ini));
}

/** What the operations break, or null. */
async function replay(kind: ProjectKind, ops: readonly Op[]): Promise<Broken | null> {
  const stage = newStage(kind);
  try {
    for (const op of ops) await stage.apply(op);
    return null;
  } catch (error) {
    if (error instanceof Broken) return error;
    throw error;
  } finally {
    stage.close();
  }
}

/** The operations without those that it needs not: halves first, then single ones. */
async function shrink(kind: ProjectKind, ops: readonly Op[], error: Broken): Promise<{ ops: readonly Op[]; error: Broken }> {
  const until = Date.now() + SHRINK_MS;
  let best = { ops, error };
  for (let size = Math.ceil(ops.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    // The last operation asks the law; without it there is nothing to see.
    for (let at = best.ops.length - 1 - size; at > -size; at -= size) {
      if (Date.now() > until) return best;
      const from = Math.max(0, at);
      const fewer = [...best.ops.slice(0, from), ...best.ops.slice(at + size)];
      const found = await replay(kind, fewer);
      if (found?.kind === error.kind) best = { ops: fewer, error: found };
    }
  }
  return best;
}
