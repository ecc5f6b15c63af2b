/** Real avrdude flashes virtual boards through their real bootloaders; then the program runs from a reset. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { boardFacts } from "../../../../cli/device/sim/board-facts.ts";
import { loadHex } from "../../../../cli/device/sim/hex.ts";
import { type OpenBoard, openBoard, withBootloader } from "../../../../cli/device/sim/open.ts";
import type { Said } from "../../../../cli/device/sim/process.ts";
import type { SimPort } from "../../../../cli/device/sim/one-client.ts";
import { servePort } from "../../../../cli/device/sim/port.ts";
import type { Result } from "../../../../engine/types.ts";

const CORE = process.env["ARDUINO_CORE"] ?? "/usr/share/arduino/hardware/arduino/avr";
const missing = ["avrdude", "avr-gcc"].filter(
  (tool) => !(process.env["PATH"] ?? "").split(delimiter).some((at) => existsSync(join(at, tool))),
);
if (missing.length > 0) process.stdout.write(`(not tested: ${missing.join(" and ")} missing) `);
const flashes = missing.length > 0 ? test.skip : test;
const folder = mkdtempSync(join(tmpdir(), "fb-sim-"));
const processes = new Set<ChildProcess>();
const ports = new Set<SimPort>();
test.after(async () => {
  await Promise.all([...ports].map((one) => one.close()));
  for (const one of processes) one.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function value<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

/** A program that says hello, then says again what it hears; bytes: as long as this at least. */
function program(mcu: string, name: string, bytes = 0): string {
  const source = `#include <avr/io.h>
#include <avr/pgmspace.h>
#include <util/delay.h>
static const char filling[${bytes + 1}] PROGMEM = {1};
static void say(char c) { while (!(UCSR0A & _BV(UDRE0))) {} UDR0 = c; }
int main(void) {
  UBRR0 = 103;
  UCSR0B = _BV(RXEN0) | _BV(TXEN0);
  for (const char *c = "hello from ${name}\\n"; *c; c++) say(*c);
  say(pgm_read_byte(&filling[UBRR0L - 103]) + '0');
  for (;;) { while (!(UCSR0A & _BV(RXC0))) {} say(UDR0); }
}
`;
  const elf = join(folder, `${name}.elf`);
  writeFileSync(join(folder, `${name}.c`), source);
  run("avr-gcc", ["-Os", `-mmcu=${mcu}`, "-DF_CPU=16000000L", join(folder, `${name}.c`), "-o", elf]);
  run("avr-objcopy", ["-O", "ihex", elf, join(folder, `${name}.hex`)]);
  return join(folder, `${name}.hex`);
}

function run(tool: string, argv: readonly string[]): void {
  const ran = spawnSync(tool, argv, { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`${tool} ${argv.join(" ")}: ${ran.stderr}`);
}

/** The Uno's own bootloader, made small enough for its section: Debian's build of it is not. */
function optiboot(): OpenBoard {
  const source = join(CORE, "bootloaders/optiboot/optiboot.c");
  const elf = join(folder, "optiboot.elf");
  const define = ["-mmcu=atmega328p", "-DF_CPU=16000000L", "-DLED_START_FLASHES=3", "-DBAUD_RATE=115200"];
  const small = ["-Os", "-fno-inline-small-functions", "-fno-split-wide-types", "-fno-tree-scev-cprop", "-fno-move-loop-invariants"];
  const place = ["-Wl,--section-start=.text=0x7e00", "-Wl,--section-start=.version=0x7ffe", "-Wl,--relax", "-nostartfiles", "-nostdlib"];
  run("avr-gcc", [...define, ...small, ...place, source, "-o", elf]);
  const sections = [".text", ".data", ".version"].flatMap((one) => ["-j", one]);
  run("avr-objcopy", [...sections, "--set-section-flags", ".version=alloc,load", "-O", "ihex", elf, join(folder, "optiboot.hex")]);
  const [facts] = value(boardFacts("uno", readFileSync(join(CORE, "boards.txt"), "utf8"), "boards.txt"));
  if (facts === undefined) throw new Error("no facts");
  return value(withBootloader(facts, join(folder, "optiboot.hex")));
}

/** No flash of these takes as long, on a busy machine too; one that does hangs. */
const HANG_MS = 120_000;

interface Flashed {
  readonly code: number | null;
  readonly log: string;
}

/** onLog: told all of the log so far whenever there is more. */
function avrdude(argv: readonly string[], onLog: (log: string) => void = () => {}): Promise<Flashed> {
  const child = spawn("avrdude", argv, { stdio: ["ignore", "pipe", "pipe"], timeout: HANG_MS, killSignal: "SIGKILL" });
  processes.add(child);
  let log = "";
  const more = (data: Buffer) => onLog((log += data));
  child.stdout.on("data", more);
  child.stderr.on("data", more);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, log })));
}

/** What the port says until it has said all of `until`; says: sent when the program has said its hello. */
async function listen(port: number, says: string, until: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  let said = false;
  for await (const data of socket) {
    heard += data;
    if (!said && heard.endsWith("\n1")) {
      said = true;
      socket.write(says);
    }
    if (heard.includes(until)) return heard;
  }
  throw new Error(`the port closed after ${JSON.stringify(heard)}`);
}

