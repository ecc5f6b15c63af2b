/** One option's value: searched through `extends`, overridden by the environment, interpolated, cast. */
import type { Failure, Result } from "../../engine/types.ts";
import { didYouMean } from "../nearest.ts";
import { braceProjectHash, expandBraces, expandPercent, type Reference } from "./interpolate.ts";
import { DEFAULT_SECTION, type IniOption, placeOfText, valuePlace } from "./lex.ts";
import { castOption, DECLARED, type DeclaredOption, declaredOption, scopeOf, type Value } from "./options.ts";
import { type Place, problem } from "./problem.ts";
import type { Sections } from "./sections.ts";
import { absolutePath, baseName, expandHome } from "./text.ts";

/** Everything that reading a project asks of the world, so that the caller can record each answer as an input. */
export interface ConfigIo {
  /** Text of a file (UTF-8), or null when there is none (or it is a folder). The path is absolute or relative to the project. */
  read(path: string): string | null;
  /**
   * Paths that match a pattern, sorted; relative to the project if the pattern is. Python's glob: `*` `?` `[…]` and recursive `**`,
   * no braces, a leading dot only where the pattern has it, without a wildcard the path itself if it is there. `~` is already replaced.
   */
  glob(pattern: string): readonly string[];
  /** Value of an environment variable, undefined when it is not set. secret: nobody is to see it, as what `${sysenv.*}` names. */
  value(name: string, secret?: "secret"): string | undefined;
  /** Seconds since 1970. */
  unixTime(): number;
  /** Hex digest of the text in UTF-8. */
  sha1(text: string): string;
}

/** The names that stand alone in `${NAME}` and that PlatformIO replaces; all others are left to the build. */
export const BUILTINS = ["PROJECT_DIR", "PROJECT_HASH", "UNIX_TIME"] as const;
export type Builtin = (typeof BUILTINS)[number];

export interface Resolved {
  /** Undefined when an option is declared, but neither set nor given a default. */
  readonly value: Value | undefined;
  /** The built-in names that took part, directly or through other options. */
  readonly uses: ReadonlySet<Builtin>;
}

/** What is being read, for `${this.…}`, for recursion and for blame. */
interface Reading {
  readonly section: string;
  readonly option: string;
  /** The ini option that the text comes from; undefined for a default or an environment variable. */
  readonly source: IniOption | undefined;
  readonly variable: string | null;
}

export class Resolver {
  readonly #sections: Sections;
  readonly #io: ConfigIo;
  readonly #projectDir: string;
  readonly #keepTime: boolean;
  readonly #known = new Map<string, Result<Resolved>>();
  readonly #open: string[] = [];

  /** With `keepTime`, `${UNIX_TIME}` stays in values as it is written. */
  constructor(sections: Sections, projectDir: string, io: ConfigIo, keepTime: boolean) {
    this.#sections = sections;
    this.#projectDir = projectDir;
    this.#io = io;
    this.#keepTime = keepTime;
  }

  /** The ini option that gives a value to `option` of `section` (by its present or a former name), or undefined. */
  source(section: string, option: string): Result<IniOption | undefined> {
    const found = this.#search(section, option, declaredOption(section, option));
    return found.ok ? { ok: true, value: found.value?.option } : found;
  }

