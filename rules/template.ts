/** Templates: texts with `${name}`, `${name|other}`, `${name[N]}` and `$$`, parsed once, each part knowing where it stands. */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import type { Span, TomlText } from "./toml.ts";

export type Part =
  | { readonly is: "text"; readonly text: string }
  /** or: names that are tried in turn while those before are unknown or stand for nothing. */
  | { readonly is: "name"; readonly name: string; readonly or: readonly string[]; readonly index: number | null; readonly span: Span };

/** text: as written. parts: what it stands for, neighbouring texts joined; empty for "". span: of the text in its file. */
export interface Template {
  readonly text: string;
  readonly parts: readonly Part[];
  readonly span: Span;
}

/** What a name may be: letters, digits, `_ - . +`; dots lead into tables (`board.build.mcu`). */
export const NAME = "[A-Za-z_][A-Za-z0-9_.+-]*";
const NAMES = `${NAME}(?:\\|${NAME})*`;
/** A regular expression that fits exactly the texts that parseTemplate takes: the published schema's pattern. */
export const TEMPLATE = `^(?:[^$]|\\$\\$|\\$\\{${NAMES}(?:\\[[0-9]{1,6}\\])?\\}|\\$(?![{$]))*$`;

const REFERENCE = new RegExp(`\\$\\$|\\$\\{(?:(${NAMES})(?:\\[([0-9]{1,6})\\])?\\})?`, "g");

/** A `$` that neither `{` nor `$` follows is itself. Failure `rule.template` (exit 3) at a `${` that is not a name in braces. */
export function parseTemplate(from: TomlText): Result<Template> {
  const parts: Part[] = [];
  let text = "";
  let done = 0;
  for (const match of from.value.matchAll(REFERENCE)) {
    text += from.value.slice(done, match.index);
    done = match.index + match[0].length;
    const span = from.at === null ? from.span : { ...from.at, column: from.at.column + match.index };
    const [name, ...or] = match[1]?.split("|") ?? [];
    if (match[0] === "$$") text += "$";
    else if (name === undefined) return fail(malformed(from.value.slice(match.index), span));
    else {
      if (text !== "") parts.push({ is: "text", text });
      text = "";
      parts.push({ is: "name", name, or, index: match[2] === undefined ? null : Number(match[2]), span });
    }
  }
  text += from.value.slice(done);
  if (text !== "") parts.push({ is: "text", text });
  return ok({ text: from.value, parts, span: from.span });
}

/** A template that stands for `text`, whatever is in it. */
export function literal(text: string, span: Span): Template {
  return { text: text.replaceAll("$", "$$$$"), parts: text === "" ? [] : [{ is: "text", text }], span };
}

/** The names that a template uses. */
export function namesIn(template: Template): string[] {
  return template.parts.flatMap((part) => (part.is === "name" ? [part.name, ...part.or] : []));
}

function malformed(rest: string, span: Span): Failure {
  const close = rest.indexOf("}");
  const shown = close < 0 ? rest.slice(0, 20) : rest.slice(0, close + 1);
  return failure("rule.template", 3, `expected \${NAME} or \${NAME[NUMBER]}, found ${JSON.stringify(shown)}`, {
    ...span,
    hint: "write $$ where a $ itself is meant, as in $${HOME}",
  });
}
