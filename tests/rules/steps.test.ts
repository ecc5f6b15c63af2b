/** Steps of a project: what they read and write, their order, and every way to get them wrong, at its place. */
import { execFileSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { ActionSpec, Digest, DirEntry, Result } from "../../engine/types.ts";
import { type Bound, scope } from "../../rules/expand.ts";
import { escapeGlob, filesBelow, glob } from "../../rules/globs.ts";
import { resolve } from "../../rules/resolve.ts";
import { readRuleFile } from "../../rules/rulefile.ts";
import { type PlannedSteps, planSteps, type StepContext, type StepProgram } from "../../rules/steps.ts";
import { shellWord } from "../../rules/shellwords.ts";

const BUILD = ".fb/build/uno/release";
const FILES = [
  "VERSION",
  "Makefile",
  "data/a.txt",
  "data/b.txt",
  "data/c.bin",
  "data/sub/d.txt",
  "data/.hidden.txt",
  "tools/sign.py",
  "tool",
  "src/main.cpp",
  ".fb/state/x.txt",
  ".git/config",
  "odd/[x]*.txt",
  "odd/x.txt",
];

/** The folders of a list of files. */
function tree(files: readonly string[]) {
  const listed: string[] = [];
  const list = (folder: string): readonly DirEntry[] | null => {
    listed.push(folder);
    const entries = new Map<string, DirEntry>();
    for (const file of files) {
      if (folder !== "" && !file.startsWith(`${folder}/`)) continue;
      const [name, more] = (folder === "" ? file : file.slice(folder.length + 1)).split("/");
      entries.set(name ?? "", { name: name ?? "", is: more === undefined ? "file" : "dir" });
    }
    return entries.size === 0 && folder !== "" ? null : [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  return { list, listed };
}

interface Run {
  readonly result: Result<PlannedSteps>;
  readonly programs: StepProgram[];
}

function run(text: string, over: Partial<StepContext> = {}): Run {
  const file = readRuleFile("fb.toml", `schema = 1\n${text}`);
  if (!file.ok) throw new Error(JSON.stringify(file.failure));
  const env = over.env ?? "uno";
  const programs: StepProgram[] = [];
  const names: [string, Bound][] = [
    ["build", BUILD],
    ["gen", `${BUILD}/gen`],
    ["env", env],
    ["profile", "release"],
    ["board.build.mcu", "atmega328p"],
    ["option.custom_key", "my key"],
    ["tool.avr.objcopy", ".fb/pkg/avr/bin/objcopy"],
    ["odd", "[x]*"],
  ];
  const result = planSteps(file.value, {
    env,
    profile: "release",
    build: BUILD,
    gen: `${BUILD}/gen`,
    envs: ["uno", "nano"],
    resolved: resolve(file.value, {
      host: "linux",
      framework: "arduino",
      core: "arduino",
      cpu: "",
      mcu: "atmega328p",
      board: "uno",
      names: new Map(),
      macros: new Set(),
      profile: "release",
      env,
      toolVersions: new Map(),
    }),
    scope: scope(new Map(names)),
    images: new Map(["elf", "hex", "bin"].map((name) => [name, `${BUILD}/firmware.${name}`])),
    producer: (path) => (path === `${BUILD}/firmware.map` ? "rule link" : null),
    list: tree(FILES).list,
    exists: (path) => FILES.includes(path),
    tool: (program) => {
      programs.push(program);
      return program.text === "missing"
        ? fail(failure("tool.missing", 4, "no such program", program.span))
        : ok(`digest of ${program.text}` as Digest);
    },
    hash: (t) => `hash ${t.length}` as Digest,
    passed: { PATH: "/bin" },
    ...over,
  });
  return { result, programs };
}

function planned(text: string, over: Partial<StepContext> = {}): PlannedSteps {
  const { result } = run(text, over);
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  return result.value;
}
function only(plan: PlannedSteps): ActionSpec {
  const [action] = plan.actions;
  if (action === undefined || plan.actions.length !== 1) throw new Error(`${plan.actions.length} actions`);
  return action;
}
function inputsOf(action: ActionSpec): string[] {
  return action.inputs.map((r) => r.path);
}

test("a generated header is there before any compile", () => {
  const plan = planned(
    '[[step]]\nname = "version"\nin = ["VERSION", "tools/sign.py"]\nout = "${gen}/version.h"\nrun = ["python3", "${in[1]}", "${in[0]}", "${out}"]\n',
  );
  assert.equal(only(plan), {
    name: "uno/release/version:gen/version.h",
    kind: "step",
    label: "version",
    env: "uno",
    profile: "release",
    sharing: "folder",
    argv: ["python3", "tools/sign.py", "VERSION", `${BUILD}/gen/version.h`],
    vars: {},
    unkeyed: { argv: [], vars: { PATH: "/bin" } },
    rspfile: null,
    inputs: [
      { is: "file", path: "VERSION" },
      { is: "file", path: "tools/sign.py" },
    ],
    orderOnly: [],
    outputs: [`${BUILD}/gen/version.h`],
    tool: "digest of python3",
    rule: only(plan).rule,
    discover: { by: "nothing" },
    claims: [{ on: "cpu", units: 1 }],
  });
  assert.equal(plan.generatedOutputs, [`${BUILD}/gen/version.h`]);
  assert.equal(
    [plan.beforeLink, plan.provides, plan.images, plan.targets],
    [[], { image: null }, [], { version: [`${BUILD}/gen/version.h`] }],
  );
});

test("signing an image: after the link, with the image as input, its output is the image", () => {
  const plan = planned(
    '[[step]]\nname = "sign"\nafter = ["link"]\nout = "${image.hex}.signed"\nprovides = "image"\nrun = ["tools/sign.py", "--key", "${option.custom_key}", "${image.hex}", "${out}"]\n',
  );
  const sign = only(plan);
  assert.equal(sign.argv, ["tools/sign.py", "--key", "my key", `${BUILD}/firmware.hex`, `${BUILD}/firmware.hex.signed`]);
  assert.equal(inputsOf(sign), [`${BUILD}/firmware.hex`, "tools/sign.py"]);
  assert.equal(sign.orderOnly, [`${BUILD}/firmware.elf`]);
  assert.equal([plan.provides.image, plan.images, plan.generatedOutputs], [`${BUILD}/firmware.hex.signed`, ["hex"], []]);
});

test("an image that only a variable, a process variable or a shell line names is an input too", () => {
  for (const step of [
    'run = ["x", "${img}"]',
    'run = ["x"]\nvars = { I = "${image.bin}" }',
    'sh = "x <${image.bin} >${out}"',
    'in = "${image.bin}"\nrun = ["x"]',
  ]) {
    const plan = planned(
      `[[step]]\nname = "s"\nafter = ["link"]\nout = "\${build}/o"\n${step}\n${step.includes("img") ? '[vars]\nimg = ["${image.bin}"]\n' : ""}`,
    );
    assert.equal(inputsOf(only(plan)), [`${BUILD}/firmware.bin`], step);
    assert.equal(plan.images, ["bin"], step);
  }
  const named = planned('[[step]]\nname = "s"\nout = "${image.bin}.x"\nrun = ["x"]\n');
  assert.equal([inputsOf(only(named)), named.images], [[], []], "to name an output after an image is not to read it");
});

test("a script is an input: the first word behind the program that is no option, if the project has it or a step makes it", () => {
  const reads = (run: string) => inputsOf(only(planned(`[[step]]\nname = "s"\nout = "\${build}/o"\nrun = ${run}\n`)));
  assert.equal(reads('["python3", "-u", "./tools/sign.py", "VERSION"]'), ["tools/sign.py"]);
  assert.equal(reads('["tool", "--fast"]'), []);
  assert.equal(reads('["tool", "new.txt", "VERSION"]'), []);
  assert.equal(reads('["tool", "${out}", "VERSION"]'), []);
  assert.equal(reads('["tool", "tools"]'), [], "a folder");
  const made =
    '[[step]]\nname = "a"\nout = "made.py"\nrun = ["x"]\n[[step]]\nname = "b"\nout = "${build}/o"\nrun = ["python3", "made.py"]\n';
  assert.equal(planned(made).actions.map(inputsOf), [[], ["made.py"]]);
});

test("inputs: globs are sorted, folders stand for all that is in them, programs of the project are inputs", () => {
  const table: [string, string[], Bound][] = [
    ['"data/*.txt"', ["data/a.txt", "data/b.txt"], ["data/a.txt", "data/b.txt"]],
    [
      '["VERSION", "data/**/*.txt", "VERSION"]',
      ["VERSION", "data/a.txt", "data/b.txt", "data/sub/d.txt"],
      ["VERSION", "data/a.txt", "data/b.txt", "data/sub/d.txt"],
    ],
    [
      '"data/"',
      ["data/.hidden.txt", "data/a.txt", "data/b.txt", "data/c.bin", "data/sub/d.txt"],
      ["data/.hidden.txt", "data/a.txt", "data/b.txt", "data/c.bin", "data/sub/d.txt"],
    ],
    ['"./data/../VERSION"', ["VERSION"], ["VERSION"]],
    ['"./data/{a,c}.*"', ["data/a.txt", "data/c.bin"], ["data/a.txt", "data/c.bin"]],
    ['"odd/${odd}.txt"', ["odd/[x]*.txt"], ["odd/[x]*.txt"]],
    ['"o?d/${odd}.txt"', ["odd/[x]*.txt"], ["odd/[x]*.txt"]],
    ['["${files}"]', ["VERSION", "Makefile"], ["VERSION", "Makefile"]],
    ['"/usr/share/x"', ["/usr/share/x"], ["/usr/share/x"]],
  ];
  for (const [written, inputs, bound] of table) {
    const action = only(
      planned(
        `[[step]]\nname = "s"\nin = ${written}\nout = "\${build}/o"\nrun = ["x", "\${in}"]\n[vars]\nfiles = ["VERSION", "Makefile"]\n`,
        { exists: (p) => FILES.includes(p) || p === "/usr/share/x" },
      ),
    );
    assert.equal([inputsOf(action), action.argv.slice(1)], [inputs, bound], written);
  }
});

test("a single input or output is a text, in other texts too; a glob's is a list", () => {
  const one = only(
    planned('[[step]]\nname = "s"\nin = ["VERSION"]\nout = ["${build}/o"]\nrun = ["x", "--in=${in}", "--out=${out}", "${out[0]}"]\n'),
  );
  assert.equal(one.argv, ["x", "--in=VERSION", `--out=${BUILD}/o`, `${BUILD}/o`]);
  const many = run('[[step]]\nname = "s"\nin = "VERS*"\nout = "${build}/o"\nrun = ["x", "--in=${in}"]\n').result;
  assert.is(many.ok ? "" : many.failure.code, "rule.list-in-text");
});

test("the first word of a command", () => {
  const table: [string, StepProgram["is"], string, string[]][] = [
    ["python3", "path", "python3", []],
    ["./tool", "project", "tool", ["tool"]],
    ["tools/sign.py", "project", "tools/sign.py", ["tools/sign.py"]],
    ["/usr/bin/env", "absolute", "/usr/bin/env", []],
    ["../other/tool", "absolute", "../other/tool", []],
    ["${tool.avr.objcopy}", "package", ".fb/pkg/avr/bin/objcopy", []],
  ];
  for (const [word, is, text, inputs] of table) {
    const { result, programs } = run(`[[step]]\nname = "s"\nout = "\${build}/o"\nrun = ["${word}"]\n`);
    assert.equal(
      programs.map((p) => [p.is, p.text, p.step, p.span.line]),
      [[is, text, "s", 5]],
      word,
    );
    assert.equal(result.ok && inputsOf(only(result.value)), inputs, word);
  }
});

test("a failure to find the program is handed on", () => {
  const { result } = run('[[step]]\nname = "s"\nout = "${build}/o"\nrun = ["missing"]\n');
  assert.equal(result.ok ? null : [result.failure.code, result.failure.line], ["tool.missing", 5]);
});

test("sh: names are quoted for the shell, lists are all their words, $$ and $x are the shell's", () => {
  const action = only(
    planned(
      '[[step]]\nname = "s"\nin = ["VERSION", "data/*.bin"]\nout = "${build}/o"\nsh = "cat ${in} ${option.custom_key} $HOME $${x} $$$$ > ${out}"\n',
    ),
  );
  assert.equal(action.argv, ["/bin/sh", "-ec", `cat VERSION data/c.bin 'my key' $HOME \${x} $$ > ${BUILD}/o`]);
  for (const text of ["", "a b", "it's", "$x`y`", "a\nb", "é", '"', "\\", "*", "~", "-n"])
    assert.is(execFileSync("/bin/sh", ["-ec", `printf %s ${shellWord(text)}`], { encoding: "utf8" }), text);
});

test("a step that writes nothing is an effect: never shared, its target is its action", () => {
  const plan = planned('[[step]]\nname = "ota"\nafter = ["link"]\nrun = ["curl", "-T", "${image.bin}"]\n');
  assert.equal([only(plan).sharing, plan.targets], ["never", { ota: ["uno/release/ota:ota"] }]);
});

test("steps are kept in order through files, before and after", () => {
  const plan = planned(`
[[step]]
name = "pack"
in = ["\${gen}/parts/"]
out = "\${gen}/pack.c"
run = ["./\${build}/host-tool"]
[[step]]
name = "parts"
out = ["\${gen}/parts/"]
run = ["x"]
after = ["setup"]
[[step]]
name = "setup"
out = "\${build}/setup.stamp"
run = ["x"]
before = ["link", "tool"]
[[step]]
name = "tool"
out = "\${build}/host-tool"
run = ["cc"]
order = ["\${gen}/parts/"]
`);
  const by = new Map(plan.actions.map((a) => [a.label, a]));
  assert.equal(inputsOf(by.get("pack") as ActionSpec), [`${BUILD}/gen/parts/`, `${BUILD}/host-tool`]);
  assert.equal(by.get("parts")?.orderOnly, [`${BUILD}/setup.stamp`]);
  assert.equal(by.get("tool")?.orderOnly, [`${BUILD}/gen/parts/`, `${BUILD}/setup.stamp`]);
  assert.equal(plan.generatedOutputs, [`${BUILD}/gen/pack.c`, `${BUILD}/gen/parts/`]);
  assert.equal(plan.beforeLink, [`${BUILD}/setup.stamp`]);
});

test("a glob also finds what other steps make, and never what the step itself makes", () => {
  const plan = planned(`
[[step]]
name = "join"
in = "data/*.txt"
out = "data/all.txt"
run = ["x"]
[[step]]
name = "more"
out = "data/more.txt"
run = ["x"]
`);
  assert.equal(inputsOf(plan.actions[0] as ActionSpec), ["data/a.txt", "data/b.txt", "data/more.txt"]);
});

test("env and overlays limit and change steps", () => {
  const text =
    '[vars]\nlevel = "1"\n[env.nano]\nlevel = "2"\n[[step]]\nname = "a"\nenv = ["nano"]\nout = "${build}/a"\nrun = ["x", "${level}"]\n[[step]]\nname = "b"\nout = "${build}/b"\nrun = ["x", "${level}"]\nafter = ["a"]\n';
  assert.equal(
    planned(text).actions.map((a) => [a.label, a.argv[1], a.orderOnly]),
    [["b", "1", []]],
  );
  assert.equal(
    planned(text, { env: "nano" }).actions.map((a) => [a.label, a.argv[1], a.orderOnly]),
    [
      ["a", "2", []],
      ["b", "2", [`${BUILD}/a`]],
    ],
  );
});

test("a depfile of a step tells what it read", () => {
  const action = only(planned('[[step]]\nname = "s"\nout = "${build}/o"\ndepfile = "${out}.d"\nrun = ["x", "-MF", "${depfile}"]\n'));
  assert.equal(action.discover, { by: "depfile", path: `${BUILD}/o.d`, quote: [], search: [] });
  assert.equal(action.argv, ["x", "-MF", `${BUILD}/o.d`]);
});

const S = '[[step]]\nname = "s"\n';
const X = 'run = ["x"]\n';
const T = `[[step]]\nname = "t"\n${X}`;
const MISTAKES: readonly [string, string, number, number, string][] = [
  [`${S}${X}out = "/etc/passwd"\n`, "step.outside", 5, 7, "outside the project"],
  [`${S}${X}out = "../x"\n`, "step.outside", 5, 7, "outside the project"],
  [`${S}${X}out = "a/../../x"\n`, "step.outside", 5, 7, "${gen} or ${build}"],
  [`${S}${X}out = ["\${build}/ok", "\${build}/../quick/x"]\n`, "step.outside", 5, 23, "fb's own folder"],
  [`${S}${X}out = ".fb/state/snapshot"\n`, "step.outside", 5, 7, "fb's own folder"],
  [`${S}${X}out = ".fb"\n`, "step.outside", 5, 7, "fb's own folder"],
  [`${S}${X}out = ".git/hooks/x"\n`, "step.outside", 5, 7, "git's own folder"],
  [`${S}${X}out = "./PlatformIO.ini"\n`, "step.outside", 5, 7, "reads before any step"],
  [`${S}${X}out = "fb.lock"\n`, "step.outside", 5, 7, "reads before any step"],
  [`${S}${X}out = "src/"\n`, "step.outside", 5, 7, "empties output folders"],
  [`${S}${X}out = "\${build}/"\n`, "step.outside", 5, 7, "folder of all outputs"],
  [`${S}${X}out = "."\n`, "step.outside", 5, 7, "expected the path"],
  [`${S}${X}out = ""\n`, "step.outside", 5, 7, "expected the path"],
  [`${S}${X}out = "\${build}/o"\ndepfile = "o.d"\n`, "step.outside", 6, 11, "not under ${build}"],
  [`${S}${X}in = "../x"\n`, "step.outside", 5, 6, "inside the project"],
  [`${S}${X}in = "../*.x"\n`, "step.outside", 5, 6, "inside the project"],
  [`${S}${X}in = ["VERSION", "VERSIO"]\n`, "step.no-input", 5, 18, 'the file "VERSIO"'],
  [`${S}${X}in = "nowhere/"\n`, "step.no-input", 5, 6, 'the folder "nowhere/"'],
  [`${S}${X}in = "data/*.zip"\n`, "step.no-input", 5, 6, "found none"],
  [`${S}${X}in = ""\n`, "step.no-input", 5, 6, "expected a path"],
  [`${S}run = ["x", "\${boardd.build.mcu}"]\n`, "rule.unknown-name", 4, 14, "board.build.mcu"],
  [`${S}run = ["x", "\${claim.port}"]\n`, "rule.unknown-name", 4, 14, "claim.port"],
  [`${S}run = ["x", "a\${in}"]\nin = "data/*"\n`, "rule.list-in-text", 4, 15, "a list of 3"],
  [`${S}run = ["\${a}"]\n[vars]\na = "\${b}"\nb = "\${a}"\n`, "rule.name-cycle", 7, 6, "a → b → a"],
  [`${S}run = ["\${none}"]\n[vars]\nnone = []\n`, "step.no-program", 4, 8, "expected a program"],
  [`${S}${X}after = ["lnik"]\n`, "step.unknown-step", 5, 10, 'did you mean "link"'],
  [`${S}${X}after = ["compile"]\n`, "step.unknown-step", 5, 10, "after expects link"],
  [`${S}${X}before = ["sgin"]\n${T.replace('"t"', '"sign"')}`, "step.unknown-step", 5, 11, 'did you mean "sign"'],
  [`${S}${X}env = ["unoo"]\n`, "step.unknown-env", 5, 8, 'did you mean "uno"'],
  [`${S}${X}before = ["compile"]\n`, "step.no-output", 5, 11, "has no output"],
  [`${S}${X}after = ["t"]\n${T}`, "step.no-output", 5, 10, '"t", which has no output'],
  [`${S}${X}out = "\${build}/x/"\nprovides = "image"\n`, "step.no-output", 5, 7, "expected a file"],
  [`${S}${X}out = "\${build}/x"\n${T}out = ["y", "\${build}/X"]\n`, "step.two-producers", 9, 13, 'step "s" (fb.toml:5:7) makes'],
  [`${S}${X}out = ["a", "./a"]\n`, "step.two-producers", 5, 13, 'step "s" (fb.toml:5:8)'],
  [`${S}${X}out = "\${build}/d/"\n${T}out = "\${build}/d/x"\n`, "step.two-producers", 9, 7, 'is within ".fb/build/uno/release/d/"'],
  [`${S}${X}out = "\${build}/d/x"\n${T}out = "\${build}/d"\n`, "step.two-producers", 5, 7, "is within"],
  [`${S}${X}out = "\${build}/firmware.map"\n`, "step.two-producers", 5, 7, "rule link makes"],
  [
    `${S}${X}out = "\${build}/a"\nprovides = "image"\n${T}out = "\${build}/b"\nprovides = "image"\n`,
    "step.two-producers",
    8,
    8,
    'step "s" (fb.toml:3:8) provides the image',
  ],
  [`${S}run = ["x", "\${image.hex}"]\nout = "\${build}/o"\n`, "step.image-too-early", 4, 14, 'after = ["link"]'],
  [
    `${S}${X}in = "\${gen}/b"\nout = "\${gen}/a"\n${T}in = "\${gen}/a"\nout = "\${gen}/b"\n`,
    "step.cycle",
    3,
    8,
    "s (fb.toml:3:8) → t (fb.toml:8:8) → s",
  ],
  [`${S}${X}after = ["t"]\nout = "a"\n${T}after = ["s"]\nout = "b"\n`, "step.cycle", 3, 8, "s (fb.toml:3:8) → t (fb.toml:8:8) → s"],
  [`${S}${X}in = "\${build}/a"\nout = "\${build}/a"\n`, "step.cycle", 3, 8, "s (fb.toml:3:8) → s"],
  [`${S}${X}after = ["link"]\nbefore = ["compile"]\nout = "a"\n`, "step.cycle", 3, 8, "s (fb.toml:3:8) → link → compile → s"],
  [`${S}run = ["x", "\${image.hex}"]\nbefore = ["link"]\nout = "a"\n`, "step.cycle", 3, 8, "s (fb.toml:3:8) → link → s"],
  [
    `${S}${X}order = ["\${build}/b"]\nout = "\${build}/a"\n${T}before = ["s"]\norder = ["\${build}/a"]\nout = "\${build}/b"\n`,
    "step.cycle",
    3,
    8,
    "→ t (fb.toml:8:8) →",
  ],
  [
    `${S}run = ["./\${build}/tool"]\nout = "\${build}/a"\n${T}in = "\${build}/a"\nout = "\${build}/tool"\n`,
    "step.cycle",
    3,
    8,
    "steps wait for each other",
  ],
];

for (const [text, code, line, column, says] of MISTAKES)
  test(`${code}: ${says} (${text.split("\n").slice(2).join("; ")})`, () => {
    const { result } = run(text);
    assert.not(result.ok, text);
    if (result.ok) return;
    const f = result.failure;
    assert.equal(
      [f.code, f.exit, f.file, f.line, f.column],
      [code, 3, "fb.toml", line, column],
      `${f.message} | ${f.hint}\nschema = 1\n${text}`,
    );
    assert.ok(`${f.message} | ${f.hint}`.includes(says), `${f.message} | ${f.hint}`);
    assert.ok(f.hint !== "", "what to do");
  });

test("globs", () => {
  const table: [string, string[]][] = [
    ["*", ["Makefile", "VERSION", "tool"]],
    ["data/*", ["data/a.txt", "data/b.txt", "data/c.bin"]],
    ["data/.*", ["data/.hidden.txt"]],
    ["**/*.txt", ["data/a.txt", "data/b.txt", "data/sub/d.txt", "odd/[x]*.txt", "odd/x.txt"]],
    ["*/*/*.txt", ["data/sub/d.txt"]],
    ["data/**", ["data/a.txt", "data/b.txt", "data/c.bin", "data/sub/d.txt"]],
    ["d*/[ab].txt", ["data/a.txt", "data/b.txt"]],
    ["{data/sub,src}/*", ["data/sub/d.txt", "src/main.cpp"]],
    [`odd/${escapeGlob("[x]*")}.t?t`, ["odd/[x]*.txt"]],
    ["nowhere/*", []],
  ];
  for (const [pattern, found] of table) assert.equal(glob(pattern, tree(FILES).list), found, pattern);
  assert.equal(glob("data/*.txt", tree(FILES).list, ["data/z.txt", "other/z.txt"]), ["data/a.txt", "data/b.txt", "data/z.txt"]);
  assert.equal(filesBelow("nowhere", tree(FILES).list), null);
});

test("links that lead back to a folder above them: each file once", () => {
  const entries = [
    { name: "a.txt", is: "file" },
    { name: "again", is: "dir" },
    { name: "twice", is: "dir" },
  ] as const;
  let listed = 0;
  const list = (folder: string) => {
    listed++;
    return /^data(\/(again|twice))*$/.test(folder) ? entries : null;
  };
  assert.equal(filesBelow("data", list), ["data/a.txt"]);
  assert.equal(glob("data/**/*.txt", list), ["data/a.txt"]);
  assert.equal(glob("data/again/*.txt", list), ["data/again/a.txt"]);
  assert.ok(listed < 50, String(listed));
});

test("a glob lists only the folders that can hold a match", () => {
  const seen = (pattern: string) => {
    const { list, listed } = tree(FILES);
    glob(pattern, list);
    return listed;
  };
  assert.equal(seen("data/*.txt"), ["data"]);
  assert.equal(seen("data/sub/d.?xt"), ["data/sub"]);
  assert.equal(seen("*.txt"), [""]);
  assert.equal(seen("data/**/*.txt"), ["data", "data/sub"]);
  assert.not(seen("**/*.txt").some((f) => f.startsWith(".")));
});

test.run();
