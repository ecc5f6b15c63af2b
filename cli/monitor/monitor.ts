/** One device watched: its bytes shown, its lines matched, what is typed sent, until a pattern, the time, a key or a signal ends it. */
import { failure } from "../../engine/failure.ts";
import type { Event, Failure, Result } from "../../engine/types.ts";
import type { PatternTexts, Verdict } from "../device/patterns.ts";
import { Patterns } from "../device/patterns.ts";
import { clock } from "../host/clock.ts";
import { INTERRUPTED } from "../host/signals.ts";
import { type Keyboard, openConsole } from "./console.ts";
import type { FrameFinder } from "./decode.ts";
import { type Encoding, encodingOf, plainText } from "./encoding.ts";
import { type Eol, EOLS, filterChain, type FilterHost } from "./filters.ts";
import { LineCutter } from "./lines.ts";
import { Printer } from "./printer.ts";
import type { MonitorSettings } from "./settings.ts";
import type { Source, SourceFaces, SourceOptions } from "./source.ts";

/** After so long without a byte a line that is not ended is shown, and matched, as it is: a prompt. */
const SILENCE_MS = 200;
/** A device that is away so long does not come back, where nobody is there to plug it in. */
const UNATTENDED_PATIENCE_S = 30;
/** pyserial's. */
const BREAK_MS = 250;

export interface MonitorOptions {
  readonly settings: MonitorSettings;
  readonly patterns: PatternTexts;
  /** Seconds, from when the port is open; null: no limit. */
  readonly limit: number | null;
  /** Before each line, where several devices are watched: their name. */
  readonly prefix: string;
  /** The project's folder. */
  readonly folder: string;
  /** What is behind addresses in lines; null: nobody asked. */
  readonly frames: FrameFinder | null;
  /** Opens the port, or attaches to who holds it. */
  open(faces: SourceFaces, options: SourceOptions, stop: AbortSignal): Promise<Result<Source>>;
}

export interface MonitorFaces {
  /** What the device says, for people; null with --json. */
  readonly out: { readonly color: boolean; readonly terminal: boolean; write(bytes: Uint8Array): void } | null;
  /** A line of fb's own. */
  say(line: string): void;
  /** With --json. */
  readonly emit: ((e: Event) => void) | null;
  /** What is typed; null: nobody types. */
  readonly keyboard: Keyboard | null;
  /** Keys after Ctrl+T beside the monitor's. */
  readonly keys: ReadonlyMap<string, { readonly says: string; press(): void }>;
  /** Milliseconds since the start of the run, for events. */
  now(): number;
}

/** exit: 0 or 1 of the patterns, 5 of the device, 130 where it was interrupted. why: for people; "" where they know. */
export interface MonitorEnd {
  readonly exit: number;
  readonly why: string;
  readonly failure: Failure | null;
}

/** Patterns are checked before anything is opened (exit 2). stop: ends it within a moment, with 130. */
export async function runMonitor(options: MonitorOptions, stop: AbortSignal, faces: MonitorFaces): Promise<MonitorEnd> {
  const patterns = Patterns.read(options.patterns);
  if (!patterns.ok) return neverBegan(patterns.failure);
  return new Monitor(options, patterns.value, stop, faces).run();
}

/** Seconds for which a device may be away. */
export function patienceOf(limit: number | null, keyboard: Keyboard | null): number | null {
  return limit === null && keyboard?.isTTY !== true ? UNATTENDED_PATIENCE_S : null;
}

/** A monitor that could not begin. */
export function neverBegan(why: Failure): MonitorEnd {
  return { exit: why.exit, why: "", failure: why };
}

