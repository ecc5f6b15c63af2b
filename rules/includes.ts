/**
 * What a source file may make the preprocessor or the assembler read: a superset over all conditions, in order of appearance, without repeats.
 *
 * The scan follows gcc's own lexing (cpp manual, "Initial processing" and "Header file syntax"): a backslash and white space at a line's end joins
 * lines, an unclosed quote ends with its line, comments count as a space. Where languages differ (raw strings exist in C++ and gnu99, not in
 * assembler), both readings are scanned and both answers given. Bytes are read as Latin-1, so any encoding that keeps ASCII passes through.
 */
import type { IncludeText } from "../engine/types.ts";

const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const PERCENT = 37;
const APOSTROPHE = 39;
const STAR = 42;
const SLASH = 47;
const COLON = 58;
const QUESTION = 63;
const BACKSLASH = 92;

/** 1: goes on with a word or number, 2: white space. */
const CLASS = new Uint8Array(256);
for (let c = 0; c < 256; c++) {
  if (c >= 128 || /[\w$]/.test(String.fromCharCode(c))) CLASS[c] = 1;
  else if (c === 0 || c === SPACE || (c >= 9 && c <= 13 && c !== NEWLINE)) CLASS[c] = 2;
}

const SPLICE = /\\[ \t\f\v\r\0]*\n/g;
const TIMES = new Set(["__DATE__", "__TIME__", "__TIMESTAMP__"]);
const HAS = new Set(["__has_include", "__has_include_next", "__has_include__", "__has_include_next__", "__has_embed"]);
const DIRECTIVES: Readonly<Record<string, IncludeText["how"]>> = {
  include: "include",
  include_next: "next",
  import: "import",
  embed: "include",
};

/**
 * Every `#include`, `#include_next`, `#import`, `#embed`, `__has_include`, `.incbin`, `.include` and `__DATE__`-like name of a C, C++ or assembler
 * file, whatever its conditions say. In: the file's bytes. Out: the texts, decoded as UTF-8 where they are UTF-8. Never fails.
 */
