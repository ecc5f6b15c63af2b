/** What a registry answers, hostile answers too, and names that may be no folder; what is chosen is compared with PlatformIO in ../parity. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { LibrarySet } from "../../rules/library-set.ts";
import { parsePackageSpec } from "../../rules/package-spec.ts";
import { bestVersion, choose, type RegistryAnswer, readPackage, readSearch, systemType } from "../../rules/registry.ts";
import { drive } from "../parity/registry.ts";

const HASH = "a".repeat(64);
const file = (system: unknown, more: object = {}) => ({
  ...{ name: "x.tar.gz", system, size: 10, checksum: { sha256: HASH }, download_url: "https://dl.example/x.tar.gz" },
  ...more,
});
const version = (name: unknown, ...files: unknown[]) => ({ name, files });
const packageOf = (...versions: unknown[]) => ({ id: 7, name: "foo", owner: { username: "me" }, versions });

function spec(text: string) {
  const read = parsePackageSpec(text, null, () => false);
  if (!read.ok) throw new Error(read.failure.message);
  return read.value;
}

test("what is damaged in an answer is left out, the rest is used", () => {
  const read = readPackage(
    packageOf(
      version("1.0.0", file("*")),
      version("1.1.0", file("*", { download_url: "javascript:alert(1)" })),
      version("1.2.0", file("*", { checksum: { sha256: "../../etc" } })),
      version("1.3.0", "x", null, 7),
      ...[version(["9"], file("*")), version("9".repeat(300), file("*")), null, 3, [], version("v2 beta", file("*"))],
    ),
    "there",
  );
  if (!read.ok) throw new Error(read.failure.message);
  assert.is(bestVersion(read.value.versions, null, "linux_x86_64")?.name, "1.0.0");
});

test("an answer that is no package is a failure with a hint, never a crash", () => {
  const names = ["..", ".", "", "a/b", "a\\b", "a\nb", "a\u0000b", "x".repeat(300), 7, null, ["foo"]];
  const bad = [null, 7, "x", [], {}, packageOf, { id: "7", name: "foo", owner: { username: "me" } }, { id: 7, name: "foo", owner: "me" }];
  for (const each of [
    ...bad,
    ...names.map((name) => ({ ...packageOf(), name })),
    ...names.map((username) => ({ ...packageOf(), owner: { username } })),
  ]) {
    for (const read of [readPackage(each, "there"), readSearch({ items: [each] }, "there"), readSearch(each, "there")]) {
      if (read.ok) throw new Error(JSON.stringify(each));
      assert.equal([read.failure.code, read.failure.exit, read.failure.hint !== ""], ["registry.answer", 4, true]);
    }
  }
});

test("systems: a list, one name, several in a text, any", () => {
  const systems: readonly (readonly [system: unknown, fits: boolean])[] = [
    ...([
      ["*", true],
      [undefined, true],
      [null, true],
      ["", true],
      [[], true],
      [["linux_x86_64", "x"], true],
      [["darwin_arm64"], false],
    ] as const),
    ...([
      ["linux_x86_64", true],
      ["darwin_arm64, linux_x86_64", true],
      ["linux", false],
      [["*"], true],
      [7, true],
    ] as const),
  ];
  for (const [system, fits] of systems) {
    const read = readPackage(packageOf(version("1.0.0", file(system))), "there");
    assert.is(read.ok && bestVersion(read.value.versions, null, "linux_x86_64") !== null, fits, JSON.stringify(system));
  }
});

test("why nothing is chosen, and what there is", () => {
  const read = readPackage(packageOf(version("1.0.0", file("*")), version("2.0.0", file("darwin_arm64"))), "there");
  if (!read.ok) throw new Error(read.failure.message);
  const found = (text: string, answer: RegistryAnswer) => drive(choose("tool", spec(text), null, "linux_x86_64"), () => answer);
  assert.equal(found("me/foo", []), { why: "unknown", known: [] });
  assert.equal(found("me/foo@^3", [read.value]), { why: "version", known: ["1.0.0", "2.0.0"] });
  assert.equal(found("me/foo@^2", [read.value]), { why: "system", known: ["1.0.0", "2.0.0"] });
});

test("a version that is kept stays while it is in the range and has a file for this system", () => {
  const read = readPackage(
    packageOf(version("1.0.0", file("*")), version("1.1.0", file("darwin_arm64")), version("1.2.0", file("*"))),
    "there",
  );
  if (!read.ok) throw new Error(read.failure.message);
  const found = (text: string, kept: string | null) => {
    const choice = drive(
      choose("tool", spec(text), null, "linux_x86_64", () => kept),
      () => [read.value],
    );
    return "why" in choice ? choice.why : choice.version.name;
  };
  // With an owner the package is asked for, without one it is searched, and the search tells a latest version.
  for (const name of ["me/foo", "foo"]) {
    assert.is(found(`${name}@^1`, null), "1.2.0");
    assert.is(found(`${name}@^1`, "1.0.0"), "1.0.0");
    assert.is(found(`${name}@>1.0.0`, "1.0.0"), "1.2.0", "out of the range");
    assert.is(found(`${name}@^1`, "1.1.0"), "1.2.0", "no file for this system");
    assert.is(found(`${name}@^1`, "0.9.0"), "1.2.0", "not there any more");
  }
});

test("names of systems", () => {
  assert.is(systemType("linux", "x64", undefined), "linux_x86_64");
  assert.is(systemType("linux", "arm64", undefined), "linux_aarch64");
  assert.is(systemType("linux", "arm", undefined), "linux_armv7l");
  assert.is(systemType("darwin", "arm64", undefined), "darwin_arm64");
  assert.is(systemType("darwin", "x64", undefined), "darwin_x86_64");
  assert.is(systemType("win32", "x64", undefined), "windows_amd64");
  assert.is(systemType("linux", "x64", "windows_amd64"), "windows_amd64");
});

test("a manifest's name never names another folder", () => {
  const options = {
    compatible: null,
    isBuiltin: () => false,
    system: "linux_x86_64",
    md5: () => "0",
    exists: () => false,
    kept: () => null,
  };
  for (const name of ["..", ".", "../x", "a/b", "a\\b", "a\nb", "C:x", "x".repeat(300)]) {
    for (const text of ["https://x.example/a.zip", `${name.replaceAll("/", "\\")}=https://x.example/a.zip`]) {
      const set = new LibrarySet(options);
      const added = drive(set.add({ spec: spec(text), origin: null }), () => ({ name, version: "1.0.0", dependencies: [] }));
      for (const { folder } of set.libraries) assert.match(folder, /^(?!\.{1,2}$)[\w\-. ]+$/);
      if (!added.ok) assert.is(added.failure.code, "library.name");
    }
  }
});

test("dependencies in a circle end", () => {
  const options = {
    compatible: null,
    isBuiltin: () => false,
    system: "linux_x86_64",
    md5: () => "0",
    exists: () => false,
    kept: () => null,
  };
  const set = new LibrarySet(options);
  const need = (name: string) => ({
    ...{ owner: "", name, version: `https://x.example/${name}.zip` },
    ...{ platforms: null, frameworks: null },
  });
  const added = drive(set.add({ spec: spec("https://x.example/a.zip"), origin: null }), (request) => {
    const name = request.is === "content" && request.spec.uri?.endsWith("/a.zip") ? "a" : "b";
    return { name, version: "1.0.0", dependencies: [need(name === "a" ? "b" : "a")] };
  });
  assert.ok(added.ok);
  assert.equal([...new Set(set.libraries.map((each) => each.name))].sort(), ["a", "b"]);
});

test("needs of own libraries in a circle end, also where a manifest has another name than the registry", () => {
  const options = {
    compatible: null,
    isBuiltin: () => false,
    system: "linux_x86_64",
    md5: () => "0",
    exists: () => false,
    kept: () => null,
  };
  const set = new LibrarySet(options);
  const needs = [{ owner: "me", name: "foo", version: "", platforms: null, frameworks: null }];
  const read = readPackage(packageOf(version("1.0.0", file("*"))), "there");
  if (!read.ok) throw new Error(read.failure.message);
  const failed = drive(set.addNeedsOf(needs, null), (request) =>
    request.is === "content" ? { name: "other", version: "1.0.0", dependencies: needs } : [read.value],
  );
  assert.is(failed, null);
  assert.equal(
    set.libraries.map((each) => each.folder),
    ["other"],
  );
});

test.run();
