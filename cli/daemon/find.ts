/** Finds the daemon by its state file, never by guessing a port, and starts one where there is none. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { buildId } from "../home.ts";
import { acquireLock } from "../host/lock.ts";
import { ask } from "./ask.ts";
import { lastLines } from "./log.ts";
import { type DaemonPlace, type DaemonState, daemonPlace, readState } from "./place.ts";

/** A daemon that lives answers in a millisecond; one that is stopped (SIGSTOP, a debugger) never. */
const ANSWER_MS = 3000;
/** A daemon says that it listens within a third of a second; a machine that is very busy may need some. */
const START_MS = 30_000;

export interface Found {
  readonly state: DaemonState;
  /** For people: what is odd about it. */
  readonly notes: readonly Failure[];
}

/** The daemon that runs; null where none does. */
export async function findDaemon(vars: Readonly<Record<string, string | undefined>>): Promise<Result<DaemonState | null>> {
  const place = daemonPlace(vars);
  if (!place.ok) return place;
  return ok(await living(place.value));
}

/** The daemon that runs, or a new one; whoever comes at the same time gets the same. An idle one of another build of fb is replaced, a busy one used, with a note. */
export async function startDaemon(vars: Readonly<Record<string, string | undefined>>): Promise<Result<Found>> {
  const found = daemonPlace(vars);
  if (!found.ok) return found;
  const place = found.value;
  const first = await living(place);
  if (first !== null && first.build === buildId) return ok({ state: first, notes: [] });
  // Freed by the kernel with the process that holds it: a starter that is killed blocks nobody.
  const lock = await acquireLock(place.folder, {
    request: ["daemon", "start"],
    onWait: () => {},
    stop: new AbortController().signal,
    form: null,
  });
  try {
    const state = await living(place);
    if (state !== null && state.build === buildId) return ok({ state, notes: [] });
    if (state !== null) {
      const why = await endIdle(state);
      if (why !== null) return ok({ state, notes: [otherBuild(state, why)] });
    }
    const started = await launch(place, vars);
    return started.ok ? ok({ state: started.value, notes: [] }) : started;
  } finally {
    lock?.release();
  }
}

/** Null: its file is not there, or what it names does not answer as it should. */
async function living(place: DaemonPlace): Promise<DaemonState | null> {
  const state = readState(place);
  if (state === null || !alive(state.pid)) return null;
  const asked = { method: "GET", path: "/api/daemon/info", body: null, limitMs: ANSWER_MS, stop: null } as const;
  const answer = await ask(state, asked);
  return answer.ok && answer.value.status === 200 && answer.value.body["pid"] === state.pid ? state : null;
}

/** Whether a process with this number runs. One that has ended and that nobody has asked about (in a container without an init) does not. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
  if (process.platform !== "linux") return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch (error) {
    return (error as { code?: string }).code !== "ENOENT";
  }
}

/** Null when it has ended; else why it goes on. */
async function endIdle(state: DaemonState): Promise<string | null> {
  const asked = { method: "POST", path: "/api/daemon/shutdown?idle=true", body: null, limitMs: ANSWER_MS, stop: null } as const;
  const answer = await ask(state, asked);
  if (!answer.ok) return null;
  if (answer.value.status === 200) {
    await ended(state.pid, ANSWER_MS);
    return null;
  }
  return String(answer.value.body["message"] ?? "it is busy");
}

/** Waits until a process is gone, at most so long; whether it is. */
export async function ended(pid: number, limitMs: number): Promise<boolean> {
  const until = Date.now() + limitMs;
  // A process that is no child of this one can not be awaited.
  while (alive(pid)) {
    if (Date.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

function otherBuild(state: DaemonState, why: string): Failure {
  return {
    ...failure(
      "daemon.other-build",
      4,
      `the daemon (process ${state.pid}) is of another version of fb, ${state.version}, and goes on: ${why}`,
      {
        hint: "it is replaced when it is idle; `fb daemon restart` does so now",
      },
    ),
    severity: "warning",
  };
}

/** Beside this file, or as dist/daemon.cjs beside the bundle, whose import.meta.url is a path (scripts/bundle.ts). */
function entry(): string {
  const here = import.meta.url;
  return here.endsWith(".ts") ? fileURLToPath(new URL("process.ts", here)) : join(dirname(here), "daemon.cjs");
}

/** Starts the process and waits until it listens: it then writes a line to its stdout and closes that. */
async function launch(place: DaemonPlace, vars: Readonly<Record<string, string | undefined>>): Promise<Result<DaemonState>> {
  const errors = openSync(place.log, "a", 0o600);
  // A small heap: what waits for devices need not be fast, and stays small.
  const child = spawn(process.execPath, ["--max-semi-space-size=1", "--optimize-for-size", entry(), place.folder], {
    cwd: place.folder,
    env: vars,
    detached: true,
    stdio: ["ignore", "pipe", errors],
  });
  closeSync(errors);
  const said = await new Promise<string>((resolve) => {
    let text = "";
    const limit = setTimeout(() => {
      child.kill("SIGKILL");
      resolve(text);
    }, START_MS);
    child.on("error", (error) => resolve(error.message));
    child.stdout?.setEncoding("utf8").on("data", (more: string) => (text += more));
    child.stdout?.on("close", () => {
      clearTimeout(limit);
      resolve(text);
    });
  });
  child.unref();
  const state = said.startsWith("listening") ? readState(place) : null;
  if (state !== null) return ok(state);
  const last = lastLines(place.log, 3).join("\n");
  return fail(
    failure("daemon.start", 4, `the daemon did not start${said === "" ? "" : `: ${said.trim()}`}`, {
      file: place.log,
      hint: last === "" ? "`fb daemon logs` may say why" : `its log ends so:\n${last}`,
    }),
  );
}
