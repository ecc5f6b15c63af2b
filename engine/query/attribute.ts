/** The attributes of nodes that `attr(name, pattern, x)` looks into. Lists read as Bazel writes them: `[a, b]`. */
import type { View } from "../view.ts";
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
  switch (name) {
    case "kind":
      return (id) => view.kind(id);
    case "label":
      return (id) => view.label(id);
    case "env":
      return (id) => view.env(id);
    case "inputs":
      return (id) => (view.action(id) === null ? null : labels(view.edges(id)));
    case "outputs":
      return (id) => (view.action(id) === null ? null : labels(view.outputs(id)));
    case "argv":
      return (id) => ofAction(view, id, ({ argv }) => list(argv));
    case "tool":
      return (id) => ofAction(view, id, ({ argv }) => (argv[0] === "fb" ? argv.slice(0, 3).join(" ") : (argv[0] ?? "")));
    case "rule":
      return (id) => ofAction(view, id, ({ rule }) => rule);
    case "sharing":
      return (id) => ofAction(view, id, ({ sharing }) => sharing);
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

function ofAction(view: View, id: number, text: (action: NonNullable<ReturnType<View["action"]>>) => string): string | null {
  const action = view.action(id);
  return action === null ? null : text(action);
}

function list(values: readonly string[]): string {
  return `[${values.join(", ")}]`;
}
