/** Failures as values: constructors, and which exit code speaks for several of them. */
import { withoutCredentials } from "./redact.ts";
import type { Event, Failure, Result } from "./types.ts";

type Place = { readonly file?: string | null; readonly line?: number; readonly column?: number; readonly hint?: string };

/** An error; credentials of urls are taken out of its texts. `exit` is the code of the command-line contract: 1 build, 2 usage, 3 configuration, 4 infrastructure, 5 device. Lines and columns count from 1, 0 is "none". */
export function failure(code: string, exit: Failure["exit"], message: string, place: Place = {}): Failure {
  return {
    code,
    severity: "error",
    exit,
    message: withoutCredentials(message),
    file: place.file ?? null,
    line: place.line ?? 0,
    column: place.column ?? 0,
    hint: withoutCredentials(place.hint ?? ""),
  };
}

/** The same as a warning: it is shown and changes no exit code. */
export function warning(code: string, message: string, place: Place = {}): Failure {
  return { ...failure(code, 1, message, place), severity: "warning" };
}

/** As listeners hear it; t: milliseconds since the start of the run. */
export function diagnostic(
  t: number,
  { severity, code, message, file, line, column, hint }: Failure,
): Extract<Event, { type: "diagnostic" }> {
  return { type: "diagnostic", t, severity, code, message, file, line, column, hint };
}

/** What a thrown error carries to say, as the disk's do; null of any other, which is a bug. */
export function failureOf(error: unknown): Failure | null {
  return (error as { readonly failure?: Failure }).failure ?? null;
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail<T>(f: Failure): Result<T> {
  return { ok: false, failure: f };
}

/** The exit code of a run with these failures: of several kinds the order is 3, 4, 1, 5, then 2 (the command-line contract). */
export function exitCode(failures: readonly Failure[]): number {
  for (const code of [3, 4, 1, 5, 2]) if (failures.some((f) => f.severity === "error" && f.exit === code)) return code;
  return 0;
}
