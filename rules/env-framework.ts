/** Whether fb has rules for the framework that an env names, and for the core of it that its board and flags mean. */
import { failure } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import type { Board } from "./boards.ts";
import type { Config } from "./ini/config.ts";
import { didYouMean } from "./nearest.ts";
import type { EnvProject, Platform } from "./project.ts";
import type { Origin } from "./spec.ts";

/** Failures `env.unknown-framework`, `env.frameworks` (exit 3) of what `framework =` names. */
export function frameworkProblems(section: string, platform: Platform, frameworks: readonly string[], config: Config): Failure[] {
  const known = platform.rules.platform?.frameworks ?? [];
  const place = config.origin(section, "framework");
  const unknown = frameworks.find((each) => !known.includes(each));
  if (unknown !== undefined) {
    const has = known.length === 0 ? "has none" : `has ${known.join(", ")}`;
    const hint = didYouMean(unknown, known, known.length === 0 ? "remove `framework =`" : `the frameworks are ${known.join(", ")}`);
    return [
      failure("env.unknown-framework", 3, `unknown framework "${unknown}" in [${section}]: platform ${platform.name} ${has}`, {
        ...place,
        hint,
      }),
    ];
  }
  if (frameworks.length < 2) return [];
  const message = `[${section}] names ${frameworks.length} frameworks (${frameworks.join(", ")}): expected one`;
  return [failure("env.frameworks", 3, message, { ...place, hint: "keep one; fb does not combine frameworks yet" })];
}

/**
 * A framework may be one of several that PlatformIO calls by one name: the board's build.core, its chip or a macro tells which.
 * Failure `env.core` (exit 3) where the rules are not for that one. place: of `board`.
 */
export function coreProblem(
  section: string,
  platform: Platform,
  framework: string | null,
  board: Board,
  options: EnvProject["options"],
  place: Origin | null,
): Failure | null {
  const { cores = [], mcus = [], otherCores = [] } = platform.rules.frameworks.get(framework ?? "") ?? {};
  const core = String(board.values.get("build.core") ?? "");
  const set = (option: string) => options.get(option)?.origin ?? place;
  if (mcus.length > 0 && !mcus.includes(board.mcu)) {
    const message = `[${section}]: board "${board.id}" has the mcu "${board.mcu}": of framework ${framework} fb has rules for ${mcus.join(", ")}`;
    return failure("env.core", 3, message, { ...set("board_build.mcu"), hint: "this env cannot be built with fb yet; the others can" });
  }
  const buildFlags = options.get("build_flags")?.value ?? [];
  const flags = [...board.extraFlags, ...[buildFlags].flat()].join(" ");
  const macro = otherCores.find((each) => flags.includes(each));
  if (macro !== undefined) {
    const message = `[${section}]: ${macro} in build_flags or the board's build.extra_flags asks for another core of framework ${framework}, which fb has no rules for`;
    const at = board.extraFlags.some((each) => each.includes(macro)) ? place : set("build_flags");
    return failure("env.core", 3, message, { ...at, hint: "this env cannot be built with fb yet; the others can" });
  }
  if (cores.length === 0 || cores.includes(core)) return null;
  const message = `[${section}]: board "${board.id}" has the core "${core}": of framework ${framework} fb has rules for ${cores.join(", ")}`;
  const hint = `board_build.core = ${cores[0]}, if the board's programs are written for it`;
  return failure("env.core", 3, message, { ...set("board_build.core"), hint });
}
