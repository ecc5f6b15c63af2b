/** `fb tool NAME … --out FILE` for the tools that make one file of others (rules/image/): their arguments, what they read, the file that they make. */
import { createHash } from "node:crypto";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Disk, Result } from "../../engine/types.ts";
import { dfuSuffix } from "../../rules/image/dfu-suffix.ts";
import { elf2bin } from "../../rules/image/elf2bin.ts";
import { embed } from "../../rules/image/embed.ts";
import { esp32ImageTool } from "../../rules/image/esp32-image.ts";
import { esp32Partitions } from "../../rules/image/esp32-partitions.ts";
import { type Hash, type ImageTool, one, optionsOf } from "../../rules/image/image-tool.ts";
import { lines } from "../../rules/image/lines.ts";
import { littlefsTool } from "../../rules/image/littlefs.ts";
import { merge } from "../../rules/image/merged.ts";
import { substitute } from "../../rules/image/substitute.ts";
import { uf2 } from "../../rules/image/uf2.ts";
import type { ImageToolName } from "../../rules/inner-tools.ts";

const TOOLS: Readonly<Record<ImageToolName, ImageTool>> = {
  elf2bin,
  embed,
  substitute,
  uf2,
  "dfu-suffix": dfuSuffix,
  lines,
  "esp32-image": esp32ImageTool,
  "esp32-partitions": esp32Partitions,
  merge,
  littlefs: littlefsTool,
};

const hash: Hash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();

/** What it prints is its log. */
export function imageTool(name: ImageToolName, disk: Disk, args: readonly string[]): Result<string> {
  const tool = TOOLS[name];
  const options = optionsOf(args);
  const out = one(options, "out");
  const made = out === null ? null : tool.make(options, (path) => disk.read(path), hash);
  if (out === null || made === null) return fail(failure("tool.usage", 2, `usage: ${tool.usage}; found ${args.join(" ")}`));
  if (!made.ok) return made;
  disk.writeAtomic(out, made.value.bytes);
  return ok(made.value.log);
}
