/** Words of a command line → a Command: what is asked for, checked as far as it can be without looking at the disk. */
import { fail, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { didYouMean, nearest } from "../rules/nearest.ts";
import { splitWords } from "../rules/shellwords.ts";
import { OUTPUTS } from "./query/output.ts";
import { flagsOf, MONITOR_FLAGS, VERBS, verbsHere } from "./flags.ts";
import { FOREIGN_VERBS, PIO_TARGETS, PIO_TARGETS_NOT_HERE } from "./foreign.ts";
import type { MonitorFlags } from "./monitor/settings.ts";
import { type Command, DAEMON_ACTIONS, DEVICE_ACTIONS, type RunCommand, type Serial, type Target } from "./command.ts";
import { Usage, Words } from "./words.ts";

/** Targets that are performed for what they do: never answered from a record. */
const EFFECTS = new Set(["flash", "flash-eeprom", "flash-fs", "fuses", "bootloader", "monitor", "erase", "emulate"]);

/** Beyond verbs: topics that `fb help` knows. */
export const HELP_TOPICS = ["targets"] as const;

/** `argv` is what comes after the program's name. Every failure is of usage: exit 2. */
export function parseCommand(argv: readonly string[]): Result<Command> {
  try {
    return ok(parse(argv));
  } catch (error) {
    if (error instanceof Usage) return fail(error.failure);
    throw error;
  }
}

function parse(argv: readonly string[]): Command {
  const at = verbAt(argv);
  const verb = at === null ? "run" : (argv[at] ?? "run");
  if (at === null && argv.some((a) => a === "--version" || a === "-V")) return { verb: "version" };
  if (at === null && argv.some((a) => a === "--help" || a === "-h")) return { verb: "help", topic: null };
  if (!Object.hasOwn(VERBS, verb)) throw unknownVerb(verb);
  if (verb === "tool") return tool(argv, at ?? 0);
  const rest = at === null ? argv : [...argv.slice(0, at), ...argv.slice(at + 1)];
  if (rest.includes("--help") || rest.includes("-h")) return { verb: "help", topic: verb };
  if (VERBS[verb]?.here !== true) throw notYet(`\`fb ${verb}\``);
  const words = new Words(verb, flagsOf(verb), rest);
  if (words.positionals.length > (VERBS[verb]?.most ?? 0)) {
    const extra = words.positionals[VERBS[verb]?.most ?? 0] ?? "";
    throw new Usage("word", `"${extra}": one word too many for \`fb ${verb}\``, `usage: fb ${verb} ${VERBS[verb]?.words ?? ""}`.trimEnd());
  }
  return command(verb, words);
}

function command(verb: string, words: Words): Command {
  const dir = words.text("directory");
  const project = words.positionals[0] ?? null;
  switch (verb) {
    case "run":
      return runVerb(words);
    case "watch":
      return watchVerb(words);
    case "build":
    case "deploy":
      return fbuildVerb(verb, words);
    case "monitor":
      return {
        verb,
        dir,
        project,
        envs: words.list("env"),
        json: words.on("json"),
        serial: serialOf(words, words),
        timeout: words.number("timeout"),
        monitor: monitorFlags(words, words),
      };
    case "clean":
      return { verb, dir, project, envs: words.list("env"), all: words.on("all") };
    case "config":
      return { verb, dir, project, json: words.on("json"), lint: words.on("lint") };
    case "deps":
      return deps(words);
    case "explain": {
      const named = project === null ? [] : [explained(project)];
      const run = runCommand(words, named.length > 0 ? named : [{ is: "name", dir: null, name: "firmware", env: null }], "nothing");
      const at = named[0]?.is === "name" ? named[0].dir : null;
      return { verb, run: { ...run, dir: at ?? dir }, word: project, versus: words.text("vs"), number: words.whole("run", "--run") };
    }
    case "boards":
      return { verb, dir, query: project, json: words.on("json") };
    case "init": {
      const boards = words.list("board");
      if (boards.length === 0) throw new Usage("board", "`fb init` needs a board", "as in: fb init --board uno; `fb boards` lists them");
      return { verb, dir, project, boards };
    }
    case "doctor":
      return { verb, dir, project, json: words.on("json") };
    case "export":
      return { verb, format: oneOf(verb, words, ["compdb", "ninja", "dot"]), dir, envs: words.list("env"), profile: words.profile() };
    case "query":
      return query(words);
    case "graph":
      return graph(words);
    case "size":
      return size(words);
    case "cache":
      return cache(words);
    case "devices":
      return { verb, watch: words.on("watch"), dir, json: words.on("json") };
    case "device":
      return device(words);
    case "daemon":
      return daemon(words, oneOf(verb, words, DAEMON_ACTIONS));
    case "show":
      oneOf(verb, words, ["daemon"]);
      return daemon(words, "status");
    case "completion":
      return { verb, shell: oneOf(verb, words, ["bash", "zsh", "fish"]) };
    case "help":
      if (project !== null && !Object.hasOwn(VERBS, project) && !(HELP_TOPICS as readonly string[]).includes(project))
        throw unknownVerb(project);
      return { verb, topic: project };
    case "version":
      return { verb };
    default:
      throw new Error(`no parser for the verb ${verb}`);
  }
}

/** Where the verb is: the first word that is no flag and no flag's value, as far as run's flags tell. Null if there is none. */
function verbAt(argv: readonly string[]): number | null {
  const takesValue = new Set<string>();
  for (const f of [...flagsOf("run"), ...flagsOf("deploy")])
    if (f.kind !== "switch" && f.kind !== "optional")
      for (const name of [`-${f.short}`, `--${f.name}`, ...f.also.map((a) => `--${a}`)]) takesValue.add(name);
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "--") return null;
    if (!word.startsWith("-")) return i;
    if (takesValue.has(word)) i++;
  }
  return null;
}

