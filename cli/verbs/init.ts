/** `fb init`: starts a project for boards, or adds boards to one. Nothing that is there is overwritten. */
import { appendFileSync, existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { makeFolders } from "../../cache/folders.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import type { BoardData } from "../../rules/boards.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import { type Config, readConfig } from "../../rules/ini/config.ts";
import { didYouMean } from "../../rules/nearest.ts";
import type { Platform } from "../../rules/project.ts";
import type { Command } from "../command.ts";
import { complain, type Faces } from "../faces.ts";
import { openDisk } from "../host/disk.ts";
import { RecordingProjectIo } from "../open-project.ts";
import { quoteForShell } from "../show/text.ts";
import { boardShelf, ownBoards } from "./boards.ts";

type InitCommand = Extract<Command, { verb: "init" }>;

/** A board to make an env for. */
interface Chosen {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  /** "" where the board has none. */
  readonly framework: string;
}

/** What a project's version control leaves out. */
const IGNORED = [".fb/", "compile_commands.json"];
const SOURCE = /\.(?:c|cc|cpp|cxx|c\+\+|ino|pde|s|S)$/;

/** Exit 3 for a board that no platform has, or a platformio.ini that does not read; then nothing has been written. */
export async function initVerb(command: InitCommand, faces: Faces): Promise<number> {
  const wanted = resolve(command.project ?? command.dir ?? ".");
  try {
    const boards = chooseBoards(wanted, [...new Set(command.boards)]);
    if (!boards.ok) return complain(faces, [boards.failure]);
    makeFolders(wanted);
    const folder = realpathSync(wanted);
    const lines = existsSync(join(folder, CONFIG_FILE)) ? addEnvs(folder, boards.value) : ok(startProject(folder, boards.value));
    if (!lines.ok) return complain(faces, [lines.failure]);
    const here = relative(process.cwd(), folder);
    const next = here === "" ? "fb" : `fb -C ${quoteForShell([here])}`;
    faces.out.write(`${lines.value.join("\n")}\nnext: ${next} builds it\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const hint = "give your user access to that folder, or name another: fb init --board ID DIR";
    return complain(faces, [failure("init.disk", 4, `cannot write in ${wanted}: ${error.code}`, { file: wanted, hint })]);
  }
}

// ── boards ──

function chooseBoards(folder: string, ids: readonly string[]): Result<readonly Chosen[]> {
  const disk = openDisk(folder);
  const platforms = boardShelf(disk).all();
  if (!platforms.ok) return platforms;
  const own = existsSync(join(folder, CONFIG_FILE))
    ? ownBoards(
        folder,
        disk,
        platforms.value.map((p) => p.name),
        null,
      )
    : [];
  const chosen: Chosen[] = [];
  for (const id of ids) {
    const mine = own.find((o) => o.board.id === id);
    const platform = platforms.value.find((p) => (mine === undefined ? p.boards.get(id) !== undefined : p.name === mine.platform));
    const board = mine?.board ?? platform?.boards.get(id);
    if (platform === undefined || board === undefined)
      return fail(
        unknownBoard(
          id,
          platforms.value,
          own.map((o) => o.board.id),
        ),
      );
    chosen.push({
      id,
      name: nameOf(board),
      platform: platform.rules.platform?.addresses[0] ?? platform.name,
      framework: frameworkOf(board, platform),
    });
  }
  return ok(chosen);
}

function nameOf(board: BoardData): string {
  const name = board.json["name"];
  return typeof name === "string" ? name : board.id;
}

/** Arduino where the board has it, else the first of its frameworks that the platform knows. */
function frameworkOf(board: BoardData, platform: Platform): string {
  const known = platform.rules.platform?.frameworks ?? [];
  const has = board.json["frameworks"];
  const both = Array.isArray(has) ? has.map(String).filter((f) => known.includes(f)) : known;
  return both.includes("arduino") ? "arduino" : (both[0] ?? "");
}

function unknownBoard(id: string, platforms: readonly Platform[], own: readonly string[]): Failure {
  const boardless = platforms.find((p) => p.boards.ids.length === 0 && p.rules.platform?.names.includes(id) === true);
  const ids = [...own, ...platforms.flatMap((p) => p.boards.ids)];
  const hint =
    boardless === undefined
      ? `${didYouMean(id, ids, "")} \`fb boards WORD\` lists those that have a word`.trimStart()
      : `${id} is a platform without boards: write a ${CONFIG_FILE} that says [env:${id}] and platform = ${id}`;
  return failure("board.unknown", 3, `unknown board "${id}"`, { hint });
}

// ── files ──

function startProject(folder: string, boards: readonly Chosen[]): string[] {
  const said: string[] = [];
  // An Arduino sketch keeps its place: PlatformIO looks in src/ only when it is not told otherwise.
  const sketches = readdirSync(folder).filter((name) => /\.(?:ino|pde)$/.test(name));
  const here = sketches.length > 0 && !existsSync(join(folder, "src"));
  const head = here ? "[platformio]\nsrc_dir = .\n\n" : "";
  const comment = "; One section for each board. `fb` builds all of them, `fb run -e NAME` one; `fb init --board ID` adds one.\n";
  make(folder, CONFIG_FILE, comment + head + boards.map(section).join("\n"));
  said.push(`made ${CONFIG_FILE}: ${boards.map(described).join(", ")}`);
  if (here) said.push(`the sources are where they were: ${sketches.join(", ")}`);
  else if (!hasSource(join(folder, "src"))) {
    make(folder, "src/main.cpp", blink(boards.every((b) => b.framework === "arduino")));
    said.push("made src/main.cpp: a program to start with");
  }
  for (const name of ["include", "lib"]) {
    if (here || existsSync(join(folder, name))) continue;
    makeFolders(join(folder, name));
    said.push(
      name === "include" ? "made include/: for headers of the project" : "made lib/: for libraries of the project, each in a folder",
    );
  }
  const ignored = ignore(folder);
  if (ignored !== "") said.push(ignored);
  return said;
}

/** Appends the envs that are missing; fails (exit 3) where the ini does not read, which is then left as it is. */
function addEnvs(folder: string, boards: readonly Chosen[]): Result<string[]> {
  const io = new RecordingProjectIo(folder, openDisk(folder));
  const config = readConfig(folder, io);
  if (!config.ok) return config;
  const said: string[] = [];
  const added: Chosen[] = [];
  for (const board of boards) {
    const env = envOf(config.value, board.id);
    if (env === null) added.push(board);
    else said.push(`${CONFIG_FILE}${placeOf(config.value, env)} has ${board.id} already, as [env:${env}]`);
  }
  const taken = added.find((b) => config.value.envs.includes(b.id));
  if (taken !== undefined) {
    const hint = `add a section with another name by hand:\n${section(taken).replace(`[env:${taken.id}]`, `[env:${taken.id}_2]`).trimEnd()}`;
    const message = `${CONFIG_FILE} has an [env:${taken.id}] that is for another board`;
    return fail(failure("init.env-taken", 3, message, { ...config.value.origin(`env:${taken.id}`, "board"), file: CONFIG_FILE, hint }));
  }
  if (added.length > 0) {
    append(join(folder, CONFIG_FILE), added.map(section).join("\n"), true);
    said.push(`added to ${CONFIG_FILE}: ${added.map(described).join(", ")}`);
  }
  const ignored = ignore(folder);
  if (ignored !== "") said.push(ignored);
  return ok(said);
}

function envOf(config: Config, board: string): string | null {
  return (
    config.envs.find((env) => {
      const value = config.get(`env:${env}`, "board");
      return value.ok && value.value === board;
    }) ?? null
  );
}

function placeOf(config: Config, env: string): string {
  const place = config.origin(`env:${env}`, "board");
  return place === null || place.file !== CONFIG_FILE ? "" : `:${place.line}`;
}

function section({ id, platform, framework }: Chosen): string {
  return `[env:${id}]\nplatform = ${platform}\nboard = ${id}\n${framework === "" ? "" : `framework = ${framework}\n`}`;
}

function described({ id, name }: Chosen): string {
  return `[env:${id}] ${name}`;
}

function blink(arduino: boolean): string {
  if (!arduino) return "int main(void) {\n  for (;;) {\n  }\n}\n";
  return `#include <Arduino.h>

#ifndef LED_BUILTIN
#define LED_BUILTIN 13
#endif

void setup() {
  pinMode(LED_BUILTIN, OUTPUT);
}

void loop() {
  digitalWrite(LED_BUILTIN, HIGH);
  delay(500);
  digitalWrite(LED_BUILTIN, LOW);
  delay(500);
}
`;
}

function hasSource(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder, { withFileTypes: true }).some((e) =>
    e.isDirectory() ? hasSource(join(folder, e.name)) : SOURCE.test(e.name),
  );
}

/** The line that tells what .gitignore got; "" when it had all. */
function ignore(folder: string): string {
  const file = join(folder, ".gitignore");
  const there = existsSync(file);
  const has = there ? readFileSync(file, "utf8").split(/\r?\n/) : [];
  const missing = IGNORED.filter(
    (line) => ![line, `/${line}`, line.replace(/\/$/, ""), `/${line.replace(/\/$/, "")}`].some((l) => has.includes(l)),
  );
  if (missing.length === 0) return "";
  const text = missing.map((line) => `${line}\n`).join("");
  if (there) append(file, text, false);
  else make(folder, ".gitignore", text);
  return `${there ? "added to" : "made"} .gitignore: ${missing.join(" ")}`;
}

/** A file that is not there yet; throws EEXIST when it is. */
function make(folder: string, path: string, text: string): void {
  makeFolders(dirname(join(folder, path)));
  writeFileSync(join(folder, path), text, { flag: "wx" });
}

/** At the end, on a line of its own, after a blank one where `apart`; with the line ends that the file has. */
function append(file: string, text: string, apart: boolean): void {
  const now = readFileSync(file, "utf8");
  const gap = now === "" ? "" : `${now.endsWith("\n") ? "" : "\n"}${apart ? "\n" : ""}`;
  const added = gap + text;
  appendFileSync(file, now.includes("\r\n") ? added.replaceAll("\n", "\r\n") : added);
}
