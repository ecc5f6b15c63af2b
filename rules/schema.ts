/** The rule language, described once: rule files are checked by it, and the JSON Schema that editors read is printed from it. */
import type { Failure } from "../engine/types.ts";
import { COMPUTED } from "./computed.ts";
import {
  type CountShape,
  check,
  type EitherShape,
  type FlagShape,
  jsonSchema,
  type ListShape,
  type Shape,
  type TableShape,
  type TextShape,
} from "./shape.ts";
import type { TomlTable } from "./toml.ts";

/** PlatformIO's scopes of flags, in the order of its manual. */
export const FLAG_SCOPES = [
  "cflags",
  "cxxflags",
  "ccflags",
  "cppflags",
  "asflags",
  "asppflags",
  "linkflags",
  "defines",
  "includes",
  "libpath",
  "libs",
] as const;
export type FlagScope = (typeof FLAG_SCOPES)[number];

/** Kinds of actions that a rule can make; the others are fb's own. */
export const RULE_KINDS = ["compile", "archive", "link", "objcopy", "size", "step", "flash", "monitor", "erase"] as const;
export type RuleKind = (typeof RULE_KINDS)[number];
export const SHARINGS = ["all", "outputs", "folder", "time", "never"] as const;
export const HOSTS = ["linux", "darwin", "win32"] as const;
export const PROFILES = ["release", "quick", "debug"] as const;
export const IMAGES = ["elf", "hex", "bin", "uf2"] as const;

/** Names by which overlays apply. */
const PATTERN = "^[A-Za-z0-9_.*+|=-]+$";
/** What a name of templates may be. */
const DOTTED = "^[A-Za-z_][A-Za-z0-9_.-]*$";
const WORD = "^[A-Za-z_][A-Za-z0-9_-]*$";
const RANGE = "^\\s*(<=|>=|<|>|=)?\\s*\\d+(\\.\\d+)*\\s*(,\\s*(<=|>=|<|>|=)?\\s*\\d+(\\.\\d+)*\\s*)*$";

function template(about: string): TextShape {
  return { is: "text", about, expected: "a text", template: true, oneOf: null, pattern: null };
}
function plain(about: string, expected = "a text", pattern: string | null = null): TextShape {
  return { is: "text", about, expected, template: false, oneOf: null, pattern };
}
function word(about: string, oneOf: readonly string[]): TextShape {
  return { is: "text", about, expected: "a text", template: false, oneOf, pattern: null };
}
function list(about: string, of: TextShape | TableShape = template(about), min: 0 | 1 = 0): ListShape {
  return { is: "list", about, of, min };
}
function flag(about: string): FlagShape {
  return { is: "flag", about };
}
function count(about: string): CountShape {
  return { is: "count", about };
}
function textOrList(about: string, min: 0 | 1 = 0): EitherShape {
  return { is: "either", about, of: [template(about), list(about, template(about), min)] };
}
function table(
  about: string,
  keys: Record<string, Shape>,
  more: Partial<Pick<TableShape, "name" | "required" | "rest" | "exactlyOne" | "where">> = {},
): TableShape {
  return { is: "table", about, name: null, keys, required: [], rest: null, exactlyOne: [], where: [], ...more };
}
/** A table from names to things of one shape. */
function named(about: string, expected: string, pattern: string, of: Shape, name: string | null = null): TableShape {
  return table(about, {}, { name, rest: { pattern, expected, of } });
}

