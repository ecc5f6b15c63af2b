/** What fb adds to PlatformIO's reading: places, hints, warnings, the choice of envs, what a value was made of. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Config, type ConfigIo, lintConfig, readConfig } from "../../../rules/ini/config.ts";
import { configTable, lintTable } from "../../../rules/ini/json.ts";

function io(files: string | Record<string, string>, vars: Record<string, string> = {}): ConfigIo {
  const all: Record<string, string> = typeof files === "string" ? { "platformio.ini": files } : files;
  return {
    read: (path) => all[path] ?? null,
    glob: (pattern) => (all[pattern] === undefined ? [] : [pattern]),
    value: (name) => vars[name],
    unixTime: () => 1700000000,
    sha1: () => "0123456789abcdef",
  };
}

function read(files: string | Record<string, string>, vars: Record<string, string> = {}): Config {
  const config = readConfig("/p/blink", io(files, vars));
  if (!config.ok) throw new Error(JSON.stringify(config.failure));
  return config.value;
}

/** code line:column of a failure, and its hint. */
type Wanted = readonly [name: string, text: string, code: string, position: string, hint: RegExp];

const errors: readonly Wanted[] = [
  [
    "cyclic extends",
    "[a]\nextends = b\n[b]\nextends =\n  c\n  a\n[env:x]\n",
    "ini.extends-cycle",
    "6:3",
    /remove a from the extends of \[b\]/,
  ],
  ["a percent sign", "[env:a]\nbuild_flags =\n  -DA\n  -DB=5%\n", "ini.interpolation", "4:8", /%%/],
  ["a percent reference", "[env:a]\nx = 1 %(nope)s\n", "ini.interpolation", "2:7", /set nope/],
  ["an unknown section", "[common]\nx = 1\n[env:a]\nbuild_flags = -DA\n  ${comon.x}\n", "ini.no-section", "5:3", /"common"/],
  ["an unknown option", "[common]\nflags = 1\n[env:a]\nx = ${common.flag}\n", "ini.no-option", "4:5", /"flags"/],
  ["recursion", "[env:a]\nx = ${this.y}\ny = 1 ${this.x}\n", "ini.recursion", "3:7", /break/],
  ["a bad number", "[env]\nupload_speed =  fast\n[env:a]\n", "ini.bad-value", "2:17", /correct/],
  ["a bad choice", "[env:a]\nbuild_type = Debug\n", "ini.bad-value", "2:14", /"debug"/],
  ["__env__ of no env", "[c]\nx = ${this.__env__}\n", "ini.interpolation", "2:5", /env:NAME/],
];

for (const [name, text, code, position, hint] of errors) {
  test(`error: ${name}`, () => {
    const config = readConfig("/p/blink", io(text));
    const table = config.ok ? configTable(config.value) : config;
    assert.not(table.ok);
    if (table.ok) return;
    const { failure } = table;
    assert.equal([failure.code, failure.exit, failure.file, `${failure.line}:${failure.column}`], [code, 3, "platformio.ini", position]);
    assert.match(failure.hint, hint);
  });
}

const warnings: readonly Wanted[] = [
  ["unknown option", "[env:a]\nx = 1\n", "ini.unknown-option", "2:1", /custom_x/],
  ["misspelt option", "[env:a]\n bord = 1\n", "ini.unknown-option", "2:2", /"board"/],
  ["option of the other scope", "[env:a]\nsrc_dir = 1\n", "ini.unknown-option", "2:1", /\[platformio\]/],
  ["renamed option", "[env:a]\nsrc_filter = 1\n", "ini.renamed-option", "2:1", /build_src_filter/],
  ["extends nothing", "[base]\n[env:a]\nextends = bas\n", "ini.extends-missing", "3:11", /"base"/],
  ["section with spaces", "[ env:a ]\n", "ini.section-name", "1:1", /\[env:a\]/],
  ["section in capitals", "[Env:a]\n", "ini.section-name", "1:1", /\[env:a\]/],
  ["bare variable", "[c]\nx = 1 $PROJECT_HASH\n", "ini.bare-variable", "2:7", /\{PROJECT_HASH\}/],
  ["bad encoding", "[c]\nx = a\ufffd\n", "ini.encoding", "2:6", /UTF-8/],
  ["raw and filters", "[env]\nmonitor_filters = time\n[env:a]\nmonitor_raw = yes\n", "ini.monitor-filters", "2:19", /remove/],
];

