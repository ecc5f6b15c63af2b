/** The tools that run inside fb: `fb tool NAME ARG…`, also as actions of a graph. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Disk, InnerTools, Result } from "../../engine/types.ts";
import { convertSketch, decodeSource, encodeSource } from "../../rules/arduino.ts";
import { didYouMean } from "../../rules/nearest.ts";
import { sizeTool } from "./size.ts";

export function innerTools(disk: Disk): InnerTools {
  const tools: Readonly<Record<string, (args: readonly string[]) => Result<string>>> = {
    ino: (args) => inoTool(disk, args),
    size: (args) => sizeTool(disk, args),
  };
  return {
    run([name = "", ...args]) {
      const tool = tools[name];
      if (tool !== undefined) return tool(args);
      const known = Object.keys(tools);
      return fail(
        failure("tool.unknown", 2, `fb has no tool "${name}"`, { hint: didYouMean(name, known, `its tools: ${known.join(" ")}`) }),
      );
    },
  };
}

/** --out FILE TAB…: merges the tabs of a sketch into one C++ source. What it prints are warnings of undecodable tabs. */
function inoTool(disk: Disk, args: readonly string[]): Result<string> {
  const at = args.indexOf("--out");
  const out = args[at + 1];
  const tabs = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  if (at < 0 || out === undefined || tabs.length === 0) return fail(failure("tool.usage", 2, "usage: fb tool ino --out FILE TAB..."));
  const warnings: string[] = [];
  const decoded = tabs.map((path) => {
    const { text, warning } = decodeSource(disk.read(path));
    if (warning !== null) warnings.push(`${path}: warning: ${warning}\n`);
    return { path, text };
  });
  disk.writeAtomic(out, encodeSource(convertSketch(decoded).text));
  return ok(warnings.join(""));
}
