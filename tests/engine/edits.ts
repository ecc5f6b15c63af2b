/** A project of the imaginary language, and everything that can happen to it between two runs. */
import type { Config } from "./model.ts";
import type { Random } from "../random.ts";
import type { Machine } from "./machine.ts";

const HEADERS = ["a.h", "b.h", "c.h", "lib.h", "gen0.h", "gen1.h"];
const FOLDERS = ["src", "inc0", "inc1", "lib"];
const SOURCES = ["src/m.c", "src/n.c", "src/o.c", "lib/lib.c", "extra/x.c", "extra/y.c"];
const TEXTS = ["g0.txt", "g1.txt", "d0.txt", "list.txt"];

const DEFAULT: Config = {
  hdr: "a.h",
  forced: null,
  search: ["inc0", "inc1"],
  flags: ["-DONE"],
  gens: { "g0.txt": "gen0.h" },
  dirs: { "d0.txt": "data" },
  late: false,
  genFirst: false,
  rsp: false,
  sharing: "all",
  value: null,
};

export function newProject(machine: Machine, random: Random): void {
  const { disk } = machine;
  const edits = new Edits(machine, random, []);
  for (const name of HEADERS.slice(0, 4)) disk.write(`inc1/${name}`, `int ${name}`);
  for (const path of SOURCES.slice(0, 5)) disk.write(path, edits.code());
  for (const path of TEXTS) disk.write(path, edits.lines());
  for (const env of ["a", "b"]) {
    disk.write(`${env}.cfg`, JSON.stringify(DEFAULT));
    if (random.chance(0.7)) edits.config(env);
  }
  if (random.chance(0.7)) disk.tick();
}

/** Each method is one kind of edit; `history` tells what was done, for the eye. */
export class Edits {
  private readonly history: string[];
  private readonly machine: Machine;
  private readonly random: Random;

  constructor(machine: Machine, random: Random, history: string[]) {
    this.history = history;
    this.machine = machine;
    this.random = random;
  }

  any(): void {
    const { random } = this;
    const kinds: readonly (readonly [number, () => void])[] = [
      [10, () => this.source()],
      [4, () => this.damage()],
      [2, () => this.evict()],
      [4, () => this.config(random.pick(["a", "b"]))],
      [1, () => this.value()],
    ];
    let at = random.below(kinds.reduce((n, [weight]) => n + weight, 0));
    for (const [weight, edit] of kinds) {
      at -= weight;
      if (at < 0) {
        edit();
        break;
      }
    }
    if (random.chance(0.6)) this.machine.disk.tick();
  }

  /** An edit of what is written by hand. */
  source(): void {
    const { random } = this;
    const { disk } = this.machine;
    const path = random.pick([...SOURCES, ...FOLDERS.flatMap((f) => HEADERS.map((h) => `${f}/${h}`)), ...TEXTS, "gen0.h", "a.h"]);
    const there = disk.isFile(path);
    const kind = random.below(there ? 9 : 2);
    this.history.push(
      `${["write", "replace", "same size and mtime", "touch", "rename", "remove", "comment", "append", "same content"][kind]} ${path}`,
    );
    if (kind === 0) disk.write(path, this.textFor(path));
    else if (kind === 1) disk.writeAtomic(path, this.textFor(path));
    else if (kind === 2) {
      const text = disk.text(path);
      const swapped = text.replace(/[a-z](?=[^a-z]*$)/, (c) => (c === "z" ? "y" : "z"));
      disk.write(path, swapped, { mtime: disk.sign(path)?.mtimeNs ?? 0n });
    } else if (kind === 3) disk.touch(path);
    else if (kind === 4) {
      const to = random.pick(
        path.endsWith(".h") ? FOLDERS.map((f) => `${f}/${random.pick(HEADERS)}`) : path.endsWith(".c") ? SOURCES : TEXTS,
      );
      if (to !== path) disk.rename(path, to);
    } else if (kind === 5) disk.remove(path);
    else if (kind === 6) disk.write(path, `${disk.text(path)}\n comment ${random.below(9)}`);
    else if (kind === 7) disk.write(path, `${disk.text(path)}\n${this.textFor(path)}`);
    else disk.writeAtomic(path, disk.text(path));
  }

  private textFor(path: string): string {
    return path.endsWith(".txt") ? this.lines() : path.endsWith(".c") ? this.code() : this.header();
  }

  lines(): string {
    const { random } = this;
    const words = ["x", "y", "x y", "alpha", "beta", '#include "c.h"', "int g", "int h", random.chance(0.05) ? "ERROR" : "gamma"];
    return Array.from({ length: 1 + random.below(4) }, () => random.pick(words)).join("\n");
  }

