/** Starts a virtual board's process and tells what it says. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { join, dirname } from "node:path";
import type { Said } from "./process.ts";

/** So long it may take to end by itself. */
const GRACE_MS = 1000;

/** Beside this file, or as dist/sim.cjs beside the bundle, whose import.meta.url is a path (scripts/bundle.ts). */
function entry(): string {
  const here = import.meta.url;
  return here.endsWith(".ts") ? fileURLToPath(new URL("process.ts", here)) : join(dirname(here), "sim.cjs");
}

/** argv: as process.ts has it. What it says comes as it says it; stop, or an end of the iteration, ends it. */
export async function* startSim(argv: readonly string[], stop: AbortSignal): AsyncGenerator<Said> {
  const child = spawn(process.execPath, [entry(), ...argv], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  let late: NodeJS.Timeout | null = null;
  // By the end of its stdin, so that it takes along what it has on the disk.
  const end = () => {
    child.stdin.end();
    late ??= setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  };
  const closed = new Promise<void>((resolve) => {
    child.on("error", () => resolve());
    child.on("close", () => resolve());
  });
  if (stop.aborted) end();
  stop.addEventListener("abort", end);
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Said;
  } finally {
    stop.removeEventListener("abort", end);
    end();
    await closed;
    if (late !== null) clearTimeout(late);
  }
}
