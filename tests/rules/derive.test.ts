/** Names made of others: what is asked first, tables, patterns, and overlays that look at them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Bound } from "../../rules/expand.ts";
import { withDerived } from "../../rules/derive.ts";
import { boardContext, resolve } from "../../rules/resolve.ts";
import { readRuleFile } from "../../rules/rulefile.ts";

const FILE = `schema = 1
[derive.chip]
of   = "\${board.build.mcu}"
case = "upper"
find = { 'STM32(..)(.*)' = "\${found[1]}-\${found[2]}", '.*' = "other" }
[derive.name]
first = ["\${board.given}", "\${board.empty}"]
of    = "\${board.id}"
file  = "\${framework}/names.json"
find  = { 'a.*' = "\${chip}" }
[derive.nothing]
of   = "\${name}"
find = { 'never' = "x" }
[vars]
x = "plain"
[when.chip."F4*|F7*"]
x = "fast"
[when."board.absent"."*"]
x = "wrong"
[when.name."ab"]
flags.defines = { append = ["AB"] }
`;

function names(given: Readonly<Record<string, string>>, tables: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Bound> {
  const file = readRuleFile("p.toml", FILE);
  if (!file.ok) throw new Error(file.failure.message);
  const all = new Map<string, Bound>([["framework", "/FW"], ...Object.entries(given)]);
  const derived = withDerived(file.value.derived, all, (path) => tables[path] ?? null);
  if (!derived.ok) throw new Error(derived.failure.message);
  return derived.value;
}

function resolved(given: ReadonlyMap<string, Bound>) {
  const file = readRuleFile("p.toml", FILE);
  if (!file.ok) throw new Error(file.failure.message);
  const context = { host: "linux", framework: "", profile: "release", env: "e", macros: new Set<string>(), toolVersions: new Map() };
  return resolve(file.value, { ...context, ...boardContext(given) });
}

test("patterns fit the whole text, the first counts; none: empty", () => {
  const got = names({ "board.build.mcu": "stm32f411re", "board.id": "abc" });
  assert.equal([got.get("chip"), got.get("name"), got.get("nothing")], ["F4-11RE", "F4-11RE", ""]);
  assert.is(names({ "board.build.mcu": "xstm32f411re", "board.id": "b" }).get("chip"), "other");
});

test("what is given comes first, then the table, then patterns; an empty text or a missing name is not given", () => {
  const table = { "/FW/names.json": '{ "abc": "Tabled", "n": 3 }' };
  const board = { "board.build.mcu": "stm32f411re", "board.id": "abc" };
  assert.is(names({ ...board, "board.given": "mine" }, table).get("name"), "mine");
  assert.is(names({ ...board, "board.empty": "" }, table).get("name"), "Tabled");
  assert.is(names({ ...board, "board.id": "ab" }, table).get("name"), "F4-11RE");
  assert.is(names({ ...board, "board.id": "n" }, table).get("name"), "");
  assert.is(names(board, { "/FW/names.json": "no JSON" }).get("name"), "F4-11RE");
});

test("overlays by what a name stands for", () => {
  const fast = resolved(names({ "board.build.mcu": "stm32f411re", "board.id": "ab" }, { "/FW/names.json": '{ "ab": "ab" }' }));
  const x = fast.vars.get("x");
  assert.is(x?.is === "text" && x.text.text, "fast");
  assert.equal(
    fast.flags.defines.map((t) => t.text),
    ["AB"],
  );
  const plain = resolved(names({ "board.build.mcu": "stm32g071rb", "board.id": "zz" }));
  const y = plain.vars.get("x");
  assert.is(y?.is === "text" && y.text.text, "plain");
  assert.equal(plain.flags.defines, []);
});

test("a pattern that is none, and a name that fb gives, are told", () => {
  const code = (text: string) => {
    const read = readRuleFile("p.toml", `schema = 1\n${text}`);
    return read.ok ? "" : [read.failure.code, read.failure.line];
  };
  assert.equal(code('[derive.a]\nof = "x"\nfind = { \'(\' = "y" }\n'), ["rule.wrong-value", 4]);
  assert.equal(code('[derive.board]\nfirst = ["x"]\n'), ["rule.reserved-name", 2]);
});

test("a file that is there, in order; the text of a file; nothing where there is none", () => {
  const file = readRuleFile(
    "p.toml",
    `schema = 1
[derive.table]
there = ["\${absent}/a.csv", "/V/\${name}", "/FW/\${name}"]
first = ["\${name}"]
[derive.content]
text = "\${table}"
`,
  );
  if (!file.ok) throw new Error(file.failure.message);
  const table = (name: string, files: Readonly<Record<string, string>>) => {
    const derived = withDerived(file.value.derived, new Map([["name", name]]), (path) => files[path] ?? null);
    return derived.ok ? [derived.value.get("table"), derived.value.get("content")] : derived.failure;
  };
  assert.equal(table("a.csv", { "/FW/a.csv": "1", "/V/a.csv": "2" }), ["/V/a.csv", "2"]);
  assert.equal(table("a.csv", { "/FW/a.csv": "" }), ["/FW/a.csv", ""]);
  assert.equal(table("own.csv", { "own.csv": "3" }), ["own.csv", "3"]);
  assert.equal(table("own.csv", {}), ["own.csv", ""]);
  // A folder is no file.
  assert.equal(table("", { "/V/": "" }), ["", ""]);
});

test.run();
