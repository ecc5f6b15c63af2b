/** A cause in words: the reason that `--why` puts on an action's line. */
import type { Cause } from "../../engine/types.ts";
import { quoteForShell } from "./text.ts";

const DIGITS = 8;
/** Longer values say nothing to people. */
const MOST = 200;

/** `include/pins.h changed, read through include/app.h`. */
export function causeText(cause: Cause): string {
  switch (cause.cause) {
    case "input-changed": {
      const via = cause.via.filter((p) => p !== cause.file);
      return `${cause.file} changed${via.length > 0 ? `, read through ${via.join(" → ")}` : ""}`;
    }
    case "input-added":
      return `${cause.file} is new`;
    case "input-removed":
      return `${cause.file} is gone`;
    case "output-missing":
      return `${cause.file} is missing`;
    case "output-changed":
      return `${cause.file} was changed by someone else`;
    case "arg-added":
      return `new argument ${quoteForShell([cause.arg])}`;
    case "arg-removed":
      return `argument ${quoteForShell([cause.arg])} dropped`;
    case "var-changed":
    case "tool-changed":
    case "rule-changed":
      return `${cause.cause.slice(0, cause.cause.indexOf("-"))} ${cause.name} changed${values(cause.old, cause.new)}`;
    case "first-build":
      return "never built here";
    case "forced":
      return "asked for";
    case "evicted":
      return "its result was evicted from the cache";
  }
}

/** The first of them, and how many more there are. */
export function causesText(causes: readonly Cause[]): string {
  const [first, ...more] = causes;
  if (first === undefined) return "";
  return `${causeText(first)}${more.length > 0 ? ` (and ${more.length} more)` : ""}`;
}

function values(was: string, now: string): string {
  const short = (v: string) => v.replace(/(?:sha256:)?([0-9a-f]{64})/g, (_, digits: string) => digits.slice(0, DIGITS));
  // As how headers are searched: the names of all folders.
  if (was.length > MOST || now.length > MOST) return "";
  if (was === "" && now === "") return "";
  return ` (${was === "" ? "unset" : short(was)} → ${now === "" ? "unset" : short(now)})`;
}
