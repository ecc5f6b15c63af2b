/**
 * The display on a terminal: messages scroll by above, whole; below them one to four lines are redrawn at most twenty times a second.
 *
 *   [====        ] 120/300  12s  8 running  172 waiting  40 from cache
 *      3.2s  compile uno src/main.cpp
 *
 * Every frame is one write: back to the first line of the area, what is to be said above, the area again. Its lines are cut to the terminal's width,
 * so that each takes one row and going back is exact. After a resize nothing is drawn until the width has stood still, and only rows that are surely
 * ours are cleared: a piece of an old bar may stay behind, a message is never lost. The cursor is not hidden: a killed fb would leave it so.
 */
import type { Event } from "../../engine/types.ts";
import type { Display, DisplayOptions } from "./display.ts";
import { actionLine, Messages } from "./messages.ts";
import { bringsPackage } from "./package-events.ts";
import type { PackageRows } from "./package-rows.ts";
import { deviceLine, farOf, serialOf } from "./plain.ts";
import { broughtText, pullName, pullText } from "./pulls.ts";
import { renderSummary } from "./summary.ts";
import { type Running, Tally } from "./tally.ts";
import { cutEnd, cutStart, displayWidth, lines, meter, paint, quoteForShell, type Style, sanitize } from "./text.ts";
import { ticking } from "./time.ts";

const FRAME_MS = 50;
/** Clocks in the area tick this often when nothing happens. */
const IDLE_FRAME_MS = 100;
/** What takes less has no bar. */
const QUIET_MS = 150;
const SETTLE_MS = 200;
const MOST_RUNNING = 3;
const MOST_PACKAGES = 10;
/** ECMA-48 EL and ED: the row, from the cursor to the end of the row, of the screen. */
const CLEAR_ROW = "\x1b[2K";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

export class Bar implements Display {
  private readonly options: DisplayOptions;
  private readonly tally: Tally;
  private readonly messages = new Messages();
  private readonly began: number;
  /** What is to be written above the area with the next frame. */
  private above = "";
  /** Rows of the area that are on the screen. */
  private drawn = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;
  /** The area grows but does not shrink: it would jump. */
  private height = 1;
  private width: number;
  private resizedAt = Number.NEGATIVE_INFINITY;
  private dirty = false;
  private planned = false;
  /** Loaded with the first package. */
  private rows: PackageRows | "loading" | null = null;
  private over = false;

  constructor(options: DisplayOptions) {
    this.options = options;
    this.tally = new Tally(options.upToDate);
    this.began = options.now();
    this.width = options.columns();
  }

  emit(e: Event): void {
    if (this.over) return;
    const now = this.options.now();
    const { color } = this.options.out;
    const argv = e.type === "end" ? this.tally.argvOf(e.id) : null;
    const pulled = e.type === "fetch" ? (this.tally.pulls.active.get(pullName(e)) ?? null) : null;
    this.tally.take(e, now);
    this.dirty = true;
    switch (e.type) {
      case "plan":
        this.planned = e.final;
        break;
      case "end":
        this.ended(e, argv);
        break;
      case "diagnostic":
        this.above += this.messages.diagnostic(e, color);
        break;
      case "fetch":
        this.loadRows();
        if (e.state === "done") this.above += lines(broughtText(e, pulled, now) ?? "");
        break;
      case "device":
        this.above += `${deviceLine(e)}\n`;
        break;
      case "serial":
        this.above += lines(this.tally.watched > 1 ? serialOf(e, color) : sanitize(e.line, color));
        break;
      case "result": {
        const { dryRun, previousSize } = this.options;
        this.above += renderSummary(e, { color, dryRun, previousSize, failed: this.messages.failed });
        return this.close();
      }
    }
    if (now - this.drawnAt >= FRAME_MS) this.draw(now);
  }

  tick(): void {
    const now = this.options.now();
    if (!this.over && now - this.drawnAt >= (this.dirty ? FRAME_MS : IDLE_FRAME_MS)) this.draw(now);
  }

  flush(): void {
    if (this.over) return;
    this.options.out.write(this.back() + this.above);
    this.above = "";
    this.drawn = 0;
  }

  close(): void {
    this.flush();
    this.over = true;
  }

  private ended(e: Extract<Event, { type: "end" }>, argv: readonly string[] | null): void {
    const { verbose, why, dryRun, out } = this.options;
    // Of packages the lines of their own say all, unless every command is wanted.
    if (bringsPackage(e.kind) && !verbose && !dryRun) return this.messages.note(e);
    const shown = (e.status === "ran" || e.status === "hit" || e.status === "remote-hit") && (verbose || why || dryRun);
    if (shown) this.above += `${actionLine(e, dryRun, why, out.color)}\n${verbose && argv !== null ? `${quoteForShell(argv)}\n` : ""}`;
    if (e.status !== "cancelled") this.above += this.messages.output(e, argv, !shown, out.color);
  }

