/** Everything fb does when the quick answer of cli/fb.ts does not apply: parses the command and hands it to its verb. */
import type { EventSink } from "../engine/types.ts";
import { type Command, parseCommand } from "./args.ts";
import { build } from "./build.ts";
import type { HostRunner } from "./host/lanes.ts";
import { watchSignals } from "./host/signals.ts";
import { projectFolder } from "./open-project.ts";
import { renderFailure } from "./show/text.ts";

/** Runs one command; the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const parsed = parseCommand(argv);
  if (!parsed.ok) {
    process.stderr.write(renderFailure(parsed.failure, { color: false }));
    return parsed.failure.exit;
  }
  return perform(parsed.value);
}

async function perform(command: Command): Promise<number> {
  if (command.verb !== "run") return 2;
  const folder = projectFolder(command.dir);
  if (!folder.ok) {
    process.stderr.write(renderFailure(folder.failure, { color: false }));
    return folder.failure.exit;
  }
  let runner: HostRunner | null = null;
  const signals = watchSignals(() => runner?.killNow());
  const sink: EventSink = { emit: (e) => process.stdout.write(`${JSON.stringify(e)}\n`) };
  const built = await build(folder.value, command, { sink, stop: signals.stop, onWait: () => {}, onRunner: (r) => (runner = r) });
  signals.close();
  return built.result.exitCode;
}

process.exitCode = await main(process.argv.slice(2));