function unknownVerb(word: string): Usage {
  if (Object.hasOwn(FOREIGN_VERBS, word)) return new Usage("verb", `fb has no verb "${word}"`, FOREIGN_VERBS[word] ?? "");
  const close = nearest(word, Object.keys(VERBS)).map((n) => `"${n}"`);
  const message = `unknown verb "${word}"`;
  if (word.includes(":")) return new Usage("verb", message, `targets are for \`fb run\`: fb run ${word}`);
  if (close.length > 0) return new Usage("verb", message, `did you mean ${close.join(" or ")}?`);
  if (/[./\\]/.test(word)) return new Usage("verb", message, `for a project in that folder: fb build ${word}, or fb deploy ${word}`);
  return new Usage("verb", message, `the verbs are ${verbsHere.join(", ")}`);
}

function notYet(what: string): Usage {
  return new Usage("not-yet", `${what} is not in this version yet`, `what this version has: ${verbsHere.join(", ")}`);
}

// ── run ──

function runVerb(words: Words): Command {
  const named = words.positionals.map(target);
  let clean = "nothing" as RunCommand["clean"];
  for (const name of words.list("target")) {
    const means = pioTarget(name);
    if (means === "clean" || means === "fullclean") clean = means === "fullclean" || clean === "all" ? "all" : "outputs";
    else named.push({ is: "name", dir: null, name: means, env: null });
  }
  if (clean !== "nothing" && named.length === 0)
    return { verb: "clean", dir: words.text("directory"), project: null, envs: words.list("env"), all: clean === "all" };
  return runCommand(words, named.length > 0 ? named : [{ is: "name", dir: null, name: "firmware", env: null }], clean);
}

/** A run again and again; what it does before it builds, it does once. */
function watchVerb(words: Words): Command {
  const command = runVerb(words);
  if (command.verb !== "run")
    throw new Usage("target", "`fb watch` builds: -t clean alone is nothing to watch", "`fb clean` removes what was built");
  return { ...command, watch: true };
}

function runCommand(words: Words, targets: readonly Target[], clean: RunCommand["clean"], watch: Words = words): RunCommand {
  const packages = words.text("packages");
  if (packages !== null && packages !== "fetch" && packages !== "system" && packages !== "auto")
    throw new Usage(
      "value",
      `--packages is fetch, system or auto, not "${packages}"`,
      didYouMean(packages, ["fetch", "system", "auto"], "as in --packages=auto"),
    );
  return {
    verb: "run",
    dir: words.text("directory"),
    targets,
    envs: words.list("env"),
    profile: words.profile(),
    jobs: words.whole("jobs", "-j"),
    keepGoing: words.on("keep-going"),
    dryRun: words.on("dry-run"),
    verbose: words.on("verbose"),
    why: words.on("why"),
    json: words.on("json"),
    timing: words.on("timing"),
    trace: words.text("trace"),
    noCache: words.on("no-cache"),
    fresh: words.on("fresh"),
    force: words.on("force"),
    offline: words.on("offline"),
    locked: words.on("locked"),
    packages,
    ports: words.list("port"),
    timeout: words.number("timeout") ?? watch.number("timeout"),
    watch: words.on("watch"),
    qemu: words.on("qemu"),
    clean,
    serial: serialOf(words, watch),
    monitor: monitorFlags(words, watch),
  };
}

