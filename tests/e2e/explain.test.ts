/** `fb explain`: after generated edits its first causes are exactly what was edited, and every action that ran has a chain to one of them. */
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Explanation } from "../../cli/explain/explain.ts";
import type { Versus } from "../../cli/explain/versus.ts";
import { subject } from "../../engine/explain.ts";
import type { Cause } from "../../engine/types.ts";
import { newSeed, Random } from "../random.ts";
import { ends, freshFolder, type Ran, result, TestProject } from "./harness.ts";

const EDITS = Number(process.env["FB_SEQUENCES"] ?? 40);
const OUT = ".fb/build/pc/release";

/** A cause as far as the edit tells it beforehand. */
type Expected = Partial<Record<string, string>> & { readonly cause: Cause["cause"] };

/** A project of units that include headers which include headers, with all else that an edit can be made to. */
class Lab {
  readonly project: TestProject;
  readonly random: Random;
  readonly vars: Record<string, string>;
  private readonly bin = join(freshFolder("tools"), "bin");
  private flag = 0;
  private rule = 1;
  private stamp = 0;
  private readonly added: string[] = [];
  private readonly before = new Map<string, string>();

  constructor(random: Random) {
    this.random = random;
    const headers = Array.from({ length: 6 }, (_, i) => i);
    this.project = new TestProject({
      "platformio.ini":
        '[common]\nbuild_flags =\n  -DF=0\n[base]\nbuild_flags = ${common.build_flags} -DLEVEL="${sysenv.LEVEL}"\n[env:pc]\nextends = base\nplatform = native\n',
      "fb.toml": this.steps(),
      VERSION: "1\n",
      ...Object.fromEntries(headers.map((i) => [`include/h${i}.h`, this.header(i)])),
      ...Object.fromEntries([0, 1, 2].map((i) => [`src/u${i}.cpp`, this.unit(i)])),
      "src/main.cpp": "#include <version.h>\nint u0(); int u1(); int u2();\nint main() { return u0() + u1() + u2() + VERSION; }\n",
    });
    for (const name of ["gcc", "g++", "cc", "c++", "ar", "ranlib", "gcc-ar", "gcc-ranlib", "objcopy", "size", "ld", "as", "nm", "strip"])
      this.wrap(name);
    this.vars = { LEVEL: "one-level", PATH: `${this.bin}:${process.env["PATH"]}` };
  }

  private wrap(name: string): void {
    if (!existsSync(`/usr/bin/${name}`)) return;
    const script = new TestProject(
      { [name]: `#!/bin/sh\n# ${this.stamp}\nexec /usr/bin/${name} "$@"\n` },
      { folder: this.bin, cache: this.project.cache },
    );
    chmodSync(script.path(name), 0o755);
  }

  private steps(): string {
    const sh = `echo "#define VERSION $(cat \${in})"; echo "#define RULE ${this.rule}"`;
    return `schema = 1\n[[step]]\nname = "version"\nin = "VERSION"\nout = "\${gen}/version.h"\nsh = '{ ${sh}; } > \${out}'\n`;
  }

  private header(i: number): string {
    return `#pragma once\n${i < 5 ? `#include "h${i + 1}.h"\n` : ""}#define H${i} ${++this.stamp}\n`;
  }

  private unit(i: number): string {
    return `#include "h${i * 2}.h"\nint u${i}() { return H${i * 2} + H5 + F + ${++this.stamp}; }\n`;
  }

  run(): Ran {
    return this.project.run([], { vars: this.vars });
  }

  explain(...args: readonly string[]): Explanation {
    const ran = this.project.fb(["explain", ...args, "--json"], { vars: this.vars });
    assert.is(ran.code, 0, ran.stderr);
    return JSON.parse(ran.stdout) as Explanation;
  }

  private change(path: string, text: string): Expected[] {
    this.before.set(path, this.project.read(path));
    this.project.write(path, text);
    return [{ cause: "input-changed", file: path }];
  }