const variable = textOrList("A text or a list; it may use other names.");
const computed = table(
  "A value made of others.",
  {
    sum: list("Numbers that are added, - before one takes it away: 0x100, 4M and 80000000L are numbers too.", template("A number."), 1),
    hex: list("The same, as 0x and hexadecimal digits.", template("A number."), 1),
    upper: template("A text, in capitals."),
    fit: list("A pattern, * for any letters, and a list: the elements that fit.", template("The pattern; the list."), 1),
    each: list("A text, and a list: the text before each of its elements.", template("The text; the list."), 1),
    find: list(
      "A regular expression (case does not count), the text that it is looked for in, and what it is otherwise: its first group, else all that fits.",
      template("The expression; the text; otherwise."),
      1,
    ),
    match: list(
      "A text, then regular expressions, each with what it is where that fits all of the text (${found[1]}: its first group), then what it is otherwise.",
      template("The text; an expression; what it is; …; otherwise."),
      1,
    ),
    lookup: list("A JSON file, an object from texts to texts, and a key; empty where it has none.", template("The file; the key."), 1),
    first: list("The first of these all of whose names are known, and that is not empty.", template("A text."), 1),
    there: list("The first of these files that is there, as its path.", template("A path."), 1),
    text: textOrList("A file whose text it is, empty where it is not there; and the form that this text is brought into.", 1),
    lines: list("Texts: their lines, without blanks around them and without empty ones.", template("A text."), 1),
    grep: list(
      "A regular expression and text files of packages: its first group in each line that it fits.",
      template("The expression; the files."),
      1,
    ),
  },
  { name: "computed", exactlyOne: COMPUTED },
);
const computedToo: EitherShape = { is: "either", about: "A text, a list, or a value made of others.", of: [...variable.of, computed] };
const edit = table(
  "Changes a list: elements are removed, then others put before and after.",
  {
    remove: list("Elements to take away, as they were written."),
    prepend: list("Elements to put first."),
    append: list("Elements to put last."),
  },
  { name: "edit" },
);
const setOrEdit: EitherShape = {
  is: "either",
  about: "A value that replaces, or { append, prepend, remove }.",
  of: [...variable.of, edit],
};
const listOrEdit: EitherShape = {
  is: "either",
  about: "A list that replaces, or { append, prepend, remove }.",
  of: [list("The flags, one argument an element."), edit],
};

const ownFlags = Object.fromEntries(FLAG_SCOPES.map((scope) => [scope, list("The flags, one argument an element.")]));
const overlayKeys = {
  vars: named("Variables to set or to change.", "the name of a variable", WORD, setOrEdit),
  flags: table("The platform's flags to replace or to change.", Object.fromEntries(FLAG_SCOPES.map((scope) => [scope, listOrEdit]))),
};
const overlayRest = { pattern: WORD, expected: "the name of a variable", of: setOrEdit };
const overlay = table("Applies where its name fits. A plain key sets a variable.", overlayKeys, { name: "overlay", rest: overlayRest });

const packageKeys = {
  package: plain("The package that holds it, as the registry names it."),
  version: plain(
    'The range that a platform package asks for in its platform.py instead of its platform.json (`~1.70300.0`); "*": what fb\'s own table has.',
  ),
  finds: plain("The program (of a framework: the file) that tells where an installed one is; A|B: the first of these."),
  debian: list("Debian's packages to install, for the message when nothing is found.", plain("A Debian package.")),
  pypi: list("The same of Python's index.", plain("A package of PyPI.")),
};

function covers(about: string): ListShape {
  return list(about, plain("A range.", "a range such as ~3.20017.0", "^[^\\s]+$"), 1);
}

const tool = table(
  "A package with programs. Any further key is a name: ${tool.NAME.KEY}; in it ${tool} is the package's folder, ${tool.program} (of a tool for devices alone) the program that was found.",
  {
    ...packageKeys,
    probe: word("How its digest, version and built-in search folders are found; folder: it has no programs, `finds` is a folder.", [
      "gcc",
      "none",
      "folder",
    ]),
    mcus: list("The board's mcu must be one of these for it to be wanted. Default: any.", plain("An mcu.")),
    paired: flag(
      "A framework that is fetched needs what only this package's compiler has: the machine's own is for one in a folder. Default: false.",
    ),
    optional: flag(
      'Where nothing of the project\'s or the machine\'s own is it, rules do without it: `when = { "tool.NAME" = "*" }`, `"!*"`.',
    ),
    cc: { ...variable, about: "The C compiler, which the probe asks; a name as the others are." },
    when: named("Overlays for versions of this tool.", 'a range of versions such as "<6" or ">=5,<8"', RANGE, overlay),
  },
  {
    name: "tool",
    rest: { pattern: WORD, expected: "a name", of: variable },
    where: [{ key: "probe", values: ["gcc"], needs: "cc" }],
  },
);

const part = table(
  "Sources of a framework that are built with the program.",
  {
    name: plain("The folder of its objects, and of its archive lib<NAME>.a.", "a name of letters, digits, _ and -", WORD),
    folder: template("Where its sources are."),
    filter: list("Which of them, as in build_src_filter. Default: all but what lies in folders of version control."),
    link: word("archive (the default), or objects: every one of them enters the program.", ["archive", "objects"]),
    defines: list("What is defined for its sources alone: NAME or NAME=VALUE."),
    debug: flag("Whether the flags of debug builds reach its sources. Default: true."),
  },
  { name: "part", required: ["name", "folder"] },
);

