/** What the snapshot asks the disk and the environment, in one way for writing and for comparing. No imports beyond node:fs and node:path: the no-op loads this. */
import { lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import type { Now } from "./snapshot-format.ts";

const statOptions = { bigint: true, throwIfNoEntry: false } as const;

/** What a `!command` prints to stdout, in the project's folder; null if it fails. The one way to run them, here and where the configuration is read. */
export function runVolatile(command: string, now: Pick<Now, "dir" | "vars">): string | null {
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const ran = spawnSync("/bin/sh", ["-c", command], {
    cwd: now.dir,
    env: { ...now.vars },
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  return ran.status === 0 ? ran.stdout : null;
}

/** The first executable file of that name on PATH; null if there is none. A name with "/" is a path from the project's folder. */
export function resolveProgram(name: string, now: Pick<Now, "dir" | "vars">): string | null {
  const places = name.includes("/")
    ? [isAbsolute(name) ? name : join(now.dir, name)]
    : // Not join() for each: in code that runs once it takes longer than the stat.
      (now.vars["PATH"] ?? "").split(delimiter).map((p) => (isAbsolute(p) ? `${p}/${name}` : join(now.dir, p, name)));
  for (const path of places) {
    const s = statOf(path);
    // Node's access(2) costs a throw where it fails, so the mode is read; root may execute what anyone may.
    if (s?.isFile() && (s.mode & 0o111n) !== 0n) return path;
  }
  return null;
}

/** One level: names and kinds, links followed (a broken one counts as a file), fb's own folder left out. null: no folder. */
export function listing(path: string, hidden: readonly string[]): string | null {
  try {
    const entries: { name: string; is: "file" | "dir" }[] = [];
    for (const e of readdirSync(path, { withFileTypes: true })) {
      if (hidden.includes(e.name)) continue;
      if (!e.isSymbolicLink()) entries.push({ name: e.name, is: e.isDirectory() ? "dir" : "file" });
      else {
        entries.push({ name: e.name, is: statOf(join(path, e.name))?.isDirectory() === true ? "dir" : "file" });
      }
    }
    return listingText(entries);
  } catch {
    return null;
  }
}

/** "f" or "d" and the name, sorted, joined by NUL. */
export function listingText(entries: readonly { readonly name: string; readonly is: "file" | "dir" }[]): string {
  return entries
    .map((e) => (e.is === "dir" ? "d" : "f") + e.name)
    .sort()
    .join("\0");
}

const secret = "sysenv.";

/** What is kept of a variable: null if it is unset, for a name "sysenv.NAME" the digest of NAME's value, else the value. */
export function storedValue(name: string, value: string | undefined): string | null {
  if (value === undefined) return null;
  return name.startsWith(secret) ? `sha256:${digestOf(value)}` : value;
}

export function variableOf(name: string): string {
  return name.startsWith(secret) ? name.slice(secret.length) : name;
}

/** The name in a record of a variable whose value nobody is to see. */
export function secretName(variable: string): string {
  return secret + variable;
}

export function isSecretName(name: string): boolean {
  return name.startsWith(secret);
}

export function digestOf(text: string): string {
  return process.getBuiltinModule("node:crypto").hash("sha256", text, "hex");
}

export function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

export function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  } catch {
    return false;
  }
}

/** What cannot be looked at (a folder without permission, a loop of links) is as if it were not there: so it is for a compiler. */
export function statOf(path: string) {
  try {
    return statSync(path, statOptions);
  } catch {
    return undefined;
  }
}

/** Whether what a record says is missing still is. "x/": no file is there, maybe a folder. */
export function isMissing(dir: string, missing: string): boolean {
  const mayBeFolder = missing.endsWith("/");
  const there = statOf(inFolder(dir, mayBeFolder ? missing.slice(0, -1) : missing));
  return there === undefined || (mayBeFolder && there.isDirectory());
}

/** A path from the project's folder, "" being that folder itself, made absolute. */
export function inFolder(dir: string, path: string): string {
  return isAbsolute(path) ? path : path === "" ? dir : `${dir}/${path}`;
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : slash === 0 ? "/" : path.slice(0, slash);
}
