/** The nodes of a query's answer as text, each way that `--output` knows. */
import { isAction, type View } from "../../engine/view.ts";
import { quoteForShell, stripSgr } from "../show/text.ts";

export const OUTPUTS = ["label", "label_kind", "json", "dot", "mermaid", "commands"] as const;
export type Output = (typeof OUTPUTS)[number];

/** ids: ascending, which is from what is made to what it is made of. Commands come the other way round, as they could be run. */
export function answerText(view: View, ids: readonly number[], output: Output): string {
  switch (output) {
    case "label":
      return lines(ids.map((id) => stripSgr(view.label(id))));
    case "label_kind":
      return lines(ids.map((id) => stripSgr(`${view.kind(id)} ${view.label(id)}`)));
    case "json":
      return `${JSON.stringify(ids.map((id) => nodeJson(view, id)))}\n`;
    case "dot":
      return dot(view, ids);
    case "mermaid":
      return mermaid(view, ids);
    case "commands":
      return lines(
        [...ids].reverse().flatMap((id) => {
          const action = view.action(id);
          if (action === null) return [];
          const vars = Object.entries(action.vars).map(([name, value]) => `${name}=${value}`);
          return [quoteForShell([...(vars.length === 0 ? [] : ["env", ...vars]), ...action.argv])];
        }),
      );
  }
}

function lines(rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join("");
}

/** As the command-line contract has it. inputs: what the node is made of; outputs: the files that an action makes, and what makes use of anything else is no part of it. */
function nodeJson(view: View, id: number): object {
  const labels = (nodes: Uint32Array): string[] => Array.from(nodes, (node) => view.label(node));
  return {
    label: view.label(id),
    kind: view.kind(id),
    env: view.env(id),
    inputs: labels(view.edges(id)),
    outputs: labels(view.outputs(id)),
    argv: view.ofAction(id, "argv") ?? [],
  };
}

function* edgesWithin(view: View, ids: readonly number[]): Iterable<readonly [number, number]> {
  const inside = new Set(ids);
  for (const id of ids) for (const to of view.edges(id)) if (inside.has(to)) yield [id, to];
}

function dot(view: View, ids: readonly number[]): string {
  const quoted = (text: string): string => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
  const shape = (id: number): string => {
    const kind = view.kind(id);
    return kind === "target" ? "ellipse" : kind === "package" ? "component" : isAction(kind) ? "box" : "note";
  };
  const rows = ["digraph fb {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=10];'];
  for (const id of ids) rows.push(`  ${quoted(view.label(id))} [shape=${shape(id)}];`);
  for (const [from, to] of edgesWithin(view, ids)) rows.push(`  ${quoted(view.label(from))} -> ${quoted(view.label(to))};`);
  return lines([...rows, "}"]);
}

/** Mermaid's flowchart: a label is text in quotes, in which only entities stand for quotes and what reads as markup. */
function mermaid(view: View, ids: readonly number[]): string {
  const quoted = (text: string): string => `"${text.replace(/[&"<>#\n`]/g, (c) => `#${c.charCodeAt(0)};`)}"`;
  const node = (id: number): string => {
    const [open, close] = { target: ["([", "])"], package: ["[[", "]]"], file: ["(", ")"] }[view.kind(id) as string] ?? ["[", "]"];
    return `  n${id}${open}${quoted(view.label(id))}${close}`;
  };
  const rows = ["flowchart LR", ...ids.map(node)];
  for (const [from, to] of edgesWithin(view, ids)) rows.push(`  n${from} --> n${to}`);
  return lines(rows);
}
