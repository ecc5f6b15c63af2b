/** Plain lines for logs and pipes: one for each action that ran, its messages whole, and a line of life when nothing else is said. */
import type { Event } from "../../engine/types.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { actionLine, Messages } from "./messages.ts";
import { bringsPackage } from "./package-events.ts";
import { broughtText, type Pull, pullName, pullText } from "./pulls.ts";
import { renderSummary } from "./summary.ts";
import { type Running, Tally } from "./tally.ts";
import { bytes, oneLine, paint, quoteForShell, sanitize } from "./text.ts";
import { seconds } from "./time.ts";

/** A tick comes every quarter of a second: the first line is there within one second, whatever happens. */
const FIRST_SILENCE_MS = 650;
const SILENCE_MS = 10_000;
/** What is there sooner has one line, at its end. */
const PULL_SILENCE_MS = 400;

export class Plain implements Display {
  private readonly options: DisplayOptions;
  private readonly tally: Tally;
  private readonly messages = new Messages();
  private readonly began: number;
  private spoke: number | null = null;
  /** The same of each package that began. */
  private readonly spokeOf = new Map<string, number>();
  private planned = false;
  private over = false;

  constructor(options: DisplayOptions) {
    this.options = options;
    this.tally = new Tally(options.upToDate);
    this.began = options.now();
  }

  emit(e: Event): void {
    if (this.over) return;
    const argv = e.type === "end" ? this.tally.argvOf(e.id) : null;
    const pulled = e.type === "fetch" ? (this.tally.pulls.active.get(pullName(e)) ?? null) : null;
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
        return this.say(this.tally.watched > 1 ? serialOf(e, this.options.out.color) : sanitize(e.line, this.options.out.color));
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
    this.tickPackages();
    // A board may say nothing for hours.
    for (const { kind } of this.tally.running.values()) if (kind === "monitor") return;
    const silent = this.options.now() - (this.spoke ?? this.began);
    if (silent < (this.spoke === null ? FIRST_SILENCE_MS : SILENCE_MS)) return;
    this.say(this.life());
  }

  flush(): void {}

  close(): void {
    this.over = true;
  }

  private ended(e: Extract<Event, { type: "end" }>, argv: readonly string[] | null): void {
    const { verbose, why, dryRun, out, err } = this.options;
    const cached = e.status === "hit" || e.status === "remote-hit";
    // Of packages the lines of their own say all, unless every command is wanted.
    if (bringsPackage(e.kind) && !verbose && !dryRun) return this.messages.note(e);
    const shown = e.status === "ran" || (cached && (verbose || why || dryRun));
    if (shown) {
      const command = verbose && argv !== null ? `\n${quoteForShell(argv)}` : "";
      this.say(`${this.counter()} ${actionLine(e, dryRun, why, out.color)}${command}`);
    }
    if (e.status !== "cancelled") this.complain(this.messages.output(e, argv, !shown, err.color));
  }

  private fetched(e: Extract<Event, { type: "fetch" }>, before: Pull | null): void {
    const now = this.options.now();
    const name = pullName(e);
    const spoke = this.spokeOf.get(name);
    if (e.state === "done") {
      const text = broughtText(e, before, now);
      if (text !== null) this.say(text);
    } else if (spoke === undefined && e.state === "downloading" && e.bytes > 0) this.begins(name);
    else if (spoke !== undefined && now - spoke >= SILENCE_MS) this.goesOn(name);
  }

  /** `fetching toolchain-atmelavr 7.3.0 (57.2 MB) from https://…`. */
  private begins(name: string): void {
    const pull = this.tally.pulls.active.get(name);
    if (pull === undefined) return;
    const size = pull.total === null ? "" : ` (${bytes(pull.total)})`;
    this.spokeOf.set(name, this.options.now());
    this.say(`fetching ${name}${size}${pull.from === null ? "" : ` from ${oneLine(pull.from)}`}`);
  }

  private goesOn(name: string): void {
    const pull = this.tally.pulls.active.get(name);
    if (pull === undefined) return;
    this.spokeOf.set(name, this.options.now());
    this.say(pullText(pull, this.options.now()));
  }

  /** Packages speak for themselves, each in its time. */
  private tickPackages(): void {
    const now = this.options.now();
    for (const { name, state, since } of this.tally.pulls.active.values()) {
      const spoke = this.spokeOf.get(name);
      if (state === "waiting" || since === null) continue;
      if (spoke === undefined) {
        if (now - since < PULL_SILENCE_MS) continue;
        if (state === "downloading") this.begins(name);
        else this.goesOn(name);
      } else if (now - spoke >= SILENCE_MS) this.goesOn(name);
    }
  }

  /** `[ 3/31]`; `[3/?]` while plans may bring more. */
  private counter(): string {
    const { done } = this.tally;
    if (!this.planned && this.tally.total > 0) return `[${done}/?]`;
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
    if (longest !== undefined)
      parts.push(`${running.size > 1 ? "longest: " : ""}${longest.name}${farOf(longest)} (${seconds(now - longest.since)})`);
    for (const pull of pulls.inOrder()) parts.push(pullText(pull, now));
    if (running.size === 0 && pulls.active.size === 0) parts.push(this.planned ? "looking at what changed" : "reading the project");
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

/** `  writing 42%`; nothing where nobody knows. */
export function farOf({ done, total, at }: Running): string {
  if (total === null || total === 0) return "";
  return `  ${at === null ? "" : `${oneLine(at)} `}${Math.floor((done / total) * 100)}%`;
}

/** A line of one of several devices. */
export function serialOf(e: Extract<Event, { type: "serial" }>, color: boolean): string {
  return `${oneLine(e.device)}: ${sanitize(e.line, color)}`;
}

export function deviceLine(e: Extract<Event, { type: "device" }>): string {
  return oneLine(`${e.device}: ${e.state}${e.by === null ? "" : ` by ${e.by}`}`);
}
