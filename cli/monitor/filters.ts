/** The monitor's filters by PlatformIO's names, which are pyserial's miniterm's with four of its own: what a device says and what is typed passes through them. */
import { mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../cache/trouble.ts";
import { encodeUtf8 } from "./encoding.ts";

export interface Filter {
  /** What comes from the device. */
  rx(text: string): string;
  /** What is sent to it. */
  tx(text: string): string;
  /** What is typed, where that is shown. */
  echo(text: string): string;
}

export type Eol = "CR" | "LF" | "CRLF";
export const EOLS: readonly Eol[] = ["CR", "LF", "CRLF"];

export interface FilterHost {
  /** As it is now: the menu changes it. */
  eol(): Eol;
  /** Where log2file makes its folder: the project's. */
  readonly folder: string;
  now(): Date;
  /** A line for people, not from the device. */
  say(line: string): void;
  /** Of the filter "debug". */
  debug(text: string): void;
}

const FILTERS: Readonly<Record<string, (host: FilterHost) => Partial<Filter>>> = {
  direct: () => ({}),
  default: () => ({ rx: withoutControls, echo: withoutControls }),
  nocontrol: () => ({ rx: allControls, echo: allControls }),
  printable: () => ({ rx: printable, echo: printable }),
  colorize: () => ({ rx: (text) => `\x1b[37m${text}`, echo: (text) => `\x1b[31m${text}` }),
  debug,
  time,
  hexlify,
  log2file,
  send_on_enter: sendOnEnter,
};

/** The filter that shows what is behind addresses (decode.ts), with PlatformIO's names for the same. */
export const DECODERS: ReadonlySet<string> = new Set(["addr2line", "esp32_exception_decoder", "esp8266_exception_decoder"]);

export const FILTER_NAMES: readonly string[] = [...Object.keys(FILTERS), ...DECODERS].sort();

/** All of them as one: what comes passes in the order given and then the line ends; what is sent the other way round. Names that are no filter's are left out. */
export function filterChain(names: readonly string[], host: FilterHost): Filter {
  const chain = names.flatMap((name) => (Object.hasOwn(FILTERS, name) ? [whole(FILTERS[name]?.(host) ?? {})] : []));
  const inward = [...chain, lineEnds(host)];
  const outward = [...inward].reverse();
  return {
    rx: (text) => inward.reduce((t, filter) => filter.rx(t), text),
    tx: (text) => outward.reduce((t, filter) => filter.tx(t), text),
    echo: (text) => outward.reduce((t, filter) => filter.echo(t), text),
  };
}

function whole(part: Partial<Filter>): Filter {
  const same = (text: string) => text;
  return { rx: part.rx ?? same, tx: part.tx ?? same, echo: part.echo ?? same };
}

/** What Enter sends. */
const ENDS: Readonly<Record<Eol, string>> = { CRLF: "\r\n", CR: "\r", LF: "\n" };

function lineEnds({ eol }: FilterHost): Filter {
  return whole({
    rx: (text) => (eol() === "CR" ? text.replaceAll("\r", "\n") : text),
    tx: (text) => text.replaceAll("\n", ENDS[eol()]),
  });
}

/** Control codes as their pictures (Unicode's U+2400 block), but for those that any terminal takes well. */
function withoutControls(text: string): string {
  return text.replace(/[\0-\x07\x0b\x0c\x0e-\x1f\x7f\x9b]/g, picture);
}

/** The same of all, blanks too. */
function allControls(text: string): string {
  return text.replace(/[\0-\x20\x7f\x9b]/g, picture);
}

function picture(c: string): string {
  const code = c.charCodeAt(0);
  return String.fromCharCode(code === 0x20 ? 0x2423 : code === 0x7f ? 0x2421 : code === 0x9b ? 0x2425 : 0x2400 + code);
}

/** What is not ASCII as its number in small digits. */
function printable(text: string): string {
  let out = "";
  for (const c of text) {
    const code = c.codePointAt(0) ?? 0;
    if (c >= " " && c < "\x7f") out += c;
    else if ("\r\n\b\t".includes(c)) out += c;
    else if (code < 32) out += picture(c);
    else out += `${[...String(isEscaped(code) ? code - 0xdc00 : code)].map((d) => String.fromCharCode(0x2080 + Number(d))).join("")} `;
  }
  return out;
}

function isEscaped(code: number): boolean {
  return code >= 0xdc80 && code <= 0xdcff;
}

function debug({ debug: say }: FilterHost): Partial<Filter> {
  const tell = (way: string) => (text: string) => {
    say(` [${way}:${JSON.stringify(text)}] `);
    return text;
  };
  return { rx: tell("RX"), tx: tell("TX"), echo: (text) => text };
}

/** `12:34:56.789 > ` before each line, of the moment when it begins to come. */
function time({ now }: FilterHost): Partial<Filter> {
  let begun = false;
  return {
    rx(text) {
      if (text === "") return text;
      const stamp = `${clockText(now())} > `;
      const ends = text.endsWith("\n");
      const body = (ends ? text.slice(0, -1) : text).replaceAll("\n", `\n${stamp}`);
      const out = `${begun ? "" : stamp}${body}${ends ? "\n" : ""}`;
      begun = !ends;
      return out;
    },
  };
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}

function clockText(d: Date): string {
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}

/** Sixteen bytes a line, with the number of the first. The text has one character for each byte (settings.ts reads Latin-1 for it). */
function hexlify(): Partial<Filter> {
  let count = 0;
  const hex = (n: number, digits: number) => n.toString(16).toUpperCase().padStart(digits, "0");
  return {
    rx(text) {
      let out = "";
      for (const c of text) {
        if (count % 16 === 0) out += `\n${hex(count, 4)} | `;
        const code = c.codePointAt(0) ?? 0;
        out += code < 256 ? `${hex(code, 2)} ` : "?? ";
        count++;
      }
      return out;
    },
  };
}

/** All that comes goes to a file of its own, too. */
function log2file({ folder, now, say }: FilterHost): Partial<Filter> {
  const d = now();
  const day = `${two(d.getFullYear() % 100)}${two(d.getMonth() + 1)}${two(d.getDate())}`;
  const name = join("logs", `device-monitor-${day}-${two(d.getHours())}${two(d.getMinutes())}${two(d.getSeconds())}.log`);
  let file: number;
  try {
    mkdirSync(join(folder, "logs"), { recursive: true });
    file = openSync(join(folder, name), "w");
  } catch (error) {
    say(`log2file: ${name} can not be written: ${errorCode(error)}`);
    return {};
  }
  say(`logging to ${name}`);
  return {
    rx(text) {
      writeSync(file, encodeUtf8(text));
      return text;
    },
  };
}

/** What is typed is sent when its line ends. */
function sendOnEnter({ eol }: FilterHost): Partial<Filter> {
  let line = "";
  return {
    tx(text) {
      line += text;
      if (!line.endsWith(ENDS[eol()])) return "";
      const whole = line;
      line = "";
      return whole;
    },
  };
}
