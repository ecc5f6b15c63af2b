/** The display of a run for people: a bar where lines can be redrawn, plain lines elsewhere. It only consumes events. */
import type { EventSink } from "../../engine/types.ts";
import { Bar } from "./bar.ts";
import type { Out } from "./out.ts";
import { Plain } from "./plain.ts";
import type { PreviousSize } from "./size.ts";

export interface DisplayOptions {
  /** Progress and the summary. Where lines are redrawn everything goes here, so that one write never falls into another. */
  readonly out: Out;
  /** Diagnostics and what tools said. */
  readonly err: Out;
  /** Of the terminal now: asked again for each frame, so that resizing is seen. */
  readonly columns: () => number;
  readonly rows: () => number;
  readonly verbose: boolean;
  readonly why: boolean;
  readonly dryRun: boolean;
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
  readonly previousSize: PreviousSize;
  /** How many actions are known by now to be up to date: there are no events for them. */
  readonly upToDate: () => number;
}

export interface Display extends EventSink {
  /** Time passes: draws what is due. openDisplay calls it from a timer. */
  tick(): void;
  /** Somebody else writes to the terminal now: nothing of the display stands where that goes. */
  flush(): void;
  /** Takes the bar away and writes what is still held back. May be called twice. */
  close(): void;
}

const FRAME_MS = 50;
const PLAIN_MS = 250;

/** A display with its timer, which keeps no process alive. `redraws`: from terminalFacts, of both streams. */
export function openDisplay(options: DisplayOptions & { readonly redraws: boolean }): Display {
  const display: Display = options.redraws ? new Bar(options) : new Plain(options);
  const timer = setInterval(() => display.tick(), options.redraws ? FRAME_MS : PLAIN_MS);
  timer.unref();
  return {
    emit: (e) => display.emit(e),
    tick: () => display.tick(),
    flush: () => display.flush(),
    close() {
      clearInterval(timer);
      display.close();
    },
  };
}
