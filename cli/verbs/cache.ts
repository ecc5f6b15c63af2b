/** `fb cache` */
import type { Command } from "../args.ts";
import type { Faces } from "../faces.ts";

export async function cacheVerb(_command: Extract<Command, { verb: "cache" }>, _faces: Faces): Promise<number> {
  return 0;
}
