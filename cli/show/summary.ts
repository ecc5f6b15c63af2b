/** The last lines of a run: sizes, counts, and what failed. Also what a run prints that had nothing to do. */
import type { RunResult } from "../../engine/types.ts";
import { type PreviousSize, renderSizes } from "./size.ts";
import { count, paint } from "./text.ts";
import { seconds } from "./time.ts";

export interface SummaryLook {
  readonly color: boolean;
  readonly dryRun: boolean;
  readonly previousSize: PreviousSize;
  /** Names of the actions that failed, in order: repeated when there are several, because their messages have scrolled away. */
  readonly failed: readonly string[];
}

const MOST_FAILED = 20;

/** Ends in a newline. `done in 1.24 s: 31 actions, 3 ran, 20 from cache, 8 up to date`. */
export function renderSummary(result: Omit<RunResult, "type">, look: SummaryLook): string {
  const { color, dryRun, failed } = look;
  const { actions, ran, hits, upToDate } = result;
  const left = actions - ran - hits - upToDate - result.failed;
  const parts = [count(actions, "action")];
  if (ran > 0) parts.push(dryRun ? `${ran} would run` : `${ran} ran`);
  if (hits > 0) parts.push(dryRun ? `${hits} would come from cache` : `${hits} from cache`);
  if (upToDate > 0) parts.push(`${upToDate} up to date`);
  if (result.failed > 0) parts.push(paint(`${result.failed} failed`, "red", color));
  if (left > 0 && result.status !== "ok") parts.push(`${left} not done`);
  const sizes = result.status === "ok" && !dryRun ? renderSizes(result, look.previousSize, color) : "";
  let text = `${sizes}${verdict(result, dryRun, color)} ${seconds(result.ms)}: ${parts.join(", ")}\n`;
  if (failed.length > 1) {
    text += failed
      .slice(0, MOST_FAILED)
      .map((name, i) => `${i === 0 ? "  failed: " : "          "}${name}\n`)
      .join("");
    if (failed.length > MOST_FAILED) text += `          and ${failed.length - MOST_FAILED} more\n`;
  }
  return text;
}

function verdict(result: Pick<RunResult, "status">, dryRun: boolean, color: boolean): string {
  switch (result.status) {
    case "ok":
      return dryRun ? "looked for" : paint("done in", "green", color);
    case "failed":
      return paint("failed after", "red", color);
    case "cancelled":
      return paint("interrupted after", "yellow", color);
  }
}