for (const [name, text, code, position, hint] of warnings) {
  test(`warning: ${name}`, () => {
    const found = read(text).warnings.map((w) => [w.code, w.severity, w.file, `${w.line}:${w.column}`, hint.test(w.hint)]);
    assert.equal(found, [[code, "warning", "platformio.ini", position, true]]);
  });
}

test("free sections and free names are not warned of", () => {
  assert.equal(read("[env:a]\ncustom_x = 1\nboard_build.y = 2\n[anything]\nz = 1\n").warnings, []);
});

test("no project", () => {
  const config = readConfig("/p/blink", io({}));
  assert.ok(!config.ok && config.failure.code === "ini.not-found" && config.failure.message.includes("/p/blink"));
});

test("envs to build", () => {
  const text = "[platformio]\ndefault_envs = c, a\n[env:a]\n[env:b]\n[env:c]\n";
  const config = read(text);
  assert.equal(config.envs, ["a", "b", "c"]);
  assert.equal(config.defaultEnvs, ["c", "a"]);
  assert.equal(config.select([]), { ok: true, value: ["a", "c"] }, "file order");
  assert.equal(config.select(["b", "a", "b"]), { ok: true, value: ["a", "b"] });
  assert.equal(read("[env:a]\n[env:b]\n").select([]), { ok: true, value: ["a", "b"] });
  const refused: readonly (readonly [string, readonly string[], string, number, string])[] = [
    [text, ["d"], "ini.unknown-env", 2, "0:0"],
    ["[c]\n", [], "ini.no-envs", 3, "1:1"],
    ["[env:a]\n[env:b c]\n", ["a"], "ini.env-name", 3, "2:1"],
    ["[platformio]\ndefault_envs = a, bb\n[env:a]\n", ["a"], "ini.unknown-env", 3, "2:19"],
    ["[platformio]\ndefault_envs = a,b\n[env:a]\n", [], "ini.unknown-env", 3, "2:16"],
  ];
  for (const [source, asked, code, exit, position] of refused) {
    const answer = read(source).select(asked);
    assert.ok(!answer.ok, code);
    if (!answer.ok)
      assert.equal([answer.failure.code, answer.failure.exit, `${answer.failure.line}:${answer.failure.column}`], [code, exit, position]);
  }
});

test("an unknown env in the environment", () => {
  const answer = read("[platformio]\ndefault_envs = a\n[env:a]\n", { PLATFORMIO_DEFAULT_ENVS: "zz" }).select([]);
  assert.ok(!answer.ok && answer.failure.file === null && answer.failure.message.includes("PLATFORMIO_DEFAULT_ENVS"));
});

test("where a value comes from", () => {
  const files = {
    "platformio.ini": "[platformio]\nextra_configs = b.ini\n[env]\nbuild_flags =\n  -DA\n  -DB\n[env:a]\nextends = c\n",
    "b.ini": "[c]\nboard: uno\n",
  };
  const config = read(files, { PLATFORMIO_UPLOAD_PORT: "/dev/x" });
  assert.equal(config.files, ["platformio.ini", "b.ini"]);
  assert.equal(config.origin("env:a", "board"), { file: "b.ini", line: 2, column: 8 });
  assert.equal(config.origin("env:a", "build_flags"), { file: "platformio.ini", line: 5, column: 3 });
  assert.equal(config.origin("env:a", "build_flags", "-DB"), { file: "platformio.ini", line: 6, column: 3 });
  assert.is(config.origin("env:a", "upload_port"), null);
  assert.is(config.origin("env:a", "monitor_speed"), null);
  assert.is(config.raw("env:a", "build_flags"), "\n-DA\n-DB");
  assert.equal(
    config.lines("env:a", "build_flags").map((l) => [l.text, l.line]),
    [
      ["", 4],
      ["-DA", 5],
      ["-DB", 6],
    ],
  );
});

