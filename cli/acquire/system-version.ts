/** Whether what the system has is of a version that the ini asks for. */
import { execFileSync } from "node:child_process";
import type { PackageNeed, PackageRef } from "../../cache/providers/package.ts";
import type { TablePackage } from "../../rules/package-table.ts";
import { inRange } from "../../rules/version.ts";

/** No compiler takes as long to say its version. */
const LIMIT_MS = 10_000;

/**
 * The versions that a system's package goes by: its own; of a compiler what it says, also as PlatformIO writes it (gcc 5.4.0 is 1.50400.0); of a release that the
 * platform's table has what PlatformIO's registry calls it.
 */
export function systemVersions(
  { kind, finds }: PackageNeed,
  { folder, version }: PackageRef,
  table: TablePackage | null,
): readonly string[] {
  const said = kind === "tool" && /gcc$/.test(finds) ? askCompiler(`${folder}/bin/${finds}`) : null;
  const own = [version, said ?? ""].filter((each) => each !== "");
  const registry = table !== null && table.registry !== "" && own.includes(table.version) ? [table.registry] : [];
  return [...own, ...(said === null ? [] : [asPackage(said)]), ...registry];
}

export function isAmong(versions: readonly string[], requirement: string): boolean {
  return requirement === "*" || versions.some((version) => version === requirement || inRange(version, requirement) === true);
}

function askCompiler(program: string): string | null {
  for (const word of ["-dumpfullversion", "-dumpversion"]) {
    try {
      const said = execFileSync(program, [word], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: LIMIT_MS }).trim();
      if (/^\d+(?:\.\d+)*$/.test(said)) return said;
    } catch {
      // An old gcc does not know the first word.
    }
  }
  return null;
}

function asPackage(gcc: string): string {
  const [major = "0", minor = "0", patch = "0"] = gcc.split(".");
  return `1.${major}${minor.padStart(2, "0")}${patch.padStart(2, "0")}.0`;
}
