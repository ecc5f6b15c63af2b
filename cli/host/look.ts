/** Looks at what may not be there, or not for this user: no answer instead of an error. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** What is in a folder; nothing where there is none. */
export function namesIn(folder: string): readonly string[] {
  return tried(() => readdirSync(folder)) ?? [];
}

export function textOf(file: string): string | null {
  return tried(() => readFileSync(file, "utf8"));
}

/** Where a link leads, as it says itself. */
export function linkOf(path: string): string | null {
  return tried(() => readlinkSync(path));
}

/** The path without links. */
export function realOf(path: string): string | null {
  return tried(() => realpathSync(path));
}

function tried<T>(look: () => T): T | null {
  try {
    return look();
  } catch {
    return null;
  }
}
