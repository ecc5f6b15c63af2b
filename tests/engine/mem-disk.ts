/** A disk in memory with a clock that only tests move. */
import { failure } from "../../engine/failure.ts";
import { collapse, join } from "../../engine/paths.ts";
import type { DirEntry, Disk, Failure, Signature } from "../../engine/types.ts";

export const PROJECT = "/p";

interface Stamp {
  ino: bigint;
  mtime: bigint;
  ctime: bigint;
}
type FileNode = Stamp & { is: "file"; text: string; executable: boolean };
type DirNode = Stamp & { is: "dir"; children: Map<string, Inode> };
type LinkNode = Stamp & { is: "link"; to: string };
type Inode = FileNode | DirNode | LinkNode;

/** What the real disk throws: an error that carries the failure to show. */
export class MemDiskError extends Error {
  readonly failure: Failure;
  constructor(path: string, what: string) {
    super(`${path}: ${what}`);
    this.failure = failure("disk.failed", 4, this.message);
  }
}

/** Files by path; times come from `clock`, which stands still until tick(). Writing in place keeps the inode, replacing makes a new one. */
export class MemDisk implements Disk {
  clock = 1_000_000_000_000n;
  private readonly inodes: { last: bigint };
  private readonly root: DirNode;

  constructor() {
    this.inodes = { last: 1n };
    this.root = this.dir();
    this.makeDir(PROJECT);
  }

  tick(ns = 4_000_000n): void {
    this.clock += ns;
  }

  sign(path: string): Signature | null {
    const node = this.find(path);
    if (node === null) return null;
    const size = node.is === "file" ? BigInt(node.text.length) : 4096n;
    return { dev: 1n, ino: node.ino, size, mtimeNs: node.mtime, ctimeNs: node.ctime };
  }

  read(path: string): Uint8Array {
    const node = this.find(path);
    if (node?.is !== "file") throw new MemDiskError(path, "no such file");
    return new TextEncoder().encode(node.text);
  }

  text(path: string): string {
    return new TextDecoder().decode(this.read(path));
  }

  list(path: string): readonly DirEntry[] | null {
    const node = this.find(path);
    if (node?.is !== "dir") return null;
    const entries: DirEntry[] = [];
    for (const name of [...node.children.keys()].sort()) {
      const is = this.find(join(path, name))?.is;
      if (is === "file" || is === "dir") entries.push({ name, is });
    }
    return entries;
  }

  links(path: string): ReadonlySet<string> {
    const node = this.find(path);
    return new Set(node?.is !== "dir" ? [] : [...node.children].filter(([, child]) => child.is === "link").map(([name]) => name));
  }

  isDir(path: string): boolean {
    return this.find(path)?.is === "dir";
  }

  isFile(path: string): boolean {
    return this.find(path)?.is === "file";
  }

  isExecutable(path: string): boolean {
    const node = this.find(path);
    return node?.is === "file" && node.executable;
  }

  /** In place, as an editor that truncates: the inode stays. mtime: set back by the writer; ctime can not be. */
  write(path: string, text: string, options: { mtime?: bigint; executable?: boolean } = {}): void {
    const { parent, name } = this.place(path);
    const there = parent.children.get(name);
    if (there?.is === "dir") throw new MemDiskError(path, "is a folder");
    if (there?.is === "link") return this.write(this.absolute(there.to), text, options);
    const file: FileNode = there ?? { ...this.stamp(), is: "file", text, executable: false };
    if (there === undefined) this.enter(parent, name, file);
    file.text = text;
    file.executable = options.executable ?? file.executable;
    file.ctime = this.clock;
    file.mtime = options.mtime ?? this.clock;
  }

  writeAtomic(path: string, data: Uint8Array | string): void {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    const { parent, name } = this.place(path);
    if (parent.children.get(name)?.is === "dir") throw new MemDiskError(path, "is a folder");
    this.enter(parent, name, { ...this.stamp(), is: "file", text, executable: false });
  }

  link(path: string, to: string): void {
    const { parent, name } = this.place(path);
    this.enter(parent, name, { ...this.stamp(), is: "link", to });
  }

