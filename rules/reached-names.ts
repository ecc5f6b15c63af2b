/** What templates lead to: names that they use themselves, and through variables. */
import type { Variable } from "./expand.ts";
import { namesIn, type Template } from "./template.ts";

/** Each name once, in the order in which they are met. valuesOf: what a name may stand for; nothing for one that is no variable. */
export function* reachedNames(
  templates: readonly Template[],
  valuesOf: (name: string) => readonly Variable[],
  seen = new Set<string>(),
): Generator<string> {
  for (const name of templates.flatMap(namesIn)) {
    if (seen.has(name)) continue;
    seen.add(name);
    yield name;
    yield* reachedNames(valuesOf(name).flatMap(templatesOf), valuesOf, seen);
  }
}

/** The templates that a variable is made of. */
export function templatesOf(variable: Variable): readonly Template[] {
  return variable.is === "text" ? [variable.text] : variable.items;
}
