/** What a platformio.ini may say and still be built, but hardly means: reported with the nearest name that would have an effect. */
import type { Failure } from "../../engine/types.ts";
import { didYouMean } from "../nearest.ts";
import { braceProjectHash } from "./interpolate.ts";
import { type IniOption, placeOfText, valuePlace } from "./lex.ts";
import { DECLARED, declaredOption, renamedOption, scopeOf } from "./options.ts";
import { caution } from "./problem.ts";
import type { Resolver } from "./resolve.ts";
import { type Sections, splitPlace } from "./sections.ts";
import { strip } from "./text.ts";

/** Names with these prefixes are the project's own, in env sections only. */
const FREE_PREFIXES = ["custom_", "board_"];

/** All warnings of a project, in the order of sections and lines; an option of [DEFAULT] is warned of once for each scope. */
export function configWarnings(sections: Sections, resolver: Resolver): Failure[] {
  const warnings: Failure[] = [];
  const seen = new Set<string>();
  function warn(warning: Failure): void {
    const id = [warning.code, warning.file, warning.line, warning.column, warning.message].join("\n");
    if (!seen.has(id)) warnings.push(warning);
    seen.add(id);
  }
  for (const section of sections.names()) {
    const spelling = misspeltSection(section);
    if (spelling !== null) {
      const message = `section [${section}] has no effect of its own: only [${spelling}], written exactly so, is read as one`;
      warn(caution("ini.section-name", message, sections.place(section), `write [${spelling}]`));
    }
    for (const option of sections.own(section)) {
      if (option.value.includes("\ufffd")) {
        const message = `${option.name} of [${section}] has a character that is not valid UTF-8`;
        warn(caution("ini.encoding", message, placeOfText(option, "\ufffd"), "save the file as UTF-8"));
      }
      const named = optionWarning(section, option);
      if (named !== null) warn(named);
      if (braceProjectHash(option.value) !== option.value) {
        const place = placeOfText(option, "$PROJECT_HASH");
        warn(caution("ini.bare-variable", "$PROJECT_HASH is written without braces", place, "write ${PROJECT_HASH}"));
      }
    }
    for (const warning of missingExtends(section, sections)) warn(warning);
  }
  for (const section of sections.names()) {
    if (!section.startsWith("env:")) continue;
    const raw = resolver.get(section, "monitor_raw");
    const filters = resolver.get(section, "monitor_filters");
    if (!raw.ok || raw.value.value !== true || !filters.ok || !Array.isArray(filters.value.value) || filters.value.value.length === 0)
      continue;
    const source = resolver.source(section, "monitor_filters");
    const place = source.ok && source.value !== undefined ? valuePlace(source.value) : sections.place(section);
    const message = `[${section}] sets monitor_raw and monitor_filters, which exclude each other: monitor_filters is ignored`;
    warn(caution("ini.monitor-filters", message, place, "remove monitor_filters, or set monitor_raw = no"));
  }
  return warnings;
}

function optionWarning(section: string, option: IniOption): Failure | null {
  const scope = scopeOf(section);
  if (scope === null) return null;
  const { name } = option;
  const renamed = renamedOption(name);
  if (renamed !== undefined) {
    return caution("ini.renamed-option", `option ${name} of [${section}] is deprecated`, option, `it is called ${renamed.name} now`);
  }
  if (declaredOption(section, name) !== undefined) return null;
  if (scope === "env" && FREE_PREFIXES.some((prefix) => name.startsWith(prefix))) return null;
  const names = DECLARED.filter((declared) => declared.scope === scope).map((declared) => declared.name);
  const other = DECLARED.find((declared) => declared.name === name);
  const otherwise =
    other !== undefined
      ? `it is an option of [${other.scope === "env" ? "env:NAME" : other.scope}]`
      : scope === "env"
        ? `if a script or another value needs it, call it custom_${name}`
        : "remove it";
  return caution(
    "ini.unknown-option",
    `unknown option ${name} in [${section}]: it has no effect unless another value or a script names it`,
    option,
    didYouMean(name, names, otherwise),
  );
}

function missingExtends(section: string, sections: Sections): Failure[] {
  const option = sections.find(section, "extends");
  const extended = sections.extended(section);
  if (option === undefined || !extended.ok) return [];
  return extended.value
    .filter((name) => !sections.has(name))
    .map((name) => {
      const others = sections.names().filter((other) => other !== section);
      const hint = didYouMean(name, others, `add a section [${name}], or remove it from extends`);
      return caution("ini.extends-missing", `[${section}] extends [${name}], which is not there`, splitPlace(option, name), hint);
    });
}

/** What a section's name would be with its spaces and capitals right, or null when it is right or free. */
function misspeltSection(section: string): string | null {
  const tidy = strip(section).replace(/^([a-z]+)\s*:\s*/i, "$1:");
  const [scope = "", ...rest] = tidy.split(":");
  const lower = scope.toLowerCase();
  const meant = lower === "env" || (lower === "platformio" && rest.length === 0) ? [lower, ...rest].join(":") : section;
  return meant === section ? null : meant;
}
