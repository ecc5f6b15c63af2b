/**
 * Runs actions in slots: one long-lived /bin/sh for each, which is fed a script on stdin and answers exit codes on descriptor 3.
 *
 * Why: child_process.spawn forks Node, and the fork copies the page tables of its heap; a shell forks itself, which is small. Milliseconds for `true`, from the call
 * to the answer, Node 24 and dash 0.5.12 on 2 busy cores (lowest tenth, median), of which dash's own fork and exec take 0.7–0.9:
 *   resident    slot        spawn.ts    bare spawn
 *    82 MB    1.2 / 1.4    2.2 / 2.5    1.8 / 2.0
 *   282 MB    1.2 / 1.7     17 / 25      15 / 23
 *   681 MB    1.4 / 2.4     46 / 79      49 / 78
 * The first action of a slot pays for a spawn (2–4 ms), the first of all for the guardian too (2).
 *
 *   unstarted ──first action──► idle ──action──► running ──status──► idle
 *                                 │                 ├──stop: SIGTERM, SIGKILL──► unstarted (cancelled)
 *                                 └──killed from outside: SIGKILL the rest──────► unstarted (signalled)
 *
 * What a slot is fed for an action:
 *   (export NAME='value' …
 *   exec 'argv' …) </dev/null >>'log' 2>&1 3>&-
 *   echo "$?" >&3
 * The only quoting is '…' with '\'' for a quote; newlines, "$" and bytes above 127 need none there. One fork an action. Scripts of more than 4 kB go
 * through a file and ".": dash since 0.5.13 and bash read a piped script byte by byte (0.25 µs each), a file in blocks.
 *
 * A slot leads a session and a process group of its own, so a terminal's Ctrl-C does not reach it and cancelling kills the whole group. Descriptor 3 and the
 * script are closed in the action, its log is a file: a process left in the background holds up nothing; it is killed when its slot is cancelled or closed.
 *
 * The environment is `base` and the action's vars, exactly (bash, where it is /bin/sh, adds "_"). PWD comes from `base` or is absent. A name that a
 * shell cannot export or gives a meaning of its own goes through env(1), one exec more.
 *
 * A shell reports death by signal n as 128+n; a program that exits with that number itself is taken for signalled.
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import * as path from "node:path";
import type { Exit, Ran } from "../../engine/types.ts";
import { logPath, openLogDir, removeLog, takeLog, whyNoLog } from "./action-log.ts";
import { endGroup, GRACE_MS, signalGroup } from "./group.ts";
import type { Guardian } from "./guardian.ts";
import { type Command, type HostRunner, type Lane, openLanes } from "./lanes.ts";
import { whyNever, whyUnstarted } from "./unstarted.ts";

export interface SlotsOptions {
  /** How many actions may run at once. */
  readonly slots: number;
  /** The project's folder. */
  readonly cwd: string;
  /** The environment of every action: PATH, LC_ALL, PWD… */
  readonly base: Readonly<Record<string, string>>;
  /** A folder for the logs of running actions. */
  readonly logDir: string;
  /** Kills the slots when fb dies. */
  readonly guardian: Guardian | null;
  /** /bin/sh, or another POSIX shell. */
  readonly shell: string;
}

type End =
  | { readonly is: "status"; readonly code: number }
  | { readonly is: "died"; readonly code: number | null; readonly signal: string | null }
  | { readonly is: "stopped" };

interface Shell {
  readonly child: ChildProcess;
  readonly pgid: number;
  readonly script: Socket;
  readonly status: Socket;
}

/** Characters of a script that go through the pipe. */
const PIPED = 4096;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Names that a shell sets, checks or refuses to have set, so that neither its own environment nor `export` hands them on as they are. */
const SHELLS_OWN =
  /^(_|IFS|PS[0-4]|OPT(IND|ARG|ERR)|PPID|LINENO|E?UID|OLDPWD|SHLVL|SHELLOPTS|GROUPS|RANDOM|SECONDS|EPOCH.*|BASH.*|FUNC.*|DIRSTACK|HIST.*|COMP_.*)$/;
