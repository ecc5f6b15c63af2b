/** `[lines.*]` of a rule file: lists read from text files of packages, as a core's own macros are. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { PlanIo, Result } from "../engine/types.ts";
import { expand, type Scope } from "./expand.ts";
import type { RuleFile } from "./rulefile.ts";

/** A list for each table. Failures (exit 3): those of expand; `rule.no-file`. */
export function linesOf(rules: RuleFile, scope: Scope, io: Pick<PlanIo, "read">): Result<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, readonly string[]>();
  for (const [name, { files, match }] of rules.lines) {
    const paths = expand(files, scope);
    if (!paths.ok) return paths;
    const found: string[] = [];
    for (const path of paths.value) {
      const content = io.read(path);
      if (content === null) {
        const hint = "another version of the package may have it: look at platform_packages";
        return fail(failure("rule.no-file", 3, `the package has no file ${path}`, { file: "platformio.ini", hint }));
      }
      for (const line of new TextDecoder().decode(content).split("\n")) {
        const group = new RegExp(match, "u").exec(line.trim())?.[1];
        if (group !== undefined) found.push(group);
      }
    }
    names.set(name, found);
  }
  return ok(names);
}
