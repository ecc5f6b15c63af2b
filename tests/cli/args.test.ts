import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseCommand, requestKey } from "../../cli/args.ts";
import type { Command, RunCommand, Serial, Target } from "../../cli/command.ts";
import { VERBS } from "../../cli/flags.ts";
import { FOREIGN_VERBS } from "../../cli/foreign.ts";
import { NO_FLAGS } from "../../cli/monitor/settings.ts";
import { splitWords } from "../../rules/shellwords.ts";

const FIRMWARE: Target = { is: "name", dir: null, name: "firmware", env: null };
const RUN: RunCommand = {
  verb: "run",
  dir: null,
  targets: [FIRMWARE],
  envs: [],
  profile: null,
  jobs: null,
  keepGoing: false,
  dryRun: false,
  verbose: false,
  why: false,
  json: false,
  timing: false,
  trace: null,
  noCache: false,
  fresh: false,
  force: false,
  offline: false,
  locked: false,
  packages: null,
  ports: [],
  timeout: null,
  watch: false,
  qemu: false,
  clean: "nothing",
  serial: { haltOnError: null, haltOnSuccess: null, expect: null, qemuTimeout: null },
  monitor: NO_FLAGS,
};

function words(line: string): string[] {
  const split = splitWords(line);
  if (split === null) throw new Error(`bad test line ${line}`);
  return split;
}

function parsed(line: string): Command {
  const r = parseCommand(words(line));
  if (!r.ok) throw new Error(`fb ${line}: ${r.failure.message} (${r.failure.hint})`);
  return r.value;
}

function named(name: string, dir: string | null = null, env: string | null = null): Target {
  return { is: "name", dir, name, env };
}

/** Port, speed and stamps are those of flash and monitor, if nothing else is said. */
interface Change extends Omit<Partial<RunCommand>, "serial"> {
  readonly port?: string;
  readonly baud?: number;
  readonly serial?: Serial & { readonly timestamps?: boolean };
}

function run({ port, baud, serial: given = RUN.serial, ...change }: Change): RunCommand {
  const { timestamps = true, ...serial } = given;
  const monitor = { ...NO_FLAGS, port: port ?? null, baud: baud ?? null, timestamps };
  return { ...RUN, ports: port === undefined ? [] : [port], serial, monitor, ...change };
}

/** What `fb size` links first. */
function program(change: Partial<RunCommand>): RunCommand {
  return run({ targets: [named("elf")], ...change });
}

function size(change: Partial<Extract<Command, { readonly verb: "size" }>>): Command {
  return { verb: "size", run: program({}), top: null, versus: null, html: false, file: null, json: false, ...change };
}