const framework: TableShape = table(
  "What a framework adds, and its package.",
  {
    ...packageKeys,
    cores: list("The board's build.core must be one of these. Default: any.", plain("A core.")),
    mcus: list("The board's mcu must be one of these. Default: any.", plain("An mcu.")),
    other_cores: list(
      "Macros in build_flags or the board's build.extra_flags by which PlatformIO's builder takes another core's package: refused.",
      plain("A macro."),
    ),
    covers: covers("The ranges of its versions that these rules are for. Default: any."),
    parts: list("Its sources, in the order in which they are linked.", part),
    when: named("Overlays for versions of its package.", 'a range of versions such as "<6" or ">=5,<8"', RANGE, overlay),
    before: table("Flags that come before all others of their scope, the user's too.", ownFlags),
    board_flags: template("A text of flags, read as build_flags are, that come after `flags`; none where a name in it stands for nothing."),
    after: table("Flags that come after those of `board_flags`.", ownFlags),
    tools: list("Further packages that its flags name: tools of this file.", plain("The name of a tool.", "the name of a tool", WORD)),
    ...overlayKeys,
  },
  { name: "framework", rest: overlayRest },
);

const actionKeys: Record<string, Shape> = {
  in: textOrList("What it reads: paths and, in steps, globs; a folder ends in / and stands for all that is in it."),
  order: textOrList("What must be there before it starts; an input only if it is read."),
  out: textOrList("What it writes; a folder ends in /.", 1),
  depfile: template("The file in make's syntax that the tool writes about what it read."),
  discover: word("How the tool tells what else it read. Default: depfile where there is one, else nothing.", [
    "depfile",
    "trace",
    "nothing",
  ]),
  vars: named(
    "The process's variables; nothing else is seen of fb's own.",
    "the name of a process variable",
    "^[A-Za-z_][A-Za-z0-9_]*$",
    template("A value."),
  ),
  color: list("Arguments for coloured messages: passed, but not part of the key."),
  sharing: word(
    "Who may reuse a result: all; outputs, folder, time if its bytes name the output folder, the project's folder or a time; never.",
    SHARINGS,
  ),
  claims: list(
    'What it holds while it runs: "cpu:2" "network" "disk" "console" "device:serial". Default: "cpu".',
    plain(
      "A claim.",
      '"cpu", "network", "disk" (each with ":N" for N units), "console" or "device:NAME"',
      "^(?:(?:cpu|network|disk)(?::[1-9][0-9]{0,3})?|console|device:.+)$",
    ),
  ),
  label: template("What the display shows."),
  rsp: flag("Whether the tool takes @FILE for a command line that is too long."),
  env: list("The envs that it is for; * stands for any letters. Default: all.", plain("The name of an env.")),
};

const run = list(
  "The command, one argument an element; no shell.",
  template("An argument; a list's name alone stands for all its elements."),
  1,
);

const rule = table(
  "A template for actions.",
  {
    kind: word("What the actions are.", RULE_KINDS),
    target: plain(
      "The target that it is part of. Default: for what is done with devices its name, else :firmware.",
      "the name of a target",
      WORD,
    ),
    when: named(
      "It is for envs in which these names stand for this.",
      "a name such as upload.protocol",
      "^[A-Za-z0-9_.-]+$",
      plain("A text; * stands for any letters, | is or; with ! before it: for all others."),
    ),
    match: list("Which sources it compiles: globs on their names, **/ allowed.", plain("A glob."), 1),
    run,
    ...actionKeys,
  },
  {
    name: "rule",
    required: ["kind", "run"],
    where: [
      { key: "kind", values: ["compile", "archive", "link", "objcopy", "step"], needs: "out" },
      { key: "discover", values: ["depfile"], needs: "depfile" },
    ],
  },
);

