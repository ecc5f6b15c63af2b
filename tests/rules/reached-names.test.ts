/** Names that templates lead to, through variables and what overlays make of them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { uploaderPackages } from "../../cli/packages.ts";
import { reachedNames } from "../../rules/reached-names.ts";
import { readRuleFile } from "../../rules/rulefile.ts";

const TEXT = `schema = 1
[tool.a]
package = "A"
bin = "\${tool}/a"
[tool.b]
package = "B"
bin = "\${tool}/b"
[tool.c]
package = "C"
bin = "\${tool}/c"
[vars]
maker = ["\${program}", "-x"]
program = { first = ["\${tool.a.bin}", "\${maker}"] }
writer = "\${tool.c.bin}"
[board.big]
program = "\${tool.b.bin}"
[rule.make]
kind = "objcopy"
in = ["x"]
out = "\${build}/y"
run = ["\${maker}", "\${in}", "\${out}"]
[rule.write]
kind = "flash"
in = ["x"]
run = ["\${writer}", "\${in}"]
`;

test("each once, in the order in which they are met; a circle ends", () => {
  const file = readRuleFile("p.toml", TEXT);
  if (!file.ok) throw new Error(file.failure.message);
  const { rules, vars } = file.value;
  const names = reachedNames(rules.get("make")?.run ?? [], (name) => [vars.get(name)].filter((each) => each !== undefined));
  assert.equal([...names], ["maker", "program", "tool.a.bin", "in", "out"]);
});

test("a tool that a rule of a build names through a variable, or an overlay of it, is no uploader's", () => {
  const file = readRuleFile("p.toml", TEXT);
  assert.equal(file.ok && uploaderPackages(file.value), ["C"]);
});

test.run();
