/** Who holds a device file: the processes that have it open, by /proc; elsewhere nobody is known. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import { linkOf, namesIn, realOf, textOf } from "../host/look.ts";

export interface PortHolder {
  readonly pid: number;
  /** The program's name, and its first arguments. */
  readonly name: string;
}

/** Other processes than this one; those of other users only for root. */
export function otherHolders(path: string): readonly PortHolder[] {
  const device = realOf(path);
  if (device === null) return [];
  return namesIn("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => hasOpen(pid, device))
    .map((pid) => ({ pid: Number(pid), name: nameOf(pid) }));
}

/** The processes that have locked it, as serialport, pyserial and fb do; by /proc/locks. Of a pty the program at its other end has it open too, without a lock. */
export function lockHolders(path: string): readonly PortHolder[] {
  const device = realOf(path);
  const inode = String(statSync(path, { throwIfNoEntry: false })?.ino);
  if (device === null) return [];
  return (textOf("/proc/locks") ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((row) => row[1] === "FLOCK" && row[5]?.split(":")[2] === inode)
    .map((row) => row[4] ?? "")
    .filter((pid) => hasOpen(pid, device))
    .map((pid) => ({ pid: Number(pid), name: nameOf(pid) }));
}

function hasOpen(pid: string, device: string): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === device);
}

function nameOf(pid: string): string {
  const words = textOf(`/proc/${pid}/cmdline`)?.split("\0");
  if (words === undefined) return "a process";
  const [program = "", ...rest] = words.filter((word) => word !== "");
  const text = [basename(program), ...rest].join(" ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
