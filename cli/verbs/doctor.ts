/** `fb doctor` */
import type { Command } from "../args.ts";
import type { Faces } from "../faces.ts";

export async function doctorVerb(_command: Extract<Command, { verb: "doctor" }>, _faces: Faces): Promise<number> {
  return 0;
}
