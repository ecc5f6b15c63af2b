/** What `fb help` says: examples first, then the words, all within 80 columns; and the scripts that complete fb's words in a shell. */
import { HELP_TOPICS } from "./args.ts";
import { DAEMON_ACTIONS, DEVICE_ACTIONS } from "./command.ts";
import { type Flag, flagsOf, VERBS, verbsHere } from "./flags.ts";
import { PIO_TARGETS } from "./foreign.ts";

const WIDTH = 80;
/** The widest left column of a table. */
const LEFT = 40;

/** A command and what it does. */
type Example = readonly [string, string];

const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  "": [
    ["fb", "build the project in this folder, all its default envs"],
    ["fb run -e uno", "only the env uno"],
    ["fb run :elf@uno", "one target of one env"],
    ["fb run --why", "build, with the reason for every step"],
    ["fb init --board uno", "start a project here"],
    ["fb doctor", "is all there that fb needs?"],
  ],
  run: [
    ["fb run", "the firmware of every default env"],
    ["fb run -e uno -e mega", "of these two, in parallel"],
    ["fb run :elf@uno", "the linked program of one env"],
    ["fb run -t buildprog", "targets go by PlatformIO's names too"],
    ["fb run src/main.cpp^", "only what is made from this file"],
    ["fb run blink:firmware fade:firmware", "two projects at once"],
    ["fb run -n --why", "what would run, and why"],
    ["fb run -k -v", "see all errors, and the commands"],
  ],
  build: [
    ["fb build", "the project here"],
    ["fb build examples/blink -e uno", "another one, one env"],
    ["fb build --quick -j 2", "without link-time optimisation, two at once"],
    ["fb build -c", "from nothing; the cache still helps"],
  ],
  deploy: [
    ["fb deploy", "build, find the board, flash it"],
    ["fb deploy -e uno -p /dev/ttyACM0", "this env, this port"],
    ["fb deploy --monitor", "then show what it prints"],
    ['fb deploy --monitor="--timeout 60 --expect PASSED"', "a test on the board: 0 if it says so"],
  ],
  monitor: [
    ["fb monitor", "the first env's board; Ctrl+C quits, Ctrl+T h helps"],
    ["fb monitor -p /dev/ttyACM0 -b 9600", "any port, also without a project"],
    ["fb monitor -p socket://pi:4000", "over TCP; rfc2217://HOST:PORT too"],
    ["fb monitor -t 60 --expect 'TEST PASSED'", "0 if a line says so in time, else 1"],
    ["fb monitor -f time -f log2file", "PlatformIO's filters"],
  ],
  clean: [
    ["fb clean", "the outputs of every env"],
    ["fb clean -e uno", "of one"],
    ["fb clean --all", "everything that fb keeps in the project"],
  ],
  config: [
    ["fb config", "every section, expanded"],
    ["fb config --json", "for scripts, as PlatformIO prints it"],
    ["fb config --lint", "what is wrong or odd in it"],
  ],
  deps: [
    ["fb deps", "bring what is missing; what each env has"],
    ["fb deps -n", "what would be fetched, and from where"],
    ["fb deps --tree", "who needs what, and why"],
    ["fb deps --upgrade", "the newest that the project asks for"],
    ["fb deps --upgrade Timer", "only this one"],
    ["fb deps --offline --locked", "is all here, and as fb.lock has it?"],
  ],
  watch: [
    ["fb watch", "the firmware, built again on every save"],
    ["fb watch --quick -e uno", "of one env, in the profile that builds fastest"],
    ["fb watch --json", "the events of each run in turn"],
  ],
  explain: [
    ["fb explain", "why the last run did what it did"],
    ["fb explain src/main.cpp", "what is made from this file"],
    ["fb explain :firmware@uno --run 3", "an earlier run"],
    ["fb explain -n", "what would run now, and why"],
    ["fb explain @uno --vs @mega", "why two envs share nothing"],
  ],
  boards: [
    ["fb boards", "all"],
    ["fb boards nano", "those with nano in their name, id or chip"],
  ],
  init: [
    ["fb init --board uno", "platformio.ini and src/ in this folder"],
    ["fb init -b uno -b nanoatmega328 lamp", "in the folder lamp, for two boards"],
  ],
  doctor: [["fb doctor", "tools, packages, ports, settings: what is missing and what to do"]],
  export: [
    ["fb export compdb", "compile_commands.json, for editors"],
    ["fb export ninja -e uno", "a build.ninja that runs without fb's scheduler"],
    ["fb export dot", "the graph, for Graphviz"],
  ],
  query: [
    ["fb query 'deps(:firmware@uno)'", "all that it is made of"],
    ["fb query 'rdeps(//..., include/pins.h)'", "what an edit of this header reaches"],
    ["fb query 'somepath(:firmware, lib/Servo/Servo.h)'", "why is this in it?"],
    ["fb query -o commands 'kind(link, //...)'", "how it is linked"],
  ],
  graph: [
    ["fb graph", "all of it, as a page: .fb/graph.html"],
    ["fb graph 'deps(:firmware@uno)' --html uno.html", "a part of it"],
    ["fb graph --dot", "for Graphviz; --mermaid for a README"],
  ],
  size: [
    ["fb size", "by library and symbol; what the last build changed"],
    ["fb size -e uno -n 50", "the 50 largest symbols"],
    ["fb size --html", "a treemap, as a page: .fb/size.html"],
    ["fb size --json > before.json", "a report to compare with later:"],
    ["fb size --vs before.json", "what has grown since; --vs mega: another env"],
  ],
  cache: [
    ["fb cache stats", "how much it holds"],
    ["fb cache gc", "down to its limit"],
    ["fb cache verify", "is every byte what it should be?"],
    ["fb cache export ci.tar.zst", "what this project uses, for another machine"],
    ["fb cache import ci.tar.zst", "there: then fb run --offline --locked"],
  ],
  devices: [
    ["fb devices", "ports, the boards at them, who uses them"],
    ["fb devices --watch", "and what is plugged in and out"],
  ],
  device: [
    ["fb device status /dev/ttyACM0", "who has it"],
    ["fb device lease /dev/ttyACM0 --ttl 600", "hold it for ten minutes"],
    ["fb device take /dev/ttyACM0 --reason demo", "take it from whoever holds it"],
    ["fb device release /dev/ttyACM0", "end the lease that is on it"],
  ],
  daemon: [
    ["fb daemon status", "is one here, and what does it hold?"],
    ["fb daemon logs -f", "what it does, as it does it"],
    ["fb daemon stop", "end it; it starts again when it is needed"],
    ["fb daemon kill", "end it whatever it does, even if it hangs"],
    ["fb daemon locks", "who holds which device and project"],
  ],
  show: [["fb show daemon", "fb daemon status"]],
  completion: [
    ["fb completion bash >> ~/.bashrc", "words on Tab in bash"],
    ["fb completion zsh > ~/.zfunc/_fb", "in zsh, with ~/.zfunc in fpath"],
    ["fb completion fish > ~/.config/fish/completions/fb.fish", "in fish"],
  ],
  help: [
    ["fb help run", "one verb"],
    ["fb help targets", "what can be built and done"],
  ],
  version: [["fb version", "the same as fb --version"]],
  tool: [["fb tool size firmware.elf --out size.json --flash .text --ram .bss", "as a build.ninja made by fb export calls it"]],
};

