/**
 * The partition table of an ESP32, from its CSV (name, type, subtype, offset, size, flags) to the binary that lies at 0x8000: for each partition 32 bytes (0x50AA, type,
 * subtype, offset, size, 16 bytes of name, flags), then an MD5 of these after 0xEBEB and fourteen 0xFF, filled up with 0xFF to 0xC00. As ESP-IDF's gen_esp32part.py.
 */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { type Hash, type ImageTool, made, one } from "./image-tool.ts";

export interface Partition {
  readonly name: string;
  readonly type: number;
  readonly subtype: number;
  /** Bytes from the beginning of the flash. */
  readonly offset: number;
  readonly size: number;
  readonly flags: number;
  readonly line: number;
}

export const APP = 0;
export const DATA = 1;
const TYPES: Readonly<Record<string, number>> = { app: APP, data: DATA };
const OTA_0 = 0x10;
const SUBTYPES: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  [APP]: { factory: 0, test: 0x20, ...Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`ota_${i}`, OTA_0 + i])) },
  [DATA]: {
    ...{ ota: 0, phy: 1, nvs: 2, coredump: 3, nvs_keys: 4, efuse: 5, undefined: 6 },
    ...{ esphttpd: 0x80, fat: 0x81, spiffs: 0x82, littlefs: 0x83 },
  },
};
/** Bits. */
const FLAGS: Readonly<Record<string, number>> = { encrypted: 1, readonly: 2 };
const TABLE_OFFSET = 0x8000;
const TABLE_SIZE = 0x1000;
const BINARY_SIZE = 0xc00;
const APP_ALIGNMENT = 0x10000;
const DATA_ALIGNMENT = 4;
const OTADATA_SIZE = 0x2000;

/** A line as it is written: what is left out is null. A negative size says where the partition ends. */
interface Row extends Omit<Partition, "offset"> {
  readonly offset: number | null;
}

/** Failure `partitions.line` (exit 3) at the first line that makes no sense, or lies over another. */
export function readPartitions(file: string, text: string): Result<readonly Partition[]> {
  const wrong = (line: number, message: string, hint: string) =>
    fail<never>(failure("partitions.line", 3, message, { file, line, column: 1, hint }));
  const table: Partition[] = [];
  let end = TABLE_OFFSET + TABLE_SIZE;
  for (const [i, each] of text.split(/\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/).entries()) {
    const written = each.trim();
    if (written === "" || written.startsWith("#")) continue;
    const row = readRow(written, i + 1);
    if (typeof row === "string")
      return wrong(i + 1, row, "a line is: NAME, app|data, SUBTYPE, OFFSET, SIZE, FLAGS; sizes as 0x1000, 64K or 1M");
    if (row.offset !== null && row.offset < end) {
      const before = table.at(-1) === undefined ? "the partition table ends" : `partition "${table.at(-1)?.name}" ends`;
      return wrong(
        row.line,
        `partition "${row.name}" begins at ${hex(row.offset)}, where ${before} at ${hex(end)}`,
        "an offset that is left out is the next one that is free",
      );
    }
    const alignment = row.type === APP ? APP_ALIGNMENT : DATA_ALIGNMENT;
    const offset = row.offset ?? Math.ceil(end / alignment) * alignment;
    if (offset % alignment !== 0)
      return wrong(
        row.line,
        `partition "${row.name}" begins at ${hex(offset)}, which is no multiple of ${hex(alignment)}`,
        "leave the offset out",
      );
    const size = row.size < 0 ? -row.size - offset : row.size;
    if (table.some(({ name }) => name === row.name))
      return wrong(row.line, `there are two partitions "${row.name}"`, "give each a name of its own");
    const isOta = (each: Pick<Partition, "type" | "subtype">) => each.type === DATA && each.subtype === 0;
    if (isOta(row) && table.some(isOta)) return wrong(row.line, "there are two partitions of type data, ota", "there can be one only");
    if (isOta(row) && size !== OTADATA_SIZE)
      return wrong(
        row.line,
        `partition "${row.name}" has ${hex(size)} bytes: data, ota has ${hex(OTADATA_SIZE)}`,
        `write ${hex(OTADATA_SIZE)}`,
      );
    table.push({ ...row, offset, size });
    end = offset + size;
  }
  return ok(table);
}

