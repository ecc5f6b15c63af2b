/**
 * A process that holds the lock, runs actions and obeys signals as fb does, for tests that kill it.
 * Arguments: the project's folder, and actions as JSON: lists of argv; each list is run in order, the lists side by side. An action that is killed or cancelled ends its list.
 * Prints a JSON object a line: locked, ran, stopping, done. Its actions see FB_MARK as ACTION_MARK. With FB_STUBBORN set it does not end when it is told to.
 */
import * as path from "node:path";
import { openGuardian } from "../../../cli/host/guardian.ts";
import { acquireLock } from "../../../cli/host/lock.ts";
import { INTERRUPTED, watchSignals } from "../../../cli/host/signals.ts";
import { openSlots } from "../../../cli/host/slots.ts";

const [project = "", json = "[]"] = process.argv.slice(2);
const lists: readonly (readonly (readonly string[])[])[] = JSON.parse(json);
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

const signals = watchSignals(() => runner.killNow());
const lock = await acquireLock(project, { request: [":fake"], onWait: (holder) => say({ waits: holder }), stop: signals.stop, form: null });
say({ locked: process.pid });
const guardian = openGuardian({ lock, shell: "/bin/sh" });
const runner = openSlots({
  slots: Math.max(1, lists.length),
  cwd: project,
  base: { PATH: "/usr/bin:/bin", LC_ALL: "C.UTF-8" },
  logDir: path.join(project, ".fb/state/logs"),
  guardian,
  shell: "/bin/sh",
});
signals.stop.addEventListener("abort", () => say({ stopping: signals.stop.reason }));
const stop = process.env["FB_STUBBORN"] === undefined ? signals.stop : new AbortController().signal;
await Promise.all(
  lists.map(async (list) => {
    for (const argv of list) {
      const { exit } = await runner.run({ argv, vars: { ACTION_MARK: process.env["FB_MARK"] ?? "" } }, stop);
      say({ ran: exit });
      if (exit.is !== "exited") return;
    }
  }),
);
await runner.close();
lock?.release();
await guardian.close();
say({ done: true });
process.exitCode = stop.aborted ? INTERRUPTED : 0;
signals.close();
