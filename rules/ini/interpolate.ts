/** The two interpolations of a value: Python's `%(option)s` within a section, and PlatformIO's `${section.option}`. */
import type { Failure, Result } from "../../engine/types.ts";
import { DEFAULT_SECTION, type IniOption, placeOfText } from "./lex.ts";
import { problem } from "./problem.ts";

/** configparser gives up at this depth of `%(a)s` naming `%(b)s` naming … */
const MAX_DEPTH = 10;

/** What `%(option)s` is looked up in. */
export interface OptionSource {
  find(section: string, name: string): IniOption | undefined;
}

/** A value with `%%` and `%(option)s` replaced, as seen from `section` (an option of [DEFAULT] is seen from many). */
export function expandPercent(option: IniOption, section: string, source: OptionSource): Result<string> {
  if (!option.value.includes("%")) return { ok: true, value: option.value };
  let output = "";
  function fail(message: string, text: string, hint: string): Failure {
    const where =
      option.section === DEFAULT_SECTION ? `${option.name} of [DEFAULT], as used in [${section}]` : `${option.name} of [${section}]`;
    return problem("ini.interpolation", `${where}: ${message}`, placeOfText(option, text), hint);
  }
  function expand(text: string, depth: number): Failure | null {
    if (depth > MAX_DEPTH) {
      return fail(`its %(option)s references are nested more than ${MAX_DEPTH} deep, or name each other`, "%", "break the chain");
    }
    let rest = text;
    while (rest !== "") {
      const at = rest.indexOf("%");
      if (at < 0) {
        output += rest;
        return null;
      }
      output += rest.slice(0, at);
      rest = rest.slice(at);
      if (rest[1] === "%") {
        output += "%";
        rest = rest.slice(2);
        continue;
      }
      if (rest[1] !== "(") return fail('expected "%%" or "%(option)s" at "%"', rest, "write %% for a percent sign");
      const reference = /^%\(([^)]+)\)s/.exec(rest);
      if (reference === null) return fail('expected "%(option)s"', rest, 'close it with ")s", or write %% for a percent sign');
      const name = (reference[1] ?? "").toLowerCase();
      const found = source.find(section, name);
      if (found === undefined) {
        const hint = `set ${name} in [${section}], or use \${section.option}, which reaches other sections`;
        return fail(`%(${name})s names no option of [${section}]`, reference[0], hint);
      }
      if (found.value.includes("%")) {
        const failure = expand(found.value, depth + 1);
        if (failure !== null) return failure;
      } else output += found.value;
      rest = rest.slice(reference[0].length);
    }
    return null;
  }
  const failure = expand(option.value, 1);
  return failure === null ? { ok: true, value: output } : { ok: false, failure };
}

/** One `${…}`: `section` is null for a name alone. */
export interface Reference {
  readonly text: string;
  readonly section: string | null;
  readonly option: string;
}

/** A value with each `${…}` replaced by what `replace` gives; the first failure ends it. What is put in is not looked at again. */
export function expandBraces(text: string, replace: (reference: Reference) => Result<string>): Result<string> {
  let output = "";
  let last = 0;
  // The section is what stands before the first dot, without "." "}" "(" ")"; the option may have dots (board_build.f_cpu).
  for (const match of text.matchAll(/\$\{(?:([^.}()]+)\.)?([^}]+)\}/g)) {
    const put = replace({ text: match[0], section: match[1] ?? null, option: match[2] ?? "" });
    if (!put.ok) return put;
    output += text.slice(last, match.index) + put.value;
    last = match.index + match[0].length;
  }
  return { ok: true, value: output + text.slice(last) };
}

/**
 * `$PROJECT_HASH` written `${PROJECT_HASH}`, the one name that PlatformIO accepts without braces.
 * A `$` in front protects the first one and with it all that follow; at the value's start its last character counts as the one in front.
 */
export function braceProjectHash(text: string): string {
  const name = "$PROJECT_HASH";
  let value = text;
  for (let at = value.indexOf(name); at >= 0 && value.at(at - 1) !== "$"; at = value.indexOf(name)) {
    value = `${value.slice(0, at)}\${PROJECT_HASH}${value.slice(at + name.length)}`;
  }
  return value;
}
