/** What a snapshot keeps to be said again: by cli/quick.ts for the same words, by cli/request.ts for the same request. */
import type { Failure, RunResult } from "../engine/types.ts";

export interface Payload {
  readonly envs: readonly string[];
  readonly profile: string;
  /** Warnings, said again each time. */
  readonly notes: readonly Failure[];
  readonly result: RunResult;
  /** All of it as text for people. */
  readonly said: Readonly<Record<"plain" | "color", Said>>;
}

/** `notes` for standard error; for standard output what comes before and after the time that the run took. */
export interface Said {
  readonly notes: string;
  readonly before: string;
  readonly after: string;
}

/** The words of a command line as a name of their request: never another request's, since those are lists of lists. */
export function wordsAlias(words: readonly string[]): string {
  return JSON.stringify(words);
}
