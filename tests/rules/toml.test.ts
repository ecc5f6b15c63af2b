/** The TOML tree: values and the places of keys and values. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseToml, type TomlTable, type TomlValue, toPlain } from "../../rules/toml.ts";

function parsed(text: string): TomlTable {
  const result = parseToml("f.toml", text);
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}

/** "path key@line:column value@line:column" of everything in a table. */
function places(value: TomlValue, path = ""): string[] {
  if (value.is === "table")
    return [...value.entries].flatMap(([key, e]) => [
      `${path}${key} @${e.span.line}:${e.span.column} =${e.value.span.line}:${e.value.span.column}`,
      ...places(e.value, `${path}${key}.`),
    ]);
  if (value.is === "list")
    return value.items.flatMap((item, i) => [`${path}${i} =${item.span.line}:${item.span.column}`, ...places(item, `${path}${i}.`)]);
  return [];
}

test("values", () => {
  const table: [string, unknown][] = [
    ["", {}],
    ["# only a comment\n", {}],
    ["\uFEFFa = 1\r\nb = true\r\n", { a: 1, b: true }],
    ["a = 'x\\n'\nb = \"\\u00e9\\n\"", { a: "x\\n", b: "é\n" }],
    ['a = """\none\n  two"""', { a: "one\n  two" }],
    ["a.b.c = 1\na.b.d = 2", { a: { b: { c: 1, d: 2 } } }],
    ["[a.b]\nx = 1\n[a]\ny = 2", { a: { b: { x: 1 }, y: 2 } }],
    ["[[s]]\na = 1\n[s.t]\nb = 2\n[[s]]\n[[s.u]]\nc = 3", { s: [{ a: 1, t: { b: 2 } }, { u: [{ c: 3 }] }] }],
    ["a = { b = [1, { c = 2 }], d.e = 3 }", { a: { b: [1, { c: 2 }], d: { e: 3 } } }],
    ["a = 1979-05-27", { a: "1979-05-27" }],
    ['"" = 1\n"a.b" = 2', { "": 1, "a.b": 2 }],
    ["a = [\n  1, # one\n  2,\n]", { a: [1, 2] }],
  ];
  for (const [text, value] of table) assert.equal(toPlain(parsed(text)), value, text);
  assert.ok(Object.hasOwn(toPlain(parsed("__proto__ = 1")) as object, "__proto__"));
});

test("places count from 1, in the units of an editor", () => {
  const text = 'a = "é😀"\n  b = [ "x",\n "y"]\n[ t . u ]\nc.d = { e = 1 }\n[[s]]\n[[s]]\nf = 2\n';
  assert.equal(places(parsed(text)), [
    "a @1:1 =1:5",
    "b @2:3 =2:7",
    "b.0 =2:9",
    "b.1 =3:2",
    "t @4:3 =4:3",
    "t.u @4:7 =4:7",
    "t.u.c @5:1 =5:1",
    "t.u.c.d @5:3 =5:7",
    "t.u.c.d.e @5:9 =5:13",
    "s @6:3 =6:3",
    "s.0 =6:3",
    "s.1 =7:3",
    "s.1.f @8:1 =8:5",
  ]);
  assert.is(parsed(text).span.file, "f.toml");
});

test("a text knows its first character where the source holds it letter by letter", () => {
  const at = (text: string) => {
    const value = parsed(text).entries.get("a")?.value;
    return value?.is === "text" ? (value.at?.column ?? null) : undefined;
  };
  assert.is(at('a = "xy"'), 6);
  assert.is(at("a = 'x\\y'"), 6);
  assert.is(at('a = "x\\ty"'), null);
  assert.is(at('a = """xy"""'), null);
  assert.is(at('a = ""'), 6);
});

test.run();
