/**
 * Bytes of a device as text and back, losing nothing: a byte that is no part of valid UTF-8 becomes a lone surrogate U+DC80 to U+DCFF, which no valid text has, and
 * that byte again where text is written (as Python's "surrogateescape", PEP 383).
 */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

/** A stream of bytes as text; what may be the beginning of a character waits for its end. */
export interface Decoder {
  push(bytes: Uint8Array): string;
  /** What still waits, as the bytes that it is. */
  end(): string;
}

export interface Encoding {
  readonly name: string;
  decoder(): Decoder;
  encode(text: string): Uint8Array;
}

/** Names as the WHATWG has them; `hexlify` and `Latin-1` as pyserial's users write them. Failure (exit 2): no such encoding. */
export function encodingOf(name: string): Result<Encoding> {
  const word = name.trim().toLowerCase().replaceAll("_", "-");
  if (word === "utf-8" || word === "utf8") return ok(UTF8);
  if (["latin-1", "latin1", "iso-8859-1", "iso8859-1", "ascii", "us-ascii", "hexlify"].includes(word)) return ok(LATIN1);
  try {
    return ok(tableEncoding(name, new TextDecoder(word).encoding));
  } catch {
    return fail(
      failure("monitor.encoding", 2, `there is no encoding ${JSON.stringify(name)}`, { hint: "UTF-8, Latin-1, cp1252, shift_jis, gbk…" }),
    );
  }
}

const ESCAPE = 0xdc00;

export const UTF8: Encoding = { name: "UTF-8", decoder: () => new Utf8Decoder(), encode: encodeUtf8 };

export const LATIN1: Encoding = {
  name: "Latin-1",
  decoder: () => ({ push: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"), end: () => "" }),
  encode: (text) => Uint8Array.from(text, (c) => (c.charCodeAt(0) < 256 ? c.charCodeAt(0) : 63)),
};

class Utf8Decoder implements Decoder {
  private rest: Uint8Array = new Uint8Array();

  push(bytes: Uint8Array): string {
    const all = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    const end = all.length - unfinished(all);
    this.rest = all.slice(end);
    return decodeUtf8(all.subarray(0, end));
  }

  end(): string {
    const { rest } = this;
    this.rest = new Uint8Array();
    return decodeUtf8(rest);
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whole bytes as text: what is not valid is escaped. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    // Byte by byte, which is rare.
  }
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = sequence(bytes, at);
    if (length === 0) text += String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
    else text += strict.decode(bytes.subarray(at, at + length));
    at += Math.max(1, length);
  }
  return text;
}

/** The length of the valid sequence that begins here (RFC 3629, 4), 0 for none. */
function sequence(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/** How many bytes at the end may begin a character that is not over. */
function unfinished(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return byte <= 0xf4 && length > back ? back : 0;
  }
  return 0;
}

const HIGH = /[\udc80-\udcff]/;

/** Text as bytes, escaped bytes as they were. Any other lone surrogate becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  if (!HIGH.test(text)) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let plain = "";
  for (const c of text) {
    const code = c.length === 1 ? c.charCodeAt(0) : 0;
    if (code < 0xdc80 || code > 0xdcff) {
      plain += c;
      continue;
    }
    parts.push(Buffer.from(plain, "utf8"), Buffer.from([code - ESCAPE]));
    plain = "";
  }
  return Buffer.concat([...parts, Buffer.from(plain, "utf8")]);
}

/** For JSON: escaped bytes as U+FFFD; lossy: there were some. */
export function plainText(text: string): { readonly text: string; readonly lossy: boolean } {
  return HIGH.test(text) && !text.isWellFormed() ? { text: text.toWellFormed(), lossy: true } : { text, lossy: false };
}

/** Of the encodings that TextDecoder knows those of one byte can be written too; what others can not write is "?". */
function tableEncoding(name: string, label: string): Encoding {
  const bytes = new Map<string, number>();
  for (let byte = 255; byte >= 0; byte--) bytes.set(new TextDecoder(label).decode(Uint8Array.of(byte)), byte);
  return {
    name,
    decoder: () => {
      const decoder = new TextDecoder(label);
      return { push: (more) => decoder.decode(more, { stream: true }), end: () => decoder.decode() };
    },
    encode: (text) => Uint8Array.from([...text], (c) => bytes.get(c) ?? 63),
  };
}
