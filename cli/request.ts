/** The second quick answer, for words that cli/quick.ts has no record of: parsed, they may be a request whose last result still stands. Anything else is for main.cjs. */
import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { checkSnapshot } from "../cache/snapshot.ts";
import { answer } from "./answer.ts";
import { parseCommand, requestKey } from "./args.ts";
import { runMain } from "./compiled.ts";
import { putFound } from "./found.ts";

declare const __FB_BUILD__: string;

if (unchanged(process.argv.slice(2))) process.exit();
runMain();

/** Prints the result of an unchanged request; false if there is none to trust. */
function unchanged(argv: readonly string[]): boolean {
  const began = process.hrtime.bigint();
  const parsed = parseCommand(argv);
  if (!parsed.ok || parsed.value.verb !== "run") return false;
  const command = parsed.value;
  const request = requestKey(command);
  const dirs = new Set(command.targets.map((t) => (t.is === "name" && t.dir !== null && t.dir !== "" ? t.dir : command.dir)));
  if (request === null || dirs.size > 1 || command.verbose || command.why || command.watch) return false;
  const timed = command.timing || command.trace !== null;
  const folder = resolve([...dirs][0] ?? command.dir ?? ".");
  const file = join(folder, ".fb/state/snapshot");
  if (!existsSync(file)) return false;
  const dir = realpathSync(folder);
  const found = checkSnapshot(file, request, { dir, vars: process.env, build: __FB_BUILD__ });
  if (found === null) return false;
  if ("stale" in found) {
    if (found.changed !== null) putFound({ ...found.changed, dir });
    return false;
  }
  // Of an answer that runs nothing there are no times to tell.
  if (timed) return false;
  answer(found.payload, command, dir, Number((process.hrtime.bigint() - began) / 1_000_000n));
  return true;
}