const reading = plain("A regular expression, for lines of what the program says; case does not count.");
const uploader = table(
  "A program that writes to boards, and how what it says is read.",
  {
    idle: count("Seconds of silence after which it is ended. Default: 30."),
    progress: plain(
      "A regular expression: its first group names what goes on, its second is one mark for each two percent, or the percent in digits.",
    ),
    sync: reading,
    gives_up: plain("A regular expression, for all that it said: where it fits, no answer is waited for any longer."),
    verify: reading,
    signature: reading,
    refused: reading,
    lost: reading,
    garbled: reading,
    noise: reading,
    advice: plain("What to try where the board does not answer."),
    newer: list("Words that only newer versions know: ${uploader.newer}. Left out where it does not know them.", plain("A word.")),
    unknown: plain("A regular expression: it does not know a word of its command, and has opened nothing."),
    kept: plain("A regular expression whose group 1 is what was not written, since the board says that it has the same."),
    broken: plain("A regular expression: it can not run, as a part of its own is missing."),
    modules: list(
      "Packages of PyPI that pip brings into fb's cache where a Python script of the uploader misses them.",
      plain("A package."),
    ),
    repair: plain("What to do where a part of it is missing."),
    net: template("How it is given a TCP port: ${host} and ${port}."),
  },
  { name: "uploader" },
);
const upload = table(
  "A way to reach boards, by `upload_protocol`.",
  {
    protocols: list("The protocols that it is for, * stands for any letters; the first table that fits counts.", plain("A protocol."), 1),
    ports: plain("A regular expression: an upload_port (or -p) that fits it means the first of protocols, whatever upload_protocol says."),
    mcus: list("Only for boards whose build.mcu fits, * stands for any letters. Default: all.", plain("A name.")),
    uploader: plain("The uploader's table.", "the name of an uploader", WORD),
    port: list("Arguments that name the port, where the board needs one: ${uploader.port}. None: no port is needed."),
    speed: list("Arguments that name the speed, where there is one: ${uploader.speed}."),
    more: list("Further arguments: ${uploader.more}."),
    optional: flag("The uploader finds boards that have no port: none is no failure, and a folder may stand in the place of one."),
    untouched: flag("The port is left alone before the program opens it: no reset, and no touch at 1200 baud."),
  },
  { name: "upload", required: ["protocols", "uploader"] },
);

const orderWord = plain('"compile", "link" or the name of a step.', '"compile", "link" or the name of a step', WORD);
const step = table(
  "A project's own action; it runs once for each env that needs it.",
  {
    name: plain("Its name; :NAME is its target.", "a name of letters, digits, _ and -", WORD),
    run,
    sh: template("A command line for /bin/sh instead of `run`; names in it are quoted for the shell."),
    before: list("What it runs before. Default: compile, if an output is under ${gen}.", orderWord),
    after: list("What it runs after; link lets it use ${image.elf|hex|bin}.", orderWord),
    provides: word("image: its first output is what :firmware reports and :flash writes.", ["image"]),
    ...actionKeys,
  },
  {
    name: "step",
    required: ["name"],
    exactlyOne: ["run", "sh"],
    where: [
      { key: "provides", values: ["image"], needs: "out" },
      { key: "discover", values: ["depfile"], needs: "depfile" },
    ],
  },
);

const ADDRESS = "^[A-Za-z][A-Za-z0-9+.-]*://\\S+$";
/** Where packages come from: tables of a project's fb.toml and of the user's own file. */
const settingsKeys = {
  mirrors: named(
    "Url prefixes and what is asked instead of each; the longest prefix that fits counts.",
    'a url prefix such as "https://example.org/"',
    ADDRESS,
    plain("The prefix that is asked instead.", 'a url prefix such as "https://mirror.example/"', ADDRESS),
  ),
  packages: table("How packages come.", {
    provider: word("fetch: from their sources; system: what the machine has; auto: fetched, else what the machine has.", [
      "fetch",
      "system",
      "auto",
    ]),
    indexes: list(
      "Arduino package indexes: platform_packages may name what they have as NAME @ PACKAGER:TOOL@VERSION.",
      plain("The address of an index.", 'a url such as "https://example.org/package_example_index.json"', ADDRESS),
    ),
  }),
  registry: table("The registry of libraries.", {
    url: plain(
      "The base of a registry that speaks PlatformIO's protocol.",
      "a url that begins with http:// or https://",
      "^https?://\\S+$",
    ),
  }),
};

/** The user's own file: settings for all projects. */
export const USER_FILE: TableShape = table("Settings of fb for all of a user's projects.", {
  schema: { is: "const", about: "The version of this language: schema = 1.", value: 1 },
  ...settingsKeys,
});

