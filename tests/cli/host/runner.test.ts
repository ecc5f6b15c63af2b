import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { HostRunner } from "../../../cli/host/lanes.ts";
import { openSlots, quote } from "../../../cli/host/slots.ts";
import { openSpawn } from "../../../cli/host/spawn.ts";
import type { Ran } from "../../../engine/types.ts";
import { fifo, heard, isAlive, tempDir } from "./help.ts";
import { newSeed, Random } from "../../random.ts";

const never = new AbortController().signal;
const PATH = "/usr/bin:/bin";
const SHELLS = ["/bin/dash", "/bin/bash", "/bin/sh"].filter((s) => fs.existsSync(s));
// What must never reach an action.
process.env["CPATH"] = "/leak";
process.env["LIBRARY_PATH"] = "/leak";
const random = new Random(newSeed());

interface Bench {
  readonly dir: string;
  readonly runner: HostRunner;
  run(argv: readonly string[], vars?: Record<string, string>, stop?: AbortSignal): Promise<Ran>;
  sh(script: string, stop?: AbortSignal): Promise<Ran>;
}

/** The same law for the slots of every shell there is, and for spawn. */
function law(
  name: string,
  check: (b: Bench) => Promise<void>,
  base: Record<string, string> = { PATH, LC_ALL: "C.UTF-8", PWD: "/proc/self/cwd" },
): void {
  for (const kind of ["spawn", ...SHELLS]) {
    test(`${name} (${kind})`, async () => {
      const dir = tempDir();
      const o = { slots: 2, cwd: dir, base, logDir: path.join(dir, "it's logs") };
      const runner = kind === "spawn" ? openSpawn(o) : openSlots({ ...o, guardian: null, shell: kind });
      const run = (argv: readonly string[], vars = {}, stop = never) => runner.run({ argv, vars }, stop);
      await check({ dir, runner, run, sh: (script, stop = never) => run(["/bin/sh", "-c", script], {}, stop) });
      await runner.close();
      assert.equal(fs.readdirSync(dir).includes("it's logs") ? fs.readdirSync(o.logDir) : [], [], "no log is left");
    });
  }
}

law("exit codes are the program's", async ({ sh }) => {
  for (const code of [0, 1, 2, 3, 126, 127, 128, 200, 255])
    assert.equal((await sh(`echo x; exit ${code}`)).exit, { is: "exited", code }, String(code));
  for (const signal of ["KILL", "TERM", "SEGV", "ABRT"])
    assert.equal((await sh(`kill -${signal} $$`)).exit, { is: "signalled", signal: `SIG${signal}` });
});

law("what cannot start says why", async ({ dir, run }) => {
  const file = (name: string, text: string | Buffer, mode = 0o755) => fs.writeFileSync(path.join(dir, name), text, { mode });
  file("text", "x", 0o644);
  file("script", "#!/no/such/interpreter\n");
  file("dos", "#!/bin/sh\r\necho\r\n");
  const foreign = Buffer.from(fs.readFileSync(process.execPath).subarray(0, 4096));
  foreign.writeUInt16LE(2, 18);
  file("foreign", foreign);
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /empty/],
    [["nonesuch-tool", "x"], /nonesuch-tool was not found on PATH \(\/usr\/bin:\/bin\)/],
    [["./nonesuch"], /\.\/nonesuch is not there/],
    [["./text"], /text may not be executed; .*chmod \+x/],
    [["/"], /is a folder/],
    [["./script"], /needs \/no\/such\/interpreter, which is not there/],
    [["./dos"], /Windows line ends/],
    [["./foreign"], /built for processor 2, this machine is/],
    [["true", "a\0b"], /argument 1 of true holds a zero byte/],
    [["true", "ok", "x".repeat(131_072)], /argument 2 of true is 131072 bytes long, the system takes 131071; use a response file/],
    [["true", ...Array<string>(400).fill("x".repeat(20_000))], /command line of true has 8\d{6} bytes/],
    [["-c", "true"], /begins with "-"/],
  ];
  for (const [argv, why] of table) {
    const { exit, log } = await run(argv);
    assert.is(exit.is, "not-started", JSON.stringify(argv).slice(0, 80));
    if (exit.is === "not-started") assert.match(exit.why, why);
    assert.is(log, "");
  }
  assert.is((await run(["true"], { "A=B": "" })).exit.is, "not-started");
  assert.equal((await run(["true"])).exit, { is: "exited", code: 0 });
});

