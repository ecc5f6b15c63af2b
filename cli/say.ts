/** Writing before there are streams: process.stdout costs 2 to 5 ms to set up (streams, net, tty), and an unchanged build says a few lines. */
import { fstatSync, writeSync } from "node:fs";
import type { Payload } from "./payload.ts";
import { terminalFacts } from "./show/out.ts";
import { seconds } from "./show/time.ts";

/** What an earlier run said. ms: what it takes this time; lines: for programs, instead of the result's text. */
export function sayAgain(said: Payload["said"], ms: number, lines: string | null = null): void {
  const how = (fd: 1 | 2) => (terminalFacts(isTerminal(fd), process.env).color ? "color" : "plain");
  if (said.plain.notes !== "") say(2, said[how(2)].notes);
  if (lines !== null) return say(1, lines);
  const { before, after } = said[how(1)];
  say(1, before + seconds(ms) + after);
}

/** The whole text, to the descriptor. What cannot be written was not said: exit code 4, unless the reader has gone. */
export function say(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === "EAGAIN") continue;
      if (code !== "EPIPE") process.exitCode = 4;
      return;
    }
  }
}

/** A character device is a terminal here: /dev/null takes colours without complaint. */
export function isTerminal(fd: 1 | 2): boolean {
  return fstatSync(fd).isCharacterDevice();
}
