/**
 * The reports of an env's programs, in `.fb/state/size/ENV-PROFILE.json`: of the program that was measured last and of the one before it. What was built and not measured is
 * found by the project's history and measured from the cache's copy.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeFolders } from "../../cache/folders.ts";
import type { History } from "../../cache/history.ts";
import { replaceFile } from "../../cache/replace-file.ts";
import { hashing } from "../host/hash.ts";
import { elfOf, type Measured, measure, measureLike, type Program } from "./measure.ts";
import { ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

interface Kept {
  readonly schema: 1;
  /** Of the arguments of the size action beside the program: other limits or sections are another report. */
  readonly counts: string;
  readonly elf: string;
  readonly measured: Measured;
  readonly before: { readonly elf: string; readonly measured: Measured } | null;
}

export interface Report extends Measured {
  /** Of the program that was linked before this one; null where there was none, or nothing of it is left. */
  readonly before: Measured | null;
}

/** history: the project's; blob: the bytes of a digest that the cache has, else null. */
export function reportOf(
  program: Program,
  state: { readonly folder: string; readonly history: History },
  blob: (digest: string) => Uint8Array | null,
): Result<Report> {
  const { env, profile } = program.link;
  const file = join(state.folder, "size", `${encodeURIComponent(`${env}-${profile}`)}.json`);
  const bytes = elfOf(program);
  const elf = hashing.sha256(bytes);
  const counts = JSON.stringify(program.size?.argv ?? null);
  const found = read(file);
  const kept = found?.counts === counts ? found : null;
  const made = kept?.elf === elf ? ok(kept.measured) : measure(program, bytes);
  if (!made.ok) return made;
  const before = beforeOf(program, elf, made.value, kept, state.history, blob);
  if (kept?.elf !== elf || kept.before?.elf !== before?.elf) {
    keep(file, { schema: 1, counts, elf, measured: made.value, before });
  }
  return ok({ ...made.value, before: before?.measured ?? null });
}

function beforeOf(
  program: Program,
  elf: string,
  now: Measured,
  kept: Kept | null,
  history: History,
  blob: (digest: string) => Uint8Array | null,
): Kept["before"] {
  const known = [kept, kept?.before ?? null].flatMap((k) => (k === null || k.elf === elf ? [] : [{ elf: k.elf, measured: k.measured }]));
  const last = lastLinked(program, elf, history);
  const same = known.find((k) => k.elf === last);
  if (last === null || same !== undefined) return same ?? known[0] ?? null;
  const bytes = blob(last);
  const measured = bytes === null ? null : measureLike(program, bytes, now.report);
  return measured?.ok === true ? { elf: last, measured: measured.value } : (known[0] ?? null);
}

/** The digest of the program that lay there before; null where the history does not reach back to it. */
function lastLinked({ link }: Program, elf: string, history: History): string | null {
  for (const number of history.numbers()) {
    const linked = history.run(number)?.links[`${link.env}/${link.profile}`];
    if (linked !== undefined && linked !== elf) return linked;
  }
  return null;
}

/** What cannot be kept is measured again. */
function keep(file: string, kept: Kept): void {
  try {
    makeFolders(dirname(file));
    replaceFile(file, JSON.stringify(kept), `${file}.${process.pid}`);
  } catch {
    // The answer is the same.
  }
}

function read(file: string): Kept | null {
  try {
    const kept = JSON.parse(readFileSync(file, "utf8")) as Kept;
    return kept.schema === 1 ? kept : null;
  } catch {
    return null;
  }
}
