/** Where packages are found: programs on PATH through links, folders that the project names, and what is said when there are none. */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LocalProvider } from "../../cache/providers/local.ts";
import { findPackage, packageLinks, type PackageNeed, programIn, programPlaces } from "../../cache/providers/package.ts";
import { SystemProvider } from "../../cache/providers/system.ts";
import { diskIo } from "../platforms/builder.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "fb-packages-")));
test.after(() => rmSync(root, { recursive: true, force: true }));
function put(path: string, text = "", mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}
function link(path: string, to: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(to, join(root, path));
}
put("opt/bin/avr-gcc", "", 0o755);
put("opt/package.json", '{"dependencies":{"x":{"version":"9"}},"version":"1.70300.0"}');
put("named/bin/avr-gcc-5.4", "", 0o755);
put("plain/bin/avr-gcc", "not executable");
put("project/readme");
put("fw/platform.txt", "name=AVR\nversion=1.8.6\n");
link("links/avr-gcc", "../opt/bin/avr-gcc");
link("alias/bin/avr-gcc", "../../named/bin/avr-gcc-5.4");

function look(path: string, need: Partial<PackageNeed> = {}) {
  const io = { ...diskIo(join(root, "project")), value: (name: string) => (name === "PATH" ? path : name === "HOME" ? root : undefined) };
  const whole = {
    name: "toolchain-atmelavr",
    kind: "tool",
    finds: "avr-gcc",
    anywhere: false,
    debian: ["gcc-avr"],
    pypi: [],
    want: null,
    neededBy: "[env:a]",
    fetchedBy: "platform = x @ ^1",
    paired: false,
    ...need,
  } as const;
  return findPackage(whole, [new LocalProvider(io), new SystemProvider(io)]);
}
const folder = (path: string, line = 4) =>
  ({ owner: null, source: { is: "folder", path }, origin: { file: "platformio.ini", line, column: 3 } }) as const;

const tools = [
  ["the folder above its bin", `${root}/nowhere:${root}/opt/bin`, "opt"],
  ["what a link leads to", `${root}/links`, "opt"],
  ["the place of a link whose file has another name", `${root}/alias/bin`, "alias"],
  ["not what cannot be run, nor the current folder", `:bin:${root}/plain/bin:${root}/opt/bin`, "opt"],
] as const;
for (const [what, path, expected] of tools)
  test(`system tool: ${what}`, () => {
    const found = look(path);
    if (!found.ok) throw new Error(found.failure.message);
    assert.equal(
      [found.value.folder, found.value.as, found.value.link, found.value.from],
      [`${root}/${expected}`, `${root}/${expected}`, null, "system"],
    );
  });

put("cached/bin/ccache", "", 0o755);
link("wrappers/avr-gcc", "../cached/bin/ccache");
put("flat/avr-gcc", "", 0o755);
test("a compiler in no folder called bin is passed over, and said; one of a cache of compilers need not be", () => {
  const passed = (path: string) => {
    const found = look(path);
    if (!found.ok) throw new Error(found.failure.message);
    return [found.value.folder, found.value.passedOver];
  };
  assert.equal(passed(`${root}/flat:${root}/opt/bin`), [`${root}/opt`, `${root}/flat/avr-gcc`]);
  assert.equal(passed(`${root}/wrappers:${root}/opt/bin`), [`${root}/opt`, null]);
  assert.equal(passed(`${root}/opt/bin:${root}/flat`), [`${root}/opt`, null]);
});

test("system framework: through a link with its version", () => {
  const found = look("", { name: "framework-arduino-avr", kind: "folder", finds: `${root}/fw` });
  if (!found.ok) throw new Error(found.failure.message);
  assert.equal([found.value.folder, found.value.as, found.value.version], [`${root}/fw`, ".fb/pkg/framework-arduino-avr@1.8.6", "1.8.6"]);
});

