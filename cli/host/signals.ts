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

/** A signal that came before anybody watched; what ends fb then, unless somebody takes it up. */
let early: { readonly signal: NodeJS.Signals; readonly end: NodeJS.Timeout } | null = null;
/** A verb that is about to watch does so well before. */
const EARLY_MS = 200;

function onEarly(signal: NodeJS.Signals): void {
  early ??= { signal, end: setTimeout(() => process.exit(INTERRUPTED), EARLY_MS) };
}

/** From the first moment on a signal ends fb as the contract says; watchSignals takes up what came before it. */
export function watchEarly(): void {
  for (const s of WATCHED) process.on(s, onEarly);
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
  for (const s of WATCHED) {
    process.on(s, on);
    process.off(s, onEarly);
  }
  if (early !== null) {
    clearTimeout(early.end);
    on(early.signal);
    early = null;
  }
  return {
    stop: controller.signal,
    close() {
      for (const s of WATCHED) process.off(s, on);
    },
  };
}
