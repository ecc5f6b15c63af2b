/** What a file is, told by its first bytes, never by its name. */

export type Compression = "gzip" | "bzip2" | "xz" | "zstd";
export type Kind = Compression | "tar" | "zip" | "deb" | "html" | "unknown";

/** Bytes that `kindOf` wants to see; fewer if the file is shorter. */
export const magicBytes = 512;

const magics: readonly (readonly [kind: Kind, bytes: string])[] = [
  ["gzip", "\x1f\x8b"],
  ["bzip2", "BZh"],
  ["xz", "\xfd7zXZ\0"],
  ["zstd", "\x28\xb5\x2f\xfd"],
  // A local file header, an archive without entries, one of a split set of a single part (APPNOTE.TXT 4.3.7, 4.3.16, 8.5.3).
  ["zip", "PK\x03\x04"],
  ["zip", "PK\x05\x06"],
  ["zip", "PK00PK\x03\x04"],
  ["deb", "!<arch>\n"],
];

export function kindOf(head: Uint8Array): Kind {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, magicBytes)).toString("latin1");
  for (const [kind, bytes] of magics) if (text.startsWith(bytes)) return kind;
  if (isTarHeader(head)) return "tar";
  if (/^(\xef\xbb\xbf)?\s*(<!--|<!doctype\s+html|<html|<head|<body|<\?xml[^>]*>\s*<(!doctype\s+)?html)/i.test(text)) return "html";
  return "unknown";
}

/** Whether a block's checksum is right: the sum of its bytes with the field itself as spaces, by which tar of every age is known (POSIX pax, ustar). */
function isTarHeader(block: Uint8Array): boolean {
  if (block.length < 512) return false;
  const field = Buffer.from(block.subarray(148, 156)).toString("latin1");
  const told = /^[\s\0]*([0-7]+)/.exec(field)?.[1];
  if (told === undefined) return false;
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < 512; i++) {
    const byte = i >= 148 && i < 156 ? 32 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const sum = Number.parseInt(told, 8);
  return unsigned > 256 && (sum === unsigned || sum === signed);
}
