/** In which order steps, compiles and the link run, and whether that is possible. */
import { failure } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import { didYouMean } from "./nearest.ts";
import type { Word } from "./checked-toml.ts";
import type { Step } from "./rulefile.ts";

/** One step of an env with what its order follows from. */
export interface Ordered {
  readonly step: Step;
  /** What it runs before: its own words, or the default. */
  readonly before: readonly string[];
  /** Steps whose outputs it reads. */
  readonly reads: readonly string[];
  /** `${image.*}` that it uses. */
  readonly images: readonly string[];
}

/** Whom each waits for; the nodes are "compile", "link" and the names of steps. */
export type Waits = ReadonlyMap<string, ReadonlySet<string>>;

/** Words in before and after that are no step of the file, and envs that the project does not have: `step.unknown-step`, `step.unknown-env`. */
export function checkWords(steps: readonly Step[], envs: readonly string[]): Failure | null {
  const names = steps.map((s) => s.name);
  const wrong = (step: Step, key: string, word: Word, known: readonly string[]): Failure =>
    failure(
      "step.unknown-step",
      3,
      `step "${step.name}": ${key} expects ${known.filter((k) => !names.includes(k)).join(", ")} or the name of a step, found "${word.text}"`,
      {
        ...word.span,
        hint: didYouMean(word.text, known, names.length === 0 ? "" : `the steps are ${names.join(", ")}`),
      },
    );
  for (const step of steps) {
    for (const word of step.before ?? [])
      if (!["compile", "link", ...names].includes(word.text)) return wrong(step, "before", word, ["compile", "link", ...names]);
    for (const word of step.after) if (!["link", ...names].includes(word.text)) return wrong(step, "after", word, ["link", ...names]);
    for (const word of step.env)
      if (!word.text.includes("*") && !envs.includes(word.text))
        return failure("step.unknown-env", 3, `step "${step.name}": expected the name of an env, found "${word.text}"`, {
          ...word.span,
          hint: didYouMean(word.text, envs, `the envs are ${envs.join(", ")}`),
        });
  }
  return null;
}

export function waits(ordered: readonly Ordered[]): Waits {
  const graph = new Map<string, Set<string>>([
    ["compile", new Set()],
    ["link", new Set(["compile"])],
  ]);
  for (const { step } of ordered) graph.set(step.name, new Set());
  for (const { step, before, reads, images } of ordered) {
    for (const name of before) graph.get(name)?.add(step.name);
    const own = graph.get(step.name);
    // A word may name a step that is not for this env.
    for (const word of step.after) if (graph.has(word.text)) own?.add(word.text);
    for (const name of reads) own?.add(name);
    if (images.length > 0) own?.add("link");
  }
  return graph;
}

/** Whether `from` waits for `to`, through others too. */
export function waitsFor(graph: Waits, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const next of graph.get(name) ?? []) {
      if (next === to) return true;
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  return false;
}

/** `step.cycle` at the first step of a loop, naming the whole of it with its lines; null if there is none. */
export function cycle(graph: Waits, ordered: readonly Ordered[]): Failure | null {
  const done = new Set<string>();
  const chain: string[] = [];
  const visit = (name: string): readonly string[] | null => {
    const at = chain.indexOf(name);
    if (at >= 0) return chain.slice(at);
    if (done.has(name)) return null;
    chain.push(name);
    for (const next of graph.get(name) ?? []) {
      const loop = visit(next);
      if (loop !== null) return loop;
    }
    chain.pop();
    done.add(name);
    return null;
  };
  for (const { step } of ordered) {
    const loop = visit(step.name);
    if (loop === null) continue;
    const steps = new Map(ordered.map((o) => [o.step.name, o.step]));
    const own = loop.map((name) => steps.get(name)).filter((s) => s !== undefined);
    const first = own.reduce((a, b) => (b.span.line < a.span.line ? b : a), own[0] ?? step);
    const from = loop.indexOf(first.name);
    const turned = [...loop.slice(from), ...loop.slice(0, from), first.name];
    const shown = turned.map((name, i) => {
      const span = i < turned.length - 1 ? steps.get(name)?.span : undefined;
      return span === undefined ? name : `${name} (${span.file}:${span.line}:${span.column})`;
    });
    return failure("step.cycle", 3, `steps wait for each other: ${shown.join(" → ")}`, {
      ...first.span,
      hint: "each waits for the next; change an in, before or after of one of them",
    });
  }
  return null;
}
