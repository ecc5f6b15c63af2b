/**
 * Lines of an ini file → sections and options, each with its place.
 *
 * The rules are those of Python's configparser (3.11, inline comments on, strict), which define what a platformio.ini means:
 * - `[name]` keeps its spaces; an option's name ends at the first `=` or `:`, in lower case.
 * - `#` and `;` start a comment at column 1 or after white space, whatever the quotes; a line that is only a comment is dropped.
 * - A line indented more than the option's own continues it; blank lines inside stay, trailing ones go.
 * - An option or a section (but `[DEFAULT]`) twice in one file is an error.
 * Where configparser stops at the first error, this goes on, so that all of a file's problems can be shown at once.
 * A byte order mark is skipped.
 */
import type { Failure } from "../../engine/types.ts";
import { type Place, problem } from "./problem.ts";
import { indent, isSpace, strip, stripEnd } from "./text.ts";

/** The section whose options every other section has. */
export const DEFAULT_SECTION = "DEFAULT";

/** One line of a value, and where its text begins. */
export interface Piece {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface IniOption {
  readonly section: string;
  /** In lower case. */
  readonly name: string;
  /** Pieces joined with "\n", without what is white at the end. */
  readonly value: string;
  readonly pieces: readonly Piece[];
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface IniSection extends Place {
  readonly name: string;
  readonly options: readonly IniOption[];
}

export interface IniFile {
  readonly sections: readonly IniSection[];
  readonly problems: readonly Failure[];
}

/** Where the comment of a line starts, or -1. */
function commentStart(line: string): number {
  if (/^[#;]/.test(strip(line))) return 0;
  // Both signs advance together, one occurrence a round, and the first round that finds a comment ends the search; so the
  // comment of `a;b ;c #d` starts at `#`. That is configparser's order and projects may rely on it.
  let signs = [
    { sign: "#", at: -1 },
    { sign: ";", at: -1 },
  ];
  while (signs.length > 0) {
    signs = signs.map(({ sign, at }) => ({ sign, at: line.indexOf(sign, at + 1) })).filter(({ at }) => at >= 0);
    const starts = signs.map(({ at }) => at).filter((at) => at === 0 || isSpace(line[at - 1]));
    if (starts.length > 0) return Math.min(...starts);
  }
  return -1;
}

/** `text` is a whole file, `file` its name in messages. */
export function lexIni(text: string, file: string): IniFile {
  const problems: Failure[] = [];
  const sections: { name: string; file: string; line: number; column: number; options: IniOption[] }[] = [];
  const seenSections = new Map<string, number>();
  const seenOptions = new Map<string, number>();
  let section: (typeof sections)[number] | undefined;
  let option: { name: string; line: number; column: number; pieces: Piece[] } | undefined;
  let level = 0;
  let headless = false;

  function closeOption(): void {
    if (section !== undefined && option !== undefined && option.name !== "") {
      const value = stripEnd(option.pieces.map((p) => p.text).join("\n"));
      section.options.push({ ...option, section: section.name, value, file });
    }
    option = undefined;
  }

  const lines = (text.startsWith("\ufeff") ? text.slice(1) : text).split(/\r\n|\r|\n/);
  for (const [index, whole] of lines.entries()) {
    const line = index + 1;
    const comment = commentStart(whole);
    const content = strip(comment < 0 ? whole : whole.slice(0, comment));
    const start = indent(whole);
    const column = start + 1;
    if (content === "") {
      if (comment < 0 && option !== undefined && option.name !== "") option.pieces.push({ text: "", line, column: 1 });
      continue;
    }
    if (option !== undefined && option.name !== "" && start > level) {
      option.pieces.push({ text: content, line, column });
      continue;
    }
    const open = option;
    level = start;

    const end = content.startsWith("[") ? content.lastIndexOf("]") : -1;
    if (end >= 2) {
      closeOption();
      const name = content.slice(1, end);
      const first = seenSections.get(name);
      if (first !== undefined && name !== DEFAULT_SECTION) {
        const hint = `move its options to [${name}] at line ${first}`;
        problems.push(
          problem("ini.duplicate-section", `section [${name}] is already at line ${first} of this file`, { file, line, column }, hint),
        );
      }
      if (first === undefined) seenSections.set(name, line);
      section = { name, file, line, column, options: [] };
      sections.push(section);
      continue;
    }
    if (section === undefined) {
      if (!headless) {
        const message = `expected a section such as [env:uno] before the first option, found "${content}"`;
        problems.push(problem("ini.no-section", message, { file, line, column }, "put the options under a [section]"));
      }
      headless = true;
      continue;
    }
    const delimiter = content.search(/[=:]/);
    const name = delimiter < 0 ? "" : stripEnd(content.slice(0, delimiter)).toLowerCase();
    if (name === "") {
      problems.push(syntaxProblem(content, delimiter, { file, line, column }, open?.name));
      // A line without delimiter ends nothing, one without a name does: later lines go where configparser puts them.
      if (delimiter >= 0) closeOption();
      continue;
    }
    closeOption();
    const key = `${section.name}\n${name}`;
    const first = seenOptions.get(key);
    if (first !== undefined) {
      const message = `option ${name} of [${section.name}] is already set at line ${first}`;
      problems.push(
        problem("ini.duplicate-option", message, { file, line, column }, "keep one of the two, or put both values into one list"),
      );
    }
    if (first === undefined) seenOptions.set(key, line);
    const rest = content.slice(delimiter + 1);
    const value = strip(rest);
    option = { name, line, column, pieces: [{ text: value, line, column: start + delimiter + 2 + indent(rest) }] };
  }
  closeOption();
  return { sections, problems };
}

function syntaxProblem(content: string, delimiter: number, place: Place, open: string | undefined): Failure {
  if (delimiter >= 0) {
    return problem(
      "ini.syntax",
      `expected an option's name before "${content[delimiter]}", found "${content}"`,
      place,
      'write "option = value"',
    );
  }
  if (content.startsWith("[")) {
    return problem("ini.syntax", `expected a section such as [env:uno], found "${content}"`, place, 'close the section\'s name with "]"');
  }
  const hint = open ? `if the line belongs to ${open}, indent it more than ${open} is indented` : 'write "option = value"';
  return problem("ini.syntax", `expected "option = value", found "${content}"`, place, hint);
}

/** Where a value's character is; past its end, where the value begins. */
export function placeInValue(option: IniOption, offset: number): Place {
  let before = 0;
  for (const piece of option.pieces) {
    if (offset >= before && offset < before + piece.text.length) {
      return { file: option.file, line: piece.line, column: piece.column + offset - before };
    }
    before += piece.text.length + 1;
  }
  return valuePlace(option);
}

/** Where a value begins: its first piece that is not empty, else the end of the option's line. */
export function valuePlace(option: IniOption): Place {
  const piece = option.pieces.find((p) => p.text !== "") ?? option.pieces[0];
  return { file: option.file, line: piece?.line ?? option.line, column: piece?.column ?? option.column };
}

/** Where `text` stands in a value, or where the value begins when it is not there as written. */
export function placeOfText(option: IniOption, text: string): Place {
  const at = text === "" ? -1 : option.value.indexOf(text);
  return at < 0 ? valuePlace(option) : placeInValue(option, at);
}
