/**
 * Which processes have a folder open: one empty file each, `open/PID-START-BOOT`, so that a later one can tell a clean end from a killed one.
 * A name whose process is gone (or whose process number now belongs to another, told by its start time, or that is from before the last boot) is an unclean end.
 * Also a lock between processes, made of the same names. Costs 0.1 ms.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolders } from "./folders.ts";
import { errorCode } from "./trouble.ts";

/** This process's name: PID-START-BOOT. */
export function processName(): string {
  own ??= `${process.pid}-${startOf("self")}-${bootId()}`;
  return own;
}
let own: string | null = null;

/** Writes this process's marker; throws the system's error where that cannot be. */
export function enter(folder: string): void {
  makeFolders(join(folder, "open"));
  writeFileSync(join(folder, "open", processName()), "");
}

export function leave(folder: string): void {
  rmSync(join(folder, "open", processName()), { force: true });
}

/** The markers of processes that did not leave. */
export function deadMarkers(folder: string): string[] {
  return readMarkers(folder).filter((name) => name !== processName() && !isAlive(name));
}

export function liveMarkers(folder: string): string[] {
  return readMarkers(folder).filter((name) => name === processName() || isAlive(name));
}

export function forgetMarkers(folder: string, names: readonly string[]): void {
  for (const name of names) rmSync(join(folder, "open", name), { force: true });
}

function readMarkers(folder: string): string[] {
  try {
    return readdirSync(join(folder, "open")).filter((name) => /^\d+-\d+-[0-9a-f]+$/.test(name));
  } catch {
    return [];
  }
}

export function isAlive(name: string): boolean {
  const [pid = "", start = "", boot = ""] = name.split("-");
  if (boot !== bootId()) return false;
  return isRunning(Number(pid)) && (start === "0" || startOf(pid) === start);
}

/** Whether a process has this number now: the one that is meant, or one that got the number since. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/**
 * Runs `work` while no other process runs its own under the same lock file. Waits for a live holder up to `waitMs`; null if it did not get the lock.
 * @param waitMs 0: do not wait
 */
export function withLock<T>(lock: string, waitMs: number, work: () => T): T | null {
  const until = Date.now() + waitMs;
  for (let pause = 1; !tryLock(lock); pause = Math.min(pause + 1, 20)) {
    if (Date.now() >= until) return null;
    // Not all at the same moment again.
    Atomics.wait(nobodyWakes, 0, 0, pause * (0.5 + Math.random()));
  }
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

/** Takes the lock file if there is none, or if its holder is gone. */
export function tryLock(lock: string): boolean {
  try {
    writeFileSync(lock, processName(), { flag: "wx" });
    return true;
  } catch (error) {
    const code = errorCode(error);
    // A full disk: made, but without its holder's name, which is enough for ten seconds of freeing space.
    if ((code === "ENOSPC" || code === "EDQUOT") && existsSync(lock)) return true;
    if (code !== "EEXIST") {
      if (code !== "ENOENT") rmSync(lock, { force: true });
      throw error;
    }
  }
  try {
    const before = statSync(lock, { bigint: true });
    const holder = readFileSync(lock, "utf8");
    // Just made and not yet written: its holder lives.
    if (holder === "" ? Date.now() - Number(before.mtimeMs) < 10_000 : isAlive(holder)) return false;
    // Two that find the same dead holder: the second must not remove the first one's new lock, whose inode may be the old one's.
    const now = statSync(lock, { bigint: true });
    if (now.ino === before.ino && now.ctimeNs === before.ctimeNs) unlinkSync(lock);
  } catch {
    // Gone in between: the next try takes it.
  }
  return false;
}

/** Start of a process in clock ticks since boot (proc(5), field 22 of stat); 0 where it cannot be told. */
function startOf(pid: string): string {
  if (process.platform !== "linux") return "0";
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
  } catch {
    return "gone";
  }
}

/** The same until the machine starts again; "0" where it cannot be told. */
export function bootId(): string {
  if (boot !== null) return boot;
  try {
    boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
  } catch {
    boot = "0";
  }
  return boot;
}
let boot: string | null = null;