  touch(path: string): void {
    const node = this.find(path);
    if (node === null) return;
    node.mtime = this.clock;
    node.ctime = this.clock;
  }

  rename(from: string, to: string): void {
    const source = this.place(from);
    const node = source.parent.children.get(source.name);
    if (node === undefined) throw new MemDiskError(from, "no such file");
    source.parent.children.delete(source.name);
    source.parent.mtime = this.clock;
    node.ctime = this.clock;
    const target = this.place(to);
    this.enter(target.parent, target.name, node);
  }

  remove(path: string): void {
    const at = this.absolute(path.endsWith("/") ? path.slice(0, -1) : path);
    const parent = this.find(at.slice(0, at.lastIndexOf("/")) || "/");
    const name = at.slice(at.lastIndexOf("/") + 1);
    if (parent?.is === "dir" && parent.children.delete(name)) parent.mtime = this.clock;
  }

  removeEmptyDir(path: string): boolean {
    const node = this.find(path);
    if (node?.is !== "dir" || node.children.size > 0) return false;
    this.remove(path);
    return true;
  }

  makeDir(path: string): void {
    let node = this.root;
    for (const part of this.absolute(path).split("/").filter(Boolean)) {
      let child = node.children.get(part);
      if (child?.is === "link") child = this.find(child.to) ?? undefined;
      if (child === undefined) {
        child = this.dir();
        this.enter(node, part, child);
      }
      if (child.is !== "dir") throw new MemDiskError(path, "a file stands in the way");
      node = child;
    }
  }

  realpath(path: string): string | null {
    return this.walk(this.absolute(path), 0)?.real ?? null;
  }

  now(): bigint {
    return this.clock;
  }

  /** Every file below a folder with its text, sorted. */
  tree(folder: string): Map<string, string> {
    const found = new Map<string, string>();
    for (const { name, is } of this.list(folder) ?? []) {
      const path = join(folder, name);
      if (is === "file") found.set(path, this.text(path) + (this.isExecutable(path) ? " (executable)" : ""));
      else for (const [p, t] of this.tree(path)) found.set(p, t);
    }
    return found;
  }

  private dir(): DirNode {
    return { ...this.stamp(), is: "dir", children: new Map() };
  }

  private stamp(): Stamp {
    return { ino: this.inodes.last++, mtime: this.clock, ctime: this.clock };
  }

  private enter(parent: DirNode, name: string, node: Inode): void {
    parent.children.set(name, node);
    parent.mtime = this.clock;
    parent.ctime = this.clock;
  }

  private absolute(path: string): string {
    return path.startsWith("/") ? path : `${PROJECT}/${path}`;
  }

  private place(path: string): { parent: DirNode; name: string } {
    const at = collapse(this.absolute(path));
    const dir = at.slice(0, at.lastIndexOf("/")) || "/";
    this.makeDir(dir);
    const parent = this.find(dir);
    if (parent?.is !== "dir") throw new MemDiskError(path, "a file stands in the way");
    return { parent, name: at.slice(at.lastIndexOf("/") + 1) };
  }

  private find(path: string): FileNode | DirNode | null {
    return this.walk(this.absolute(path), 0)?.node ?? null;
  }

  private walk(absolute: string, depth: number): { node: FileNode | DirNode; real: string } | null {
    if (depth > 8) return null;
    let at: { node: FileNode | DirNode; real: string } = { node: this.root, real: "/" };
    const folders = [at];
    for (const part of absolute.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (folders.length > 1) folders.pop();
        at = folders[folders.length - 1] as typeof at;
        continue;
      }
      const child = at.node.is === "dir" ? at.node.children.get(part) : undefined;
      if (child === undefined) return null;
      if (child.is === "link") {
        const to = this.walk(child.to.startsWith("/") ? child.to : join(at.real, child.to), depth + 1);
        if (to === null) return null;
        at = to;
      } else at = { node: child, real: join(at.real, part) };
      folders.push(at);
    }
    return at;
  }
}