class Monitor {
  private readonly options: MonitorOptions;
  private readonly patterns: Patterns;
  private readonly stop: AbortSignal;
  private readonly faces: MonitorFaces;
  private readonly lines: LineCutter;
  private readonly chain;
  private readonly printer: Printer | null;
  /** When the port was open: stamps count from then. */
  private began = clock.monotonicMs();
  /** What the source tells before its name is known waits; null: it is known. */
  private held: (() => void)[] | null = [];
  private source: Source | null = null;
  private silence: NodeJS.Timeout | null = null;
  private stamps: boolean;
  private echoes: boolean;
  private lineStates = { dtr: true, rts: true };
  private eol: Eol;
  private encoding: Encoding;
  private baud: number;
  private end: (end: MonitorEnd) => void = () => {};
  private over = false;
  private interrupted = false;
  /** Of the last line; those before are told by then. */
  private decoded: Promise<void> = Promise.resolve();

  constructor(options: MonitorOptions, patterns: Patterns, stop: AbortSignal, faces: MonitorFaces) {
    this.options = options;
    this.patterns = patterns;
    this.stop = stop;
    this.faces = faces;
    const { settings } = options;
    const { out } = faces;
    this.eol = settings.eol;
    this.encoding = settings.encoding;
    this.baud = settings.serial.baud;
    this.stamps = settings.timestamps;
    this.echoes = settings.echo;
    this.lineStates = { dtr: settings.serial.dtr ?? true, rts: settings.serial.rts ?? true };
    this.lines = new LineCutter(settings.eol === "CR", (bytes, ended) => this.line(bytes, ended));
    const host: FilterHost = {
      eol: () => this.eol,
      folder: options.folder,
      now: () => new Date(),
      say: (line) => this.say(line),
      debug: (text) => faces.say(text),
    };
    // Who names no filter has a terminal kept from control codes, and a file of all bytes as they are.
    const names = settings.filters ?? (out?.terminal === true ? ["default"] : ["direct"]);
    this.chain = filterChain(names, host);
    const timestamps = () => this.stamps;
    this.printer =
      out === null
        ? null
        : new Printer({
            encoding: settings.encoding,
            raw: settings.raw,
            get timestamps() {
              return timestamps();
            },
            prefix: options.prefix,
            color: out.color,
            rx: (text) => this.chain.rx(text),
            now: () => clock.monotonicMs() - this.began,
            write: (bytes) => out.write(bytes),
            say: (line) => faces.say(line),
          });
  }

  async run(): Promise<MonitorEnd> {
    const { options, stop, faces } = this;
    const ended = new Promise<MonitorEnd>((resolve) => {
      this.end = (end) => {
        this.over = true;
        resolve(end);
      };
    });
    const interrupt = () => this.end({ exit: INTERRUPTED, why: "", failure: null });
    if (stop.aborted) return { exit: INTERRUPTED, why: "", failure: null };
    stop.addEventListener("abort", interrupt);
    const opening = new AbortController();
    const patience = patienceOf(options.limit, faces.keyboard);
    const opened = options.open(this.sourceFaces(), { reconnect: options.settings.reconnect, patience, baud: null }, opening.signal);
    const first = await Promise.race([opened, ended]);
    if (!("ok" in first)) {
      // Whatever is opened by now is closed again.
      opening.abort();
      const late = await opened;
      if (late.ok) await late.value.close();
      stop.removeEventListener("abort", interrupt);
      return first;
    }
    if (!first.ok) {
      stop.removeEventListener("abort", interrupt);
      return neverBegan(first.failure);
    }
    const source = first.value;
    this.source = source;
    this.began = clock.monotonicMs();
    this.greet(source.device);
    const held = this.held ?? [];
    this.held = null;
    for (const what of held) what();
    const closeConsole = faces.keyboard === null ? null : this.console(faces.keyboard);
    const limit = options.limit === null ? null : setTimeout(() => this.timeUp(), options.limit * 1000);
    const end = await ended;
    this.interrupted = end.exit === INTERRUPTED;
    // What the last lines mean, which may be why it ends.
    if (!this.interrupted) await this.decoded;
    if (limit !== null) clearTimeout(limit);
    if (this.silence !== null) clearTimeout(this.silence);
    stop.removeEventListener("abort", interrupt);
    closeConsole?.();
    await this.source?.close();
    this.lines.break();
    this.printer?.end();
    // Of several, which one it was.
    if (this.options.prefix !== "" && end.why !== "") this.say(end.why);
    return end;
  }

