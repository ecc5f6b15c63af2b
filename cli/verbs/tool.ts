/** `fb tool NAME …`: what runs inside fb, as a program of its own: for an exported build.ninja, and for the cache's check of its database. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readThrough } from "../../cache/check.ts";
import { cacheFolder } from "../../cache/folders.ts";
import { noCredentials } from "../../cache/fetch/credentials.ts";
import { failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import { readUserSettings } from "../../rules/settings.ts";
import { credentialsOf, type OpenPlaces, openPlaces } from "../acquire/places.ts";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { DiskError, type HostDisk, openDisk } from "../host/disk.ts";
import { openProject, RecordingProjectIo } from "../open-project.ts";
import { sanitize } from "../show/text.ts";
import { innerTools } from "../tools/inner.ts";

/** Paths are relative to the current folder. */
export async function toolVerb(command: Extract<Command, { verb: "tool" }>, faces: Faces): Promise<number> {
  const { name, argv } = command;
  if (name === "check-lmdb") return checkDatabase(argv, faces);
  // The others have no use for a cache: one that can not be written must not stop them.
  const cache = ["fetch", "extract", "install"].includes(name) ? cacheFolder(process.env) : ok("");
  if (!cache.ok) return complain(faces, [cache.failure]);
  const disk = openDisk(process.cwd());
  const places = openPlaces(cache.value, false, null);
  if (name === "fetch") {
    const used = useSettings(places, disk);
    if (!used.ok) return complain(faces, [used.failure]);
  }
  try {
    const note = (f: Failure) => void complain(faces, [f]);
    const line = (_: string, text: string) => faces.out.write(`${sanitize(text, faces.out.color)}\n`);
    const around = { stop: new AbortController().signal, progress: () => {}, note, line };
    const ran = await innerTools(disk, places).run([name, ...argv], around);
    if (!ran.ok) return complain(faces, [ran.failure]);
    // Where a compiler would say it: the exit code alone tells success.
    faces.err.write(ran.value);
    return 0;
  } catch (error) {
    if (error instanceof DiskError) return complain(faces, [error.failure]);
    throw error;
  } finally {
    await places.close();
    disk.close();
  }
}

/** Mirrors and credentials of the project in the current folder; where it holds none, the user's own mirrors. */
function useSettings(places: OpenPlaces, disk: HostDisk): Result<null> {
  const folder = process.cwd();
  if (existsSync(join(folder, CONFIG_FILE))) {
    const open = openProject(folder, disk);
    if (!open.ok) return open;
    places.use(open.value.project.settings, credentialsOf(open.value.project), false);
    return ok(null);
  }
  const own = readUserSettings(new RecordingProjectIo(folder, disk));
  if (own.ok) places.use(own.value, noCredentials, false);
  return own.ok ? ok(null) : own;
}

/** Reads a cache's database through; 0 when it holds what its index says. A damaged one may end the process with a signal, which its caller takes for a no. */
async function checkDatabase(argv: readonly string[], faces: Faces): Promise<number> {
  const [folder, ...more] = argv;
  if (folder === undefined || more.length > 0)
    return complain(faces, [failure("tool.usage", 2, "usage: fb tool check-lmdb FOLDER", { hint: "the folder that holds data.mdb" })]);
  return readThrough(folder);
}