/** bash warns of a locale that it does not know, into the action's log. */
const LOCALE = /^(LC_.*|LANG)$/;
/** By number; of two names the first, SIGABRT and not SIGIOT. */
const SIGNALS: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals)
    .map(([name, n]) => [n, name] as const)
    .reverse(),
);

/** A word of a shell's script that stands for exactly this text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

class Slot implements Lane {
  readonly number: number;
  readonly #o: SlotsOptions;
  readonly #log: string;
  #shell: Shell | null = null;
  #end: ((end: End) => void) | null = null;
  /** What of `base` the shell itself would not hand on. */
  readonly #oddBase: readonly (readonly [string, string])[];

  constructor(number: number, o: SlotsOptions) {
    this.number = number;
    this.#o = o;
    this.#oddBase = Object.entries(o.base).filter(([name]) => !isPlain(name));
    this.#log = logPath(o.logDir);
  }

  async run(command: Command, stop: AbortSignal): Promise<Ran> {
    if (stop.aborted) return this.#ran({ is: "cancelled" }, "");
    const never = whyNever(command.argv, command.vars);
    if (never !== null) return this.#ran({ is: "not-started", why: never }, "");
    // A slot that was killed while it was idle may be noticed only now. An action makes its log before anything else, so without one it has not begun.
    return (await this.#try(command, stop)) ?? (await this.#try(command, stop)) ?? this.#ran({ is: "signalled", signal: "SIGKILL" }, "");
  }

  /** Null when the slot died before the action began. */
  async #try(command: Command, stop: AbortSignal): Promise<Ran | null> {
    const shell = this.#shell ?? (await this.#start());
    if (typeof shell === "string") return this.#ran({ is: "not-started", why: shell }, "");
    const onAbort = () => this.cancel();
    stop.addEventListener("abort", onAbort);
    const end = await new Promise<End>((resolve) => {
      this.#end = resolve;
      // The start of a shell may have waited for its error.
      if (stop.aborted) onAbort();
      else this.#feed(shell, command);
    });
    this.#end = null;
    stop.removeEventListener("abort", onAbort);
    return this.#settle(shell, command, end);
  }

  cancel(): void {
    this.#end?.({ is: "stopped" });
  }

  async close(): Promise<void> {
    if (this.#shell !== null) await this.#bury(this.#shell, 0);
    for (const end of ["", ".err", ".sh"]) removeLog(this.#log + end);
  }

  killNow(): void {
    if (this.#shell !== null) signalGroup(this.#shell.pgid, "SIGKILL");
  }

  async #settle(shell: Shell, command: Command, end: End): Promise<Ran | null> {
    switch (end.is) {
      case "stopped":
        await this.#bury(shell, GRACE_MS);
        return this.#ran({ is: "cancelled" }, takeLog(this.#log) ?? "");
      case "died": {
        await this.#bury(shell, 0);
        const log = takeLog(this.#log);
        if (end.signal !== null) return log === null ? null : this.#ran({ is: "signalled", signal: end.signal }, log);
        const said = takeLog(`${this.#log}.err`)?.trim() ?? "";
        return this.#ran(
          { is: "not-started", why: `${this.#o.shell} gave up with code ${end.code}: ${said || "it did not say why"}` },
          log ?? "",
        );
      }
      case "status": {
        shell.child.unref();
        shell.status.unref();
        const log = takeLog(this.#log);
        if (log === null) {
          const why = `its log ${this.#log} could not be made${whyNoLog(this.#log)}; see that the folder ${this.#o.logDir} is there, is writable and has space`;
          return this.#ran({ is: "not-started", why }, "");
        }
        const signal = end.code > 128 ? SIGNALS.get(end.code - 128) : undefined;
        if (signal !== undefined) return this.#ran({ is: "signalled", signal }, log);
        if (end.code === 0) return this.#ran({ is: "exited", code: 0 }, log);
        const vars = { ...this.#o.base, ...command.vars };
        const why = whyUnstarted({ argv: command.argv, vars, cwd: this.#o.cwd }, end.code);
        // What the shell says of it is in its own words; ours say more.
        return why === null ? this.#ran({ is: "exited", code: end.code }, log) : this.#ran({ is: "not-started", why }, "");
      }
    }
  }

  #ran(exit: Exit, log: string): Ran {
    return { exit, log, slot: this.number };
  }

  #feed(shell: Shell, { argv, vars }: Command): void {
    const exports: string[] = [];
    const odd: string[] = [];
    for (const [name, value] of this.#oddBase) if (!(name in vars)) odd.push(`${name}=${value}`);
    for (const [name, value] of Object.entries(vars)) {
      if (!isPlain(name) || (LOCALE.test(name) && this.#o.base[name] !== value)) odd.push(`${name}=${value}`);
      else if (this.#o.base[name] !== value) exports.push(` ${name}=${quote(value)}`);
    }
    const words = odd.length === 0 ? argv : ["/usr/bin/env", "--", ...odd, ...argv];
    let script = `(${exports.length === 0 ? "" : `export${exports.join("")}\n`}exec ${words.map(quote).join(" ")}) </dev/null >>${quote(this.#log)} 2>&1 3>&-\n`;
    if (script.length > PIPED) {
      const file = `${this.#log}.sh`;
      try {
        fs.writeFileSync(file, script);
        script = `. ${quote(file)}\n`;
      } catch {
        // A full disk: slower, but it gets there.
        removeLog(file);
      }
    }
    shell.child.ref();
    shell.status.ref();
    shell.script.write(`${script}echo "$?" >&3\n`);
  }

  /** A shell, or why there is none. */
  async #start(): Promise<Shell | string> {
    const { shell, cwd, base, guardian, logDir } = this.#o;
    let errors: number;
    try {
      openLogDir(logDir);
      errors = fs.openSync(`${this.#log}.err`, "w");
    } catch (e) {
      return `no log can be made in ${logDir} (${e instanceof Error ? e.message : e}); see that the folder is writable and its disk has space`;
    }
    guardian?.start();
    const child = spawn(shell, [], { cwd, detached: true, env: base, stdio: ["pipe", errors, errors, "pipe"] });
    fs.closeSync(errors);
    if (child.pid === undefined) {
      const e = await new Promise<Error>((resolve) => child.once("error", resolve));
      return `${shell} could not be started in ${cwd} (${e.message}); see that both are there, and that the limits on processes and open files are not reached`;
    }
    const [script, , , status] = child.stdio;
    if (!(script instanceof Socket) || !(status instanceof Socket)) throw new Error("a slot without pipes");
    const started: Shell = { child, pgid: child.pid, script, status };
    this.#shell = started;
    guardian?.add(child.pid);
    child.on("error", () => {});
    child.on("exit", (code, signal) => {
      if (this.#shell !== started) return;
      if (this.#end === null) void this.#bury(started, 0);
      else this.#end({ is: "died", code, signal });
    });
    // EPIPE of a shell that was killed: its exit tells.
    script.on("error", () => {});
    status.on("error", () => {});
    let text = "";
    status.setEncoding("latin1").on("data", (more: string) => {
      text += more;
      if (!text.endsWith("\n")) return;
      const code = Number(text);
      text = "";
      if (this.#shell === started) this.#end?.({ is: "status", code });
    });
    // An idle slot does not keep fb alive.
    child.unref();
    script.unref();
    status.unref();
    // Every shell sets PWD, some more; only PWD as `base` gives it is handed on.
    script.write(base.PWD === undefined ? "unset PWD OLDPWD SHLVL\n" : `unset OLDPWD SHLVL\nexport PWD=${quote(base.PWD)}\n`);
    return started;
  }

  /** Ends a shell with all that is in its group; the next action gets a new one. */
  async #bury(shell: Shell, graceMs: number): Promise<void> {
    if (this.#shell === shell) this.#shell = null;
    await endGroup(shell.pgid, graceMs);
    this.#o.guardian?.remove(shell.pgid);
    shell.script.destroy();
    shell.status.destroy();
  }
}

function isPlain(name: string): boolean {
  return NAME.test(name) && !SHELLS_OWN.test(name);
}

/** Starts nothing yet: a slot's shell is started when it is first needed. Where there is no /bin/sh, see spawn.ts. */
export function openSlots(options: SlotsOptions): HostRunner {
  const o = { ...options, logDir: path.resolve(options.logDir) };
  return openLanes(o.slots, (number) => new Slot(number, o));
}
