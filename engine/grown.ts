/**
 * What a plan grew, as bytes: the form in which a result holds it, in the caches as in memory. Its actions share most of their words, so it is packed: for
 * 30,000 actions 13 MB instead of 40 MB of JSON, and what is read back is shared as well.
 *
 *   bytes   u32 ×4: count of words, of strings, bytes of text, reference of the whole; words, ends of strings (u32 each); text, UTF-8. The machine's byte order.
 */
import { type Json, type Packed, Packer, type Reference, Unpacker } from "./packed.ts";
import type { Planned } from "./types.ts";

const HEAD = 4;

export function packPlanned(planned: Planned): Uint8Array {
  const packer = new Packer();
  const whole = packer.add(planned as unknown as Json);
  const { words, ends, text } = packer.finish();
  const utf8 = new TextEncoder().encode(text);
  const bytes = new Uint8Array((HEAD + words.length + ends.length) * 4 + utf8.length);
  const numbers = new Uint32Array(bytes.buffer, 0, HEAD + words.length + ends.length);
  numbers.set([words.length, ends.length, utf8.length, whole]);
  numbers.set(words, HEAD);
  numbers.set(ends, HEAD + words.length);
  bytes.set(utf8, numbers.byteLength);
  return bytes;
}

/** What was packed; equal parts of it are one object, which nobody may change. The bytes are those of packPlanned: who keeps them answers for that. */
export function unpackPlanned(bytes: Uint8Array): Planned {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const [words = 0, strings = 0, , whole = 0] = new Uint32Array(aligned.buffer, aligned.byteOffset, HEAD);
  const numbers = new Uint32Array(aligned.buffer, aligned.byteOffset, HEAD + words + strings);
  const packed: Packed = {
    words: numbers.subarray(HEAD, HEAD + words),
    ends: numbers.subarray(HEAD + words),
    text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(aligned.subarray(numbers.byteLength)),
  };
  return new Unpacker(packed).value(whole as Reference) as unknown as Planned;
}
