/** What a platform reads from text files of packages, and what depends on a framework's version. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { scope } from "../../rules/expand.ts";
import { linesOf } from "../../rules/lines.ts";
import { resolve } from "../../rules/resolve.ts";
import { readRuleFile } from "../../rules/rulefile.ts";

const TEXT = `schema = 1
[vars]
more = []
[lines.macros]
files = ["\${framework}/a.txt", "\${framework}/b.txt"]
match = '^-D([^=]+(?:=[^=]*)?)$'
[flags]
defines = ["\${macros}"]
[framework.arduino]
package = "core"
[framework.arduino.when.">=2"]
more = ["new"]
`;

function rules() {
  const read = readRuleFile("platform.toml", TEXT);
  if (!read.ok) throw new Error(read.failure.message);
  return read.value;
}

test("lists of the lines that fit, files in their order; a file that is not there is looked for", () => {
  const files: Record<string, string> = { "FW/a.txt": "-DONE=1\r\n\n  -DTWO\nthree\n", "FW/b.txt": "-DFOUR=//\n" };
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    return path in files ? new TextEncoder().encode(files[path]) : null;
  };
  const names = scope(new Map([["framework", "FW"]]));
  const lines = () => linesOf(rules(), names, { read });
  const found = lines();
  assert.equal(found.ok ? [...found.value] : found.failure, [["macros", ["ONE=1", "TWO", "FOUR=//"]]]);
  delete files["FW/b.txt"];
  const missing = lines();
  assert.is(missing.ok ? "" : missing.failure.code, "rule.no-file");
  assert.equal(asked.slice(-1), ["FW/b.txt"]);
});

test("an overlay of a framework's version applies to that framework alone", () => {
  const more = (name: string, version: string) => {
    const none = { core: "", cpu: "", mcu: "", board: "", macros: new Set<string>(), profile: "release", env: "e", host: "linux" };
    const { vars } = resolve(rules(), {
      ...none,
      framework: name,
      names: new Map(),
      toolVersions: new Map([[`framework.${name}`, version]]),
    });
    const list = vars.get("more");
    return list?.is === "list" ? list.items.map(({ text }) => text) : null;
  };
  assert.equal(more("arduino", "2.1.0"), ["new"]);
  assert.equal(more("arduino", "1.9.0"), []);
  assert.equal(more("other", "2.1.0"), []);
});

test.run();
