/** A text of the lines that a rule gives, for programs that take their commands from a file. */
import { type ImageTool, made } from "./image-tool.ts";

export const lines: ImageTool = {
  usage: "fb tool lines --lines LINE… --out FILE",
  make(options) {
    const given = options.get("lines");
    return given === undefined ? null : made(new TextEncoder().encode(given.join("\n")));
  },
};
