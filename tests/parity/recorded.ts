/**
 * What PlatformIO answered to generated cases, kept: recorded/KIND.jsonl, a line a case. Cases are made again from their numbers, so a line holds no input,
 * only its hash: an answer to what a changed generator no longer asks is found out, and never compared with.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A case with its answer. `id` names the case: what its generator makes it from. */
export interface Line<A> {
  readonly id: string;
  readonly input: string;
  readonly answer: A;
}

const folder = join(import.meta.dirname, "recorded");

/** The first half of the sha256 of a case as JSON. */
export function inputHash(input: object): string {
  return createHash("sha256").update(JSON.stringify(input)).digest("hex").slice(0, 16);
}

export function readRecorded<A>(kind: string): readonly Line<A>[] {
  const file = join(folder, `${kind}.jsonl`);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line<A> => JSON.parse(line));
}

export function writeRecorded<A>(kind: string, lines: readonly Line<A>[]): void {
  writeFileSync(join(folder, `${kind}.jsonl`), `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
}
