/** Manifests and lib_deps items: tables of what PlatformIO makes of them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type LibraryWant, packageFor, parseLibraryWant } from "../../rules/lib-deps.ts";
import type { Library } from "../../rules/library.ts";
import { type Manifest, readManifest } from "../../rules/manifest.ts";

function manifest(kind: Parameters<typeof readManifest>[0], text: string): Manifest {
  const read = readManifest(kind, text);
  if (!read.ok) throw new Error(JSON.stringify(read));
  return read.value;
}

function wanted(text: string): LibraryWant {
  const want = parseLibraryWant(text, null, (path) => path === "vendor/there");
  if (!want.ok) throw new Error(want.failure.message);
  return want.value;
}

test("library.properties", () => {
  const text =
    "\ufeff# a comment\r\nname = My Lib \r\nversion=1.2\narchitectures=avr, samd ,strange\ndepends=Other (>=1.2), Plain\nincludes=A.h,B.h\nprecompiled=full\nldflags=-lm -lx\nempty=\n";
  const read = manifest("library.properties", text);
  assert.equal([read.name, read.version, read.ldflags, read.precompiled], ["My Lib", "1.2", "-lm -lx", true]);
  assert.equal(read.platforms, ["atmelavr", "atmelsam"]);
  assert.equal(read.dependencies, [
    { owner: "", name: "Other", version: ">=1.2", platforms: null, frameworks: ["arduino"] },
    { owner: "", name: "Plain", version: "", platforms: null, frameworks: ["arduino"] },
  ]);
  assert.equal(read.headers, ["A.h", "B.h"]);
  assert.equal(manifest("library.properties", "architectures=esp32,*\n").platforms, ["*"]);
  assert.is(manifest("library.properties", "architectures=strange\n").platforms, null);
  assert.equal(readManifest("library.properties", "name=x\narchitectures=particle-photon\n"), {
    ok: false,
    expected: "no architecture of Particle",
    line: 2,
    column: 15,
  });
});

test("library.json: dependencies in all their forms", () => {
  for (const [json, expected] of [
    ['{"a/b": "^1", "c": "*"}', ["a/b@^1", "/c@*"]],
    ['{"name": "b", "version": "1"}', ["/b@1"]],
    ['["b", {"owner": "o", "name": "c"}]', ["/b@", "o/c@"]],
    ["[]", []],
  ] as const) {
    const read = manifest("library.json", `{"dependencies": ${json}}`);
    assert.equal(
      read.dependencies.map((d) => `${d.owner}/${d.name}@${d.version}`),
      expected,
    );
  }
  assert.not.ok(readManifest("library.json", '{"dependencies": "b"}').ok);
});

test("library.json: build, lists and names", () => {
  const read = manifest(
    "library.json",
    '{"name": "x", "version": 2, "frameworks": "Arduino, mbed", "platforms": ["espressif"], "build": {"flags": "-DA -DB", "unflags": ["-DC"], "srcFilter": ["+<*>", "-<x>"], "libArchive": false, "libLDFMode": 2}}',
  );
  assert.equal([read.name, read.version, read.frameworks, read.platforms], ["x", "2", ["arduino", "mbed"], ["espressif8266"]]);
  const { build } = read;
  assert.equal(
    [build?.flags, build?.unflags, build?.srcFilter, build?.archive, build?.ldfMode],
    [["-DA -DB"], ["-DC"], "+<*> -<x>", false, "2"],
  );
  assert.is(manifest("library.json", "{}").build, null);
  assert.is(manifest("library.json", '{"build": {}}').build?.srcFilter, null);
  const broken = readManifest("library.json", '{\n  "name": }\n');
  assert.ok(!broken.ok && broken.line === 2);
  const nul = readManifest("library.json", '{\n  "build": {"srcDir": "a\\u0000b"}}');
  assert.ok(!nul.ok && nul.line === 2 && /NUL/.test(nul.expected));
  assert.is(manifest("library.json", '{"name": "a\\\\u0000b"}').name, "a\\u0000b");
});

test("module.json", () => {
  const read = manifest("module.json", '{"name": "m", "dependencies": {"x": "~1"}, "extraIncludes": ["inc"]}');
  assert.equal([read.frameworks, read.extraIncludes, read.dependencies[0]?.name], [["mbed"], ["inc"], "x"]);
});

const WANTS: readonly (readonly [text: string, owner: string, name: string, range: string, rest: string])[] = [
  ["Servo", "", "Servo", "", ""],
  ["a/Servo @ ^1.2", "a", "Servo", "^1.2", ""],
  ["Servo@>=1,<2", "", "Servo", ">=1,<2", ""],
  ["id=13", "", "", "", ""],
  ["13@1.0", "", "", "1.0", ""],
  ["My=https://x.org/a.zip", "", "My", "", "https://x.org/a.zip"],
  ["https://github.com/a/b.git#v1", "", "", "", "git+https://github.com/a/b.git#v1"],
  ["git@github.com:a/b.git", "", "", "", "git+git@github.com:a/b.git"],
  ["symlink://../b", "", "", "", "folder ../b"],
  ["Mine=file:///x/b", "", "Mine", "", "folder /x/b"],
  ["vendor/there", "", "", "", "folder vendor/there"],
  ["vendor/not-there", "vendor", "not-there", "", ""],
];

for (const [text, owner, name, range, rest] of WANTS) {
  test(`lib_deps: ${text}`, () => {
    const want = wanted(text);
    assert.equal(
      [want.owner, want.name, want.range, want.folder === null ? (want.address ?? "") : `folder ${want.folder}`],
      [owner, name, range, rest],
    );
  });
}

test("lib_deps: which library of a storage is meant", () => {
  const library = (name: string, version: string, owner = ""): Library =>
    ({ name, installed: { name, owner, version, uri: "" } }) as unknown as Library;
  const storage = [library("Servo", "1.0.0"), library("servo", "1.4.2"), library("Servo", "2.0.0", "else")];
  const found = (text: string) => packageFor(wanted(text), storage)?.installed?.version ?? null;
  assert.is(found("Servo"), "2.0.0");
  assert.is(found("Servo@^1.0"), "1.4.2");
  assert.is(found("Servo@~1.0.0"), "1.0.0");
  assert.is(found("me/Servo"), "1.4.2");
  assert.is(found("Servo@^3"), null);
  assert.is(found("Other"), null);
});

test.run();
