/** A law: of generated graphs, generated queries give what a naive evaluator gives that knows neither columns nor parsers. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { evaluate } from "../../../engine/query/evaluate.ts";
import { parseQuery } from "../../../engine/query/parse.ts";
import { nearest } from "../../../rules/nearest.ts";
import { newSeed, Random } from "../../random.ts";
import { Oracle } from "./oracle.ts";
import { type Row, type Table, viewOfTable } from "./project.ts";

const GRAPHS = 320;
const QUERIES = 3;

function table(random: Random): Table {
  const envs = ["a", "b"].slice(0, 1 + random.below(2));
  const sources = Array.from(
    { length: 1 + random.below(8) },
    (_, i) => `!src/${random.pick(["x", "y", "z"])}${i}.${random.pick(["c", "h"])}`,
  );
  const rows: Row[] = [];
  const targets: Record<string, Record<string, string[]>> = {};
  for (const env of envs) {
    const made: string[] = [];
    for (let i = 0; i < 1 + random.below(12); i++) {
      const all = [...sources, ...made, "!.fb/pkg/p@1/h.h"];
      const makes = Array.from({ length: 1 + random.below(2) }, (_, k) => `o${i}-${k}`);
      const kind = random.pick(["compile", "archive", "link", "step"] as const);
      const argv = random.chance(0.3) ? ["/opt/t/bin/cc", random.pick(["-I.fb/pkg/p@1", "-Os", "-DX=1"])] : ["cc"];
      rows.push({ kind, env, rule: `r${i}`, makes, takes: random.some(all, 0.25), reads: random.some(all, 0.2), argv });
      made.push(...makes);
    }
    targets[env] = { firmware: random.some(made, 0.4), elf: [random.pick(made)] };
  }
  const packages = [
    { name: "p", version: "1", prefix: ".fb/pkg/p@1" },
    { name: "t", version: "2.0", prefix: "/opt/t" },
  ];
  return { rows, targets, packages, builtBy: Object.fromEntries(envs.map((env) => [env, ["platformio.ini", `${env}.json`]])) };
}

interface Case {
  readonly text: string;
  readonly value: ReadonlySet<string>;
}

type Names = ReadonlyMap<string, ReadonlySet<string>>;

/** Queries with their values, made side by side. */
class Generator {
  private readonly random: Random;
  private readonly oracle: Oracle;
  private readonly labels: readonly string[];

  constructor(random: Random, oracle: Oracle) {
    this.random = random;
    this.oracle = oracle;
    this.labels = [...oracle.all];
  }