/** A rule file: a platform's platform.toml or a project's fb.toml. */
export const RULE_FILE: TableShape = table(
  "Rules of fb: a platform's platform.toml or a project's fb.toml.",
  {
    schema: { is: "const", about: "The version of this language: schema = 1.", value: 1 },
    extends: plain("Only in a platform's file: the file that this one is laid over, by its path from here."),
    platform: table(
      "Only in a platform's file: what it is.",
      {
        names: list("What `platform =` of an ini may say, without case.", plain("A name."), 1),
        covers: covers("The ranges of versions of PlatformIO's platform package that these rules are for. Default: any."),
        addresses: list(
          "Of a platform whose package is known by its address: those that mean these rules while it is not here, * for any letters. The first is a whole one, which `fb init` writes.",
          plain("An address."),
        ),
        unheard: list(
          "What its builder in PlatformIO obeys and these rules do not: an env that sets it is warned of.",
          plain("option.NAME, or board.PATH.", "option.NAME or board.PATH", "^(?:option|board)\\..+$"),
        ),
        published: flag("Whether PlatformIO's registry has that package: then `platform = NAME` alone may fetch it. Default: true."),
        title: plain("Its name for people."),
        boards: plain("The file of its boards, beside this one."),
        program: plain("The image's name without extension. Default: firmware."),
        image: word("What :firmware reports and :flash writes. Default: elf.", IMAGES),
        frameworks: list("What `framework =` may say.", plain("A name.")),
        board: named("What a board has whose JSON does not say it.", "a path such as build.filesystem", "^[A-Za-z0-9_.-]+$", {
          is: "either",
          about: "A text or a list of texts.",
          of: [plain("A text."), list("Texts.", plain("A text."))],
        }),
      },
      { required: ["names", "title"] },
    ),
    compdb: flag("Keep compile_commands.json fresh on every build."),
    compat: table("What to do with parts of a platformio.ini that fb does not support.", {
      extra_scripts: word("An env with extra_scripts: refuse it, or build it as if it had none.", ["error", "ignore"]),
    }),
    ...settingsKeys,
    vars: named("Variables of this file: ${NAME}.", "the name of a variable", WORD, computedToo),
    script: named(
      "Build scripts of packages, read as data and never run: ${NAME.LIST} is a list that it hands to env.Append(LIST=[...]).",
      "the name of a script",
      WORD,
      table(
        "A build script in Python.",
        {
          file: template("Its path."),
          names: named("What names in it stand for.", "a name of the script", WORD, template("A text.")),
          lists: named(
            'What `if "WORD" in NAME:` asks: what stands below it counts where NAME has the word, or WORD=VALUE. All other conditions never hold.',
            "a name of the script",
            WORD,
            list("Its words.", template("A word.")),
          ),
          without: list("Elements of its lists that are left out.", plain("An element.")),
        },
        { name: "script", required: ["file"] },
      ),
    ),
    flags: table("The platform's own flags, by PlatformIO's scopes.", ownFlags),
    tool: named("Packages and the programs in them.", "the name of a tool", WORD, tool),
    host: table("Overlays by the machine that builds.", Object.fromEntries(HOSTS.map((host) => [host, overlay]))),
    framework: named("Overlays by the env's framework.", "the name of a framework", WORD, framework),
    core: named("Overlays by the board's build.core; * stands for any letters, | is or.", "the name of a core", PATTERN, overlay),
    cpu: named("Overlays by the board's build.cpu; * stands for any letters, | is or.", "the name of a cpu", PATTERN, overlay),
    mcu: named("Overlays by the board's mcu; * stands for any letters, | is or.", "the name of an mcu", PATTERN, overlay),
    board: named("Overlays by the board's id; * stands for any letters, | is or.", "the id of a board", PATTERN, overlay),
    when: named(
      "Overlays by what a name (board.*, upload.*, one of [vars] as it stands there) stands for; * stands for any letters, | is or.",
      "a name",
      DOTTED,
      named("The overlays.", "a text", PATTERN, overlay),
    ),
    choose: named(
      "Of each group the first overlay one of whose macros (A|B) the flags of board or user define without a value (A=*: or with one); * fits always.",
      "the name of a group",
      WORD,
      named("The group's overlays, in the order in which they are looked at.", "the name of a macro", PATTERN, overlay),
    ),
    profile: table("Overlays by profile.", Object.fromEntries(PROFILES.map((profile) => [profile, overlay]))),
    env: named("Overlays by env; * stands for any letters.", "the name of an env", "^[^\\s\\[\\]]+$", overlay),
    maybe: named(
      "Lists of arguments for what is done with devices: empty where a name in them stands for nothing.",
      "the name of a list",
      WORD,
      list("Arguments."),
    ),
    uploader: named("Programs that write to boards.", "the name of an uploader", WORD, uploader),
    upload: named("Ways to reach boards, in the order in which they are tried.", "the name of a way", WORD, upload),
    rule: named("Templates for actions.", "the name of a rule", WORD, rule),
    step: list("The project's own actions.", step),
  },
  { required: ["schema"] },
);

/** Every mistake in a parsed rule file that the description can tell, in the order of the file. */
export function checkRuleFile(table: TomlTable): Failure[] {
  return check(table, RULE_FILE);
}

/** The published schema, as rules/fb.schema.json holds it. */
export function publishedSchema(): string {
  return `${JSON.stringify(jsonSchema(RULE_FILE, "urn:fb:rule-file:1", "fb rule file"), null, 2)}\n`;
}
