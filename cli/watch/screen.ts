/** What `fb watch` says between runs: a line that waits, a rule above each run that says what changed. Elsewhere than on a terminal plain lines. */
import type { Out } from "../show/out.ts";
import { cutEnd, displayWidth, oneLine, paint } from "../show/text.ts";
import type { Difference } from "./ground.ts";

const MOST_NAMES = 3;

export class Screen {
  private readonly out: Out;
  private readonly redraws: boolean;
  private readonly columns: () => number;
  private waits = false;
  private said = "";

  constructor(out: Out, redraws: boolean, columns: () => number) {
    this.out = out;
    this.redraws = redraws;
    this.columns = columns;
  }

  /** `watching 41 folders; r run, e explain, q quit`: on a terminal until something else is said. */
  waiting(folders: number, keys: boolean): void {
    const text = `watching ${folders} folder${folders === 1 ? "" : "s"}${keys ? "; r run, e explain, q quit" : ""}`;
    if (!this.redraws) {
      // Once, so that a log says what is going on.
      if (this.said === "") this.out.write(`${text}\n`);
      this.said = text;
      return;
    }
    this.clear();
    this.out.write(paint(cutEnd(text, Math.max(1, this.columns() - 1)), "dim", this.out.color));
    this.waits = true;
  }

  /** Above the next run: why there is one. */
  changed(names: Difference): void {
    const shown = names.slice(0, MOST_NAMES).map(oneLine).join(", ");
    const text = `${shown}${names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ""}`;
    if (!this.redraws) return this.out.write(`changed: ${text}\n`);
    this.clear();
    const room = Math.max(1, Math.min(this.columns(), 100) - 1);
    const title = cutEnd(`── ${text} `, room);
    this.out.write(`${paint(title + "─".repeat(Math.max(0, room - displayWidth(title))), "dim", this.out.color)}\n`);
  }

  /** A line of its own. */
  say(text: string): void {
    this.clear();
    this.out.write(`${text}\n`);
  }

  clear(): void {
    if (this.waits) this.out.write("\r\x1b[2K");
    this.waits = false;
  }
}
