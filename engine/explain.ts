/** From what each action of a run saw to what set the run off: the first causes, and the chains by which they reached the actions. */
import type { Cause, Kind, Status } from "./types.ts";

/** An action of a run, with why it was not kept. Paths as the project spells them. */
export interface Acted {
  readonly name: string;
  /** `compile:uno:src/main.cpp.o`. */
  readonly label: string;
  readonly kind: Kind;
  readonly env: string;
  readonly status: Status;
  readonly outputs: readonly string[];
  readonly causes: readonly Cause[];
  /** Its outputs are those of the time before. */
  readonly same: boolean;
  /** Nothing is known of a time before. */
  readonly isNew: boolean;
}

/** Why an env's plan is another one than when its actions were last as they should be, where its ini and tools are the same: only what it had read differs. */
export interface Replanned {
  readonly causes: readonly Cause[];
  /** Whether a file itself came or went, in a folder that the plan lists. */
  moved(file: string): boolean;
}

/** A way from a first cause to an action: what the cause is about, then the labels of the actions in between, and its own. */
export interface Chain {
  readonly first: Cause;
  readonly path: readonly string[];
}

/**
 * Follows causes to where they began. runs: the explained one first, then earlier ones, newest first: what an action took may have been made by an earlier
 * run that failed before this one's turn came.
 */
export class Chains {
  private readonly runs: readonly ReadonlyMap<string, Acted>[];
  /** Of each run: output → the action that made it. */
  private readonly makers: readonly ReadonlyMap<string, Acted>[];
  private readonly gone: ReadonlyMap<string, readonly string[]>;
  private readonly replanned: (action: Acted, run: number) => Replanned | null;
  private readonly known = new Map<Acted, readonly Chain[]>();

  /** gone: what an output was made from whose action is no more. replanned: of an action of one of the runs, by its place among them. */
  constructor(
    runs: readonly (readonly Acted[])[],
    gone: ReadonlyMap<string, readonly string[]>,
    replanned: (action: Acted, run: number) => Replanned | null,
  ) {
    this.gone = gone;
    this.replanned = replanned;
    this.runs = runs.map((actions) => new Map(actions.map((a) => [a.name, a])));
    this.makers = runs.map((actions) => new Map(actions.flatMap((a) => a.outputs.map((output) => [output, a] as const))));
  }

  /** The chains of an action of the explained run, one a first cause. */
  of(action: Acted): readonly Chain[] {
    return this.chains(action, 0, new Set());
  }

  private chains(action: Acted, run: number, open: ReadonlySet<Acted>): readonly Chain[] {
    const known = this.known.get(action);
    if (known !== undefined) return known;
    const found = new Map<string, Chain>();
    const add = (first: Cause, path: readonly string[]) => {
      const key = keyOf(first);
      const there = found.get(key);
      if (there === undefined || path.length < there.path.length) found.set(key, { first, path });
    };
    const further = new Set([...open, action]);
    for (const cause of principal(action.causes)) {
      const maker = cause.cause === "input-changed" || cause.cause === "input-added" ? this.maker(cause.file, action, run) : null;
      const before = maker === null || open.has(maker.action) ? [] : this.chains(maker.action, maker.run, further);
      for (const chain of before) add(chain.first, [...chain.path, action.label]);
      if (before.length > 0) continue;
      const plan = this.replanned(action, run);
      for (const first of withoutMaker(cause, this.gone)) {
        const roots = plan !== null && isPlanned(cause, action) && !("file" in first && plan.moved(first.file)) ? plan.causes : [];
        for (const root of roots) add(root, [subject(root), ...("file" in first || "arg" in first ? [subject(first)] : []), action.label]);
        if (roots.length === 0) add(first, [subject(first), action.label]);
      }
    }
    const chains = [...found.values()];
    // Within a cycle, which no graph has, it would not be all.
    if (open.size === 0 || found.size > 0) this.known.set(action, chains);
    return chains;
  }

  /** Who made a file that an action took, in this run or since the action last ended well. */
  private maker(file: string, action: Acted, run: number): { readonly action: Acted; readonly run: number } | null {
    for (let at = run; at < this.runs.length; at++) {
      const made = this.makers[at]?.get(file);
      if (made !== undefined && made !== action && !(at > run && made.same)) return { action: made, run: at };
      const itself = this.runs[at]?.get(action.name);
      if (at > run && itself !== undefined && itself.status !== "failed" && itself.status !== "cancelled") return null;
    }
    return null;
  }
}

/** The first causes of several actions, each once. */
export function firstCauses(chains: Iterable<Chain>): Cause[] {
  return [...new Map([...chains].map(({ first }) => [keyOf(first), first])).values()];
}

/** Equal for what is one cause, by whatever includes it came. */
function keyOf(cause: Cause): string {
  return JSON.stringify(cause.cause === "input-changed" ? { ...cause, via: [] } : cause);
}

function isOfInput(cause: Cause): boolean {
  return cause.cause === "input-changed" || cause.cause === "input-added" || cause.cause === "input-removed";
}

/** What a cause is about, in a word. */
export function subject(cause: Cause): string {
  if ("file" in cause) return cause.file;
  if ("arg" in cause) return cause.arg;
  return "name" in cause ? cause.name : cause.cause;
}

/** An output whose action is no more went with what it was made from. */
export function withoutMaker(cause: Cause, gone: ReadonlyMap<string, readonly string[]>): readonly Cause[] {
  const sources = cause.cause === "input-removed" ? gone.get(cause.file) : undefined;
  return cause.cause !== "input-removed" || sources === undefined ? [cause] : sources.map((file) => ({ ...cause, file }));
}

/** Whether it is the plan that says so: which actions there are, their words, and what they take of each other. */
function isPlanned(cause: Cause, action: Acted): boolean {
  if ("arg" in cause || cause.cause === "first-build") return true;
  if (cause.cause === "input-added" && action.isNew) return true;
  return (cause.cause === "input-added" || cause.cause === "input-removed") && cause.file.startsWith(".fb/build/");
}

/** Less what follows from another cause of the same action: names of inputs, a rule's own words from the rule, a tool's paths and files from the tool. */
function principal(all: readonly Cause[]): readonly Cause[] {
  const files = new Set(all.flatMap((c) => (isOfInput(c) && "file" in c ? [c.file] : [])));
  const causes = all.filter((c) => !("arg" in c && files.has(c.arg)));
  const rule = causes.some((c) => c.cause === "rule-changed");
  const tool = causes.some((c) => c.cause === "tool-changed");
  if (!rule && !tool) return causes;
  const left = causes.filter((c) => {
    if (c.cause === "arg-added" || c.cause === "arg-removed") return false;
    return !(tool && isOfInput(c) && "file" in c && (c.file.startsWith("/") || c.file.startsWith(".fb/pkg/")));
  });
  return left.length > 0 ? left : causes;
}
