/** Runs an uploader: what it says is read as it comes, silence and the user end it, and nothing of it is left. */
import { type ChildProcess, spawn } from "node:child_process";
import type { Uploader } from "../../rules/rulefile-uploads.ts";

export interface UploaderJob {
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Of its environment, beside fb's own. */
  readonly vars: Readonly<Record<string, string>>;
  readonly uploader: Uploader;
  /** Seconds of silence after which it is ended. */
  readonly idle: number;
  /** Ends it. */
  readonly stop: AbortSignal;
  /** percent: of what goes on now. */
  onProgress(phase: string, percent: number): void;
}

export interface UploaderEnd {
  /** silent: it said nothing for `idle` seconds. */
  readonly why: "exited" | "silent" | "gave-up" | "stopped" | "not-started";
  readonly code: number | null;
  /** All that it said; of not-started why. */
  readonly output: string;
}

/** What has not ended at SIGTERM by then is killed. */
const KILL_MS = 150;
/** avrdude draws fifty marks. */
const PERCENT_A_MARK = 2;

/** Never fails: how it ended is its result. */
export function runUploader({ argv, cwd, vars, uploader, idle, stop, onProgress }: UploaderJob): Promise<UploaderEnd> {
  const [program = "", ...args] = argv;
  return new Promise((resolve) => {
    // A group of its own: a shell's children end with it.
    const child = spawn(program, args, { cwd, env: { ...environment(), ...vars }, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let why: UploaderEnd["why"] = "exited";
    let output = "";
    const progress = progressReader(uploader, onProgress);
    const givesUp = uploader.givesUp === "" ? null : new RegExp(uploader.givesUp, "i");
    const end = (reason: "silent" | "gave-up" | "stopped") => {
      if (why === "exited") why = reason;
      signalGroup(child, "SIGTERM");
      setTimeout(() => signalGroup(child, "SIGKILL"), KILL_MS).unref();
    };
    let silence = setTimeout(() => end("silent"), idle * 1000);
    const heard = (text: string) => {
      output += text;
      clearTimeout(silence);
      silence = setTimeout(() => end("silent"), idle * 1000);
      progress(output);
      if (givesUp?.test(output)) end("gave-up");
    };
    child.stdout.setEncoding("utf8").on("data", heard);
    child.stderr.setEncoding("utf8").on("data", heard);
    const onStop = () => end("stopped");
    stop.addEventListener("abort", onStop);
    const over = (result: UploaderEnd) => {
      clearTimeout(silence);
      stop.removeEventListener("abort", onStop);
      // What it started and left behind holds the port.
      signalGroup(child, "SIGKILL");
      resolve(result);
    };
    child.on("error", (error) => over({ why: "not-started", code: null, output: error.message }));
    child.on("close", (code) => over({ why, code, output }));
    if (stop.aborted) onStop();
  });
}

/** Its own, but for what would have it draw as on a terminal, or keep to itself what it has to say: uploaders written in Python do. */
function environment(): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, CLICOLOR_FORCE: __, ...rest } = process.env;
  return { ...rest, PYTHONUNBUFFERED: "1" };
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}

/** Told all that was said until now. */
function progressReader({ progress }: Uploader, onProgress: UploaderJob["onProgress"]): (output: string) => void {
  if (progress === "") return () => {};
  const bar = new RegExp(progress, "gi");
  /** Marks by the place of their bar. */
  const drawn = new Map<number, number>();
  return (output) => {
    for (const found of output.matchAll(bar)) {
      const drawnNow = found[2] ?? "";
      const marks = /^\d+$/.test(drawnNow) ? Number(drawnNow) / PERCENT_A_MARK : drawnNow.length;
      if (drawn.get(found.index) === marks) continue;
      drawn.set(found.index, marks);
      const word = (found[1] ?? "").toLowerCase();
      // avrdude reads before it writes, and again to verify.
      const phase = word === "reading" && /\bverifying\b/i.test(output.slice(0, found.index)) ? "verifying" : word;
      onProgress(phase, Math.min(100, marks * PERCENT_A_MARK));
    }
  };
}
