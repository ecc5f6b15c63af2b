/** Walks down folders by their listings, and out of loops of links. Listings follow links and do not say which names are links. */
import { join } from "../engine/paths.ts";

type Entries = readonly { readonly name: string; readonly is: "file" | "dir" }[];

export interface Folder {
  /** "" is the project's. */
  readonly dir: string;
  readonly entries: Entries;
}

type List = (dir: string) => Entries | null;

interface Passed {
  readonly dir: string;
  readonly shape: string;
}

/** A way down that comes to the same names as often as this goes round; real folders do not nest like that. Linux follows 40 links in a path. */
const ROUNDS = 4;

/**
 * A folder and every folder below it, each before those in it. A folder that a link leads back to from below itself is passed once, so that no file is
 * found twice; PlatformIO goes round until the system has had enough, and then cannot link what it has compiled 40 times.
 * @param top the folder where the way down began, if not at `dir`: what leads back to a folder between the two is a loop as well
 * @param enters which folders to go into, by name
 */
export function* foldersBelow(
  dir: string,
  list: List,
  { top = dir, enters = () => true }: { readonly top?: string; readonly enters?: (name: string) => boolean } = {},
): Generator<Folder> {
  yield* walk(dir, list, enters, passedOn(top, dir, list));
}

function* walk(dir: string, list: List, enters: (name: string) => boolean, passed: readonly Passed[]): Generator<Folder> {
  const entries = list(dir) ?? [];
  const shape = shapeOf(entries);
  if (passed.some((one) => one.shape === shape && goesRound(one, dir, list))) return;
  yield { dir, entries };
  const here = [...passed, { dir, shape }];
  for (const { name, is } of entries) if (is === "dir" && enters(name)) yield* walk(join(dir, name), list, enters, here);
}

/** The folders from `top` down to the one above `dir`; none where it does not lie below. */
function passedOn(top: string, dir: string, list: List): Passed[] {
  if (!isWithin(top, dir)) return [];
  const passed: Passed[] = [];
  let at = top;
  for (const name of wayDown(top, dir)
    .split("/")
    .filter((part) => part !== "")) {
    passed.push({ dir: at, shape: shapeOf(list(at) ?? []) });
    at = join(at, name);
  }
  return passed;
}

/** Whether the way from a folder to one below it that looks the same can be gone again and again. */
function goesRound(from: Passed, dir: string, list: List): boolean {
  const way = wayDown(from.dir, dir);
  let at = dir;
  for (let round = 1; round < ROUNDS; round++) {
    at = join(at, way);
    const entries = list(at);
    if (entries === null || shapeOf(entries) !== from.shape) return false;
  }
  return true;
}

/** A folder's path from one above it. */
function wayDown(top: string, dir: string): string {
  return top === "" || top === "/" ? dir.slice(top.length) : dir.slice(top.length + 1);
}

/** Whether a path is a folder or lies below it. */
export function isWithin(folder: string, path: string): boolean {
  if (folder === "") return !path.startsWith("/") && path !== ".." && !path.startsWith("../");
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

function shapeOf(entries: Entries): string {
  return entries.map((entry) => `${entry.is} ${entry.name}`).join("\n");
}
