/** Flashing through the binary: real avrdude, virtual boards with their real bootloaders, ptys with the real serial binding, TCP; and what goes wrong with devices. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { delimiter, join } from "node:path";
import { SerialPort } from "serialport";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { SimBoards } from "../../cli/device/sim/boards.ts";
import { diagnostics, digestOf, ends, freshFolder, type Ran, result, type Running, TestProject, unoCache } from "./harness.ts";
import { Rfc2217Server } from "../cli/device/rfc2217-server.ts";
import { talker } from "./talker.ts";

/** Says "tick N" every 20 ms. MORE is for tests that change it. */
const SOURCE = talker(
  `  for (const char *c = table; pgm_read_byte(c); c++) sum += pgm_read_byte(c);
  char tick[] = "tick 0\\n";
  for (;;) {
    _delay_ms(20);
    if (++tick[5] > '9') tick[5] = '0';
    say(tick);
  }`,
  `const char table[] PROGMEM = "MORE";
volatile char sum;`,
);
const INI = "[env:uno]\nplatform = atmelavr\nboard = uno\n";
const CORE = "/usr/share/arduino/hardware/arduino/avr";

function has(program: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, program)));
}
const canFlash = has("avrdude") && existsSync(CORE);
if (!canFlash) process.stdout.write("skipped: flashing, as avrdude or an Arduino core is missing\n");
const canPty = has("socat");
if (!canPty) process.stdout.write("skipped: ptys, as socat is missing\n");
function flashes(name: string, act: () => void | Promise<void>): void {
  if (canFlash) test(name, act);
}
function ptys(name: string, act: () => Promise<void>): void {
  if (canFlash && canPty) test(name, act);
}

/** The daemon's port: any, so that tests beside each other do not meet. */
const VARS = { FB_DAEMON_PORT: "0" };
const cache = unoCache();
const projects: TestProject[] = [];
const boards = new SimBoards(() => [CORE]);
test.after(async () => {
  projects[0]?.fb(["daemon", "kill"], { vars: VARS });
  await boards.close();
});

/** They share a cache, and with it a daemon and its virtual boards. */
function project(ini = INI, source = SOURCE): TestProject {
  const made = new TestProject({ "platformio.ini": ini, "src/main.c": source }, { cache });
  projects.push(made);
  return made;
}

function flash(p: TestProject, args: readonly string[], exit = 0): Ran {
  return p.run([":flash", "--packages", "system", ...args], { exit, vars: VARS });
}

function code(ran: Ran): string {
  return diagnostics(ran).filter((d) => d.severity === "error")[0]?.code ?? "";
}

function flashEnds(ran: Ran): string[] {
  return ends(ran)
    .filter((e) => e.kind === "flash")
    .map((e) => `${e.label}: ${e.status}`)
    .sort();
}

flashes(
  "a virtual Uno is flashed through its bootloader, verified, and says what it should; told how far; written again when asked again",
  () => {
    const p = project();
    const ran = flash(p, ["-p", "sim:uno"]);
    assert.equal(flashEnds(ran), ["firmware.hex → sim:uno: ran"]);
    const phases = new Set(ran.events.flatMap((e) => (e.type === "progress" ? [`${e.at} ${e.done}`] : [])));
    for (const phase of ["writing 100", "verifying 100"]) assert.ok(phases.has(phase), [...phases].join());
    const ledger = JSON.parse(p.read(".fb/state/flashed.json"));
    const { sha256, env } = ledger.devices["sim-uno-1"];
    assert.equal([env, sha256], ["uno", digestOf(p.path(".fb/build/uno/release/firmware.hex"))]);
    const monitor = p.fb(["monitor", "-p", "sim:uno", "-b", "9600", "--expect", "tick 7", "--halt-on-success", "tick 9", "-t", "60"], {
      vars: VARS,
    });
    assert.is(monitor.code, 0, `${monitor.stdout}${monitor.stderr}`);
    assert.equal(flashEnds(flash(p, ["-p", "sim:uno"])), ["firmware.hex → sim:uno: ran"]);
    assert.is(result(flash(p, ["-p", "sim:uno"])).ran, 1);
  },
);

