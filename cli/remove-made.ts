/** Removing what fb made in a project's folder: outputs of envs, or everything of its own. */
import { lstatSync, readdirSync, readlinkSync, rmdirSync, type Stats, unlinkSync } from "node:fs";
import { join } from "node:path";
import { fail, failure, ok } from "../engine/failure.ts";
import type { Failure, Result } from "../engine/types.ts";
import { CONFIG_FILE } from "../rules/ini/config-file.ts";
import { readConfig } from "../rules/ini/config.ts";
import { didYouMean } from "../rules/nearest.ts";
import { openDisk } from "./host/disk.ts";
import { namesIn } from "./host/look.ts";
import { RecordingProjectIo } from "./open-project.ts";

const OWN = ".fb";
const BUILD = ".fb/build";

/** A folder or file that is gone. A link counts as a file without bytes: what it leads to has not been touched. */
export interface Removed {
  /** Relative to the project. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes the outputs of some envs, of all (`envs` empty), or with `all` everything that fb keeps in the project; the caller holds the project's lock.
 * Fails with exit 2 for an env that neither the ini nor the outputs have, with 4 where the disk says no or a link stands where fb's folder should.
 */
export function removeMade(folder: string, envs: readonly string[], all: boolean): Result<readonly Removed[]> {
  const built = namesIn(join(folder, BUILD));
  const unknown = unknownEnv(folder, envs, built);
  if (unknown !== null) return fail(unknown);
  // Only names that the folder has: an env called "../x" must not lead out of it.
  const whole = all ? OWN : BUILD;
  const paths = envs.length === 0 ? [whole] : built.filter((name) => envs.includes(name)).map((name) => `${BUILD}/${name}`);
  const removed: Removed[] = [];
  for (const own of [OWN, BUILD]) {
    const stat = lstat(join(folder, own));
    if (stat?.isSymbolicLink() !== true) continue;
    const message = `${own} is a link to ${readlinkSync(join(folder, own))}, and fb clean follows no links`;
    return fail(failure("clean.link", 4, message, { file: own, hint: `empty that folder by hand, or remove the link: rm ${own}` }));
  }
  for (const path of paths) {
    if (lstat(join(folder, path)) === undefined) continue;
    const tally = { path, files: 0, bytes: 0 };
    const wrong = remove(folder, path, tally);
    if (wrong !== null) return fail(wrong);
    removed.push(tally);
  }
  return ok(removed);
}

function unknownEnv(folder: string, envs: readonly string[], built: readonly string[]): Failure | null {
  if (envs.length === 0) return null;
  const config = readConfig(folder, new RecordingProjectIo(folder, openDisk(folder)));
  const known = [...new Set([...(config.ok ? config.value.envs : []), ...built])];
  const unknown = envs.find((env) => !known.includes(env));
  if (unknown === undefined) return null;
  const hint = didYouMean(unknown, known, known.length === 0 ? "nothing has been built yet" : `its envs: ${known.join(" ")}`);
  return failure("env.unknown", 2, `${CONFIG_FILE} has no env "${unknown}"`, { hint });
}

/** Removes a path and all below it, following no link. Null, or why something could not be removed. */
function remove(folder: string, path: string, tally: { files: number; bytes: number }): Failure | null {
  const at = join(folder, path);
  const stat = lstat(at);
  if (stat === undefined) return null;
  try {
    if (!stat.isDirectory()) {
      unlinkSync(at);
      tally.files++;
      if (stat.isFile()) tally.bytes += stat.size;
      return null;
    }
    for (const name of readdirSync(at)) {
      const wrong = remove(folder, `${path}/${name}`, tally);
      if (wrong !== null) return wrong;
    }
    rmdirSync(at);
    return null;
  } catch (error) {
    const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const hint = `see who owns it (ls -ld ${path}) and give your user access; what was removed before it stays removed`;
    return failure("clean.disk", 4, `cannot remove ${path}: ${why}`, { file: path, hint });
  }
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