function serialOf(words: Words, watch: Words): Serial {
  return {
    haltOnError: words.pattern("halt-on-error") ?? watch.pattern("halt-on-error"),
    haltOnSuccess: words.pattern("halt-on-success") ?? watch.pattern("halt-on-success"),
    expect: words.pattern("expect") ?? watch.pattern("expect"),
    qemuTimeout: words.number("qemu-timeout"),
  };
}

/** watch: the flags within `--monitor="…"`, which speak of the monitor alone. */
function monitorFlags(words: Words, watch: Words): MonitorFlags {
  const line = (name: string) => {
    const value = watch.text(name);
    if (value === null || value === "0" || value === "1") return value === null ? null : value === "1";
    throw new Usage("value", `--${name} is 0 or 1, not "${value}"`, `as in --${name}=0`);
  };
  // Looked at also where the monitor's own counts: one that is no number is told.
  const baud = words.whole("baud", "-b");
  return {
    port: (watch.list("port").length > 0 ? watch : words).list("port").join(",") || null,
    baud: watch.whole("baud", "-b") ?? baud,
    parity: watch.text("parity")?.toUpperCase() ?? null,
    dtr: line("dtr"),
    rts: line("rts"),
    rtscts: watch.on("rtscts"),
    xonxoff: watch.on("xonxoff"),
    filters: watch.list("filter"),
    eol: watch.text("eol")?.toUpperCase() ?? null,
    encoding: watch.text("encoding"),
    raw: watch.on("raw"),
    echo: watch.on("echo"),
    reconnect: !watch.on("no-reconnect"),
    timestamps: !words.on("no-timestamp") && !watch.on("no-timestamp"),
  };
}

function fbuildVerb(verb: "build" | "deploy", words: Words): RunCommand {
  const dir = words.positionals[0] ?? null;
  if (dir?.includes(":") && !/^[A-Za-z]:[\\/]/.test(dir))
    throw new Usage("target", `\`fb ${verb}\` takes a folder, not the target "${dir}"`, `fb run ${dir}`);
  const named = (name: string): Target => ({ is: "name", dir, name, env: null });
  const clean = words.on("clean") ? "outputs" : "nothing";
  if (verb === "build") return runCommand(words, [named("firmware")], clean);
  const flags = words.text("monitor") ?? "";
  const split = splitWords(flags);
  if (split === null)
    throw new Usage("value", `--monitor: an open quote in ${flags}`, "as in --monitor=\"--timeout 60 --expect 'TEST PASSED'\"");
  const watch = new Words("monitor", MONITOR_FLAGS, split);
  if (watch.positionals.length > 0)
    throw new Usage(
      "value",
      `--monitor: "${watch.positionals[0]}" is not a flag`,
      "its value holds flags of `fb monitor`; the folder comes before it",
    );
  const emulated = words.on("qemu");
  const targets = [named(emulated ? "emulate" : "flash")];
  if (words.on("monitor") && !emulated) targets.push(named("monitor"));
  return runCommand(words, targets, clean, watch);
}

/** `[DIR]:NAME[@ENV]` where there is a ":", else a path. A path's env is what follows its last "@", if that can be an env's name and no file's ending. */
function target(word: string): Target {
  const colon = word.lastIndexOf(":");
  const drive = colon === 1 && /^[A-Za-z]:[\\/]/.test(word);
  const at = word.lastIndexOf("@");
  const env = at > colon && /^[\w-]+$/.test(word.slice(at + 1)) ? word.slice(at + 1) : null;
  const before = env === null ? word : word.slice(0, at);
  if (at >= 0 && at === word.length - 1) throw new Usage("target", `"${word}": no env after "@"`, "as in :firmware@uno");
  if (colon < 0 || drive) {
    if (before === "" || before === "^")
      throw new Usage("target", `"${word}" names nothing`, "a target is [DIR]:NAME[@ENV] or a file's path");
    return { is: "path", path: before, env };
  }
  const name = before.slice(colon + 1);
  if (name === "") throw new Usage("target", `"${word}": no name after ":"`, "as in :firmware, :flash, :lib/Servo");
  return { is: "name", dir: colon === 0 ? null : word.slice(0, colon), name, env };
}

