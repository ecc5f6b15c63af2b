/** The tools that run inside fb: `fb tool NAME ARG…`, also as actions of a graph. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Disk, InnerTools, Result } from "../../engine/types.ts";
// import { convertSketch, decodeSource } from "../../rules/arduino.ts";
import { didYouMean } from "../../rules/nearest.ts";
import { sizeTool } from "./size.ts";

export function innerTools(disk: Disk): InnerTools {
  const tools: Readonly<Record<string, (args: readonly string[]) => Result<string>>> = {
    // ino: (args) => inoTool(disk, args),
    size: (args) => sizeTool(disk, args),
  };
  return {
    run([name = "", ...args]) {
      const tool = tools[name];
      if (tool !== undefined) return tool(args);
      const known = Object.keys(tools);
      return fail(failure("tool.unknown", 2, `fb has no tool "${name}"`, { hint: didYouMean(name, known, `its tools: ${known.join(" ")}`) }));
    },
  };
}

