/** What docs/rules.md says is so: its examples are sound, its table of codes is the one in the source. */
import { readdirSync, readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ruleFileProblems } from "../../rules/rulefile.ts";

const DOC = readFileSync(new URL("../../docs/rules.md", import.meta.url), "utf8");
const RULES = new URL("../../rules/", import.meta.url);
const OURS =
  /^(base-files|computed|toml|template|expand|shape|schema|rulefile|rulefile-names|resolve|search|instantiate|globs|steps|script-lists|step-order|step-paths)\.ts$/;

test("every example is a sound rule file", () => {
  const examples = [...DOC.matchAll(/```toml\n([\s\S]*?)```/g)].map((m) => m[1] ?? "");
  assert.ok(examples.length >= 5, String(examples.length));
  for (const example of examples) {
    const text = example.includes("schema = 1") ? example : `schema = 1\n${example}`;
    const problems = ruleFileProblems("docs/rules.md", text).filter(
      (p) => !(p.code === "rule.unknown-name" && example.startsWith("[vars]")),
    );
    assert.equal(problems, [], text);
  }
});

test("the table of codes names each code that the rule language can give, and no other", () => {
  const listed = new Set([...DOC.slice(DOC.indexOf("## Diagnostics")).matchAll(/`((?:toml|rule|step)\.[a-z-]+)`/g)].map((m) => m[1]));
  const given = new Set<string>();
  for (const name of readdirSync(RULES).filter((n) => OURS.test(n)))
    for (const m of readFileSync(new URL(name, RULES), "utf8").matchAll(/"((?:toml|rule|step)\.[a-z-]+)"/g)) given.add(m[1] ?? "");
  assert.equal([...listed].sort(), [...given].sort());
});

test("it is short", () => {
  assert.ok(DOC.split("\n").length <= 180);
});

test.run();