/** A target, a file, an action's label (KIND:ENV:FILE), or @ENV. */
function explained(word: string): Target {
  if (/^@./.test(word)) return { is: "name", dir: null, name: "firmware", env: word.slice(1) };
  return /^[a-z]+:[^:]*:./.test(word) ? { is: "path", path: word, env: null } : target(word);
}

function pioTarget(name: string): string {
  if (name.startsWith(":") && name.length > 1) return name.slice(1);
  if (Object.hasOwn(PIO_TARGETS, name)) return PIO_TARGETS[name] ?? name;
  const instead = Object.hasOwn(PIO_TARGETS_NOT_HERE, name) ? PIO_TARGETS_NOT_HERE[name] : undefined;
  if (instead !== undefined) throw new Usage("target", `fb has no target "${name}"`, instead);
  const all = Object.keys(PIO_TARGETS);
  const hint = didYouMean(name, all, `-t takes ${all.join(", ")}; fb's own targets are written :NAME, as in fb run :${name}`);
  throw new Usage("target", `-t: unknown target "${name}"`, hint);
}

// ── the small verbs ──

function oneOf<T extends string>(verb: string, words: Words, choices: readonly T[]): T {
  const word = words.positionals[0];
  const found = choices.find((c) => c === word);
  if (found !== undefined) return found;
  if (word === undefined) throw new Usage("word", `\`fb ${verb}\` needs one of ${choices.join(", ")}`, `as in: fb ${verb} ${choices[0]}`);
  throw new Usage(
    "word",
    `\`fb ${verb}\` takes ${choices.join(", ")}, not "${word}"`,
    didYouMean(word, choices, `as in: fb ${verb} ${choices[0]}`),
  );
}

function deps(words: Words): Command {
  const upgrade = words.on("upgrade") ? [...words.list("upgrade").filter((name) => name !== ""), ...words.positionals] : null;
  if (upgrade !== null && words.on("locked"))
    throw new Usage("flag", "--upgrade and --locked exclude each other", "an upgrade is what changes fb.lock");
  if (words.on("dry-run") && (upgrade !== null || words.on("tree")))
    throw new Usage("flag", `-n and --${upgrade === null ? "tree" : "upgrade"} exclude each other`, "-n tells what `fb deps` would fetch");
  const [dir = null, extra] = upgrade === null ? words.positionals : [];
  if (extra !== undefined) throw new Usage("word", `"${extra}": one word too many for \`fb deps\``, "usage: fb deps [DIR]");
  const run = runCommand(words, [{ is: "name", dir: null, name: "packages", env: null }], "nothing");
  return { verb: "deps", run: { ...run, dir: dir ?? run.dir, json: false }, tree: words.on("tree"), upgrade, json: words.on("json") };
}

function query(words: Words): Command {
  const expr = words.positionals.join(" ");
  if (expr === "") throw new Usage("word", "`fb query` needs a query", "as in: fb query 'deps(:firmware)'");
  const given = words.text("output") ?? "label";
  const output = OUTPUTS.find((o) => o === given);
  if (output === undefined)
    throw new Usage("value", `--output is ${OUTPUTS.join(", ")}, not "${given}"`, didYouMean(given, OUTPUTS, "as in --output label_kind"));
  return { verb: "query", expr, output: words.on("json") ? "json" : output, dir: words.text("directory"), profile: words.profile() };
}

function graph(words: Words): Command {
  const asked = (["dot", "mermaid", "html"] as const).filter((f) => words.on(f));
  if (asked.length > 1) throw new Usage("flag", `--${asked[0]} and --${asked[1]} exclude each other`, "ask for one picture at a time");
  const format = asked[0] ?? "html";
  const positionals = [...words.positionals];
  let file = words.text("html") || null;
  // `--html out.html`: the file may stand apart from its flag.
  if (words.on("html") && file === null && positionals.at(-1)?.endsWith(".html") === true) file = positionals.pop() ?? null;
  const expr = positionals.join(" ");
  return { verb: "graph", expr: expr === "" ? null : expr, format, file, dir: words.text("directory"), profile: words.profile() };
}

