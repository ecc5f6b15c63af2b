/** packages.toml: the platforms' own files read, their checksums are whole, mistakes are told with their place. */
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { publishedPackageSchema, readPackageTable, sourcesFor } from "../../rules/package-table.ts";
import { uploaderPackages } from "../../cli/packages.ts";
import { readRuleFile } from "../../rules/rulefile.ts";

const root = join(import.meta.dirname, "../..");
const SCHEMA = join(root, "rules/packages.schema.json");

function table(text: string) {
  const read = readPackageTable("packages.toml", `schema = 1\n${text}`);
  if (!read.ok) throw new Error(`${read.failure.line}: ${read.failure.message}`);
  return read.value;
}

test("the published schema is that of the parser", () => {
  if (process.env["FB_UPDATE"] === "1" || !existsSync(SCHEMA)) writeFileSync(SCHEMA, publishedPackageSchema());
  assert.is(readFileSync(SCHEMA, "utf8"), publishedPackageSchema(), "run this test with FB_UPDATE=1 and commit rules/packages.schema.json");
});

for (const file of globSync("platforms/*/packages.toml", { cwd: root }))
  test(`${file} reads, and names what its platform needs`, () => {
    const read = readPackageTable(file, readFileSync(join(root, file), "utf8"));
    if (!read.ok) throw new Error(`${read.failure.line}: ${read.failure.message}`);
    const rules = readRuleFile(join(root, file, "../platform.toml"), readFileSync(join(root, file, "../platform.toml"), "utf8"), (path) =>
      readFileSync(path, "utf8"),
    );
    if (!rules.ok) throw new Error(rules.failure.message);
    const needed = [...rules.value.tools.values(), ...rules.value.frameworks.values()]
      .map((each) => each.package)
      .filter((name) => name !== "");
    const named = [...read.value.keys()];
    // What only writes to boards may be the system's alone, a framework whose publisher gives no sum what the ini names.
    const others = [...uploaderPackages(rules.value), ...[...rules.value.frameworks.values()].map((each) => each.package)];
    const all = new Set([...needed.filter((name) => !others.includes(name)), ...named.filter((name) => needed.includes(name))]);
    assert.equal(named.sort(), [...all].sort());
    for (const each of read.value.values())
      for (const system of ["linux_x86_64", "linux_aarch64", "darwin_x86_64", "darwin_arm64", "windows_amd64"])
        assert.ok(
          sourcesFor(each, system).some((one) => one.sha256 !== null),
          `${each.name} for ${system}`,
        );
  });

test("sources: one for exactly this system before others that run here, the rest in the table's order", () => {
  const source = (from: string, systems: string) => `[[package.t.sources]]\nfrom = "deb:${from}"\n${systems}\n`;
  const read = table(
    `[package.t]\nversion = "1"\n${source("intel", 'for = ["darwin_x86_64"]')}${source("arm", 'for = ["darwin_arm64"]')}${source("any", "")}${source("linux", 'for = ["linux_x86_64"]')}`,
  ).get("t");
  if (read === undefined) throw new Error("no package");
  const names = (system: string) => sourcesFor(read, system).map((each) => each.from.slice(4));
  assert.equal(names("darwin_arm64"), ["arm", "any", "intel"]);
  assert.equal(names("darwin_x86_64"), ["intel", "any"]);
  assert.equal(names("linux_x86_64"), ["any", "linux"]);
  assert.equal(names("windows_amd64"), ["any"]);
  assert.is(read.sources[0]?.version, "1");
});

const HEAD = '[package.t]\nversion = "1"\n[[package.t.sources]]\n';
const mistakes: readonly (readonly [text: string, line: number, code: string])[] = [
  [`${HEAD}from = "https://x.example/a.zip"\n`, 4, "rule.missing-key"],
  [`${HEAD}from = "ftp://x.example/a.zip"\n`, 5, "rule.wrong-value"],
  [`${HEAD}from = "--upload-pack=x"\n`, 5, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nsha256 = "ABC"\n`, 6, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nsize = "7"\n`, 6, "rule.wrong-type"],
  [`${HEAD}from = "deb:x"\nsize = -7\n`, 6, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nsize = 1.5\n`, 6, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nfolder = "../x"\n`, 6, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nfolder = "a/../../x"\n`, 4, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nfolder = "/x"\n`, 6, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nfor = ["linux"]\n`, 6, "rule.wrong-value"],
  [`${HEAD}from = "deb:x"\nsha-256 = "x"\n`, 6, "rule.unknown-key"],
  ['[package."../t"]\nversion = "1"\nsources = [{ from = "deb:x" }]\n', 2, "rule.unknown-key"],
  ['[package.t]\nversion = "1"\nsources = []\n', 4, "rule.wrong-value"],
  ['[package.t]\nsources = [{ from = "deb:x" }]\n', 2, "rule.missing-key"],
  ['[package.t]\nversion = "a\\nb"\nsources = [{ from = "deb:x" }]\n', 3, "rule.wrong-value"],
  ["[package.t\n", 2, "toml.syntax"],
];
for (const [text, line, code] of mistakes)
  test(`${JSON.stringify(text)} is told`, () => {
    const read = readPackageTable("packages.toml", `schema = 1\n${text}`);
    if (read.ok) throw new Error("expected a failure");
    assert.equal([read.failure.code, read.failure.line, read.failure.exit], [code, line, 3]);
    assert.ok(read.failure.hint !== "" || code === "toml.syntax", read.failure.message);
  });

test.run();