  private draw(now: number): void {
    const columns = this.options.columns();
    if (columns !== this.width) {
      this.width = columns;
      this.resizedAt = now;
    }
    if (now - this.resizedAt < SETTLE_MS) return;
    const frame = this.frame(now, columns);
    if (frame.length === 0 && this.above === "" && this.drawn === 0) return;
    this.drawnAt = now;
    this.dirty = false;
    const text = this.above === "" && frame.length > 0 ? this.home() : this.back() + this.above;
    this.above = "";
    this.drawn = frame.length;
    this.options.out.write(`${text}${frame.map((line) => `${line}${CLEAR_LINE}`).join("\n")}${frame.length > 0 ? CLEAR_BELOW : ""}`);
  }

  /** To the start of the area: over it, without clearing, a frame is drawn that does not flicker. */
  private home(): string {
    if (this.drawn === 0) return "";
    return `${this.drawn > 1 ? `\x1b[${this.drawn - 1}A` : ""}\r`;
  }

  /** To the start of the area, row by row clearing it: tmux keeps in its history what ED clears from the top of the screen on. */
  private back(): string {
    return this.drawn === 0 ? "" : `\r${CLEAR_ROW}${`\x1b[A${CLEAR_ROW}`.repeat(this.drawn - 1)}`;
  }

  /** The lines of the area: none for a short run, nor while a monitor has the screen. */
  private frame(now: number, columns: number): string[] {
    const { running } = this.tally;
    if (now - this.began < QUIET_MS) return [];
    for (const r of running.values()) if (r.kind === "monitor") return [];
    const { color } = this.options.out;
    const room = Math.max(1, columns - 1);
    const packages = this.packages(now, room);
    if (packages.length > 0 && running.size === 0) {
      this.height = 1;
      return packages;
    }
    const below = this.tally.longest().map((r) => runningLine(r, now, room));
    const most = Math.max(0, Math.min(MOST_RUNNING, this.options.rows() - 2 - packages.length));
    const shown = below.slice(0, most);
    this.height = Math.min(Math.max(this.height, shown.length + 1), most + 1);
    while (shown.length + 1 < this.height) shown.push("");
    return [...packages, this.head(now, room), ...shown.map((line) => paint(line, "dim", color))];
  }

  /** A row for each package and how many there are; none once all are here. */
  private packages(now: number, room: number): string[] {
    const { pulls } = this.tally;
    if (pulls.active.size === 0) return [];
    const most = Math.max(1, Math.min(MOST_PACKAGES, this.options.rows() - 3 - MOST_RUNNING));
    const rows =
      this.rows === null || this.rows === "loading"
        ? pulls.inOrder().map((pull) => cutEnd(pullText(pull, now), room))
        : this.rows.render(pulls, now, room, most);
    return [...rows.slice(0, most), paint(cutEnd(`${pulls.footer()}  ${ticking(now - this.began)}`, room), "bold", this.options.out.color)];
  }

  private loadRows(): void {
    if (this.rows !== null) return;
    this.rows = "loading";
    void import("./package-rows.ts").then(({ PackageRows }) => {
      this.rows = new PackageRows(this.options.out.color);
      this.dirty = true;
    });
  }

  private head(now: number, room: number): string {
    const { done, total, running, waiting, failed, hits } = this.tally;
    const parts: (readonly [string, Style | null])[] = [];
    const size = room >= 100 ? 20 : room >= 40 ? 12 : 0;
    // Before all is planned, what there is to do is the part that is known: a share of it would say that the end is near.
    if (size > 0) parts.push([meter(this.planned && total > 0 ? done / Math.max(done, total) : 0, size), null]);
    if (total > 0) parts.push([this.planned ? `${done}/${Math.max(done, total)}` : `${done} done`, "bold"]);
    else parts.push(["reading the project", null]);
    parts.push([ticking(now - this.began), null]);
    if (failed > 0) parts.push([`${failed} failed`, "red"]);
    if (running.size > 0) parts.push([`${running.size} running`, null]);
    if (waiting > 0) parts.push([`${waiting} waiting`, null]);
    if (hits > 0) parts.push([`${hits} from cache`, null]);
    if (!this.planned && total > 0) parts.push(["still planning", "dim"]);
    let line = "";
    let used = 0;
    for (const [text, style] of parts) {
      const gap = used === 0 ? 0 : used === size + 2 ? 1 : 2;
      if (used + gap + displayWidth(text) > room) continue;
      line += " ".repeat(gap) + (style === null ? text : paint(text, style, this.options.out.color));
      used += gap + displayWidth(text);
    }
    return line;
  }
}

/** `   3.2s  compile uno src/main.cpp`, cut in the name's start; how far it is where that is known. */
function runningLine(r: Running, now: number, room: number): string {
  const far = farOf(r);
  const head = `${ticking(now - r.since).padStart(7)}  `;
  const space = room - head.length - far.length;
  return space < 8 ? cutEnd(head + r.name, room) : head + cutStart(r.name, space) + far;
}
