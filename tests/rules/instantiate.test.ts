/** Actions from rules: argv, inputs, what is discovered, response files, names; where a compiler and a linker look. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ActionSpec, Digest, ProjectPath } from "../../engine/types.ts";
import { type Bound, scope, within } from "../../rules/expand.ts";
import { type Given, instantiate, responseText } from "../../rules/instantiate.ts";
import { readRuleFile } from "../../rules/rulefile.ts";
import { includeSearch, librarySearch } from "../../rules/search.ts";
import { newSeed, Random } from "../random.ts";

const BUILD = ".fb/build/uno/release";
const GIVEN: Given = {
  env: "uno",
  profile: "release",
  build: BUILD,
  src: null,
  inputs: [],
  orderOnly: [],
  label: null,
  tool: "t" as Digest,
  builtIn: [],
  opened: new Map(),
  filesBelow: () => null,
  devices: new Map(),
  rule: "r" as Digest,
  rspLimit: 100_000,
};
const SCOPE = scope(
  new Map<string, Bound>([
    ["build", BUILD],
    ["objects", [`${BUILD}/a.o`, `${BUILD}/b.o`]],
    ["claim.port", "/dev/ttyUSB0"],
    ["image.hex", `${BUILD}/firmware.hex`],
    ["flags", ["-Iinclude", '-DX="a b"']],
  ]),
);

function made(rule: string, given: Partial<Given> = {}, names: [string, Bound][] = []): ActionSpec {
  const result = tried(rule, given, names);
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}
function tried(rule: string, given: Partial<Given> = {}, names: [string, Bound][] = []) {
  const file = readRuleFile("p.toml", `schema = 1\n[rule.x]\n${rule}\n`);
  if (!file.ok) throw new Error(JSON.stringify(file.failure));
  const x = file.value.rules.get("x");
  if (x === undefined) throw new Error("no rule");
  return instantiate(x, within(SCOPE, names), { ...GIVEN, ...given });
}

const COMPILE = `kind = "compile"\nout = "\${build}/\${obj}.o"\ndepfile = "\${out}.d"\ncolor = ["-fcolor"]
run = ["cc", "-o", "\${out}", "\${flags}", "-MF", "\${depfile}", "\${src}"]`;

test("a folder as an input is the files below it, in the command too; one that is not there stays", () => {
  const rule = 'kind = "objcopy"\ntarget = "fs"\nin = ["data/"]\nout = "${build}/fs.bin"\nrun = ["pack", "${in}"]';
  const action = made(rule, { filesBelow: (folder) => (folder === "data" ? ["data/a", "data/b/c"] : null) });
  assert.equal(action.argv, ["pack", "data/a", "data/b/c"]);
  assert.equal(
    action.inputs.map(({ path }) => path),
    ["data/a", "data/b/c"],
  );
  assert.equal(made(rule).inputs, [{ is: "file", path: "data" }]);
  assert.equal(made(rule, { filesBelow: () => [] }).argv, ["pack"]);
});

test("a compile", () => {
  const action = made(COMPILE, { src: "src/main.cpp", orderOnly: [`${BUILD}/gen/v.h`, "src/main.cpp"], builtIn: ["/usr/include"] }, [
    ["obj", "src/main.cpp"],
  ]);
  assert.equal(action, {
    name: "uno/release/x:src/main.cpp.o",
    kind: "compile",
    label: "src/main.cpp",
    env: "uno",
    profile: "release",
    sharing: "all",
    argv: ["cc", "-o", `${BUILD}/src/main.cpp.o`, "-Iinclude", '-DX="a b"', "-MF", `${BUILD}/src/main.cpp.o.d`, "src/main.cpp"],
    vars: {},
    unkeyed: { argv: ["-fcolor"], vars: {} },
    rspfile: null,
    inputs: [{ is: "file", path: "src/main.cpp" }],
    orderOnly: [`${BUILD}/gen/v.h`],
    outputs: [`${BUILD}/src/main.cpp.o`],
    tool: "t",
    rule: "r",
    discover: { by: "depfile", path: `${BUILD}/src/main.cpp.o.d`, quote: [], search: ["include", "/usr/include"] },
    claims: [{ on: "cpu", units: 1 }],
  });
});

test("a link: spliced inputs, vars, order, trace, sharing, more than one output", () => {
  const action = made(
    `kind = "link"\nin = ["\${objects}", "\${build}/libcore.a"]\nout = ["\${build}/./firmware.elf", "\${build}/firmware.map"]
run = ["ld", "-o", "\${out[0]}", "-Map", "\${out[1]}", "\${in}", "-L\${build}", "-lm"]\ndiscover = "trace"\nsharing = "outputs"
vars = { SOURCE = "\${in[0]}" }\norder = ["\${build}/script.ld"]\nlabel = "link \${out[0]}"\nclaims = ["cpu:2", "disk"]`,
    { inputs: [{ is: "file", path: "script.ld" as ProjectPath }], builtIn: ["/usr/lib"] },
  );
  assert.equal(action.argv, [
    "ld",
    "-o",
    `${BUILD}/./firmware.elf`,
    "-Map",
    `${BUILD}/firmware.map`,
    `${BUILD}/a.o`,
    `${BUILD}/b.o`,
    `${BUILD}/libcore.a`,
    `-L${BUILD}`,
    "-lm",
  ]);
  assert.equal(action.outputs, [`${BUILD}/firmware.elf`, `${BUILD}/firmware.map`]);
  assert.equal(
    action.inputs.map((r) => r.path),
    [`${BUILD}/a.o`, `${BUILD}/b.o`, `${BUILD}/libcore.a`, "script.ld"],
  );
  assert.equal(action.discover, { by: "trace", libraries: ["m"], search: [BUILD, "/usr/lib"] });
  assert.equal([action.vars, action.orderOnly, action.sharing], [{ SOURCE: `${BUILD}/a.o` }, [`${BUILD}/script.ld`], "outputs"]);
  assert.equal(action.claims, [
    { on: "cpu", units: 2 },
    { on: "disk", units: 1 },
  ]);
});

test("an effect: a scalar input within a text, a device, no outputs", () => {
  const action = made(
    `kind = "flash"\nin = ["\${image.hex}"]\nclaims = ["device:serial", "console"]\nrun = ["avrdude", "-U", "flash:w:\${in}:i"]`,
    {
      devices: new Map([["serial", "/dev/ttyUSB0"]]),
      label: "upload",
    },
  );
  assert.equal(action.argv, ["avrdude", "-U", `flash:w:${BUILD}/firmware.hex:i`]);
  assert.equal(action.claims, [{ on: "device", device: "/dev/ttyUSB0", mode: "exclusive" }, { on: "console" }]);
  assert.equal([action.name, action.label, action.sharing, action.outputs], ["uno/release/x:upload", "upload", "never", []]);
  const monitor = made(`kind = "monitor"\nclaims = ["device:usb"]\nrun = ["m"]`);
  assert.equal(monitor.claims, [{ on: "device", device: "usb", mode: "monitor" }]);
});

test("mistakes keep their places", () => {
  const table: [string, string, number, number][] = [
    ['kind = "link"\nout = "o"\nin = ["${objects}"]\nrun = ["ld", "x${in}"]', "rule.list-in-text", 6, 16],
    ['kind = "link"\nout = "${bild}/o"\nrun = ["ld"]', "rule.unknown-name", 4, 8],
    ['kind = "link"\nout = "o"\nrun = ["ld", "${src}"]', "rule.unknown-name", 5, 15],
    ['kind = "link"\nout = "o"\nrun = ["ld"]\nvars = { A = "${objects}" }', "rule.list-in-text", 6, 15],
  ];
  for (const [rule, code, line, column] of table) {
    const result = tried(rule);
    assert.equal(result.ok ? null : [result.failure.code, result.failure.line, result.failure.column], [code, line, column], rule);
  }
  const empty = tried('kind = "link"\nout = "${none}"\nrun = ["ld"]', {}, [["none", ""]]);
  assert.is(empty.ok ? "" : empty.failure.code, "rule.no-output");
});

test("a long command line goes into a response file, if the rule says that the tool takes one", () => {
  const objects = Array.from({ length: 100 }, (_, i) => `${BUILD}/dir with space/${i}.o`);
  const link = (more: string, limit: number) =>
    made(
      `kind = "link"\nin = ["\${many}"]\nout = "\${build}/f.elf"\nrun = ["ld", "-o", "\${out}", "\${in}", "-lm"]\n${more}`,
      { rspLimit: limit },
      [["many", objects]],
    );
  const long = link("rsp = true", 1000);
  assert.equal(long.argv, ["ld", `@${BUILD}/f.elf.rsp`]);
  assert.is(long.rspfile?.path, `${BUILD}/f.elf.rsp`);
  assert.is(long.rspfile?.text, responseText(["-o", `${BUILD}/f.elf`, ...objects, "-lm"]));
  assert.is(link("rsp = true", 100_000).rspfile, null);
  assert.is(link("", 1000).rspfile, null);
  assert.equal(link("rsp = true", 1000).inputs.length, 100);
});

test("a response file outside the folder of outputs is not left in the project", () => {
  const action = made('kind = "objcopy"\nout = "data/x.bin"\nrun = ["objcopy", "${long}"]\nrsp = true', { rspLimit: 1 }, [
    ["long", ["a", "b"]],
  ]);
  assert.is(action.rspfile?.path, `${BUILD}/data/x.bin.rsp`);
});

test("the quoting of response files", () => {
  const table: [string[], string][] = [
    [["a", "-Ib"], "a\n-Ib\n"],
    [[""], '""\n'],
    [["a b", "c\td", "e\nf"], "a\\ b\nc\\\td\ne\\\nf\n"],
    [['-DX="q"', "it's", "a\\b"], '-DX=\\"q\\"\nit\\\'s\na\\\\b\n'],
  ];
  for (const [args, text] of table) assert.is(responseText(args), text);
});

test("where a compiler looks", () => {
  const table: [string[], string[], string[]][] = [
    [["-Ia", "-I", "b"], [], ["a", "b", "/sys"]],
    [["-idirafter", "e", "-isystemc", "-Ia", "-iquote", "d", "-isystem", "f"], ["d"], ["a", "c", "f", "/sys", "e"]],
    [["-Ia", "-Ib", "-Ia"], [], ["a", "b", "/sys"]],
    [["-Ia", "-isystem", "a", "-I/sys"], [], ["a", "/sys"]],
    [["-Ia", "-nostdinc"], [], ["a"]],
    [["-iprefix", "p/", "-iwithprefixbefore", "n", "-iwithprefix", "w", "-idirafterz"], [], ["p/n", "p/w", "/sys", "z"]],
    [["-o", "-Ix", "-include", "-Iy", "x.c"], [], ["/sys"]],
    [["--include-directory=a", "-I"], [], ["a", "/sys"]],
  ];
  for (const [args, quote, search] of table) assert.equal(includeSearch(["cc", ...args], ["/sys"]), { quote, search }, args.join(" "));
  assert.equal(librarySearch(["ld", "-La", "-L", "b", "-lm", "-l", "c", "-l:x.a", "-lm", "-T", "-Lx"], ["/sys"]), {
    libraries: ["m", "c", ":x.a"],
    search: ["a", "b", "/sys"],
  });
});

/** A compiler of this machine, or "". */
function compiler(): string {
  for (const cc of ["gcc", "avr-gcc"])
    try {
      if (execFileSync(cc, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).includes("Free Software Foundation"))
        return cc;
    } catch {}
  return "";
}

