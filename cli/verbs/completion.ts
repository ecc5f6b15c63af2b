/** `fb completion`: a script for the shell's start-up file, on standard output. */
import type { Command } from "../command.ts";
import type { Faces } from "../faces.ts";
import { completionScript } from "../help.ts";

export async function completionVerb(command: Extract<Command, { verb: "completion" }>, faces: Faces): Promise<number> {
  faces.out.write(completionScript(command.shell));
  return 0;
}