flashes("PlatformIO's and fbuild's words flash as well; then the monitor reads", () => {
  const p = project();
  const upload = p.fb(["run", "-t", "upload", "-p", "sim:uno", "--packages", "system"], { vars: VARS });
  assert.is(upload.code, 0, upload.stderr);
  const deploy = p.fb(["deploy", "-p", "sim:uno", "--monitor=-b 9600 --expect 'tick 5' --halt-on-success 'tick 6' -t 60"], { vars: VARS });
  assert.is(deploy.code, 0, `${deploy.stdout}${deploy.stderr}`);
});

flashes("several boards at once, one result each; one that fails keeps no other from it", () => {
  const p = project();
  const ran = flash(p, ["-p", "sim:uno/2,sim:leonardo", "-p", "sim:uno/3"], 5);
  assert.equal(flashEnds(ran), ["firmware.hex → sim:leonardo: failed", "firmware.hex → sim:uno/2: ran", "firmware.hex → sim:uno/3: ran"]);
  assert.equal(Object.keys(JSON.parse(p.read(".fb/state/flashed.json")).devices).sort(), ["sim-uno-2", "sim-uno-3"]);
});

flashes("another chip than the board's: 5, what it is and what to do", () => {
  const p = project("[env:nano]\nplatform = atmelavr\nboard = nanoatmega168\n");
  const ran = flash(p, ["-p", "sim:uno"], 5);
  assert.is(code(ran), "flash.signature");
  assert.match(ran.stderr, /atmega168.*\n.*board =.*m328p/);
});

flashes("what is on the board is not what it should be: verification fails, 5, and nothing is noted as flashed", () => {
  const p = project(`${INI}upload_flags = -U\n  "flash:v:$PROJECT_DIR/other hex:i"\n`);
  flash(new TestProject({ "platformio.ini": INI, "src/main.c": SOURCE }, { folder: p.folder, cache }), ["-p", "sim:uno/4"]);
  p.write("other hex", readFileSync(p.path(".fb/build/uno/release/firmware.hex")));
  p.write("platformio.ini", `${INI}upload_flags = -U\n  "flash:v:$PROJECT_DIR/other hex:i"\n`);
  flash(p, ["-p", "sim:uno/4"]);
  p.edit("src/main.c", "MORE", "LESS");
  p.run([":firmware"]);
  p.write("other hex", readFileSync(p.path(".fb/build/uno/release/firmware.hex")));
  const ran = flash(p, ["-p", "sim:uno/4"], 5);
  assert.is(code(ran), "flash.verify");
  assert.equal(JSON.parse(p.read(".fb/state/flashed.json")).devices, {});
});

flashes("through socket://", async () => {
  const p = project();
  const place = await boards.portOf("uno", 1);
  assert.ok(place.ok);
  if (!place.ok) return;
  const running = p.start(["run", ":flash", "-p", `socket://127.0.0.1:${place.value.port}`, "--packages", "system"], { vars: VARS });
  const ran = await running.ended;
  assert.is(ran.code, 0, ran.stderr);
  const socket = connect(place.value.port, "127.0.0.1");
  let said = "";
  socket.setEncoding("utf8").on("data", (text: string) => (said += text));
  while (!said.includes("tick 3")) await once(socket, "data");
  socket.destroy();
});

async function openSerial(path: string): Promise<SerialPort> {
  const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
  await new Promise<void>((resolve, reject) => port.open((error) => (error === null ? resolve() : reject(error))));
  return port;
}

interface PtyPair {
  readonly path: string;
  readonly other: SerialPort;
  close(): Promise<void>;
}

flashes("through rfc2217://, whose server resets the board by DTR", async () => {
  const p = project();
  const place = await boards.portOf("uno", 5);
  assert.ok(place.ok);
  if (!place.ok) return;
  let socket: Socket | null = null;
  /** The board is reset by who connects: so the server does when DTR comes on. */
  const control = (value: number) => {
    if (value !== 8) return;
    socket?.destroy();
    socket = connect(place.value.port, "127.0.0.1");
    socket.on("data", (said) => server.say(said)).on("error", () => {});
  };
  const server = await Rfc2217Server.open({ device: { hear: (byte) => void socket?.write(Uint8Array.of(byte)), control } });
  try {
    const address = `rfc2217://127.0.0.1:${server.port}`;
    const ran = await p.start(["run", ":flash", "-p", address, "--packages", "system", "--json"], { vars: VARS }).ended;
    assert.is(ran.code, 0, ran.stderr);
    assert.equal(flashEnds(ran), [`firmware.hex → ${address}: ran`]);
    assert.ok(server.set.includes("baud 115200"), server.set.join());
    assert.equal(server.set.filter((one) => one === "control 9").length, 1, "one reset");
  } finally {
    (socket as Socket | null)?.destroy();
    server.close();
  }
});

