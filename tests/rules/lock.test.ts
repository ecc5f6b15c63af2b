/** fb.lock: what is written reads the same, in one order whatever came first; damaged and hostile ones are told; what drifts and what does not. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Lock, LOCK_KINDS, LOCK_SOURCES, type LockEntry, lockedFile, lockOf, lockText, readLock } from "../../rules/lock.ts";
import { type AskedPackage, driftOf, driftText, lockedFailure, lockedFor, unlocked } from "../../rules/lock-drift.ts";
import { indexFiles, registryFiles, tableFiles } from "../../rules/lock-files.ts";
import { parsePackageSpec } from "../../rules/package-spec.ts";
import { readPackageTable, sourcesFor } from "../../rules/package-table.ts";
import { newSeed, Random } from "../random.ts";

const HASH = "0123456789abcdef".repeat(4);

function textOf(lock: Lock): string {
  const text = lockText(lock);
  if (!text.ok) throw new Error(text.failure.message);
  return text.value;
}
function read(text: string): Lock {
  const lock = readLock("fb.lock", text);
  if (!lock.ok) throw new Error(`${lock.failure.line}: ${lock.failure.message}`);
  return lock.value;
}
function asked(text: string, env = "uno", kind: AskedPackage["kind"] = "library", line = 7): AskedPackage {
  const spec = parsePackageSpec(text, null, () => false);
  if (!spec.ok) throw new Error(spec.failure.message);
  return { kind, env, spec: spec.value, origin: { file: "platformio.ini", line, column: 3 } };
}
function entry(name: string, version: string, more: Partial<LockEntry> = {}): LockEntry {
  const files = [{ system: "*", from: `https://x.example/${name}-${version}.zip`, sha256: HASH, size: 5, digest: "" }];
  return {
    ...{ kind: "library", owner: "acme", name, version, provider: "fetch", source: "registry" },
    files,
    wants: [],
    ...more,
  } as LockEntry;
}
const wants = (...all: (readonly [env: string, spec: string, by?: string])[]) => all.map(([env, spec, by = ""]) => ({ env, spec, by }));

const seed = newSeed();
function made(random: Random): LockEntry[] {
  const names = ["Foo", "foo", "Bar Lib", 'quote"d', "ünï", "a@b", "toolchain-x", "#", "[x]"];
  return Array.from({ length: random.below(8) }, () => ({
    kind: random.pick(LOCK_KINDS),
    owner: random.pick(["", "acme", "Zoo"]),
    name: random.pick(names),
    version: random.pick(["1.0.0", "1.10.0", "2.0.0-rc.1+x", "7.3.0-atmel3.6.1-arduino7", "1!7.3.0.post3"]),
    provider: "fetch" as const,
    source: random.pick(LOCK_SOURCES),
    files: random.sample(["*", "linux_x86_64", "darwin_arm64", "windows_amd64"], 1 + random.below(3)).map((system) => ({
      ...{ system, from: `https://x.example/${random.below(99)}?q="é"`, sha256: HASH, size: random.below(2) * 1234 },
      digest: random.chance(0.5) ? HASH : "",
    })),
    wants: Array.from({ length: random.below(4) }, () => ({
      ...{ env: random.pick(["uno", "mega", "d-1"]), spec: random.pick(["Foo", "acme/Foo @ ^1", 'N="x"', "symlink://../ü"]) },
      by: random.chance(0.3) ? "Bar Lib" : "",
    })),
  }));
}

test(`law: what is written reads the same, and any order writes the same (seed ${seed})`, () => {
  for (let i = 0; i < 300; i++) {
    const random = new Random(seed + i);
    const entries = made(random);
    const text = textOf({ entries });
    assert.equal(read(text), lockOf(entries), `seed ${seed} case ${i}`);
    assert.is(textOf(read(text)), text);
    // Files of one system: the first stays, so only entries that are one each may be shuffled.
    const alone = read(text).entries;
    assert.is(
      textOf({
        entries: random.shuffled(alone).map((one) => ({ ...one, files: random.shuffled(one.files), wants: random.shuffled(one.wants) })),
      }),
      text,
    );
  }
});

test(`law: an added package only adds lines, in one place (seed ${seed})`, () => {
  for (let i = 0; i < 100; i++) {
    const random = new Random(seed + i);
    const before = textOf({ entries: made(random) }).split("\n");
    const after = textOf({ entries: [...read(before.join("\n")).entries, entry("Added", "1.0.0")] }).split("\n");
    let same = 0;
    while (before[same] === after[same] && same < before.length) same++;
    const added = after.length - before.length;
    assert.equal(after.slice(same + added), before.slice(same), `seed ${seed} case ${i}`);
  }
});

test("one lock serves every system that the source has", () => {
  const systems = ["linux_x86_64", "darwin_x86_64", "windows_x86"];
  const files = systems.map((system) => ({ system, from: `https://x.example/${system}`, sha256: HASH, size: 1, digest: "" }));
  const tool = entry("toolchain-x", "7.3.0", { kind: "tool", files });
  const from = (system: string) => lockedFile(tool, system)?.from.slice(18) ?? null;
  assert.equal(["linux_x86_64", "darwin_arm64", "windows_amd64", "linux_aarch64"].map(from), [
    "linux_x86_64",
    "darwin_x86_64",
    "windows_x86",
    null,
  ]);
});

test("the AVR toolchain of the table is locked for every system at once, and what each gets runs there", () => {
  const table = readPackageTable("packages.toml", readFileSync(join(import.meta.dirname, "../../platforms/avr/packages.toml"), "utf8"));
  const tool = table.ok ? table.value.get("toolchain-atmelavr") : undefined;
  if (tool === undefined) throw new Error("no toolchain");
  const locked = read(
    textOf({ entries: [entry(tool.name, tool.version, { kind: "tool", source: "table", files: tableFiles(tool, tool.version) })] }),
  ).entries[0];
  if (locked === undefined) throw new Error("nothing locked");
  for (const system of ["linux_x86_64", "linux_aarch64", "darwin_x86_64", "darwin_arm64", "windows_amd64"]) {
    const [first] = sourcesFor(tool, system);
    assert.equal([lockedFile(locked, system)?.from, lockedFile(locked, system)?.sha256], [first?.from, first?.sha256], system);
  }
  assert.equal(
    tableFiles(tool, "7.3.0").map((each) => each.system),
    ["linux_x86_64"],
  );
  assert.equal(tableFiles(tool, "9"), []);
});

test("files of a registry's version and of an index's tool: the first for each system, no system that can be none", () => {
  const file = (systems: readonly string[] | null, url: string) => ({ name: "", systems, size: 1, sha256: HASH, url });
  const files = [file(["linux_x86_64", "../x", "a b"], "one"), file(["linux_x86_64", "darwin_arm64"], "two"), file(null, "three")];
  const short = (all: readonly { system: string; from: string }[]) => all.map((each) => `${each.system} ${each.from}`);
  assert.equal(short(registryFiles({ name: "1", files })), ["linux_x86_64 one", "darwin_arm64 two", "* three"]);
  const hosts = ["x86_64-pc-linux-gnu", "riscv64-linux-gnu", "i686-mingw32", "all"].map((host) => ({
    host,
    name: "",
    size: 1,
    sha256: HASH,
    url: host,
  }));
  const found = short(indexFiles({ packager: "a", name: "t", version: "1", files: hosts }));
  assert.equal(found, ["linux_x86_64 x86_64-pc-linux-gnu", "windows_x86 i686-mingw32", "* all"]);
});

const HEAD = "schema = 1\n";
const BLOCK = '[library."acme/Foo@1.0.0"]\nprovider = "fetch"\nsource = "registry"\n';
const damaged: readonly (readonly [text: string, line: number, code: string])[] = [
  ["", 1, "rule.missing-key"],
  ["schema = 2\n", 1, "lock.newer"],
  [`${HEAD}<<<<<<< ours\n${BLOCK}=======\n>>>>>>> theirs\n`, 2, "toml.syntax"],
  [`${HEAD}${BLOCK}${BLOCK}`, 5, "toml.syntax"],
  [`${HEAD}[library."acme/Foo"]\nprovider = "fetch"\nsource = "registry"\n`, 2, "lock.name"],
  [`${HEAD}[library."../../Foo@1"]\nprovider = "fetch"\nsource = "registry"\n`, 2, "lock.name"],
  [`${HEAD}[library."..@1"]\nprovider = "fetch"\nsource = "registry"\n`, 2, "lock.name"],
  [`${HEAD}[library."a\\\\b@1"]\nprovider = "fetch"\nsource = "registry"\n`, 2, "lock.name"],
  [`${HEAD}[library."a@.."]\nprovider = "fetch"\nsource = "registry"\n`, 2, "lock.name"],
  [`${HEAD}[library."a\\nb@1"]\nprovider = "fetch"\nsource = "registry"\n`, 2, "rule.unknown-key"],
  [`${HEAD}${BLOCK}files = [{ system = "*", from = "--upload-pack=x" }]\n`, 2, "lock.name"],
  [`${HEAD}${BLOCK}files = [{ system = "*", from = "https://x.example/a.zip" }]\n`, 2, "lock.name"],
  [`${HEAD}${BLOCK}files = [{ system = "*", from = "https://x.example/a.zip", sha256 = "XYZ" }]\n`, 2, "lock.name"],
  [`${HEAD}${BLOCK}files = [{ system = "../x", from = "deb:x" }]\n`, 2, "lock.name"],
  [`${HEAD}${BLOCK}files = [{ system = "*" }]\n`, 5, "rule.missing-key"],
  [`${HEAD}${BLOCK}files = [{ system = "*", from = "deb:x", size = "5" }]\n`, 5, "rule.wrong-type"],
  [`${HEAD}${BLOCK}wants = [{ env = "uno", spec = "a\\nb" }]\n`, 2, "lock.name"],
  [`${HEAD}${BLOCK}wants = 3\n`, 5, "rule.wrong-type"],
  [`${HEAD}${BLOCK}path = "/home/x"\n`, 5, "rule.unknown-key"],
  [`${HEAD}[library."acme/Foo@1.0.0"]\nprovider = "magic"\nsource = "registry"\n`, 3, "rule.wrong-value"],
  [`${HEAD}[plugin."Foo@1"]\n`, 2, "rule.unknown-key"],
];
for (const [text, line, code] of damaged)
  test(`a damaged lock is told: ${JSON.stringify(text)}`, () => {
    const lock = readLock("fb.lock", text);
    if (lock.ok) throw new Error("expected a failure");
    assert.equal([lock.failure.code, lock.failure.file, lock.failure.line, lock.failure.exit], [code, "fb.lock", line, 3]);
  });

test("what may not stand in a lock is not written", () => {
  const bad = [
    ...["..", "", "a/b", "a\nb", " a", "a\u0000", "x".repeat(300), "a\u007f", "\ud800"].map((name) => entry(name, "1.0.0")),
    ...["", "a@b", "1/2", "1\n"].map((version) => entry("Foo", version)),
    entry("Foo", "1.0.0", { owner: "../x" }),
    entry("Foo", "1.0.0", { wants: wants(["uno\n", "Foo"]) }),
    entry("Foo", "1.0.0", { files: [{ system: "*", from: "https://x.example/a", sha256: "", size: 0, digest: "" }] }),
  ];
  for (const each of bad) {
    const text = lockText({ entries: [each] });
    assert.is(text.ok ? textOf({ entries: [each] }) : text.failure.code, "lock.name", JSON.stringify(each));
  }
});

const lock = lockOf([
  entry("Foo", "1.2.0", { wants: wants(["uno", "acme/Foo@^1"], ["mega", "Foo"]) }),
  entry("Foo", "2.0.0", { wants: wants(["due", "acme/Foo@^2"]) }),
  entry("Bar", "0.1.0", { owner: "", wants: wants(["uno", "Bar", "Foo"]) }),
  entry("Git", "1.0.0+sha.abc", { owner: "", source: "repository", wants: wants(["uno", "https://github.com/a/Git.git#v1"]) }),
  entry("Thirteen", "3.0.0", { wants: wants(["uno", "id=13"]) }),
]);

const served: readonly (readonly [text: string, env: string, version: string | null])[] = [
  ["acme/Foo@^1", "uno", "1.2.0"],
  ["acme/Foo@^1.1", "uno", "1.2.0"],
  ["ACME/foo", "mega", "1.2.0"],
  ["Foo", "new", "2.0.0"],
  ["Foo@^2", "uno", "2.0.0"],
  ["Foo@^3", "uno", null],
  ["other/Foo", "uno", null],
  ["Bar", "mega", "0.1.0"],
  ["any/Bar", "mega", "0.1.0"],
  ["https://github.com/a/Git.git#v1", "mega", "1.0.0+sha.abc"],
  ["https://github.com/a/Git.git#v2", "uno", null],
  ["Mine=https://github.com/a/Git.git#v1", "uno", null],
  ["Git@^1", "uno", null],
  ["13", "uno", "3.0.0"],
  ["id=14", "uno", null],
];
for (const [text, env, version] of served)
  test(`the lock has for ${text} of ${env}: ${version}`, () => assert.is(lockedFor(lock, asked(text, env))?.version ?? null, version));

test("a lock that is obeyed does not drift; what is new or gone does, readably", () => {
  const all = [
    asked("acme/Foo@^1"),
    asked("Foo", "mega"),
    asked("acme/Foo@^2", "due"),
    asked("https://github.com/a/Git.git#v1"),
    asked("id=13"),
  ];
  assert.equal(driftOf(lock, all), []);
  assert.is(lockedFailure([]), null);
  const drift = driftOf(lock, [asked("acme/Foo@^3", "uno", "library", 9), ...all.slice(1, 4), asked("New", "mega")]);
  assert.is(
    driftText(drift),
    [
      "+ [env:mega] New (platformio.ini:7)",
      "- [env:uno] acme/Foo@^1 (fb.lock has acme/Foo@1.2.0)",
      "- [env:uno] id=13 (fb.lock has acme/Thirteen@3.0.0)",
      "+ [env:uno] acme/Foo@^3 (platformio.ini:9); fb.lock has 1.2.0, 2.0.0",
    ].join("\n"),
  );
  const failed = lockedFailure(drift);
  assert.equal([failed?.code, failed?.exit, failed?.file, failed?.line], ["lock.drift", 3, "platformio.ini", 9]);
});

test("an upgrade lets one name go, or all", () => {
  const left = (...names: string[]) => {
    const rest = unlocked(lock, names);
    return rest.ok ? rest.value.entries.map((each) => `${each.name}@${each.version}`) : rest.failure.code;
  };
  assert.equal(left(), []);
  assert.equal(left("foo"), ["Bar@0.1.0", "Git@1.0.0+sha.abc", "Thirteen@3.0.0"]);
  assert.equal(left("ACME/Foo", "git"), ["Bar@0.1.0", "Thirteen@3.0.0"]);
  assert.is(left("Fooo"), "lock.unknown");
});

test.run();
