/** Options of a platformio.ini that fb reads but does not obey yet: which of them would change the firmware, and which wait for their verb. */
import type { Config } from "./ini/config.ts";
import type { OptionValue } from "./project.ts";
import type { Origin } from "./spec.ts";

/** Options that a build does not obey, and what to do instead. An option leaves this table when fb obeys it; lib_deps of which nothing is found: plan-libs. */
const UNHEARD: Readonly<Record<string, string>> = {
  targets: "name targets on the command line, as in `fb run :flash`",
};

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

/** One for each option of an env that would change its firmware and is not obeyed; nothing for one that is set to nothing. */
export function unheardOptions(section: string, options: ReadonlyMap<string, OptionValue>): Unheard[] {
  const found: Unheard[] = [];
  for (const [name, hint] of Object.entries(UNHEARD)) {
    const option = options.get(name);
    if (option === undefined || option.value === "" || (typeof option.value === "object" && option.value.length === 0)) continue;
    found.push({
      code: "env.option-unheard",
      message: `${name} of [${section}] has no effect yet`,
      hint,
      origin: option.origin,
    });
  }
  return found;
}

/** The names of options, in any env, that belong to verbs which are still to come; sorted. */
export function laterOptions(config: Config): string[] {
  const names = new Set<string>();
  for (const env of config.envs)
    for (const option of config.options(`env:${env}`))
      if (LATER.some((prefix) => option.startsWith(prefix)) && !NOW.has(option)) names.add(option);
  return [...names].sort();
}
