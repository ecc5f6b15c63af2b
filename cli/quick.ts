/**
 * The quick answer. If the last result of this very request still stands, it is said again, before anything heavy is loaded: no LMDB, no parsing of the
 * project, no graph. Anything else is for main.cjs.
 */
import { existsSync, fstatSync, realpathSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { checkSnapshot } from "../cache/snapshot.ts";
import type { Event, Failure } from "../engine/types.ts";
import { parseCommand, requestKey } from "./args.ts";
import type { Payload } from "./keep.ts";
import { jsonLine } from "./show/json.ts";
import { renderSummary } from "./show/summary.ts";
import { terminalFacts } from "./show/out.ts";
import { renderFailure } from "./show/text.ts";

declare const __FB_BUILD__: string;
const version = "0.1.0";

if (!unchanged(process.argv.slice(2))) require("./main.cjs");

/** process.stdout costs 6 ms to set up (streams, net, tty); a write is enough here. */
function say(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === "EAGAIN") continue;
      // A reader that has gone wants no more; what can not be written was not said.
      if (code !== "EPIPE") process.exitCode = 4;
      return;
    }
  }
}

/** A character device is a terminal here: /dev/null takes colours without complaint. */
function isTerminal(fd: 1 | 2): boolean {
  return fstatSync(fd).isCharacterDevice();
}

function noteEvent({ severity, code, message, file, line, column, hint }: Failure): Event {
  return { type: "diagnostic", t: 0, severity, code, message, file, line, column, hint };
}

/** Prints the result of an unchanged request; false if there is none to trust. */
function unchanged(argv: readonly string[]): boolean {
  const began = process.hrtime.bigint();
  const parsed = parseCommand(argv);
  if (!parsed.ok || parsed.value.verb !== "run") return false;
  const command = parsed.value;
  const request = requestKey(command);
  const dirs = new Set(command.targets.map((t) => (t.is === "name" && t.dir !== null && t.dir !== "" ? t.dir : command.dir)));
  if (request === null || dirs.size > 1 || command.verbose || command.why) return false;
  const given = [...dirs][0] ?? command.dir;
  // The folder that a process is in has a real path already.
  const folder = given === null ? process.cwd() : resolve(given);
  const file = join(folder, ".fb/state/snapshot");
  if (!existsSync(file)) return false;
  const dir = given === null ? folder : realpathSync(folder);
  const found = checkSnapshot(file, request, { dir, vars: process.env, build: __FB_BUILD__ });
  if (found === null || !("payload" in found)) return false;
  const { envs, profile, notes, result } = JSON.parse(found.payload) as Payload;
  const t = Number((process.hrtime.bigint() - began) / 1_000_000n);
  const now = { ...result, t, ms: t, ran: 0, hits: 0, failed: 0, upToDate: result.actions };
  const err = terminalFacts(isTerminal(2), process.env);
  for (const note of notes) say(2, renderFailure(note, { color: err.color }));
  if (command.json) {
    const words = command.targets.map((x) => (x.is === "name" ? `${x.dir ?? ""}:${x.name}` : x.path) + (x.env === null ? "" : `@${x.env}`));
    const plan = { type: "plan", t, envs, profile, actions: result.actions, files: 0, final: true } as const;
    say(
      1,
      `${jsonLine({ type: "hello", t: 0, schema: 1, version, project: dir, request: words })}\n${[plan, ...notes.map(noteEvent), now].map((e) => `${jsonLine(e)}\n`).join("")}`,
    );
  } else {
    const { color } = terminalFacts(isTerminal(1), process.env);
    say(1, renderSummary(now, { color, dryRun: false, previousSize: () => null, failed: [] }));
  }
  return true;
}
