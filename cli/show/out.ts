/** Where text for people goes: a stream that may be closed, and what is known of the terminal behind it. */

/** Writes whole texts in order. `color` says whether escape codes for styles may be in them. */
export interface Out {
  readonly color: boolean;
  /** Bytes: what came from a device, as it came. */
  write(text: string | Uint8Array): void;
}

/** The part of a Node stream that is used: process.stdout and process.stderr are such. */
export interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string | Uint8Array): unknown;
  on(event: "error", listener: (error: Error & { readonly code?: string }) => void): unknown;
}

/** `closed` is called once when the reader has gone (EPIPE): nothing more is written, nothing is reported. Other errors of the stream are thrown. */
export function openOut(stream: Stream, color: boolean, closed: () => void): Out {
  let open = true;
  const gone = (error: Error & { readonly code?: string }) => {
    if (error.code !== "EPIPE" && error.code !== "ERR_STREAM_DESTROYED") throw error;
    if (!open) return;
    open = false;
    closed();
  };
  stream.on("error", gone);
  return {
    color,
    write(text) {
      if (!open || text.length === 0) return;
      try {
        stream.write(text);
      } catch (error) {
        gone(error as Error);
      }
    },
  };
}

export interface TerminalFacts {
  /** Lines may be redrawn: a terminal that knows cursor movements, and no CI log. */
  readonly redraws: boolean;
  readonly color: boolean;
}

/**
 * NO_COLOR (set and not empty) turns colours off, whatever else says; FORCE_COLOR or CLICOLOR_FORCE (set, not "0") turn them on without a terminal.
 * TERM=dumb has neither colours nor movements; in CI a terminal is a recording, where redrawn lines are noise. (no-color.org, bixense.com/clicolors)
 */
export function terminalFacts(isTerminal: boolean, vars: Readonly<Record<string, string | undefined>>): TerminalFacts {
  const on = (name: string) => (vars[name] ?? "") !== "" && vars[name] !== "0";
  const able = isTerminal && vars.TERM !== "dumb";
  const ci = on("CI") && vars.CI !== "false";
  return { redraws: able && !ci, color: (vars.NO_COLOR ?? "") === "" && (able || on("FORCE_COLOR") || on("CLICOLOR_FORCE")) };
}
