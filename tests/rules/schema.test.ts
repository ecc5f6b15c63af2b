/** The published schema: it is what the description prints, and it takes exactly the files that the validator takes. Run with FB_UPDATE=1 to write it. */
import { readFileSync, writeFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { checkRuleFile, publishedSchema } from "../../rules/schema.ts";
import { parseToml, toPlain } from "../../rules/toml.ts";
import { NAMES, SHAPES, SOUND } from "./malformed.ts";

const FILE = new URL("../../rules/fb.schema.json", import.meta.url);
if (process.env.FB_UPDATE === "1") writeFileSync(FILE, publishedSchema());

test("the committed schema is what the description prints", () => {
  assert.is(readFileSync(FILE, "utf8"), publishedSchema(), "run this test with FB_UPDATE=1 and commit rules/fb.schema.json");
});

const schema = JSON.parse(readFileSync(FILE, "utf8")) as object;
const fits = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(schema);

/** Both judges of one file. */
function judged(text: string): { validator: boolean; schema: boolean } {
  const toml = parseToml("fb.toml", text);
  if (!toml.ok) throw new Error(`${JSON.stringify(toml.failure)}\n${text}`);
  return { validator: checkRuleFile(toml.value).length === 0, schema: fits(toPlain(toml.value)) };
}

test("it refuses what the validator refuses", () => {
  for (const { text } of SHAPES) assert.equal(judged(text), { validator: false, schema: false }, text);
});

test("it takes what the validator takes", () => {
  for (const text of [...SOUND, ...NAMES.map((n) => n.text)]) assert.equal(judged(text), { validator: true, schema: true }, text);
});

test("both agree on every sound file with one value replaced or one key renamed", () => {
  let cases = 0;
  for (const text of SOUND) {
    const lines = text.split("\n");
    for (const [i, line] of lines.entries()) {
      const pair = /^([\w.]+) = (.*)$/.exec(line);
      const changes =
        pair === null
          ? []
          : ["3", "true", '"x"', '""', "[]", '["x"]', "[[]]", "{}", '{ append = ["x"] }', '"${"', '["${a b}"]'].map(
              (v) => `${pair[1]} = ${v}`,
            );
      if (pair !== null) changes.push(`zz_${line}`, "");
      const header = /^(\[+)(.*?)(\]+)$/.exec(line);
      if (header !== null) changes.push(`${header[1]}zz.${header[2]}${header[3]}`, `${header[1]}${header[2]}.zz${header[3]}`);
      for (const change of changes) {
        const changed = lines.with(i, change).join("\n");
        if (!parseToml("fb.toml", changed).ok) continue;
        const verdict = judged(changed);
        assert.is(verdict.schema, verdict.validator, `${JSON.stringify(verdict)}\n${changed}`);
        cases++;
      }
    }
  }
  assert.ok(cases > 400, String(cases));
});

test("every key has a description for editors", () => {
  const walk = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === "properties")
        for (const [name, of] of Object.entries(value as object))
          assert.ok("description" in of || "$ref" in of || path.endsWith("if"), `${path}.${name}`);
      walk(value, `${path}.${key}`);
    }
  };
  walk(schema, "");
});

test.run();
