/**
 * What the explainer saw of each action's last run, beside the state file: read only to say why, so it is not in the file that every build loads.
 *
 * An appended log of blocks: length and checksum of what follows (u32 each), then the texts of one batch joined by NUL, compressed by zstd. The texts of a
 * batch repeat each other: 64 of 9 kB each make 16 kB, in 1.5 ms. The state file holds the offset of the block and the place in it.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "./crc32.ts";

const head = 8;
/** ZSTD_c_compressionLevel; node:zlib, which has the name, is not loaded before it is needed. */
const zstdLevel = 100;
const keptBlocks = 32;
/** Digests cannot be compressed, and a link has one for each object: by level 3 (the usual) 2,000 of them take 4 ms, and 20 % more room. */
const FAST = { params: { [zstdLevel]: 1 } };
export const noEvidence = JSON.stringify({ fields: [], inputs: [] });

export class EvidenceFile {
  readonly path: string;
  readonly #blocks = new Map<number, readonly string[]>();

  constructor(path: string) {
    this.path = path;
  }

  /** @returns the offset of the texts' block. Throws the system's error. */
  append(texts: readonly string[]): number {
    const zipped = process.getBuiltinModule("node:zlib").zstdCompressSync(texts.join("\0"), FAST);
    const block = Buffer.allocUnsafe(head + zipped.length);
    block.writeUInt32LE(zipped.length, 0);
    block.writeUInt32LE(crc32(zipped), 4);
    zipped.copy(block, head);
    // Appended at the end even where a killed run left half a block there: nothing refers to it.
    const fd = openSync(this.path, "a");
    try {
      const at = fstatSync(fd).size;
      for (let done = 0; done < block.length; ) done += writeSync(fd, block, done);
      return at;
    } finally {
      closeSync(fd);
    }
  }

  /** The text, or that of nothing seen where it cannot be read: it explains, it decides nothing. */
  get(offset: number, place: number): string {
    let block = this.#blocks.get(offset);
    if (block === undefined) {
      block = this.#read(offset);
      if (this.#blocks.size >= keptBlocks) this.#blocks.clear();
      this.#blocks.set(offset, block);
    }
    return block[place] ?? noEvidence;
  }

  #read(offset: number): readonly string[] {
    try {
      const fd = openSync(this.path, "r");
      try {
        const start = Buffer.alloc(head);
        if (readSync(fd, start, 0, head, offset) !== head) return [];
        const length = start.readUInt32LE(0);
        if (offset + head + length > fstatSync(fd).size) return [];
        const zipped = Buffer.alloc(length);
        if (readSync(fd, zipped, 0, length, offset + head) !== length || crc32(zipped) !== start.readUInt32LE(4)) return [];
        return process.getBuiltinModule("node:zlib").zstdDecompressSync(zipped).toString("utf8").split("\0");
      } finally {
        closeSync(fd);
      }
    } catch {
      return [];
    }
  }
}
