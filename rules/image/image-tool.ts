/** What makes one file of others within fb: pure, bytes in and bytes out. cli/tools/image.ts gives it its arguments and the disk. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

/** Words by the option that they follow; those before the first option stand under "". */
export type Options = ReadonlyMap<string, readonly string[]>;

export type Hash = (algorithm: "md5" | "sha256", bytes: Uint8Array) => Uint8Array;

export interface ImageTool {
  /** Its arguments, for the message where some are missing. */
  readonly usage: string;
  /** `null`: an argument is missing or makes no sense. log: what it has to say. */
  make(
    options: Options,
    read: (path: string) => Uint8Array,
    hash: Hash,
  ): Result<{ readonly bytes: Uint8Array; readonly log: string }> | null;
}

/** Words before the first `--NAME`, and after each. */
export function optionsOf(args: readonly string[]): Options {
  const options = new Map<string, string[]>([["", []]]);
  let name = "";
  for (const arg of args) {
    if (arg.startsWith("--")) options.set((name = arg.slice(2)), []);
    else options.get(name)?.push(arg);
  }
  return options;
}

/** The word after an option that takes one. */
export function one(options: Options, name: string): string | null {
  return options.get(name)?.[0] ?? null;
}

/** A mistake in what an image is made of (exit 1). */
export function refused<T>(code: string, message: string, file: string, hint: string): Result<T> {
  return fail(failure(code, 1, message, { file, hint }));
}

export function made(bytes: Uint8Array, log = ""): Result<{ readonly bytes: Uint8Array; readonly log: string }> {
  return ok({ bytes, log });
}
