/** The daemon's log: lines with their time, in a file that is turned over before it grows large, and to whoever listens. */
import { appendFileSync, readFileSync, renameSync, statSync } from "node:fs";

/** Bytes at which daemon.log becomes daemon.log.1 and begins anew: at most two such files are kept. */
const TURN_BYTES = 1 << 20;
/** Longer texts are cut: a client's words may be in them. */
const LINE_LIMIT = 2000;

export interface Log {
  /** One line; line breaks and other control characters in it are shown as such. */
  line(text: string): void;
  /** Called for every line from now on; the answer ends that. */
  listen(listener: (line: string) => void): () => void;
}

/** turnBytes: for tests. */
export function openLog(file: string, turnBytes = TURN_BYTES): Log {
  const listeners = new Set<(line: string) => void>();
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const append = (text: string) => {
    try {
      if (size + text.length > turnBytes) {
        renameSync(file, `${file}.1`);
        size = 0;
      }
      appendFileSync(file, text, { mode: 0o600 });
      size += Buffer.byteLength(text);
    } catch {
      // A disk that is full must not end the daemon, and there is nobody to tell.
    }
  };
  return {
    line(text) {
      const clean = text.replace(/[\x00-\x1f\x7f]/g, (c) => JSON.stringify(c).slice(1, -1));
      const line = `${new Date().toISOString()} ${clean.length > LINE_LIMIT ? `${clean.slice(0, LINE_LIMIT)}…` : clean}`;
      append(`${line}\n`);
      for (const listener of listeners) listener(line);
    },
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The latest lines of a log file and the one before it. */
export function lastLines(file: string, count: number): string[] {
  const lines: string[] = [];
  for (const path of [`${file}.1`, file]) {
    try {
      lines.push(...readFileSync(path, "utf8").split("\n").slice(0, -1));
    } catch {
      // Not there yet.
    }
  }
  return count === 0 ? [] : lines.slice(-count);
}