function size(words: Words): Command {
  const positionals = [...words.positionals];
  let file = words.text("html") || null;
  if (words.on("html") && file === null && positionals.at(-1)?.endsWith(".html") === true) file = positionals.pop() ?? null;
  const [word = ":firmware", extra] = positionals;
  if (extra !== undefined) throw new Usage("word", `"${extra}": one word too many for \`fb size\``, "usage: fb size [TARGET]");
  const asked = explained(word);
  if (asked.is === "path" || !["firmware", "elf", "size"].includes(asked.name))
    throw new Usage("target", `\`fb size\` tells of an env's program, not of "${word}"`, "as in: fb size :firmware@uno, or fb size -e uno");
  if (words.on("html") && words.on("json"))
    throw new Usage("flag", "--html and --json exclude each other", "ask for one of them at a time");
  const run = runCommand(words, [{ ...asked, name: "elf" }], "nothing");
  return {
    verb: "size",
    run: { ...run, dir: asked.dir ?? run.dir, json: false },
    top: words.whole("top", "-n"),
    versus: words.text("vs"),
    html: words.on("html"),
    file,
    json: words.on("json"),
  };
}

function cache(words: Words): Command {
  const action = oneOf("cache", words, ["stats", "gc", "verify", "clear", "export", "import"]);
  const file = words.positionals[1];
  const json = words.on("json");
  if (action === "export" || action === "import") {
    if (file === undefined) throw new Usage("word", `\`fb cache ${action}\` needs a file`, `as in: fb cache ${action} cache.tar.zst`);
    if (action === "export") return { verb: "cache", action, file, dir: words.text("directory"), all: words.on("all"), json };
    return { verb: "cache", action, file, json };
  }
  if (file !== undefined) throw new Usage("word", `"${file}": one word too many for \`fb cache ${action}\``, `usage: fb cache ${action}`);
  return { verb: "cache", action, file: null, json };
}

function device(words: Words): Command {
  const action = oneOf("device", words, DEVICE_ACTIONS);
  const [, named, lease, extra] = words.positionals;
  const more = action === "list" ? named : action === "release" ? extra : lease;
  if (more !== undefined)
    throw new Usage("word", `"${more}": one word too many for \`fb device ${action}\``, "usage: fb device status DEVICE");
  if (action !== "list" && named === undefined)
    throw new Usage("word", `\`fb device ${action}\` needs a device`, `as in: fb device ${action} /dev/ttyACM0; \`fb devices\` lists them`);
  return {
    verb: "device",
    action,
    dir: words.text("directory"),
    device: named ?? null,
    lease: lease ?? null,
    mode: words.on("monitor") ? "monitor" : "exclusive",
    description: words.text("description"),
    reason: words.text("reason"),
    ttl: words.number("ttl"),
    json: words.on("json"),
  };
}

function daemon(words: Words, action: (typeof DAEMON_ACTIONS)[number]): Command {
  const lines = words.whole("lines", "-n");
  return { verb: "daemon", action, force: words.on("force"), lines, follow: words.on("follow"), json: words.on("json") };
}

/** Everything after the name is the tool's own. */
function tool(argv: readonly string[], at: number): Command {
  if (at > 0) throw new Usage("flag", `\`fb tool\` takes no flag before it: ${argv[0]}`, "usage: fb tool NAME ARGUMENT...");
  const [name, ...rest] = argv.slice(1);
  if (name === "--help" || name === "-h") return { verb: "help", topic: "tool" };
  if (name === undefined || name.startsWith("-"))
    throw new Usage("word", "`fb tool` needs a tool's name", "usage: fb tool NAME ARGUMENT...");
  return { verb: "tool", name, argv: rest };
}

// ── what a run asks for ──

/** A target as a person writes it. */
export function targetText(target: Target): string {
  const at = target.env === null ? "" : `@${target.env}`;
  return target.is === "name" ? `${target.dir ?? ""}:${target.name}${at}` : `${target.path}${at}`;
}

/**
 * All of a run that selects its results, in one line that is the same for equal requests: what its snapshot is filed under. Null where a snapshot must
 * not answer: for effects, and for what has to look at, or tell of, each action.
 */
export function requestKey(command: Command): string | null {
  if (command.verb !== "run" || command.fresh || command.force || command.dryRun || command.noCache) return null;
  if (command.clean !== "nothing") return null;
  if (command.targets.some((t) => t.is === "name" && EFFECTS.has(t.name))) return null;
  const targets = command.targets.map((t) => (t.is === "name" ? [t.dir ?? "", `:${t.name}`, t.env ?? ""] : ["", t.path, t.env ?? ""]));
  return JSON.stringify([
    sorted(targets.map((t) => JSON.stringify(t))),
    sorted(command.envs),
    command.profile ?? "",
    command.packages ?? "",
  ]);
}

function sorted(words: readonly string[]): string[] {
  return [...new Set(words)].sort();
}
