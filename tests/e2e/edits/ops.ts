/** What can happen to a project between two runs, as data: written down once, so that a sequence can be done again with parts left out. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** now; kept: the file's own time is put back, to the nanosecond; old and future: years away. */
export type Time = "now" | "kept" | "old" | "future";

/** How something that fb made is harmed. `flip`: another byte, the same size and time. */
export type Harm = "delete" | "truncate" | "append" | "flip" | "mode" | "folder" | "link" | "touch" | "delete folder" | "file for folder";

/** A file that a harm leaves where something else was. */
export const STRAY = "in the way";

export interface RunOp {
  readonly do: "run";
  readonly envs: readonly string[];
  /** null: what the ini says. */
  readonly profile: string | null;
  /** More words of the command line. */
  readonly words: readonly string[];
  /** Whether the law is asked after it; then the words change nothing of what is built. */
  readonly check: boolean;
  /** Also from another folder with the same cache; also by the exported commands. */
  readonly twin: boolean;
  readonly sh: boolean;
  /** What happens as soon as an action has begun. */
  readonly during: readonly FileOp[];
}

/** Paths are relative to the project; `../out/` is the only folder outside. */
export type FileOp =
  | { readonly do: "write"; readonly path: string; readonly text: string; readonly time: Time; readonly rename: boolean }
  | { readonly do: "touch"; readonly path: string; readonly time: Time }
  | { readonly do: "remove"; readonly path: string }
  | { readonly do: "move" | "copy"; readonly from: string; readonly to: string }
  | { readonly do: "link"; readonly path: string; readonly to: string }
  | { readonly do: "folder"; readonly path: string }
  | { readonly do: "mode"; readonly path: string; readonly mode: number };

export type Op =
  | RunOp
  | FileOp
  /** `at` in [0, 1): which of the files there are, sorted. */
  | { readonly do: "harm"; readonly how: Harm; readonly at: number }
  | {
      readonly do: "lose";
      readonly what: ".fb" | ".fb/build" | ".fb/state" | "state part" | "snapshot half" | "cache" | "blobs" | "blob half";
      readonly at: number;
    }
  | { readonly do: "var"; readonly name: string; readonly value: string | null };

/** One line for a report. */
export function opText(op: Op): string {
  const { do: what, ...rest } = op;
  if (op.do !== "run") return `${what} ${JSON.stringify(rest)}`;
  const during = op.during.length === 0 ? "" : `, meanwhile ${op.during.map(opText).join("; ")}`;
  return `run ${runWords(op).join(" ")}${op.check ? " (and ask the law)" : ""}${during}`;
}

