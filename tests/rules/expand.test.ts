/** Expansion: a table of cases and mistakes, and laws that hold for generated templates. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Result } from "../../engine/types.ts";
import {
  type Bound,
  type Computed,
  expand,
  expandText,
  expandVariable,
  knows,
  type Scope,
  scope,
  type Variable,
  withVars,
  within,
} from "../../rules/expand.ts";
import { literal, parseTemplate, TEMPLATE, type Template } from "../../rules/template.ts";
import type { Span } from "../../rules/toml.ts";
import { newSeed, Random } from "../random.ts";

const SPAN: Span = { file: "fb.toml", line: 3, column: 9 };

function t(text: string, span: Span = SPAN): Template {
  const parsed = parseTemplate({ is: "text", value: text, span, at: { ...span, column: span.column + 1 } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failure));
  return parsed.value;
}
function list(line: number, ...items: string[]): Variable {
  const span = { ...SPAN, line };
  return { is: "list", items: items.map((i) => t(i, span)), span };
}
function text(line: number, value: string): Variable {
  return { is: "text", text: t(value, { ...SPAN, line }) };
}

const NAMES = new Map<string, Bound>([
  ["src", "a b.cpp"],
  ["empty", ""],
  ["none", []],
  ["one", ["1"]],
  ["in", ["x", "y", "$z"]],
  ["board.build.mcu", "m328p"],
]);
const VARS = new Map<string, Variable>([
  ["arch", list(10, "-mmcu=${board.build.mcu}")],
  ["all", list(11, "${arch}", "-c", "${in}", "${none}", "${empty}")],
  ["obj", text(12, "${src}.o")],
  ["wrong", text(13, "${in}")],
  ["typo", list(14, "ok", "${ach}")],
  ["a", list(15, "${b}")],
  ["b", text(16, "x${c}")],
  ["c", list(17, "-", "${a}")],
  ["self", list(18, "${self}")],
]);
const SCOPE = scope(NAMES, VARS);

test("lists of templates", () => {
  const table: [string[], string[]][] = [
    [[], []],
    [
      ["plain", ""],
      ["plain", ""],
    ],
    [["${src}"], ["a b.cpp"]],
    [["${in}"], ["x", "y", "$z"]],
    [
      ["-I${in[1]}", "${in[2]}"],
      ["-Iy", "$z"],
    ],
    [["${src[0]}"], ["a b.cpp"]],
    [
      ["${nothing|empty|src|obj}", "${none|in}"],
      ["a b.cpp", "x", "y", "$z"],
    ],
    [
      ["${in|src[2]}", "a${nothing|empty}"],
      ["$z", "a"],
    ],
    [["${none}"], []],
    [["${empty}"], [""]],
    [["${empty}${empty}"], [""]],
    [["${all}"], ["-mmcu=m328p", "-c", "x", "y", "$z", ""]],
    [["${obj}.d"], ["a b.cpp.o.d"]],
    [
      ["$$", "$x", "$", "a$", "$${src}", "$$$${src}", "$$${src}"],
      ["$", "$x", "$", "a$", "${src}", "$${src}", "$a b.cpp"],
    ],
    [
      ["{x}", "}", "${board.build.mcu}!"],
      ["{x}", "}", "m328p!"],
    ],
  ];
  for (const [templates, elements] of table)
    assert.equal(
      expand(
        templates.map((x) => t(x)),
        SCOPE,
      ),
      { ok: true, value: elements },
      templates.join(" "),
    );
});

test("mistakes, at the template that says the name", () => {
  const table: [string, string, number, number, string][] = [
    ["x ${nothing}", "rule.unknown-name", 3, 12, "unknown name ${nothing}"],
    ["${sr}", "rule.unknown-name", 3, 10, 'did you mean "src"'],
    ["${board.f_cpu}", "rule.unknown-name", 3, 10, "${board.build.mcu}"],
    ["${HOME}", "rule.unknown-name", 3, 10, "$${HOME}"],
    ["-I${in}", "rule.list-in-text", 3, 12, "${in} is a list of 3"],
    ["-I${none}", "rule.list-in-text", 3, 12, "(empty here)"],
    ["${wrong}", "rule.list-in-text", 13, 10, "${in[0]}"],
    ["${typo}", "rule.unknown-name", 14, 10, 'did you mean "arch"'],
    ["${a}", "rule.name-cycle", 17, 10, "a → b → c → a"],
    ["${self}", "rule.name-cycle", 18, 10, "self → self"],
    ["${in[3]}", "rule.index", 3, 10, "[0] to [2]"],
    ["${nothing|no}", "rule.unknown-name", 3, 10, "unknown name ${nothing}"],
    ["${none[0]}", "rule.index", 3, 10, "is empty"],
    ["${one[1]}", "rule.index", 3, 10, "one element"],
  ];
  for (const [template, code, line, column, says] of table) {
    const result = expand([t(template)], SCOPE);
    assert.not(result.ok, template);
    if (result.ok) continue;
    const f = result.failure;
    assert.equal([f.code, f.exit, f.file, f.line, f.column], [code, 3, "fb.toml", line, column], `${template}: ${f.message}`);
    assert.ok(`${f.message} | ${f.hint}`.includes(says), `${f.message} | ${f.hint}`);
  }
});

test("a list of one is still a list within a text", () => {
  const result = expandText(t("-I${one}"), SCOPE);
  assert.is(result.ok ? "" : result.failure.code, "rule.list-in-text");
});

test("inner names hide outer ones, and variables see the innermost scope", () => {
  const inner = within(SCOPE, [
    ["src", "b.c"],
    ["empty", "now"],
  ]);
  assert.equal(expand([t("${obj}"), t("${all}")], inner), { ok: true, value: ["b.c.o", "-mmcu=m328p", "-c", "x", "y", "$z", "now"] });
  const file = withVars(inner, new Map([["mine", list(1, "${arch}", "${obj}")]]));
  assert.equal(expand([t("${mine}")], file), { ok: true, value: ["-mmcu=m328p", "b.c.o"] });
  assert.is(knows(file, "mine"), true);
  assert.is(knows(file, "arch"), true);
  assert.is(knows(SCOPE, "mine"), false);
  assert.equal(expandVariable(text(1, "${obj}"), inner), { ok: true, value: "b.c.o" });
});

test("a name that is bound is not looked up further, so a variable may not hide it into a cycle", () => {
  const bound = within(scope(new Map(), new Map([["x", list(1, "${x}")]])), [["x", "given"]]);
  assert.equal(expand([t("${x}")], bound), { ok: true, value: ["given"] });
});

// Laws, on generated templates.
const random = new Random(newSeed());
const PIECES = ["a", "-I", " ", "$", "{", "}", "é😀", "\n", "[0]", ".", "${", "$$"];
function someText(): string {
  return Array.from({ length: random.below(8) }, () => random.pick(PIECES)).join("");
}
function someTemplate(): string {
  return Array.from({ length: random.below(5) }, () =>
    random.pick(["a", "-I", "$$", "}", "${src}", "${in[0]}", "${in[2]}", "${empty}", "${obj}", "${board.build.mcu}"]),
  ).join("");
}
function values(templates: readonly string[], at: Scope = SCOPE): string[] {
  const result = expand(
    templates.map((x) => t(x)),
    at,
  );
  if (!result.ok) throw new Error(`${JSON.stringify(templates)}: ${result.failure.message}`);
  return result.value;
}

test("law: an escaped text stands for itself, and so does a literal", () => {
  for (let i = 0; i < 2000; i++) {
    const s = someText();
    assert.equal(values([s.replaceAll("$", "$$$$")]), [s], JSON.stringify(s));
    assert.equal(expand([literal(s, SPAN)], SCOPE), { ok: true, value: [s] });
    assert.equal(values([literal(s, SPAN).text]), [s]);
  }
});

test("law: expanding two lists after each other is expanding the joined list", () => {
  for (let i = 0; i < 1000; i++) {
    const some = () =>
      Array.from({ length: random.below(4) }, () => (random.below(3) === 0 ? random.pick(["${in}", "${none}", "${all}"]) : someTemplate()));
    const [a, b] = [some(), some()];
    assert.equal([...values(a), ...values(b)], values([...a, ...b]));
  }
});

test("law: a variable in place of a list changes nothing", () => {
  for (let i = 0; i < 1000; i++) {
    const items = Array.from({ length: random.below(4) }, () => (random.below(4) === 0 ? "${in}" : someTemplate()));
    const at = withVars(SCOPE, new Map([["v", list(1, ...items)]]));
    assert.equal(values(["x", "${v}", "y"], at), values(["x", ...items, "y"]));
  }
});

test("law: joined texts expand to joined values; expanding twice is expanding once where no $ is left", () => {
  for (let i = 0; i < 1000; i++) {
    const [a, b] = [someTemplate(), someTemplate()];
    const text = (x: string) => {
      const r = expandText(t(x), SCOPE);
      return r.ok ? r.value : "";
    };
    assert.is(text(a + b), text(a) + text(b));
    const [once] = values([a]);
    if (once !== undefined && !once.includes("$")) assert.equal(values([once]), [once]);
  }
});

test("law: the published pattern takes exactly what the parser takes", () => {
  const pattern = new RegExp(TEMPLATE, "u");
  let refused = 0;
  for (let i = 0; i < 20_000; i++) {
    const s = Array.from({ length: random.below(7) }, () =>
      random.pick([...PIECES, "${src}", "${in[", "]}", "[12]}", "x.y-z", "1", "_"]),
    ).join("");
    const parses = parseTemplate({ is: "text", value: s, span: SPAN, at: null }).ok;
    assert.is(pattern.test(s), parses, JSON.stringify(s));
    if (!parses) refused++;
  }
  assert.ok(refused > 1000, String(refused));
});

test("values made of others: sums, capitals, what fits, what is found", () => {
  const made = (by: Computed["by"], ...items: string[]): Result<Bound> => {
    const names = new Map<string, Bound>([
      ["size", "4M"],
      ["flags", ["MMU_A=1", "USER", "MMU_B"]],
      ["script", "start = 0x40500000;\nlen = 0xFEff0"],
    ]);
    return expandVariable({ is: "computed", by, items: items.map((item) => t(item)), span: SPAN }, scope(names));
  };
  const value = (...[by, ...items]: Parameters<typeof made>) => {
    const result = made(by, ...items);
    return result.ok ? result.value : result.failure.code;
  };
  assert.is(value("sum", "${size}", "-0x1000", "80000000L", "-512K"), String(4 * 1024 * 1024 - 4096 + 80_000_000 - 512 * 1024));
  assert.is(value("sum", "0B", "1.5MB", "-.5k"), String(1.5 * 1024 * 1024 - 512));
  assert.is(value("sum", "ten"), "rule.not-a-number");
  assert.is(value("upper", "a-${size}m"), "A-4MM");
  assert.equal(value("fit", "MMU_*", "${flags}"), ["MMU_A=1", "MMU_B"]);
  assert.equal(value("each", "-D", "${flags}"), ["-DMMU_A=1", "-DUSER", "-DMMU_B"]);
  assert.is(value("find", "LEN = (0x[\\da-f]+)", "${script}"), "0xFEff0");
  assert.is(value("find", "^st\\w+", "${script}"), "start");
  assert.is(value("find", "none", "${script}", "${size}"), "4M");
  assert.is(value("find", "none", "${script}"), "rule.not-found");
});

test.run();