/** Beyond what the flags' lines say. */
const NOTES: Readonly<Record<string, string>> = {
  "": "Exit codes: 0 done; 1 the build failed; 2 usage; 3 configuration; 4 network, disk or cache; 5 device; 130 interrupted.",
  run: "Without @ENV or -e: default_envs of platformio.ini, else all envs. `fb help targets` lists the targets. The first failure ends its env; -k goes on.",
  watch:
    "On a terminal: r runs now, e explains the last run, q quits with its exit code; Ctrl-C with 130. What is read is watched: sources, headers, the ini, libraries behind symlink://, what would come before these. --fresh, --force and --no-cache are for the first run alone.",
  device:
    "A device is a port or an id of `fb devices`. A lease is held until Ctrl-C, --ttl, or the end of this process; while it is, others that flash are told who holds the device, and monitors wait. Refused: exit 5.",
  daemon:
    "ACTION: status, start, stop, restart, kill, list, locks, clear-locks, logs. It starts by itself when a monitor, a flash or a lease needs it, and ends when nobody has needed it for half an hour. Builds never need it. FB_DAEMON_PORT: where it listens (8765).",
  query:
    "The language is Bazel's: deps rdeps allpaths somepath kind attr filter inputs outputs buildfiles tests, let, set, + - ^. Labels: src/main.cpp, :firmware@uno, compile:uno:src/main.cpp.o, pkg:NAME@VERSION; //... is everything. From what is made to what it is made of.",
  monitor:
    "monitor_* of platformio.ini are obeyed; flags win. Each line begins with seconds and hundredths since the start, which PlatformIO's monitor does not show: --no-timestamp leaves them out, and so do --raw and the filter time. RE is a regular expression, matched a line at a time, a line without an end after a short silence; case does not count. A device that goes is waited for; where nobody is at the keyboard and no time limit is set, for 30 s.",
  build: "The same as fb run DIR:firmware, with the flags that fbuild has.",
  deploy:
    "The same as fb run DIR:flash, with the flags that fbuild has. RE is a regular expression; case does not count. The board is found by its USB ids, upload_port and -p name it; -p all, or several: each is flashed, one that fails keeps no other from it. upload_protocol, upload_speed, upload_flags and upload_command of platformio.ini are obeyed. What goes wrong with a device is exit code 5. An upload that says nothing for 30 s is ended.",
};

