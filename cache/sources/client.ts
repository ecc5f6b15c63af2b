/**
 * Runs a registry's own client (pip, npm, apt-get) in a folder of its own: so a company's mirrors, proxies, credentials and certificates work as they do
 * for its people. It gets a process group of its own, which is killed as a whole when the run is interrupted.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, readdirSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { makeFolders } from "../folders.ts";

export interface ClientRun {
  readonly argv: readonly [program: string, ...args: string[]];
  readonly folder: string;
  readonly vars: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal | null;
  /** Bytes of the largest file in the folder so far; asked ten times a second, for clients that say nothing themselves. */
  readonly onBytes: (bytes: number) => void;
}

export interface ClientEnd {
  /** null: it could not be started, or a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** Its own last words, of both streams, without empty lines. */
  readonly lastLines: readonly string[];
  readonly aborted: boolean;
}

const keptLines = 40;
const keptChars = 1 << 20;

export function runClient(run: ClientRun): Promise<ClientEnd> {
  const [program, ...args] = run.argv;
  return new Promise((resolve) => {
    let stdout = "";
    let all = "";
    const child = spawn(program, args, {
      cwd: run.folder,
      // Their own temporary files lie in the folder too, where progress is seen and nothing is left behind.
      env: { ...run.vars, TMPDIR: run.folder, LC_ALL: "C.UTF-8", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: process.platform !== "win32",
    });
    const kill = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
      } catch {
        // It ended meanwhile.
      }
    };
    const timer = setInterval(() => run.onBytes(largest(run.folder)), 100);
    const finish = (code: number | null) => {
      clearInterval(timer);
      run.signal?.removeEventListener("abort", kill);
      const lastLines = all
        .split(/[\r\n]+/)
        .map((line) => line.trim())
        .filter((line) => line !== "")
        .slice(-keptLines);
      resolve({ code, stdout, lastLines, aborted: run.signal?.aborted === true });
    };
    child.stdout.on("data", (d: Buffer) => {
      stdout = (stdout + d).slice(-keptChars);
      all = (all + d).slice(-keptChars);
    });
    child.stderr.on("data", (d: Buffer) => (all = (all + d).slice(-keptChars)));
    child.on("error", (error) => {
      all += `\n${error.message}`;
      finish(null);
    });
    child.on("close", (code) => finish(code));
    run.signal?.addEventListener("abort", kill);
    if (run.signal?.aborted === true) kill();
  });
}

/** The first of these programs that PATH has. */
export function findProgram(names: readonly string[], vars: Readonly<Record<string, string | undefined>>): string | null {
  for (const name of names)
    for (const folder of (vars["PATH"] ?? "").split(delimiter)) {
      try {
        if (folder === "") continue;
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not in this folder.
      }
    }
  return null;
}

/** A new folder for a client to work in. */
export function workFolder(path: string): void {
  rmSync(path, { recursive: true, force: true });
  makeFolders(path);
}

function largest(folder: string, depth = 0): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isFile()) bytes = Math.max(bytes, statSync(path).size);
      else if (entry.isDirectory() && depth < 4) bytes = Math.max(bytes, largest(path, depth + 1));
    }
  } catch {
    // The client removed something meanwhile.
  }
  return bytes;
}
