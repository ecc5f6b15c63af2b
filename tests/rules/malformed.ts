/** Rule files with one mistake each: where it stands, its code, and what the message or hint says was expected. */

export interface Malformed {
  readonly text: string;
  readonly code: string;
  readonly line: number;
  readonly column: number;
  readonly says: string;
}

const HEAD = "schema = 1\n";
const RULE = `${HEAD}[rule.x]\nkind = "compile"\nout = "o"\n`;
const STEP = `${HEAD}[[step]]\nname = "s"\n`;
const PLATFORM = `${HEAD}[platform]\nnames = ["a"]\ntitle = "A"\n`;

function bad(text: string, code: string, line: number, column: number, says: string): Malformed {
  return { text, code, line, column, says };
}

/** What the TOML parser refuses. */
export const SYNTAX: readonly Malformed[] = [
  bad("schema = \n[vars]\n", "toml.syntax", 1, 9, "expected KEY = VALUE"),
  bad("schema 1\n", "toml.syntax", 1, 8, "expected KEY = VALUE"),
  bad(`${HEAD}[vars\na = "x"\n`, "toml.syntax", 2, 6, "expected"),
  bad(`${HEAD}[vars]\na = "x\n`, "toml.syntax", 3, 7, "unterminated string"),
  bad(`${HEAD}[vars]\na = ["x"\nb = "y"\n`, "toml.syntax", 4, 1, "expected"),
  bad(`${HEAD}[vars]\na = ["x"`, "toml.syntax", 3, 9, "unterminated array"),
  bad(`${HEAD}[vars]\na = "x"\na = "y"\n`, "toml.syntax", 4, 1, "multiple times"),
  bad(`${HEAD}[vars]\n[vars]\n`, "toml.syntax", 3, 2, "multiple times"),
  bad(`${HEAD}[vars]\na = "\\q"\n`, "toml.syntax", 3, 7, "escape"),
  bad(`${HEAD}[[rule]]\n[rule.x]\n[rule]\n`, "toml.syntax", 4, 2, "multiple times"),
  bad(`${HEAD}[vars]\na = yes\n`, "toml.syntax", 3, 5, "unexpected"),
];

