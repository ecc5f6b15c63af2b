/** Keys of a terminal, each as it is pressed. Only while fb has the terminal: what else reads from it would miss lines. */
import type { ReadStream } from "node:tty";

/** onKey: told each character. Null where standard input is no terminal. close gives it back as it was. */
export function openKeys(onKey: (key: string) => void): { close(): void } | null {
  const stdin = process.stdin as ReadStream;
  if (stdin.isTTY !== true) return null;
  const take = (on: boolean) => {
    try {
      stdin.setRawMode(on);
    } catch {
      // The terminal has gone.
    }
  };
  const heard = (text: string) => {
    for (const key of text) {
      // In raw mode the terminal makes no signals of keys.
      if (key === "\x03") process.kill(process.pid, "SIGINT");
      else if (key === "\x1a") suspend();
      else onKey(key);
    }
  };
  const suspend = () => {
    take(false);
    process.kill(process.pid, "SIGSTOP");
  };
  const resumed = () => take(true);
  take(true);
  stdin.setEncoding("utf8").on("data", heard);
  stdin.on("error", () => {});
  stdin.resume();
  process.on("SIGCONT", resumed);
  return {
    close() {
      process.off("SIGCONT", resumed);
      stdin.off("data", heard);
      take(false);
      stdin.pause();
      stdin.unref();
    },
  };
}
