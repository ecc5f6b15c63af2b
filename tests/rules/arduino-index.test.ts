/** Arduino's package indexes: platforms, tools, hosts, and what hostile ones are made of. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ArduinoIndex, type IndexTool, platformOf, readArduinoIndex, systemsOf, toolFile, toolOf } from "../../rules/arduino-index.ts";
import { newSeed, Random } from "../random.ts";

const HASH = "ABCDEF0123456789".repeat(4);
const file = (name: string) => ({ url: `http://x.example/${name}`, archiveFileName: name, checksum: `SHA-256:${HASH}`, size: "1234" });
const platform = (version: string, more: object = {}) => ({
  name: "AVR Boards",
  architecture: "avr",
  version,
  ...file(`avr-${version}.zip`),
  ...more,
});

function read(value: unknown): { index: ArduinoIndex; warnings: readonly string[] } {
  const made = readArduinoIndex("package_x_index.json", JSON.stringify(value));
  if (!made.ok) throw new Error(made.failure.message);
  for (const each of made.value.warnings) assert.is(each.severity, "warning");
  return { index: made.value.index, warnings: made.value.warnings.map((each) => each.message) };
}

test("a platform, the tools that it needs, a file of each for this system", () => {
  const tools = [{ packager: "arduino", name: "avr-gcc", version: "7.3.0-atmel3.6.1-arduino7" }];
  const systems = ["x86_64-linux-gnu", "i686-mingw32", "x86_64-apple-darwin14"].map((host) => ({
    host,
    ...file(`avr-gcc-${host}.tar.bz2`),
  }));
  const { index, warnings } = read({
    packages: [
      { name: "acme", platforms: [platform("1.8.6"), platform("1.10.0", { toolsDependencies: tools }), platform("1.9.0")] },
      { name: "arduino", tools: [{ name: "avr-gcc", version: "7.3.0-atmel3.6.1-arduino7", systems }] },
    ],
  });
  assert.equal(warnings, []);
  const chosen = platformOf([index], "acme", "avr", null);
  assert.equal([chosen?.version, chosen?.file.size, chosen?.file.sha256], ["1.10.0", 1234, HASH.toLowerCase()]);
  assert.is(platformOf([index], "acme", "avr", "^1.9,<1.10")?.version, "1.9.0");
  assert.is(platformOf([index], "acme", "avr", "1.8.6")?.version, "1.8.6");
  assert.is(platformOf([index], "acme", "sam", null), null);
  const [needed] = chosen?.tools ?? [];
  const tool = needed === undefined ? null : toolOf([index], needed);
  if (tool === null) throw new Error("no tool");
  assert.is(toolFile(tool, "linux_x86_64")?.url, "http://x.example/avr-gcc-x86_64-linux-gnu.tar.bz2");
  assert.is(toolOf([index], { packager: "acme", name: "avr-gcc", version: "7.3.0-atmel3.6.1-arduino7" }), null);
  assert.is(toolOf([index], { packager: "arduino", name: "avr-gcc", version: "7.3.0" }), null);
});

const hosts: readonly (readonly [system: string, hosts: readonly string[], chosen: string | null])[] = [
  ["linux_x86_64", ["i686-linux-gnu", "x86_64-linux-gnu", "x86_64-pc-linux-gnu"], "x86_64-linux-gnu"],
  ["linux_x86_64", ["x86_64-pc-linux-gnu"], "x86_64-pc-linux-gnu"],
  ["linux_x86_64", ["i686-linux-gnu", "i686-mingw32"], null],
  ["linux_x86_64", ["all"], "all"],
  ["linux_aarch64", ["arm-linux-gnueabihf", "arm64-linux-gnu"], "arm64-linux-gnu"],
  ["linux_aarch64", ["aarch64-linux-gnu"], "aarch64-linux-gnu"],
  ["linux_armv7l", ["aarch64-linux-gnu", "arm-linux-gnueabihf"], "arm-linux-gnueabihf"],
  ["linux_armv6l", ["armv6-linux-gnueabihf"], "armv6-linux-gnueabihf"],
  ["darwin_arm64", ["x86_64-apple-darwin14", "arm64-apple-darwin"], "arm64-apple-darwin"],
  ["darwin_arm64", ["i386-apple-darwin11", "x86_64-apple-darwin14"], "x86_64-apple-darwin14"],
  ["darwin_arm64", ["i386-apple-darwin11"], "i386-apple-darwin11"],
  ["darwin_x86_64", ["arm64-apple-darwin", "i386-apple-darwin11"], "i386-apple-darwin11"],
  ["windows_amd64", ["i686-mingw32", "x86_64-mingw32"], "x86_64-mingw32"],
  ["windows_amd64", ["i686-mingw32", "x86_64-linux-gnu"], "i686-mingw32"],
  ["windows_x86", ["x86_64-mingw32"], null],
  ["windows_x86", ["i686-cygwin"], "i686-cygwin"],
];
for (const [system, given, chosen] of hosts)
  test(`${system} of ${given.join(", ")}: ${chosen}`, () => {
    const tool: IndexTool = {
      ...{ packager: "a", name: "t", version: "1" },
      files: given.map((host) => ({ host, url: "", sha256: "", size: 0, name: "" })),
    };
    assert.is(toolFile(tool, system)?.host ?? null, chosen);
  });

test("hosts by system, both ways", () => {
  assert.equal(systemsOf("all"), ["*"]);
  assert.equal(systemsOf("i686-mingw32"), ["windows_x86"]);
  assert.equal(systemsOf("arm-linux-gnueabihf"), ["linux_armv7l", "linux_armv6l"]);
  assert.equal(systemsOf("riscv64-linux-gnu"), []);
});

test("what is no index is a failure with its place", () => {
  for (const text of ["", "<html>", "[]", "{}", '{"packages": {}}', '{"packages": [', "null", "7"]) {
    const made = readArduinoIndex("i.json", text);
    if (made.ok) throw new Error(text);
    assert.equal([made.failure.code, made.failure.exit, made.failure.file, made.failure.line], ["index.syntax", 4, "i.json", 1]);
  }
});

const HOSTILE = [
  "..",
  ".",
  "",
  "../../x",
  "a/b",
  "a\\b",
  "a\nb",
  "\u0000",
  "x".repeat(300),
  7,
  null,
  true,
  [],
  {},
  ["x"],
  "\ud800",
  -1,
  1e308,
];

test("each name, version, url, checksum and size that is hostile is left out and told, the rest is used", () => {
  const good = (): Record<string, unknown> => ({ name: "t", version: "1.0", systems: [{ host: "all", ...file("t.zip") }] });
  for (const bad of HOSTILE) {
    for (const key of ["name", "version"]) {
      const { index, warnings } = read({ packages: [{ name: "p", tools: [{ ...good(), [key]: bad }, good()] }] });
      assert.equal([index.tools.length, warnings.length], [1, 1], `${key} ${JSON.stringify(bad)}`);
      assert.match(warnings[0] ?? "", /^packages\[0\]\.tools\[0\]: expected /);
    }
    for (const key of ["host", "url", "checksum", "archiveFileName"]) {
      // Without a name the address's own is taken.
      const systems = [
        { host: "all", ...file("t.zip"), [key]: bad },
        { host: "all", ...file("u.zip") },
      ];
      const { index, warnings } = read({ packages: [{ name: "p", tools: [{ ...good(), systems }] }] });
      const isFine = key === "archiveFileName" && bad === null;
      assert.equal([index.tools[0]?.files.length, warnings.length], isFine ? [2, 0] : [1, 1], `${key} ${JSON.stringify(bad)}`);
    }
    const { index } = read({
      packages: [bad, { name: bad, platforms: [platform("1")] }, { name: "p", platforms: [platform("1", { size: bad })] }],
    });
    assert.equal([index.platforms.length, index.platforms[0]?.file.size], [1, bad === 7 ? 7 : 0]);
    const needs = read({
      packages: [{ name: "p", platforms: [platform("1", { toolsDependencies: [{ packager: "p", name: bad, version: "1" }] })] }],
    });
    assert.is(needs.index.platforms.length, 0);
  }
  for (const url of ["file:///etc/passwd", "ftp://x/y", "javascript:x", "http://x y", "https://"]) {
    const { index } = read({ packages: [{ name: "p", platforms: [platform("1", { url })] }] });
    assert.is(index.platforms.length, 0, url);
  }
  const many = read({ packages: Array.from({ length: 500 }, () => 7) });
  assert.is(many.warnings.length, 11);
});

const seed = newSeed();
test(`law: no damage to an index crashes the reader, and no name leaves its place (seed ${seed})`, () => {
  const whole = {
    packages: [
      {
        name: "p",
        platforms: [platform("1", { toolsDependencies: [{ packager: "p", name: "t", version: "1" }] })],
        tools: [{ name: "t", version: "1", systems: [{ host: "all", ...file("t.zip") }] }],
      },
    ],
  };
  const random = new Random(seed);
  for (let i = 0; i < 2000; i++) {
    const broken = JSON.parse(JSON.stringify(whole), (_, value: unknown) => (random.chance(0.08) ? random.pick(HOSTILE) : value));
    const made = readArduinoIndex("i.json", JSON.stringify(broken));
    if (!made.ok) continue;
    const { platforms, tools } = made.value.index;
    const names = [
      ...platforms.flatMap((p) => [
        p.packager,
        p.architecture,
        p.version,
        p.file.name,
        ...p.tools.flatMap((t) => [t.packager, t.name, t.version]),
      ]),
    ];
    for (const name of [...names, ...tools.flatMap((t) => [t.packager, t.name, t.version, ...t.files.flatMap((f) => [f.host, f.name])])])
      assert.match(name, /^(?!\.{1,2}$)[^/\\\p{Cc}]{1,200}$/u, `seed ${seed} case ${i}`);
  }
});

test.run();
