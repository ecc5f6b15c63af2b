/** Reads a zip archive into a tree, by its central directory (what every unpacker goes by). Sizes and CRC-32 are checked; encryption and odd methods are refused. */
import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import type { Entry, ZipFile } from "yauzl";
import { shown } from "./names.ts";
import { damagedHint, hostileHint, Refusal } from "./refusal.ts";
import type { Tree } from "./tree.ts";

/** "version made by", upper byte (APPNOTE.TXT 4.4.2.2): only these keep a Unix mode in the upper half of the external attributes. */
const unixHosts = new Set([3, 19]);
/** Info-ZIP's extra field with the name in UTF-8 (APPNOTE.TXT 4.6.9). */
const unicodePath = 0x7075;
const typeMask = 0o170000;
const types = { none: 0, folder: 0o040000, file: 0o100000, link: 0o120000 };

/** @param onBytes told of the archive's own bytes, entry by entry */
export async function readZip(path: string, tree: Tree, onBytes: (n: number) => void, check: () => void): Promise<void> {
  const yauzl = await import("yauzl");
  let zip: ZipFile;
  try {
    zip = await yauzl.openPromise(path, { autoClose: false, decodeStrings: true, validateEntrySizes: true, strictFileNames: false });
  } catch (error) {
    throw damaged(error);
  }
  try {
    for await (const entry of entriesOf(zip)) {
      check();
      await take(zip, entry, tree, check);
      onBytes(entry.compressedSize);
    }
  } finally {
    zip.close();
  }
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  try {
    for await (const entry of zip.eachEntry()) yield entry;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    // The reader's own check of names comes before ours.
    throw /^(absolute path|invalid relative path|invalid characters in fileName)/.test(text)
      ? new Refusal("extract.escape", `has an entry that leaves the folder (${shown(text)})`, hostileHint)
      : damaged(error);
  }
}

function damaged(error: unknown): Refusal {
  return new Refusal("extract.damaged", `is no sound zip archive (${error instanceof Error ? error.message : error})`, damagedHint);
}

async function take(zip: ZipFile, entry: Entry, tree: Tree, check: () => void): Promise<void> {
  const name = nameOf(entry);
  const mode = unixHosts.has(entry.versionMadeBy >>> 8) ? entry.externalFileAttributes >>> 16 : 0;
  const type = mode & typeMask;
  if (name.endsWith("/") || type === types.folder) {
    if (entry.uncompressedSize > 0)
      throw new Refusal("extract.entry", `the folder "${shown(name)}" has ${entry.uncompressedSize} bytes`, hostileHint);
    tree.folder(name);
    return;
  }
  if (type !== types.none && type !== types.file && type !== types.link)
    throw new Refusal("extract.entry", `"${shown(name)}" is neither file nor folder nor link (mode ${mode.toString(8)})`, hostileHint);
  if (!entry.canDecodeFileData())
    throw new Refusal(
      "extract.entry",
      `"${shown(name)}" is ${entry.isEncrypted() ? "encrypted" : `compressed by method ${entry.compressionMethod}`}`,
      "pack it again with deflate and without a password",
    );
  if (type === types.link) {
    if (entry.uncompressedSize > 4095)
      throw new Refusal("extract.escape", `the link "${shown(name)}" has a target of ${entry.uncompressedSize} bytes`, hostileHint);
    const parts: Uint8Array[] = [];
    await read(zip, entry, tree, (chunk) => parts.push(chunk));
    tree.link(name, Buffer.concat(parts).toString("utf8"));
    return;
  }
  const sink = tree.file(name, mode);
  // What is not wanted is not unpacked.
  if (sink === null) return;
  await read(zip, entry, tree, (chunk) => {
    check();
    sink.write(chunk);
  });
  sink.end();
}

/** Bit 11 says that a name is UTF-8, else it is code page 437 (APPNOTE.TXT D.1); Unix' zip writes UTF-8 without it where no locale is set, as unzip knows. */
function nameOf(entry: Entry): string {
  const said = (entry.generalPurposeBitFlag & 0x800) !== 0 || entry.extraFields.some((field) => field.id === unicodePath);
  if (said || !unixHosts.has(entry.versionMadeBy >>> 8)) return entry.fileName;
  return isUtf8(entry.fileNameRaw) ? entry.fileNameRaw.toString("utf8") : entry.fileName;
}

/** The reader's own inflating gives 16 kB at a time, each a way to another thread and back: that took half again as long for a toolchain. */
const chunkBytes = 1 << 18;

async function read(zip: ZipFile, entry: Entry, tree: Tree, give: (chunk: Uint8Array) => void): Promise<void> {
  let crc = 0;
  let size = 0;
  const wrong = (why: string) => new Refusal("extract.damaged", `"${shown(nameOf(entry))}" ${why}`, damagedHint);
  try {
    const raw = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    const stored = entry.compressionMethod === 0;
    const bytes = stored
      ? raw
      : pipeline(raw, createInflateRaw({ chunkSize: Math.min(chunkBytes, Math.max(entry.uncompressedSize, 64)) }), () => {});
    for await (const chunk of bytes as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > entry.uncompressedSize) throw wrong(`has more than the ${entry.uncompressedSize} bytes that are declared`);
      tree.count(chunk.length);
      crc = crc32(chunk, crc);
      give(chunk);
    }
  } catch (error) {
    // A write that failed has a system's code and is no fault of the archive.
    if (error instanceof Refusal || (error instanceof Error && "syscall" in error)) throw error;
    throw wrong(`is damaged (${error instanceof Error ? error.message : error})`);
  }
  if (size !== entry.uncompressedSize) throw wrong(`has ${size} bytes, ${entry.uncompressedSize} are declared`);
  if (crc !== entry.crc32) throw wrong("has the wrong CRC-32");
}