/** Two joined ptys: fb has one end, the test the other. */
async function ptyPair(): Promise<PtyPair> {
  const folder = freshFolder("pty");
  const [path, far] = [join(folder, "a"), join(folder, "b")];
  const socat = spawn("socat", ["-d", "-d", `pty,rawer,link=${path}`, `pty,rawer,link=${far}`], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const text of socat.stderr.setEncoding("utf8")) {
    said += text;
    if (said.includes("starting data transfer loop")) break;
  }
  const other = await openSerial(far);
  // The pair is taken away under it.
  other.on("error", () => {});
  return {
    path,
    other,
    async close() {
      socat.kill();
      if (socat.exitCode === null && socat.signalCode === null) await once(socat, "exit");
      if (other.isOpen) await new Promise<void>((resolve) => other.close(() => resolve()));
    },
  };
}

/** Joins a pty's end to a virtual board, which is reset when the first byte comes, as DTR would. */
async function bridge(other: SerialPort): Promise<() => void> {
  const place = await boards.portOf("uno", 2);
  if (!place.ok) throw new Error(place.failure.message);
  let socket: Socket | null = null;
  other.on("data", (bytes: Buffer) => {
    if (socket === null) {
      socket = connect(place.value.port, "127.0.0.1");
      socket.on("data", (said) => other.write(said)).on("error", () => {});
    }
    socket.write(bytes);
  });
  return () => socket?.destroy();
}

ptys("through a pty with the real serial binding", async () => {
  const p = project();
  const pty = await ptyPair();
  const unbridge = await bridge(pty.other);
  try {
    const ran = await p.start(["run", ":flash", "-p", pty.path, "--packages", "system", "--json"], { vars: VARS }).ended;
    assert.is(ran.code, 0, ran.stderr);
    assert.equal(flashEnds(ran), [`firmware.hex → ${pty.path}: ran`]);
  } finally {
    unbridge();
    await pty.close();
  }
});

/** A flash through a pty, when it has begun to write. */
async function whileWritten(act: (p: TestProject, pty: PtyPair, running: Running) => Promise<void>): Promise<void> {
  const p = project(INI, SOURCE.replace("MORE", "x".repeat(12_000)));
  const pty = await ptyPair();
  const unbridge = await bridge(pty.other);
  try {
    const running = p.start(["run", ":flash", "-p", pty.path, "--packages", "system", "--json"], { vars: VARS, group: true });
    await running.until((e) => e.type === "progress" && e.at === "writing" && e.done > 5);
    await act(p, pty, running);
  } finally {
    unbridge();
    await pty.close();
  }
}

ptys("a device that vanishes while it is written: 5, and no hang", () =>
  whileWritten(async (p, pty, running) => {
    await pty.close();
    const ran = await running.ended;
    assert.is(ran.code, 5, ran.stderr);
    assert.is(code(ran), "flash.lost");
    assert.not(p.exists(".fb/state/flashed.json"));
  }),
);

ptys("Ctrl-C while it is written: 130, and the port is free", () =>
  whileWritten(async (_, pty, running) => {
    process.kill(-(running.child.pid ?? 0), "SIGINT");
    const ran = await running.ended;
    assert.is(ran.code, 130, ran.stderr);
    const again = await openSerial(pty.path);
    await new Promise<void>((resolve) => again.close(() => resolve()));
  }),
);

ptys("a bootloader that never answers: ended at the time limit, 5, and what to try", async () => {
  const p = project();
  const pty = await ptyPair();
  try {
    const ran = await p.start(["run", ":flash", "-p", pty.path, "--packages", "system", "--json", "--timeout", "3"], { vars: VARS }).ended;
    assert.is(ran.code, 5, ran.stderr);
    assert.is(code(ran), "flash.timeout");
    assert.match(ran.stderr, /reset button/);
  } finally {
    await pty.close();
  }
});

ptys("a busy port: 5, and who has it", async () => {
  const p = project();
  const pty = await ptyPair();
  const holder = await openSerial(pty.path);
  try {
    const ran = await p.start(["run", ":flash", "-p", pty.path, "--packages", "system", "--json"], { vars: VARS }).ended;
    assert.is(ran.code, 5, ran.stderr);
    assert.is(code(ran), "device.busy");
    assert.match(ran.stderr, new RegExp(`process ${process.pid}`));
  } finally {
    await new Promise<void>((resolve) => holder.close(() => resolve()));
    await pty.close();
  }
});

