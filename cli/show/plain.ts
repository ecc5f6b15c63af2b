/** Plain lines for logs and pipes: one for each action that ran, its messages whole, and a line of life when nothing else is said. */
import type { Event } from "../../engine/types.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { actionLine, Messages } from "./messages.ts";
import { renderSummary } from "./summary.ts";
import { type Pull, pullName, Tally } from "./tally.ts";
import { bytes, oneLine, paint, quoteForShell, sanitize } from "./text.ts";
import { seconds } from "./time.ts";

/** A tick comes every quarter of a second: the first line is there within one second, whatever happens. */
const FIRST_SILENCE_MS = 650;
const SILENCE_MS = 10_000;

export class Plain implements Display {
  private readonly options: DisplayOptions;
  private readonly tally: Tally;
  private readonly messages = new Messages();
  private readonly began: number;
  private spoke: number | null = null;
  private planned = false;
  private over = false;

  constructor(options: DisplayOptions) {
    this.options = options;
    this.tally = new Tally(options.upToDate);
    this.began = options.now();
  }

  emit(e: Event): void {
    if (this.over) return;
    const argv = e.type === "end" ? (this.tally.running.get(e.id)?.argv ?? null) : null;
    const pulled = e.type === "fetch" ? this.tally.pulls.get(pullName(e)) : undefined;
    this.tally.take(e, this.options.now());
    switch (e.type) {
      case "plan":
        this.planned = e.final;
        return;
      case "end":
        return this.ended(e, argv);
      case "diagnostic":
        return this.complain(this.messages.diagnostic(e, this.options.err.color));
      case "fetch":
        return this.fetched(e, pulled);
      case "device":
        return this.say(deviceLine(e));
      case "serial":
        return this.say(sanitize(e.line, this.options.out.color));
      case "result": {
        const { color } = this.options.out;
        const { dryRun, previousSize } = this.options;
        this.over = true;
        this.options.out.write(renderSummary(e, { color, dryRun, previousSize, failed: this.messages.failed }));
        return;
      }
    }
  }

  tick(): void {
    if (this.over) return;
    const silent = this.options.now() - (this.spoke ?? this.began);
    if (silent < (this.spoke === null ? FIRST_SILENCE_MS : SILENCE_MS)) return;
    this.say(this.life());
  }

  close(): void {
    this.over = true;
  }

  private ended(e: Extract<Event, { type: "end" }>, argv: readonly string[] | null): void {
    const { verbose, why, dryRun, out, err } = this.options;
    const cached = e.status === "hit" || e.status === "remote-hit";
    const shown = e.status === "ran" || (cached && (verbose || why || dryRun));
    if (shown) {
      const command = verbose && argv !== null ? `\n${quoteForShell(argv)}` : "";
      this.say(`${this.counter()} ${actionLine(e, dryRun, why, out.color)}${command}`);
    }
    if (e.status !== "cancelled") this.complain(this.messages.output(e, argv, !shown, err.color));
  }

  private fetched(e: Extract<Event, { type: "fetch" }>, before: Pull | undefined): void {
    const name = pullName(e);
    const size = e.total === null ? "" : ` (${bytes(e.total)})`;
    if (e.state === "downloading" && before?.state !== "downloading") this.say(`downloading ${name}${size}`);
    else if (e.state === "done")
      this.say(`${name} is there${before === undefined ? "" : ` after ${seconds(this.options.now() - before.since)}`}`);
    else if (e.state === "failed") this.complain(`${paint("FAILED", "red", this.options.err.color)} to fetch ${name}\n`);
  }

  /** `[ 3/31]`. */
  private counter(): string {
    const { done } = this.tally;
    const total = String(Math.max(done, this.tally.total));
    return `[${String(done).padStart(total.length)}/${total}]`;
  }

  private life(): string {
    const { running, pulls, done, total } = this.tally;
    const now = this.options.now();
    const parts: string[] = [];
    if (total > 0) parts.push(`${done} of ${total} done`);
    if (running.size > 0) parts.push(`${running.size} running`);
    const [longest] = this.tally.longest();
    if (longest !== undefined) parts.push(`${running.size > 1 ? "longest: " : ""}${longest.name} (${seconds(now - longest.since)})`);
    for (const pull of pulls.values()) parts.push(pullText(pull));
    if (running.size === 0 && pulls.size === 0) parts.push(this.planned ? "looking at what changed" : "reading the project");
    return `${paint(`after ${seconds(now - this.began)}:`, "dim", this.options.out.color)} ${parts.join(", ")}`;
  }

  private say(line: string): void {
    this.spoke = this.options.now();
    this.options.out.write(`${line}\n`);
  }

  private complain(text: string): void {
    if (text === "") return;
    this.spoke = this.options.now();
    this.options.err.write(text);
  }
}

/** `downloading toolchain-atmelavr 7.3.0: 42% of 38.0 MB`. */
export function pullText(pull: Pull): string {
  const name = `${pull.state} ${pull.name}`;
  if (pull.state !== "downloading" || pull.bytes === 0) return name;
  if (pull.total === null || pull.total === 0) return `${name}: ${bytes(pull.bytes)}`;
  return `${name}: ${Math.floor((pull.bytes / pull.total) * 100)}% of ${bytes(pull.total)}`;
}

export function deviceLine(e: Extract<Event, { type: "device" }>): string {
  return oneLine(`${e.device}: ${e.state}${e.by === null ? "" : ` by ${e.by}`}`);
}