test("unset, default and environment", () => {
  const config = read("[env:a]\nupload_port = x\n", { PLATFORMIO_UPLOAD_PORT: "y", PLATFORMIO_BUILD_FLAGS: "${nope.x}" });
  assert.equal(config.get("env:a", "upload_port"), { ok: true, value: "y" });
  assert.equal(config.get("env:a", "board"), { ok: true, value: undefined });
  assert.equal(config.get("env:a", "lib_deps"), { ok: true, value: [] });
  assert.equal(config.get("env:a", "custom_x"), { ok: true, value: undefined });
  assert.equal(config.get("env:a", "monitor_speed"), { ok: true, value: 9600 });
  assert.equal(config.get("platformio", "src_dir"), { ok: true, value: "/p/blink/src" });
  assert.equal(config.get("platformio", "name"), { ok: true, value: "blink" });
  const flags = config.get("env:a", "build_flags");
  assert.ok(!flags.ok && flags.failure.file === null && flags.failure.message.includes("PLATFORMIO_BUILD_FLAGS"));
});

test("built-in names that took part", () => {
  const config = read("[c]\nt = ${UNIX_TIME}\n[env:a]\nbuild_flags = -DT=${c.t} -DP=${PROJECT_DIR} ${BUILD_DIR}\nlib_deps = x\n");
  assert.equal(config.uses("env:a", "build_flags"), ["PROJECT_DIR", "UNIX_TIME"]);
  assert.equal(config.uses("env:a", "lib_deps"), []);
  assert.equal(config.uses("platformio", "src_dir"), ["PROJECT_DIR"]);
  assert.equal(config.get("env:a", "build_flags"), { ok: true, value: ["-DT=1700000000 -DP=/p/blink ${BUILD_DIR}"] });
  assert.equal(config.getTimeless("env:a", "build_flags"), { ok: true, value: ["-DT=${UNIX_TIME} -DP=/p/blink ${BUILD_DIR}"] });
});

test("lint shows everything once", () => {
  const broken = lintTable(lintConfig("/p/blink", io("[env:a]\nnonsense\nx = 1\nx = 2\n")));
  assert.equal(
    broken.errors.map((e) => [e.type, e.source, e.lineno]),
    [
      ["ini.syntax", "platformio.ini", 2],
      ["ini.duplicate-option", "platformio.ini", 4],
    ],
  );
  const values = lintTable(lintConfig("/p/blink", io("[env]\nupload_speed = x\nfoo = 1\n[env:a]\nlib_archive = 7\n[env:b]\n")));
  assert.equal(
    values.errors.map((e) => [e.type, e.lineno]),
    [
      ["ini.bad-value", 2],
      ["ini.bad-value", 5],
    ],
  );
  assert.equal(
    values.warnings.map((w) => [w.type, w.lineno]),
    [["ini.unknown-option", 3]],
  );
  assert.equal(lintTable(lintConfig("/p/blink", io("[env:a]\nboard = uno\n"))), { errors: [], warnings: [] });
});

test("nothing is read but through the door", () => {
  const asked: string[] = [];
  const base = io("[env:a]\nbuild_flags = ${sysenv.MINE}\n");
  const config = readConfig("/p/blink", {
    ...base,
    value: (name) => {
      asked.push(name);
      return base.value(name);
    },
  });
  assert.ok(config.ok);
  if (config.ok) configTable(config.value);
  assert.ok(asked.includes("MINE") && asked.includes("PLATFORMIO_BUILD_FLAGS") && asked.includes("PLATFORMIO_DEFAULT_ENVS"));
});

test.run();
