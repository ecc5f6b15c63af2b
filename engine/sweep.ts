/** When dead outputs go: as soon as an env's plans say what is alive, and when they can not say it any more. */
import type { Files } from "./files.ts";
import type { Graph } from "./graph.ts";
import { unpackPlanned } from "./grown.ts";
import { outFolder } from "./paths.ts";
import { type Journal, prune, writtenBelow } from "./prune.ts";
import type { ActionId, ActionSpec, Disk, ProjectState } from "./types.ts";

export class Sweeper {
  private readonly host: { readonly disk: Disk; readonly state: ProjectState };
  private readonly graph: Graph;
  private readonly files: Files;
  private readonly journal: Journal;
  private readonly isSettled: (id: ActionId) => boolean;

  constructor(
    host: { readonly disk: Disk; readonly state: ProjectState },
    graph: Graph,
    files: Files,
    journal: Journal,
    isSettled: (id: ActionId) => boolean,
  ) {
    this.host = host;
    this.graph = graph;
    this.files = files;
    this.journal = journal;
    this.isSettled = isSettled;
  }

  /**
   * Removes what no action makes any more, before an action can read it. What a plan that has not settled yet grew in its last run may come again: it
   * stays until that plan has settled.
   */
  sweep(env: string, profile: string): void {
    const folder = outFolder(env, profile);
    const alive = writtenBelow(folder, [...this.planned(), ...this.expected(env)]);
    this.removeStrays(folder, alive);
    for (const path of prune(this.host.disk, folder, this.before(folder), alive)) this.files.forget(path);
    this.journal.note(folder, alive);
    if (this.openPlans(env).length === 0) this.forgetDead(`${env}/${profile}/`);
  }

  /** What is known of actions that are no more would be carried along for ever. */
  private forgetDead(prefix: string): void {
    const { state } = this.host;
    for (const name of state.actions()) if (name.startsWith(prefix) && this.graph.named(name) === undefined) state.forget(name);
  }

  /** The same for what tools that were killed, or that failed, have left in the folders of this run. Nothing may be running. */
  tidy(env: string, profile: string): void {
    const folder = outFolder(env, profile);
    if (!this.journal.begun.has(folder)) return;
    // Of the rest of a graph that is there in part only the journal knows.
    const whole = this.graph.outside === null;
    this.removeStrays(folder, whole ? writtenBelow(folder, [...this.planned(), ...this.expected(env)]) : this.host.state.outputs(folder));
  }

  /**
   * Removes what a run that did not come to its end left beside the outputs: the temporary files of fb's own and of tools (ar and objcopy write `stXXXXXX`
   * into the output's folder). Only what came into being since that run began; what has an output's name with another end is a by-product of it that
   * someone may want (`main.cpp.gcno`).
   */
  private removeStrays(folder: string, alive: readonly string[]): void {
    const { disk, state } = this.host;
    const since = state.unfinished(folder);
    if (since === null) return;
    const owned = new Set(alive.flatMap((path) => [path, path.replace(/\.[^./]*$/, "")]));
    const isStray = (path: string) => !prefixes(path).some((p) => owned.has(p)) && (disk.sign(path)?.ctimeNs ?? since) >= since;
    for (const path of prune(disk, folder, this.files.below(`${folder}/`).filter(isStray), alive)) this.files.forget(path);
    if (!this.journal.begun.has(folder)) state.setUnfinished(folder, null);
  }

  /** Removes what only plans that failed, or were left out, knew of. */
  abandon(env: string, profile: string): void {
    if (this.openPlans(env).length === 0) return;
    const folder = outFolder(env, profile);
    prune(this.host.disk, folder, this.before(folder), writtenBelow(folder, this.planned()));
  }

  /** What an earlier run put there. Where the record of it was lost, all that there is: the folder is fb's own. */
  private before(folder: string): readonly string[] {
    const recorded = this.host.state.outputs(folder);
    if (recorded.length > 0) return recorded;
    return (this.host.disk.list(folder) ?? []).map((e) => `${folder}/${e.name}${e.is === "dir" ? "/" : ""}`);
  }

  private planned(): ActionSpec[] {
    return this.graph.nodes.map((n) => n.spec);
  }

  private openPlans(env: string): ActionSpec[] {
    return this.graph.nodes.filter((n) => n.spec.kind === "plan" && n.spec.env === env && !this.isSettled(n.id)).map((n) => n.spec);
  }

  /** The actions that the env's unsettled plans grew when they last ran, and what plans among these grew. */
  private expected(env: string): ActionSpec[] {
    const found: ActionSpec[] = [];
    const queue = this.openPlans(env);
    const seen = new Set<string>();
    for (let spec = queue.pop(); spec !== undefined; spec = queue.pop()) {
      if (seen.has(spec.name)) continue;
      seen.add(spec.name);
      const grown = this.host.state.last(spec.name)?.result.grown ?? null;
      for (const action of grown === null ? [] : unpackPlanned(grown).actions) {
        found.push(action);
        if (action.kind === "plan") queue.push(action);
      }
    }
    return found;
  }
}

/** A path, and it without its last ending, without its last two, …: main.cpp.o, main.cpp, main. */
function prefixes(path: string): string[] {
  const [name = "", ...endings] = path.slice(path.lastIndexOf("/") + 1).split(".");
  const start = path.slice(0, path.lastIndexOf("/") + 1) + name;
  return [...endings.keys(), endings.length].map((n) => [start, ...endings.slice(0, n)].join("."));
}
