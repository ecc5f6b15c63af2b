/** An expression's nodes. Sets are a byte a node; closures rest on the view's order, in which every edge leads to a higher number. */
import { isAction, type View } from "../view.ts";
import { attribute } from "./attribute.ts";
import type { Argument, Expr, Word } from "./parse.ts";
import { QueryProblem } from "./problem.ts";
import { EVERYTHING, nodesOf } from "./words.ts";

/** 1 for each node that is in it. */
export type NodeSet = Uint8Array;

type Near = (word: string, names: Iterable<string>) => readonly string[];

/** The nodes of a query, in the view's order. Throws QueryProblem for an unknown label, variable or attribute. */
export function evaluate(view: View, expr: Expr, near: Near): number[] {
  return members(new Evaluation(view, near).value(expr, new Map()));
}

export function members(set: NodeSet): number[] {
  const found: number[] = [];
  for (let id = set.indexOf(1); id >= 0; id = set.indexOf(1, id + 1)) found.push(id);
  return found;
}

class Evaluation {
  private readonly view: View;
  private readonly near: Near;

  constructor(view: View, near: Near) {
    this.view = view;
    this.near = near;
  }

  value(expr: Expr, names: ReadonlyMap<string, NodeSet>): NodeSet {
    switch (expr.is) {
      case "word":
        return this.word(expr.word);
      case "set":
        return expr.words.map((word) => this.word(word)).reduce(union, this.setOf([]));
      case "variable":
        return this.variable(expr.name, names);
      case "let":
        return this.value(expr.body, new Map([...names, [expr.name, this.value(expr.value, names)]]));
      case "binary": {
        const left = this.value(expr.left, names);
        const right = this.value(expr.right, names);
        if (expr.operator === "union") return union(left, right);
        if (expr.operator === "intersect") return left.map((is, id) => is & (right[id] as number));
        return left.map((is, id) => is & ~(right[id] as number));
      }
      case "call":
        return this.call(expr, names);
    }
  }

  private variable({ text, at }: { readonly text: string; readonly at: number }, names: ReadonlyMap<string, NodeSet>): NodeSet {
    const found = names.get(text);
    if (found !== undefined) return found;
    const known = [...names.keys()].map((name) => `$${name}`).join(", ");
    throw new QueryProblem(
      `there is no variable "$${text}" here`,
      at,
      known === "" ? `as in: let ${text} = … in … $${text} …` : `there is ${known}`,
    );
  }

  private call({ name, args }: Expr & { is: "call" }, names: ReadonlyMap<string, NodeSet>): NodeSet {
    const of = (arg: Argument | undefined): NodeSet => this.value((arg as Argument & { is: "expr" }).expr, names);
    const pattern = (arg: Argument | undefined): RegExp => (arg as Argument & { is: "pattern" }).pattern;
    const depth = (arg: Argument | undefined): number => (arg?.is === "depth" ? arg.depth : Number.POSITIVE_INFINITY);
    const [first, second, third] = args;
    switch (name) {
      case "deps":
        return this.deps(of(first), depth(second));
      case "rdeps":
        return this.rdeps(this.deps(of(first), Number.POSITIVE_INFINITY), of(second), depth(third));
      case "allpaths":
        return this.rdeps(this.deps(of(first), Number.POSITIVE_INFINITY), of(second), Number.POSITIVE_INFINITY);
      case "somepath":
        return this.somepath(of(first), of(second));
      case "kind":
        return this.matching(of(second), pattern(first), (id) => this.view.kind(id));
      case "filter":
        return this.matching(of(second), pattern(first), (id) => this.view.label(id));
      case "attr": {
        const { text, at } = (first as Argument & { is: "name" }).name;
        return this.matching(of(third), pattern(second), attribute(this.view, text, at, this.near));
      }
      case "inputs":
        return this.touching(of(second), pattern(first), (id) => this.view.edges(id));
      case "outputs":
        return this.touching(of(second), pattern(first), (id) => this.view.outputs(id));
      case "buildfiles":
        return this.buildFiles(of(first));
      case "tests":
        return this.tests(of(first));
    }
  }

  private word(word: Word): NodeSet {
    if (EVERYTHING.has(word.text)) return new Uint8Array(this.view.size).fill(1);
    return this.setOf(nodesOf(this.view, word, this.near));
  }

