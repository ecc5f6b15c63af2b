/** Where packages come from: what is needed, what was found, and providers asked in turn. */
import { fail, failure } from "../../engine/failure.ts";
import type { Digest, Failure, Result } from "../../engine/types.ts";

/** What a rule file's [tool.NAME] or [framework.NAME] needs, and what the env says of it. */
export interface PackageNeed {
  /** As the registry names it: `toolchain-atmelavr`. */
  readonly name: string;
  /** tool: programs in `bin`, found by the one called `finds` on PATH; folder: the folder `finds`, by its absolute path. */
  readonly kind: "tool" | "folder";
  /** "" where only a platform_packages line can say. A|B: the first of these that is there. */
  readonly finds: string;
  /** The program may be in any folder of PATH, not in one called `bin` alone, as nothing else of the package is used. */
  readonly anywhere: boolean;
  /** What the machine has is only for those who say so: the framework that is fetched for the env needs more. */
  readonly paired: boolean;
  /** Packages of Debian and of Python's index, for the message. */
  readonly debian: readonly string[];
  readonly pypi: readonly string[];
  /** The item of platform_packages that names it. */
  readonly want: {
    /** Whose it has to be; null for anybody's. */
    readonly owner: string | null;
    readonly source:
      | { readonly is: "registry"; readonly requirement: string }
      | { readonly is: "folder"; readonly path: string }
      | { readonly is: "url"; readonly url: string }
      | { readonly is: "index"; readonly packager: string; readonly name: string; readonly requirement: string };
    readonly origin: { readonly file: string; readonly line: number; readonly column: number } | null;
  } | null;
  /** Who needs it, for the message: `[env:uno]`. */
  readonly neededBy: string;
  /** What to write into the ini so that it is fetched: `platform = teensy @ ~5.2.0`; "" where that is nothing new. */
  readonly fetchedBy: string;
}

/** A package where it is. */
export interface PackageRef {
  readonly name: string;
  /** "" where nothing tells it; for a system toolchain the compiler tells it later. */
  readonly version: string;
  /** Absolute, links resolved. */
  readonly folder: string;
  /** How commands name the folder: the link below `.fb/pkg` where there is one, else the folder itself. */
  readonly as: string;
  /** The link to make, relative to the project, or null: system tools are called by their absolute path. */
  readonly link: string | null;
  /** Of a stored package its content's; of others of name and version only: they are not sealed, what is read of them is an input by itself. */
  readonly digest: Digest;
  readonly from: "system" | "local" | "store";
  /** A program that comes first on PATH and was not taken, because it is in no folder called `bin`; null for none. */
  readonly passedOver: string | null;
}

export interface PackageProvider {
  /** null: not for me, ask the next. A failure (exit 3 or 4) ends the search. */
  find(need: PackageNeed): Result<PackageRef> | null;
}

/** What providers ask of the world; each answer can be recorded. Paths are absolute or relative to the project. */
export interface PackageIo {
  readonly projectDir: string;
  realpath(path: string): string | null;
  isDir(path: string): boolean;
  isExecutable(path: string): boolean;
  read(path: string): string | null;
  /** A variable of fb's environment: PATH, HOME. */
  value(name: string): string | undefined;
  sha256(text: string): Digest;
}

/**
 * Where in its folder the program of a tool may be, the first that is there counts: in bin/, and where nothing else is used of the package at its top, too: PlatformIO
 * has tools in Python there, as scripts that need not be executable.
 */
export function programPlaces({ finds, anywhere }: Pick<PackageNeed, "finds" | "anywhere">): readonly string[] {
  const names = finds === "" ? [] : finds.split("|");
  return [...names.map((name) => `bin/${name}`), ...(anywhere ? names : [])];
}

/** The first of programPlaces that is there; null for none. */
export function programIn(folder: string, places: readonly string[], disk: Pick<PackageIo, "isExecutable" | "realpath">): string | null {
  const isThere = (place: string) =>
    disk.isExecutable(`${folder}/${place}`) || (/^[^/]+\.py$/.test(place) && disk.realpath(`${folder}/${place}`) !== null);
  return places.find(isThere) ?? null;
}

/** The first provider's answer. Nobody has it: `package.missing` (exit 4) that says what to install or to write. */
export function findPackage(need: PackageNeed, providers: readonly PackageProvider[]): Result<PackageRef> {
  for (const provider of providers) {
    const found = provider.find(need);
    if (found !== null) return found;
  }
  return fail(missing(need));
}

function missing(need: PackageNeed): Failure {
  const looked =
    need.finds === ""
      ? ""
      : need.kind === "tool"
        ? `: no ${need.finds.replaceAll("|", " or ")} ${need.anywhere ? "on" : 'in a folder "bin" of'} PATH`
        : `: no ${need.finds}`;
  const ways = [
    ...(need.pypi.length === 0 ? [] : [`python3 -m pip install ${need.pypi.join(" ")}`]),
    ...(need.debian.length === 0 ? [] : [`Debian, Ubuntu: sudo apt install ${need.debian.join(" ")}`]),
  ];
  const apt = ways.length === 0 ? "" : `install it (${ways.join("; ")}), or `;
  const hint = `${apt}add to ${need.neededBy}: platform_packages = ${need.name}@symlink:///FOLDER${need.fetchedBy === "" ? "" : `, or have it fetched: ${need.fetchedBy}`}`;
  return failure("package.missing", 4, `package ${need.name} is not here${looked}`, { ...need.want?.origin, hint });
}

/**
 * Links of all envs must not contradict each other: two folders that would need one link are a failure (`package.two-folders`, exit 3).
 * Returns link → folder.
 */
export function packageLinks(packages: readonly PackageRef[]): Result<ReadonlyMap<string, string>> {
  const links = new Map<string, string>();
  for (const { name, version, link, folder } of packages) {
    if (link === null) continue;
    const other = links.get(link);
    if (other !== undefined && other !== folder) {
      const message = `two folders are package ${name} ${version}: ${other} and ${folder}`;
      return fail(failure("package.two-folders", 3, message, { hint: 'use one of them, or change "version" in the package.json of one' }));
    }
    links.set(link, folder);
  }
  return { ok: true, value: links };
}

/** The version that a package's own files tell: `version` of package.json, else of an Arduino core's platform.txt; "" for none. */
export function versionOf(folder: string, io: Pick<PackageIo, "read">): string {
  const manifest = io.read(`${folder}/package.json`);
  if (manifest !== null) {
    const version = manifestVersion(manifest);
    if (version !== "") return version;
  }
  return /^version\s*=\s*(\S+)/m.exec(io.read(`${folder}/platform.txt`) ?? "")?.[1] ?? "";
}

function manifestVersion(text: string): string {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && "version" in json && typeof json.version === "string" ? json.version : "";
  } catch {
    // The package is used for its files; a broken manifest only means that it has no version.
    return "";
  }
}

/** A reference to a package in a folder. Characters of a version that do not belong into a file name become "-". */
export function packageRef(name: string, folder: string, from: PackageRef["from"], linked: boolean, io: PackageIo): PackageRef {
  const version = versionOf(folder, io);
  const link = linked ? `.fb/pkg/${name}@${version === "" ? from : version.replace(/[^\w.+~-]/g, "-")}` : null;
  return { name, version, folder, as: link ?? folder, link, digest: io.sha256(`${name}@${version}`), from, passedOver: null };
}
