/** Dead outputs: what an earlier run put into an output folder and nothing makes now. */
import type { Graph } from "./graph.ts";
import { folderOf } from "./paths.ts";
import type { ActionSpec, Disk, ProjectState } from "./types.ts";

/** Every path that an action writes: its outputs, and what it leaves only if it is killed. */
export function writtenBy(spec: ActionSpec): string[] {
  const written: string[] = [...spec.outputs];
  if (spec.rspfile !== null) written.push(spec.rspfile.path);
  if (spec.discover.by === "depfile") written.push(spec.discover.path);
  return written;
}

/** Every path below a folder that the graph's actions write, sorted. */
export function outputsBelow(graph: Graph, folder: string): string[] {
  const found: string[] = [];
  for (const { spec } of graph.nodes) for (const path of writtenBy(spec)) if (path.startsWith(`${folder}/`)) found.push(path);
  return found.sort();
}

/** Removes what `before` lists and `now` does not (a folder output keeps what is below it), and folders that are empty then. */
export function prune(disk: Disk, folder: string, before: readonly string[], now: readonly string[]): string[] {
  const alive = new Set(now.map((p) => p.toLowerCase()));
  const folders = now.filter((p) => p.endsWith("/"));
  const dead = before.filter((p) => !alive.has(p.toLowerCase()) && p.startsWith(`${folder}/`) && !folders.some((f) => p.startsWith(f)));
  for (const path of dead) {
    const bare = path.endsWith("/") ? path.slice(0, -1) : path;
    // A file that became a folder of living outputs is not ours to remove as a whole.
    if (!now.some((p) => p.startsWith(`${bare}/`)) || !disk.isDir(bare)) disk.remove(bare);
    for (let dir = folderOf(path); dir.startsWith(`${folder}/`); dir = folderOf(dir)) if (!disk.removeEmptyDir(dir)) break;
  }
  return dead;
}

/** Keeps the journal of a folder's outputs ahead of the actions: what a killed run made is known to the next. */
export class Journal {
  private readonly state: ProjectState;
  private written: Promise<void> = Promise.resolve();

  constructor(state: ProjectState) {
    this.state = state;
  }

  /** Settles when everything noted so far is on disk. */
  ready(): Promise<void> {
    return this.written;
  }

  note(folder: string, paths: readonly string[]): void {
    const known = this.state.outputs(folder);
    if (known.length === paths.length && known.every((p, i) => p === paths[i])) return;
    this.written = Promise.all([this.written, this.state.setOutputs(folder, paths)]).then(() => undefined);
  }
}