const TARGETS: readonly Example[] = [
  [":firmware", "the image that is flashed, and its size (the default)"],
  [":elf", "the linked program, for debuggers"],
  [":size", "what it takes of flash and RAM"],
  [":core", "the framework's core library"],
  [":lib/NAME", "one library"],
  [":deps", "the libraries that the project uses, built"],
  [":packages", "packages and libraries fetched and locked, nothing built"],
  [":flash", "write the image to the board; -p sim:uno: to a virtual one"],
  [":flash-eeprom", "write what the program puts into the EEPROM"],
  [":fuses :bootloader", "set the chip's fuses; burn the board's bootloader: with a programmer"],
  [":monitor", "show what the board prints"],
  [":emulate", "run the image in an emulator"],
  [":fs  :flash-fs", "the file system image; write it"],
  [":erase", "empty the board's flash"],
  [":compdb", "compile_commands.json"],
  [":NAME", "the [[step]] of that name in fb.toml"],
  ["src/main.cpp^", "what is made from a file"],
  [".fb/build/uno/release/firmware.hex", "a file that the build makes"],
];

/** The text for a topic (a verb, "targets"), or for fb itself when it is null. The topic is one that parseCommand let through. */
export function helpText(topic: string | null): string {
  if (topic === null) return overview();
  if (topic === "targets") return targets();
  const verb = VERBS[topic];
  if (verb === undefined) return overview();
  let text = `fb ${topic}: ${verb.says}\n`;
  if (!verb.here) return `${text}\n${wrap("It is not in this version yet. `fb help` lists what is.", 0)}`;
  text += `\n${table(EXAMPLES[topic] ?? [])}\nusage: fb ${topic} ${verb.words}`.trimEnd();
  text += `${topic === "tool" || verb.flags.length === 0 ? "" : " [FLAG]..."}\n\n${table(verb.flags.map((f) => [spelling(f), f.says]))}`;
  return NOTES[topic] === undefined ? text : `${text}\n${wrap(NOTES[topic], 0)}`;
}

function overview(): string {
  const verbs = verbsHere.map((name): Example => [`fb ${name}`, VERBS[name]?.says ?? ""]);
  const later = Object.keys(VERBS).filter((name) => VERBS[name]?.here !== true);
  return [
    "fb builds firmware: it reads platformio.ini and runs only what is out of date.\n",
    table(EXAMPLES[""] ?? []),
    `usage: fb VERB [WORD]... [FLAG]...      without a verb: fb run :firmware\n`,
    table(verbs),
    wrap("`fb help VERB` explains a verb and its flags, `fb help targets` what can be built.", 0) +
      (later.length === 0 ? "" : wrap(`Not in this version yet: ${later.join(", ")}.`, 0)),
    wrap(NOTES[""] ?? "", 0),
  ].join("\n");
}

function targets(): string {
  const pio = Object.entries(PIO_TARGETS).map(
    ([name, means]): Example => [`-t ${name}`, means.endsWith("clean") ? `fb clean${means === "fullclean" ? " --all" : ""}` : `:${means}`],
  );
  return [
    "Targets: [DIR]:NAME[@ENV], or the path of a file\n",
    table([
      ["fb run :firmware", "of every default env of the project here"],
      ["fb run :size@uno", "one env"],
      ["fb run blink:elf@uno", "of the project in the folder blink"],
    ]),
    table(TARGETS),
    "PlatformIO's names, for `fb run -t`:\n",
    table(pio),
  ].join("\n");
}

function spelling(f: Flag): string {
  const long = `--${f.name}${f.kind === "optional" ? `[=${f.value}]` : f.value === "" ? "" : ` ${f.value}`}`;
  return f.short === "" ? `    ${long}` : `-${f.short}, ${long}`;
}

