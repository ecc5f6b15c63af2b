/** The forms of `platform =` and `platform_packages =`. */
import { test } from "uvu";
import * as assert from "uvu/assert";
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
    const spec = parsePlatformSpec(text);
    assert.equal([spec.name, spec.version, spec.address], [name, version, address ? text.trim() : null]);
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
  ["t@git@x.example:a/t.git", "t", null, { is: "url", url: "git@x.example:a/t.git" }],
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

test.run();