law("the environment is exactly what was given", async ({ run }) => {
  const dump = async (vars: Record<string, string>) =>
    (await run(["env", "-0"], vars)).log
      .split("\0")
      .filter((l) => l !== "" && !l.startsWith("_=/"))
      .sort();
  const base = ["LC_ALL=C.UTF-8", `PATH=${PATH}`, "PWD=/proc/self/cwd"];
  assert.equal(await dump({}), base);
  const vars = {
    SPACE: "a b",
    QUOTE: 'it\'s "q"',
    LINES: "a\n\nb\n",
    DOLLAR: "$HOME `id` \\n",
    EMPTY: "",
    UTF: "ü€😀",
    lower_1: "x",
    "A-B": "dash",
    "ProgramFiles(x86)": "C:\\",
    OPTIND: "what",
    PPID: "1",
    UID: "7",
    IFS: "x",
    SHELLOPTS: "y",
    OLDPWD: "/o",
    LINENO: "l",
    SHLVL: "9",
    PS4: "$(id)",
    LC_CTYPE: "nowhere",
  };
  assert.equal(await dump(vars), [...base, ...Object.entries(vars).map(([k, v]) => `${k}=${v}`)].sort());
  assert.equal(await dump({ PWD: "/other", LC_ALL: "C" }), ["LC_ALL=C", `PATH=${PATH}`, "PWD=/other"], "vars go before base");
  assert.equal(await dump({}), base, "nothing stays behind");
});

law(
  "without PWD there is none",
  async ({ run }) => {
    assert.is((await run(["env", "-0"])).log.replace(/_=[^\0]*\0/, ""), "PATH=/usr/bin:/bin\0");
  },
  { PATH },
);

law(
  "names in base that a shell keeps for itself",
  async ({ run }) => {
    const lines = (await run(["env", "-0"], { "X-Y": "2" })).log.split("\0").sort();
    for (const want of ["IFS=:", "OPTIND=77", "A.B=1", "X-Y=2"]) assert.ok(lines.includes(want), want);
  },
  { PATH, IFS: ":", OPTIND: "77", "A.B": "1" },
);

law("arguments arrive as they are", async ({ run }) => {
  const pieces = [
    "'",
    '"',
    "\\",
    "\n",
    "$",
    "$(id)",
    "`id`",
    "!",
    "#",
    " ",
    "\t",
    "\r",
    "*",
    "?",
    "~",
    "%s",
    "{a,b}",
    "&",
    "|",
    ";",
    "<",
    ">",
    "(",
    ")",
    "-n",
    "=",
    "é",
    "€",
    "😀",
    "\u0001",
    "\u007f",
    "x",
    "''",
    "'\\''",
    "EOF",
    "\r\n",
  ];
  const word = () => Array.from({ length: random.below(8) }, () => pieces[random.below(pieces.length)]).join("");
  for (let i = 0; i < 60; i++) {
    const words = Array.from({ length: 1 + random.below(20) }, word);
    const value = word();
    const { exit, log } = await run(["sh", "-c", 'printf "%s\\0" "$V" "$@"', "sh", ...words], { V: value });
    assert.equal(exit, { is: "exited", code: 0 });
    assert.equal(log.split("\0").slice(0, -1), [value, ...words]);
  }
});

law("an action holds no descriptor that another process of ours would not", async ({ run }) => {
  assert.is((await run(["ls", "/proc/self/fd"])).log, execFileSync("ls", ["/proc/self/fd"], { encoding: "utf8" }));
});

