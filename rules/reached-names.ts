/** What templates lead to: names that they use themselves, and through variables. */
import type { Variable } from "./expand.ts";
import type { RuleFile } from "./rulefile.ts";
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

/** The same of a file, whatever applies for an env: with its variables as [vars] and any overlay have them, and its lists of [maybe]. */
export function namesReached(rules: RuleFile, templates: readonly Template[]): Generator<string> {
  return reachedNames(templates, (name) => {
    const changes = rules.overlays.flatMap(({ vars }) => vars.get(name) ?? []);
    const others = changes.map((change) =>
      change.is === "set" ? change.to : { is: "list" as const, items: [...change.prepend, ...change.append], span: change.span },
    );
    const own = rules.vars.get(name);
    const maybe = rules.maybe.get(name);
    const lists = maybe === undefined ? [] : maybe.map((text) => ({ is: "text" as const, text, span: text.span }));
    return [...(own === undefined ? [] : [own]), ...others, ...lists];
  });
}

/** The templates that a variable is made of. */
export function templatesOf(variable: Variable): readonly Template[] {
  return variable.is === "text" ? [variable.text] : variable.items;
}
