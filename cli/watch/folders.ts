/**
 * Which folders to watch so that nothing escapes that could change these paths: each folder in which one lies, or would lie; where that is not there, the nearest
 * above it that is; the folders of what links lead to; and every folder above these, for the one name that leads on: a folder that is renamed, or made again,
 * tells only the folder that it is in.
 */
import { readdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, resolve } from "node:path";

/** Real path of a folder → the names in it that matter; null: all. */
export type Wanted = ReadonlyMap<string, ReadonlySet<string> | null>;

/** A folder, and of the paths in it the names. */
export type Places = ReadonlyMap<string, ReadonlySet<string>>;

/** Folders that paths lie in, absolute, as the paths spell them. "dir/": a folder itself. */
export function placesOf(dir: string, paths: Iterable<string>): Places {
  const places = new Map<string, Set<string>>();
  let last = "";
  let names = new Set<string>();
  for (const path of paths) {
    const folder = path.endsWith("/") ? path.slice(0, -1) : path.slice(0, Math.max(0, path.lastIndexOf("/")));
    // What fb makes there it knows itself.
    if (folder === ".fb" || folder.startsWith(".fb/build") || folder.startsWith(".fb/state")) continue;
    const at = path.startsWith("/") && folder === "" ? "/" : folder;
    if (at !== last || places.size === 0) {
      last = at;
      const full = resolve(dir, at);
      names = places.get(full) ?? new Set();
      places.set(full, names);
    }
    if (!path.endsWith("/")) names.add(path.slice(path.lastIndexOf("/") + 1));
  }
  return places;
}

/** As the disk is now. */
export function wanted(places: Places): Wanted {
  const found = new Map<string, Set<string> | null>();
  const climbed = new Set<string>();
  const real = memoized(realFolder);
  const top = new Set(["/", realFolder(tmpdir()) ?? "/tmp"]);
  const add = (folder: string, name: string | null) => {
    if (/^\/(proc|sys|dev)(\/|$)/.test(folder)) return;
    if (name === null) found.set(folder, null);
    else {
      const names = found.get(folder);
      if (names === undefined) found.set(folder, new Set([name]));
      else names?.add(name);
    }
  };
  /** The folders above, each for the name that leads here. */
  const climb = (path: string): void => {
    for (let at = path; at !== "/" && !climbed.has(at); at = dirname(at)) {
      climbed.add(at);
      const above = real(dirname(at));
      if (above === null) continue;
      if (top.has(above) && real(at) !== null) return;
      add(above, basename(at));
      if (above !== dirname(at)) climb(above);
    }
  };
  for (const [folder, names] of places) {
    const is = real(folder);
    climb(folder);
    if (is === null) continue;
    add(is, null);
    if (is !== folder) climb(is);
    for (const target of linkedFrom(is, names)) {
      const at = real(dirname(target));
      if (at === null) continue;
      add(at, basename(target));
      climb(at);
    }
  }
  return found;
}

/** What those of these names that are links lead to. */
function* linkedFrom(folder: string, names: ReadonlySet<string>): Generator<string> {
  if (names.size === 0) return;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isSymbolicLink() || !names.has(entry.name)) continue;
      const target = realFolder(`${folder}/${entry.name}`);
      if (target !== null) yield target;
    }
  } catch {
    // Gone, or not to be read: who watches what is above it sees it come.
  }
}

function realFolder(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null;
  }
}

function memoized(ask: (path: string) => string | null): (path: string) => string | null {
  const known = new Map<string, string | null>();
  return (path) => {
    let answer = known.get(path);
    if (answer === undefined) {
      answer = ask(path);
      known.set(path, answer);
    }
    return answer;
  };
}
