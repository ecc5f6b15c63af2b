/** A plan's eyes: everything looked at is kept as a read of the plan. */
import { ABSENT, type Files, type FilesHost } from "./files.ts";
import type { Digest, Disk, IncludeText, PlanIo, Read } from "./types.ts";

export class RecordingIo implements PlanIo {
  readonly reads: Read[] = [];
  private readonly seen = new Set<string>();
  private readonly files: Files;
  private readonly host: FilesHost;

  constructor(files: Files, host: FilesHost) {
    this.files = files;
    this.host = host;
  }

  read(path: string): Uint8Array | null {
    const there = this.files.content(path) !== ABSENT;
    this.note(there ? "file" : "absent", path);
    return there ? this.host.disk.read(path) : null;
  }

  digest(path: string): Digest | null {
    const digest = this.files.content(path);
    this.note(digest === ABSENT ? "absent" : "file", path);
    return digest === ABSENT ? null : digest;
  }

  exists(path: string): boolean {
    // Whether it is there, not what it holds: the listing of its folder says that.
    const at = path.lastIndexOf("/");
    const dir = at < 0 ? "" : path.slice(0, at);
    this.note("listing", dir);
    this.files.digest({ is: "listing", path: dir as Read["path"] });
    return this.host.disk.sign(path) !== null;
  }

  list(path: string): ReturnType<Disk["list"]> {
    this.note("listing", path);
    this.files.digest({ is: "listing", path: path as Read["path"] });
    return this.files.list(path);
  }

  includes(path: string): readonly IncludeText[] | null {
    const texts = this.files.includes(path);
    this.note(texts === null ? "absent" : "includes", path);
    return texts;
  }

  directives(path: string): string | null {
    const text = this.files.directives(path);
    this.note(text === null ? "absent" : "directives", path);
    return text;
  }

  value(name: string): string | undefined {
    this.note("value", name);
    this.files.digest({ is: "value", path: name as Read["path"] });
    return this.host.value(name);
  }

  private note(is: Read["is"], path: string): void {
    const key = `${is}:${path}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.reads.push({ is, path: path as Read["path"] });
  }
}
