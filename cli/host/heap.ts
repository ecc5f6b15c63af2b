/**
 * The garbage of a large build, collected before V8 would.
 *
 * V8 lets the heap of a long run grow to three times what is alive: 505 MB at the most of a build of 30,000 actions. To collect all of 100 MB alive takes some
 * 50 ms, and there is 4 KB of garbage an action, so a collection at each 20 MB costs less than 1 % of such a build. A build of under 80 MB is left to V8.
 */
const LEAST = 80 * 2 ** 20;
/** What may come on top of what was alive: a part of it, and what V8 keeps for new objects. */
const PART = 0.15;
const YOUNG = 20 * 2 ** 20;
/** To ask takes 20 microseconds. */
const EVERY = 32;

let collect: (() => void) | null = null;
let limit = LEAST;
let calls = 0;

/** Collects if much came since the last time. To be called often: at each event of a run. */
export function keepHeapSmall(): void {
  calls++;
  if (calls % EVERY === 0) collectGarbage();
}

/** The same, at once: before much is to be allocated. */
export function collectGarbage(): void {
  if (inUse() < limit) return;
  collect ??= exposed();
  collect();
  limit = Math.max(LEAST, inUse() * (1 + PART) + YOUNG);
}

// node:v8 and node:vm are not loaded by builds that need neither: that takes 2 ms.
function inUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function exposed(): () => void {
  const { setFlagsFromString } = process.getBuiltinModule("node:v8");
  setFlagsFromString("--expose-gc");
  const gc = process.getBuiltinModule("node:vm").runInNewContext("gc") as () => void;
  // V8 takes no compiled code that was kept under other flags (cli/compiled.ts).
  setFlagsFromString("--no-expose-gc");
  return () => {
    // Code that was not called for six collections would be thrown away, and then not be kept.
    setFlagsFromString("--no-flush-bytecode");
    gc();
    setFlagsFromString("--flush-bytecode");
  };
}
