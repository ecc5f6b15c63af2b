/** The forms of `platform =` and `platform_packages =`. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parsePackageSpec, sourceOf } from "../../rules/package-spec.ts";
import { parsePackageWant, parsePlatformSpec } from "../../rules/spec.ts";

const platforms: readonly (readonly [text: string, name: string, version: string | null, address: boolean])[] = [
  ["atmelavr", "atmelavr", null, false],
  ["atmelavr@5.0.0", "atmelavr", "5.0.0", false],
  [" atmelavr @ ^5.0 ", "atmelavr", "^5.0", false],
  ["platformio/atmelavr@~4", "atmelavr", "~4", false],
  ["https://github.com/platformio/platform-atmelavr.git", "atmelavr", null, true],
  ["https://github.com/platformio/platform-atmelavr.git#v5.0.0", "atmelavr", "v5.0.0", true],
  ["https://github.com/pioarduino/platform-espressif32/releases/download/55.03.30/platform-espressif32.zip", "espressif32", null, true],
  ["git@github.com:platformio/platform-native.git", "native", null, true],
  ["https://example.com/x/platform-ststm32.zip?a=b", "ststm32", null, true],
  ["symlink://../platform-atmelavr", "atmelavr", null, true],
  ["file:///p/platform-native", "native", null, true],
  ["../my/native", "native", null, true],
  ["", "", null, false],
];
for (const [text, name, version, address] of platforms)
  test(`platform = ${text}`, () => {
    const read = parsePlatformSpec(text, null);
    if (!read.ok) throw new Error(read.failure.message);
    const spec = read.value;
    assert.equal([spec.name, spec.version, spec.address], [name, version, address ? text.trim() : null]);
  });

const asked: readonly (readonly [text: string, source: object | null])[] = [
  ["atmelavr", null],
  ["platformio/atmelavr", null],
  ["acme/atmelavr", { is: "registry", requirement: "*" }],
  ["platformio/ststm32 @ ^19", { is: "registry", requirement: "^19" }],
  ["https://github.com/a/platform-x.git#v1", { is: "url", url: "git+https://github.com/a/platform-x.git#v1" }],
  ["https://h.example/platform-x.zip", { is: "url", url: "https://h.example/platform-x.zip" }],
  ["symlink://../platform-x", { is: "folder", path: "../platform-x" }],
  ["file:///p/platform-x", { is: "folder", path: "/p/platform-x" }],
  ["git+file:///p/platform-x#v1", { is: "url", url: "git+file:///p/platform-x#v1" }],
  ["symlink:///p/x.git", { is: "folder", path: "/p/x.git" }],
  ["file:///p/x.tar.gz", { is: "url", url: "file:///p/x.tar.gz" }],
  ["../my/native", { is: "folder", path: "../my/native" }],
  ["~/native", { is: "folder", path: "~/native" }],
  ["/p/native", { is: "folder", path: "/p/native" }],
];
for (const [text, source] of asked)
  test(`platform = ${text} asks for ${JSON.stringify(source)}`, () => {
    const read = parsePlatformSpec(text, null);
    assert.equal(read.ok && read.value.source, source);
  });

const wants: readonly (readonly [text: string, name: string, owner: string | null, source: object])[] = [
  ["toolchain-atmelavr", "toolchain-atmelavr", null, { is: "registry", requirement: "*" }],
  ["toolchain-atmelavr@~1.70300", "toolchain-atmelavr", null, { is: "registry", requirement: "~1.70300" }],
  ["platformio/toolchain-atmelavr @ 1.2.3", "toolchain-atmelavr", "platformio", { is: "registry", requirement: "1.2.3" }],
  ["t@symlink:///opt/t", "t", null, { is: "folder", path: "/opt/t" }],
  ["t @ symlink://../t", "t", null, { is: "folder", path: "../t" }],
  ["t@file://~/t", "t", null, { is: "folder", path: "~/t" }],
  ["t@/opt/a@b", "t", null, { is: "folder", path: "/opt/a@b" }],
  ["t@./t", "t", null, { is: "folder", path: "./t" }],
  ["t@https://x.example/t.zip", "t", null, { is: "url", url: "https://x.example/t.zip" }],
  ["t@git@x.example:a/t.git", "t", null, { is: "url", url: "git+git@x.example:a/t.git" }],
];
for (const [text, name, owner, source] of wants)
  test(`platform_packages = ${text}`, () => {
    const want = parsePackageWant(text, null);
    if (!want.ok) throw new Error(want.failure.message);
    assert.equal([want.value.name, want.value.owner, want.value.source], [name, owner, source]);
  });

for (const text of ["symlink:///opt/t", "https://x.example/t.zip", "/opt/t", "../t", "@1.0", ""])
  test(`platform_packages = "${text}" has no name`, () => {
    const want = parsePackageWant(text, { file: "platformio.ini", line: 7, column: 3 });
    if (want.ok) throw new Error("expected a failure");
    assert.equal([want.failure.code, want.failure.exit, want.failure.line], ["package.spec", 3, 7]);
  });

const place = { file: "platformio.ini", line: 7, column: 3 };
const sources: readonly (readonly [text: string, source: object | string])[] = [
  ["foo", { is: "registry" }],
  ["me/foo@^1.2", { is: "registry" }],
  ["id=13", { is: "registry" }],
  ["https://github.com/a/b", { is: "repository", kind: "git", url: "https://github.com/a/b", ref: null }],
  ["https://github.com/a/b.git#v1", { is: "repository", kind: "git", url: "https://github.com/a/b.git", ref: "v1" }],
  ["N=git@x.example:a/b.git#feature/y", { is: "repository", kind: "git", url: "git@x.example:a/b.git", ref: "feature/y" }],
  ["git://x.example/a#b", { is: "repository", kind: "git", url: "git://x.example/a", ref: "b" }],
  ["git+file:///r/a.git", { is: "repository", kind: "git", url: "file:///r/a.git", ref: null }],
  ["https://os.mbed.com/users/u/code/p/", { is: "repository", kind: "hg", url: "https://os.mbed.com/users/u/code/p/", ref: null }],
  ["https://github.com/a/b/archive/v1.zip", { is: "archive", url: "https://github.com/a/b/archive/v1.zip" }],
  ["https://codeberg.org/a/b", { is: "archive", url: "https://codeberg.org/a/b" }],
  ["file:///x/b.tar.gz", { is: "copy", path: "/x/b.tar.gz" }],
  ["vendor/there", { is: "copy", path: "vendor/there" }],
  ["symlink://../b", { is: "link", path: "../b" }],
  ["symlink:///r/b.git", { is: "link", path: "/r/b.git" }],
  ["../lib", "spec.folder"],
  ["../../lib", "spec.folder"],
  ["/nowhere/lib/x", "spec.folder"],
  ["ssh://git@x.example/a/b", "spec.source"],
  ["a/b @ https://x.example/y", "spec.source"],
];
for (const [text, source] of sources)
  test(`comes from: ${text}`, () => {
    const spec = parsePackageSpec(text, place, (path) => path === "vendor/there");
    if (!spec.ok) throw new Error(spec.failure.message);
    const read = sourceOf(spec.value, place);
    assert.equal(read.ok ? read.value : read.failure.code, source);
    if (!read.ok) assert.equal([read.failure.line, read.failure.exit, read.failure.hint !== ""], [7, 3, true]);
  });

test("what is no range says where and how to write it", () => {
  for (const text of ["foo@latest", "me/foo@1.2.x", "foo @ >= 1.2"]) {
    const spec = parsePackageSpec(text, place, () => false);
    if (spec.ok) throw new Error(text);
    assert.equal([spec.failure.code, spec.failure.file, spec.failure.line, spec.failure.exit], ["spec.version", "platformio.ini", 7, 3]);
    assert.ok(spec.failure.hint !== "");
  }
});

test.run();
