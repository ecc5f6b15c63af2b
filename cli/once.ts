/** What has been said in a project and need not be said again: one message a line, in `.fb/state/noted`. */
import { appendFileSync, readFileSync } from "node:fs";

export class Once {
  /** Messages that this run has said for the first time. */
  readonly said = new Set<string>();
  private readonly file: string;
  private readonly before: ReadonlySet<string>;

  constructor(file: string) {
    this.file = file;
    this.before = new Set(read(file).split("\n"));
  }

  /** True the first time that a message is asked for; from then on, in this run and the next ones, false. */
  isNew(message: string): boolean {
    const line = message.replaceAll("\n", " ");
    if (this.before.has(line) || this.said.has(message)) return false;
    this.said.add(message);
    try {
      appendFileSync(this.file, `${line}\n`);
    } catch {
      // Said again next time, no more.
    }
    return true;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Nothing has been said yet.
    return "";
  }
}
