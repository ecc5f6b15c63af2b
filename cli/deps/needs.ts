/** What an env has of packages and libraries, where each is from, and who needs it and why. */
import type { PackageRef } from "../../cache/providers/package.ts";
import { ok, warning } from "../../engine/failure.ts";
import { folderOf } from "../../engine/paths.ts";
import type { Failure, PlanIo, Result } from "../../engine/types.ts";
import { directivesOf } from "../../rules/directives.ts";
import { includesOf } from "../../rules/includes.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import type { Needed } from "../../rules/ldf.ts";
import type { Library } from "../../rules/library.ts";
import { type Lock, type LockEntry, lockedFile } from "../../rules/lock.ts";
import { planEnvLibraries } from "../../rules/plan-env.ts";
import type { PlannedLibraries } from "../../rules/plan-libs.ts";
import type { HostDisk } from "../host/disk.ts";
import { hashing } from "../host/hash.ts";
import type { PlanInput } from "../plan-input.ts";

export type DepKind = "toolchain" | "framework" | "tool" | "library";

/** file: what asks, a source, a manifest or the ini; include: what it includes, "" where it names the package. */
export interface NeededBy {
  readonly env: string;
  readonly file: string;
  readonly include: string;
}

export interface Dep {
  readonly kind: DepKind;
  /** With its owner where one is known. */
  readonly name: string;
  readonly version: string;
  /** The url or reference that it was fetched from, `system`, or its folder. */
  readonly source: string;
  /** Of the archive; "" where there was none. */
  readonly sha256: string;
  /** How it is pinned: by fb.lock, as part of the framework or of the project, or not at all. */
  readonly pinned: "locked" | "system" | "framework" | "folder";
  readonly neededBy: readonly NeededBy[];
}

export interface LibraryNode {
  readonly dep: Dep;
  /** Why the one above it has it. */
  readonly why: string;
  /** Empty where it stands above already. */
  readonly needs: readonly LibraryNode[];
  readonly isAbove: boolean;
}

export interface EnvDeps {
  readonly env: string;
  readonly deps: readonly Dep[];
  readonly tree: readonly LibraryNode[];
  /** Headers that more than one library has. */
  readonly notes: readonly Failure[];
}

/** machine: as rules/systems.ts names it. Fails where the env's libraries can not be planned. */
export function envDeps(input: PlanInput, lock: Lock, machine: string, disk: HostDisk): Result<EnvDeps> {
  const io = planIo(disk);
  const planned = planEnvLibraries(input.plan, io, (text) => hashing.sha256(text));
  return planned.ok ? ok(new Facts(input, planned.value, lock, machine, io).all()) : planned;
}

class Facts {
  private readonly input: PlanInput;
  private readonly planned: PlannedLibraries;
  private readonly lock: Lock;
  private readonly machine: string;
  private readonly io: PlanIo;
  private readonly libraries = new Map<Library, Dep>();

  constructor(input: PlanInput, planned: PlannedLibraries, lock: Lock, machine: string, io: PlanIo) {
    this.input = input;
    this.planned = planned;
    this.lock = lock;
    this.machine = machine;
    this.io = io;
  }

