/** Rule files: every mistake at its place, overlays in their order, a digest that spacing does not change. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nameFits } from "../../rules/name-fits.ts";
import { type ResolveContext, resolve, versionFits } from "../../rules/resolve.ts";
import { readRuleFile, type RuleFile, ruleDigestInput, ruleFileProblems } from "../../rules/rulefile.ts";
import { type Malformed, NAMES, SHAPES, SOUND, SYNTAX } from "./malformed.ts";

for (const [kind, table] of Object.entries({ SYNTAX, SHAPES, NAMES }))
  for (const [i, wrong] of (table as readonly Malformed[]).entries())
    test(`${kind} ${i}: ${wrong.code} ${wrong.says}`, () => {
      const result = readRuleFile("fb.toml", wrong.text);
      assert.not(result.ok, wrong.text);
      if (result.ok) return;
      const { code, exit, file, line, column, message, hint } = result.failure;
      assert.equal(
        { code, exit, file, line, column },
        { code: wrong.code, exit: 3, file: "fb.toml", line: wrong.line, column: wrong.column },
        `${message} | ${hint}\n${wrong.text}`,
      );
      assert.ok(`${message} | ${hint}`.toLowerCase().includes(wrong.says.toLowerCase()), `${message} | ${hint}`);
      assert.ok(message.length > 0 && hint.length > 0, "a message and what to do");
    });

test("files without a mistake are read", () => {
  for (const text of SOUND) assert.equal(ruleFileProblems("fb.toml", text), [], text);
});

test("every mistake is reported, in the order of the file", () => {
  const problems = ruleFileProblems("fb.toml", "schema = 2\n[vars]\na = 3\n[rule.x]\nkind = 'y'\nrun = 'z'\n");
  assert.equal(
    problems.map((p) => [p.code, p.line]),
    [
      ["rule.wrong-value", 1],
      ["rule.wrong-type", 3],
      ["rule.wrong-value", 5],
      ["rule.wrong-type", 6],
    ],
  );
});

function file(text: string): RuleFile {
  const read = readRuleFile("platform.toml", text);
  if (!read.ok) throw new Error(JSON.stringify(read.failure));
  return read.value;
}

const CONTEXT: ResolveContext = {
  host: "linux",
  framework: "arduino",
  core: "arduino",
  cpu: "",
  mcu: "atmega328p",
  board: "uno",
  names: new Map(),
  macros: new Set(),
  profile: "release",
  env: "uno",
  toolVersions: new Map([["avr", "5.4.0"]]),
};

/** What a variable or a scope of flags holds, as it is written. */
function held(f: RuleFile, context: Partial<ResolveContext>, name: string): readonly string[] | string | undefined {
  const resolved = resolve(f, { ...CONTEXT, ...context });
  const variable = resolved.vars.get(name);
  if (variable === undefined) return undefined;
  return variable.is === "text" ? variable.text.text : variable.items.map((t) => t.text);
}

test("overlays apply in the order host, framework, tool version, core, cpu, mcu, board, choice, profile, env, whatever their order in the file", () => {
  const board = ['choose.any."*"', "board.uno", "mcu.atmega328p", "cpu.avr5", "core.arduino"];
  const names = ["env.uno", "profile.release", ...board, 'tool.avr.when."<6"', "framework.arduino", "host.linux"];
  const f = file(`schema = 1\n[vars]\na = ["base"]\n${names.map((n) => `[${n}]\na = { append = ['${n}'] }\n`).join("")}`);
  assert.equal(held(f, { cpu: "avr5" }, "a"), ["base", ...[...names].reverse()]);
  assert.equal(held(f, { profile: "quick", env: "nano", host: "darwin" }, "a"), [
    "base",
    "framework.arduino",
    'tool.avr.when."<6"',
    "core.arduino",
    "mcu.atmega328p",
    "board.uno",
    'choose.any."*"',
  ]);
  const none = { framework: "", core: "", mcu: "", board: "" };
  const always = ["base", "host.linux", 'choose.any."*"', "profile.release", "env.uno"];
  assert.equal(held(f, { toolVersions: new Map([["avr", "7.3.0"]]), ...none }, "a"), always);
  assert.equal(held(f, { toolVersions: new Map(), ...none, mcu: "x" }, "a"), always);
});

test("of each choice the first overlay applies one of whose macros is defined", () => {
  const f = file(`schema = 1
[vars]
speed = ["usual"]
usb = ["none"]
[choose.speed.FAST]
speed = ["fast"]
[choose.usb."USB_HID|USB_MIDI*"]
usb = ["some"]
[choose.speed.SLOW]
speed = { append = ["slow"] }
[choose.speed."*"]
speed = { append = ["else"] }
`);
  for (const [macros, speed, usb] of [
    [[], ["usual", "else"], ["none"]],
    [["SLOW", "FAST"], ["fast"], ["none"]],
    [["SLOW", "USB_MIDI4"], ["usual", "slow"], ["some"]],
    [["FASTER", "USB_HID_2"], ["usual", "else"], ["none"]],
  ] as const) {
    const context = { macros: new Set<string>(macros) };
    assert.equal([held(f, context, "speed"), held(f, context, "usb")], [speed, usb], macros.join(" "));
  }
});

test("names by which overlays apply may be several", () => {
  const f = file(`schema = 1\n[vars]\na = ["base"]\n[cpu."cortex-m4*|cortex-m0*"]\na = ["arm"]\n`);
  assert.equal(held(f, { cpu: "cortex-m0plus" }, "a"), ["arm"]);
  assert.equal(held(f, { cpu: "cortex-m7" }, "a"), ["base"]);
  assert.equal(held(f, { cpu: "" }, "a"), ["base"]);
});

