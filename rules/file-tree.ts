/** Folders of a plan, each listed once: whether files are there, found as a compiler finds them, without asking for folders that cannot be. */
import { collapse, folderOf, join } from "../engine/paths.ts";
import type { DirEntry, PlanIo } from "../engine/types.ts";
import { type Folder, foldersBelow } from "./folders-below.ts";

/** Paths relative to the project ("" is the project itself) or absolute, collapsed. */
export class FileTree {
  private readonly io: Pick<PlanIo, "list">;
  private readonly listed = new Map<string, ReadonlyMap<string, DirEntry["is"]> | null>();
  private readonly entries = new Map<string, readonly DirEntry[] | null>();

  constructor(io: Pick<PlanIo, "list">) {
    this.io = io;
  }

  list(path: string): readonly DirEntry[] | null {
    const known = this.entries.get(path);
    if (known !== undefined) return known;
    const entries = this.io.list(path);
    this.entries.set(path, entries);
    return entries;
  }

  private names(path: string): ReadonlyMap<string, DirEntry["is"]> | null {
    let names = this.listed.get(path);
    if (names === undefined) {
      const entries = this.list(path);
      names = entries === null ? null : new Map(entries.map((e) => [e.name, e.is]));
      this.listed.set(path, names);
    }
    return names;
  }

  /** Whether a folder holds a file or folder of this name. */
  has(folder: string, name: string, is: DirEntry["is"]): boolean {
    return this.names(folder)?.get(name) === is;
  }

  isFile(path: string): boolean {
    return this.has(folderOf(path), path.slice(path.lastIndexOf("/") + 1), "file");
  }

  /** The file that `text` of an include leads to from a folder; null if there is none. Looks only into folders that are there. */
  find(folder: string, text: string): string | null {
    if (text === "" || text.startsWith("/")) return null;
    const parts = text.split("/").filter((part) => part !== "" && part !== ".");
    const name = parts.pop();
    if (name === undefined || name === "..") return null;
    let at = folder;
    for (const part of parts) {
      if (part === "..") at = rootless(collapse(join(at, "..")));
      else if (this.has(at, part, "dir")) at = join(at, part);
      else return null;
    }
    return this.has(at, name, "file") ? join(at, name) : null;
  }

  /** Every file below a folder, a folder's own files before those of its folders. */
  *below(folder: string): Generator<string> {
    for (const { dir, entries } of this.folders(folder)) for (const entry of entries) if (entry.is === "file") yield join(dir, entry.name);
  }

  /** A folder and all below it. */
  folders(folder: string): Generator<Folder> {
    return foldersBelow(folder, (dir) => this.list(dir));
  }
}

/** A collapsed path with "" for the project's folder. */
export function rootless(path: string): string {
  return path === "." ? "" : path;
}
