/** A watch measured: milliseconds from a save to the start of the compiler, as its events tell. */
import { spawn } from "node:child_process";
import { setTimeout as after } from "node:timers/promises";
import { edit } from "./projects.ts";

/** A process that has just ended its run still closes what it had open. */
const REST_MS = 300;
const LIMIT_MS = 60_000;

/** argv: of a watch that says its events as JSON; file: what is edited, `count` times. */
export async function savesToStarts(
  argv: readonly string[],
  cwd: string,
  vars: Readonly<Record<string, string>>,
  file: string,
  count: number,
): Promise<number[]> {
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, { cwd, env: { ...process.env, ...vars }, stdio: ["ignore", "pipe", "ignore"] });
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  let text = "";
  let wake = () => {};
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
    wake();
  });
  child.on("close", () => wake());
  /** When the first line with this type came, after those that were taken; forgets all up to it. */
  const heard = async (type: string): Promise<number> => {
    for (;;) {
      const at = text.indexOf(`{"type":"${type}"`);
      if (at >= 0) {
        text = text.slice(at + 1);
        return performance.now();
      }
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${argv.join(" ")} ended before "${type}"`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const times: number[] = [];
  try {
    await heard("result");
    for (let turn = 0; turn <= count; turn++) {
      await after(REST_MS);
      const saved = performance.now();
      edit(file, turn);
      const started = await heard("start");
      await heard("result");
      // The first one compiles code that later ones find compiled.
      if (turn > 0) times.push(started - saved);
    }
  } finally {
    clearTimeout(limit);
    child.kill("SIGINT");
    if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once("close", resolve));
  }
  return times;
}
