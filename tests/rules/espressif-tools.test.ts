/** Lists of archives in the form of Espressif's installer. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readToolsFile } from "../../rules/espressif-tools.ts";

const SUM = "ab".repeat(32);
const file = (more: object = {}) => ({ url: "https://example.invalid/a.tar.xz", sha256: SUM.toUpperCase(), size: 7, ...more });
const read = (...tools: object[]) => readToolsFile("toolchain-x", JSON.stringify({ version: 1, tools }));

test("the tool of the package's name, else the only one; its recommended version, else its first; systems by fb's names", () => {
  const versions = [
    { name: "1", status: "supported", win32: file() },
    { name: "esp-2", status: "recommended", "linux-amd64": file(), any: file({ size: "7" }), "macos-arm64": file({ size: -1 }) },
  ];
  const from = { from: "https://example.invalid/a.tar.xz", sha256: SUM, digest: "" };
  const files = [
    { system: "linux_x86_64", ...from, size: 7 },
    { system: "darwin_arm64", ...from, size: 0 },
    { system: "*", ...from, size: 0 },
  ];
  assert.equal(read({ name: "other", versions: [] }, { name: "toolchain-x", versions }), { version: "esp-2", files });
  assert.equal(read({ name: "other", versions }), { version: "esp-2", files });
  assert.is(read({ name: "other", versions: versions.slice(0, 1) })?.version, "1");
  assert.is(read({ name: "one", versions }, { name: "two", versions }), null);
});

test("what is no address or has no sum is not taken; what is no list is none", () => {
  const bad = [file({ url: "file:///etc/passwd" }), file({ url: 1 }), file({ sha256: "12" }), file({ sha256: null }), "text", null, []];
  for (const each of bad)
    assert.equal(read({ name: "x", versions: [{ name: "1", "linux-amd64": each }] })?.files, [], JSON.stringify(each));
  for (const text of ["", "{", "[]", "{}", '{"tools":1}', '{"tools":[1]}', '{"tools":[{"versions":{}}]}', '{"tools":[{"versions":[{}]}]}'])
    assert.is(readToolsFile("x", text), null, text);
  for (const name of ["../x", "a/b", "", "a\n"]) assert.is(read({ name: "x", versions: [{ name, any: file() }] }), null, name);
});

test.run();
