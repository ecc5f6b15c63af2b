/** Lists of build scripts: what is data is read, anything else is refused at its line. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { scope } from "../../rules/expand.ts";
import { readRuleFile } from "../../rules/rulefile.ts";
import { scriptLists } from "../../rules/script-lists.ts";

const RULES = `schema = 1
[script.sdk]
file    = "\${framework}/build-\${board.build.mcu}.py"
without = ["-MMD"]
[script.sdk.names]
FW = "\${framework}"
BUILD_DIR = "out"
F_CPU = "240L"
__memory = "opi"
[script.sdk.lists]
defined = ["\${defines}"]
[flags]
ccflags = ["\${sdk.CCFLAGS}"]
`;

function rules() {
  const read = readRuleFile("platform.toml", RULES);
  if (!read.ok) throw new Error(read.failure.message);
  return read.value;
}

const names = new Map<string, string | readonly string[]>([
  ["framework", "/FW"],
  ["board.build.mcu", "c3"],
  ["board.build.variant", 'my "board"'],
  ["board.build.partitions", "a/big-app.csv"],
  ["board.hwids", ["1", "2"]],
  ["defines", ["ED", "MODE=2", "X_ZC"]],
]);

function lists(text: string): Record<string, readonly string[]> | string {
  const read = (path: string) => (path === "/FW/build-c3.py" ? text : null);
  const found = scriptLists(rules().scripts, scope(names, new Map(), null, read));
  return found.ok
    ? Object.fromEntries(found.value)
    : `${found.failure.code} ${found.failure.file}:${found.failure.line} ${found.failure.message}`;
}

const one = (value: string) => {
  const found = lists(`env.Append(\n  X=[${value}]\n)\n`);
  return typeof found === "string" ? found : (found["sdk.X"]?.join(" ") ?? "");
};

for (const [value, is] of [
  [`"-Os", '-g'`, "-Os -g"],
  [`"-MMD", "-MMD2"`, "-MMD2"],
  [`"a" "b"  # "c"\n`, "ab"],
  [`join(FW, "sdk", "c3"), join(FW, "/abs")`, "/FW/sdk/c3 /abs"],
  [`'-Wl,-Map="%s"' % join("\${BUILD_DIR}", "x.map")`, "-Wl,-Map=out/x.map"],
  [`("NAME", '\\\\"a/b.h\\\\"'), ("N", 108), ("F", "$F_CPU"), ("HEX", 0x10)`, `NAME="a/b.h" N=108 F=240L HEX=16`],
  [`"ld/\${__memory(__env__)}"`, "ld/opi"],
  [`env.BoardConfig().get("build.none", (board.get("build.mcu", "x") + "_qspi"))`, "c3_qspi"],
  [`"%s-%s" % ("a", 1)`, "a-1"],
  [`('V', '\\\\"%s\\\\"' % board_config.get("build.variant").replace('"', ""))`, 'V="my board"'],
  [`"P_%s" % basename(board.get(\n "build.partitions", "d.csv")).replace(".csv", "").replace("-", "_")`, "P_big_app"],
  ["", ""],
  [`"tab\\there"`, "tab\there"],
] as const)
  test(`data: ${value}`, () => {
    assert.is(one(value), is);
  });

for (const [value, expected] of [
  ["open('x')", "join or basename"],
  ["board.get('build.nothing')", "a board with build.nothing"],
  ["board.get('hwids')", "a board with hwids"],
  ["[x for x in y]", "a text, a number or a name"],
  ["'a' if b else 'c'", '"," or "]"'],
  ["'$NOBODY'", "another name than $NOBODY"],
  ["'%s %s' % 'a'", "as many values as the text has %s"],
  ["'a'.upper()", "replace(…)"],
  ["'a", "a text, a number or a name"],
  ["other", "another name than other"],
] as const)
  test(`no data: ${value}`, () => {
    const found = one(value);
    assert.match(found, /^rule\.script \/FW\/build-c3\.py:2 /);
    assert.ok(found.includes(expected), found);
  });

test("calls at the margin count, in order; those in functions and conditions do not", () => {
  const text =
    'env.Append(A=["1"], B=["2"],)\nif x:\n    env.Append(A=["no"])\nenv.Append(\n    A=[\n        "3"\n    ]\n)\nenv.Replace(A=["no"])\n';
  assert.equal(lists(text), { "sdk.A": ["1", "3"], "sdk.B": ["2"] });
});

test("what a condition asks of a list that the rule file knows", () => {
  const text =
    'if "ED" in defined:\n    y = 1\n    env.Append(\n        A=["ed"]\n    )\n\n    env.Append(A=["too"])\nif "ZC" in defined:\n    env.Append(A=["no"])\nif "MODE" in defined:  # so\n    env.Append(A=["mode"])\nif "2" in defined:\n    env.Append(A=["no"])\nif "ED" in others:\n    env.Append(A=["no"])\nenv.Append(A=["end"])\n';
  assert.equal(lists(text), { "sdk.A": ["ed", "too", "mode", "end"] });
});

test("a script that is not there is a failure", () => {
  const found = scriptLists(
    rules().scripts,
    scope(
      new Map([
        ["framework", "/FW"],
        ["board.build.mcu", "h2"],
      ]),
    ),
  );
  assert.is(found.ok ? "" : found.failure.code, "rule.no-file");
});

test.run();