/** Two columns; the right one starts on a new line where the left one is too long. */
function table(rows: readonly Example[]): string {
  const column = Math.min(LEFT, Math.max(...rows.map(([left]) => left.length)) + 4);
  let text = "";
  for (const [left, right] of rows) {
    const head = `  ${left}`;
    const fits = head.length + 2 <= column;
    const body = wrap(right, column);
    text += fits ? head + body.slice(head.length) : `${head}\n${body}`;
  }
  return text;
}

/** Lines of at most 80 columns, each indented. Ends in a newline. */
function wrap(text: string, indent: number): string {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(" ")) {
    if (row !== "" && indent + row.length + 1 + word.length > WIDTH) {
      rows.push(row);
      row = "";
    }
    row += row === "" ? word : ` ${word}`;
  }
  rows.push(row);
  return rows.map((r) => `${" ".repeat(indent)}${r}\n`).join("");
}

// ── completion ──

const TARGET_WORDS = TARGETS.flatMap(([t]) => t.split("  ")).filter((t) => /^:[a-z-]+$/.test(t));
const WORDS: Readonly<Record<string, readonly string[]>> = {
  run: TARGET_WORDS,
  export: ["compdb", "ninja", "dot"],
  cache: ["stats", "gc", "verify", "clear", "export", "import"],
  device: DEVICE_ACTIONS,
  daemon: DAEMON_ACTIONS,
  show: ["daemon"],
  completion: ["bash", "zsh", "fish"],
  help: [...verbsHere, ...HELP_TOPICS],
};

/** A script for the shell's start-up: verbs, flags, targets, and the envs of the platformio.ini in the folder. */
export function completionScript(shell: "bash" | "zsh" | "fish"): string {
  switch (shell) {
    case "bash":
      return bash();
    case "zsh":
      return `#compdef fb\nautoload -U +X bashcompinit && bashcompinit\n${bash()}`;
    case "fish":
      return fish();
  }
}

const ENVS = "sed -n 's/^\\[env:\\([A-Za-z0-9_-]*\\)\\].*/\\1/p' platformio.ini 2>/dev/null";

function words(name: string): string[] {
  return [...(WORDS[name] ?? []), ...flagsOf(name).flatMap((f) => (f.short === "" ? [`--${f.name}`] : [`--${f.name}`, `-${f.short}`]))];
}

/** Colons are part of words here: bash splits at them, so what it holds before the last one is taken off the answers. */
function bash(): string {
  const cases = verbsHere.map((name) => `    ${name}) words="${words(name).join(" ")}" ;;\n`).join("");
  return `_fb() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} verb= words= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) verb=$word; break ;; esac
  done
  [ "$current" = : ] && current=
  case $previous in
    -e|--env|--environment) COMPREPLY=($(compgen -W "$(${ENVS})" -- "$current")); return ;;
    -C|--directory) COMPREPLY=($(compgen -d -- "$current")); return ;;
    -t|--target) if [ "$verb" = run ]; then COMPREPLY=($(compgen -W "${Object.keys(PIO_TARGETS).join(" ")}" -- "$current")); return; fi ;;
  esac
  case $verb in
    "") words="${verbsHere.join(" ")} --help --version" ;;
${cases}  esac
  if [ "$previous" = : ] || [ "\${COMP_WORDS[COMP_CWORD]}" = : ]; then words="${TARGET_WORDS.map((t) => t.slice(1)).join(" ")}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
}
complete -F _fb fb
`;
}

function fish(): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const rows = ["complete -c fb -f"];
  for (const name of verbsHere) {
    const within = `__fish_seen_subcommand_from ${name}`;
    rows.push(`complete -c fb -n __fish_use_subcommand -a ${name} -d ${quoted(VERBS[name]?.says ?? "")}`);
    if (WORDS[name] !== undefined) rows.push(`complete -c fb -n ${quoted(within)} -a ${quoted(WORDS[name].join(" "))}`);
    for (const f of flagsOf(name)) {
      const value = f.name === "env" ? ` -x -a ${quoted(`(${ENVS})`)}` : f.kind === "switch" || f.kind === "optional" ? "" : " -r";
      rows.push(`complete -c fb -n ${quoted(within)} -l ${f.name}${f.short === "" ? "" : ` -s ${f.short}`}${value} -d ${quoted(f.says)}`);
    }
  }
  return `${rows.join("\n")}\n`;
}
