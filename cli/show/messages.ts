/** What events say to people, each message whole and once: shared by the display with a bar and the one of plain lines. */
import type { Event } from "../../engine/types.ts";
import { causesText } from "./cause.ts";
import { nameOf } from "./tally.ts";
import { lines, oneLine, paint, quoteForShell, renderFailure, sanitize, stripSgr } from "./text.ts";

type End = Extract<Event, { type: "end" }>;

export class Messages {
  /** Names of the actions that failed. */
  readonly failed: string[] = [];
  private readonly said = new Map<string, string>();

  /** The text of a diagnostic, or "" when the same was shown before. */
  diagnostic(e: Extract<Event, { type: "diagnostic" }>, color: boolean): string {
    const text = renderFailure(e, { color });
    const key = `diagnostic ${stripSgr(text)}`;
    if (this.said.has(key)) return "";
    this.said.set(key, "");
    return text;
  }

  /** An action of which nothing more is to be said than what was. */
  note(e: End): void {
    if (e.status === "failed") this.failed.push(nameOf(e));
  }

  /**
   * What an action printed, with its header when it failed; "" when it said nothing. The same text of the same step in another env is named, not repeated.
   * `header`: also above the text of an action that did not fail. argv null: without the command.
   */
  output(e: End, argv: readonly string[] | null, header: boolean, color: boolean): string {
    const failed = e.status === "failed";
    const name = nameOf(e);
    if (failed) this.failed.push(name);
    const body = lines(sanitize(e.output, color).trimEnd());
    if (body === "" && !failed) return "";
    const key = `${e.kind} ${e.label}\n${e.output.replaceAll(`.fb/build/${e.env}/`, "@")}`;
    const before = body === "" ? undefined : this.said.get(key);
    if (before === undefined) this.said.set(key, e.env);
    else if (!failed) return "";
    const code = e.exitCode === null ? "" : ` (exit ${e.exitCode})`;
    let head = failed
      ? `${paint("FAILED", "red", color)} ${paint(name, "bold", color)}${code}`
      : header
        ? paint(`${name}:`, "dim", color)
        : "";
    if (before !== undefined) head += `: the same message as for ${before}`;
    const command = argv === null || !failed ? "" : `${quoteForShell(argv)}\n`;
    return lines(head) + command + (before === undefined ? body : "");
  }
}

/** `compile uno src/main.cpp  (include/pins.h changed)`, with "cached" or "would" before it where that is so. */
export function actionLine(e: End, dryRun: boolean, why: boolean, color: boolean): string {
  const cached = e.status === "hit" || e.status === "remote-hit";
  const how = dryRun ? (cached ? "would take from cache " : "would run ") : cached ? "cached " : "";
  const reason = why ? causesText(e.why) : "";
  return `${how}${nameOf(e)}${reason === "" ? "" : paint(`  (${oneLine(reason)})`, "dim", color)}`;
}
