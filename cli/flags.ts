/** Every verb with its flags, once: what the parser accepts, the help explains and the shells complete. */

export const PROFILES = ["release", "quick", "debug"] as const;
export type Profile = (typeof PROFILES)[number];

/** switch: no value; text, number, list (may be repeated): one; optional: one only as `--flag=VALUE`. */
export type FlagKind = "switch" | "text" | "number" | "list" | "optional";

export interface Flag {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter, or "". */
  readonly short: string;
  readonly kind: FlagKind;
  /** What stands for the value in the help; "" for a switch. */
  readonly value: string;
  /** Long names of other tools that mean the same. */
  readonly also: readonly string[];
  readonly says: string;
}

function flag(kind: FlagKind, name: string, short: string, value: string, says: string, ...also: string[]): Flag {
  return { name, short, kind, value, also, says };
}

const ENV = flag("list", "env", "e", "ENV", "only this env of platformio.ini; repeat it for several", "environment");
const DIR = flag("text", "directory", "C", "DIR", "the project's folder, instead of the current one", "project-dir");
const JSON_EVENTS = flag("switch", "json", "", "", "one JSON event a line on stdout, text for people on stderr");
const JSON_VALUE = flag("switch", "json", "", "", "one JSON value on stdout");
const HELP = flag("switch", "help", "h", "", "this text");
const VERBOSE = flag("switch", "verbose", "v", "", "show every command, and what came from the cache");
const PROFILE_FLAGS = [
  flag("switch", "release", "", "", "the release profile (the default)"),
  flag("switch", "quick", "", "", "without link-time optimisation: builds fastest"),
  flag("switch", "debug", "", "", "for a debugger: build_type = debug"),
];

const PACKAGE_FLAGS = [
  flag("switch", "offline", "", "", "no network"),
  flag("switch", "locked", "", "", "fail if fb.lock would change"),
  flag("text", "packages", "", "FROM", "fetch, system or auto: where new packages come from"),
];

/** What a run takes, whatever the verb that starts it. */
const RUN_FLAGS = [
  ENV,
  DIR,
  ...PROFILE_FLAGS,
  flag("number", "jobs", "j", "N", "actions at once (default: the cores)"),
  flag("switch", "keep-going", "k", "", "after a failure go on with what does not need it"),
  flag("switch", "dry-run", "n", "", "say what would run, run nothing"),
  VERBOSE,
  flag("switch", "why", "", "", "a reason on every action's line"),
  JSON_EVENTS,
  flag("switch", "timing", "", "", "where the time went, at the end"),
  flag("text", "trace", "", "FILE", "write the run's timeline, for Perfetto"),
  flag("switch", "no-cache", "", "", "take nothing from the cache, but record"),
  flag("switch", "fresh", "", "", "ignore what is recorded of the targets: run them again"),
  flag("switch", "force", "", "", "perform an effect that is known to be done"),
  ...PACKAGE_FLAGS,
  flag("list", "port", "p", "PORT", "the device's port, instead of the one that is found; all, or several: each is flashed"),
];

const TIMEOUT = "end a monitor or an upload after S seconds";
const SERIAL_FLAGS = [
  flag("text", "halt-on-error", "", "RE", "end with 1 when a line matches"),
  flag("text", "halt-on-success", "", "RE", "end with 0 when a line matches"),
  flag("text", "expect", "", "RE", "a line that must have come by the end"),
  flag("switch", "no-timestamp", "", "", "lines without the time before them"),
];
const BAUD = flag("number", "baud", "b", "BAUD", "speed of the port");
const TIME_LIMIT = flag("number", "timeout", "t", "SECONDS", TIMEOUT);
const CLEAN_FIRST = flag("switch", "clean", "c", "", "remove the outputs first");

export interface Verb {
  /** What follows the verb in its usage line. */
  readonly words: string;
  readonly says: string;
  readonly flags: readonly Flag[];
  /** At most so many words beside the flags. */
  readonly most: number;
  /** False: the contract names it, this version does not have it. */
  readonly here: boolean;
}

function verb(says: string, words: string, most: number, ...flags: readonly Flag[]): Verb {
  return { words, says, flags: [...flags, HELP], most, here: true };
}

const ANY = Number.POSITIVE_INFINITY;

