/**
 * Watches on folders, one each, on the same inotify descriptor (Linux). What they report is a hint that something may have changed there, never what: whoever is
 * told looks at the disk. A watch belongs to the folder itself, not to its path: when a folder is made again, or one above it is renamed, its watch is made anew.
 */
import { type FSWatcher, statfsSync, statSync, watch } from "node:fs";
import { basename } from "node:path";
import type { Wanted } from "./folders.ts";

/** statfs(2) f_type of file systems where other machines write, of which the kernel here tells nothing: NFS, SMB, CIFS, SMB2, 9p, FUSE, VirtualBox's, Ceph. */
const SILENT: ReadonlySet<number> = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x786f4256, 0x00c36400]);

interface Watch {
  readonly watcher: FSWatcher;
  /** Of the folder: device, inode, birth. */
  readonly id: string;
  names: ReadonlySet<string> | null;
  /** It may be of a folder that is no longer at this path. */
  doubtful: boolean;
}

export class Watches {
  private readonly watches = new Map<string, Watch>();
  private readonly onHint: (structural: boolean) => void;
  private readonly silent = new Map<string, boolean>();

  /** onHint: told of each change; structural: a name came or went. */
  constructor(onHint: (structural: boolean) => void) {
    this.onHint = onHint;
  }

  get size(): number {
    return this.watches.size;
  }

  /** Watches these folders and no others. @returns why some cannot be watched, so that somebody has to look now and then; null where all are */
  update(wanted: Wanted): string | null {
    let blind: string | null = null;
    for (const [folder, { watcher }] of this.watches) {
      if (wanted.has(folder)) continue;
      watcher.close();
      this.watches.delete(folder);
    }
    // From above: a folder that is exchanged meanwhile is told by the watch on the one above it.
    for (const folder of [...wanted.keys()].sort((a, b) => a.length - b.length)) {
      const problem = this.place(folder, wanted.get(folder) ?? null);
      blind ??= problem;
    }
    return blind;
  }

  close(): void {
    for (const { watcher } of this.watches.values()) watcher.close();
    this.watches.clear();
  }

  private place(folder: string, names: ReadonlySet<string> | null): string | null {
    const id = identity(folder);
    const old = this.watches.get(folder);
    if (old !== undefined && old.id === id && !old.doubtful) {
      old.names = names;
      return this.isSilent(folder) ? `of ${folder}, on another machine's disk, nothing is told` : null;
    }
    old?.watcher.close();
    this.watches.delete(folder);
    // The watch above it tells when it comes.
    if (id === null) return null;
    try {
      const watcher = watch(folder, (type, name) => this.heard(folder, type, name));
      watcher.on("error", () => this.doubt(folder));
      this.watches.set(folder, { watcher, id, names, doubtful: false });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      if (code === "ENOSPC") return "the system's limit of watches is reached (sysctl fs.inotify.max_user_watches)";
      if (code === "EMFILE" || code === "ENFILE")
        return "the system's limit of watchers is reached (sysctl fs.inotify.max_user_instances, ulimit -n)";
      // Gone in between, or a folder that may be passed but not read: nothing of it can be listed either.
      return null;
    }
    return this.isSilent(folder) ? `of ${folder}, on another machine's disk, nothing is told` : null;
  }

  private heard(folder: string, type: string, name: string | null): void {
    const own = this.watches.get(folder);
    if (own === undefined) return;
    const structural = type === "rename";
    if (structural) {
      // Told of the folder itself, or of a folder in it: which watches are still where they were is to be found out.
      if (name === null || name === basename(folder)) own.doubtful = true;
      if (name !== null) for (const [path, w] of this.watches) if (path.startsWith(`${folder}/${name}`)) w.doubtful = true;
    }
    if (own.names !== null && name !== null && !own.names.has(name) && !own.doubtful) return;
    // fb's own.
    if (name === ".fb" || (name?.startsWith(".fb-") === true && name.endsWith(".tmp"))) return;
    this.onHint(structural);
  }

  private doubt(folder: string): void {
    const own = this.watches.get(folder);
    if (own !== undefined) own.doubtful = true;
    this.onHint(true);
  }

  private isSilent(folder: string): boolean {
    let silent = this.silent.get(folder);
    if (silent === undefined) {
      try {
        silent = SILENT.has(statfsSync(folder).type);
      } catch {
        silent = false;
      }
      this.silent.set(folder, silent);
    }
    return silent;
  }
}

function identity(folder: string): string | null {
  try {
    const s = statSync(folder, { bigint: true, throwIfNoEntry: false });
    return s === undefined || !s.isDirectory() ? null : `${s.dev}:${s.ino}:${s.birthtimeNs}`;
  } catch {
    return null;
  }
}
