/** A `fb watch` that goes on, heard through its `--json`: what the tests of watching stand on. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ChildProcess, spawn } from "node:child_process";
import { test } from "uvu";
import type { Event, RunResult } from "../../../engine/types.ts";
import { FB, type TestProject } from "../harness.ts";

/** What takes longer hangs. */
const PATIENCE_MS = Number(process.env["P"] ?? 60_000);

/** One run of a watch. */
export interface Run {
  readonly events: readonly Event[];
  readonly result: RunResult;
  /** What ran, as "compile src/main.cpp", sorted. */
  readonly executed: readonly string[];
}

const going = new Set<ChildProcess>();
test.after(() => {
  for (const child of going) child.kill("SIGKILL");
});

export class Watching {
  readonly child: ChildProcess;
  readonly runs: Run[] = [];
  readonly ended: Promise<number | null>;
  err = "";
  private text = "";
  private events: Event[] = [];
  private taken = 0;
  private wake: () => void = () => {};

  /** words: how fb is started, if not as it is. */
  constructor(project: TestProject, args: readonly string[] = [], words: readonly string[] = []) {
    const [program = FB, ...rest] = [...words, FB, "watch", ...args, "--json"];
    this.child = spawn(program, rest, { cwd: project.folder, env: project.vars({}), stdio: ["ignore", "pipe", "pipe"] });
    going.add(this.child);
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.heard(text));
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.err += text;
      this.wake();
    });
    this.ended = new Promise((resolve) =>
      this.child.on("close", (code) => {
        going.delete(this.child);
        resolve(code);
        this.wake();
      }),
    );
  }

  /** The next run that nobody has taken yet; those in between can not be missed. */
  async next(what: string): Promise<Run> {
    await this.until(() => this.runs.length > this.taken, `a run after ${what}`);
    return this.runs[this.taken++] as Run;
  }

  /** The first of the next runs that ends with this code: an edit that is several may be met by a run in its middle. */
  async nextWith(exitCode: number, what: string): Promise<Run> {
    for (;;) {
      const run = await this.next(what);
      if (run.result.exitCode === exitCode) return run;
    }
  }

  /** What ran until now is known. */
  take(): void {
    this.taken = this.runs.length;
  }

  async said(pattern: RegExp): Promise<void> {
    await this.until(() => pattern.test(this.err), String(pattern));
  }

  /** Settles when `is` holds, asked after each thing that is heard. */
  async until(is: () => boolean, what: string): Promise<void> {
    const limit = Date.now() + PATIENCE_MS;
    while (!is()) {
      if (Date.now() > limit) throw new Error(`waited in vain for ${what}\n${this.err.slice(-3000)}`);
      if (this.child.exitCode !== null) throw new Error(`ended before ${what}\n${this.err.slice(-3000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Its own resident memory in MB (without mapped files, which grow with the cache), open descriptors, living children. Linux. */
  uses(): { readonly memory: number; readonly files: number; readonly children: number } {
    const folder = `/proc/${this.child.pid}`;
    return {
      memory: Number(/RssAnon:\s+(\d+)/.exec(readFileSync(join(folder, "status"), "utf8"))?.[1]) / 1024,
      files: readdirSync(join(folder, "fd")).length,
      children: readFileSync(join(folder, `task/${this.child.pid}/children`), "utf8")
        .split(" ")
        .filter(Boolean).length,
    };
  }

  /** Its exit code. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }

  private heard(more: string): void {
    this.text += more;
    for (let end = this.text.indexOf("\n"); end >= 0; end = this.text.indexOf("\n")) {
      const event = JSON.parse(this.text.slice(0, end)) as Event;
      this.text = this.text.slice(end + 1);
      this.events.push(event);
      if (event.type !== "result") continue;
      const executed = this.events.flatMap((e) => (e.type === "end" && e.status === "ran" ? [`${e.kind} ${e.label}`] : []));
      this.runs.push({ events: this.events, result: event, executed: executed.sort() });
      this.events = [];
    }
    this.wake();
  }
}