/** The words after `fb run`. */
export function runWords(op: RunOp): string[] {
  return [...op.envs.flatMap((e) => ["-e", e]), ...(op.profile === null ? [] : [`--${op.profile}`]), ...op.words];
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function setTime(path: string, time: Time): void {
  if (time === "old") utimesSync(path, 1_000_000_000, 1_000_000_000);
  else if (time === "future") utimesSync(path, 3_000_000_000, 3_000_000_000);
  else if (time === "now") utimesSync(path, new Date(), new Date());
}

/** node's utimes knows no nanoseconds; touch does. `edit` changes the file at `path`, whose time stays. */
function keepingTime(path: string, note: string, edit: () => void): void {
  if (!existsSync(path)) return edit();
  writeFileSync(note, "");
  execFileSync("touch", ["-r", path, note]);
  edit();
  execFileSync("touch", ["-r", note, path]);
}

/** Does one to the project in `folder`. What can not be done, since an edit before it was left out, is nothing. `note`: a path for a file of its own. */
export function applyFileOp(folder: string, note: string, op: FileOp): void {
  try {
    attempt(folder, note, op);
  } catch (error) {
    if (
      !(
        error instanceof Error &&
        "code" in error &&
        typeof error.code === "string" &&
        /^E(NOENT|EXIST|ISDIR|NOTDIR|LOOP|INVAL|NOTEMPTY)|^ERR_FS/.test(error.code)
      )
    )
      throw error;
  }
}

function attempt(folder: string, note: string, op: FileOp): void {
  const at = (path: string) => join(folder, path);
  const parent = (path: string) => mkdirSync(dirname(at(path)), { recursive: true });
  switch (op.do) {
    case "write": {
      parent(op.path);
      const path = at(op.path);
      if (isFolder(path)) rmSync(path, { recursive: true });
      const write = () => {
        if (!op.rename) return writeFileSync(path, op.text);
        writeFileSync(`${path}.new`, op.text);
        renameSync(`${path}.new`, path);
      };
      if (op.time === "kept") keepingTime(path, note, write);
      else {
        write();
        if (op.time !== "now") setTime(path, op.time);
      }
      return;
    }
    case "touch":
      return setTime(at(op.path), op.time);
    case "remove":
      return rmSync(at(op.path), { recursive: true });
    case "move":
      parent(op.to);
      return renameSync(at(op.from), at(op.to));
    case "copy":
      parent(op.to);
      return cpSync(at(op.from), at(op.to), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    case "link":
      parent(op.path);
      rmSync(at(op.path), { recursive: true, force: true });
      return symlinkSync(op.to, at(op.path));
    case "folder":
      rmSync(at(op.path), { recursive: true, force: true });
      mkdirSync(at(op.path), { recursive: true });
      return;
    case "mode":
      return chmodSync(at(op.path), op.mode);
  }
}

/** Every file or link below a folder, sorted, relative to it. */
export function filesBelow(folder: string): string[] {
  if (!isFolder(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => !e.isDirectory())
    .map((e) => join(e.parentPath, e.name).slice(folder.length + 1))
    .sort();
}

function harm(folder: string, note: string, how: Harm, share: number): void {
  const made = filesBelow(join(folder, ".fb/build"));
  const name = made[Math.floor(share * made.length)];
  if (name === undefined) return;
  const path = join(folder, ".fb/build", name);
  // Through a link an edit would reach what it leads to.
  if (lstatSync(path).isSymbolicLink()) return rmSync(path);
  const flipped = () => {
    const bytes = readFileSync(path);
    if (bytes.length > 0) bytes[Math.floor(share * 997) % bytes.length] = (bytes[Math.floor(share * 997) % bytes.length] ?? 0) ^ 1;
    return bytes;
  };
  switch (how) {
    case "delete":
      return rmSync(path);
    case "truncate":
      return truncateSync(path, Math.floor(lstatSync(path).size * share));
    case "append":
      return appendFileSync(path, "more");
    case "flip":
      return keepingTime(path, note, () => writeFileSync(path, flipped()));
    case "mode":
      return chmodSync(path, statSync(path).mode ^ 0o111);
    case "touch":
      return setTime(path, share < 0.5 ? "now" : "old");
    case "folder":
      rmSync(path);
      mkdirSync(path);
      return writeFileSync(join(path, STRAY), "");
    case "link":
      rmSync(path);
      return symlinkSync(join(folder, "platformio.ini"), path);
    case "delete folder":
      return rmSync(dirname(path), { recursive: true });
    case "file for folder":
      rmSync(dirname(path), { recursive: true });
      return writeFileSync(dirname(path), STRAY);
  }
}

/** Where a sequence happens. */
export interface Place {
  readonly folder: string;
  readonly cache: string;
  /** A path beside both for a file of its own. */
  readonly note: string;
  readonly vars: Map<string, string>;
}

function lose(place: Place, what: Extract<Op, { do: "lose" }>["what"], share: number): void {
  const state = join(place.folder, ".fb/state");
  const pick = (names: readonly string[]) => names[Math.floor(share * names.length)];
  switch (what) {
    case ".fb":
    case ".fb/build":
    case ".fb/state":
      return rmSync(join(place.folder, what), { recursive: true, force: true });
    case "state part": {
      const name = existsSync(state) ? pick(readdirSync(state).sort()) : undefined;
      return name === undefined ? undefined : rmSync(join(state, name), { recursive: true });
    }
    case "snapshot half": {
      const path = join(state, "snapshot");
      return existsSync(path) ? truncateSync(path, Math.floor(statSync(path).size * share)) : undefined;
    }
    case "cache":
      return rmSync(place.cache, { recursive: true, force: true });
    case "blobs": {
      const names = filesBelow(join(place.cache, "blobs"));
      for (const name of names.filter((_, i) => i % 3 === Math.floor(share * 3))) rmSync(join(place.cache, "blobs", name));
      return;
    }
    case "blob half": {
      const name = pick(filesBelow(join(place.cache, "blobs")));
      if (name === undefined) return;
      const path = join(place.cache, "blobs", name);
      chmodSync(path, 0o644);
      return truncateSync(path, Math.floor(statSync(path).size / 2));
    }
  }
}

/** Does anything but a run. */
export function applyOp(place: Place, op: Exclude<Op, RunOp>): void {
  if (op.do === "harm") harm(place.folder, place.note, op.how, op.at);
  else if (op.do === "lose") lose(place, op.what, op.at);
  else if (op.do === "var") {
    if (op.value === null) place.vars.delete(op.name);
    else place.vars.set(op.name, op.value);
  } else applyFileOp(place.folder, place.note, op);
}
