/** Values made of others: what each kind of them is, what they may read, and overlays that look at them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Bound, expandVariable, scope } from "../../rules/expand.ts";
import { boardContext, resolve } from "../../rules/resolve.ts";
import { readRuleFile } from "../../rules/rulefile.ts";

const TEXT = `schema = 1
[vars]
mcu    = { upper = "\${board.build.mcu}" }
chip   = { match = ["\${mcu}", 'STM32(..)(.*)', "\${found[1]}-\${found[2]}", "other"] }
listed = { lookup = ["\${framework}/names.json", "\${board.id}"] }
usual  = { match = ["\${board.id}", 'a.*', "\${chip}"] }
name   = { first = ["\${board.given}", "\${board.empty}", "\${listed|usual}"] }
table  = { there = ["\${board.table}", "\${framework}/", "\${framework}/a.txt", "\${framework}/b.txt"] }
words  = { text = "\${table}" }
each   = { lines = ["\${words}", " z "] }
place  = { hex = ["0x1000", "4K"] }
macros = { grep = ['^-D([^=]+(?:=[^=]*)?)$', "\${framework}/a.txt", "\${framework}/b.txt"] }
x = "plain"
[when.chip."F4*|F7*"]
x = "fast"
[when."board.absent"."*"]
x = "wrong"
[when.name."ab"]
flags.defines = { append = ["AB"] }
[framework.arduino]
package = "core"
[framework.arduino.when.">=2"]
x = "new"
`;

type Given = Readonly<Record<string, string>>;

function world(given: Given, files: Given = {}, framework = { name: "", version: "" }) {
  const file = readRuleFile("p.toml", TEXT);
  if (!file.ok) throw new Error(file.failure.message);
  const names = new Map<string, Bound>([["framework", "/FW"], ...Object.entries(given)]);
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    return files[path] ?? null;
  };
  const context = { host: "linux", profile: "release", env: "e", macros: new Set<string>(), read };
  const toolVersions = new Map([[`framework.${framework.name}`, framework.version]]);
  const resolved = resolve(file.value, { ...context, ...boardContext(names), framework: framework.name, toolVersions });
  const value = (name: string) => {
    const variable = resolved.vars.get(name);
    const bound = variable === undefined ? null : expandVariable(variable, scope(names, resolved.vars, null, read));
    return bound?.ok === false ? bound.failure.code : bound?.value;
  };
  return { value, resolved, asked };
}

test("match: patterns fit the whole text, the first counts; none: what is otherwise, or nothing", () => {
  const { value } = world({ "board.build.mcu": "stm32f411re", "board.id": "abc" });
  assert.equal([value("chip"), value("name")], ["F4-11RE", "F4-11RE"]);
  const other = world({ "board.build.mcu": "xstm32f411re", "board.id": "b" });
  assert.equal([other.value("chip"), other.value("usual"), other.value("name")], ["other", "", ""]);
});

test("lookup: what a table has; an empty text or a missing name is passed over", () => {
  const table = { "/FW/names.json": '{ "abc": "Tabled", "n": 3 }' };
  const board = { "board.build.mcu": "stm32f411re", "board.id": "abc" };
  assert.is(world({ ...board, "board.given": "mine" }, table).value("name"), "mine");
  assert.is(world({ ...board, "board.empty": "" }, table).value("name"), "Tabled");
  assert.is(world({ ...board, "board.id": "ab" }, table).value("name"), "F4-11RE");
  assert.is(world({ ...board, "board.id": "n" }, table).value("name"), "");
  assert.is(world(board, { "/FW/names.json": "no JSON" }).value("name"), "F4-11RE");
});

test("grep: those lines that fit, files in their order; a file that is not there is looked for", () => {
  const files = { "/FW/a.txt": "-DONE=1\r\n\n  -DTWO\nthree\n", "/FW/b.txt": "-DFOUR=//\n" };
  assert.equal(world({}, files).value("macros"), ["ONE=1", "TWO", "FOUR=//"]);
  const missing = world({}, { "/FW/a.txt": "" });
  assert.is(missing.value("macros"), "rule.no-file");
  assert.equal(missing.asked.slice(-1), ["/FW/b.txt"]);
});

test("there, text, lines: the first file that is there, its text; where there is none, nothing", () => {
  const { value } = world({}, { "/FW/b.txt": "x\r\n\n y\n", "/FW/": "a folder" });
  assert.equal([value("table"), value("words"), value("each")], ["/FW/b.txt", "x\r\n\n y\n", ["x", "y", "z"]]);
  const none = world({});
  assert.equal([none.value("table"), none.value("words"), none.value("each")], ["", "", ["z"]]);
  assert.is(none.value("place"), "0x2000");
});

test("overlays by what a name or a variable stands for", () => {
  const fast = world({ "board.build.mcu": "stm32f411re", "board.id": "ab" }, { "/FW/names.json": '{ "ab": "ab" }' });
  assert.is(fast.value("x"), "fast");
  assert.equal(
    fast.resolved.flags.defines.map((t) => t.text),
    ["AB"],
  );
  const plain = world({ "board.build.mcu": "stm32g071rb", "board.id": "zz" });
  assert.is(plain.value("x"), "plain");
  assert.equal(plain.resolved.flags.defines, []);
  assert.is(plain.resolved.mistake, null);
  assert.is(world({ "board.id": "zz" }).resolved.mistake?.code, "rule.unknown-name", "of what decides an overlay");
});

test("an overlay of a framework's version applies to that framework alone", () => {
  const board = { "board.build.mcu": "a", "board.id": "b" };
  const x = (name: string, version: string) => world(board, {}, { name, version }).value("x");
  assert.equal([x("arduino", "2.1.0"), x("arduino", "1.9.0"), x("other", "2.1.0")], ["new", "plain", "plain"]);
});

test("too few elements, a pattern that is none, a name that fb gives, an overlay by no variable: told", () => {
  const code = (text: string) => {
    const read = readRuleFile("p.toml", `schema = 1\n${text}`);
    return read.ok ? "" : [read.failure.code, read.failure.line];
  };
  assert.equal(code('[vars]\na = { match = ["x", \'(\', "y"] }\n'), ["rule.wrong-value", 3]);
  assert.equal(code("[vars]\na = { find = ['[', \"y\"] }\n"), ["rule.wrong-value", 3]);
  assert.equal(code('[vars]\na = { lookup = ["x"] }\n'), ["rule.wrong-value", 3]);
  assert.equal(code('[vars]\na = { match = ["x", "y"] }\n'), ["rule.wrong-value", 3]);
  assert.equal(code('[vars]\nboard = { upper = "x" }\n'), ["rule.reserved-name", 3]);
  assert.equal(code('[vars]\na = "x"\n[when.b."*"]\na = "y"\n'), ["rule.unknown-name", 4]);
  assert.equal(code('[vars]\na = { match = ["x", \'.*${x}(\', "y"] }\nx = ""\n'), ["rule.wrong-value", 3], "with a name in it, too");
});

test("a name in a regular expression stands for its letters: a value of the ini is none, odd or not", () => {
  const found = (given: string) => {
    const file = readRuleFile(
      "p.toml",
      `schema = 1\n[vars]\na = { find = ['^\${board.given},(\\d+)', "app,1\\nx(,2\\na.*,3", "none"] }\nb = { match = ["\${board.given}", '\${board.given}', "all", "not"] }\n`,
    );
    if (!file.ok) throw new Error(file.failure.message);
    const within = scope(new Map([["board.given", given]]), file.value.vars, null);
    return ["a", "b"].map((name) => {
      const variable = file.value.vars.get(name);
      const bound = variable === undefined ? null : expandVariable(variable, within);
      return bound?.ok === true ? bound.value : bound?.failure.code;
    });
  };
  assert.equal(["app", "x(", "a.*", "a"].map(found), [
    ["1", "all"],
    ["2", "all"],
    ["3", "all"],
    ["none", "all"],
  ]);
});

test("a table of partitions in a form in which all is said; nothing where it is none; a form that is not known is a mistake", () => {
  const tableOf = (form: string, text: string) => {
    const file = readRuleFile("p.toml", `schema = 1\n[vars]\ntable = { text = ["t.csv", "${form}"] }\n`);
    const variable = file.ok ? file.value.vars.get("table") : undefined;
    if (variable === undefined) throw new Error(JSON.stringify(file));
    const made = expandVariable(
      variable,
      scope(new Map(), new Map(), null, (path) => (path === "t.csv" ? text : null)),
    );
    return made.ok ? made.value : made.failure.code;
  };
  const table = "# table\nnvs,data,nvs,,20K\napp0, app, ota_0, , 1M,\n";
  assert.is(tableOf("esp32-partitions", table), "nvs,1,2,36864,20480\napp0,0,16,65536,1048576\n");
  assert.is(tableOf("esp32-partitions", "nvs,data\n"), "");
  assert.is(tableOf("", table), table);
  assert.is(tableOf("csv", table), "rule.wrong-value");
});

test.run();
