/**
 * CRC-32 (ISO 3309, as in gzip), which tells a damaged file of fb's own; it keeps nobody out. Node's: before a loop of ours is compiled, as in a run that looks at one
 * file, it takes 100 ns a byte. node:zlib, which has it, is loaded when it is first asked for: 2 ms.
 */

export function crc32(bytes: Uint8Array): number {
  return process.getBuiltinModule("node:zlib").crc32(bytes);
}
