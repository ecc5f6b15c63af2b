/** `$NAME` and `${NAME}` that the ini left for the build: replaced as SCons does it, so that an undefined name is empty. */

/** Values by name without `$`: PIOENV, BUILD_DIR, PROJECT_SRC_DIR… A value may itself hold `$NAME`. */
export type Variables = ReadonlyMap<string, string>;

/**
 * The text with variables replaced. `$$` is `$`; `$(` and `$)` vanish; a `$` before anything else stays. `${…}` that is no plain name (a Python
 * expression there) is empty. A value with blanks stays one argument; SCons would split a flag there, so that PlatformIO cannot build a project
 * whose path has a blank if its flags name the path.
 */
export function expandText(text: string, variables: Variables): string {
  if (!text.includes("$")) return text;
  return text.replace(/\$[$()]|\$[A-Za-z_]\w*|\$\{[^}]*\}/g, (token) => {
    if (token === "$$") return "$";
    if (token === "$(" || token === "$)") return "";
    const name = token.startsWith("${") ? token.slice(2, -1) : token.slice(1);
    const value = variables.get(name);
    if (value === undefined || !value.includes("$")) return value ?? "";
    const rest = new Map(variables);
    rest.delete(name);
    return expandText(value, rest);
  });
}

/** The `${…}` in a text that are Python expressions to SCons, which fb cannot evaluate. */
export function expressionsIn(text: string): string[] {
  return (text.match(/\$\{[^}]*\}/g) ?? []).filter((token) => !/^\$\{\w+\}$/.test(token));
}
