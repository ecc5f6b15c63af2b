/** A process group and its end: signals go to the whole of it, and it has ended only when nothing in it can write any more. */
import { clock } from "./clock.ts";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { setImmediate as turn, setTimeout as after } from "node:timers/promises";

/** Milliseconds between SIGTERM and SIGKILL: gcc removes its temporary files in 1. */
export const GRACE_MS = 150;
/** Milliseconds after SIGKILL for which a group is waited for; one that still lives then hangs in the kernel (a dead network disk). */
const PATIENCE_MS = 250;
/** Milliseconds after which the members of a group are looked at one by one. */
const ZOMBIE_MS = 25;

/** False when nobody is there to be signalled. Never throws. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): boolean {
  if (process.platform === "win32") {
    // No groups there; the tree below a pid is the nearest thing.
    return spawnSync("taskkill", ["/pid", String(pgid), "/t", "/f"], { stdio: "ignore", windowsHide: true }).status === 0;
  }
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false;
  }
}

function anyoneThere(pgid: number): boolean {
  try {
    process.kill(process.platform === "win32" ? pgid : -pgid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether a member of the group is more than a zombie. In a container whose first process reaps nobody, kill(2) alone would say so forever. */
function anyoneAlive(pgid: number): boolean {
  if (process.platform !== "linux") return anyoneThere(pgid);
  for (const name of fs.readdirSync("/proc")) {
    if (!/^\d/.test(name)) continue;
    let stat: string;
    try {
      stat = fs.readFileSync(`/proc/${name}/stat`, "latin1");
    } catch {
      continue;
    }
    // proc(5): pid (comm) state ppid pgrp …, where comm may hold anything.
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ", 3);
    if (Number(group) === pgid && state !== "Z" && state !== "X") return true;
  }
  return false;
}

/**
 * Ends a group: SIGTERM, after `graceMs` SIGKILL (at once when 0). Settles when no member lives, at the latest graceMs + 250 ms after the call;
 * false if one still does.
 */
export async function endGroup(pgid: number, graceMs: number): Promise<boolean> {
  const started = clock.monotonicMs();
  if (!signalGroup(pgid, graceMs > 0 ? "SIGTERM" : "SIGKILL")) return true;
  let killedAt = graceMs > 0 ? Number.POSITIVE_INFINITY : started;
  for (let wait = 1; ; wait = Math.min(wait * 2, 8)) {
    await after(wait);
    // A child that has ended is one only until the loop has looked for such, which it does after its timers.
    await turn();
    if (!anyoneThere(pgid)) return true;
    const now = clock.monotonicMs();
    if (now - started > ZOMBIE_MS && !anyoneAlive(pgid)) return true;
    if (now - killedAt > PATIENCE_MS) return false;
    if (killedAt > now && now - started >= graceMs) {
      signalGroup(pgid, "SIGKILL");
      killedAt = now;
    }
  }
}
