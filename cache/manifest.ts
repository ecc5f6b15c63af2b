/**
 * The manifest of a stored package, `.fb-manifest` in its folder: a line of JSON about the package, then a line for each entry, sorted by path:
 *
 *   d PATH                    a folder
 *   f MODE SIZE SHA256 PATH   a file; MODE 444 or 555
 *   l TARGET PATH             a symbolic link
 *
 * PATH and TARGET are JSON strings, so that no name can break a line. The package's digest is the sha256 of the lines after the first: content, names and who may
 * execute what; no times, owners or order. Schema 1; a file of another schema is read as damaged, which installs the package anew.
 */
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../engine/types.ts";
import type { Entry } from "./extract/tree.ts";

export const manifestName = ".fb-manifest";
const schema = 1;

export interface About {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  /** sha256 of archive and options that it was made from (cache/store.ts): the same recipe needs no second extraction. */
  readonly recipe: string;
}

export interface Manifest extends About {
  readonly entries: readonly Entry[];
}

export function entryLines(entries: readonly Entry[]): string {
  return entries.map((e) => `${entryLine(e)}\n`).join("");
}

export function digestOf(lines: string): Digest {
  return createHash("sha256").update(lines).digest("hex") as Digest;
}

export function manifestText(about: About, lines: string): string {
  return `${JSON.stringify({ schema, ...about })}\n${lines}`;
}

/** The manifest of a package's folder; null if there is none, or if it is not what its own digest says. */
export function readManifest(folder: string): Manifest | null {
  try {
    const text = readFileSync(join(folder, manifestName), "utf8");
    const end = text.indexOf("\n") + 1;
    const about = aboutOf(text.slice(0, end));
    const lines = text.slice(end);
    if (about === null || digestOf(lines) !== about.digest) return null;
    const entries = lines.split("\n").slice(0, -1).map(parseLine);
    return entries.includes(null) ? null : { ...about, entries: entries.filter((e) => e !== null) };
  } catch {
    return null;
  }
}

/** Its first line only: 20 µs whatever the package's size. */
export function readAbout(folder: string): About | null {
  let fd: number;
  try {
    fd = openSync(join(folder, manifestName), "r");
  } catch {
    return null;
  }
  try {
    const head = Buffer.alloc(2048);
    const text = head.toString("utf8", 0, readSync(fd, head));
    const end = text.indexOf("\n");
    return end < 0 ? null : aboutOf(text.slice(0, end));
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}

function aboutOf(line: string): About | null {
  const { schema: written, name, version, digest, recipe } = JSON.parse(line) as Partial<Record<string, unknown>>;
  const text = typeof name === "string" && typeof version === "string" && typeof digest === "string" && typeof recipe === "string";
  return text && written === schema ? { name, version, digest: digest as Digest, recipe } : null;
}

function entryLine(e: Entry): string {
  switch (e.kind) {
    case "folder":
      return `d ${JSON.stringify(e.path)}`;
    case "file":
      return `f ${e.executable ? "555" : "444"} ${e.size} ${e.sha256} ${JSON.stringify(e.path)}`;
    case "link":
      return `l ${JSON.stringify(e.target)} ${JSON.stringify(e.path)}`;
    default:
      return e satisfies never;
  }
}

const string = '"(?:[^"\\\\]|\\\\.)*"';
const folderLine = new RegExp(`^d (${string})$`);
const fileLine = new RegExp(`^f (444|555) (\\d+) ([0-9a-f]{64}) (${string})$`);
const linkLine = new RegExp(`^l (${string}) (${string})$`);

function parseLine(line: string): Entry | null {
  const text = (json: string | undefined) => JSON.parse(json ?? '""') as string;
  const file = fileLine.exec(line);
  if (file !== null)
    return { kind: "file", path: text(file[4]), size: Number(file[2]), executable: file[1] === "555", sha256: file[3] ?? "" };
  const folder = folderLine.exec(line);
  if (folder !== null) return { kind: "folder", path: text(folder[1]) };
  const link = linkLine.exec(line);
  return link === null ? null : { kind: "link", path: text(link[2]), target: text(link[1]) };
}
