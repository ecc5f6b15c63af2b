/** How `fb explain` reads on a terminal. */
import type { Run } from "../../engine/run-record.ts";
import { subject } from "../../engine/explain.ts";
import type { Cause } from "../../engine/types.ts";
import type { ExplainedAction, Explanation } from "../explain/explain.ts";
import type { Versus } from "../explain/versus.ts";
import { causeText } from "./cause.ts";
import { count, oneLine, paint } from "./text.ts";
import { seconds } from "./time.ts";

/** Chains are cut after so many actions a cause; `--json` has them all. */
const MOST = 12;

/** run: null for what would run. placeOf: where a cause is written, as `platformio.ini:7`, "" where nobody knows. */
export function explanationText(e: Explanation, run: Run | null, placeOf: (cause: Cause) => string, now: number, color: boolean): string {
  const lines: string[] = [run === null ? wouldRun(e) : headline(run, now)];
  const labels = new Set(e.actions.map((a) => a.label));
  for (const cause of e.first) {
    const place = placeOf(cause);
    lines.push("", paint(oneLine(causeText(cause)), "bold", color) + (place === "" ? "" : paint(`  ${place}`, "dim", color)));
    const reached = e.actions.flatMap((a) => a.chain.filter((chain) => begins(chain, cause, a)).map((chain) => ({ a, chain })));
    for (const { a, chain } of reached.slice(0, MOST)) {
      // A plan may have come between: what it said then is told beside the action.
      const planned = chain.slice(1, -1).filter((word) => !labels.has(word));
      const beside = planned.length === 0 ? "" : paint(` (${oneLine(planned.join(", "))})`, "dim", color);
      lines.push(`  ${"→ ".padStart(2 * (chain.length - planned.length) - 2)}${actionText(a, color)}${beside}`);
    }
    if (reached.length > MOST) lines.push(`  and ${count(reached.length - MOST, "action")} more`);
  }
  const cut = e.actions.filter((a) => a.cutoff);
  if (cut.length > 0) lines.push("");
  for (const a of cut) lines.push(`${a.label} did not have to run: ${a.chain[0]?.[0] ?? "what it takes"} gave the same bytes`);
  if (e.actions.length === 0 && run !== null) lines.push("", `nothing of ${e.target} ran then`);
  return `${lines.join("\n")}\n`;
}

function begins(chain: readonly string[], cause: Cause, action: ExplainedAction): boolean {
  if (action.cutoff) return false;
  return chain[0] === subject(cause);
}

function headline(run: Run, now: number): string {
  const { ran, hits, upToDate, failed } = run.counts;
  const counts = [
    [ran, "ran"],
    [hits, "from cache"],
    [failed, "failed"],
    [upToDate, "up to date"],
  ] as const;
  const told = counts.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : [])).join(", ");
  return `run ${run.run}, ${ago(now - Date.parse(run.time))}: fb run ${run.request.join(" ")}: ${told} in ${seconds(run.ms)}`;
}

function wouldRun({ actions, target }: Explanation): string {
  const ran = actions.filter((a) => a.status === "ran").length;
  const hits = actions.filter((a) => a.status === "hit").length;
  if (ran + hits === 0) return `${target} is up to date: nothing would run`;
  return `${target}: ${count(ran, "action")} would run${hits > 0 ? `, ${hits} would come from the cache` : ""}`;
}

function actionText({ label, status, origin }: ExplainedAction, color: boolean): string {
  if (status === "failed") return `${label} ${paint("failed", "red", color)}`;
  return status === "hit" ? `${label} ${paint(`from the cache${origin === null ? "" : `, built in ${origin}`}`, "dim", color)}` : label;
}

function ago(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 120) return `${count(minutes, "minute")} ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} hours ago` : `${Math.floor(hours / 24)} days ago`;
}

export function versusText({ same, differences }: Versus, a: string, b: string): string {
  if (same) return `${a} and ${b} share their keys: what one built, the other takes from the cache\n`;
  const lines = differences.map((d) => {
    const side = (value: string) => (value === "" ? "none" : oneLine(value));
    if (d.field === "argv")
      return d.b === "" ? `- ${oneLine(d.a)}` : d.a === "" ? `+ ${oneLine(d.b)}` : `~ ${d.name}: ${side(d.a)} | ${side(d.b)}`;
    return `~ ${d.field} ${oneLine(d.name)}: ${side(d.a)} | ${side(d.b)}`;
  });
  return `${a} (-) and ${b} (+) differ:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