  all(): EnvDeps {
    const { finding } = this.planned;
    const { env } = this.input.plan;
    for (const { library, needed } of finding.found) this.libraries.set(library, this.libraryDep(library, needed));
    const used = new Set([...this.libraries.keys()].map((library) => library.folder));
    const packages = this.input.packages.filter((ref) => !used.has(ref.as)).map((ref) => this.packageDep(ref));
    const rank: readonly DepKind[] = ["toolchain", "framework", "tool", "library"];
    const deps = [...packages, ...this.libraries.values()].sort(
      (a, b) => rank.indexOf(a.kind) - rank.indexOf(b.kind) || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1),
    );
    return { env, deps, tree: this.tree(finding.uses, null, new Set()), notes: this.ambiguous() };
  }

  private packageDep(ref: PackageRef): Dep {
    const { plan } = this.input;
    const { tools, frameworks } = plan.platform;
    const tool = [...tools.values()].find((each) => each.package === ref.name);
    const isFramework = [...frameworks.values()].some((each) => each.package === ref.name);
    const kind = isFramework ? "framework" : tool === undefined ? "library" : tool.probe === "gcc" ? "toolchain" : "tool";
    const version = ref.version === "" && tool !== undefined ? (plan.tools.get(tool.name)?.version ?? "") : ref.version;
    return { ...this.sourceOf(ref, version), kind, neededBy: [{ env: plan.env, file: CONFIG_FILE, include: "" }] };
  }

  private sourceOf(ref: PackageRef, version: string): Omit<Dep, "kind" | "neededBy"> {
    const entry = this.entryOf(ref);
    const file = entry === null ? null : lockedFile(entry, this.machine);
    const name = entry === null || entry.owner === "" ? ref.name : `${entry.owner}/${ref.name}`;
    if (ref.from === "store")
      return { name, version, source: file?.from ?? ref.folder, sha256: file?.sha256 ?? "", pinned: file === null ? "folder" : "locked" };
    const isSystem = ref.from === "system";
    return { name, version, source: isSystem ? "system" : ref.folder, sha256: "", pinned: isSystem ? "system" : "folder" };
  }

  private entryOf({ name, version, digest }: PackageRef): LockEntry | null {
    const { entries } = this.lock;
    return (
      entries.find((entry) => entry.name === name && lockedFile(entry, this.machine)?.digest === digest) ??
      entries.find((entry) => entry.name === name && entry.version === version && entry.provider === "fetch") ??
      null
    );
  }

  private libraryDep(library: Library, needed: readonly Needed[]): Dep {
    const neededBy = needed.map((each) => this.neededBy(each));
    const ref = this.input.packages.find((each) => each.as === library.folder);
    if (ref !== undefined) return { ...this.sourceOf(ref, ref.version), kind: "library", neededBy };
    const { frameworkFolder } = this.input.plan;
    const isInner = frameworkFolder !== "" && library.folder.startsWith(`${frameworkFolder}/`);
    const pinned = isInner ? "framework" : "folder";
    const source = library.folder === "" ? "." : library.folder;
    return { name: library.name, version: library.version ?? "", source, sha256: "", pinned, kind: "library", neededBy };
  }

  private neededBy({ by, file, from }: Needed): NeededBy {
    const { env } = this.input.plan;
    if (file === null || from === null) return { env, file: by === null ? CONFIG_FILE : by.manifestFile, include: "" };
    const asks = this.asking(from, file);
    return { env, ...asks };
  }

  /** The file that includes, as it lies on disk, and the text by which it does. */
  private asking(from: string, found: string): { readonly file: string; readonly include: string } {
    // A sketch is searched under the name that PlatformIO's conversion has for it.
    const tabs = this.io.exists(from) ? [from] : this.tabsOf(from);
    for (const file of tabs) {
      const text = (this.io.includes(file) ?? []).find(
        ({ text, how }) => (how === "include" || how === "import" || how === "comment") && (found === text || found.endsWith(`/${text}`)),
      );
      if (text !== undefined) return { file, include: text.text };
    }
    return { file: tabs[0] ?? from, include: found.slice(found.lastIndexOf("/") + 1) };
  }

  private tabsOf(path: string): readonly string[] {
    const folder = folderOf(path);
    const names = (this.io.list(folder) ?? []).flatMap((e) => (e.is === "file" && /\.(ino|pde)$/.test(e.name) ? [e.name] : []));
    return names.map((name) => (folder === "" ? name : `${folder}/${name}`));
  }

  private tree(libraries: readonly Library[], by: Library | null, above: Set<Library>): readonly LibraryNode[] {
    const { found } = this.planned.finding;
    return libraries.flatMap((library): LibraryNode[] => {
      const dep = this.libraries.get(library);
      const entry = found.find((each) => each.library === library);
      if (dep === undefined || entry === undefined) return [];
      const needed = entry.needed.find((each) => each.by === by);
      const why = needed === undefined ? "" : whyText(this.neededBy(needed), needed.by);
      const isAbove = above.has(library);
      above.add(library);
      return [{ dep, why, isAbove, needs: isAbove ? [] : this.tree(entry.dependencies, library, above) }];
    });
  }

  private ambiguous(): readonly Failure[] {
    const notes: Failure[] = [];
    const said = new Set<string>();
    for (const { library, needed } of this.planned.finding.found)
      for (const each of needed) {
        const { file, include } = this.neededBy(each);
        const others = include === "" ? [] : this.planned.holders(include).filter((one) => one !== library);
        if (others.length === 0 || said.has(include)) continue;
        said.add(include);
        const folder = (one: Library): string => (one.folder === "" ? "." : one.folder);
        const message = `${include} is in ${others.length + 1} libraries: ${folder(library)}, which is used, and ${others.map(folder).join(", ")}`;
        const hint = "if another is meant, name those that are not in lib_ignore";
        notes.push(warning("library.ambiguous", message, { file, hint }));
      }
    return notes;
  }
}

function whyText({ file, include }: NeededBy, by: Library | null): string {
  return include !== "" ? `${file} includes ${include}` : by === null ? "lib_deps" : `${file} names it`;
}

/** The packages of several envs, each once. */
export function mergedDeps(envs: readonly EnvDeps[]): readonly Dep[] {
  const all = new Map<string, Dep>();
  for (const dep of envs.flatMap((each) => each.deps)) {
    const key = JSON.stringify([dep.kind, dep.name, dep.version, dep.source]);
    const there = all.get(key);
    all.set(key, there === undefined ? dep : { ...there, neededBy: [...there.neededBy, ...dep.neededBy] });
  }
  return [...all.values()];
}

/** What a plan looks at, straight from the disk: nothing is recorded, since nothing is made from it. */
function planIo(disk: HostDisk): PlanIo {
  const bytes = (path: string): Uint8Array | null => (disk.sign(path) === null || disk.isDir(path) ? null : disk.read(path));
  const from = <T>(path: string, make: (data: Uint8Array) => T): T | null => {
    const data = bytes(path);
    return data === null ? null : make(data);
  };
  return {
    read: bytes,
    digest: (path) => from(path, (data) => hashing.sha256(data)),
    exists: (path) => disk.sign(path) !== null,
    list: (path) => disk.list(path === "" ? "." : path),
    includes: (path) => from(path, includesOf),
    directives: (path) => from(path, directivesOf),
    value: (name) => process.env[name],
  };
}
