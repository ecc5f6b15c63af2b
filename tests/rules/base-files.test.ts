/** A platform's file over the one that it extends: what each gives, and the file and line of every mistake. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { resolve } from "../../rules/resolve.ts";
import { readRuleFile, type RuleFile } from "../../rules/rulefile.ts";
import { ruleModule } from "../../scripts/rule-module.ts";

const RULE = '[rule.NAME]\nkind = "objcopy"\nout = "${build}/NAME"\nrun = ["${cc}", "NAME"]\n';
const rule = (name: string) => RULE.replaceAll("NAME", name);

function read(files: Readonly<Record<string, string>>) {
  return readRuleFile("/p/own/platform.toml", files["/p/own/platform.toml"] ?? "", (path) => files[path] ?? null);
}

function failureOf(files: Readonly<Record<string, string>>) {
  const result = read(files);
  if (result.ok) throw new Error("no mistake was found");
  return result.failure;
}

const FILES = {
  "/p/gcc.toml": `schema = 1\n[vars]\ncc = "gcc"\nlist = ["a"]\n[tool.x]\nfinds = "x"\n${rule("first")}sharing = "all"\n${rule("second")}`,
  "/p/arm.toml": 'schema = 1\nextends = "gcc.toml"\n[vars]\ncc = "arm-gcc"\n[tool.x]\ndebian = ["x-arm"]\n',
  "/p/own/platform.toml": `schema = 1\nextends = "../arm.toml"\n[tool.x]\npackage = "x-own"\n[vars]\nlist = ["b"]\n${rule("third")}[rule.first]\nsharing = "time"\n`,
};

test("tables key by key, all else replaced; the extended file's come first", () => {
  const got = read(FILES);
  if (!got.ok) throw new Error(got.failure.message);
  const file: RuleFile = got.value;
  assert.equal([...file.rules.keys()], ["first", "second", "third"]);
  assert.equal(
    [...file.rules.values()].map((each) => each.sharing),
    ["time", "all", "all"],
  );
  assert.equal(
    [...file.rules.values()].map((each) => each.span.file),
    ["/p/own/platform.toml", "/p/gcc.toml", "/p/own/platform.toml"],
  );
  const x = file.tools.get("x");
  assert.equal([x?.package, x?.finds, x?.debian], ["x-own", "x", ["x-arm"]]);
  const context = {
    host: "linux",
    framework: "",
    core: "",
    cpu: "",
    mcu: "",
    board: "",
    names: new Map(),
    macros: new Set<string>(),
    profile: "release",
    env: "e",
  };
  const { vars } = resolve(file, { ...context, toolVersions: new Map() });
  assert.equal(
    ["cc", "list"].map((name) => vars.get(name)).map((v) => (v?.is === "text" ? v.text.text : v?.items.map((t) => t.text))),
    ["arm-gcc", ["b"]],
  );
});

test("a mistake is told at its file, whichever it is", () => {
  const place = (files: Readonly<Record<string, string>>) => {
    const { code, file, line, column } = failureOf({ ...FILES, ...files });
    return [code, file, line, column];
  };
  assert.equal(place({ "/p/gcc.toml": "schema = 1\n[vars\n" }), ["toml.syntax", "/p/gcc.toml", 2, 6]);
  assert.equal(place({ "/p/arm.toml": 'schema = 1\nextends = "gcc.toml"\n[rule.second]\nkind = "magic"\n' }), [
    "rule.wrong-value",
    "/p/arm.toml",
    4,
    8,
  ]);
  assert.equal(place({ "/p/gcc.toml": `${FILES["/p/gcc.toml"]}[cpu.m0]\nodd = "1"\n` }), ["rule.unknown-name", "/p/gcc.toml", 17, 1]);
});

test("extends: a file that is not there, a circle, a project's file", () => {
  const missing = failureOf({ ...FILES, "/p/arm.toml": 'schema = 1\nextends = "none.toml"\n' });
  assert.equal([missing.code, missing.exit, missing.file, missing.line], ["rule.extends", 3, "/p/arm.toml", 2]);
  assert.match(missing.message, "/p/none.toml");
  const circle = failureOf({ ...FILES, "/p/gcc.toml": 'schema = 1\nextends = "own/platform.toml"\n' });
  assert.equal([circle.code, circle.file], ["rule.extends", "/p/gcc.toml"]);
  assert.match(circle.message, "/p/own/platform.toml → /p/arm.toml → /p/gcc.toml → /p/own/platform.toml");
  const project = readRuleFile("fb.toml", 'schema = 1\nextends = "x.toml"\n');
  assert.equal(project.ok ? "" : project.failure.code, "rule.extends");
});

test("what dist/rules holds is what reading gives, wherever the files lie", () => {
  const text = ruleModule("/p/own/platform.toml", (path) => FILES[path as keyof typeof FILES] ?? null);
  const made: { exports: { files: [string, string][]; rules(files: string[]): RuleFile } } = {
    exports: { files: [], rules: () => undefined as never },
  };
  new Function("module", text)(made);
  assert.equal(
    made.exports.files.map(([path]) => path),
    ["platform.toml", "../arm.toml", "../gcc.toml"],
  );
  const elsewhere = Object.fromEntries(Object.entries(FILES).map(([path, each]) => [path.replace("/p/", "/q/"), each]));
  const read = readRuleFile("/q/own/platform.toml", elsewhere["/q/own/platform.toml"] ?? "", (path) => elsewhere[path] ?? null);
  if (!read.ok) throw new Error(read.failure.message);
  assert.equal(made.exports.rules(["/q/own/platform.toml", "/q/arm.toml", "/q/gcc.toml"]), read.value);
});

test.run();
