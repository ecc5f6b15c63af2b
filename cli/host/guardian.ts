/**
 * The guardian: one process that outlives fb by a moment, to kill what fb was running.
 *
 * A compiler whose fb was killed with -9 goes on and writes its output late, into a build that the next fb believes it owns. So a shell in a session of its own reads
 * from a pipe that only fb writes to: "+ PGID" and "- PGID" as slots come and go. However fb ends, the pipe ends; then the guardian kills every group that is left,
 * waits until nothing in them lives (a second at most), and exits. It ignores the signals that a terminal sends.
 *
 * It holds the project lock's listening socket too, as descriptor 3, so the lock is free only after that; "u" lets go of it when fb releases the lock. Handing a
 * descriptor to a child is documented, asking a net.Server for its number is not (see lock.ts); no number is a bug that the tests show, not a weaker lock.
 *
 * /bin/sh rather than a second Node: 0.6 MB instead of 45, and nothing of it is waited for. Measured in fb: the spawn, as of any process (1.3–2 ms), once, with the first slot.
 * What a step moved into a session of its own is out of reach, as it is for a shell.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Lock } from "./lock.ts";

/**
 * `kill` is a builtin (dash takes "--" only after "-s"), so nothing is forked before the groups are dead. Zombies count as gone: the first process
 * of a container may reap them late or never, and kill(2) finds them all the while; /proc/PID/stat is "pid (comm) state ppid pgrp …". `sleep` is tried with a
 * fraction first; POSIX knows only seconds.
 * An unknown line ends it as an end of the pipe does: better to kill what fb runs than to guard the wrong groups.
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT PIPE TSTP TTIN TTOU
exec 2>/dev/null
groups=
while read -r op pgid; do
  case $op in
    +) groups="$groups -$pgid" ;;
    -) left=
       for g in $groups; do [ "$g" = "-$pgid" ] || left="$left $g"; done
       groups=$left ;;
    u) exec 3<&- ;;
    *) break ;;
  esac
done
for g in $groups; do kill -s KILL -- "$g"; done
anyone() {
  there=
  for g in $groups; do kill -s 0 -- "$g" && there=1; done
  [ "$there" ] || return 1
  [ -r /proc/self/stat ] || return 0
  for stat in /proc/[0-9]*/stat; do
    read -r line <"$stat" || continue
    set -- \${line##*) }
    case $1 in Z | X) continue ;; esac
    case "$groups " in *" -$3 "*) return 0 ;; esac
  done
  return 1
}
tries=0
while anyone && [ $tries -lt 50 ]; do
  tries=$((tries + 1))
  sleep 0.02 || { sleep 1; exit; }
done
`;

export interface Guardian {
  /** Starts the guardian if there is none: before the first process that could need it. */
  start(): void;
  /** Kills this group when fb dies. */
  add(pgid: number): void;
  /** To be called when the group has ended, before its number can be given to another. */
  remove(pgid: number): void;
  /** Lets the guardian go; groups that are still with it are killed. Settles when it has exited. */
  close(): Promise<void>;
}

class ShellGuardian implements Guardian {
  readonly #shell: string;
  readonly #lock: Lock | null;
  readonly #groups = new Set<number>();
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(shell: string, lock: Lock | null) {
    this.#shell = shell;
    this.#lock = lock;
  }

  start(): void {
    if (this.#child === null) this.#start();
  }

  add(pgid: number): void {
    this.start();
    this.#groups.add(pgid);
    this.#send(`+ ${pgid}\n`);
  }

  remove(pgid: number): void {
    if (this.#groups.delete(pgid)) this.#send(`- ${pgid}\n`);
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    child?.ref();
    child?.stdin?.end();
    await this.#exited;
  }

  #start(): void {
    const socket = this.#lock?.share(() => this.#send("u\n")) ?? "ignore";
    const child = spawn(this.#shell, ["-c", SCRIPT], {
      cwd: "/",
      detached: true,
      env: { PATH: "/usr/bin:/bin" },
      stdio: ["pipe", "ignore", "ignore", socket],
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("error", () => resolve());
      child.once("exit", () => {
        resolve();
        // Killed by somebody: another one takes over while there is something to guard.
        if (this.#child !== child) return;
        this.#child = null;
        if (this.#groups.size > 0) this.#start();
      });
    });
    // EPIPE of a guardian that was killed: its exit tells.
    child.stdin?.on("error", () => {});
    child.unref();
    for (const pgid of this.#groups) this.#send(`+ ${pgid}\n`);
  }

  /** Into the pipe's buffer before it returns, so a kill -9 right after it finds the guardian knowing. */
  #send(line: string): void {
    this.#child?.stdin?.write(line);
  }
}

/** `lock`: the project lock to hold on to until everything is dead, if there is one. Starts nothing before the first group comes. */
export function openGuardian(options: { readonly lock: Lock | null; readonly shell: string }): Guardian {
  return new ShellGuardian(options.shell, options.lock);
}