/** What is wrong, the exit code, the code of the message, what it says. built: whether files were made before it was seen. */
const FAULTS: readonly (readonly [
  name: string,
  ini: string,
  args: readonly string[],
  exit: number,
  code: string,
  says: RegExp,
  built: boolean,
])[] = [
  [
    "no such port: the others are named",
    INI,
    ["-p", "/dev/ttyNONE"],
    5,
    "device.not-found",
    /there is no port \/dev\/ttyNONE\n.*(ports that are there|no serial port)/,
    true,
  ],
  ["a file is no port", INI, ["-p", "/dev/null"], 5, "device.not-a-port", /not a serial port/, true],
  ["a word that names no port", INI, ["-p", "ftp://x"], 2, "device.address", /names no port/, false],
  ["nobody listens", INI, ["-p", "socket://127.0.0.1:1"], 5, "flash.refused", /Connection refused/, true],
  ["no RFC 2217 server", INI, ["-p", "rfc2217://127.0.0.1:1"], 5, "device.unreachable", /nobody listens there/, true],
  ["a board that is not simulated", INI, ["-p", "sim:leonardo"], 5, "device.sim", /USB/, true],
  [
    "two envs, one port",
    `${INI}[env:b]\nplatform = atmelavr\nboard = uno\n`,
    ["-p", "sim:uno"],
    5,
    "device.two-envs",
    /uno and b .*sim:uno/,
    false,
  ],
  ["the ini names no port", `${INI}upload_port = ftp://x\n`, [], 3, "device.address", /platformio\.ini:4.*names no port/, false],
  ["no such protocol's command", `${INI}upload_protocol = custom\n`, ["-p", "sim:uno"], 3, "upload.no-command", /upload_command/, false],
  ["an open quote", `${INI}upload_flags = "-x\n`, ["-p", "sim:uno"], 3, "upload.flags", /open quote/, false],
];

for (const [name, ini, args, exit, wanted, says, built] of FAULTS)
  flashes(`${name}: ${exit}`, () => {
    const p = project(ini);
    const ran = flash(p, args, exit);
    assert.is(code(ran), wanted, ran.stderr);
    assert.match(ran.stderr, says);
    assert.is(p.exists(".fb/build/uno/release/firmware.hex"), built);
    assert.not(p.exists(".fb/state/flashed.json"));
  });

test("a build that fails flashes nothing", () => {
  const p = project(INI, "int main(void) { return x; }\n");
  const ran = flash(p, ["-p", "sim:uno"], 1);
  assert.equal(flashEnds(ran), []);
});

test("fuses that nobody gives: 3, and the options that would", () => {
  const p = project(INI);
  const ran = p.run([":fuses"], { exit: 3, vars: VARS });
  assert.match(ran.stderr, /board_fuses\.hfuse/);
});

test("upload_command with what it names, in a shell", () => {
  const p = project(
    `${INI}upload_protocol = custom\nupload_flags = -a "b c"\nupload_command = cp $SOURCE copy.hex && echo $UPLOAD_FLAGS $PIOENV > "words of it"\n`,
  );
  p.run([":flash"], { vars: VARS });
  assert.is(digestOf(p.path("copy.hex")), digestOf(p.path(".fb/build/uno/release/firmware.hex")));
  assert.is(p.read("words of it"), "-a b c uno\n");
  p.edit("platformio.ini", "cp $SOURCE", "echo no such chip; false $SOURCE");
  const ran = p.run([":flash"], { exit: 5, vars: VARS });
  assert.is(code(ran), "flash.failed");
  assert.match(ran.stderr, /no such chip/);
});

test("a port that a TCP server only pretends to be: silence is bounded by --timeout", async () => {
  if (!canFlash) return;
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  try {
    const { port } = server.address() as AddressInfo;
    const p = project();
    const ran = await p.start(["run", ":flash", "-p", `socket://127.0.0.1:${port}`, "--timeout", "2", "--packages", "system", "--json"], {
      vars: VARS,
    }).ended;
    assert.is(ran.code, 5, ran.stderr);
  } finally {
    server.close();
  }
});

test.run();
