/** The objects of a link by the names that people know, and who of them defines a symbol. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync, zstdDecompressSync } from "node:zlib";
import type { Graph } from "../../engine/graph.ts";
import { baseOf, outFolder } from "../../engine/paths.ts";
import type { ActionSpec } from "../../engine/types.ts";
import type { LinkMap } from "../../rules/size/link-map.ts";
import { type ObjectNames, objectNames } from "../../rules/size/lto-names.ts";
import type { Definer } from "../../rules/size/rows.ts";

export class LinkObjects {
  private readonly folder: string;
  private readonly out: string;
  /** Those that were linked, in the order of the graph: paths of the project. */
  private readonly linked: readonly string[];
  /** Archive of the env → its members' paths. */
  private readonly archives: ReadonlyMap<string, readonly string[]>;
  private names: readonly (readonly [path: string, ObjectNames])[] | null = null;

  constructor(folder: string, graph: Graph, link: ActionSpec, map: LinkMap | null) {
    this.folder = folder;
    this.out = `${outFolder(link.env, link.profile)}/`;
    const specs = graph.nodes.map((n) => n.spec).filter((s) => s.env === link.env && s.profile === link.profile);
    const archives = specs.filter((s) => s.kind === "archive");
    this.archives = new Map(archives.map((s) => [s.outputs[0] ?? "", s.inputs.filter((i) => i.is === "file").map((i) => i.path)]));
    const loaded = map === null ? null : new Set(map.loaded.map((path) => this.own(path)));
    const brought = new Set([...(map?.broughtBy.keys() ?? [])].map((path) => this.own(path)));
    const compiled = specs.filter((s) => s.kind === "compile").flatMap((s) => s.outputs.slice(0, 1));
    const archiveOf = new Map([...this.archives].flatMap(([archive, members]) => members.map((m) => [m, archive] as const)));
    this.linked = compiled.filter((path) => {
      const archive = archiveOf.get(path);
      return loaded === null || loaded.has(path) || (archive !== undefined && brought.has(`${archive}(${baseOf(path)})`));
    });
  }

  /** An object as the map names it, as people know it: below the output folder, or a member of a toolchain's archive without its folders. */
  title(object: string): string {
    const path = this.own(object);
    const [, archive, member] = /^(.*)\(([^()]*)\)$/.exec(path) ?? [];
    if (archive === undefined || member === undefined) return path.startsWith(this.out) ? this.below(path) : outside(path);
    if (!path.startsWith(this.out)) return `${baseOf(archive)}(${member})`;
    const same = (this.archives.get(archive) ?? []).filter((m) => baseOf(m) === member);
    return this.below(same.length === 1 && same[0] !== undefined ? same[0] : path);
  }

  /** Who defines a symbol: the first object in which it is sure to be, else the first that speaks of it. A copy that the optimiser made is its original's. */
  readonly definer: Definer = ({ name: mangled }, isMixed) => {
    // What runs the constructors of all objects belongs to none; that of one is named by something that it defines.
    if (isMixed && mangled.startsWith("_GLOBAL__I_")) return null;
    const name = mangled.replace(/^_GLOBAL__sub_[ID]_/, "");
    const names = this.known();
    for (let n = name; n !== ""; n = n.slice(0, Math.max(0, n.lastIndexOf(".")))) {
      const sure = names.find(([, of]) => of.defined.has(n));
      if (sure !== undefined) return sure[0];
    }
    const original = name.replace(/(?<=.)\..*$/, "");
    return (names.find(([, of]) => of.speaksOf(name)) ?? names.find(([, of]) => of.speaksOf(original)))?.[0] ?? null;
  };

  private known(): readonly (readonly [string, ObjectNames])[] {
    this.names ??= this.linked.flatMap((path) => {
      const names = namesIn(join(this.folder, path));
      return names === null ? [] : [[path, names] as const];
    });
    return this.names;
  }

  /** ld names files as it was given them, or absolute. */
  private own(path: string): string {
    return path.startsWith(`${this.folder}/`) ? path.slice(this.folder.length + 1) : path;
  }

  private below(path: string): string {
    return path.slice(this.out.length);
  }
}

/** An object of the toolchain by its name, one of the project's by its path. */
function outside(path: string): string {
  return path.startsWith("/") || path.startsWith(".fb/") ? baseOf(path) : path;
}

function namesIn(file: string): ObjectNames | null {
  try {
    return objectNames(readFileSync(file), inflate);
  } catch {
    return null;
  }
}

function inflate(data: Uint8Array): Uint8Array {
  for (const undo of [inflateSync, zstdDecompressSync]) {
    try {
      return undo(data);
    } catch {
      // Not this one.
    }
  }
  return data;
}
