/** `fb export` */
import type { Command } from "../args.ts";
import type { Faces } from "../faces.ts";

export async function exportVerb(_command: Extract<Command, { verb: "export" }>, _faces: Faces): Promise<number> {
  return 0;
}
