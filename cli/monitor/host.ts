/** What monitors have of fb's own process: its streams and its keyboard. */
import type { Faces } from "../faces.ts";
import { renderFailure } from "../show/text.ts";
import type { MonitorHost } from "./devices.ts";

/** json: lines are events, and what is typed is for nobody. */
export function hostOf(faces: Faces, json: boolean): Omit<MonitorHost, "emit" | "now"> {
  const terminal = process.stdout.isTTY === true;
  return {
    out: json ? null : { color: faces.out.color, terminal, write: (bytes) => faces.out.write(bytes) },
    say: (line) => faces.err.write(`${line}\n`),
    warn: (warning) => faces.err.write(renderFailure(warning, { color: faces.err.color })),
    keyboard: process.stdin,
    keys: new Map(),
  };
}
