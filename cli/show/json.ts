/** `--json`: the events as they are, one object a line, fields as in the command-line contract. */
import { isEffect } from "../../engine/effects.ts";
import type { Event, EventSink } from "../../engine/types.ts";
import { stripSgr } from "./text.ts";

/** `write` gets whole lines. Nothing follows the result. What tools printed is given without escape codes: readers of JSON are no terminals. */
export function jsonSink(write: (line: string) => void): EventSink {
  let over = false;
  /** What is told how far it is: packages have events of their own. */
  const told = new Set<number>();
  return {
    emit(e) {
      if (e.type === "start" && isEffect(e)) told.add(e.id);
      // The contract has no such events.
      if (over || e.type === "queued" || (e.type === "progress" && !told.has(e.id))) return;
      over = e.type === "result";
      write(`${jsonLine(e)}\n`);
    },
  };
}

/** `type` and `t` first, for those who read it with their eyes. */
export function jsonLine(e: Event): string {
  if (e.type === "fetch") {
    const { type, t, package: name, version, bytes, total, state } = e;
    return JSON.stringify({ type, t, package: name, version, bytes, total, state });
  }
  const { type, t, ...rest } = e;
  return JSON.stringify({ type, t, ...rest, ...(e.type === "end" ? { output: stripSgr(e.output) } : {}) });
}