/** What the description of the language refuses: the validator and the JSON Schema must agree on these. */
export const SHAPES: readonly Malformed[] = [
  bad("", "rule.missing-key", 1, 1, 'expected the key "schema"'),
  bad("[vars]\n", "rule.missing-key", 1, 1, 'expected the key "schema"'),
  bad("schema = 2\n", "rule.wrong-value", 1, 10, "expected 1, found 2"),
  bad('schema = "1"\n', "rule.wrong-type", 1, 10, 'expected 1, found the text "1"'),
  bad(`${HEAD}[var]\na = "x"\n`, "rule.unknown-key", 2, 2, 'did you mean "vars"'),
  bad(`${HEAD}colour = true\n`, "rule.unknown-key", 2, 1, "expected one of"),
  bad(`${HEAD}vars = "x"\n`, "rule.wrong-type", 2, 8, "expected a table"),
  bad(`${HEAD}compdb = "yes"\n`, "rule.wrong-type", 2, 10, "expected true or false"),
  bad(`${HEAD}[compat]\nextra_scripts = "skip"\n`, "rule.wrong-value", 3, 17, 'expected "error" or "ignore"'),
  bad(`${HEAD}[compat]\nextra-scripts = "ignore"\n`, "rule.unknown-key", 3, 1, 'did you mean "extra_scripts"'),
  bad(`${HEAD}[platform]\ntitle = "A"\n`, "rule.missing-key", 2, 2, 'expected the key "names"'),
  bad(`${PLATFORM}image = "uf"\n`, "rule.wrong-value", 5, 9, 'did you mean "uf2"'),
  bad(`${HEAD}[platform]\nnames = []\ntitle = "A"\n`, "rule.wrong-value", 3, 9, "expected at least one element"),
  bad(`${HEAD}[platform]\nnames = "avr"\ntitle = "A"\n`, "rule.wrong-type", 3, 9, 'put it in brackets: ["avr"]'),
  bad(`${HEAD}[vars]\na = 3\n`, "rule.wrong-type", 3, 5, 'put it in quotes: "3"'),
  bad(`${HEAD}[vars]\na = ["x", 3]\n`, "rule.wrong-type", 3, 11, "vars.a[1]: expected a text"),
  bad(`${HEAD}[vars]\na = { append = ["x"] }\n`, "rule.missing-key", 3, 5, '"sum" or "hex"'),
  bad(`${HEAD}[vars]\na = { sum = ["1"], upper = "x" }\n`, "rule.unknown-key", 3, 20, "expected only one of"),
  bad(`${HEAD}[vars]\n"a b" = "x"\n`, "rule.unknown-key", 3, 1, "expected the name of a variable"),
  bad(`${HEAD}[vars]\na = "x \${b"\n`, "rule.template", 3, 8, "expected ${NAME}"),
  bad(`${HEAD}[vars]\na = "x \${}"\n`, "rule.template", 3, 8, 'found "${}"'),
  bad(`${HEAD}[vars]\na = ["ok", "\${in[x]}"]\n`, "rule.template", 3, 13, "${NAME[NUMBER]}"),
  bad(`${HEAD}[vars]\na = "\\t\${1}"\n`, "rule.template", 3, 5, 'found "${1}"'),
  bad(`${HEAD}[vars]\na = """\nline\n\${"""\n`, "rule.template", 3, 5, "write $$"),
  bad(`${HEAD}[flags]\ncxxflag = ["-O"]\n`, "rule.unknown-key", 3, 1, 'did you mean "cxxflags"'),
  bad(`${HEAD}[flags]\nccflags = "-O"\n`, "rule.wrong-type", 3, 11, 'put it in brackets: ["-O"]'),
  bad(`${HEAD}[tool.avr]\nprobe = "gcc"\n`, "rule.missing-key", 2, 7, '"cc"'),
  bad(`${HEAD}[tool.avr]\nprobe = "clang"\n`, "rule.wrong-value", 3, 9, 'expected "gcc" or "none"'),
  bad(`${HEAD}[tool.avr]\ndebian = "gcc-avr"\n`, "rule.wrong-type", 3, 10, "expected a list of texts"),
  bad(`${HEAD}[tool.avr.when.new]\na = "x"\n`, "rule.unknown-key", 2, 16, "expected a range of versions"),
  bad(`${HEAD}[tool.avr.when."<x"]\na = "x"\n`, "rule.unknown-key", 2, 16, '">=5,<8"'),
  bad(`${HEAD}[host.windows]\na = "x"\n`, "rule.unknown-key", 2, 7, "expected one of linux darwin win32"),
  bad(`${HEAD}[profile.fast]\na = "x"\n`, "rule.unknown-key", 2, 10, "expected one of release quick debug"),
  bad(`${HEAD}[profile.quick]\na = { appendd = ["x"] }\n`, "rule.unknown-key", 3, 7, 'did you mean "append"'),
  bad(`${HEAD}[profile.quick]\na = { append = "x" }\n`, "rule.wrong-type", 3, 16, "expected a list of texts"),
  bad(`${HEAD}[profile.quick.flags]\nccflag = { remove = ["x"] }\n`, "rule.unknown-key", 3, 1, 'did you mean "ccflags"'),
  bad(`${HEAD}[profile.quick.flags]\nccflags = "x"\n`, "rule.wrong-type", 3, 11, "expected a list of texts or a table"),
  bad(`${HEAD}[mcu]\natmega328p = ["x"]\n`, "rule.wrong-type", 3, 14, "expected a table"),
  bad(`${HEAD}[rule.x]\nrun = ["cc"]\n`, "rule.missing-key", 2, 7, 'expected the key "kind"'),
  bad(`${HEAD}[rule.x]\nkind = "compiles"\nrun = ["cc"]\n`, "rule.wrong-value", 3, 8, 'did you mean "compile"'),
  bad(`${HEAD}[rule.x]\nkind = "link"\nrun = ["cc"]\n`, "rule.missing-key", 2, 7, 'expected the key "out" in rule.x, since kind is "link"'),
  bad(`${RULE}`, "rule.missing-key", 2, 7, 'expected the key "run"'),
  bad(`${RULE}run = "cc -c"\n`, "rule.wrong-type", 5, 7, 'put it in brackets: ["cc -c"]'),
  bad(`${RULE}run = []\n`, "rule.wrong-value", 5, 7, "at least one element"),
  bad(`${RULE}run = ["cc"]\ncolour = ["-c"]\n`, "rule.unknown-key", 6, 1, 'did you mean "color"'),
  bad(`${RULE}run = ["cc"]\nsharing = "none"\n`, "rule.wrong-value", 6, 11, '"all" or "outputs"'),
  bad(`${RULE}run = ["cc"]\nrsp = "yes"\n`, "rule.wrong-type", 6, 7, "expected true or false"),
  bad(`${RULE}run = ["cc"]\nclaims = ["cpus:2"]\n`, "rule.wrong-value", 6, 11, '"cpu", "network"'),
  bad(`${RULE}run = ["cc"]\nclaims = ["cpu:0"]\n`, "rule.wrong-value", 6, 11, "N units"),
  bad(`${RULE}run = ["cc"]\nclaims = "cpu"\n`, "rule.wrong-type", 6, 10, 'put it in brackets: ["cpu"]'),
  bad(`${RULE}run = ["cc"]\ndiscover = "depfile"\n`, "rule.missing-key", 2, 7, 'expected the key "depfile"'),
  bad(`${RULE}run = ["cc"]\nvars = ["A=b"]\n`, "rule.wrong-type", 6, 8, "expected a table"),
  bad(`${RULE}run = ["cc"]\nvars = { "A-B" = "x" }\n`, "rule.unknown-key", 6, 10, "expected the name of a process variable"),
  bad(`${RULE}run = ["cc"]\nout2 = "x"\n`, "rule.unknown-key", 6, 1, 'did you mean "out"'),
  bad(`${HEAD}[step]\nname = "s"\nrun = ["x"]\n`, "rule.wrong-type", 2, 2, "[[…]]"),
  bad(`${HEAD}[[step]]\nrun = ["x"]\n`, "rule.missing-key", 2, 3, 'expected the key "name"'),
  bad(`${STEP}`, "rule.missing-key", 2, 3, 'expected "run" or "sh"'),
  bad(`${STEP}run = ["x"]\nsh = "x"\n`, "rule.unknown-key", 5, 1, 'expected only one of "run" or "sh"'),
  bad(`${STEP}run = ["x"]\nkind = "step"\n`, "rule.unknown-key", 5, 1, 'unknown key "kind"'),
  bad(`${HEAD}[[step]]\nname = "a b"\nrun = ["x"]\n`, "rule.wrong-value", 3, 8, "letters, digits"),
  bad(`${STEP}run = ["x"]\nout = []\n`, "rule.wrong-value", 5, 7, "at least one element"),
  bad(`${STEP}run = ["x"]\nprovides = "image"\n`, "rule.missing-key", 2, 3, 'expected the key "out"'),
  bad(`${STEP}run = ["x"]\nbefore = "compile"\n`, "rule.wrong-type", 5, 10, 'put it in brackets: ["compile"]'),
  bad(`${STEP}run = ["x"]\nwhen = "x"\n`, "rule.unknown-key", 5, 1, 'unknown key "when"'),
];

