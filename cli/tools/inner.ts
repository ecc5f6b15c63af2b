/** The tools that run inside fb: `fb tool NAME ARG…`, also as actions of a graph. */
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Disk, InnerTools, Result, ToolRun } from "../../engine/types.ts";
import { convertSketch, decodeSource, encodeSource } from "../../rules/arduino.ts";
import { type ImageToolName, INNER_VERSIONS } from "../../rules/inner-tools.ts";
import { didYouMean } from "../../rules/nearest.ts";
import type { PackagePlaces } from "../acquire/places.ts";
import type { PackageToolName } from "./packages.ts";
import { sizeTool } from "./size.ts";

/** places: what the tools of packages work with. */
export function innerTools(disk: Disk, places: PackagePlaces): InnerTools {
  const tools: Readonly<Record<string, (args: readonly string[], around: ToolRun) => ReturnType<InnerTools["run"]>>> = {
    ino: (args) => inoTool(disk, args),
    size: (args) => sizeTool(disk, args),
    ...imageTools(disk),
    emulate,
    fetch: (args, around) => packageTool("fetch", args, places, disk, around),
    extract: (args, around) => packageTool("extract", args, places, disk, around),
    install: (args, around) => packageTool("install", args, places, disk, around),
  };
  return {
    run([name = "", ...args], around) {
      const tool = tools[name];
      if (tool !== undefined) return tool(args, around);
      const known = Object.keys(tools);
      return fail(
        failure("tool.unknown", 2, `fb has no tool "${name}"`, { hint: didYouMean(name, known, `its tools: ${known.join(" ")}`) }),
      );
    },
  };
}

/** Loaded when they are wanted: most platforms' images are made by objcopy. */
function imageTools(disk: Disk): Readonly<Record<string, (args: readonly string[]) => Promise<Result<string>>>> {
  const names = Object.keys(INNER_VERSIONS) as ImageToolName[];
  return Object.fromEntries(names.map((name) => [name, async (args) => (await import("./image.ts")).imageTool(name, disk, args)]));
}

/** Loaded when it is wanted, as it starts processes. */
async function emulate(args: readonly string[], around: ToolRun): Promise<Result<string>> {
  const { emulateTool } = await import("./emulate.ts");
  return emulateTool(args, around);
}

/** Loaded when it is wanted: builds that fetch nothing are many. */
async function packageTool(
  name: PackageToolName,
  args: readonly string[],
  places: PackagePlaces,
  disk: Disk,
  around: ToolRun,
): Promise<Result<string>> {
  const { runPackageTool } = await import("./packages.ts");
  return runPackageTool(name, args, places, disk, around);
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
