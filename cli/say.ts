/** Writing before there are streams: process.stdout costs 2 to 5 ms to set up (streams, net, tty), and an unchanged build says a few lines. */
import { fstatSync, writeSync } from "node:fs";

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
