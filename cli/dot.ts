/** The action graph as a drawing for Graphviz: arrows lead from what is made to what it is made of. */
import type { Graph } from "../engine/graph.ts";
import type { ActionId } from "../engine/types.ts";

/** DOT text. targets: env → target name → paths. Plans are left out: they make no files. */
export function dotGraph(graph: Graph, targets: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>): string {
  const lines = ["digraph fb {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=10];'];
  const leaves = new Set<string>();
  const shown = graph.nodes.filter((n) => n.spec.kind !== "plan");
  const envs = [...new Set(shown.map((n) => n.spec.env))];
  envs.forEach((env, i) => {
    lines.push(`  subgraph cluster_${i} {`, `    label=${quoted(env)};`);
    for (const { spec } of shown) {
      if (spec.env === env) lines.push(`    ${quoted(spec.name)} [shape=box, label=${quoted(`${spec.kind}\n${spec.label}`)}];`);
    }
    for (const name of targets.get(env)?.keys() ?? [])
      lines.push(`    ${quoted(`:${name}@${env}`)} [shape=ellipse, style=bold, label=${quoted(`:${name}`)}];`);
    lines.push("  }");
  });
  const name = (id: ActionId) => quoted(graph.node(id).spec.name);
  for (const [env, named] of targets) {
    for (const [target, paths] of named) {
      const makers = new Set(paths.flatMap((p) => graph.producer(p) ?? []));
      for (const id of makers) lines.push(`  ${quoted(`:${target}@${env}`)} -> ${name(id)};`);
    }
  }
  for (const { id, spec, needs } of shown) {
    for (const need of needs) if (graph.node(need).spec.kind !== "plan") lines.push(`  ${name(id)} -> ${name(need)};`);
    for (const { is, path } of spec.inputs) {
      if (is !== "file" || graph.producer(path) !== undefined) continue;
      leaves.add(path);
      lines.push(`  ${name(id)} -> ${quoted(path)};`);
    }
  }
  for (const path of [...leaves].sort()) lines.push(`  ${quoted(path)} [shape=note];`);
  return `${[...lines, "}"].join("\n")}\n`;
}

function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}
