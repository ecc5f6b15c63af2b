/** Temporary projects and runs of the real binary (cli/fb) in them: what the end-to-end tests stand on. Compilers, disk and processes are real. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Event, RunResult } from "../../engine/types.ts";

export const FB = join(resolve(dirname(fileURLToPath(import.meta.url)), "../.."), "cli", "fb");

/** No run of these tests takes as long; one that does hangs. */
const LIMIT_MS = 600_000;

type EndEvent = Extract<Event, { type: "end" }>;
type DiagnosticEvent = Extract<Event, { type: "diagnostic" }>;

/** One run of fb, ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of --json; empty without it. */
  readonly events: readonly Event[];
}

export interface RunOptions {
  readonly vars?: Readonly<Record<string, string | undefined>>;
  /** The folder the process is in; the project's if not said. */
  readonly cwd?: string;
}

/** The temporary folder of this test file; removed when its tests are through. */
export const scratch = realpathSync(mkdtempSync(join(tmpdir(), "fb-e2e-")));
const running = new Set<ChildProcess>();
test.after(() => {
  // What a failed test has left going.
  for (const child of running) child.kill("SIGKILL");
  // Packages of the store are read-only, their folders too.
  spawnSync("chmod", ["-R", "u+w", scratch]);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});
let count = 0;

