/** A linked program of a graph → what takes its flash and RAM. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ok } from "../../engine/failure.ts";
import type { Graph } from "../../engine/graph.ts";
import type { ActionSpec, ProjectPath, Result } from "../../engine/types.ts";
import { type Elf, readElf } from "../../rules/elf.ts";
import { BERKELEY, type Counts, countsOf, type Definer, type Row, rowsOf } from "../../rules/size/rows.ts";
import { toolOptions } from "../tools/size.ts";
import { LinkObjects } from "./objects.ts";
import { type LibraryShare, libraryOf, type ProgramReport } from "./report.ts";
import { demangled, mapOf } from "./tools.ts";

/** A program of an env, and what is known of it beside its bytes. */
export interface Program {
  readonly folder: string;
  readonly graph: Graph;
  readonly link: ActionSpec;
  /** What it makes. */
  readonly elf: ProjectPath;
  /** The size action; null where the platform has none. */
  readonly size: ActionSpec | null;
}

export interface Measured {
  readonly report: ProgramReport;
  /** The sections that count. */
  readonly sections: readonly { readonly name: string; readonly flash: boolean; readonly ram: boolean }[];
  /** Object → who needed it, and what for. */
  readonly broughtBy: Readonly<Record<string, string>>;
}

export function programsOf(folder: string, graph: Graph, envs: readonly string[]): Program[] {
  const specs = graph.nodes.map((n) => n.spec);
  return envs.flatMap((env) => {
    const link = specs.find((s) => s.env === env && s.kind === "link");
    const elf = link?.outputs[0];
    return link === undefined || elf === undefined
      ? []
      : [{ folder, graph, link, elf, size: specs.find((s) => s.env === env && s.kind === "size") ?? null }];
  });
}

export function elfOf({ folder, elf }: Program): Uint8Array {
  return readFileSync(join(folder, elf));
}

/** Measures the program that lies there now. */
export function measure(program: Program, bytes: Uint8Array): Result<Measured> {
  const { folder, graph, link } = program;
  const elf = readElf(program.elf, bytes);
  if (!elf.ok) return elf;
  const map = mapOf(folder, link, bytes);
  const objects = new LinkObjects(folder, graph, link, map);
  const title = (object: string) => objects.title(object);
  const broughtBy = [...(map?.broughtBy ?? [])].map(([member, { object, symbol }]) => [title(member), [title(object), symbol]] as const);
  const names = demangled(
    broughtBy.map(([, [, symbol]]) => symbol),
    link.argv[0] ?? "",
  );
  const rows = rowsOf(elf.value, countsFor(program), map, objects.definer);
  return ok({
    ...shares(program, elf.value, rows, title),
    broughtBy: Object.fromEntries(broughtBy.map(([member, [by, symbol]]) => [member, `${by} for ${names.get(symbol) ?? symbol}`])),
  });
}

/** Measures an earlier program of the same env, of which nothing but its bytes is left: names are where they are in `like`. */
export function measureLike(program: Program, bytes: Uint8Array, like: ProgramReport): Result<Measured> {
  const elf = readElf(program.elf, bytes);
  if (!elf.ok) return elf;
  const names = demangled(
    elf.value.symbols().map((s) => s.name),
    program.link.argv[0] ?? "",
  );
  const objects = new Map(like.symbols.map((s) => [s.name, s.object]));
  const definer: Definer = ({ name }) => objects.get(names.get(name) ?? name) ?? null;
  const rows = rowsOf(elf.value, countsFor(program), null, definer);
  return ok({ ...shares(program, elf.value, rows, (object) => object), broughtBy: {} });
}

function countsFor({ size }: Program): Counts {
  if (size === null) return BERKELEY;
  const { flash, ram } = toolOptions(size.argv);
  return countsOf(flash, ram);
}

function shares(program: Program, elf: Elf, rows: readonly Row[], title: (object: string) => string): Omit<Measured, "broughtBy"> {
  const { link, size } = program;
  const counts = countsFor(program);
  const sections = elf.sections
    .map((s) => ({ name: s.name, size: s.size, flash: counts.flash(s), ram: counts.ram(s) }))
    .filter((s) => s.size > 0 && (s.flash || s.ram));
  const classes = new Map(sections.map((s) => [s.name, s]));
  const limits = size === null ? { flashLimit: null, ramLimit: null } : toolOptions(size.argv);
  const names = demangled(
    rows.map((r) => r.name),
    link.argv[0] ?? "",
  );
  const symbols = rows.map(({ name, object, section, bytes }) => ({
    name: names.get(name) ?? name,
    object: object === "" ? "" : title(object),
    section,
    bytes,
  }));
  const libraries = new Map<string, { flash: number; ram: number }>();
  for (const { object, section, bytes } of symbols) {
    const name = libraryOf(object);
    const share = libraries.get(name) ?? { flash: 0, ram: 0 };
    libraries.set(name, share);
    if (classes.get(section)?.flash === true) share.flash += bytes;
    if (classes.get(section)?.ram === true) share.ram += bytes;
  }
  const used = (what: "flash" | "ram") => sections.reduce((sum, s) => sum + (s[what] ? s.size : 0), 0);
  return {
    report: {
      env: link.env,
      flash: { used: used("flash"), total: limits.flashLimit },
      ram: { used: used("ram"), total: limits.ramLimit },
      libraries: [...libraries].map(([name, share]): LibraryShare => ({ name, ...share })).sort(largest),
      symbols,
    },
    sections: sections.map(({ name, flash, ram }) => ({ name, flash, ram })),
  };
}

function largest(a: LibraryShare, b: LibraryShare): number {
  return b.flash + b.ram - a.flash - a.ram || (a.name < b.name ? -1 : 1);
}