const table: readonly (readonly [string, Command])[] = [
  ["", RUN],
  ["run", RUN],
  ["run :firmware", RUN],
  ["-e uno", run({ envs: ["uno"] })],
  ["-v run -e uno --env mega --environment=nano", run({ verbose: true, envs: ["uno", "mega", "nano"] })],
  ["run :elf :size@uno", run({ targets: [named("elf"), named("size", null, "uno")] })],
  ["run blink:firmware ../fade:flash@a-b_1", run({ targets: [named("firmware", "blink"), named("flash", "../fade", "a-b_1")] })],
  ["run :lib/Servo", run({ targets: [named("lib/Servo")] })],
  ["run src/main.cpp^", run({ targets: [{ is: "path", path: "src/main.cpp^", env: null }] })],
  ["run src/main.cpp^@uno", run({ targets: [{ is: "path", path: "src/main.cpp^", env: "uno" }] })],
  ["run data/logo@2x.png", run({ targets: [{ is: "path", path: "data/logo@2x.png", env: null }] })],
  ["run .fb/pkg/x@1.0-0a/y.h", run({ targets: [{ is: "path", path: ".fb/pkg/x@1.0-0a/y.h", env: null }] })],
  ["run 'C:\\p\\a.cpp'", run({ targets: [{ is: "path", path: "C:\\p\\a.cpp", env: null }] })],
  ["run 'C:\\p:flash'", run({ targets: [named("flash", "C:\\p")] })],
  ["run -- -odd.cpp", run({ targets: [{ is: "path", path: "-odd.cpp", env: null }] })],
  ["run --release", run({ profile: "release" })],
  ["run --quick --quick", run({ profile: "quick" })],
  ["run :elf --debug", run({ targets: [named("elf")], profile: "debug" })],
  ["run -j4", run({ jobs: 4 })],
  ["run -j 4", run({ jobs: 4 })],
  ["run --jobs=4", run({ jobs: 4 })],
  ["run --jobs 4", run({ jobs: 4 })],
  ["run -j 2 -j 3", run({ jobs: 3 })],
  ["run -kvj4", run({ keepGoing: true, verbose: true, jobs: 4 })],
  ["run -k", run({ keepGoing: true })],
  ["run --keep-going", run({ keepGoing: true })],
  ["run -n", run({ dryRun: true })],
  ["run --dry-run", run({ dryRun: true })],
  ["run -v", run({ verbose: true })],
  ["run --json --why", run({ json: true, why: true })],
  ["run --trace t.json", run({ trace: "t.json" })],
  ["run --no-cache --fresh", run({ noCache: true, fresh: true })],
  ["run --offline --locked", run({ offline: true, locked: true })],
  ["run --packages system", run({ packages: "system" })],
  ["run --packages=fetch", run({ packages: "fetch" })],
  ["run --packages auto", run({ packages: "auto" })],
  ["run --timing", run({ timing: true })],
  ["run :flash -p /dev/ttyACM0 --force", run({ targets: [named("flash")], port: "/dev/ttyACM0", force: true })],
  ["run --port=COM5", run({ port: "COM5" })],
  ["run :flash --timeout 2.5", run({ targets: [named("flash")], timeout: 2.5 })],
  ["run -C sub/dir", run({ dir: "sub/dir" })],
  ["-C sub run", run({ dir: "sub" })],
  ["run -t upload", run({ targets: [named("flash")] })],
  ["run -t uploadfs", run({ targets: [named("flash-fs")] })],
  ["run -t buildfs", run({ targets: [named("fs")] })],
  ["run -t erase", run({ targets: [named("erase")] })],
  ["run -t size", run({ targets: [named("size")] })],
  ["run -t compiledb", run({ targets: [named("compdb")] })],
  ["run -t monitor", run({ targets: [named("monitor")] })],
  ["run --target upload -t monitor", run({ targets: [named("flash"), named("monitor")] })],
  ["run -t :elf", run({ targets: [named("elf")] })],
  ["run -t clean -e uno", { verb: "clean", dir: null, project: null, envs: ["uno"], all: false }],
  ["run -t fullclean", { verb: "clean", dir: null, project: null, envs: [], all: true }],
  ["run -t clean -t upload", run({ targets: [named("flash")], clean: "outputs" })],
  ["build", RUN],
  [
    "build ex/blink -e uno -c -v -j 2 --release",
    run({ targets: [named("firmware", "ex/blink")], envs: ["uno"], clean: "outputs", verbose: true, jobs: 2, profile: "release" }),
  ],
  ["build --quick", run({ profile: "quick" })],
  ["deploy . -p COM3 -b 57600 -t 20", run({ targets: [named("flash", ".")], port: "COM3", baud: 57600, timeout: 20 })],
  ["deploy --monitor", run({ targets: [named("flash"), named("monitor")] })],
  [
    "deploy --monitor='--timeout 60 --halt-on-success \"TEST PASSED\" -b 9600 --no-timestamp'",
    run({
      targets: [named("flash"), named("monitor")],
      timeout: 60,
      baud: 9600,
      serial: { ...RUN.serial, haltOnSuccess: "TEST PASSED", timestamps: false },
    }),
  ],
  [
    "deploy --halt-on-error 'panic|abort' --halt-on-success ok --expect ready --no-timestamp",
    run({
      targets: [named("flash")],
      serial: { haltOnError: "panic|abort", haltOnSuccess: "ok", expect: "ready", timestamps: false, qemuTimeout: null },
    }),
  ],
  ["deploy --qemu --qemu-timeout 30", run({ targets: [named("emulate")], qemu: true, serial: { ...RUN.serial, qemuTimeout: 30 } })],
  [
    "deploy -p COM3 --monitor='-p COM4 -f time --filter log2file --raw --echo --eol lf --encoding Latin-1 --parity e --dtr 0 --rts=1 --rtscts --xonxoff --no-reconnect'",
    run({
      targets: [named("flash"), named("monitor")],
      port: "COM3",
      monitor: {
        ...NO_FLAGS,
        port: "COM4",
        filters: ["time", "log2file"],
        raw: true,
        echo: true,
        eol: "LF",
        encoding: "Latin-1",
        parity: "E",
        dtr: false,
        rts: true,
        rtscts: true,
        xonxoff: true,
        reconnect: false,
      },
    }),
  ],
  [
    "monitor fw -e uno -p COM3 -b 9600 -t 5 --expect ok --json",
    {
      verb: "monitor",
      dir: null,
      project: "fw",
      envs: ["uno"],
      json: true,
      serial: { ...RUN.serial, expect: "ok" },
      timeout: 5,
      monitor: { ...NO_FLAGS, port: "COM3", baud: 9600 },
    },
  ],
  ["clean", { verb: "clean", dir: null, project: null, envs: [], all: false }],
  ["clean x --all -e a", { verb: "clean", dir: null, project: "x", envs: ["a"], all: true }],
  ["config", { verb: "config", dir: null, project: null, json: false, lint: false }],
  ["config -C x --lint --json", { verb: "config", dir: "x", project: null, json: true, lint: true }],
  ["config --json-output", { verb: "config", dir: null, project: null, json: true, lint: false }],
  ["query deps(:firmware)", { verb: "query", expr: "deps(:firmware)", output: "label", dir: null, profile: null }],
  ["query -o dot a + b --debug", { verb: "query", expr: "a + b", output: "dot", dir: null, profile: "debug" }],
  ["query //... --json -C p", { verb: "query", expr: "//...", output: "json", dir: "p", profile: null }],
  ["graph", { verb: "graph", expr: null, format: "html", file: null, dir: null, profile: null }],
  [
    "graph deps(:firmware) --html a.html",
    { verb: "graph", expr: "deps(:firmware)", format: "html", file: "a.html", dir: null, profile: null },
  ],
  ["graph --html=b.html", { verb: "graph", expr: null, format: "html", file: "b.html", dir: null, profile: null }],
  ["size", size({})],
  ["size @uno -n 5 --json", size({ run: program({ targets: [named("elf", null, "uno")] }), top: 5, json: true })],
  ["size blink:firmware --vs old.json", size({ run: program({ dir: "blink", targets: [named("elf", "blink")] }), versus: "old.json" })],
  ["size --html x.html -e uno", size({ run: program({ envs: ["uno"] }), html: true, file: "x.html" })],
  ["graph --mermaid :elf@uno", { verb: "graph", expr: ":elf@uno", format: "mermaid", file: null, dir: null, profile: null }],
  ["boards", { verb: "boards", dir: null, query: null, json: false }],
  ["boards nano --json", { verb: "boards", dir: null, query: "nano", json: true }],
  ["init --board uno", { verb: "init", dir: null, project: null, boards: ["uno"] }],
  ["init -b uno -b micro lamp", { verb: "init", dir: null, project: "lamp", boards: ["uno", "micro"] }],
  ["doctor --json", { verb: "doctor", dir: null, project: null, json: true }],
  ["export compdb", { verb: "export", format: "compdb", dir: null, envs: [], profile: null }],
  ["export ninja -e uno --quick", { verb: "export", format: "ninja", dir: null, envs: ["uno"], profile: "quick" }],
  ["export dot", { verb: "export", format: "dot", dir: null, envs: [], profile: null }],
  ["cache stats --json", { verb: "cache", action: "stats", file: null, json: true }],
  ["cache gc", { verb: "cache", action: "gc", file: null, json: false }],
  ["cache verify", { verb: "cache", action: "verify", file: null, json: false }],
  ["cache clear", { verb: "cache", action: "clear", file: null, json: false }],
  ["cache export a.tar", { verb: "cache", action: "export", file: "a.tar", dir: null, all: false, json: false }],
  ["cache import a.tar", { verb: "cache", action: "import", file: "a.tar", json: false }],
  ["tool size a.elf --out x -v", { verb: "tool", name: "size", argv: ["a.elf", "--out", "x", "-v"] }],
  ["help", { verb: "help", topic: null }],
  ["help run", { verb: "help", topic: "run" }],
  ["help watch", { verb: "help", topic: "watch" }],
  ["help targets", { verb: "help", topic: "targets" }],
  ["--help", { verb: "help", topic: null }],
  ["-h", { verb: "help", topic: null }],
  ["run --help", { verb: "help", topic: "run" }],
  ["cache -h", { verb: "help", topic: "cache" }],
  ["tool --help", { verb: "help", topic: "tool" }],
  ["version", { verb: "version" }],
  ["--version", { verb: "version" }],
  ["-V", { verb: "version" }],
  ["completion fish", { verb: "completion", shell: "fish" }],
];