law("long command lines", async ({ run }) => {
  for (const length of [3900, 4000, 4096, 4200, 65_536, 131_071])
    assert.is((await run(["printf", "%s", "y".repeat(length)])).log.length, length);
  const many = Array.from({ length: 20_000 }, (_, i) => `it's-${i}\n`);
  assert.is((await run(["printf", "%s", ...many])).log, many.join(""));
});

law("logs keep the order and do not mix", async ({ sh }) => {
  const loop = (name: string) => `i=0; while [ $i -lt 300 ]; do echo ${name}$i; echo ${name}$i >&2; i=$((i+1)); done`;
  const want = (name: string) => Array.from({ length: 300 }, (_, i) => `${name}${i}\n${name}${i}\n`).join("");
  for (let round = 0; round < 5; round++) {
    const [a, b] = await Promise.all([sh(loop("a")), sh(loop("b"))]);
    assert.is(a.log, want("a"));
    assert.is(b.log, want("b"));
    assert.equal([a.slot, b.slot], [1, 2]);
  }
  assert.is((await sh("echo one; echo two >/dev/stderr; echo three")).log.includes("three"), true);
  assert.is((await sh("printf 'a\\377b'")).log, "a\ufffdb");
  assert.is((await sh('read x; echo "[$x]"')).log, "[]\n", "stdin is empty");
});

law("a huge log loses its middle", async ({ sh }) => {
  const { log } = await sh("echo first; yes 0123456789012345678901234567890123456789 | head -c 12000000; echo; echo last");
  assert.ok(log.startsWith("first\n0123") && log.endsWith("\nlast\n"));
  assert.ok(log.length < 10_100_000);
  const left = Number(/\n\[fb left out (\d+) bytes of this log\]\n/.exec(log)?.[1]);
  const note = `\n[fb left out ${left} bytes of this log]\n\n`.length;
  assert.is(log.length - note + left, 12_000_012);
});

law("what stays in the background holds up nothing", async ({ sh }) => {
  for (let i = 0; i < 3; i++) assert.is((await sh("sh -c 'while :; do :; done' & echo front")).log, "front\n");
});

test("a background process of one action does not reach the next one's log", async () => {
  const dir = tempDir();
  const runner = openSlots({ slots: 1, cwd: dir, base: { PATH }, logDir: path.join(dir, "l"), guardian: null, shell: "/bin/sh" });
  const [go, done, pid] = [fifo(dir, "go"), fifo(dir, "done"), fifo(dir, "pid")];
  const told = heard(pid);
  const sh = (script: string) => runner.run({ argv: ["sh", "-c", script], vars: {} }, never);
  assert.is(
    (await sh(`sh -c 'echo $$ >${pid}; read x <${go}; echo LATE; echo done >${done}; while :; do :; done' & echo front`)).log,
    "front\n",
  );
  const stayed = Number(await told);
  assert.is((await sh(`echo go >${go}; read y <${done}; echo second`)).log, "second\n");
  assert.ok(isAlive(stayed));
  await runner.close();
  assert.not(isAlive(stayed));
});

law("a stop ends the whole group within half a second", async ({ dir, run, sh }) => {
  const pids = fifo(dir, "pids");
  for (const trap of ["trap '' TERM; ", ""]) {
    const stop = new AbortController();
    const told = heard(pids);
    const inner = `${trap}sh -c "${trap}while :; do echo x >>late; done" & exec 3>${pids}; echo $! $$ >&3; exec 3>&-; while :; do :; done`;
    const ran = sh(inner, stop.signal);
    const alive = (await told).trim().split(" ").map(Number);
    assert.ok(alive.length === 2 && alive.every(isAlive));
    const t = performance.now();
    stop.abort();
    assert.equal((await ran).exit, { is: "cancelled" });
    assert.ok(performance.now() - t < 500, `${performance.now() - t} ms`);
    assert.not(alive.some(isAlive), "nobody is left");
  }
  assert.equal((await run(["true"])).exit, { is: "exited", code: 0 }, "the slot is back");
  const stopped = new AbortController();
  stopped.abort();
  assert.equal((await run(["touch", "never"], {}, stopped.signal)).exit, { is: "cancelled" });
  assert.not(fs.existsSync(path.join(dir, "never")));
});

