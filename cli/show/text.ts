/** Text for people: escape codes, width on a terminal, shell quoting, numbers, and how a failure reads. */
import type { Failure } from "../../engine/types.ts";
import { shellWord } from "../../rules/shellwords.ts";

/** ECMA-48 SGR parameters of the few styles fb uses. */
const STYLES = { bold: "1", dim: "2", red: "1;31", green: "32", yellow: "1;33", cyan: "36" } as const;
export type Style = keyof typeof STYLES;

/** The text in a style, or as it is when colours are off. */
export function paint(text: string, style: Style, color: boolean): string {
  return color && text !== "" ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
}

/** String controls (OSC, DCS, PM, APC, SOS), control sequences, other escapes (ECMA-48, 7- and 8-bit forms), and what is left of controls. */
const CONTROL =
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|\x1b[ -/]*[0-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const NEEDS_CLEANING = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const RESET = /^(?:0*)$/;

/**
 * What a tool printed, made safe to print among other output: only newlines, tabs and, when `color`, SGR sequences stay of all control codes; a carriage
 * return becomes a line's end, so that nothing is overwritten; a style left open is closed. The words of the text are never changed.
 */
export function sanitize(text: string, color: boolean): string {
  if (!NEEDS_CLEANING.test(text)) return text;
  let open = false;
  const clean = text.replace(/\r+\n/g, "\n").replace(CONTROL, (all: string, parameters: string | undefined, final: string | undefined) => {
    if (all === "\r") return "\n";
    if (final !== "m" || parameters === undefined || !/^[0-9;:]*$/.test(parameters) || !color) return "";
    open = !RESET.test(parameters);
    return `\x1b[${parameters}m`;
  });
  return open ? `${clean}\x1b[0m` : clean;
}

/** The text without any control code but newlines and tabs. */
export function stripSgr(text: string): string {
  return sanitize(text, false);
}

/** A name that stays on its line, whatever is in it. */
export function oneLine(text: string): string {
  return stripSgr(text).replace(/[\n\t]+/g, " ");
}

/** Ends in a newline, unless empty. */
export function lines(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

const PLAIN = /^[\x20-\x7e]*$/;
const NO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
const EMOJI = /\p{Emoji_Presentation}/u;
/** Unicode's East Asian Width W and F as ranges, joined where only unassigned code points lie between them. */
const WIDE = [
  0x1100, 0x115f, 0x2e80, 0x303e, 0x3041, 0xa4cf, 0xa960, 0xa97f, 0xac00, 0xd7a3, 0xf900, 0xfaff, 0xfe30, 0xfe6f, 0xff00, 0xff60, 0xffe0,
  0xffe6, 0x1f200, 0x1f2ff, 0x20000, 0x3fffd,
];

/** The columns that a line takes on a terminal; escape codes take none. Emoji made of several code points count as their parts, as most terminals draw them. */
export function displayWidth(line: string): number {
  if (PLAIN.test(line)) return line.length;
  let width = 0;
  for (const c of stripSgr(line)) width += characterWidth(c);
  return width;
}

function characterWidth(c: string): number {
  const code = c.codePointAt(0) ?? 0;
  if (code < 0x20) return 0;
  if (code < 0x300) return code === 0xad ? 0 : 1;
  if (NO_WIDTH.test(c)) return 0;
  if (EMOJI.test(c)) return 2;
  for (let i = 0; i < WIDE.length; i += 2) if (code >= (WIDE[i] ?? 0) && code <= (WIDE[i + 1] ?? 0)) return 2;
  return 1;
}

/** The line cut at its end to at most `columns`, with "…" where something is missing. Without escape codes. */
export function cutEnd(line: string, columns: number): string {
  if (displayWidth(line) <= columns) return line;
  if (columns < 1) return "";
  let width = 1;
  let kept = "";
  for (const c of line) {
    width += characterWidth(c);
    if (width > columns) break;
    kept += c;
  }
  return `${kept}…`;
}

/** The same from its start: the end of a path tells more. */
export function cutStart(line: string, columns: number): string {
  if (displayWidth(line) <= columns) return line;
  if (columns < 1) return "";
  let width = 1;
  const kept: string[] = [];
  for (const c of [...line].reverse()) {
    width += characterWidth(c);
    if (width > columns) break;
    kept.push(c);
  }
  return `…${kept.reverse().join("")}`;
}

/** Filled to `columns` with spaces. */
export function padEnd(line: string, columns: number): string {
  return line + " ".repeat(Math.max(0, columns - displayWidth(line)));
}

/** A command that a POSIX shell, bash or zsh reads back as exactly these words. */
export function quoteForShell(argv: readonly string[]): string {
  return argv.map(shellWord).join(" ");
}

/** `[====    ]`: share from 0 to 1, `size` columns between the brackets. */
export function meter(share: number, size: number): string {
  const filled = Math.floor(Math.min(1, share) * size);
  return `[${"=".repeat(filled)}${" ".repeat(size - filled)}]`;
}

/** Decimal units, as download pages give them: `640 kB`, `38.0 MB`. */
export function bytes(n: number): string {
  if (n < 1000) return `${n} B`;
  if (n < 999_500) return `${Math.round(n / 1000)} kB`;
  return n < 999_950_000 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(2)} GB`;
}

/** `1 action`, `2 actions`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

export type Shown = Pick<Failure, "severity" | "message" | "file" | "line" | "column" | "hint">;

/** `platformio.ini:4:1: error: message`, then the hint on lines of its own; ends in a newline. What is not known of the place is left out. */
export function renderFailure(failure: Shown, look: { readonly color: boolean }): string {
  const { severity, file, line, column, hint } = failure;
  const place = file === null ? "" : `${file}${line > 0 ? `:${line}` : ""}${line > 0 && column > 0 ? `:${column}` : ""}: `;
  const head = paint(stripSgr(place), "bold", look.color) + paint(`${severity}:`, severity === "error" ? "red" : "yellow", look.color);
  let text = `${head} ${stripSgr(failure.message).trimEnd()}\n`;
  if (hint !== "") text += `  ${paint("hint:", "cyan", look.color)} ${stripSgr(hint).trimEnd().replaceAll("\n", "\n        ")}\n`;
  return text;
}
