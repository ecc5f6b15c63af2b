/** The third quick answer: a query whose view still stands is answered without LMDB and without a plan. Anything else is for main.cjs. */
import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseCommand } from "./args.ts";
import { runMain } from "./compiled.ts";
import { askView } from "./query/ask.ts";
import { answerText } from "./query/output.ts";
import { isTerminal, say } from "./say.ts";
import { terminalFacts } from "./show/out.ts";
import { renderFailure } from "./show/text.ts";
import { loadView } from "./view/load.ts";

if (!answered(process.argv.slice(2))) runMain();

function answered(argv: readonly string[]): boolean {
  const parsed = parseCommand(argv);
  if (!parsed.ok || parsed.value.verb !== "query") return false;
  const { expr, output, dir, profile } = parsed.value;
  const folder = resolve(dir ?? ".");
  if (!existsSync(join(folder, "platformio.ini"))) return false;
  const loaded = loadView(realpathSync(folder), profile);
  if (loaded === null) return false;
  const found = askView(loaded.view, expr);
  if (found.ok) {
    say(1, answerText(loaded.view, found.value, output));
    return true;
  }
  say(2, renderFailure(found.failure, { color: terminalFacts(isTerminal(2), process.env).color }));
  process.exitCode = found.failure.exit;
  return true;
}
