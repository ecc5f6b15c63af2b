/** What the tests of processes share: folders, fifos as signals, and a look at who is alive. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { createInterface } from "node:readline";

const made: string[] = [];

export function tempDir(): string {
  const dir = fs.mkdtempSync(path.join(tmpdir(), "fb-test-"));
  if (made.length === 0)
    process.on("exit", () => {
      for (const d of made) fs.rmSync(d, { recursive: true, force: true });
    });
  made.push(dir);
  return dir;
}

export function fifo(dir: string, name: string): string {
  const at = path.join(dir, name);
  execFileSync("mkfifo", [at]);
  return at;
}

/** The text that a process writes into a fifo; settles when it has closed it. */
export function heard(at: string): Promise<string> {
  return fs.promises.readFile(at, "utf8");
}

/** Pids of the actions, zombies left out, that a fake fb with this FB_MARK runs. */
export function marked(mark: string): number[] {
  return fs.readdirSync("/proc").flatMap((name) => {
    try {
      return /^\d+$/.test(name) && fs.readFileSync(`/proc/${name}/environ`, "latin1").includes(`ACTION_MARK=${mark}`) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

export interface Fake {
  readonly child: ChildProcess;
  /** The next line that it says, null at its end. */
  next(): Promise<Record<string, unknown> | null>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
}

export function startFake(project: string, lists: readonly (readonly (readonly string[])[])[], vars: Record<string, string> = {}): Fake {
  const script = path.join(import.meta.dirname, "fake-fb.ts");
  const child = spawn(process.execPath, [script, project, JSON.stringify(lists)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...vars },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async next() {
      const line = await lines.next();
      return line.done ? null : JSON.parse(line.value);
    },
    exited: new Promise((resolve) => child.on("exit", (code, signal) => resolve({ code, signal }))),
  };
}