  private greet(device: string): void {
    const { serial } = this.options.settings;
    const frame = `${serial.dataBits}${serial.parity.charAt(0).toUpperCase()}${serial.stopBits}`;
    const speed = device.startsWith("socket://") || device.startsWith("sim:") ? "" : `, ${serial.baud} baud ${frame}`;
    const keys = this.faces.keyboard?.isTTY === true ? "; Ctrl+C quits, Ctrl+T h lists keys" : "";
    this.say(`${device}${speed}${keys}`);
  }

  private sourceFaces(): SourceFaces {
    const later = (what: () => void) => {
      if (this.held === null) what();
      else this.held.push(what);
    };
    return {
      data: (bytes) => later(() => this.data(bytes)),
      lost: (why) =>
        later(() => {
          this.broken();
          this.say(`${why.message}; waiting for it`);
          this.tell("gone", null);
        }),
      preempted: (by, reason) =>
        later(() => {
          this.broken();
          this.say(`preempted by ${by}: ${reason}`);
          this.tell("preempted", by);
        }),
      reconnected: () =>
        later(() => {
          this.say("reconnected");
          this.tell("reconnected", null);
        }),
      note: ({ message, hint }) => this.say(hint === "" ? message : `${message} (${hint})`),
      ended: (why) => later(() => this.end(neverBegan(why))),
    };
  }

  private tell(state: "gone" | "preempted" | "reconnected", by: string | null): void {
    this.faces.emit?.({ type: "device", t: this.faces.now(), device: this.device(), state, by });
  }

  private device(): string {
    return this.source?.device ?? "";
  }

  private say(line: string): void {
    const text = `-- ${this.options.prefix}${line}`;
    if (this.printer === null) this.faces.say(text);
    else this.printer.say(text);
  }

  /** What was begun before the device went is not gone on with. */
  private broken(): void {
    this.lines.break();
    this.printer?.break();
  }

  private data(bytes: Uint8Array): void {
    if (this.over) return;
    this.printer?.data(bytes);
    this.lines.push(bytes);
    if (this.silence !== null) clearTimeout(this.silence);
    this.silence = this.lines.rest.length > 0 && !this.over ? setTimeout(() => this.silent(), SILENCE_MS) : null;
  }

  private silent(): void {
    this.silence = null;
    this.printer?.flush();
    const { rest } = this.lines;
    if (rest.length > 0) this.line(rest, false);
  }

  private line(bytes: Uint8Array, ended: boolean): void {
    const plain = this.text(bytes);
    this.faces.emit?.({
      type: "serial",
      t: this.faces.now(),
      device: this.device(),
      line: plain.text,
      partial: !ended,
      ...(plain.lossy ? { bytes: Buffer.from(bytes).toString("base64") } : {}),
    });
    if (this.over) return;
    if (ended && this.options.frames !== null) this.decoded = this.decode(this.options.frames, plain.text);
    const verdict = this.patterns.line(plain.text);
    if (verdict !== null) this.decided(verdict);
  }

  private async decode(frames: FrameFinder, line: string): Promise<void> {
    for (const frame of await frames(line)) if (!this.interrupted) this.say(`  ${frame}`);
  }

  private timeUp(): void {
    this.decided(this.patterns.timeUp(this.text(this.lines.rest).text));
  }

  private text(bytes: Uint8Array): { readonly text: string; readonly lossy: boolean } {
    const decoder = this.encoding.decoder();
    return plainText(decoder.push(bytes) + decoder.end());
  }

  private decided(verdict: Verdict): void {
    if (this.over) return;
    const why = verdict.exit === 0 ? null : failure("monitor.pattern", 1, `${this.device()}: ${verdict.why}`);
    this.end({ exit: verdict.exit, why: verdict.why, failure: why });
  }