export function includesOf(bytes: Uint8Array): readonly IncludeText[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const found = new Found();
  const joined = text.includes("\\") ? text.replace(SPLICE, "") : text;
  scan(joined, /R"/.test(joined), found);
  if (/R"/.test(joined)) scan(joined, false, found);
  if (/\.include|incbin|inctxt/i.test(joined)) scanAssembler(joined, found);
  return found.list;
}

class Found {
  readonly list: IncludeText[] = [];
  private readonly seen = new Set<string>();

  add(text: string, quote: boolean, how: IncludeText["how"]): void {
    if (text === "") return;
    const key = `${how}${quote ? '"' : "<"}${text}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.list.push({ text: /[\x80-\xff]/.test(text) ? utf8(text) : text, quote, how });
  }
}

/** Latin-1 text as UTF-8, or as it is if it is none. */
function utf8(text: string): string {
  const decoded = Buffer.from(text, "latin1").toString("utf8");
  return decoded.includes("\ufffd") ? text : decoded;
}

/** One pass over the text; raw: `R"x(…)x"` is a raw string. */
function scan(text: string, raw: boolean, found: Found): void {
  const end = text.length;
  let lineStart = true;
  let i = text.startsWith("\xef\xbb\xbf") ? 3 : 0;
  while (i < end) {
    const c = text.charCodeAt(i);
    if (c === NEWLINE) {
      lineStart = true;
      i++;
    } else if (CLASS[c] === 2) {
      i++;
    } else if (c === SLASH && text.charCodeAt(i + 1) === STAR) {
      const close = after(text, "*/", i + 2);
      inComment(text, i, close, found);
      i = close;
    } else if (c === SLASH && text.charCodeAt(i + 1) === SLASH) {
      i = lineEnd(text, i);
    } else if (lineStart && (c === HASH || c === PERCENT || c === QUESTION)) {
      lineStart = false;
      const sign = c === HASH ? 1 : c === PERCENT && text.charCodeAt(i + 1) === COLON ? 2 : text.startsWith("??=", i) ? 3 : 0;
      i = sign === 0 ? i + 1 : directive(text, i + sign, found);
    } else {
      lineStart = false;
      if (c === QUOTE || c === APOSTROPHE) i = closing(text, i + 1, c);
      else if (CLASS[c] === 1) i = word(text, i, raw, found);
      else i++;
    }
  }
}

/** Includes on lines of a comment: PlatformIO's finder of libraries takes them for real. */
function inComment(text: string, start: number, end: number, found: Found): void {
  const at = text.indexOf("#", start);
  if (at < 0 || at >= end) return;
  for (const m of text.slice(start, end).matchAll(/\n[ \t]*#[ \t]*(?:include|import)[ \t]*(?:"([^>"\n]+)[>"]|<([^>"\n]+)[>"])/g))
    found.add(m[1] ?? m[2] ?? "", m[1] !== undefined, "comment");
}

/** Just behind the next `what`, or the end. */
function after(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at < 0 ? text.length : at + what.length;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf("\n", from);
  return at < 0 ? text.length : at;
}

/** Just behind the quote that closes a literal, or the end of its line. */
function closing(text: string, from: number, quote: number): number {
  let i = from;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === quote) return i + 1;
    if (c === NEWLINE) return i;
    if (c === BACKSLASH && text.charCodeAt(i + 1) !== NEWLINE) i++;
  }
  return i;
}

/** Reads an identifier or a number; gives the place to go on from. */
function word(text: string, start: number, raw: boolean, found: Found): number {
  let i = start + 1;
  while (i < text.length && CLASS[text.charCodeAt(i)] === 1) i++;
  const first = text.charCodeAt(start);
  if (first >= 48 && first <= 57) {
    // A digit separator (C++14) opens no literal.
    while (text.charCodeAt(i) === APOSTROPHE && CLASS[text.charCodeAt(i + 1)] === 1) {
      i += 2;
      while (i < text.length && CLASS[text.charCodeAt(i)] === 1) i++;
    }
    return i;
  }
  if (raw && text.charCodeAt(i) === QUOTE && /^(?:u8|[uUL])?R$/.test(text.slice(start, i))) return rawEnd(text, i + 1);
  if (first === 95 && i - start >= 8 && text.charCodeAt(start + 1) === 95) {
    const name = text.slice(start, i);
    if (TIMES.has(name)) found.add(name, false, "time");
    if (HAS.has(name)) {
      const open = blanks(text, i);
      return header(text, text[open] === "(" ? blanks(text, open + 1) : open, "has", found);
    }
  }
  return i;
}

/** Just behind a raw string whose delimiter starts at `from`; behind the opening quote if it is none. */
function rawEnd(text: string, from: number): number {
  const open = text.indexOf("(", from);
  if (open < 0 || open - from > 16) return from;
  const delimiter = text.slice(from, open);
  return /[\s)\\]/.test(delimiter) ? from : after(text, `)${delimiter}"`, open + 1);
}

/** Skips white space and comments within a line. */
function blanks(text: string, from: number): number {
  let i = from;
  for (;;) {
    const c = text.charCodeAt(i);
    if (c === SLASH && text.charCodeAt(i + 1) === STAR) i = after(text, "*/", i + 2);
    else if (i < text.length && CLASS[c] === 2) i++;
    else return i;
  }
}

/** What follows the `#` of a directive. */
function directive(text: string, from: number, found: Found): number {
  const start = blanks(text, from);
  const first = text[start];
  if (first !== "i" && first !== "e") return start;
  let i = start;
  while (i < text.length && CLASS[text.charCodeAt(i)] === 1) i++;
  const name = text.slice(start, i);
  const how = Object.hasOwn(DIRECTIVES, name) ? DIRECTIVES[name] : undefined;
  if (how !== undefined) return header(text, blanks(text, i), how, found);
  // A macro may wrap __has_include: `#if HAS(<x.h>)`. Strings and angles in a condition have no other use.
  if (name === "if" || name === "elif") {
    const line = text.slice(i, lineEnd(text, i));
    for (const m of line.matchAll(/\(\s*(?:"([^"]+)"|<([^<>=&|()\s]+)>)/g)) found.add(m[1] ?? m[2] ?? "", m[1] !== undefined, "has");
  }
  return i;
}

/** A header's name in quotes or angles, else the macro that stands for it. */
function header(text: string, at: number, how: IncludeText["how"], found: Found): number {
  const open = text[at];
  const end = lineEnd(text, at);
  if (open === '"' || open === "<") {
    const close = text.indexOf(open === "<" ? ">" : '"', at + 1);
    if (close >= 0 && close <= end) {
      found.add(text.slice(at + 1, close), open === '"', how);
      return close + 1;
    }
    return end;
  }
  const name = /^[\w$\x80-\xff]+/.exec(text.slice(at, Math.min(end, at + 256)))?.[0] ?? "";
  found.add(name, true, "macro");
  return at + name.length;
}

/**
 * `.incbin "x"` and `.include "x"`, in assembler text or in the strings of an asm statement, where the quotes are escaped. A name that a macro
 * gives cannot be read off; then every literal that looks like a file's name is taken. Macros called INCBIN and INCTXT take the file as an argument.
 */
function scanAssembler(text: string, found: Found): void {
  let unclear = false;
  for (const m of text.matchAll(/\.(incbin|include)\b((?:\s|\\[nt"]|")*)([^"\\\n,;]*)/gi)) {
    const how = m[1]?.toLowerCase() === "incbin" ? "incbin" : "asm";
    const quotes = m[2] ?? "";
    const name = (m[3] ?? "").trim();
    // `".incbin \"" NAME "\""` closes its string before the name: what follows is C, or the name after all in assembler.
    if (!quotes.includes('"') || /"\s*(\w+|#.*)?$/.test(quotes.replace(/\\"/g, "") + name)) unclear = true;
    if (quotes.includes('"')) found.add(name, true, how);
  }
  for (const m of text.matchAll(/\b\w*(?:incbin|inctxt)\w*[ \t]*\(([^()\n]*)\)/gi)) {
    for (const argument of (m[1] ?? "").split(",")) {
      const name = argument.trim().replace(/^"(.*)"$/, "$1");
      if (/[./"]/.test(name) || argument.includes('"')) found.add(name, true, "incbin");
    }
  }
  if (unclear) for (const m of text.matchAll(/"([\w./+@ -]*[\w]\.\w+|[\w.@-]*\/[\w./@-]+)"/g)) found.add(m[1] ?? "", true, "incbin");
}
