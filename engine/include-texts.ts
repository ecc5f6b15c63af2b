/**
 * Include texts as the memo keeps them, and each of them once in memory: of 10,000 sources that include ten headers each, JSON was 5 MB, most of it read
 * at every run that decides all.
 *
 * No two lists make one text, so that it is also what their digest is made from.
 *
 *   a line a text: letter of how, `"` or `<`, the text. A text with a line break in it (no compiler takes one) makes the whole JSON, which begins with "[".
 */
import type { IncludeText } from "./types.ts";

const LETTERS: Readonly<Record<IncludeText["how"], string>> = {
  include: "i",
  next: "n",
  import: "m",
  has: "h",
  macro: "M",
  incbin: "b",
  asm: "a",
  time: "t",
  comment: "c",
};
const HOW = new Map(Object.entries(LETTERS).map(([how, letter]) => [letter, how as IncludeText["how"]]));

export class IncludeTexts {
  private readonly known = new Map<string, IncludeText>();

  encode(texts: readonly IncludeText[]): string {
    return texts.some((t) => t.text.includes("\n")) ? JSON.stringify(texts) : texts.map(lineOf).join("\n");
  }

  decode(kept: string): readonly IncludeText[] {
    if (kept === "") return [];
    if (kept.startsWith("[")) return this.shared(JSON.parse(kept) as IncludeText[]);
    return kept.split("\n").map((line) => this.known.get(line) ?? this.add(line, parse(line)));
  }

  /** The same texts, equal ones as one object. */
  shared(texts: readonly IncludeText[]): readonly IncludeText[] {
    return texts.map((text) => {
      const line = lineOf(text);
      return this.known.get(line) ?? this.add(line, text);
    });
  }

  private add(line: string, text: IncludeText): IncludeText {
    this.known.set(line, text);
    return text;
  }
}

function lineOf({ text, quote, how }: IncludeText): string {
  return `${LETTERS[how]}${quote ? '"' : "<"}${text}`;
}

function parse(line: string): IncludeText {
  return { text: line.slice(2), quote: line[1] === '"', how: HOW.get(line[0] ?? "") ?? "include" };
}