  code(): string {
    const { random } = this;
    const lines = Array.from({ length: 1 + random.below(4) }, () => this.line());
    if (random.chance(0.03)) lines.push("ERROR");
    if (random.chance(0.1)) lines.push("WARN");
    return lines.join("\n");
  }

  private header(): string {
    const { random } = this;
    return random.chance(0.6) ? `int h${random.below(50)}` : this.code();
  }

  private line(): string {
    const { random } = this;
    const name = random.pick(HEADERS.slice(0, 4));
    return random.pick([
      `int v${random.below(50)}`,
      `int w${random.below(50)}`,
      `#include "${name}"`,
      `#include <${name}>`,
      `#optional "${random.pick(HEADERS)}"`,
      `#optional <${random.pick(HEADERS)}>`,
      random.chance(0.3) ? `#include_next <${name}>` : "int x",
      random.chance(0.3) ? "#include HDR" : "int y",
      `#optional <gen0.h>`,
      " comment",
    ]);
  }

  config(env: string): void {
    const { random } = this;
    const { disk } = this.machine;
    if (random.chance(0.03)) {
      this.history.push(`break ${env}.cfg`);
      return disk.write(`${env}.cfg`, "{");
    }
    let config = DEFAULT;
    try {
      config = JSON.parse(disk.text(`${env}.cfg`)) as Config;
    } catch {}
    const change: Partial<Config> = random.pick<() => Partial<Config>>([
      () => ({ hdr: random.pick(["a.h", "b.h", null]) }),
      () => ({ forced: random.pick([null, null, "c.h", "gen0.h"]) }),
      () => ({ search: random.pick([["inc0", "inc1"], ["inc1", "inc0"], ["inc1"], ["inc0", "lib", "inc1"]]) }),
      () => ({ flags: random.pick([["-DONE"], ["-DTWO"], ["-DONE", "-DTWO"], ["-DTWO", "-DONE"]]) }),
      () => ({ gens: random.pick([{}, { "g0.txt": "gen0.h" }, { "g0.txt": "gen0.h", "g1.txt": "gen1.h" }, { "g1.txt": "a.h" }]) }),
      () => ({ dirs: random.pick([{}, { "d0.txt": "data" }, { "d0.txt": "data", "g1.txt": "more" }, { "g1.txt": "data" }]) }),
      () => ({ late: random.chance(0.5) }),
      () => ({ genFirst: random.chance(0.5) }),
      () => ({ rsp: random.chance(0.5) }),
      () => ({ sharing: random.pick(["all", "all", "outputs", "folder", "time"] as const) }),
      () => ({ value: random.pick([null, "LEVEL"]) }),
    ])();
    this.history.push(`${env}.cfg: ${JSON.stringify(change)}`);
    disk.write(`${env}.cfg`, JSON.stringify({ ...config, ...change }));
  }

  /** Someone touches what fb made. */
  private damage(): void {
    const { random } = this;
    const { disk } = this.machine;
    const made = [...disk.tree(".fb").keys()];
    if (made.length === 0) return;
    const path = random.pick(made);
    const kind = random.below(6);
    this.history.push(
      `${["overwrite", "delete", "same size and mtime", "delete folder", "stray file in folder output", "touch"][kind]} ${path}`,
    );
    if (kind === 0) disk.write(path, "damaged");
    else if (kind === 1) disk.remove(path);
    else if (kind === 2) disk.write(path, disk.text(path).replace(/^./, "~"), { mtime: disk.sign(path)?.mtimeNs ?? 0n });
    else if (kind === 3) disk.remove(random.pick([".fb/build/a/release", ".fb/build/b", path.slice(0, path.lastIndexOf("/"))]));
    else if (kind === 4) {
      const folder = made.find((p) => p.includes("/data/"));
      if (folder !== undefined) disk.write(folder.replace(/[^/]*$/, "stray.txt"), "stray");
    } else disk.touch(path);
  }

  private evict(): void {
    const { random, machine } = this;
    const kind = random.below(5);
    this.history.push(["evict results", "lose blobs", "corrupt blobs", "forget memo", "lose state"][kind] ?? "");
    if (kind === 0) for (const key of [...machine.results.keys()]) if (random.chance(0.5)) machine.results.delete(key);
    if (kind === 1) for (const digest of [...machine.blobs.keys()]) if (random.chance(0.3)) machine.blobs.delete(digest);
    if (kind === 2) for (const digest of [...machine.blobs.keys()]) if (random.chance(0.3)) machine.blobs.set(digest, "corrupt");
    if (kind === 3) machine.memo.clear();
    if (kind === 4) for (const name of [...machine.last.keys()]) if (random.chance(0.3)) machine.last.delete(name);
  }

  private value(): void {
    this.history.push("LEVEL");
    this.machine.values.set("LEVEL", String(this.random.below(3)));
  }
}
