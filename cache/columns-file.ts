/**
 * Files of facts and columns of numbers that are believed only as a whole: whoever reads one names the id that was given out when it was written.
 *
 *   file   magic (8 bytes), id (16 hex digits that no other file has), checksum of what follows (8 hex digits), bytes of facts (u32), number of columns (u32),
 *          words of each column (u32 × columns), facts (JSON), columns; parts padded to 8
 */
import { readFileSync } from "node:fs";
import { crc32 } from "./crc32.ts";
import { replaceFile } from "./replace-file.ts";

/** Digits of the id, and with those of the checksum. */
const idLength = 16;
const headLength = 24;

/** @returns the id, null where nothing can be written */
export function writeColumns(path: string, magic: string, facts: object, columns: readonly Uint32Array[]): string | null {
  const json = Buffer.from(JSON.stringify(facts), "utf8");
  const counts = Uint32Array.from([json.length, columns.length, ...columns.map((c) => c.length)]);
  const parts = [counts, json, ...columns].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  const body = Buffer.alloc(parts.reduce((size, part) => size + aligned(part.length), 0));
  let at = 0;
  for (const part of parts) {
    part.copy(body, at);
    at += aligned(part.length);
  }
  const id = newId();
  try {
    replaceFile(path, [Buffer.from(magic + id + checksum(body), "latin1"), body]);
    return id;
  } catch {
    // A full disk: the next run decides everything anew, no more.
    return null;
  }
}

/** Null for a file that is missing, damaged, or has another id. */
export function readColumns<F>(
  path: string,
  magic: string,
  id: string,
): { readonly facts: F; readonly columns: readonly Uint32Array[] } | null {
  try {
    const bytes = readFileSync(path);
    const bodyAt = magic.length + headLength;
    if (bytes.toString("latin1", 0, magic.length + idLength) !== magic + id) return null;
    // Columns must lie where a Uint32Array may begin. What is more than small is read into a buffer of its own; a graph of 30,000 actions has 15 MB.
    const body =
      (bytes.byteOffset + bodyAt) % 8 === 0 ? bytes.subarray(bodyAt) : Buffer.from(Uint8Array.prototype.slice.call(bytes, bodyAt).buffer);
    if (bytes.toString("latin1", magic.length + idLength, bodyAt) !== checksum(body)) return null;
    const column = (at: number, count: number) => new Uint32Array(body.buffer, body.byteOffset + at, count);
    const [jsonBytes = 0, count = 0] = column(0, 2);
    const counts = column(8, count);
    let at = aligned(8 + count * 4);
    const facts = JSON.parse(body.toString("utf8", at, at + jsonBytes)) as F;
    at = aligned(at + jsonBytes);
    const columns: Uint32Array[] = [];
    for (const length of counts) {
      columns.push(column(at, length));
      at = aligned(at + length * 4);
    }
    return { facts, columns };
  } catch {
    return null;
  }
}

function aligned(n: number): number {
  return (n + 7) & ~7;
}

/** The time, and chance: two writers in one millisecond hold different locks. */
function newId(): string {
  const chance = Math.floor(Math.random() * 2 ** 20)
    .toString(16)
    .padStart(5, "0");
  return Date.now().toString(16).padStart(11, "0").slice(-11) + chance;
}

function checksum(body: Buffer): string {
  return crc32(body).toString(16).padStart(8, "0");
}