law("closing stops what runs", async ({ dir, runner, sh }) => {
  const pid = fifo(dir, "pid");
  const told = heard(pid);
  const ran = sh(`echo $$ >${pid}; while :; do :; done`);
  const alive = Number(await told);
  await runner.close();
  assert.equal((await ran).exit, { is: "cancelled" });
  assert.not(isAlive(alive));
});

law("killNow ends what runs without asking", async ({ dir, runner, sh }) => {
  const pid = fifo(dir, "pid");
  const told = heard(pid);
  const ran = sh(`trap '' TERM; echo $$ >${pid}; while :; do :; done`);
  const alive = Number(await told);
  runner.killNow();
  assert.equal((await ran).exit, { is: "signalled", signal: "SIGKILL" });
  assert.not(isAlive(alive));
});

test("a slot killed from outside is told and replaced", async () => {
  const dir = tempDir();
  const runner = openSlots({ slots: 1, cwd: dir, base: { PATH }, logDir: path.join(dir, "l"), guardian: null, shell: "/bin/sh" });
  const sh = (script: string) => runner.run({ argv: ["sh", "-c", script], vars: {} }, never);
  const pids = fifo(dir, "pids");
  const told = heard(pids);
  const ran = sh(`echo before; echo $PPID $$ >${pids}; while :; do :; done`);
  const [slot = 0, action = 0] = (await told).trim().split(" ").map(Number);
  process.kill(slot, "SIGKILL");
  assert.equal(await ran, { exit: { is: "signalled", signal: "SIGKILL" }, log: "before\n", slot: 1 });
  assert.not(isAlive(action), "the action does not outlive it");
  assert.is((await sh("echo again")).log, "again\n");
  // While idle.
  const idle = Number((await sh("echo $PPID")).log);
  process.kill(idle, "SIGKILL");
  while (isAlive(idle)) await new Promise(setImmediate);
  assert.is((await sh("echo after")).log, "after\n");
  await runner.close();
});

test("a missing folder or shell is an answer", async () => {
  const dir = tempDir();
  const o = { slots: 1, cwd: dir, base: { PATH }, logDir: path.join(dir, "l"), guardian: null, shell: "/bin/sh" };
  for (const bad of [
    { ...o, shell: "/no/sh" },
    { ...o, cwd: "/no/where" },
    { ...o, logDir: "/dev/null/x" },
  ]) {
    const runner = openSlots(bad);
    for (let i = 0; i < 2; i++) assert.is((await runner.run({ argv: ["true"], vars: {} }, never)).exit.is, "not-started");
    await runner.close();
  }
  const runner = openSlots(o);
  assert.is((await runner.run({ argv: ["rm", "-r", "l"], vars: {} }, never)).exit.is, "not-started", "its log is gone");
  await runner.close();
});

test("5,000 actions in 2 slots leak nothing", async () => {
  const dir = tempDir();
  const runner = openSlots({ slots: 2, cwd: dir, base: { PATH }, logDir: path.join(dir, "l"), guardian: null, shell: "/bin/sh" });
  const stop = new AbortController();
  const run = () => runner.run({ argv: ["true"], vars: { A: "1" } }, stop.signal);
  const fds = () => fs.readdirSync("/proc/self/fd").length;
  await Promise.all([run(), run()]);
  const before = fds();
  const slotFds = async () => (await runner.run({ argv: ["sh", "-c", "ls /proc/$PPID/fd | wc -l"], vars: {} }, never)).log;
  const slotBefore = await slotFds();
  for (let i = 0; i < 50; i++)
    for (const { exit } of await Promise.all(Array.from({ length: 100 }, run))) assert.equal(exit, { is: "exited", code: 0 });
  assert.is(fds(), before);
  assert.is(await slotFds(), slotBefore);
  assert.is(fs.readdirSync(path.join(dir, "l")).filter((f) => !f.endsWith(".err")).length, 0);
  await runner.close();
});

test("quote", () => {
  assert.is(quote("it's"), "'it'\\''s'");
  assert.is(quote(""), "''");
});

test.run();
