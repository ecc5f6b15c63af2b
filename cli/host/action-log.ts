/**
 * The file that takes an action's stdout and stderr.
 *
 * A file and not a pipe: a process that an action left in the background holds its file, and nobody waits for it. A new file for every action, so that what such
 * a process writes later cannot reach the log of the next one. Opened for appending, so that a tool that opens /dev/stderr again does not write over what is there.
 * The names begin with fb's pid; logs of a dead fb are removed by the next that uses the folder.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { makeFolders } from "../../cache/folders.ts";
import { isRunning } from "../../cache/processes.ts";

/** Bytes of a log that are kept at either end when it is longer than both. */
const KEEP = 5_000_000;

let names = 0;

/** A path for the logs of one lane, which no other lane of any live fb has. */
export function logPath(dir: string): string {
  return path.join(dir, `${process.pid}-${++names}`);
}

/** Makes the folder and removes what dead processes left in it. */
export function openLogDir(dir: string): void {
  makeFolders(dir);
  for (const name of fs.readdirSync(dir)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1] ?? process.pid);
    if (pid !== process.pid && !isRunning(pid)) fs.rmSync(path.join(dir, name), { force: true });
  }
}

/** Nothing when it is not there or cannot be removed: the next fb will try. */
export function removeLog(file: string): void {
  try {
    fs.rmSync(file, { force: true });
  } catch {}
}

/** " (ENOSPC)": what the system says when a log is made; nothing when it can be made now. */
export function whyNoLog(file: string): string {
  try {
    fs.closeSync(fs.openSync(file, "a"));
    removeLog(file);
    return "";
  } catch (e) {
    return e instanceof Error && "code" in e ? ` (${e.code})` : "";
  }
}

/** Reads and removes a log; bytes that are not UTF-8 become U+FFFD, the middle of more than 10 MB a note. Null if there is none. */
export function takeLog(file: string): string | null {
  let fd: number;
  try {
    fd = fs.openSync(file, "r");
  } catch {
    return null;
  }
  try {
    const size = fs.fstatSync(fd).size;
    if (size === 0) return "";
    if (size <= 2 * KEEP) return part(fd, 0, size).toString();
    const head = part(fd, 0, KEEP);
    const tail = part(fd, size - KEEP, KEEP);
    const end = head.lastIndexOf(10) + 1 || KEEP;
    const start = tail.indexOf(10) + 1;
    return `${head.toString("utf8", 0, end)}\n[fb left out ${size - end - (tail.length - start)} bytes of this log]\n\n${tail.toString("utf8", start)}`;
  } finally {
    fs.closeSync(fd);
    removeLog(file);
  }
}

function part(fd: number, from: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let n = 0;
  while (n < length) {
    const more = fs.readSync(fd, buffer, n, length - n, from + n);
    if (more === 0) break;
    n += more;
  }
  return buffer.subarray(0, n);
}