/** A text says what is wrong. */
function readRow(text: string, line: number): Row | string {
  const [name = "", type = "", subtype = "", offset = "", size = "", flags = ""] = text.split(",").map((field) => field.trim());
  const kind = value(type, TYPES);
  if (kind === null) return `expected a type, found "${type}"`;
  const inner = subtype === "" && kind !== APP ? (SUBTYPES[DATA]?.["undefined"] ?? 0) : value(subtype, SUBTYPES[kind] ?? {});
  if (inner === null) return `expected a subtype of ${type}, found "${subtype}"`;
  const at = offset === "" ? null : value(offset, {});
  if (offset !== "" && at === null) return `expected an offset, found "${offset}"`;
  const length = value(size, {});
  if (length === null) return `expected a size, found "${size}"`;
  let bits = 0;
  for (const flag of flags.split(":").filter((each) => each !== "")) {
    const bit = FLAGS[flag];
    if (bit === undefined) return `expected a flag (${Object.keys(FLAGS).join(", ")}), found "${flag}"`;
    bits |= bit;
  }
  return { name, type: kind, subtype: inner, offset: at, size: length, flags: bits, line };
}

/** `0x1000`, `4096`, `64K`, `-1M`, or a word. */
function value(text: string, words: Readonly<Record<string, number>>): number | null {
  const word = text.toLowerCase();
  if (Object.hasOwn(words, word)) return words[word] ?? null;
  const [, sign = "", number = "", unit = ""] = /^([+-]?)(0x[\da-f]+|0o[0-7]+|0b[01]+|0+|[1-9]\d*)([km]?)$/.exec(word) ?? [];
  if (number === "") return null;
  return (sign === "-" ? -1 : 1) * Number(number) * (unit === "k" ? 1024 : unit === "m" ? 1024 * 1024 : 1);
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}

/** Failure `partitions.too-many` (exit 3): more than there is room for. */
export function partitionTable(file: string, table: readonly Partition[], hash: Hash): Result<Uint8Array> {
  const length = 32 * (table.length + 1);
  if (length >= BINARY_SIZE) {
    const message = `${table.length} partitions do not fit: there is room for ${BINARY_SIZE / 32 - 2}`;
    return fail(failure("partitions.too-many", 3, message, { file, hint: "leave some out" }));
  }
  const bytes = new Uint8Array(BINARY_SIZE).fill(0xff);
  const view = new DataView(bytes.buffer);
  for (const [i, { name, type, subtype, offset, size, flags }] of table.entries()) {
    const at = 32 * i;
    bytes.fill(0, at, at + 32);
    view.setUint16(at, 0x50aa, true);
    bytes.set([type, subtype], at + 2);
    view.setUint32(at + 4, offset, true);
    view.setUint32(at + 8, size, true);
    bytes.set(new TextEncoder().encode(name).subarray(0, 16), at + 12);
    view.setUint32(at + 28, flags, true);
  }
  bytes.set([0xeb, 0xeb], length - 32);
  bytes.set(hash("md5", bytes.subarray(0, length - 32)), length - 16);
  return ok(bytes);
}

export const esp32Partitions: ImageTool = {
  usage: "fb tool esp32-partitions CSV --out FILE",
  make(options, read, hash) {
    const file = one(options, "");
    if (file === null) return null;
    const table = readPartitions(file, new TextDecoder().decode(read(file)));
    if (!table.ok) return table;
    const bytes = partitionTable(file, table.value, hash);
    return bytes.ok ? made(bytes.value) : bytes;
  },
};
