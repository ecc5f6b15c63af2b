/** Archives made by hand, byte by byte, so that they can say what no archiver would. */
import { crc32, deflateRawSync } from "node:zlib";

export interface TarEntry {
  readonly name: string;
  /** ustar's type flag. */
  readonly type: string;
  readonly target?: string;
  readonly mode?: number;
  readonly data?: Uint8Array;
  /** Records of a pax header in front of it. */
  readonly pax?: Readonly<Record<string, string>>;
}

export function tarOf(entries: readonly TarEntry[], end = true): Buffer {
  const parts: Buffer[] = [];
  for (const e of entries) {
    if (e.pax !== undefined) {
      const records = Object.entries(e.pax).map(([k, v]) => paxRecord(k, v));
      parts.push(...block("PaxHeader", "x", "", 0o644, Buffer.concat(records)));
    }
    const long = Buffer.byteLength(e.name) > 100;
    if (long) parts.push(...block("././@LongLink", "L", "", 0o644, Buffer.from(`${e.name}\0`)));
    const longTarget = Buffer.byteLength(e.target ?? "") > 100;
    if (longTarget) parts.push(...block("././@LongLink", "K", "", 0o644, Buffer.from(`${e.target}\0`)));
    parts.push(...block(e.name, e.type, e.target ?? "", e.mode ?? 0o644, Buffer.from(e.data ?? [])));
  }
  if (end) parts.push(Buffer.alloc(1024));
  return Buffer.concat(parts);
}

function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  for (let n = String(length).length; String(length + n).length > n; ) n = String(length + n).length;
  length += String(length + String(length).length).length;
  return Buffer.from(`${length}${rest}`);
}

function block(name: string, type: string, target: string, mode: number, data: Buffer): Buffer[] {
  const head = Buffer.alloc(512);
  head.write(name, 0, 100, "utf8");
  head.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
  head.write("0000000\0", 108);
  head.write("0000000\0", 116);
  head.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
  head.write("00000000000\0", 136);
  head.write("        ", 148);
  head.write(type, 156);
  head.write(target, 157, 100, "utf8");
  head.write("ustar\x0000", 257);
  let sum = 0;
  for (const byte of head) sum += byte;
  head.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return [head, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
}

export interface ZipEntry {
  readonly name: string;
  /** With its type bits; 0: made on DOS. */
  readonly mode: number;
  readonly data?: Uint8Array;
  readonly stored?: boolean;
  /** What the headers say instead of the true sum or size. */
  readonly crc?: number;
  readonly size?: number;
  readonly flags?: number;
}

export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const e of entries) {
    const data = Buffer.from(e.data ?? []);
    const packed = e.stored === true ? data : deflateRawSync(data);
    const name = Buffer.from(e.name, "utf8");
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | (e.flags ?? 0), 2);
    common.writeUInt16LE(e.stored === true ? 0 : 8, 4);
    common.writeUInt32LE(e.crc ?? crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(e.size ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(e.mode === 0 ? 0 : (e.mode << 16) >>> 0, 6);
    rest.writeUInt32LE(at, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, e.mode === 0 ? 0 : 3]), common, rest, name]));
    locals.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...locals, directory, Buffer.from("PK\x05\x06"), end]);
}

/** A Debian package of these members. */
export function arOf(members: readonly (readonly [name: string, data: Uint8Array])[]): Buffer {
  const parts = [Buffer.from("!<arch>\n")];
  for (const [name, data] of members) {
    const head = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(data.length).padEnd(10)}\`\n`;
    parts.push(Buffer.from(head), Buffer.from(data), Buffer.from(data.length % 2 === 1 ? "\n" : ""));
  }
  return Buffer.concat(parts);
}
