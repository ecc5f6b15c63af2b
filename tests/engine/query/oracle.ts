/** What a query should give, computed from a table's rows alone: names and plain sets, no columns, no numbers, no order. */
import { pathIn, type Table } from "./project.ts";

export class Oracle {
  /** Label → the labels that it is made of. */
  readonly edges = new Map<string, Set<string>>();
  readonly kinds = new Map<string, string>();
  readonly envs = new Map<string, string>();

  constructor(table: Table) {
    for (const { name, version } of table.packages) this.add(`pkg:${name}@${version}`, "package", "");
    const made = new Map<string, string>();
    for (const row of table.rows) {
      const first = row.makes[0] ?? "";
      const label = `${row.kind}:${row.env}:${first.replace(/^!/, "")}`;
      this.add(label, row.kind, row.env);
      for (const name of row.makes) {
        const path = pathIn(row.env, name);
        made.set(path, row.env);
        this.add(path, "file", row.env);
        this.edges.get(path)?.add(label);
      }
    }
    const file = (path: string): string => {
      if (this.kinds.has(path)) return path;
      this.add(path, "file", "");
      const home = table.packages.find((p) => path.startsWith(`${p.prefix}/`));
      if (home !== undefined) this.edges.get(path)?.add(`pkg:${home.name}@${home.version}`);
      return path;
    };
    for (const row of table.rows) {
      const label = `${row.kind}:${row.env}:${(row.makes[0] ?? "").replace(/^!/, "")}`;
      for (const name of [...row.takes, ...(row.reads ?? [])]) this.edges.get(label)?.add(file(pathIn(row.env, name)));
      const [program = "", ...rest] = row.argv ?? ["tool", ...row.takes];
      for (const p of table.packages) {
        const isNamed = p.prefix.startsWith("/")
          ? program.startsWith(`${p.prefix}/`)
          : [program, ...rest].some((w) => w.includes(p.prefix));
        if (isNamed) this.edges.get(label)?.add(`pkg:${p.name}@${p.version}`);
      }
    }
    for (const [env, named] of Object.entries(table.targets))
      for (const [name, files] of Object.entries(named)) {
        this.add(`:${name}@${env}`, "target", env);
        for (const f of files) this.edges.get(`:${name}@${env}`)?.add(pathIn(env, f));
      }
    for (const files of Object.values(table.builtBy)) for (const path of files) file(path);
  }

  private add(label: string, kind: string, env: string): void {
    this.kinds.set(label, kind);
    this.envs.set(label, env);
    if (!this.edges.has(label)) this.edges.set(label, new Set());
  }

  get all(): Set<string> {
    return new Set(this.kinds.keys());
  }

  deps(from: ReadonlySet<string>, depth = Number.POSITIVE_INFINITY): Set<string> {
    const found = new Set(from);
    let last = new Set(from);
    for (let step = 0; step < depth && last.size > 0; step++) {
      last = new Set([...last].flatMap((l) => [...(this.edges.get(l) ?? [])]).filter((l) => !found.has(l)));
      for (const l of last) found.add(l);
    }
    return found;
  }

  rdeps(universe: ReadonlySet<string>, to: ReadonlySet<string>, depth = Number.POSITIVE_INFINITY): Set<string> {
    const inside = this.deps(universe);
    const found = new Set([...to].filter((l) => inside.has(l)));
    for (let step = 0; step < depth; step++) {
      const more = [...inside].filter((l) => !found.has(l) && [...(this.edges.get(l) ?? [])].some((e) => found.has(e)));
      if (more.length === 0) break;
      for (const l of more) found.add(l);
    }
    return found;
  }

  allpaths(from: ReadonlySet<string>, to: ReadonlySet<string>): Set<string> {
    return new Set([...this.deps(from)].filter((l) => [...this.deps(new Set([l]))].some((e) => to.has(e))));
  }

  /** Null where `path` is a way from one set to the other, without detours, or rightly empty; else what is wrong. */
  notAPath(path: readonly string[], from: ReadonlySet<string>, to: ReadonlySet<string>): string | null {
    const inside = this.deps(from);
    if (path.length === 0) return [...to].some((l) => inside.has(l)) ? "there is a path" : null;
    if (!from.has(path[0] as string) || !to.has(path.at(-1) as string)) return "it has the wrong ends";
    for (let i = 1; i < path.length; i++)
      if (!this.edges.get(path[i - 1] as string)?.has(path[i] as string)) return `no edge to ${path[i]}`;
    return null;
  }

  kind(pattern: RegExp, of: ReadonlySet<string>): Set<string> {
    return new Set([...of].filter((l) => pattern.test(this.kinds.get(l) ?? "")));
  }

  filter(pattern: RegExp, of: ReadonlySet<string>): Set<string> {
    return new Set([...of].filter((l) => pattern.test(l)));
  }
}
