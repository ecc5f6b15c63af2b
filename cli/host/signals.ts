/**
 * SIGINT, SIGTERM and SIGHUP become one AbortSignal; a second one ends fb at once.
 *
 * The first asks everything to end, which takes at most 0.5 s. Under npm a Ctrl-C arrives twice, from the terminal and from npm that passes it on, so a
 * signal within 200 ms of the first is the same one.
 */
import { clock } from "./clock.ts";

/** What fb exits with when it was interrupted, whichever signal it was. */
export const INTERRUPTED = 130;
const SAME_MS = 200;
const WATCHED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Signals {
  /** Aborted by the first signal; its reason is the signal's name. */
  readonly stop: AbortSignal;
  /** Gives the signals back to Node. */
  close(): void;
}

/** `killNow`: ends what runs without waiting; called before the exit that a second signal makes. */
export function watchSignals(killNow: () => void): Signals {
  const controller = new AbortController();
  let first = 0;
  const on = (signal: NodeJS.Signals) => {
    const now = clock.monotonicMs();
    if (!controller.signal.aborted) {
      first = now;
      controller.abort(signal);
    } else if (now - first > SAME_MS) {
      killNow();
      process.exit(INTERRUPTED);
    }
  };
  for (const s of WATCHED) process.on(s, on);
  return {
    stop: controller.signal,
    close() {
      for (const s of WATCHED) process.off(s, on);
    },
  };
}