for (const [line, expected] of table) test(`fb ${line}`, () => assert.equal(parsed(line), expected));

/** Line, part of the message, part of the hint. */
const refused: readonly (readonly [string, string, string])[] = [
  ["buld", 'unknown verb "buld"', '"build"'],
  ["xyzzy", 'unknown verb "xyzzy"', "run, build"],
  ["constructor", 'unknown verb "constructor"', ""],
  [":flash", 'unknown verb ":flash"', "fb run :flash"],
  ["examples/blink", "unknown verb", "fb build examples/blink"],
  ["run --keep-goin", "--keep-goin", '"--keep-going"'],
  ["run --constructor", "--constructor", "fb help run"],
  ["run -x", "-x", "fb help run"],
  ["run --lint", "--lint", "`fb config`"],
  ["build --halt-on-error x", "--halt-on-error", "`fb deploy`"],
  ["run -d x", "-d", "-C DIR"],
  ["run --upload-port x", "--upload-port", "-p PORT"],
  ["run --quick --debug", "--quick and --debug exclude each other", "one profile"],
  ["run --release --quick", "--release and --quick", ""],
  ["run -j", "-j needs a value", "-j N"],
  ["run -j 0", 'not "0"', "-j N"],
  ["run -j many", 'not "many"', "-j N"],
  ["run -j 1.5", "whole number", ""],
  ["run --jobs=-2", 'not "-2"', ""],
  ["run -e", "-e needs a value", "-e ENV"],
  ["run -e -v", 'but "-v" follows', "joined"],
  ["run --env=", "--env needs a value", "--env=ENV"],
  ["run --json=yes", "--json takes no value", ""],
  ["run --timeout soon", 'not "soon"', ""],
  ["run --packages net", 'not "net"', ""],
  ["run --packages sistem", 'not "sistem"', '"system"'],
  ["run :", 'no name after ":"', ":firmware"],
  ["run x:", 'no name after ":"', ""],
  ["run :firmware@", 'no env after "@"', ":firmware@uno"],
  ["run ''", "names nothing", ""],
  ["run -t uplod", 'unknown target "uplod"', '"upload"'],
  ["run -t nobuild", 'no target "nobuild"', "fb run :flash"],
  ["run -t toString", 'unknown target "toString"', ":NAME"],
  ["build -t compiledb", 'not "compiledb"', "fb run -t"],
  ["build a b", '"b": one word too many', "fb build [DIR]"],
  ["build :elf", "not the target", "fb run :elf"],
  ["monitor --dtr yes", "--dtr is 0 or 1", "--dtr=0"],
  ["deploy --monitor 'x y' z", "one word too many", ""],
  ["deploy --monitor='--timeot 3'", "--timeot", '"--timeout"'],
  ["deploy --monitor='uno'", '"uno" is not a flag', ""],
  ["deploy --monitor='--expect \"x'", "open quote", ""],
  ["deploy --expect '('", "not a regular expression", ""],
  ["deploy --monitor='--expect ['", "not a regular expression", ""],
  ["init", "needs a board", "fb boards"],
  ["export", "needs one of compdb, ninja, dot", ""],
  ["export nija", 'not "nija"', '"ninja"'],
  ["cache", "needs one of stats", ""],
  ["cache stat", 'not "stat"', '"stats"'],
  ["cache export", "needs a file", ""],
  ["cache gc now", "one word too many", ""],
  ["completion tcsh", 'not "tcsh"', ""],
  ["help buld", 'unknown verb "buld"', '"build"'],
  ["tool", "needs a tool's name", ""],
  ["-v tool size", "no flag before it", ""],
  ["size src/main.cpp", "an env's program", "fb size :firmware@uno"],
  ["size --html --json", "exclude each other", "one of them"],
  ["watch -n", "`fb watch` has no flag -n", "a flag of"],
  ["watch -t clean", "nothing to watch", "fb clean"],
];