test("an overlay sets, appends, prepends and removes by what is written", () => {
  const f = file(`schema = 1
[vars]
arch = ["-mmcu=x"]
opt = ["\${arch}", "-Os", "-flto"]
[profile.quick]
opt = { remove = ["-flto", "-absent", "\${arch}"], prepend = ["first"], append = ["last"] }
[profile.debug]
vars.opt = ["-Og"]
[profile.quick.flags]
ccflags = { remove = ["-flto"], append = ["-O1"] }
libs = { append = ["m"] }
[flags]
ccflags = ["-flto", "-Wall"]
`);
  assert.equal(held(f, { profile: "quick" }, "opt"), ["first", "-Os", "last"]);
  assert.equal(held(f, { profile: "debug" }, "opt"), ["-Og"]);
  const quick = resolve(f, { ...CONTEXT, profile: "quick" }).flags;
  assert.equal(
    quick.ccflags.map((t) => t.text),
    ["-Wall", "-O1"],
  );
  assert.equal(
    quick.libs.map((t) => t.text),
    ["m"],
  );
  assert.equal(quick.asflags, []);
});

test("tools: folder names are bound to their own tool, plain keys become names", () => {
  const f = file(
    `schema = 1\n[tool.avr]\npackage = "p"\nprobe = "gcc"\ncc = "\${tool}/bin/cc"\n[tool.dude]\nbin = ["\${tool}/x", "\${tool.avr.cc}"]\n`,
  );
  const avr = f.tools.get("avr");
  assert.equal([avr?.package, avr?.probe, avr?.finds, avr?.version, f.tools.get("dude")?.probe], ["p", "gcc", "", "", "none"]);
  const cc = resolve(f, CONTEXT).vars.get("tool.avr.cc");
  assert.equal(cc?.is === "text" && cc.text.parts[0]?.is === "name" && cc.text.parts[0].name, "tool.avr");
});

test("rules are those of the env; defaults are filled in", () => {
  const f = file(`schema = 1
[rule.c]
kind = "compile"
out = "o"
run = ["cc"]
[rule.f]
kind = "flash"
run = ["dude"]
env = ["nano*"]
`);
  assert.equal([...resolve(f, CONTEXT).rules.keys()], ["c"]);
  assert.equal([...resolve(f, { ...CONTEXT, env: "nano328" }).rules.keys()], ["c", "f"]);
  const c = f.rules.get("c");
  assert.equal(
    [c?.sharing, c?.discover, c?.rsp, c?.depfile, c?.match, f.rules.get("f")?.sharing],
    ["all", "nothing", false, null, [], "never"],
  );
});

test("ranges of versions", () => {
  const table: [string, string, boolean][] = [
    ["<6", "5.4.0", true],
    ["<6", "6", false],
    ["<6", "7.3.0", false],
    [">=5,<8", "5.0", true],
    [">=5, <8", "7.99.1", true],
    [">=5,<8", "8.0.0", false],
    ["<=5", "5.4", false],
    ["<=5", "5.0.0", true],
    [">5", "5.0.1", true],
    [">5", "5.0.0", false],
    ["5", "5.4.0", true],
    ["=5.4", "5.4.9", true],
    ["5.4", "5.40", false],
    ["<10", "9.2", true],
    ["<6", "v5.4-rc1", true],
    ["<6", "", false],
    ["<6", "unknown", false],
  ];
  for (const [range, version, fits] of table) assert.is(versionFits(range, version), fits, `${range} ${version}`);
});

test("names with *", () => {
  const table: [string, string, boolean][] = [
    ["uno", "uno", true],
    ["uno", "Uno", false],
    ["atmega*", "atmega328p", true],
    ["*", "", true],
    ["*328*", "atmega328p", true],
    ["*328*", "atmega32u4", false],
    ["a*a", "a", false],
    ["a*b*a", "aba", true],
    ["a*ab", "ab", false],
  ];
  for (const [pattern, name, fits] of table) assert.is(nameFits(pattern, name), fits, `${pattern} ${name}`);
});

test("a rule's digest: comments, spacing, order of keys and what is in no key do not count; what is run does", () => {
  const rule = (text: string) => {
    const r = file(`schema = 1\n${text}`).rules.get("x");
    return r === undefined ? "" : ruleDigestInput(r);
  };
  const one = rule('[rule.x]\nkind = "link"\nout = "o"\nrun = ["ld", "${in}"]\nvars = { A = "1", B = "2" }\n');
  const other = rule(
    '# text\n[rule.x]\nvars = { B = "2", A = "1" } # vars\nrun = [\n  "ld", # it\n  "${in}",\n]\nlabel = "L"\ncolor = ["-c"]\nclaims = ["cpu:2"]\norder = ["z"]\nenv = ["a"]\nout = ["o"]\nkind = "link"\n',
  );
  assert.is(one, other);
  const changes: [string, string][] = [
    ['["ld", "${in}"]', '["ld"]'],
    ['"o"', '"p"'],
    ['"link"', '"archive"'],
    ['A = "1"', 'A = "2"'],
    ['"o"', '"o"\nsharing = "outputs"'],
    ['"o"', '"o"\nrsp = true'],
    ['"o"', '"o"\ndiscover = "trace"'],
  ];
  const written = '[rule.x]\nkind = "link"\nout = "o"\nrun = ["ld", "${in}"]\nvars = { A = "1", B = "2" }\n';
  assert.is(rule(written), one);
  for (const [from, to] of changes) assert.is.not(rule(written.replace(from, to)), one, to);
});

test.run();
