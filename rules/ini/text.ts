/** Text and paths as Python sees them, because platformio.ini is defined by what Python's configparser makes of it. */

/** Python's `str.isspace`: unlike JavaScript's `\s` it has U+001C..U+001F and U+0085, and not U+FEFF. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACE_CHAR = new RegExp(`[${SPACE}]`);
const LEADING = new RegExp(`^[${SPACE}]+`);
const TRAILING = new RegExp(`[${SPACE}]+$`);
const ITEM_COMMENT = new RegExp(`[${SPACE}]+;[^\\n]*$`);

export function isSpace(char: string | undefined): boolean {
  return char !== undefined && SPACE_CHAR.test(char);
}

export function strip(text: string): string {
  return stripEnd(text.replace(LEADING, ""));
}

export function stripEnd(text: string): string {
  return text.replace(TRAILING, "");
}

/** Index of the first character that is not white space, or the length. */
export function indent(text: string): number {
  return LEADING.exec(text)?.[0].length ?? 0;
}

/**
 * The items of a list value: its lines if it has several, else its parts between ", " (a comma alone does not split).
 * Items are stripped; empty ones and comments go, also a comment that interpolation brought in (`;` after white space).
 */
export function splitList(text: string): string[] {
  const items: string[] = [];
  for (const part of text.split(text.includes("\n") ? "\n" : ", ")) {
    const item = strip(part);
    if (item === "" || item.startsWith(";") || item.startsWith("#")) continue;
    items.push(strip(item.replace(ITEM_COMMENT, "")));
  }
  return items;
}

/** `~` and `~/x` with the home folder put in. Another user's home (`~name`) is not known here and stays as it is. */
export function expandHome(path: string, home: string | undefined): string {
  if (home === undefined || !(path === "~" || path.startsWith("~/"))) return path;
  return home.replace(/\/+$/, "") + path.slice(1) || "/";
}

/** Absolute and normal form of a path that is relative to `from`, without asking the disk (links are not followed). */
export function absolutePath(from: string, path: string): string {
  const full = path.startsWith("/") ? path : `${from}/${path}`;
  const parts: string[] = [];
  for (const part of full.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  // POSIX gives exactly two leading slashes a meaning of their own, so they stay.
  return (/^\/\/(?!\/)/.test(full) ? "//" : "/") + parts.join("/");
}

/** Last part of a path, as a project's default name. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