const gcc = compiler();
(gcc === "" ? test.skip : test)("where this machine's gcc says that it looks, for generated options", () => {
  const random = new Random(newSeed());
  const folder = mkdtempSync(join(tmpdir(), "fb-search-"));
  try {
    const folders = ["a", "b", "c", "pa", "pb", "pc"];
    for (const name of folders) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "x.c"), "");
    const says = (args: readonly string[]) => {
      const script = `exec ${gcc} -E -v x.c -o x.i "$@" 2>&1`;
      const out = execFileSync("/bin/sh", ["-c", script, "sh", ...args], {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
      });
      const lines = (from: string, to: string) =>
        out
          .slice(out.indexOf(from) + from.length, out.indexOf(to))
          .split("\n")
          .filter(Boolean)
          .map((l) => l.trim());
      return {
        quote: lines('#include "..." search starts here:', "#include <...>"),
        search: lines("#include <...> search starts here:", "End of search list."),
      };
    };
    const builtIn = says([]).search;
    for (let i = 0; i < 25; i++) {
      const args = ["-iprefix", "p"];
      // -iquote of a folder that comes later is dropped by gcc, and named once too often here: it gets folders of its own.
      for (let n = random.below(7); n > 0; n--) {
        const option = ["-I", "-isystem", "-idirafter", "-iwithprefix", "-iwithprefixbefore"][random.below(5)] ?? "";
        const name = folders[random.below(3)] ?? "";
        if (random.below(2) === 0) args.push(option, name);
        else args.push(option + name);
      }
      args.push("-iquote", "pc/../c/../pc");
      assert.equal(includeSearch([gcc, ...args], builtIn).search, says(args).search, args.join(" "));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

(gcc === "" ? test.skip : test)("gcc reads from a response file what was written into it", () => {
  const folder = mkdtempSync(join(tmpdir(), "fb-rsp-"));
  try {
    const texts = ['"a b"', "it's", "a\\\\b", "\\t x", "", "a'b\"c d\\", "$x `y` *"];
    writeFileSync(join(folder, "x.c"), texts.map((_, i) => `${i}=X${i};\n`).join(""));
    writeFileSync(join(folder, "a.rsp"), responseText(["-E", "-P", "-w", ...texts.map((text, i) => `-DX${i}=${text}`), "x.c"]));
    const through = (...args: string[]) => execFileSync(gcc, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    assert.is(through("@a.rsp"), through("-E", "-P", "-w", ...texts.map((text, i) => `-DX${i}=${text}`), "x.c"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