for (const [line, message, hint] of refused)
  test(`fb ${line} is refused`, () => {
    const r = parseCommand(words(line));
    assert.not(r.ok);
    if (r.ok) return;
    assert.is(r.failure.exit, 2);
    assert.match(r.failure.code, /^usage\.[a-z-]+$/);
    assert.ok(r.failure.message.includes(message), r.failure.message);
    assert.ok(r.failure.hint.includes(hint), r.failure.hint);
    assert.ok(r.failure.hint !== "", "a hint says what to do");
  });

test("verbs of later versions are known and say so, with any words", () => {
  for (const [name, verb] of Object.entries(VERBS)) {
    if (verb.here) continue;
    const r = parseCommand([name, "x", "--whatever", "-q"]);
    assert.ok(!r.ok && r.failure.exit === 2 && r.failure.message.includes("not in this version yet"), name);
    assert.ok(!r.ok && r.failure.hint.includes("run, build, deploy"), name);
  }
});

test("verbs of PlatformIO and fbuild are named with what to use instead", () => {
  for (const name of ["test", "check", "debug", "home", "pkg", "account", "remote", "lib", "platform", "project", "ci", "purge"]) {
    const r = parseCommand([name]);
    assert.ok(!r.ok && r.failure.exit === 2 && r.failure.message === `fb has no verb "${name}"` && r.failure.hint.length > 5, name);
  }
  for (const name of Object.keys(FOREIGN_VERBS)) assert.not(Object.hasOwn(VERBS, name), name);
});

