/** The last result of a request said again, because all that it rests on still stands: as text, or as the events of a run that had nothing to do. */
import { diagnostic } from "../engine/failure.ts";
import { targetText } from "./args.ts";
import type { RunCommand } from "./command.ts";
import { version } from "./home.ts";
import type { Payload } from "./payload.ts";
import { sayAgain } from "./say.ts";
import { jsonLine } from "./show/json.ts";

/** payload: of the snapshot; dir: the real path of the project's folder; t: milliseconds that it took to find out. */
export function answer(payload: string, command: RunCommand, dir: string, t: number): void {
  const { envs, profile, notes, result, said } = JSON.parse(payload) as Payload;
  if (!command.json) return sayAgain(said, t);
  const now = { ...result, t, ms: t };
  const plan = { type: "plan", t, envs, profile, actions: result.actions, files: 0, final: true } as const;
  const hello = { type: "hello", t: 0, schema: 1, version, project: dir, request: command.targets.map(targetText) } as const;
  const events = [hello, plan, ...notes.map((note) => diagnostic(0, note)), now];
  sayAgain(said, t, events.map((e) => `${jsonLine(e)}\n`).join(""));
}