  private console(keyboard: Keyboard): () => void {
    const send = (bytes: Uint8Array) => {
      if (bytes.length === 0 || this.source === null) return;
      void this.source.write(bytes).then((written) => {
        if (!written.ok && !this.over) this.say(`not sent: ${written.failure.message}`);
      });
    };
    const { raw, serial } = this.options.settings;
    return openConsole(keyboard, {
      text: (text) => {
        send(this.encoding.encode(this.chain.tx(text)));
        if (this.echoes && !raw) this.printer?.echo(this.chain.echo(text));
      },
      bytes: send,
      quit: (interrupted) => {
        if (interrupted) this.end({ exit: INTERRUPTED, why: "", failure: null });
        else {
          const { exit } = this.patterns.timeUp(this.text(this.lines.rest).text);
          this.end({ exit, why: "", failure: null });
        }
      },
      dtr: () => this.toggle("dtr"),
      rts: () => this.toggle("rts"),
      echo: () => {
        this.echoes = !this.echoes;
        this.say(`what is typed is ${this.echoes ? "" : "not "}shown`);
      },
      stamps: () => {
        this.stamps = !this.stamps;
        this.say(`time stamps are ${this.stamps ? "on" : "off"}`);
      },
      info: () => {
        const { dtr, rts } = this.lineStates;
        const state = (on: boolean) => (on ? "on" : "off");
        const lines = `DTR ${state(dtr)}, RTS ${state(rts)}`;
        this.say(`${this.device()}, ${this.baud} baud, parity ${serial.parity}, ${lines}, ${this.encoding.name}, Enter sends ${this.eol}`);
      },
      eol: () => {
        this.eol = EOLS[(EOLS.indexOf(this.eol) + 1) % EOLS.length] ?? this.eol;
        this.lines.crEnds = this.eol === "CR";
        this.say(`Enter sends ${this.eol}`);
      },
      brk: () => void this.break(),
      encoding: (name) => this.encode(name),
      baud: (speed) => void this.speed(speed),
      say: (line) => this.say(line),
      more: this.faces.keys,
    });
  }

  private async break(): Promise<void> {
    await this.source?.signals({ brk: true });
    await clock.sleep(BREAK_MS, this.stop);
    await this.source?.signals({ brk: false });
    this.say("a break was sent");
  }

  private encode(name: string): void {
    const read = encodingOf(name);
    if (!read.ok) return this.say(`${read.failure.message}; it stays ${this.encoding.name}`);
    this.encoding = read.value;
    if (this.printer !== null) this.printer.encoding = read.value;
    this.say(`the encoding is ${read.value.name}`);
  }

  /** The port is closed and opened again, which resets boards whose reset is DTR; where it does not open at this speed, at the one before. */
  private async speed(text: string): Promise<void> {
    const speed = Number(text);
    if (!Number.isInteger(speed) || speed < 1) return this.say(`${JSON.stringify(text)} is no baud rate; it stays ${this.baud}`);
    const { source } = this;
    if (source === null) return;
    this.source = null;
    this.broken();
    await source.close();
    const { settings } = this.options;
    const patience = patienceOf(this.options.limit, this.faces.keyboard);
    const open = (baud: number) => this.options.open(this.sourceFaces(), { reconnect: settings.reconnect, patience, baud }, this.stop);
    let opened = await open(speed);
    if (opened.ok) this.baud = speed;
    else {
      this.say(`${opened.failure.message}; it stays ${this.baud} baud`);
      opened = await open(this.baud);
    }
    if (this.over) return void (opened.ok && (await opened.value.close()));
    if (!opened.ok) return this.end(neverBegan(opened.failure));
    this.source = opened.value;
    this.say(`${this.baud} baud`);
  }

  private toggle(line: "dtr" | "rts"): void {
    this.lineStates[line] = !this.lineStates[line];
    void this.source?.signals({ [line]: this.lineStates[line] });
    this.say(`${line.toUpperCase()} ${this.lineStates[line] ? "on" : "off"}`);
  }
}
