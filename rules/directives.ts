/** The preprocessor lines of a source file that decide which of its includes count: what the `+` modes of the library finder read of it. */

export interface Directive {
  readonly name: string;
  /** What follows, without comments. */
  readonly rest: string;
  /** It stands in a comment or a raw string, where a compiler sees none (PlatformIO's preprocessor does). */
  readonly hidden: boolean;
}

/** As PlatformIO's preprocessor tells lines apart: `#include_next` is `#include` of `_next …`, which leads nowhere. */
const LINE = /^[^\S\n]*#[^\S\n]*(if(?!n?def)|elif|ifdef|ifndef|import|include|else|endif|define|undef)(.*)$/gm;
const COMMENT = /\s*(?:\/\*.*\*\/|\/\*.*|\/\/.*|\r)/g;
const SPANS =
  /\/\*[\s\S]*?(?:\*\/|$)|\/\/[^\n]*|(?:u8|[uUL])?R"([^()\\\s]{0,16})\([\s\S]*?(?:\)\1"|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?/g;

/** The directives of a file as text, one a line, a hidden one marked with `~`: equal texts search alike. */
export function directivesOf(bytes: Uint8Array): string {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("utf8")
    .replace(/^\uFEFF/, "");
  const text = whole.includes("\\") ? whole.replace(/\\\r?\n/g, "") : whole;
  if (!text.includes("#")) return "";
  const hidden = [...text.matchAll(SPANS)].filter((m) => m[0].includes("\n"));
  let at = 0;
  const lines: string[] = [];
  for (const match of text.matchAll(LINE)) {
    while (at < hidden.length && (hidden[at]?.index ?? 0) + (hidden[at]?.[0].length ?? 0) <= match.index) at++;
    const span = hidden[at];
    const sign = match.index + match[0].indexOf("#");
    const isHidden = span !== undefined && span.index < sign && sign < span.index + span[0].length;
    lines.push(`${isHidden ? "~" : ""}${match[1]}${(match[2] ?? "").replace(COMMENT, "")}`);
  }
  return lines.join("\n");
}

/** The inverse of directivesOf. */
export function parseDirectives(text: string): Directive[] {
  return text.split("\n").flatMap((line) => {
    const match = /^(~?)(if(?!n?def)|elif|ifdef|ifndef|import|include|else|endif|define|undef)(.*)$/.exec(line);
    return match === null ? [] : [{ name: match[2] ?? "", rest: match[3] ?? "", hidden: match[1] === "~" }];
  });
}
