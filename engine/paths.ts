/**
 * One spelling for every file. Commands run in the project's folder and name files relative to it; packages and outside folders are reached through
 * links (`.fb/pkg/NAME`, `.fb/root/NAME`), so that two checkouts and two machines write the same command lines. In keys the output folder is `@out`
 * and an absolute path is `@sys/…`.
 */
import type { CanonPath, ProjectPath, Read } from "./types.ts";

/** A folder that paths are named from: `prefix` is how commands name it, `real` where it is. */
export interface Root {
  readonly prefix: string;
  readonly real: string;
}

export interface PathHost {
  realpath(path: string): string | null;
}

export class Paths {
  readonly project: string;
  private readonly host: PathHost;
  private roots: readonly Root[];
  private readonly seen = new Map<string, ProjectPath>();
  private readonly folders = new Map<string, string>();

  /** project: the real path of the project's folder. */
  constructor(project: string, host: PathHost) {
    this.project = project;
    this.host = host;
    this.roots = [{ prefix: "", real: project }];
  }

  /** The roots beside the project's folder. */
  further(): readonly Root[] {
    return this.roots.filter((r) => r.prefix !== "");
  }

  /** Names a further root; a path below its real folder is spelled with its prefix from now on. */
  addRoot(root: Root): void {
    if (this.roots.some((r) => r.prefix === root.prefix)) return;
    // The longest folder first, so that a package inside the project is not taken for project files.
    this.roots = [...this.roots, root].sort((a, b) => b.real.length - a.real.length);
    this.seen.clear();
    this.folders.clear();
  }

  /**
   * The one spelling of a path as a tool printed it. `..` is collapsed only where that leads to the same folder on disk (links). A relative path that
   * climbs out of the project stays relative: two checkouts beside equal neighbours then share their keys.
   */
  normal(path: string): ProjectPath {
    let known = this.seen.get(path);
    if (known === undefined) {
      known = this.compute(path);
      this.seen.set(path, known);
    }
    return known;
  }

  private compute(path: string): ProjectPath {
    if (!path.includes("..")) return this.spelled(collapse(path)) as ProjectPath;
    const name = baseOf(path);
    if (name === "" || name === "..") return (this.folder(path) + (name === "" ? "/" : "")) as ProjectPath;
    return join(this.folder(folderOf(path)), name) as ProjectPath;
  }

  /** A folder's spelling. Asked of the disk once a folder, not once a file: compilers name their own as `…/5.4.0/../../../avr/include`. */
  private folder(path: string): string {
    let known = this.folders.get(path);
    if (known === undefined) {
      const lexical = collapse(path || ".").replace(/(.)\/$/, "$1");
      const real = this.host.realpath(path || ".");
      const same = real === null || this.host.realpath(lexical) === real;
      known = same ? this.spelled(lexical) : this.rooted(real);
      this.folders.set(path, known);
    }
    return known;
  }

  private spelled(lexical: string): string {
    return isAbsolute(lexical) ? this.rooted(lexical) : lexical;
  }

  /** An absolute path as the root below which it lies spells it, or as it is. */
  private rooted(absolute: string): string {
    for (const root of this.roots) {
      if (absolute === root.real) return root.prefix === "" ? "." : root.prefix;
      if (absolute.startsWith(root.real === "/" ? "/" : `${root.real}/`)) return join(root.prefix, absolute.slice(root.real.length + 1));
    }
    return absolute;
  }
}

export function outFolder(env: string, profile: string): string {
  return `.fb/build/${env}/${profile}`;
}

/** How keys and records spell a path: `out` is the output folder that becomes @out. A name in the project that begins with "@" keeps out of their way. */
export function canonical(path: string, out: string): CanonPath {
  if (path.startsWith(out) && (path.length === out.length || path[out.length] === "/")) return `@out${path.slice(out.length)}` as CanonPath;
  return (isAbsolute(path) ? `@sys${path}` : path.startsWith("@") ? `./${path}` : path) as CanonPath;
}

/** The inverse of canonical. */
export function fromCanonical(path: string, out: string): ProjectPath {
  if (path.startsWith("@out") && (path.length === 4 || path[4] === "/")) return `${out}${path.slice(4)}` as ProjectPath;
  return (path.startsWith("@sys/") ? path.slice(4) : path.startsWith("./@") ? path.slice(2) : path) as ProjectPath;
}

/** A read in its canonical form, and back; a value's name is no path and stays. */
export function canonicalRead({ is, path }: Read, out: string): Read<CanonPath> {
  return { is, path: is === "value" ? (path as string as CanonPath) : canonical(path, out) };
}

export function projectRead({ is, path }: Read<CanonPath>, out: string): Read {
  return { is, path: is === "value" ? (path as string as ProjectPath) : fromCanonical(path, out) };
}

/** Text that names paths (arguments, logs) in its canonical form. A literal "@out" in it becomes "@%out", so that the way back is unique. */
export function canonicalText(text: string, out: string): string {
  const escaped = text.includes("@") ? text.replace(/@(%*)out/g, "@%$1out") : text;
  return escaped.includes(out) ? escaped.replaceAll(out, "@out") : escaped;
}

/** The inverse of canonicalText, for any output folder. */
export function fromCanonicalText(text: string, out: string): string {
  return text.includes("@") ? text.replace(/@(%*)out/g, (_, marks: string) => (marks === "" ? out : `@${marks.slice(1)}out`)) : text;
}

export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

/** Lexically without `.`, `//` and, where something stands before it, `..`. A trailing slash is kept: it marks a folder. */
export function collapse(path: string): string {
  // Nearly every path is as it should be, and then its own string is kept.
  if (path !== "" && !/\/\/|(^|\/)\.\.?(\/|$)/.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts[parts.length - 1] !== "..") parts.pop();
    else if (part === ".." && isAbsolute(path)) continue;
    else parts.push(part);
  }
  const joined = (isAbsolute(path) ? "/" : "") + parts.join("/");
  if (joined === "") return ".";
  return path.endsWith("/") && joined !== "/" ? `${joined}/` : joined;
}

/** The folder of a path, "" at the top; of "a/b/" it is "a". */
export function folderOf(path: string): string {
  const end = path.endsWith("/") ? path.length - 2 : path.length - 1;
  const at = path.lastIndexOf("/", end);
  return at < 0 ? "" : at === 0 ? "/" : path.slice(0, at);
}

export function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function join(folder: string, name: string): string {
  return folder === "" || folder === "." ? name : folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}
