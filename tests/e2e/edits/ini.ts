/** The platformio.ini and fb.toml of a generated project: what they say as data that an edit changes, and their text. */
import type { Random } from "../../random.ts";

export interface EnvIni {
  readonly flags: readonly string[];
  readonly unflags: readonly string[];
  readonly srcFlags: readonly string[];
  readonly filter: readonly string[];
  /** Other options, a line each. */
  readonly more: readonly string[];
}

export interface Ini {
  readonly common: readonly string[];
  readonly envs: Readonly<Record<string, EnvIni>>;
  readonly extra: boolean;
  readonly steps: readonly string[];
}

/** What is there to choose from; the lines that an env always has. */
export interface IniChoices {
  readonly envs: Readonly<Record<string, readonly string[]>>;
  readonly flags: readonly string[];
  /** The flags that an env begins with. */
  readonly first: readonly string[];
  readonly unflags: readonly string[];
  readonly srcFlags: readonly string[];
  readonly filters: readonly (readonly string[])[];
  readonly more: readonly string[];
  /** Name → a [[step]]. */
  readonly steps: Readonly<Record<string, string>>;
}

/** On every search path: libraries see no `include/`. */
export const BASE_FOLDER = "base";

const EMPTY: EnvIni = { flags: [], unflags: [], srcFlags: [], filter: [], more: [] };

export function firstIni(choices: IniChoices): Ini {
  return {
    common: [],
    envs: Object.fromEntries(Object.keys(choices.envs).map((e) => [e, { ...EMPTY, flags: choices.first }])),
    extra: false,
    steps: [],
  };
}

/** A list with one element more, one less, another one, or in another order. */
function edited(random: Random, list: readonly string[], pool: readonly string[]): readonly string[] {
  const kind = random.below(6);
  const at = random.below(list.length + 1);
  if (kind < 2 || list.length === 0) return [...list.slice(0, at), random.pick(pool), ...list.slice(at)].slice(0, 6);
  if (kind === 2 || list.length === 1) return list.filter((_, i) => i !== Math.min(at, list.length - 1));
  if (kind === 3) return list.map((x, i) => (i === at ? random.pick(pool) : x));
  return [...list.slice(1), ...list.slice(0, 1)];
}

export function editIni(random: Random, ini: Ini, choices: IniChoices): Ini {
  const env = random.pick(Object.keys(choices.envs));
  const now = ini.envs[env] ?? EMPTY;
  const set = (change: Partial<EnvIni>): Ini => ({ ...ini, envs: { ...ini.envs, [env]: { ...now, ...change } } });
  const kind = random.below(14);
  if (kind < 5) return set({ flags: edited(random, now.flags, choices.flags) });
  if (kind < 6) return set({ unflags: edited(random, now.unflags, choices.unflags) });
  if (kind < 8) return set({ srcFlags: edited(random, now.srcFlags, choices.srcFlags) });
  if (kind < 10) return set({ filter: random.pick(choices.filters) });
  if (kind < 11) return set({ more: edited(random, now.more, choices.more).slice(0, 2) });
  if (kind < 12) return { ...ini, common: edited(random, ini.common, choices.flags) };
  if (kind < 13) return { ...ini, extra: !ini.extra };
  return set(EMPTY);
}

export function editSteps(random: Random, ini: Ini, choices: IniChoices): Ini {
  const name = random.pick(Object.keys(choices.steps));
  if (ini.steps.includes(name)) return { ...ini, steps: ini.steps.filter((s) => s !== name) };
  // One of them is made from another's output; without it there is nothing to build.
  const more = name === "two" && random.chance(0.9) ? ["pack", name] : [name];
  return { ...ini, steps: [...new Set([...ini.steps, ...more])] };
}

export function iniText(ini: Ini, choices: IniChoices): string {
  const list = (name: string, values: readonly string[]) => (values.length === 0 ? [] : [`${name} =`, ...values.map((v) => `  ${v}`)]);
  const lines = ini.extra ? ["[platformio]", "extra_configs = extra*.ini"] : [];
  lines.push("[common]", "none =", ...list("flags", ini.common));
  for (const [env, always] of Object.entries(choices.envs)) {
    const { flags, unflags, srcFlags, filter, more } = ini.envs[env] ?? EMPTY;
    lines.push(`[env:${env}]`, ...always);
    lines.push(...list("build_flags", [`-I${BASE_FOLDER}`, ...(ini.common.length === 0 ? [] : ["${common.flags}"]), ...flags]));
    lines.push(
      ...list("build_unflags", unflags),
      ...list("build_src_flags", srcFlags),
      ...(always.some((l) => l.startsWith("build_src_filter")) ? [] : list("build_src_filter", filter)),
    );
    // An option twice is an error that hides everything else.
    lines.push(...new Map(more.map((line) => [line.slice(0, line.indexOf(" ")), line])).values());
  }
  return `${lines.join("\n")}\n`;
}

export function stepsText(ini: Ini, choices: IniChoices): string {
  return `schema = 1\n${ini.steps.map((s) => choices.steps[s] ?? "").join("\n")}`;
}