async function flashAndRun({ board, facts, flash }: OpenBoard, part: string): Promise<void> {
  const hex = program(facts.chip.mcu, `good-${part}`, 900);
  const other = program(facts.chip.mcu, `other-${part}`);
  const served = await servePort(board);
  ports.add(served);
  const argv = ["-p", part, "-c", facts.protocol, "-b", String(facts.speed), "-P", `net:127.0.0.1:${served.port}`, "-D", "-U"];
  const bootloader = flash.slice(facts.chip.nrwwStart);
  const written = await avrdude([...argv, `flash:w:${hex}:i`]);
  assert.is(written.code, 0, written.log);
  assert.match(written.log, /bytes of flash verified/);
  assert.ok(Buffer.from(flash.subarray(facts.chip.nrwwStart)).equals(Buffer.from(bootloader)), "the bootloader is as it was");
  const heard = await listen(served.port, "echo of all this\n", "this\n");
  assert.is(heard, `hello from good-${part}\n1echo of all this\n`);
  const verified = await avrdude([...argv, `flash:v:${other}:i`]);
  assert.is(verified.code, 1, verified.log);
  assert.match(verified.log, /verification/);
}

flashes("an Uno with optiboot", () => flashAndRun(optiboot(), "m328p"));
flashes("sim:uno with the bootloader that the core has", () => flashAndRun(value(openBoard("uno", CORE)), "m328p"));
flashes("sim:mega", () => flashAndRun(value(openBoard("mega", CORE)), "m2560"));

flashes("three boards are flashed at once", async () => {
  const hex = program("atmega328p", "three", 900);
  const all = await Promise.all(
    [1, 2, 3].map(async () => {
      const { port } = await startProcess();
      return avrdude(["-p", "m328p", "-c", "arduino", "-b", "57600", "-P", `net:127.0.0.1:${port}`, "-D", "-U", `flash:w:${hex}:i`]);
    }),
  );
  assert.equal(
    all.map((one) => one.code),
    [0, 0, 0],
    all.map((one) => one.log).join("\n"),
  );
});

flashes("a board that goes in the middle of a flash: avrdude fails", async () => {
  const hex = program("atmega328p", "gone", 20_000);
  const { board } = value(openBoard("uno", CORE));
  const served = await servePort(board);
  let closed: Promise<void> | null = null;
  // While avrdude waits for an answer: 7.1 that learns of it as it writes reads for ever afterwards.
  const close = async () => {
    while (board.waiting === 0) await new Promise(setImmediate);
    await served.close();
  };
  const argv = ["-p", "m328p", "-c", "arduino", "-b", "57600", "-P", `net:127.0.0.1:${served.port}`, "-D", "-U", `flash:w:${hex}:i`];
  const ended = await avrdude(argv, (log) => {
    if (/Writing \| #/.test(log)) closed ??= close();
  });
  assert.ok(closed !== null, ended.log);
  // 1, or ended by SIGPIPE.
  assert.is.not(ended.code, 0, ended.log);
  await closed;
});

test("a board's process ends with its stdin", async () => {
  const { child } = await startProcess();
  const exit = once(child, "exit");
  child.stdin?.end();
  assert.equal(await exit, [0, null]);
});

test("a second client is turned away, a later one is not", async () => {
  const { board } = value(openBoard("uno", CORE));
  const served = await servePort(board);
  ports.add(served);
  const first = connect(served.port, "127.0.0.1");
  await once(first, "connect");
  const second = connect(served.port, "127.0.0.1");
  await new Promise((resolve) => second.on("error", () => {}).on("close", resolve));
  first.end();
  await once(first.resume(), "close");
  const third = connect(served.port, "127.0.0.1");
  // STK_GET_SYNC of the bootloader's protocol: 0x30 0x20 is answered by 0x14 0x10.
  third.write(Uint8Array.of(0x30, 0x20));
  const [answer] = await once(third, "data");
  assert.equal([...answer].slice(0, 2), [0x14, 0x10]);
  third.destroy();
});

flashes("what is typed while the bootloader listens is no programmer's: the program starts soon all the same", async () => {
  const { board, flash } = value(openBoard("uno", CORE));
  value(loadHex(readFileSync(program("atmega328p", "typed"), "latin1"), flash, "typed.hex"));
  const served = await servePort(board);
  ports.add(served);
  const socket = connect(served.port, "127.0.0.1");
  socket.write("x");
  const hang = setTimeout(() => socket.destroy(), 15_000);
  let heard = "";
  for await (const data of socket) {
    heard += data;
    if (heard.includes("hello from typed\n")) break;
  }
  clearTimeout(hang);
  assert.match(heard, /hello from typed\n/);
});

test("boards that are not simulated are named", () => {
  const text = readFileSync(join(CORE, "boards.txt"), "utf8");
  const leonardo = boardFacts("leonardo", text, "boards.txt");
  assert.match(leonardo.ok ? "" : leonardo.failure.message, /USB/);
  const none = boardFacts("due", text, "boards.txt");
  assert.match(none.ok ? "" : none.failure.hint, /sim:uno/);
  const bare = boardFacts("uno", "uno.build.mcu=atmega328p\n", "boards.txt");
  assert.match(bare.ok ? "" : bare.failure.message, /uno\.bootloader\.high_fuses/);
});

async function startProcess(): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  const entry = new URL("../../../../cli/device/sim/process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [entry, "serve", "uno", CORE], { stdio: ["pipe", "pipe", "inherit"] });
  processes.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const served: Said = JSON.parse(line);
    if (!("port" in served)) throw new Error(line);
    return { port: served.port, child };
  }
  throw new Error("the process said nothing");
}

test.run();
