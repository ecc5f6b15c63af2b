/** `fb help` and `fb version`. */
import type { Command } from "../command.ts";
import type { Faces } from "../faces.ts";
import { helpText } from "../help.ts";
import { version } from "../home.ts";

export async function helpVerb(command: Extract<Command, { verb: "help" | "version" }>, faces: Faces): Promise<number> {
  faces.out.write(command.verb === "version" ? `fb ${version}\n` : helpText(command.topic));
  return 0;
}
