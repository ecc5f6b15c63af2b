/** Who holds a device file: the processes that have it open, by /proc; elsewhere nobody is known. */
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";

export interface PortHolder {
  readonly pid: number;
  /** The program's name, and its first arguments. */
  readonly name: string;
}

/** Other processes than this one; those of other users only for root. */
export function otherHolders(path: string): readonly PortHolder[] {
  let device: string;
  try {
    device = realpathSync(path);
  } catch {
    return [];
  }
  return entries("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => entries(`/proc/${pid}/fd`).some((fd) => link(`/proc/${pid}/fd/${fd}`) === device))
    .map((pid) => ({ pid: Number(pid), name: nameOf(pid) }));
}

/** The processes that have locked it, as serialport, pyserial and fb do; by /proc/locks. Of a pty the program at its other end has it open too, without a lock. */
export function lockHolders(path: string): readonly PortHolder[] {
  try {
    const inode = String(statSync(path).ino);
    return readFileSync("/proc/locks", "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((row) => row[1] === "FLOCK" && row[5]?.split(":")[2] === inode)
      .map((row) => row[4] ?? "")
      .filter((pid) => entries(`/proc/${pid}/fd`).some((fd) => link(`/proc/${pid}/fd/${fd}`) === realpathSync(path)))
      .map((pid) => ({ pid: Number(pid), name: nameOf(pid) }));
  } catch {
    return [];
  }
}

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function nameOf(pid: string): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .filter((word) => word !== "");
    const [program = "", ...rest] = words;
    const text = [basename(program), ...rest].join(" ");
    return text.length > 60 ? `${text.slice(0, 59)}…` : text;
  } catch {
    return "a process";
  }
}
