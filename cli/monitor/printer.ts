/** What a device says, as people see it: text through the filters, a stamp before each line, lines of fb's own between its lines. */
import { paint } from "../show/text.ts";
import { type Decoder, type Encoding, encodeUtf8 } from "./encoding.ts";

export interface PrinterOptions {
  readonly encoding: Encoding;
  /** Bytes as they are. */
  readonly raw: boolean;
  /** Before each line: milliseconds since the start. */
  readonly timestamps: boolean;
  /** Before each line, where several devices are shown; "" for one. */
  readonly prefix: string;
  readonly color: boolean;
  rx(text: string): string;
  /** Milliseconds since the start. */
  now(): number;
  write(bytes: Uint8Array): void;
  /** A line of fb's own, on another stream. */
  say(line: string): void;
}

export class Printer {
  private readonly options: PrinterOptions;
  private decoder: Decoder;
  /** Something stands on the current line. */
  private begun = false;
  /** Where several devices are shown, a line that has no end yet: theirs must not run into each other. */
  private held = "";

  constructor(options: PrinterOptions) {
    this.options = options;
    this.decoder = options.encoding.decoder();
  }

  /** From now on. */
  set encoding(encoding: Encoding) {
    this.decoder = encoding.decoder();
  }

  data(bytes: Uint8Array): void {
    const { raw, rx, write } = this.options;
    if (raw) {
      this.begun = bytes.at(-1) !== 10;
      return write(bytes);
    }
    const text = rx(this.decoder.push(bytes));
    if (text !== "") this.text(text);
  }

  /** Typed text that is shown, as it comes back from the filters. */
  echo(text: string): void {
    if (text !== "") this.text(text);
  }

  /** A line of fb's own: on a line by itself. */
  say(line: string): void {
    this.break();
    this.options.say(line);
  }

  /** Ends a line that was begun. */
  break(): void {
    this.flush();
    if (this.begun) this.options.write(Buffer.from("\n"));
    this.begun = false;
  }

  /** Nothing more comes. */
  end(): void {
    const rest = this.options.raw ? "" : this.options.rx(this.decoder.end());
    if (rest !== "") this.text(rest);
    this.break();
  }

  /** Of several devices: what has no end by now is shown as it is. */
  flush(): void {
    if (this.held === "") return;
    const { held } = this;
    this.held = "";
    this.lines(`${held}\n`);
  }

  private text(text: string): void {
    if (this.options.prefix === "") return this.lines(text);
    this.held += text;
    const end = this.held.lastIndexOf("\n") + 1;
    const whole = this.held.slice(0, end);
    this.held = this.held.slice(end);
    if (whole !== "") this.lines(whole);
  }

  private lines(text: string): void {
    const { timestamps, prefix, write, raw } = this.options;
    if (raw || (!timestamps && prefix === "")) {
      this.begun = !text.endsWith("\n");
      return write(encodeUtf8(text));
    }
    let out = "";
    for (const piece of text.split(/(?<=\n)/)) {
      if (!this.begun && piece !== "") out += this.head();
      out += piece;
      this.begun = !piece.endsWith("\n");
    }
    write(encodeUtf8(out));
  }

  private head(): string {
    const { timestamps, prefix, color, now } = this.options;
    const stamp = timestamps ? `${stampText(now())} ` : "";
    return paint(`${prefix}${stamp}`, "dim", color);
  }
}

/** `SS.HH`: seconds and hundredths since the start. */
export function stampText(ms: number): string {
  return (Math.floor(ms / 10) / 100).toFixed(2).padStart(5, "0");
}
