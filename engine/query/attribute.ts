/** The attributes of nodes that `attr(name, pattern, x)` looks into. Lists read as Bazel writes them: `[a, b]`. */
import { isAction, type View } from "../view.ts";
import { QueryProblem } from "./problem.ts";

export const ATTRIBUTES = ["argv", "env", "inputs", "kind", "label", "outputs", "rule", "sharing", "tool", "version"] as const;

/** How to get an attribute's text of a node; null of one that does not have it. Throws QueryProblem for a name that is none; at: where it stands. */
export function attribute(
  view: View,
  name: string,
  at: number,
  near: (word: string, names: Iterable<string>) => readonly string[],
): (id: number) => string | null {
  const labels = (ids: Uint32Array): string => list(Array.from(ids, (id) => view.label(id)));
  const argv = (text: (words: readonly string[]) => string) => (id: number) => {
    const words = view.ofAction(id, "argv");
    return words === null ? null : text(words);
  };
  switch (name) {
    case "kind":
      return (id) => view.kind(id);
    case "label":
      return (id) => view.label(id);
    case "env":
      return (id) => view.env(id);
    case "inputs":
      return (id) => (isAction(view.kind(id)) ? labels(view.edges(id)) : null);
    case "outputs":
      return (id) => (isAction(view.kind(id)) ? labels(view.outputs(id)) : null);
    case "argv":
      return argv(list);
    case "tool":
      return argv((words) => (words[0] === "fb" ? words.slice(0, 3).join(" ") : (words[0] ?? "")));
    case "rule":
    case "sharing":
      return (id) => view.ofAction(id, name);
    case "version":
      return (id) => view.package(id)?.version ?? null;
  }
  const close = near(name, ATTRIBUTES).map((n) => `"${n}"`);
  throw new QueryProblem(
    `there is no attribute "${name}"`,
    at,
    close.length > 0 ? `did you mean ${close.join(" or ")}?` : `there are ${ATTRIBUTES.join(", ")}`,
  );
}

function list(values: readonly string[]): string {
  return `[${values.join(", ")}]`;
}