/** A folder that no other project of this file has. */
export function freshFolder(name = "p"): string {
  const folder = join(scratch, `${name}${count++}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

export interface ProjectOptions {
  /** Where it lies; a fresh folder if not said. */
  readonly folder?: string;
  /** FB_CACHE_DIR; an empty one of its own if not said. */
  readonly cache?: string;
}

export class TestProject {
  readonly folder: string;
  readonly cache: string;

  constructor(files: Readonly<Record<string, string>>, options: ProjectOptions = {}) {
    this.folder = options.folder ?? freshFolder();
    this.cache = options.cache ?? freshFolder("cache");
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  path(path: string): string {
    return join(this.folder, path);
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content);
  }

  read(path: string): string {
    return readFileSync(this.path(path), "utf8");
  }

  /** Replaces the first occurrence, which must be there. */
  edit(path: string, from: string, to: string): void {
    const text = this.read(path);
    assert.ok(text.includes(from), `${path} has no ${JSON.stringify(from)}`);
    this.write(
      path,
      text.replace(from, () => to),
    );
  }

  remove(path: string): void {
    rmSync(this.path(path), { recursive: true });
  }

  rename(from: string, to: string): void {
    mkdirSync(dirname(this.path(to)), { recursive: true });
    renameSync(this.path(from), this.path(to));
  }

  exists(path: string): boolean {
    return existsSync(this.path(path));
  }

  vars(options: RunOptions): NodeJS.ProcessEnv {
    // A daemon that a test starts has a port of its own, and outlives a test that was killed by a minute.
    const daemon = { FB_DAEMON_PORT: "0", FB_DAEMON_IDLE: "60" };
    const vars: NodeJS.ProcessEnv = { ...process.env, FB_CACHE_DIR: this.cache, NO_COLOR: "1", ...daemon, ...options.vars };
    for (const name of Object.keys(vars)) if (vars[name] === undefined) delete vars[name];
    return vars;
  }

  /** Runs fb in the project's folder. */
  fb(args: readonly string[], options: RunOptions = {}): Ran {
    const ran = spawnSync(FB, args, {
      cwd: options.cwd ?? this.folder,
      env: this.vars(options),
      encoding: "utf8",
      timeout: LIMIT_MS,
      maxBuffer: 256 << 20,
    });
    return ranOf(args, ran.status, ran.stdout ?? "", ran.stderr ?? String(ran.error));
  }

  /** `fb run ARGS --json`, which must end with this exit code. */
  run(args: readonly string[] = [], options: RunOptions & { readonly exit?: number } = {}): Ran {
    const ran = this.fb(["run", ...args, "--json"], options);
    assert.is(ran.code, options.exit ?? 0, `fb run ${args.join(" ")}\n${ran.stderr}`);
    assert.is(result(ran).exitCode, ran.code, "the result's exit code is the process's");
    return ran;
  }

  /** Starts fb and comes back at once. group: in a process group of its own, as a terminal does. */
  start(args: readonly string[], options: RunOptions & { readonly group?: boolean } = {}): Running {
    const { cwd = this.folder, group = false } = options;
    return new Running(spawn(FB, args, { cwd, env: this.vars(options), stdio: ["ignore", "pipe", "pipe"], detached: group }), args);
  }

  /** Every file below a folder of the project, by path, with the sha256 of its content. build_info.json has its own tests. */
  tree(folder: string): Record<string, string> {
    const found: Record<string, string> = {};
    for (const entry of readdirSync(this.path(folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) found[path.slice(this.path(folder).length + 1)] = digestOf(path);
    }
    return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  digest(path: string): string {
    return digestOf(this.path(path));
  }

  mtime(path: string): number {
    return statSync(this.path(path)).mtimeMs;
  }
}

/** A run that goes on. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  private readonly args: readonly string[];
  private out = "";
  private err = "";
  private watchers: (() => void)[] = [];

  constructor(child: ChildProcess, args: readonly string[]) {
    this.child = child;
    running.add(child);
    this.args = args;
    child.stdout?.setEncoding("utf8").on("data", (d: string) => this.heard(() => (this.out += d)));
    child.stderr?.setEncoding("utf8").on("data", (d: string) => this.heard(() => (this.err += d)));
    const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    this.ended = new Promise((done) => {
      child.on("close", (code) => {
        clearTimeout(limit);
        running.delete(child);
        this.heard(() => {});
        done(ranOf(this.args, code, this.out, this.err));
      });
    });
  }

  private heard(note: () => void): void {
    note();
    for (const watcher of this.watchers.splice(0)) watcher();
  }

  /** Settles when an event for which `is` holds has been said; fails when the run ends before. */
  async until(is: (event: Event) => boolean): Promise<void> {
    await this.untilSaid(() => eventsIn(this.out.slice(0, this.out.lastIndexOf("\n") + 1)).some(is));
  }

  /** The same for a text on stdout. */
  async untilSaidOut(pattern: RegExp): Promise<void> {
    await this.untilSaid(() => pattern.test(this.out));
  }

  /** The same for a text on stderr. */
  async untilError(pattern: RegExp): Promise<void> {
    await this.untilSaid(() => pattern.test(this.err));
  }

  private async untilSaid(is: () => boolean): Promise<void> {
    while (!is()) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`ended before:\n${this.out}\n${this.err}`);
      await new Promise<void>((next) => this.watchers.push(next));
    }
  }
}

function ranOf(args: readonly string[], code: number | null, stdout: string, stderr: string): Ran {
  return { code, stdout, stderr, events: args.includes("--json") ? eventsIn(stdout) : [] };
}

function eventsIn(text: string): Event[] {
  return text.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Event] : []));
}

export function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** The last event: always the result. */
export function result(ran: Ran): RunResult {
  const last = ran.events.at(-1);
  if (last?.type !== "result") throw new Error(`no result at the end of:\n${ran.stdout}\n${ran.stderr}`);
  return last;
}

export function ends(ran: Ran): EndEvent[] {
  return ran.events.filter((e) => e.type === "end");
}

export function diagnostics(ran: Ran): DiagnosticEvent[] {
  return ran.events.filter((e) => e.type === "diagnostic");
}

/** What was executed, as "compile src/main.cpp", sorted; hits are left out. */
export function executed(ran: Ran): string[] {
  return said(ran, "ran");
}

/** What came from the cache. */
export function restored(ran: Ran): string[] {
  return said(ran, "hit");
}

function said(ran: Ran, status: string): string[] {
  return ends(ran)
    .filter((e) => e.status === status)
    .map((e) => `${e.kind} ${e.label}`)
    .sort();
}

/** Asserts that a run found everything as it was. */
export function isNoop(ran: Ran, what = ""): void {
  const { ran: executions, hits, failed, upToDate, actions } = result(ran);
  assert.equal(
    { executions, hits, failed },
    { executions: 0, hits: 0, failed: 0 },
    `${what} ${[...executed(ran), ...restored(ran)].join(", ")}`,
  );
  assert.is(upToDate, actions);
}

export const AVR = "platform = atmelavr\nboard = uno\nframework = arduino\n";
let warmed: string | null = null;

/** A cache of its own that holds what every build for uno makes (the core, all profiles): a copy, so that tests do not see each other's results. */
export function unoCache(): string {
  if (warmed === null) {
    warmed = freshFolder("warm");
    const project = new TestProject(
      { "platformio.ini": `[env:uno]\n${AVR}`, "src/warm.c": "void setup(void) {}\nvoid loop(void) {}\n" },
      { cache: warmed },
    );
    for (const profile of ["--release", "--quick", "--debug"]) project.run([":core", profile]);
  }
  const copy = freshFolder("cache");
  cpSync(warmed, copy, { recursive: true });
  return copy;
}

export const BLINK = "#include <Arduino.h>\nvoid setup() { pinMode(13, OUTPUT); }\nvoid loop() { digitalWrite(13, HIGH); delay(500); }\n";