  private setOf(ids: Iterable<number>): NodeSet {
    const set = new Uint8Array(this.view.size);
    for (const id of ids) set[id] = 1;
    return set;
  }

  private deps(from: NodeSet, depth: number): NodeSet {
    return depth === Number.POSITIVE_INFINITY ? this.closure(from) : this.reach(from, depth, (id) => this.view.edges(id));
  }

  private closure(from: NodeSet): NodeSet {
    if (!from.includes(0)) return from;
    const found = from.slice();
    const { ends, values } = this.view.columns.edges;
    for (let id = 0, at = 0; id < found.length; id++) {
      const end = ends[id] as number;
      if (found[id] === 1) for (; at < end; at++) found[values[at] as number] = 1;
      else at = end;
    }
    return found;
  }

  /** The nodes of a universe from which those of a set are reached; of the set only what is in it. */
  private rdeps(universe: NodeSet, to: NodeSet, depth: number): NodeSet {
    const found = to.map((is, id) => is & (universe[id] as number));
    if (depth !== Number.POSITIVE_INFINITY)
      return this.reach(found, depth, (id) => this.view.users(id).filter((user) => universe[user] === 1));
    const { ends, values } = this.view.columns.edges;
    for (let id = found.length - 1; id >= 0; id--) {
      if (universe[id] !== 1) continue;
      for (let at = id === 0 ? 0 : (ends[id - 1] as number); found[id] === 0 && at < (ends[id] as number); at++)
        found[id] = found[values[at] as number] as number;
    }
    return found;
  }

  private reach(from: NodeSet, depth: number, next: (id: number) => Uint32Array): NodeSet {
    const found = from.slice();
    let edge = members(from);
    for (let step = 0; step < depth && edge.length > 0; step++) {
      const beyond: number[] = [];
      for (const id of edge)
        for (const to of next(id)) {
          if (found[to] === 1) continue;
          found[to] = 1;
          beyond.push(to);
        }
      edge = beyond;
    }
    return found;
  }

  /** One of the shortest ways, always the same; empty where there is none. */
  private somepath(from: NodeSet, to: NodeSet): NodeSet {
    const before = new Map<number, number>();
    const queue = members(from);
    for (const id of queue) before.set(id, -1);
    for (const id of queue) {
      if (to[id] === 1) {
        const path: number[] = [];
        for (let at = id; at >= 0; at = before.get(at) ?? -1) path.push(at);
        return this.setOf(path);
      }
      for (const next of this.view.edges(id)) {
        if (before.has(next)) continue;
        before.set(next, id);
        queue.push(next);
      }
    }
    return this.setOf([]);
  }

  private matching(set: NodeSet, pattern: RegExp, text: (id: number) => string | null): NodeSet {
    return this.setOf(
      members(set).filter((id) => {
        const value = text(id);
        return value !== null && pattern.test(value);
      }),
    );
  }

  /** The actions of a set of whose files one matches. */
  private touching(set: NodeSet, pattern: RegExp, files: (id: number) => Uint32Array): NodeSet {
    const known = new Map<number, boolean>();
    const matches = (file: number): boolean => {
      let is = known.get(file);
      if (is === undefined) {
        is = pattern.test(this.view.label(file));
        known.set(file, is);
      }
      return is;
    };
    return this.setOf(members(set).filter((id) => isAction(this.view.kind(id)) && files(id).some(matches)));
  }

  /** What says how these are built: of the envs that they belong to; of every env for what belongs to none. */
  private buildFiles(set: NodeSet): NodeSet {
    const envs = new Set(members(set).map((id) => this.view.env(id)));
    const found = [...this.view.builtBy()].flatMap(([env, files]) => (envs.has(env) || envs.has("") ? files : []));
    return this.setOf(found.flatMap((path) => this.view.named(path).filter((id) => this.view.kind(id) === "file")));
  }

  /** Targets by the name `test`, and those that begin with it: fb has no kind for them. */
  private tests(set: NodeSet): NodeSet {
    return this.setOf(members(set).filter((id) => this.view.kind(id) === "target" && /^:test(?:[-_/][^@]*)?@/.test(this.view.label(id))));
  }
}

function union(a: NodeSet, b: NodeSet): NodeSet {
  return a.map((is, id) => is | (b[id] as number));
}
