/** `fb init`: starts a project for boards, or adds boards to one. Nothing that is there is overwritten. */
import type { Command } from "../args.ts";
import type { Faces } from "../faces.ts";

export async function initVerb(_command: Extract<Command, { verb: "init" }>, _faces: Faces): Promise<number> {
  return 0;
}
