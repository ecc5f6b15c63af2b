/** What was asked for, and what it stands for: target names that plans give out, paths, and what is made from a path. */
import { failure } from "./failure.ts";
import type { Graph } from "./graph.ts";
import { fromCanonical, outFolder, type Paths } from "./paths.ts";
import type { ActionId, Failure, Planned, ProjectPath } from "./types.ts";

/** A thing asked for: a target's name, a path, or a path with "^" for what is made from it. */
export interface Goal {
  readonly env: string;
  readonly profile: string;
  readonly target: string;
}

/** The names nearest to one that is unknown, best first. */
export type Nearest = (word: string, names: Iterable<string>) => readonly string[];

export class Goals {
  /** What each goal turned out to stand for. */
  readonly resolved = new Map<Goal, readonly ProjectPath[]>();
  /** Env → target name → paths. */
  readonly targets = new Map<string, Map<string, readonly ProjectPath[]>>();
  private readonly goals: readonly Goal[];
  private readonly paths: Paths;

  constructor(goals: readonly Goal[], paths: Paths) {
    this.goals = goals;
    this.paths = paths;
  }

  /** Adds the targets of a plan; a name that an earlier plan gave, too, stands for both. */
  add(env: string, targets: Planned["targets"]): void {
    const names = this.targets.get(env) ?? new Map<string, readonly ProjectPath[]>();
    for (const [name, paths] of Object.entries(targets)) names.set(name, [...new Set([...(names.get(name) ?? []), ...paths])]);
    this.targets.set(env, names);
  }

  /** The actions that the goals name, as far as the graph has grown. To be asked again after each growth: a target may have become more. */
  makers(graph: Graph): ActionId[] {
    const found: ActionId[] = [];
    for (const goal of this.goals) {
      const paths = this.lookUp(goal, graph);
      if (paths === null) continue;
      this.resolved.set(goal, paths);
      for (const path of paths) {
        // An action without outputs is named by its own name.
        const maker = graph.producer(path) ?? graph.named(path)?.id;
        if (maker !== undefined) found.push(maker);
      }
    }
    return found;
  }

  private lookUp(goal: Goal, graph: Graph): readonly ProjectPath[] | null {
    const named = this.targets.get(goal.env)?.get(goal.target);
    if (named !== undefined) return named;
    const out = outFolder(goal.env, goal.profile);
    const upward = goal.target.endsWith("^");
    const path = this.paths.normal(fromCanonical(upward ? goal.target.slice(0, -1) : goal.target, out));
    if (!upward) return graph.producer(path) !== undefined ? [path] : null;
    const makes = graph.nodes.filter(
      (n) => n.spec.env === goal.env && n.spec.kind !== "plan" && n.spec.inputs.some((i) => i.is === "file" && i.path === path),
    );
    return makes.length === 0 ? null : makes.flatMap((n) => n.spec.outputs);
  }

  /** A failure for each goal that stands for nothing. except: envs that failed, whose targets are not all known. */
  unknown(nearest: Nearest, except: ReadonlySet<string>): Failure[] {
    return this.goals
      .filter((goal) => !this.resolved.has(goal) && !except.has(goal.env))
      .map((goal) => {
        if (goal.target.includes("/") || goal.target.includes(".")) {
          const hint = `a path stands for a file that is made; what is made from a source is "${goal.target.replace(/\^$/, "")}^"`;
          return failure("target.unknown", 2, `nothing in env ${goal.env} makes ${goal.target}`, { hint });
        }
        const known = [...(this.targets.get(goal.env)?.keys() ?? [])].map((t) => `:${t}`).sort();
        const near = nearest(`:${goal.target}`, known).map((n) => `"${n}"`);
        const otherwise = `its targets: ${known.join(" ")}; the path of a file that is made is one too`;
        const hint = near.length > 0 ? `did you mean ${near.join(" or ")}?` : otherwise;
        return failure("target.unknown", 2, `env ${goal.env} has no target ":${goal.target}"`, { hint });
      });
  }
}
