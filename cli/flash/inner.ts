/** Uploaders that are code of fb's own: rules of kind flash name them as `["fb", "tool", NAME, …]`. */
import { fail, failure } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import type { Uploader } from "../../rules/rulefile-uploads.ts";
import { drive, picotool } from "./bootsel.ts";
import { espota } from "./espota.ts";
import { virtual } from "./virtual.ts";

export interface InnerSurroundings {
  /** The project's, which paths are relative to. */
  readonly folder: string;
  readonly stop: AbortSignal;
  /** What times of waiting are multiplied by: 1, but in tests. */
  readonly patience: number;
  readonly uploader: Uploader;
  /** Folders that may be the drive of a board in its loader. */
  drives(): readonly string[];
  onProgress(phase: string, percent: number): void;
}

/** What it gives is what it has to say. Failures (exit 5) tell their cause and what to try; once it is stopped, any. */
export type InnerUpload = (args: readonly string[], around: InnerSurroundings) => Promise<Result<string>>;

const UPLOADS: Readonly<Record<string, InnerUpload>> = { espota, picotool, drive, virtual };

export function isInner(argv: readonly string[]): boolean {
  return argv[0] === "fb" && argv[1] === "tool";
}

export async function innerUpload([, , name = "", ...args]: readonly string[], around: InnerSurroundings): Promise<Result<string>> {
  const upload = UPLOADS[name];
  return upload === undefined ? fail(failure("tool.unknown", 2, `fb has no uploader "${name}"`)) : upload(args, around);
}
