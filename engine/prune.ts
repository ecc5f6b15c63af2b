/** Dead outputs: what an earlier run put into an output folder and nothing makes now. */
import { folderOf } from "./paths.ts";
import type { ActionSpec, Disk, ProjectState } from "./types.ts";

/** Every path that an action writes: its outputs, and what it leaves only if it is killed. */
export function writtenBy(spec: ActionSpec): string[] {
  const written: string[] = [...spec.outputs];
  if (spec.rspfile !== null) written.push(spec.rspfile.path);
  if (spec.discover.by === "depfile") written.push(spec.discover.path);
  return written;
}

/** Every path below a folder that these actions write, sorted, each once. */
export function writtenBelow(folder: string, actions: readonly ActionSpec[]): string[] {
  const found = new Set<string>();
  for (const spec of actions) for (const path of writtenBy(spec)) if (path.startsWith(`${folder}/`)) found.add(path);
  return [...found].sort();
}

/**
 * Removes what `before` lists and `now` does not (a folder in `now` keeps all that is below it), and folders that are empty then. Paths end in "/" where
 * a folder was an output. Returns the files that it removed.
 */
export function prune(disk: Disk, folder: string, before: readonly string[], now: readonly string[]): string[] {
  const alive = new Set(now);
  if (before.every((path) => alive.has(path))) return [];
  const folded = new Map(now.map((p) => [p.toLowerCase(), p]));
  const removed: string[] = [];
  const visit = (path: string): void => {
    if (alive.has(path) || isInside(path, alive)) return;
    if (path.endsWith("/")) {
      for (const entry of disk.list(path.slice(0, -1)) ?? []) visit(`${path}${entry.name}${entry.is === "dir" ? "/" : ""}`);
      disk.removeEmptyDir(path.slice(0, -1));
      return;
    }
    // Where case does not count, the old name still leads to the new file; and a file may have become a folder of living ones.
    const twin = folded.get(path.toLowerCase());
    const there = disk.sign(path);
    if (there === null || disk.isDir(path) || (twin !== undefined && there.ino === disk.sign(twin)?.ino)) return;
    disk.remove(path);
    removed.push(path);
  };
  for (const path of before) {
    if (!path.startsWith(`${folder}/`) || alive.has(path)) continue;
    visit(path);
    for (let dir = folderOf(path); dir.startsWith(`${folder}/`); dir = folderOf(dir)) if (!disk.removeEmptyDir(dir)) break;
  }
  return removed;
}

/** Whether a path lies in a folder of the set. */
function isInside(path: string, folders: ReadonlySet<string>): boolean {
  for (let dir = folderOf(path); dir !== "" && dir !== "/"; dir = folderOf(dir)) if (folders.has(`${dir}/`)) return true;
  return false;
}

/** Keeps the journal of a folder's outputs ahead of the actions: what a killed run made is known to the next. */
export class Journal {
  /** Folders that this run writes into. */
  readonly begun = new Set<string>();
  private readonly state: ProjectState;
  private readonly now: () => bigint;
  private readonly noted = new Map<string, string>();
  private written: Promise<void> = Promise.resolve();

  /** now: the disk's clock. */
  constructor(state: ProjectState, now: () => bigint) {
    this.state = state;
    this.now = now;
  }

  /** Before anything is written into a folder: settles when all noted so far is on disk, and that this run writes there. */
  begin(folder: string): Promise<void> {
    if (!this.begun.has(folder)) {
      this.begun.add(folder);
      // An older mark stands for what has not been looked after yet.
      this.state.setUnfinished(folder, this.state.unfinished(folder) ?? this.now());
    }
    return this.written;
  }

  /** Writes what a folder's outputs are now, in the order of the calls. */
  note(folder: string, paths: readonly string[]): void {
    const text = paths.join("\0");
    if ((this.noted.get(folder) ?? this.state.outputs(folder).join("\0")) === text) return;
    this.noted.set(folder, text);
    this.written = this.written.then(() => this.state.setOutputs(folder, paths));
  }
}
