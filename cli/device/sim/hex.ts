/** Reads an Intel hex image into the bytes of a flash memory. */
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Failure, Result } from "../../../engine/types.ts";

/** Record types of Intel's "Hexadecimal Object File Format Specification", revision A. */
const DATA = 0;
const END = 1;
const SEGMENT = 2;
const START_SEGMENT = 3;
const LINEAR = 4;
const START_LINEAR = 5;

/**
 * Puts what the text describes into flash, whose other bytes stay. file: its name in messages. Failures: a line that is no record, a wrong checksum, a byte
 * beyond the flash, no end record.
 */
export function loadHex(text: string, flash: Uint8Array, file: string): Result<null> {
  let base = 0;
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === "") continue;
    const wrong = (what: string) => fail<null>(badHex(file, i + 1, what));
    if (!/^:(?:[0-9a-f]{2}){5,}$/i.test(line)) return wrong("is no record: a colon and pairs of hex digits were expected");
    const bytes = Buffer.from(line.slice(1), "hex");
    const [count = 0, high = 0, low = 0, type = 0] = bytes;
    if (bytes.length !== count + 5) return wrong(`has ${bytes.length - 5} bytes of data, its count says ${count}`);
    if (bytes.reduce((sum, byte) => sum + byte, 0) % 256 !== 0) return wrong("has a wrong checksum");
    const data = bytes.subarray(4, 4 + count);
    const word = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
    if (type === END) return ok(null);
    if (type === SEGMENT) base = word * 16;
    else if (type === LINEAR) base = word * 0x10000;
    else if (type === DATA) {
      const at = base + (high << 8) + low;
      if (at + count > flash.length) return wrong(`writes to 0x${(at + count - 1).toString(16)}, the flash has ${flash.length} bytes`);
      flash.set(data, at);
    } else if (type !== START_SEGMENT && type !== START_LINEAR) return wrong(`is of type ${type}, which hex files do not have`);
  }
  return fail(badHex(file, 0, "has no end record: it is cut short"));
}

function badHex(file: string, line: number, what: string): Failure {
  const message = line === 0 ? `the image ${what}` : `line ${line} of the image ${what}`;
  return failure("image.hex", 5, message, { file, line, hint: "build it again: fb run --fresh :firmware" });
}
