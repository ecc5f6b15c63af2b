/** What a run reaches the world by: disk, cache, processes, clock, and the rules' eyes on content. */
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import type { Cache } from "../cache/open.ts";
import type { LocalState } from "../cache/state.ts";
import { errorCode } from "../cache/trouble.ts";
import type { Carried } from "../engine/files.ts";
import { Paths, type Root } from "../engine/paths.ts";
import type { World } from "../engine/settle.ts";
import type { Blobs, Effector, Planner } from "../engine/types.ts";
import { directivesOf } from "../rules/directives.ts";
import { includesOf } from "../rules/includes.ts";
import { nearest } from "../rules/nearest.ts";
import { clock } from "./host/clock.ts";
import { DiskError, type HostDisk } from "./host/disk.ts";
import { hashing } from "./host/hash.ts";
import type { HostRunner } from "./host/lanes.ts";
import type { PackagePlaces } from "./acquire/places.ts";
import { masker } from "./secrets.ts";
import { innerTools } from "./tools/inner.ts";

/** What a build has opened. */
export interface Opened {
  readonly cache: Cache;
  readonly state: LocalState;
  readonly runner: HostRunner;
  readonly disk: HostDisk;
  readonly places: PackagePlaces;
  readonly effects: Effector;
}

/**
 * paths: of this project's folder; carried: what is known of files that are proven to be as they were, null for nothing; valuesRead: names of the variables
 * that the project's ini read.
 */
export function worldOf(
  { cache, state, runner, disk, places, effects }: Opened,
  paths: Paths,
  planner: Planner,
  carried: Carried | null,
  valuesRead: Iterable<string>,
): World {
  return {
    disk,
    hashing,
    clock,
    memo: cache.memo,
    cache: cache.actions,
    blobs: blobsIn(paths.project, cache.blobs),
    state,
    runner,
    paths,
    planner,
    tools: innerTools(disk, places),
    effects,
    value: (name) => process.env[name],
    carried,
    includesOf,
    directivesOf,
    nearest,
    mask: masker(valuesRead, process.env),
  };
}

/** roots: folders that paths are named from, beside the project's. */
export function pathsOf(folder: string, disk: HostDisk, roots: readonly Root[]): Paths {
  const paths = new Paths(folder, { realpath: (p) => disk.realpath(p) });
  for (const root of roots) paths.addRoot(root);
  return paths;
}

/** What every action's process sees beside its own vars. PWD makes gcc record the same compilation folder everywhere. */
export function baseVars(): Record<string, string> {
  return {
    LC_ALL: "C.UTF-8",
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    PWD: "/proc/self/cwd",
    TMPDIR: tempFolder(),
    HOME: process.env["HOME"] ?? "/",
  };
}

export function tempFolder(): string {
  return process.env["TMPDIR"] ?? tmpdir();
}

/** Blobs for the engine, which names files as the project does. */
function blobsIn(folder: string, blobs: Blobs): Blobs {
  return {
    put: (file, d) => blobs.put(resolve(folder, file), d),
    restore: (d, size, to, executable) => {
      try {
        return blobs.restore(d, size, resolve(folder, to), executable);
      } catch (error) {
        throw new DiskError("write", to, errorCode(error), error);
      }
    },
  };
}
