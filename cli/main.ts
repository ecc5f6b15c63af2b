/** Everything fb does when the quick answer of cli/quick.ts does not apply: parses the command and hands it to its verb. */
import { writeSync } from "node:fs";
import { failureOf } from "../engine/failure.ts";
import { parseCommand } from "./args.ts";
import type { Command } from "./command.ts";
import { wentWay } from "./compiled.ts";
import { complain, type Faces, openFaces } from "./faces.ts";
import { watchEarly } from "./host/signals.ts";

/** Runs one command; the exit code. Verbs that are rarely wanted are loaded when they are. */
export async function main(argv: readonly string[]): Promise<number> {
  watchEarly();
  const faces = openFaces(() => {});
  const parsed = parseCommand(argv);
  if (!parsed.ok) return complain(faces, [parsed.failure]);
  try {
    return await perform(parsed.value, faces);
  } catch (error) {
    const known = failureOf(error);
    if (known === null) throw error;
    return complain(faces, [known]);
  }
}

/** Whether a run has come to its end. */
let hasRun = false;

async function perform(command: Command, faces: Faces): Promise<number> {
  wentWay(command.verb);
  switch (command.verb) {
    case "run":
      if (command.watch) return (await import("./verbs/watch.ts")).watchVerb(command, faces);
      return (await import("./verbs/run.ts")).runVerb(command, faces).finally(() => {
        hasRun = true;
      });
    case "monitor":
      return (await import("./verbs/monitor.ts")).monitorVerb(command, faces);
    case "clean":
      return (await import("./verbs/clean.ts")).cleanVerb(command, faces);
    case "config":
      return (await import("./verbs/config.ts")).configVerb(command, faces);
    case "deps":
      return (await import("./verbs/deps.ts")).depsVerb(command, faces);
    case "explain":
      return (await import("./verbs/explain.ts")).explainVerb(command, faces);
    case "boards":
      return (await import("./verbs/boards.ts")).boardsVerb(command, faces);
    case "init":
      return (await import("./verbs/init.ts")).initVerb(command, faces);
    case "doctor":
      return (await import("./verbs/doctor.ts")).doctorVerb(command, faces);
    case "export":
      return (await import("./verbs/export.ts")).exportVerb(command, faces);
    case "query":
      return (await import("./verbs/query.ts")).queryVerb(command, faces);
    case "graph":
      return (await import("./verbs/graph.ts")).graphVerb(command, faces);
    case "size":
      return (await import("./verbs/size.ts")).sizeVerb(command, faces);
    case "cache":
      return (await import("./verbs/cache.ts")).cacheVerb(command, faces);
    case "tool":
      return (await import("./verbs/tool.ts")).toolVerb(command, faces);
    case "devices":
      return (await import("./verbs/devices.ts")).devicesVerb(command, faces);
    case "device":
      return (await import("./verbs/device.ts")).deviceVerb(command, faces);
    case "daemon":
      return (await import("./verbs/daemon.ts")).daemonVerb(command, faces);
    case "completion":
      return (await import("./verbs/completion.ts")).completionVerb(command, faces);
    case "help":
    case "version":
      return (await import("./verbs/help.ts")).helpVerb(command, faces);
  }
}

// Node would print the line of the bundle, which has no breaks, and exit with 1, which says that the user's build failed.
process.on("uncaughtException", (error: Error & { readonly code?: string; readonly syscall?: string }) => {
  const text =
    error.syscall === "write" ? `error: cannot write fb's own output: ${error.message}\n` : `error: a bug in fb\n${error.stack}\n`;
  try {
    writeSync(2, text);
  } catch {
    // Nowhere to say it.
  }
  process.exit(4);
});

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  // A run has closed all that it opened. Node would wait for code that V8 still compiles, and take the heap down piece by piece: 10 ms of a run of one edit.
  // Not before what went wrong with the last line has been heard, nor where a slow reader has not taken all.
  if (!hasRun) return;
  setImmediate(() => {
    if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit();
  });
});
