/** Reads dependency files in make syntax, as gcc's -MD and ld's --dependency-file write them. */

/**
 * The prerequisites of all rules in the text, in order, each once, as spelled. `\ ` is a space, `\#` a hash, `$$` a dollar; a backslash at a line's end
 * continues it (GNU make manual, "Rule Syntax"; what gcc escapes is in its mkdeps.cc). The targets, and rules without prerequisites as -MP writes, give nothing.
 */
export function parseDepfile(text: string): string[] {
  return ESCAPED.test(text) ? parseEscaped(text) : parsePlain(text);
}

/** A backslash that does not end its line, or a doubled dollar. */
const ESCAPED = /\\(?!\r?\n)|\$\$/;

/** Nearly every depfile: names without anything that needs an escape. A tenth of the time. */
function parsePlain(text: string): string[] {
  const found = new Set<string>();
  for (const line of text.replaceAll(/\\\r?\n/g, " ").split("\n")) {
    const targets = /^.*?:(?=\s|$)/.exec(line);
    if (targets === null) continue;
    for (const word of line.slice(targets[0].length).split(/[ \t\r]/)) if (word !== "") found.add(word);
  }
  return [...found];
}

function parseEscaped(text: string): string[] {
  const found = new Set<string>();
  let word = "";
  let inTargets = true;
  const flush = () => {
    if (word === "") return;
    if (!inTargets) found.add(word);
    word = "";
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    const next = text[i + 1];
    if (c === "\\" && (next === "\n" || (next === "\r" && text[i + 2] === "\n"))) {
      flush();
      i += next === "\r" ? 2 : 1;
    } else if (c === "\\" && next !== undefined && (next === " " || next === "#" || next === "\t")) {
      word += next;
      i++;
    } else if (c === "\\" && next === "\\") {
      // Backslashes are doubled only before a space; elsewhere they stand for themselves.
      let run = i;
      while (text[run] === "\\") run++;
      const count = run - i;
      const beforeSpace = text[run] === " " || text[run] === "\t";
      word += "\\".repeat(beforeSpace ? Math.floor(count / 2) : count);
      i = run - 1;
      if (beforeSpace && count % 2 === 1) {
        word += text[run];
        i = run;
      }
    } else if (c === "$" && next === "$") {
      word += "$";
      i++;
    } else if (c === " " || c === "\t" || c === "\r") flush();
    else if (c === "\n") {
      flush();
      inTargets = true;
    } else if (c === ":" && inTargets && (next === undefined || /[\s\\]/.test(next))) {
      word = "";
      inTargets = false;
    } else word += c;
  }
  flush();
  return [...found];
}