for (const path of [`${root}/opt`, "../opt", "~/opt"])
  test(`a folder that the project names comes before the system: ${path.replace(root, "")}`, () => {
    const found = look(`${root}/alias/bin`, { want: folder(path) });
    if (!found.ok) throw new Error(found.failure.message);
    const { folder: real, as, link: made, from, version } = found.value;
    assert.equal([real, as, from, version], [`${root}/opt`, ".fb/pkg/toolchain-atmelavr@1.70300.0", "local", "1.70300.0"]);
    assert.is(made, as);
  });

test("a folder that is not there, or holds no such tool: the line of the ini", () => {
  for (const path of ["../gone", "../fw"]) {
    const found = look(`${root}/opt/bin`, { want: folder(path) });
    if (found.ok) throw new Error("expected a failure");
    assert.equal([found.failure.code, found.failure.exit, found.failure.line], ["package.no-folder", 3, 4]);
  }
});

put("venv/bin/esptool", "", 0o755);
put("shims/esptool.py", "", 0o755);
put("script/esptool.py", "import esptool\n");
test("a program that alone is used of its package: under any of its names, in any folder of PATH, at the top of a package", () => {
  const need = { name: "tool-esptoolpy", finds: "esptool|esptool.py", anywhere: true, pypi: ["esptool"] } as const;
  const at = (path: string, more: Partial<PackageNeed> = {}) => {
    const found = look(path, { ...need, ...more });
    if (!found.ok) return found.failure.message;
    const disk = { ...diskIo(join(root, "project")) };
    return `${found.value.folder.replace(root, "")} ${programIn(found.value.folder, programPlaces(need), disk)}`;
  };
  assert.is(at(`${root}/shims:${root}/venv/bin`), "/shims esptool.py");
  assert.is(at(`${root}/venv/bin:${root}/shims`), "/venv bin/esptool");
  assert.is(at(`shims:${root}/script`), "package tool-esptoolpy is not here: no esptool or esptool.py on PATH");
  assert.is(at(`${root}/venv/bin`, { want: folder("../script") }), "/script esptool.py");
  assert.match(at("", { want: folder("../fw") }), /has no program bin\/esptool or bin\/esptool\.py or esptool or esptool\.py/);
  const nobody = look("", need);
  assert.match(
    nobody.ok ? "" : nobody.failure.hint,
    /^install it \(python3 -m pip install esptool; Debian, Ubuntu: sudo apt install gcc-avr\), or add/,
  );
});

test("nobody has it: what to install, what to write", () => {
  const found = look("/nowhere");
  if (found.ok) throw new Error("expected a failure");
  assert.equal([found.failure.code, found.failure.exit], ["package.missing", 4]);
  assert.match(found.failure.message, /package toolchain-atmelavr is not here: no avr-gcc in a folder "bin" of PATH/);
  assert.match(
    found.failure.hint,
    /apt install gcc-avr.*\[env:a\]: platform_packages = toolchain-atmelavr@symlink:\/\/\/FOLDER, or have it fetched: platform = x @ \^1/,
  );
});

test("links of all envs", () => {
  const ref = (from: string, version: string) => {
    put(`${from}/package.json`, JSON.stringify({ version }));
    const found = look("", { kind: "folder", finds: "", want: folder(`../${from}`) });
    if (!found.ok) throw new Error(found.failure.message);
    return found.value;
  };
  const links = packageLinks([ref("x1", "1.0"), ref("x1", "1.0"), ref("x2", "2.0 beta/1")]);
  if (!links.ok) throw new Error(links.failure.message);
  assert.equal([...links.value.keys()], [".fb/pkg/toolchain-atmelavr@1.0", ".fb/pkg/toolchain-atmelavr@2.0-beta-1"]);
  const clash = packageLinks([ref("x1", "1.0"), ref("x3", "1.0")]);
  assert.not.ok(clash.ok);
  if (!clash.ok) assert.equal([clash.failure.code, clash.failure.exit], ["package.two-folders", 3]);
});

test.run();