  /** Makes one edit; what the first causes must be. */
  readonly edits: Readonly<Record<string, () => Expected[]>> = {
    source: () => {
      const i = this.random.below(3);
      return this.change(`src/u${i}.cpp`, this.unit(i));
    },
    "deep header": () => {
      const i = this.random.below(6);
      return this.change(`include/h${i}.h`, this.header(i));
    },
    "a step's input": () => this.change("VERSION", `${++this.stamp}\n`),
    revert: () => {
      const [path, text] = this.random.pick([...this.before]) ?? ["VERSION", `${++this.stamp}\n`];
      if (this.project.read(path) === text) return [];
      return this.change(path, text);
    },
    "flag through extends": () => {
      const old = `-DF=${this.flag}`;
      this.flag++;
      this.project.edit("platformio.ini", old, `-DF=${this.flag}`);
      return [
        { cause: "arg-removed", arg: old },
        { cause: "arg-added", arg: `-DF=${this.flag}` },
      ];
    },
    "environment variable": () => {
      this.vars["LEVEL"] = `level-${++this.stamp}`;
      return [{ cause: "var-changed", name: "LEVEL" }];
    },
    "tool swap": () => {
      this.stamp++;
      for (const name of ["gcc", "g++"]) this.wrap(name);
      return [{ cause: "tool-changed" }];
    },
    "rule edit": () => {
      this.rule++;
      this.project.write("fb.toml", this.steps());
      return [{ cause: "rule-changed", name: "version" }];
    },
    "output edit": () => {
      const file = `${OUT}/${this.random.pick(["src/u0.cpp.o", "src/main.cpp.o", "program"])}`;
      this.project.write(file, `${this.project.read(file)}x`);
      return [{ cause: "output-changed", file }];
    },
    "output removed": () => {
      const file = `${OUT}/${this.random.pick(["src/u1.cpp.o", "program", "gen/version.h"])}`;
      this.project.remove(file);
      return [{ cause: "output-missing", file }];
    },
    eviction: () => {
      const file = `${OUT}/src/u${this.random.below(3)}.cpp.o`;
      assert.is(this.project.fb(["cache", "clear"]).code, 0);
      this.project.remove(file);
      return [{ cause: "output-missing", file }, { cause: "evicted" }];
    },
    "shadowing header": () => {
      const file = `src/h${2 * this.random.below(3)}.h`;
      if (existsSync(this.project.path(file))) {
        this.project.remove(file);
        return [{ cause: "input-removed", file }];
      }
      this.project.write(file, this.project.read(file.replace("src", "include")).replace(/#define (H\d) .*/, "#define $1 1000"));
      return [{ cause: "input-added", file }];
    },
    "source removed": () => {
      const file = this.added.pop();
      if (file === undefined) return [];
      this.project.remove(file);
      return [{ cause: "input-removed", file }];
    },
    "new source": () => {
      const file = `src/n${++this.stamp}.cpp`;
      this.project.write(file, `int n${this.stamp}() { return 1; }\n`);
      this.added.push(file);
      return [{ cause: "input-added", file }];
    },
  };
}

function matches(cause: Cause, expected: Expected): boolean {
  return Object.entries(expected).every(([name, value]) => (cause as Record<string, unknown>)[name] === value);
}

/** Each file includes the next: as the contract's via says it. */
function isChainOfIncludes(project: TestProject, files: readonly string[]): boolean {
  return files.every((file, i) => i === 0 || readFileSync(project.path(files[i - 1] ?? "")).includes(basename(file)));
}

test(`${EDITS} generated edits: the edit and nothing else is the first cause, and nothing that ran is unexplained`, () => {
  const seed = newSeed();
  const lab = new Lab(new Random(seed));
  lab.run();
  const seen = new Map<string, number>();
  for (let i = 0; i < EDITS; i++) {
    const kind = lab.random.pick(Object.keys(lab.edits));
    const expected = lab.edits[kind]?.() ?? [];
    const ran = lab.run();
    const where = `seed ${seed}, edit ${i}: ${kind}`;
    const ended = ends(ran);
    if (ended.length === 0) continue;
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const told = lab.explain();
    const text = JSON.stringify(told);
    // After the cache was cleared once, an output may be one that is no more in it.
    if (kind.startsWith("output") && told.first.length > expected.length) expected.push({ cause: "evicted" });
    assert.is(told.first.length, expected.length, `${where}: wanted ${JSON.stringify(expected)} in ${text}`);
    for (const e of expected)
      assert.ok(
        told.first.some((cause) => matches(cause, e)),
        `${where}: wanted ${JSON.stringify(e)} in ${text}`,
      );
    const acted = told.actions.filter((a) => !a.cutoff);
    assert.is(acted.length, ended.length, `${where}: ${text}`);
    for (const action of acted) {
      assert.ok(action.why.length > 0 && action.chain.length > 0, `${where}: ${action.label} is unexplained in ${text}`);
      for (const chain of action.chain) {
        assert.is(chain.at(-1), action.label);
        assert.ok(
          told.first.some((cause) => subject(cause) === chain[0]),
          `${where}: ${chain.join(" → ")}`,
        );
      }
      for (const cause of action.why)
        if (cause.cause === "input-changed")
          assert.ok(isChainOfIncludes(lab.project, [...cause.via, ...(cause.via.length > 0 ? [cause.file] : [])]), where);
    }
    assert.not.ok(text.includes(lab.vars["LEVEL"] ?? ""), `${where}: the value of a secret is told`);
  }
  assert.ok(seen.size >= Math.min(8, EDITS / 4), `seed ${seed}: only ${[...seen.keys()].join(", ")}`);
});

test("-n says beforehand what the run then does, and at most more after equal bytes", () => {
  const seed = newSeed();
  const lab = new Lab(new Random(seed));
  lab.run();
  for (const kind of ["source", "deep header", "flag through extends", "a step's input", "output removed", "revert", "new source"]) {
    lab.edits[kind]?.();
    const would = lab.explain("-n");
    assert.is(would.run, null);
    const ran = ends(lab.run());
    const did = lab
      .explain()
      .actions.filter((a) => !a.cutoff)
      .map((a) => a.label);
    const labels = would.actions.map((a) => a.label);
    assert.equal(
      did.filter((label) => !labels.includes(label)),
      [],
      `seed ${seed}: ${kind}`,
    );
    assert.is(ran.length, did.length);
    for (const action of would.actions) assert.ok(action.chain.length > 0, `seed ${seed}, ${kind}: ${action.label}`);
  }
  assert.equal(lab.explain("-n").actions, []);
});

test("an edit that has other actions planned is the first cause of them all, beforehand too", () => {
  const project = new TestProject({
    "platformio.ini": '[env:a]\nplatform = native\nbuild_flags = -DL="${sysenv.LEVEL}"\n[env:b]\nplatform = native\n',
    "src/main.c": "int main(void) { return 0; }\n",
    "src/x.c": "int x;\n",
    "lib/L/l.h": "int l(void);\n",
    "lib/L/l.c": "int l(void) { return 1; }\n",
    "lib/M/m.h": "\n",
  });
  const vars: Record<string, string> = { LEVEL: "" };
  project.run([], { vars });
  const edits: Readonly<Record<string, () => readonly string[]>> = {
    "a library is taken in": () => {
      project.write("src/main.c", '#include "l.h"\nint main(void) { return l(); }\n');
      return ["input-changed src/main.c"];
    },
    "and left out": () => {
      project.write("src/main.c", "int main(void) { return 0; }\n");
      return ["input-changed src/main.c"];
    },
    "a new source takes it in": () => {
      project.write("src/new/n.c", '#include "l.h"\n#include "m.h"\nint n;\n');
      return ["input-added src/new/n.c"];
    },
    "one of two libraries gets its first source": () => {
      project.write("lib/M/m.c", "int m;\n");
      return ["input-added lib/M/m.c"];
    },
    "the only source of a library goes": () => {
      project.remove("lib/M/m.c");
      return ["input-removed lib/M/m.c"];
    },
    "a source goes": () => {
      project.remove("src/x.c");
      return ["input-removed src/x.c"];
    },
    "a variable": () => {
      vars["LEVEL"] = "high";
      return ["var-changed LEVEL"];
    },
  };
  for (const [kind, edit] of Object.entries(edits)) {
    const expected = edit();
    const told = (...args: readonly string[]): Explanation =>
      JSON.parse(project.fb(["explain", ...args, "--json"], { vars }).stdout) as Explanation;
    const would = told("-n");
    project.run([], { vars });
    for (const { run, first, actions } of [would, told()]) {
      const where = `${kind}, ${run === null ? "-n" : "after it"}`;
      assert.equal(
        first.map((cause) => `${cause.cause} ${subject(cause)}`),
        expected,
        where,
      );
      assert.ok(actions.length > 0, where);
      for (const a of actions)
        if (!a.cutoff) assert.ok(a.chain.length > 0 && a.chain.every((c) => c.at(-1) === a.label), `${where}: ${a.label}`);
    }
  }
});

test("a compile that failed, and what came after its mending, is explained by both edits", () => {
  const lab = new Lab(new Random(1));
  lab.run();
  lab.project.write("src/u0.cpp", "int u0() { return }\n");
  assert.is(lab.project.fb([], { vars: lab.vars }).code, 1);
  const failed = lab.explain();
  assert.equal(
    [failed.first.map(subject), failed.actions.map((a) => [a.label, a.status])],
    [["src/u0.cpp"], [["compile:pc:src/u0.cpp.o", "failed"]]],
  );
  lab.project.edit("include/h4.h", "#define H4", "#define H4 2 +");
  lab.project.write("src/u0.cpp", "int u0() { return 7; }\n");
  lab.run();
  assert.equal(lab.explain().first.map(subject).sort(), ["include/h4.h", "src/u0.cpp"]);
  assert.equal(
    lab.explain("--run", "2").actions.map((a) => a.status),
    ["failed"],
  );
});

test("cut off: what was compiled again to the same bytes says so of what did not follow", () => {
  const lab = new Lab(new Random(2));
  lab.run();
  lab.project.edit("src/main.cpp", "int main", "/* */ int main");
  lab.run();
  const told = lab.explain(":firmware@pc");
  assert.equal(
    told.actions.map((a) => [a.label, a.status, a.cutoff]),
    [
      ["compile:pc:src/main.cpp.o", "ran", false],
      ["link:pc:program", "up-to-date", true],
    ],
  );
  const text = lab.project.fb(["explain"], { vars: lab.vars }).stdout;
  assert.match(text, /src\/main\.cpp changed\n {2}→ compile:pc:src\/main\.cpp\.o/);
  assert.match(text, /link:pc:program did not have to run: compile:pc:src\/main\.cpp\.o gave the same bytes/);
});

test("of a file, a label, an earlier run; what is not there is an error that says what is", () => {
  const lab = new Lab(new Random(3));
  lab.run();
  lab.edits["source"]?.();
  lab.run();
  lab.edits["flag through extends"]?.();
  lab.run();
  assert.equal(
    lab.explain("src/main.cpp").actions.map((a) => a.label),
    ["compile:pc:src/main.cpp.o"],
  );
  assert.equal(
    lab.explain("compile:pc:src/u1.cpp.o").actions.map((a) => a.label),
    ["compile:pc:src/u1.cpp.o"],
  );
  assert.is(lab.explain("--run", "2").first[0]?.cause, "input-changed");
  assert.is(lab.explain("--run", "1").first[0]?.cause, "first-build");
  const said = (...args: string[]) => lab.project.fb(["explain", ...args], { vars: lab.vars });
  assert.match(said().stdout, /argument -DF=0 dropped\n[^]*new argument -DF=1 {2}platformio\.ini:3\n/);
  for (const [args, words] of [
    [["src/u9.cpp"], /did you mean src\/u\d\.cpp\?/],
    [["--run", "9"], /kept are 1 to 3/],
    [[":firmwear"], /did you mean :firmware\?/],
  ] as const) {
    const ran = said(...args);
    assert.is(ran.code, 2);
    assert.match(ran.stderr, words);
  }
  rmSync(lab.project.path(".fb"), { recursive: true });
  assert.match(said().stderr, /nothing was built/);
});

test("-n of a file: what reads it and would run, however the file is spelled, also a header, one that is gone, one that a step makes", () => {
  const lab = new Lab(new Random(5));
  lab.run();
  lab.edits["source"]?.();
  const of = (file: string) => {
    const { actions, first } = lab.explain("-n", file);
    return [first.map(subject), actions.map((a) => a.label)];
  };
  lab.project.edit("include/h4.h", "#define H4", "#define H4 2 +");
  for (const file of ["include/h4.h", "./include/h4.h", lab.project.path("include/h4.h")]) {
    const [first, actions] = of(file);
    assert.ok(first?.includes("include/h4.h"), file);
    assert.ok(actions?.includes("compile:pc:src/u2.cpp.o"), file);
    assert.not.ok(actions?.includes("link:pc:program"), file);
  }
  lab.run();
  lab.project.write("VERSION", "9\n");
  assert.equal(of("VERSION"), [["VERSION"], ["step:pc:gen/version.h"]]);
  assert.equal(of(`${OUT}/gen/version.h`), [["VERSION"], ["step:pc:gen/version.h"]]);
  lab.project.remove("include/h5.h");
  assert.ok(of("include/h5.h")[1]?.includes("compile:pc:src/main.cpp.o") === false && (of("include/h5.h")[1]?.length ?? 0) > 0);
  for (const words of [["-n", "README"], ["README"], ["@nowhere"]])
    assert.is(lab.project.fb(["explain", ...words], { vars: lab.vars }).code, 2, words.join(" "));
});

test("--vs: two envs, two actions, two checkouts", () => {
  const ini = "[env]\nplatform = native\n[env:a]\n[env:b]\nbuild_flags = -DB=2\n[env:c]\n";
  const files = { "platformio.ini": ini, "src/main.cpp": "int main() { return 0; }\n" };
  const project = new TestProject(files);
  project.run();
  const vs = (p: TestProject, a: string, b: string) => JSON.parse(p.fb(["explain", a, "--vs", b, "--json"]).stdout) as Versus;
  assert.equal(vs(project, "@a", "@c"), { same: true, differences: [] });
  const differ = vs(project, "@a", "@b");
  assert.not.ok(differ.same);
  assert.ok(differ.differences.some((d) => d.field === "argv" && d.a === "" && d.b === "-DB=2"));
  assert.ok(differ.differences.every((d) => d.field === "argv" || d.field === "input"));
  assert.equal(vs(project, "compile:a:src/main.cpp.o", "compile:c:src/main.cpp.o"), { same: true, differences: [] });
  const other = new TestProject({ ...files, "src/main.cpp": "int main() { return 1; }\n" });
  other.run();
  const input = vs(project, "compile:a:src/main.cpp.o", other.folder).differences;
  assert.equal(
    input.map((d) => [d.field, d.name]),
    [["input", "src/main.cpp"]],
  );
  assert.match(project.fb(["explain", "@a", "--vs", "@b"]).stdout, /\+ -DB=2/);
});

test("a hit names the project that it was built in", () => {
  const first = new Lab(new Random(4));
  first.run();
  const second = new TestProject(
    Object.fromEntries(
      [
        "platformio.ini",
        "fb.toml",
        "VERSION",
        "src/main.cpp",
        "src/u0.cpp",
        "src/u1.cpp",
        "src/u2.cpp",
        ...[0, 1, 2, 3, 4, 5].map((i) => `include/h${i}.h`),
      ].map((p) => [p, first.project.read(p)]),
    ),
    { cache: first.project.cache },
  );
  const ran = second.run([], { vars: first.vars });
  assert.ok(result(ran).hits > 0);
  const told = JSON.parse(second.fb(["explain", "--json"], { vars: first.vars }).stdout) as Explanation;
  assert.ok(told.actions.some((a) => a.status === "hit" && a.origin === first.project.folder));
});

test.run();
