/** Platform packages as data: platform.json, what it asks for of the packages that rules name, versions that the rules are for. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  packageWants,
  type PlatformPackage,
  publishedRanges,
  rangeUncovered,
  readPlatformPackage,
  uncovered,
} from "../../rules/platform-package.ts";
import { readRuleFile, type RuleFile } from "../../rules/rulefile.ts";
import { parsePackageWant, type PackageWant } from "../../rules/spec.ts";

const PLACE = { file: "platformio.ini", line: 2, column: 12 };

function read(text: string | null): PlatformPackage | string {
  const read = readPlatformPackage("/p", { read: (path) => (path === "/p/platform.json" ? text : null) }, PLACE);
  if (read.ok) return read.value;
  const { code, file, line, message } = read.failure;
  return `${code} ${file}:${line} ${message}`;
}

test("platform.json: what is there, what is broken, what is missing", () => {
  assert.is(read(null), "platform.no-manifest platformio.ini:2 /p has no platform.json: it is no platform package");
  assert.is(
    read('{\n "name": }'),
    "platform.manifest /p/platform.json:2 not JSON: expected a value: text in double quotes, a number, true, false, null, [ or {",
  );
  for (const text of ["[]", "{}", '{"name":""}', '{"name":1}'])
    assert.is(read(text), 'platform.manifest /p/platform.json:1 expected a platform: an object with a "name"', text);
  const odd = read('{"name":"x","version":2,"packages":{"a":{"version":"~1.0"},"b":"1.0","c":{"owner":"o"}}}');
  if (typeof odd === "string") throw new Error(odd);
  assert.equal(
    [odd.name, odd.version, [...odd.packages]],
    [
      "x",
      "",
      [
        ["a", { owner: "", version: "~1.0" }],
        ["c", { owner: "o", version: "*" }],
      ],
    ],
  );
});

function rules(text: string): RuleFile {
  const read = readRuleFile("/platforms/x/platform.toml", `schema = 1\n${text}`);
  if (!read.ok) throw new Error(read.failure.message);
  return read.value;
}
const RULES = rules(`[tool.gcc]
package = "toolchain-x"
[tool.load]
package = "tool-load"
version = "*"
[tool.image]
package = "tool-image"
version = "~2.0"
[tool.other]
package = "tool-other"
[framework.arduino]
package = "framework-x"
covers = ["~3.1.0", "^4"]
`);
const PLATFORM: PlatformPackage = {
  ...{ folder: "/p", name: "x", version: "5.0.0" },
  packages: new Map([
    ["toolchain-x", { owner: "acme", version: "8.4.0+2021r2-patch5" }],
    ["tool-load", { owner: "acme", version: "https://h.example/dummy.zip" }],
    ["tool-image", { owner: "acme", version: "~1.0" }],
    ["framework-x", { owner: "", version: "https://github.com/a/core.git#fdd7557" }],
    ["tool-unused", { owner: "acme", version: "1" }],
  ]),
};

function texts(own: readonly PackageWant[]): string[] {
  const wants = packageWants(PLATFORM, RULES, own, PLACE);
  if (!wants.ok) throw new Error(wants.failure.message);
  return wants.value.map((want) => `${want.origin?.line} ${want.text} ${want.source.is}`);
}

test("what a platform asks for: of packages that rules name, with rules' own ranges; the ini comes first", () => {
  assert.equal(texts([]), [
    "2 acme/toolchain-x@8.4.0+2021r2-patch5 registry",
    "2 acme/tool-image@~2.0 registry",
    "2 framework-x@https://github.com/a/core.git#fdd7557 url",
  ]);
  const own = parsePackageWant("toolchain-x @ symlink://../gcc", PLACE);
  assert.equal(texts(own.ok ? [own.value] : []), [
    "2 acme/tool-image@~2.0 registry",
    "2 framework-x@https://github.com/a/core.git#fdd7557 url",
  ]);
});

const framework = RULES.frameworks.get("arduino") ?? { package: "", covers: [] };
const covered: readonly (readonly [versions: readonly string[], isCovered: boolean])[] = [
  [["3.1.7"], true],
  [["4.9.0"], true],
  [["3.2.0"], false],
  [["9.9.9", "3.1.0"], true],
  // Of a branch, of an address, of nothing known.
  [["0.0.0+sha.fdd7557"], true],
  [["0.0.0+url-0123"], true],
  [[""], true],
  [["", "5.0.0"], false],
];
for (const [versions, isCovered] of covered)
  test(`covered: ${versions.join(" or ")}`, () => {
    assert.is(uncovered("e", framework, versions, PLATFORM, PLACE) === null, isCovered);
    assert.is(uncovered("e", { ...framework, covers: [] }, versions, PLATFORM, PLACE), null);
  });

const COVERED = rules('[platform]\nnames = ["x"]\ntitle = "X"\ncovers = ["~5.2.0", "^6", ">=8.1,<9"]\n');
const ranges: readonly (readonly [range: string, meets: boolean])[] = [
  ["5.2.7", true],
  ["5.1.9", false],
  ["^5", true],
  ["~5.1.0", false],
  ["~5.1", false],
  ["^6.9", true],
  ["^7", false],
  [">=7", true],
  [">=7,<8", false],
  ["8.0.0", false],
  ["~8.1", true],
  ["*", true],
  ["<5", true],
];
for (const [range, meets] of ranges)
  test(`platform = x @ ${range} ${meets ? "may be" : "is never"} covered`, () => {
    const wrong = rangeUncovered("e", "x", range, COVERED, PLACE);
    assert.is(wrong?.code ?? null, meets ? null : "platform.not-covered");
    assert.is(rangeUncovered("e", "x", range, RULES, PLACE), null);
  });

test("a platform that the registry has not: no range of it is asked for there, and none is fetched for its name alone", () => {
  const own = rules('[platform]\nnames = ["x"]\ntitle = "X"\ncovers = ["~1.2.0"]\npublished = false\n');
  const wrong = rangeUncovered("e", "x", "~1.2.0", own, PLACE);
  assert.is(
    wrong?.message,
    "[env:e] asks for platform x ~1.2.0: fb's rules cover ~1.2.0 of another than PlatformIO's registry has by this name",
  );
  assert.equal(publishedRanges(own), []);
  assert.equal(publishedRanges(COVERED), COVERED.platform?.covers);
});

test("what is not covered says which version it is, of which platform, and which would be", () => {
  const { code, exit, line, message } = uncovered("e", framework, ["3.2.0"], PLATFORM, PLACE) ?? { message: "" };
  assert.equal([code, exit, line], ["framework.not-covered", 3, 2]);
  assert.is(message, "[env:e] has framework-x 3.2.0 of platform x 5.0.0: fb's rules cover ~3.1.0, ^4");
});

test.run();
