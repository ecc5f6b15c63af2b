/** `fb boards`: the boards that fb's platforms know and the project in this folder describes. */
import { existsSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { failure } from "../../engine/failure.ts";
import { type BoardIo, type BoardLine, listBoards, projectBoards } from "../../rules/boards.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import { nearest } from "../../rules/nearest.ts";
import { PlatformShelf } from "../../rules/project.ts";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { home } from "../home.ts";
import { type HostDisk, openDisk } from "../host/disk.ts";
import { openProject } from "../open-project.ts";
import { padEnd, paint } from "../show/text.ts";

/** So many ids are named when nothing matches. */
const NEAR = 5;

/** Exit 2 when nothing matches. A project whose ini does not read adds no boards, and is told of on standard error. */
export async function boardsVerb(command: Extract<Command, { verb: "boards" }>, faces: Faces): Promise<number> {
  const folder = resolve(command.dir ?? ".");
  if (!existsSync(folder))
    return complain(faces, [failure("project.no-folder", 3, `there is no folder ${folder}`, { hint: "check the path" })]);
  const disk = openDisk(folder);
  const shelf = boardShelf(disk);
  const platforms = shelf.all();
  if (!platforms.ok) return complain(faces, [platforms.failure]);
  // Platforms that have one table of boards are listed as the first of them.
  const tables = platforms.value.filter(
    (p, i, all) => p.boards.ids.length > 0 && all.findIndex((other) => other.boards.file === p.boards.file) === i,
  );
  const own = ownBoards(
    folder,
    disk,
    tables.map((p) => p.name),
    faces,
  );
  const query = command.query ?? "";
  const found = listBoards(query, tables, own);
  if (command.json) {
    faces.out.write(`${JSON.stringify(found)}\n`);
    return 0;
  }
  if (found.length > 0) {
    faces.out.write(boardTable(found, faces.out.color));
    return 0;
  }
  return complain(faces, [
    failure("boards.none", 2, `no board has "${query}" in its id, name, chip, vendor or platform`, {
      hint: nearBoards(query, listBoards("", tables, own)),
    }),
  ]);
}

/** The ids of boards with a word that is close to one of the query's. */
function nearBoards(query: string, all: readonly BoardLine[]): string {
  const parts = (b: BoardLine) => [b.id, b.mcu, ...b.name.toLowerCase().split(/[^a-z0-9]+/)].filter((w) => w !== "");
  const near = query.split(/\s+/).flatMap((word) => nearest(word, all.flatMap(parts)));
  const likely = all.filter((b) => parts(b).some((w) => near.includes(w)));
  // An id that is close as a whole goes before one with a close word in its name.
  const ids = [...likely.filter((b) => near.includes(b.id)), ...likely.filter((b) => !near.includes(b.id))].map((b) => `"${b.id}"`);
  if (ids.length === 0) return `\`fb boards\` lists all ${all.length}`;
  const more = ids.length > NEAR ? `, … (fb boards ${near[0]})` : "";
  return `did you mean ${ids.slice(0, NEAR).join(", ")}${more}?`;
}

/** The platforms that come with fb, read through a disk. */
export function boardShelf(disk: HostDisk): PlatformShelf {
  return new PlatformShelf(join(home(), "platforms"), reading(disk));
}

function reading(disk: HostDisk): BoardIo {
  return {
    read: (path) => (disk.sign(path) === null || disk.isDir(path) ? null : new TextDecoder().decode(disk.read(path))),
    list: (path) => disk.list(path),
  };
}

/** The boards that the project in a folder describes; one that does not read adds none, and `faces` are told of it. */
export function ownBoards(
  folder: string,
  disk: HostDisk,
  platforms: readonly string[],
  faces: Faces | null,
): ReturnType<typeof projectBoards> {
  if (!existsSync(join(folder, CONFIG_FILE))) return [];
  const opened = openProject(folder);
  if (!opened.ok) {
    if (faces !== null) complain(faces, [{ ...opened.failure, severity: "warning" }]);
    return [];
  }
  const { dirs, envs } = opened.value.project;
  // One that names no platform is, most likely, of one that the project builds for.
  const used = [...envs.values()].flatMap((env) =>
    env.ok && platforms.includes(env.value.platform.name) ? [env.value.platform.name] : [],
  );
  const folders = [dirs.boards, `${dirs.core}/boards`].map((d) => (isAbsolute(d) ? d : join(folder, d)));
  return projectBoards(folders, [...new Set([...used, ...platforms])], reading(disk));
}

/** Columns: id, name, chip, clock, flash, RAM. */
export function boardTable(boards: readonly BoardLine[], color: boolean): string {
  const rows = boards.map((b) => [b.id, b.name, b.mcu, frequency(b.f_cpu), kilobytes(b.flash), kilobytes(b.ram), b.platform]);
  const head = ["ID", "NAME", "CHIP", "CLOCK", "FLASH", "RAM", "PLATFORM"];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  // Numbers end at their column's right edge.
  const cell = (text: string, i: number) => (i >= 3 && i <= 5 ? text.padStart(widths[i] ?? 0) : padEnd(text, widths[i] ?? 0));
  const line = (row: readonly string[]) => row.map(cell).join("  ").trimEnd();
  return [paint(line(head), "dim", color), ...rows.map(line)].map((l) => `${l}\n`).join("");
}

/** `16 MHz`, `3.6864 MHz`; nothing where it is not known. */
function frequency(hertz: number): string {
  return hertz === 0 ? "" : `${Number((hertz / 1e6).toFixed(4))} MHz`;
}

/** Memories come in powers of two: `31.5 kB` is 32256 bytes. */
function kilobytes(bytes: number): string {
  return bytes === 0 ? "" : bytes < 1024 ? `${bytes} B` : `${Number((bytes / 1024).toFixed(1))} kB`;
}
