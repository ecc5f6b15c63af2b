/** `$NAME` and `${NAME}` that the ini left for the build: replaced as SCons does it, so that an undefined name is empty. */

/** Values by name without `$`: PIOENV, BUILD_DIR, PROJECT_SRC_DIR… A value may itself hold `$NAME`. */
export type Variables = ReadonlyMap<string, string>;

const TOKEN = /\$[$()]|\$[A-Za-z_]\w*|\$\{[^}]*\}|\s+|[^\s$]+|\$/g;

/**
 * The words that one element of a flag list becomes. Blanks of the element itself stay, blanks in a variable's value split words; `$$` is `$`;
 * `$(` and `$)` vanish; a `$` before anything else stays. `${…}` that is no plain name (a Python expression there) is empty.
 */
export function expandWords(element: string, variables: Variables): string[] {
  if (!element.includes("$")) return element === "" ? [] : [element];
  const words: string[] = [];
  let fresh = true;
  const append = (text: string): void => {
    if (fresh || words.length === 0) words.push(text);
    else words[words.length - 1] += text;
    fresh = false;
  };
  const walk = (text: string, known: Variables, top: boolean): void => {
    for (const token of text.match(TOKEN) ?? []) {
      if (/^\s/.test(token)) {
        if (top) append(token);
        else fresh = true;
      } else if (token === "$$") append("$");
      else if (token === "$(" || token === "$)") continue;
      else if (token.length > 1 && token.startsWith("$")) {
        const name = nameOf(token);
        const value = known.get(name);
        if (value !== undefined) walk(value, without(known, name), false);
        fresh = false;
      } else append(token);
    }
  };
  walk(element, variables, true);
  return words;
}

/** The same for a text that stays one: a path, a source filter. */
export function expandText(text: string, variables: Variables): string {
  if (!text.includes("$")) return text;
  return text.replace(/\$[$()]|\$[A-Za-z_]\w*|\$\{[^}]*\}/g, (token) => {
    if (token === "$$") return "$";
    if (token === "$(" || token === "$)") return "";
    const name = nameOf(token);
    const value = variables.get(name);
    return value === undefined ? "" : expandText(value, without(variables, name));
  });
}

/** The `${…}` in a text that are Python expressions to SCons, which fb cannot evaluate. */
export function expressionsIn(text: string): string[] {
  return (text.match(/\$\{[^}]*\}/g) ?? []).filter((token) => !/^\$\{\w+\}$/.test(token));
}

function nameOf(token: string): string {
  return token.startsWith("${") ? token.slice(2, -1) : token.slice(1);
}

function without(variables: Variables, name: string): Variables {
  const rest = new Map(variables);
  rest.delete(name);
  return rest;
}
