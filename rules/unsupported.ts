/** Options of a platformio.ini that fb reads but does not obey: what is done with boards, and what waits for its verb. */
import type { Config } from "./ini/config.ts";
import type { OptionValue } from "./project.ts";
import type { Origin } from "./spec.ts";

/** Options of verbs that are still to come, by prefix. */
const LATER = ["check_", "test_", "debug_"];
/** … of which a build uses this one. */
const NOW = new Set(["debug_build_flags"]);

export interface Unheard {
  readonly code: "env.option-unheard";
  readonly message: string;
  readonly hint: string;
  readonly origin: Origin | null;
}

/** One for each option of an env that a build does not obey (of lib_deps of which nothing is found tells plan-libs); nothing for one that is set to nothing. */
export function unheardOptions(section: string, options: ReadonlyMap<string, OptionValue>): Unheard[] {
  const targets = options.get("targets");
  const names = [targets?.value ?? []].flat().filter((name) => name !== "");
  if (targets === undefined || names.length === 0) return [];
  // `fb` alone builds, always: who only wants to compile does not write to a board because of a line in the ini.
  const command = ["fb run", ...names.map((name) => `-t ${name}`), `-e ${section.replace(/^env:/, "")}`].join(" ");
  const message = `targets of [${section}] is not obeyed: what fb does beyond building is named on its command line`;
  return [{ code: "env.option-unheard", message, hint: `here: ${command}`, origin: targets.origin }];
}

/**
 * The same for what the platform's own builder obeys and fb's rules for it do not: options (`option.NAME`) and values of the board (`board.PATH`) that are set to something.
 * names: as the rules list them.
 */
export function unheardOfPlatform(
  section: string,
  platform: string,
  names: readonly string[],
  options: ReadonlyMap<string, OptionValue>,
  board: ReadonlyMap<string, string | readonly string[]>,
): Unheard[] {
  return names.flatMap((name): Unheard[] => {
    const [, kind, key = ""] = /^(option|board)\.(.+)$/.exec(name) ?? [];
    const option = kind === "option" ? options.get(key) : undefined;
    const value = kind === "board" ? board.get(key) : option?.value;
    if (value === undefined || [value].flat().every((each) => each === "")) return [];
    const message = `${kind === "board" ? `${key} of the board of [${section}]` : `${key} of [${section}]`} is not obeyed: fb's rules for platform ${platform} do not have it`;
    const hint = "the firmware differs from PlatformIO's in what it does; `fb config` shows where it comes from";
    return [{ code: "env.option-unheard", message, hint, origin: option?.origin ?? options.get("board")?.origin ?? null }];
  });
}

/** The names of options, in any env, that belong to verbs which are still to come; sorted. */
export function laterOptions(config: Config): string[] {
  const names = new Set<string>();
  for (const env of config.envs)
    for (const option of config.options(`env:${env}`))
      if (LATER.some((prefix) => option.startsWith(prefix)) && !NOW.has(option)) names.add(option);
  return [...names].sort();
}