  query(depth: number, names: Names = new Map()): Case {
    const { random, oracle } = this;
    if (depth === 0) return this.leaf(names);
    const one = (): Case => this.query(depth - 1, names);
    const steps = random.below(4);
    switch (random.below(9)) {
      case 0: {
        const [a, b] = [one(), one()];
        const [sign, value] = random.pick([
          [["+", "union"], new Set([...a.value, ...b.value])],
          [["-", "except"], new Set([...a.value].filter((l) => !b.value.has(l)))],
          [["^", "intersect"], new Set([...a.value].filter((l) => b.value.has(l)))],
        ] as const);
        return { text: `(${a.text}) ${random.pick(sign)} (${b.text})`, value };
      }
      case 1: {
        // A chain without parentheses: from the left. Its parts are leaves, since a `let` would swallow what follows.
        let { text, value } = this.leaf(names);
        for (let i = 0; i < 3; i++) {
          const next = this.leaf(names);
          const sign = random.pick(["+", "-", "^"]);
          const before = value;
          value =
            sign === "+"
              ? new Set([...before, ...next.value])
              : new Set(sign === "-" ? [...before].filter((l) => !next.value.has(l)) : [...before].filter((l) => next.value.has(l)));
          text += ` ${sign} ${next.text}`;
        }
        return { text, value };
      }
      case 2: {
        const a = one();
        return random.chance(0.5)
          ? { text: `deps(${a.text})`, value: oracle.deps(a.value) }
          : { text: `deps(${a.text}, ${steps})`, value: oracle.deps(a.value, steps) };
      }
      case 3: {
        const [u, x] = [one(), one()];
        return random.chance(0.5)
          ? { text: `rdeps(${u.text}, ${x.text})`, value: oracle.rdeps(u.value, x.value) }
          : { text: `rdeps(${u.text},${x.text} , ${steps})`, value: oracle.rdeps(u.value, x.value, steps) };
      }
      case 4: {
        const [a, b] = [one(), one()];
        return { text: `allpaths(${a.text}, ${b.text})`, value: oracle.allpaths(a.value, b.value) };
      }
      case 5: {
        const a = one();
        const pattern = random.pick(["file", "compile|link", "^p", "t$", "."]);
        return { text: `kind("${pattern}", ${a.text})`, value: oracle.kind(new RegExp(pattern), a.value) };
      }
      case 6: {
        const a = one();
        const pattern = random.pick(["src/x", "\\.h$", "^:", "o1", "@"]);
        return { text: `filter('${pattern}', ${a.text})`, value: oracle.filter(new RegExp(pattern), a.value) };
      }
      case 7: {
        const name = random.pick(["x", "y"]);
        const value = one();
        const body = this.query(depth - 1, new Map([...names, [name, value.value]]));
        return { text: `(let ${name} = ${value.text} in ${body.text})`, value: body.value };
      }
      default: {
        const a = one();
        const env = random.pick(["a", "b"]);
        return { text: `attr(env, "^${env}$", ${a.text})`, value: new Set([...a.value].filter((l) => oracle.envs.get(l) === env)) };
      }
    }
  }

  private leaf(names: Names): Case {
    const { random } = this;
    const variable = [...names.keys()].find(() => random.chance(0.6));
    if (variable !== undefined) return { text: `$${variable}`, value: names.get(variable) as ReadonlySet<string> };
    const label = random.pick(this.labels);
    switch (random.below(6)) {
      case 0:
        return { text: random.pick(["//...", "//…", ":all"]), value: this.oracle.all };
      case 1: {
        const some = random.some(this.labels, 0.3);
        return { text: `set(${some.map((l) => `"${l}"`).join(" ")})`, value: new Set(some) };
      }
      case 2:
        return { text: ":firmware", value: new Set(this.labels.filter((l) => l.startsWith(":firmware@"))) };
      default:
        return { text: random.chance(0.5) ? `'${label}'` : label, value: new Set([label]) };
    }
  }
}

test("generated graphs and queries", () => {
  const seed = newSeed();
  let told = 0;
  for (let i = 0; i < GRAPHS; i++) {
    const random = new Random(seed + i);
    const rows = table(random);
    const view = viewOfTable(rows, (specs) => (random.chance(0.5) ? specs : specs.reverse()));
    const oracle = new Oracle(rows);
    const label = (id: number): string => view.label(id);
    const ask = (query: string): string[] => evaluate(view, parseQuery(query, nearest), nearest).map(label);
    const generator = new Generator(random, oracle);
    for (let k = 0; k < QUERIES; k++) {
      const { text, value } = generator.query(1 + random.below(4));
      const found = ask(text);
      assert.equal([...found].sort(), [...value].sort(), `FB_SEED=${seed + i}, query ${k}: ${text}`);
      if (value.size > 0 && value.size < oracle.all.size) told++;
      const [a, b] = [generator.query(1), generator.query(1)];
      assert.is(
        oracle.notAPath(ask(`somepath(${a.text}, ${b.text})`), a.value, b.value),
        null,
        `FB_SEED=${seed + i}, query ${k}: ${a.text} to ${b.text}`,
      );
    }
    for (let id = 0; id < view.size; id++) {
      assert.equal([...view.edges(id)].map(label).sort(), [...(oracle.edges.get(label(id)) ?? [])].sort(), label(id));
      assert.ok(view.edges(id).every((edge) => edge > id));
    }
  }
  assert.ok(told > (GRAPHS * QUERIES) / 4, `${told} of the answers were neither nothing nor everything`);
});

test.run();
