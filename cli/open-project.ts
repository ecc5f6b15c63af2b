/** A project's folder opened: its disk, and its ini, fb.toml and platforms read, with everything looked at on record. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { isAbsolute, join } from "node:path";
import { cachePath } from "../cache/folders.ts";
import { Store } from "../cache/store.ts";
import { fail, failure, ok } from "../engine/failure.ts";
import { listed, listingText } from "../engine/files.ts";
import { secretName } from "../cache/snapshot-world.ts";
import type { Digest, DirEntry, Read, Result, Signature } from "../engine/types.ts";
import { CONFIG_FILE } from "../rules/ini/config-file.ts";
import { type Lock, noLock } from "../rules/lock.ts";
import { lockedFor } from "../rules/lock-drift.ts";
import { type Project, type ProjectIo, readProject } from "../rules/project.ts";
import { globPaths } from "../rules/python-glob.ts";
import type { Origin } from "../rules/spec.ts";
import { lockIn } from "./acquire/lock-file.ts";
import { lockedPlatform } from "./acquire/platforms.ts";
import { home } from "./home.ts";
import { knownRules } from "./known-rules.ts";
import { type HostDisk, openDisk } from "./host/disk.ts";
import { hashing } from "./host/hash.ts";
import { thisMachine } from "./host/machine.ts";

export interface OpenProject {
  readonly project: Project;
  readonly disk: HostDisk;
  /** What reading looked at: inputs of every run, beside those of its actions. */
  readonly looked: Looked;
}

/** What reading a project looked at, with signatures from before the reading. */
export interface Looked {
  readonly reads: readonly Read[];
  readonly files: ReadonlyMap<string, { readonly signature: Signature; readonly digest: Digest }>;
  readonly listings: ReadonlyMap<string, Digest>;
}

/**
 * Reads the project in a folder from projectFolder(). onLooked: told what was looked at, also where that is no project. platformFolder: where platform packages lie;
 * those of fb.lock that the store has, if not said.
 */
export function openProject(
  folder: string,
  disk: HostDisk = openDisk(folder),
  onLooked: (looked: Looked) => void = () => {},
  platformFolder: PlatformFolder = lockedPlatforms(folder),
): Result<OpenProject> {
  const io = new RecordingProjectIo(folder, disk, platformFolder);
  const project = readProject(folder, join(home(), "platforms"), io);
  onLooked(io.looked());
  return project.ok ? ok({ project: project.value, disk, looked: io.looked() }) : project;
}

type PlatformFolder = NonNullable<ProjectIo["platformFolder"]>;

/** The lock is read when the first env asks for a platform package; one that does not read has none. */
function lockedPlatforms(folder: string): PlatformFolder {
  let lock: Lock | null = null;
  return (env, spec) => {
    if (lock === null) {
      const read = lockIn(folder);
      lock = read.ok ? read.value.lock : noLock;
    }
    const entries = lock;
    return lockedPlatform(
      env,
      spec,
      (asked) => lockedFor(entries, asked),
      new Store(join(cachePath(process.env), "packages")),
      thisMachine(),
    );
  };
}

/** ProjectIo on the disk; paths are kept as they were asked for. */
export class RecordingProjectIo implements ProjectIo {
  readonly knownRules = knownRules;
  private readonly folder: string;
  private readonly disk: HostDisk;
  private readonly seen = new Map<string, Read>();
  private readonly files = new Map<string, { signature: Signature; digest: Digest }>();
  private readonly listings = new Map<string, Digest>();

  readonly platformFolder: PlatformFolder;

  constructor(folder: string, disk: HostDisk, platformFolder: PlatformFolder = () => null) {
    this.folder = folder;
    this.disk = disk;
    this.platformFolder = platformFolder;
  }

  looked(): Looked {
    return { reads: [...this.seen.values()], files: this.files, listings: this.listings };
  }

  private note(is: Read["is"], path: string): void {
    const name = isAbsolute(path) && path.startsWith(`${this.folder}/`) ? path.slice(this.folder.length + 1) : path;
    this.seen.set(`${is}:${name}`, { is, path: name as Read["path"] });
  }

  read(path: string): string | null {
    const signature = this.disk.sign(path);
    const there = signature !== null && !this.disk.isDir(path);
    this.note(there ? "file" : "absent", path);
    if (!there) return null;
    const bytes = this.disk.read(path);
    this.files.set(path, { signature, digest: hashing.sha256(bytes) });
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  glob(pattern: string): readonly string[] {
    const there = (path: string): boolean => {
      const found = this.disk.sign(path) !== null;
      if (!found) this.note("absent", path);
      return found;
    };
    return globPaths(pattern, this, there);
  }

  list(path: string): readonly DirEntry[] | null {
    this.note("listing", path);
    // As the engine lists it, or the snapshot's writer would find another folder each time.
    const entries = listed(this.disk, path);
    this.listings.set(path, hashing.sha256(listingText(entries)));
    return entries;
  }

  value(name: string, secret?: "secret"): string | undefined {
    this.note("value", secret === undefined ? name : secretName(name));
    return process.env[name];
  }

  unixTime(): number {
    return Math.floor(Date.now() / 1000);
  }

  sha1(text: string): string {
    return createHash("sha1").update(text).digest("hex");
  }
}

/** What a `!command` of the flags prints. A command that fails ends its env (exit 1), as in PlatformIO. */
export function commandOutput(command: string, folder: string, place: Origin | null): Result<string> {
  try {
    return ok(
      execFileSync("/bin/sh", ["-c", command], {
        cwd: folder,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
        maxBuffer: 64 << 20,
      }),
    );
  } catch (error) {
    const status = (error as { status?: number | null }).status ?? null;
    const how = status === null ? "could not be run" : `ended with exit code ${status}`;
    return fail(
      failure("flags.command", 1, `the flags' command "!${command}" ${how}`, {
        file: CONFIG_FILE,
        ...place,
        hint: "run it by hand in the project's folder",
      }),
    );
  }
}
