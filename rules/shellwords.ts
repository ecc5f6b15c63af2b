/**
 * Words as two readers see them: Python's POSIX `shlex.split`, which PlatformIO puts ini flags through, and the `sh -c` that its commands go through; and a text as
 * a word that a shell reads back.
 */

const BLANK = new Set([" ", "\t", "\r", "\n"]);

/**
 * Splits text into words as `shlex.split(text)` does: blanks separate, `'…'` is literal, in `"…"` a backslash escapes only `"` and itself, outside
 * quotes it escapes any character; `#` starts no comment. A quoted empty word is kept. Returns null where a quote or escape is left open.
 */
export function splitWords(text: string): string[] | null {
  return words(text, /["\\]/);
}

/**
 * What a program gets for an argument that SCons hands to `sh -c`: one with a space or tab is put between double quotes, then the shell takes quotes
 * and backslashes away, which may split it. `$`, backticks, `*`, `;`, `(` and the like mean nothing here (a shell would expand them or fail on them),
 * and an argument with an open quote stays as it is.
 */
export function shellArguments(argument: string): string[] {
  if (!/["'\\]/.test(argument)) return [argument];
  return words(/[ \t]/.test(argument) ? `"${argument}"` : argument, /["\\$`]/) ?? [argument];
}

/** One word of a POSIX shell that stands for the text. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Words without their quotes; null where a quote or escape is left open. `escaped`: what a backslash escapes between double quotes. */
function words(text: string, escaped: RegExp): string[] | null {
  const found: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (BLANK.has(c)) {
      if (word !== null) found.push(word);
      word = null;
    } else if (c === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return null;
      word = (word ?? "") + text.slice(i + 1, end);
      i = end;
    } else if (c === '"') {
      word ??= "";
      for (i++; text.charAt(i) !== '"'; i++) {
        if (i >= text.length) return null;
        if (text.charAt(i) === "\\" && escaped.test(text.charAt(i + 1))) i++;
        word += text.charAt(i);
      }
    } else if (c === "\\") {
      if (++i >= text.length) return null;
      word = (word ?? "") + text.charAt(i);
    } else {
      word = (word ?? "") + c;
    }
  }
  if (word !== null) found.push(word);
  return found;
}

/** The inverse of `shellArguments` for one argument: a text that it turns into exactly this argument. */
export function shellEscape(argument: string): string {
  return argument.replace(/[ \t]/.test(argument) ? /["\\]/g : /["'\\]/g, "\\$&");
}