  /** The options of a section in PlatformIO's order: its own, those it inherits, those that only an environment variable sets. */
  options(section: string): Result<readonly string[]> {
    const { order, failure } = this.#sections.walk(section);
    if (failure !== null) return { ok: false, failure };
    const names = new Set(order.flatMap((name) => this.#sections.own(name)).map((option) => option.name));
    const scope = scopeOf(section);
    for (const declared of DECLARED) {
      if (declared.scope !== scope || declared.variable === null) continue;
      if (this.#io.value(declared.variable) !== undefined) names.add(declared.name);
    }
    return { ok: true, value: [...names] };
  }

  /** A value as a build sees it. An option that is neither declared nor set is undefined. */
  get(section: string, option: string): Result<Resolved> {
    const declared = declaredOption(section, option);
    if (declared === undefined) {
      const found = this.#search(section, option, declared);
      if (!found.ok) return found;
      if (found.value === undefined) return { ok: true, value: { value: undefined, uses: new Set() } };
    }
    return this.#resolve(section, option, null);
  }

  #search(
    section: string,
    option: string,
    declared: DeclaredOption | undefined,
  ): Result<{ option: IniOption; seenFrom: string } | undefined> {
    const { order, failure } = this.#sections.walk(section);
    for (const seenFrom of order) {
      for (const own of this.#sections.own(seenFrom)) {
        const same = own.name === option || own.name === declared?.name || (declared?.oldNames.includes(own.name) ?? false);
        if (same) return { ok: true, value: { option: own, seenFrom } };
      }
    }
    if (failure !== null) return { ok: false, failure };
    // A name in another case is found in the section itself only, and so are the options of [DEFAULT] when it is named.
    const found = declared === undefined ? this.#sections.find(section, option.toLowerCase()) : undefined;
    return { ok: true, value: found === undefined ? undefined : { option: found, seenFrom: section } };
  }

  #resolve(section: string, option: string, from: { reading: Reading; reference: Reference } | null): Result<Resolved> {
    const id = `${section}\n${option}`;
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (this.#open.includes(id)) return { ok: false, failure: this.#recursion(id, from) };
    this.#open.push(id);
    const result = this.#compute(section, option, from);
    this.#open.pop();
    this.#known.set(id, result);
    return result;
  }

  #compute(section: string, option: string, from: { reading: Reading; reference: Reference } | null): Result<Resolved> {
    const declared = declaredOption(section, option);
    const found = this.#search(section, option, declared);
    if (!found.ok) return found;
    let text: Value | undefined;
    if (found.value !== undefined) {
      const expanded = expandPercent(found.value.option, found.value.seenFrom, this.#sections);
      if (!expanded.ok) return expanded;
      text = expanded.value;
    }
    if (declared === undefined && text === undefined) return { ok: false, failure: this.#missing(section, option, from) };

    const override = declared === undefined ? null : this.#override(declared);
    if (override !== null && declared?.list) text = text ? `${text}\n${override.value}` : override.value;
    else if (override !== null) text = override.value;
    if (text === undefined && declared !== undefined) text = this.#fallback(declared);

    const uses = new Set<Builtin>();
    if (text === undefined) return { ok: true, value: { value: declared?.list ? [] : undefined, uses } };
    const replaced = override !== null && declared?.list !== true;
    const source = replaced ? undefined : found.value?.option;
    const reading: Reading = { section, option, source, variable: override?.name ?? null };
    if (typeof text === "string") {
      const expanded = this.#expand(text, reading, uses);
      if (!expanded.ok) return expanded;
      text = expanded.value;
    }
    if (declared === undefined) return { ok: true, value: { value: text, uses } };
    if (declared.type === "folder" && typeof text === "string") text = this.#folder(text);
    const cast = castOption(declared, text, (path) => this.#io.read(path) !== null);
    if (cast.ok) return { ok: true, value: { value: cast.value, uses } };
    const message = `${named(reading)}: ${cast.expected}`;
    return { ok: false, failure: problem("ini.bad-value", message, blame(reading, null), this.#choiceHint(declared, text)) };
  }

  /** A variable's value, where it is set and not empty; the variables of former names count when that of the present one does not. */
  #override(declared: DeclaredOption): { name: string; value: string } | null {
    if (declared.variable === null) return null;
    for (const name of [declared.variable, ...declared.oldNames.map((old) => `PLATFORMIO_${old.toUpperCase()}`)]) {
      const value = this.#io.value(name);
      if (value !== undefined && value !== "") return { name, value };
    }
    return null;
  }

  #fallback(declared: DeclaredOption): Value | undefined {
    if (declared.scope === "platformio" && declared.name === "name") return baseName(this.#projectDir);
    if (declared.scope === "platformio" && declared.name === "core_dir") return "~/.platformio";
    return declared.fallback ?? undefined;
  }

  #folder(path: string): string {
    if (path === "" || (path.includes("${") && path.includes("}"))) return path;
    return absolutePath(this.#projectDir, expandHome(path, homeFolder(this.#io)));
  }

  #expand(text: string, reading: Reading, uses: Set<Builtin>): Result<string> {
    if (!text.includes("$")) return { ok: true, value: text };
    return expandBraces(braceProjectHash(text), (reference) => this.#put(reference, reading, uses));
  }

  #put(reference: Reference, reading: Reading, uses: Set<Builtin>): Result<string> {
    const { option } = reference;
    if (reference.section === null) {
      const builtin = BUILTINS.find((name) => name === option);
      if (builtin !== undefined) uses.add(builtin);
      return { ok: true, value: this.#builtin(builtin) ?? reference.text };
    }
    if (reference.section === "sysenv") return { ok: true, value: this.#io.value(option, "secret") ?? "" };
    const section = reference.section === "this" ? reading.section : reference.section;
    if (reference.section === "this" && option === "__env__") {
      if (section.startsWith("env:")) return { ok: true, value: section.slice("env:".length) };
      const message = `${named(reading)}: \${this.__env__} is the name of an env, but [${section}] is not one`;
      return { ok: false, failure: problem("ini.interpolation", message, blame(reading, reference), "use it in [env:NAME] or in [env]") };
    }
    const found = this.#resolve(section, option, { reading, reference });
    if (!found.ok) return found;
    for (const name of found.value.uses) uses.add(name);
    return { ok: true, value: inserted(found.value.value) };
  }

  #builtin(name: Builtin | undefined): string | null {
    switch (name) {
      case undefined:
        return null;
      case "PROJECT_DIR":
        return this.#projectDir;
      case "PROJECT_HASH":
        return `${baseName(this.#projectDir)}-${this.#io.sha1(this.#projectDir).slice(0, 10)}`;
      case "UNIX_TIME":
        return this.#keepTime ? null : String(Math.floor(this.#io.unixTime()));
      default:
        return name satisfies never;
    }
  }

  #recursion(id: string, from: { reading: Reading; reference: Reference } | null): Failure {
    const chain = [...this.#open.slice(this.#open.indexOf(id)), id].map((each) => each.split("\n").join(".")).join(" → ");
    const place = from === null ? null : blame(from.reading, from.reference);
    return problem("ini.recursion", `the value refers to itself: ${chain}`, place, "break the chain of ${section.option} references");
  }

  #missing(section: string, option: string, from: { reading: Reading; reference: Reference } | null): Failure {
    const where = from === null ? "" : `${named(from.reading)}: `;
    const text = from === null ? `${section}.${option}` : from.reference.text;
    const place = from === null ? null : blame(from.reading, from.reference);
    if (section !== DEFAULT_SECTION && !this.#sections.has(section)) {
      const hint = didYouMean(section, this.#sections.names(), `add a section [${section}], or correct the name`);
      return problem("ini.no-section", `${where}${text} names the section [${section}], which is not there`, place, hint);
    }
    const names = this.options(section);
    const declared = DECLARED.filter((each) => each.scope === scopeOf(section)).map((each) => each.name);
    const hint = didYouMean(option, [...(names.ok ? names.value : []), ...declared], `set ${option} in [${section}], or correct the name`);
    return problem("ini.no-option", `${where}${text} names the option ${option} of [${section}], which is not set`, place, hint);
  }

  #choiceHint(declared: DeclaredOption, value: Value): string {
    const otherwise =
      declared.fallback === null
        ? "correct the value, or remove the option"
        : `correct the value, or remove the option for ${declared.fallback}`;
    return didYouMean(String(value), declared.choices, otherwise);
  }
}

/** The home folder that `~` stands for. */
export function homeFolder(io: ConfigIo): string | undefined {
  return io.value("HOME") ?? io.value("USERPROFILE");
}

/** How Python writes a value into text, which is what a `${section.option}` is replaced by. */
function inserted(value: Value | undefined): string {
  if (value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "object" ? value.join("\n") : String(value);
}

/** How messages speak of a value. */
function named(reading: Reading): string {
  const where = `${reading.option} of [${reading.section}]`;
  return reading.variable === null ? where : `${where} (environment variable ${reading.variable})`;
}

/** The place that a reference, or else the whole value, stands at. */
function blame(reading: Reading, reference: Reference | null): Place | null {
  if (reading.source === undefined) return null;
  return reference === null ? valuePlace(reading.source) : placeOfText(reading.source, reference.text);
}