/** In the order in which the help lists them. */
export const VERBS: Readonly<Record<string, Verb>> = {
  run: verb(
    "build targets, perform effects",
    "[[DIR]:TARGET[@ENV] | FILE]...",
    ANY,
    ...RUN_FLAGS,
    flag("list", "target", "t", "TARGET", "a target by PlatformIO's name: upload, clean, size…"),
    flag("number", "timeout", "", "S", TIMEOUT),
    ...SERIAL_FLAGS,
    flag("switch", "watch", "", "", "stay, and run again on every save: fb watch"),
  ),
  build: verb("build the firmware", "[DIR]", 1, ...RUN_FLAGS, CLEAN_FIRST, TIME_LIMIT),
  deploy: verb(
    "build and flash",
    "[DIR]",
    1,
    ...RUN_FLAGS,
    CLEAN_FIRST,
    BAUD,
    TIME_LIMIT,
    flag("optional", "monitor", "", '"FLAGS"', "then show what the board prints; FLAGS as in fb monitor"),
    ...SERIAL_FLAGS,
    flag("switch", "qemu", "", "", "run in the emulator instead of on a board"),
    flag("number", "qemu-timeout", "", "S", "end the emulator after S seconds"),
  ),
  watch: verb(
    "run again on every save",
    "[[DIR]:TARGET[@ENV] | FILE]...",
    ANY,
    ...RUN_FLAGS.filter((f) => f.name !== "dry-run"),
    flag("list", "target", "t", "TARGET", "a target by PlatformIO's name"),
    flag("number", "timeout", "", "S", TIMEOUT),
    ...SERIAL_FLAGS,
  ),
  monitor: verb(
    "show what the board prints, send what is typed",
    "[DIR]",
    1,
    ENV,
    DIR,
    flag("list", "port", "p", "PORT", "the port, instead of the one that is found; several are watched at once"),
    BAUD,
    TIME_LIMIT,
    ...SERIAL_FLAGS,
    JSON_EVENTS,
    flag("list", "filter", "f", "NAME", "a filter for what is shown: time, hexlify, log2file…; repeat it for several"),
    flag("switch", "raw", "", "", "bytes as they come, without filters and stamps"),
    flag("switch", "echo", "", "", "show what is typed"),
    flag("text", "eol", "", "EOL", "what Enter sends: CR, LF or CRLF"),
    flag("text", "encoding", "", "NAME", "of the text: UTF-8, Latin-1…"),
    flag("text", "parity", "", "PARITY", "N, E, O, S or M"),
    flag("text", "dtr", "", "0|1", "the line DTR once the port is open"),
    flag("text", "rts", "", "0|1", "the line RTS once the port is open"),
    flag("switch", "rtscts", "", "", "flow control by RTS and CTS"),
    flag("switch", "xonxoff", "", "", "flow control by XON and XOFF"),
    flag("switch", "no-reconnect", "", "", "end when the port goes, instead of waiting for it"),
    VERBOSE,
  ),
  clean: verb(
    "remove what was built",
    "[DIR]",
    1,
    ENV,
    DIR,
    flag("switch", "all", "", "", "everything that fb keeps in the project: its .fb folder"),
  ),
  config: verb(
    "print the project as fb reads it",
    "[DIR]",
    1,
    DIR,
    flag("switch", "json", "", "", "as PlatformIO's `project config --json-output`", "json-output"),
    flag("switch", "lint", "", "", "only what is wrong or odd in it"),
  ),
  deps: verb(
    "bring packages and libraries, lock them, show them",
    "[DIR | --upgrade NAME...]",
    ANY,
    ENV,
    DIR,
    flag("switch", "tree", "", "", "who needs what, and the include that asked for it"),
    flag("switch", "dry-run", "n", "", "what would be fetched, and from where; nothing is"),
    flag("optional", "upgrade", "", "NAME", "choose anew: all, or the packages that are named (with -C for the folder)"),
    ...PACKAGE_FLAGS,
    JSON_VALUE,
  ),
  explain: verb(
    "why it was rebuilt, or what would rebuild it",
    "[TARGET | FILE | LABEL]",
    1,
    ENV,
    DIR,
    flag("number", "run", "", "N", "an earlier run than the last; 20 are kept"),
    flag("switch", "dry-run", "n", "", "what would run now"),
    flag("text", "vs", "", "B", "what keeps it from sharing its result with B: an action, an env, another checkout's folder"),
    ...PROFILE_FLAGS,
    JSON_VALUE,
  ),
  boards: verb("list boards, or those that match", "[QUERY]", 1, JSON_VALUE, DIR),
  init: verb("start a project", "--board ID [DIR]", 1, flag("list", "board", "b", "ID", "the board; fb boards lists them"), DIR),
  doctor: verb("check this machine and this project", "[DIR]", 1, JSON_VALUE, DIR),
  export: verb("write a file for another tool", "compdb|ninja|dot", 1, ENV, DIR, ...PROFILE_FLAGS),
  query: verb(
    "ask the graph: what depends on what",
    "'EXPR'",
    ANY,
    flag("text", "output", "o", "FORM", "label, label_kind, json, dot, mermaid or commands"),
    DIR,
    ...PROFILE_FLAGS,
    flag("switch", "json", "", "", "the same as --output json"),
  ),
  graph: verb(
    "a picture of the graph: a page to look into",
    "['EXPR']",
    ANY,
    flag("optional", "html", "", "FILE", "one page that needs nothing else (the default: .fb/graph.html)"),
    flag("switch", "dot", "", "", "for Graphviz, on stdout"),
    flag("switch", "mermaid", "", "", "for Mermaid, on stdout"),
    DIR,
    ...PROFILE_FLAGS,
  ),
  size: verb(
    "what takes the flash and the RAM",
    "[TARGET]",
    2,
    ENV,
    DIR,
    flag("number", "top", "n", "N", "so many symbols (20; with --json all)"),
    flag("text", "vs", "", "ENV|FILE", "the difference to another env, or to a report saved with --json, not to the last build"),
    flag("optional", "html", "", "FILE", "a treemap: one page that needs nothing else (.fb/size.html)"),
    ...PROFILE_FLAGS,
    ...PACKAGE_FLAGS,
    JSON_VALUE,
  ),
  cache: verb(
    "look after the cache, carry it to another machine",
    "stats|gc|verify|clear|export FILE|import FILE",
    2,
    flag("switch", "all", "", "", "export: everything, not only what the project here uses"),
    DIR,
    JSON_VALUE,
  ),
  completion: verb("print a script that completes fb's words", "bash|zsh|fish", 1),
  help: verb("explain fb, or one verb", "[VERB]", 1),
  version: verb("print the version", "", 0),
  tool: verb("what runs inside fb, for an exported build.ninja", "NAME ARGUMENT...", ANY),
  devices: verb("ports and the boards at them", "", 0, JSON_VALUE, flag("switch", "watch", "", "", "stay, and tell what changes"), DIR),
  device: verb(
    "hold a board for oneself, let it go, see who has it",
    "list|status|lease|release|take [DEVICE]",
    3,
    flag("text", "description", "", "TEXT", "what for: others are told"),
    flag("text", "reason", "", "TEXT", "take: why; the holder is told"),
    flag("number", "ttl", "", "S", "lease, take: end after S seconds, not with Ctrl-C only"),
    flag("switch", "monitor", "", "", "lease: beside others that watch, not alone"),
    DIR,
    JSON_VALUE,
  ),
  daemon: verb(
    "the process that holds devices",
    "ACTION",
    1,
    flag("switch", "force", "", "", "stop, restart: also what runs, and whoever holds a device"),
    flag("number", "lines", "n", "N", "logs: so many of the last (50)"),
    flag("switch", "follow", "f", "", "logs: stay, and tell those that come"),
    JSON_VALUE,
  ),
  show: verb("fbuild's `show daemon`: fb daemon status", "daemon", 1, JSON_VALUE),
};

/** The flags of `fb monitor`, which `--monitor="FLAGS"` takes too. */
export const MONITOR_FLAGS: readonly Flag[] = VERBS.monitor?.flags ?? [];

export function flagsOf(name: string): readonly Flag[] {
  return VERBS[name]?.flags ?? [];
}

/** The verbs of this version. */
export const verbsHere: readonly string[] = Object.keys(VERBS).filter((name) => VERBS[name]?.here);