test("fb watch is fb run that stays", () => {
  assert.equal(parsed("watch :elf@uno -e uno --quick"), { ...parsed("run :elf@uno -e uno --quick"), watch: true });
  assert.equal(parsed("watch"), parsed("run --watch"));
});

test("every verb of the contract is known", () => {
  for (const name of "run watch query graph explain config deps size monitor devices device daemon export cache clean tool boards init doctor completion build deploy show".split(
    " ",
  ))
    assert.ok(Object.hasOwn(VERBS, name), name);
});

test("fb deps: a run of :packages; with --upgrade its words are names", () => {
  const deps = (line: string) => {
    const command = parsed(line);
    if (command.verb !== "deps") throw new Error(command.verb);
    return command;
  };
  const plain = deps("deps x --tree -e a --locked --offline");
  assert.equal([plain.run.dir, plain.tree, plain.upgrade, plain.json], ["x", true, null, false]);
  assert.equal(plain.run, { ...(parsed("run :packages -C x -e a --locked --offline") as typeof plain.run) });
  assert.equal(deps("deps --upgrade").upgrade, []);
  const named = deps("deps -C y --upgrade A --upgrade=B c/D --json");
  assert.equal([named.run.dir, named.upgrade, named.json, named.run.json], ["y", ["B", "A", "c/D"], true, false]);
  for (const line of ["deps a b", "deps --upgrade --locked"]) assert.not.ok(parseCommand(line.split(" ")).ok, line);
});

test("equal requests have one key, whatever does not select results", () => {
  const key = (line: string) => requestKey(parsed(line));
  const same = [
    "",
    "run",
    "run :firmware",
    "run -v",
    "run -j2",
    "run --json",
    "run --why -k",
    "build",
    "run :firmware :firmware",
    "run --offline",
  ];
  for (const line of same) assert.is(key(line), key(""), line);
  assert.is(key("run -e a -e b"), key("run -e b -e a"));
  assert.is(key("run :elf :size"), key("run :size :elf"));
  const other = [
    "-e uno",
    "--quick",
    "--release",
    "run :elf",
    "run :firmware@uno",
    "run x:firmware",
    "run firmware",
    "run --packages system",
    "-e a -e b",
  ];
  const keys = [key(""), ...other.map(key)];
  assert.is(new Set(keys).size, keys.length);
  assert.not(keys.includes(null));
});

test("what must look at every action, and every effect, has no key", () => {
  const lines = ["--fresh", "--force", "-n", "--no-cache", "run :flash", "deploy", "run :erase@uno", "run -t monitor", "build -c", "clean"];
  for (const line of lines) assert.is(requestKey(parsed(line)), null, line);
});

test.run();
