/** Starts a virtual board's process and tells what it says. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { join, dirname } from "node:path";
import type { Said } from "./process.ts";

/** Beside this file, or as dist/sim.cjs beside the bundle, whose import.meta.url is a path (scripts/bundle.ts). */
function entry(): string {
  const here = import.meta.url;
  return here.endsWith(".ts") ? fileURLToPath(new URL("process.ts", here)) : join(dirname(here), "sim.cjs");
}

/** argv: as process.ts has it. What it says comes as it says it; stop, or an end of the iteration, ends it. */
export async function* startSim(argv: readonly string[], stop: AbortSignal): AsyncGenerator<Said> {
  const child = spawn(process.execPath, [entry(), ...argv], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const kill = () => child.kill("SIGKILL");
  const closed = new Promise<void>((resolve) => {
    child.on("error", () => resolve());
    child.on("close", () => resolve());
  });
  if (stop.aborted) kill();
  stop.addEventListener("abort", kill);
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Said;
  } finally {
    stop.removeEventListener("abort", kill);
    child.stdin.end();
    kill();
    await closed;
  }
}