/** What only the names in the file can tell. */
export const NAMES: readonly Malformed[] = [
  bad(`${HEAD}[vars]\nout = "x"\n`, "rule.reserved-name", 3, 7, "expected another name: ${out} is one that fb gives"),
  bad(`${HEAD}[profile.quick]\nccflags = ["x"]\n`, "rule.reserved-name", 3, 1, "expected another name"),
  bad(`${HEAD}[vars]\nopt = ["-Os"]\n[profile.quick]\nopts = ["-O1"]\n`, "rule.unknown-name", 5, 1, 'did you mean "opt"'),
  bad(`${HEAD}[vars]\nopt = "-Os"\n[profile.quick]\nopt = { append = ["-O1"] }\n`, "rule.edit-text", 5, 1, "expect a list"),
  bad(`${STEP}run = ["x"]\n[[step]]\nname = "s"\nrun = ["y"]\n`, "rule.duplicate-step", 6, 8, "line 3 has a step"),
  bad(`${HEAD}[[step]]\nname = "flash"\nrun = ["y"]\n`, "rule.reserved-name", 3, 8, '":flash" is a target that fb gives'),
];

/** Files without a mistake. */
export const SOUND: readonly string[] = [
  HEAD,
  `#:schema ./fb.schema.json\n${HEAD}compdb = true\n[compat]\nextra_scripts = "ignore"\n`,
  `${PLATFORM}boards = ""\nprogram = "firmware"\nimage = "hex"\nframeworks = ["arduino"]\n`,
  `${HEAD}[vars]\na = "x"\nb = ["\${a}", "$$", "$x", ""]\nc = []\n`,
  `${HEAD}[tool.avr]\npackage = "p"\nversion = "~1"\nprobe = "gcc"\nfinds = "f"\ndebian = []\ncc = "\${tool}/cc"\n[tool.avr.when."<6"]\nvars.old = "x"\n[vars]\nold = ""\n`,
  `${HEAD}[vars]\na = ["x"]\n[host.linux]\na = ["y"]\n[framework.arduino]\npackage = "p"\na = { append = ["z"], prepend = [], remove = ["x"] }\n[mcu."atmega*"]\na = []\n[env."esp32-*"]\na = ["q"]\n`,
  `${HEAD}[flags]\nccflags = ["-Os"]\nlibs = ["m"]\n[profile.debug.flags]\nccflags = { remove = ["-Os"] }\ndefines = ["NDEBUG"]\n`,
  `${RULE}match = ["*.cpp"]\nrun = ["cc", "\${src}"]\ndepfile = "\${out}.d"\ncolor = ["-fc"]\nsharing = "outputs"\nclaims = ["cpu:2", "console", "device:serial", "network", "disk:3"]\nlabel = "\${src}"\nrsp = true\nenv = ["a"]\nvars = { A = "b" }\norder = []\nin = []\ndiscover = "depfile"\n`,
  `${HEAD}[rule.flash]\nkind = "flash"\nrun = ["x", "\${in[0]}"]\nin = "\${image.hex}"\n`,
  `${STEP}sh = "cat \${in} > \${out}"\nin = "a"\nout = ["\${gen}/b.h", "\${gen}/c/"]\nbefore = ["compile"]\nafter = []\nprovides = "image"\n`,
];
