/** Files at their places in one: `0x1000 FILE 0x8000 FILE`, 0xFF between them; as esptool's merge_bin. */
import type { Result } from "../../engine/types.ts";
import { numberOf } from "../number.ts";
import { type ImageTool, made, one, refused } from "./image-tool.ts";

export interface Placed {
  readonly file: string;
  readonly offset: number;
  readonly content: Uint8Array;
}

/** from: the place that the first byte is for; to: as long as that, at least. Failure `image.overlap` (exit 1). */
export function mergedImage(files: readonly Placed[], from = 0, to = 0): Result<Uint8Array> {
  const sorted = files.toSorted((a, b) => a.offset - b.offset);
  let end = from;
  for (const { file, offset, content } of sorted) {
    if (offset < end) {
      const message = `${file} begins at 0x${offset.toString(16)}, which is taken up to 0x${end.toString(16)}`;
      return refused("image.overlap", message, file, "look at the partitions: something is larger than its place");
    }
    end = offset + content.length;
  }
  const bytes = new Uint8Array(Math.max(end, to) - from).fill(0xff);
  for (const { offset, content } of sorted) bytes.set(content, offset - from);
  return { ok: true, value: bytes };
}

export const merge: ImageTool = {
  usage: "fb tool merge OFFSET FILE… [--from OFFSET] [--fill SIZE] --out FILE",
  make(options, read) {
    const words = options.get("") ?? [];
    const files: Placed[] = [];
    for (let i = 0; i < words.length; i += 2) {
      const [offset, file] = [numberOf(words[i] ?? ""), words[i + 1]];
      if (offset === null || file === undefined) return null;
      files.push({ file, offset, content: read(file) });
    }
    const [from, to] = [one(options, "from") ?? "0", one(options, "fill") ?? "0"].map(numberOf);
    if (files.length === 0 || from === undefined || to === undefined || from === null || to === null) return null;
    const image = mergedImage(files, from, to);
    return image.ok ? made(image.value) : image;
  },
};
