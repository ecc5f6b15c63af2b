/** What the firmware takes of flash and RAM: the rows at the end of a build. */
import type { RunResult, Usage } from "../../engine/types.ts";
import { paint, stripSgr } from "./text.ts";

/** Bytes that an env's last build took; null if it is not known. */
export type PreviousSize = (env: string) => { readonly flash: number; readonly ram: number } | null;

type Row = RunResult["size"][number];
type Artifact = Pick<RunResult["artifacts"][number], "env" | "path">;

/** Up to so many envs get PlatformIO's bars; more get one line each. */
const ENVS_WITH_BARS = 3;
const BAR = 10;
/** From here on a memory is called nearly full. */
const TIGHT = 0.95;

/**
 * For each env its image and, in the form known from PlatformIO, its memory:
 * `RAM:   [=         ]  15.2% (used 311 bytes from 2048 bytes)`, with the difference to the last build. Ends in a newline unless empty.
 */
export function renderSizes(
  result: { readonly artifacts: readonly Artifact[]; readonly size: readonly Row[] },
  previous: PreviousSize,
  color: boolean,
): string {
  const envs = [...new Set([...result.artifacts, ...result.size].map((x) => x.env))];
  const rows = new Map(result.size.map((row) => [row.env, row]));
  const images = new Map<string, Artifact[]>();
  for (const artifact of result.artifacts) images.set(artifact.env, [...(images.get(artifact.env) ?? []), artifact]);
  const widest = Math.max(0, ...envs.map((e) => e.length));
  let text = "";
  for (const env of envs) {
    const row = rows.get(env);
    const paths = (images.get(env) ?? []).map((a) => stripSgr(a.path));
    if (envs.length > ENVS_WITH_BARS) text += `${env.padEnd(widest)}  ${short(row, previous, color, paths)}\n`;
    else text += bars(env, row, previous, color, paths);
  }
  return text;
}

function bars(env: string, row: Row | undefined, previous: PreviousSize, color: boolean, paths: readonly string[]): string {
  let text = `${paint(env, "bold", color)}  ${paths.join("  ")}`.trimEnd();
  text += "\n";
  if (row === undefined) return text;
  const before = previous(env);
  return `${text}  RAM:   ${bar(row.ram, before?.ram ?? null, color)}\n  Flash: ${bar(row.flash, before?.flash ?? null, color)}\n`;
}

function bar(usage: Usage, before: number | null, color: boolean): string {
  const { used, total } = usage;
  const change = difference(used, before);
  if (total === null || total === 0) return `used ${used} bytes${change === "" ? "" : ` (${change})`}`;
  const filled = Math.min(BAR, Math.round((used / total) * BAR));
  const drawn = `[${"=".repeat(filled)}${" ".repeat(BAR - filled)}] ${percent(usage).padStart(6)}`;
  return `${tinted(drawn, usage, color)} (used ${used} bytes from ${total} bytes${change === "" ? "" : `, ${change}`})`;
}

function short(row: Row | undefined, previous: PreviousSize, color: boolean, paths: readonly string[]): string {
  const names = paths.map((p) => p.slice(p.lastIndexOf("/") + 1)).join(" ");
  if (row === undefined) return names;
  const before = previous(row.env);
  return [cell("Flash", row.flash, before?.flash ?? null, color), cell("RAM", row.ram, before?.ram ?? null, color), names]
    .join("  ")
    .trimEnd();
}

function cell(name: string, usage: Usage, before: number | null, color: boolean): string {
  const change = difference(usage.used, before);
  const of = usage.total === null ? `${usage.used} bytes` : `${usage.used} of ${usage.total} bytes`;
  const share = usage.total === null ? "" : `${tinted(percent(usage).padStart(6), usage, color)} `;
  return `${name} ${share}(${of}${change === "" ? "" : `, ${change}`})`;
}

/** A memory that does not hold its program is said so in every run, also in one that had nothing to do. */
function percent({ used, total }: Usage): string {
  return `${((used / (total ?? 1)) * 100).toFixed(1)}%${total !== null && used > total ? " OVERFLOW" : ""}`;
}

function difference(now: number, before: number | null): string {
  if (before === null || before === now) return "";
  return now > before ? `+${now - before}` : `${now - before}`;
}

function tinted(text: string, { used, total }: Usage, color: boolean): string {
  if (total === null || used < total * TIGHT) return text;
  return paint(text, used > total ? "red" : "yellow", color);
}
