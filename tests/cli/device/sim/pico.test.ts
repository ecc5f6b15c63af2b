/** The virtual Pico: its boot ROM's functions beside JavaScript's numbers, a program in machine code that runs, is spoken to, resets itself and stops, UF2 files that it takes. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PicoBoard } from "../../../../cli/device/sim/pico/board.ts";
import { makeRom } from "../../../../cli/device/sim/pico/rom.ts";
import type { SimPort } from "../../../../cli/device/sim/one-client.ts";
import { servePort } from "../../../../cli/device/sim/port.ts";
import { uf2Of } from "../../../../rules/image/uf2.ts";

/**
 * Assembled from: a first stage that sets VTOR to 0x10000100 and jumps to the vector there, and a program that turns UART0 on, says "hello ", calls the ROM's count of ones (by its table)
 * with the watchdog's reason and says that digit, then says again what it hears; "b" is a breakpoint, "w" the watchdog's trigger, "t" lets it run out of time.
 */
const STAGE2 = Buffer.from("A0gESQhgA8iA8wiICEcAAAABABAI7QDg", "base64");
const STAGE2_SUM = 0xfb24258e;
const PROGRAM = Buffer.from(
  "ABAEIAkBABAXTBhIIGMaoQh4ACgC0CBgATH55xggB4gUIACIEkm4RwZGEk2oaLBHMDAgYAogIGCgaRAhCEL70SBoYigF0HcoBNB0KAbQIGDy5wC+ASDAByhg/ufIIGhgASCAByhg/ucAQANAAQMAAFAzAAAAgAVAaGVsbG8gAAA=",
  "base64",
);

function image(sum = STAGE2_SUM, at = 0x10000000): Uint8Array {
  const first = new Uint8Array(256);
  first.set(STAGE2);
  new DataView(first.buffer).setUint32(252, sum, true);
  const second = new Uint8Array(256);
  second.set(PROGRAM);
  const pages = new Map([
    [at, first],
    [at + 256, second],
  ]);
  return uf2Of(pages, 0xe48bff56);
}

let port: SimPort | null = null;
test.after(() => port?.close());

/** What a board says, as far as it is. */
function listened(board: PicoBoard): () => string {
  const said: number[] = [];
  board.onSerial = (byte) => said.push(byte);
  return () => Buffer.from(said.splice(0)).toString("latin1");
}

test("a program runs through the boot ROM, is heard and spoken to; its watchdog starts it anew and is told apart from power; a breakpoint stops it", () => {
  const board = new PicoBoard();
  assert.is(board.load(image()), null);
  const said = listened(board);
  board.run(0.001);
  assert.is(said(), "hello 0\n");
  board.send(Buffer.from("xy"));
  board.run(0.001);
  assert.is(said(), "xy");
  board.send(Buffer.from("w"));
  board.run(0.001);
  // The reason is one bit: forced, then time.
  assert.is(said(), "hello 1\n");
  board.send(Buffer.from("t"));
  board.run(0.001);
  assert.is(said(), "hello 1\n");
  assert.is(board.halted, null);
  board.send(Buffer.from("b"));
  board.run(0.001);
  assert.match(board.halted ?? "", /breakpoint \(0x10000152\)/);
  const at = board.seconds;
  board.run(0.5);
  assert.is(said(), "");
  assert.ok(Math.abs(board.seconds - at - 0.5) < 1e-6, "time goes on");
  board.reset();
  board.run(0.001);
  assert.is(said(), "hello 0\n");
});

test("an empty flash, a first stage with a wrong sum, files that are no program for this flash", () => {
  const board = new PicoBoard();
  board.run(0.001);
  assert.match(board.halted ?? "", /holds no program/);
  assert.is(board.load(image(1)), null);
  board.run(0.001);
  assert.match(board.halted ?? "", /holds no program/);
  assert.match(board.load(Uint8Array.of(1, 2)) ?? "", /no UF2/);
  assert.match(board.load(image(STAGE2_SUM, 0x101fff00)) ?? "", /0x10200000 lies outside/);
  assert.match(board.load(image(STAGE2_SUM, 0x20000000)) ?? "", /outside/);
  assert.is(board.load(image()), null);
  const said = listened(board);
  board.run(0.001);
  assert.is(said(), "hello 0\n");
});

test("behind a port: a UF2 that is sent is taken, anything else is serial", async () => {
  port = await servePort(new PicoBoard());
  const file = image();
  const flash = connect(port.port, "127.0.0.1");
  for (let at = 0; at < file.length; at += 300) flash.write(file.subarray(at, at + 300));
  assert.match(await all(flash), new RegExp(`^taken: ${file.length} bytes\n$`, "m"));
  const serial = connect(port.port, "127.0.0.1").setEncoding("utf8");
  let said = "";
  serial.on("data", (text: string) => {
    said += text;
    if (said === "hello 0\n") serial.write("UF2 is no magic");
    if (said.endsWith("magic")) serial.destroy();
  });
  await once(serial, "close");
  assert.is(said, "hello 0\nUF2 is no magic");
  const wrong = connect(port.port, "127.0.0.1").setEncoding("utf8");
  wrong.write(image(STAGE2_SUM, 0));
  assert.match(await all(wrong), /^0x0 lies outside/m);
});

async function all(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  await once(socket, "close");
  return text;
}

const RAM = new Uint8Array(64);
const flashed: string[] = [];
const rom = makeRom({
  read: (address) => RAM[address] ?? 0,
  write: (address, byte) => void (RAM[address] = byte),
  erase: (offset, count) => flashed.push(`erase ${offset} ${count}`),
  program: (offset, bytes) => flashed.push(`program ${offset} ${bytes.join()}`),
  start: () => flashed.push("start"),
  toLoader: () => flashed.push("loader"),
});
const words = new DataView(rom.words.buffer);

/** Calls what lies at an address of the ROM, as the core would: its breakpoint's number is in the instruction. */
function call(address: number, ...registers: number[]): Uint32Array {
  const instruction = words.getUint16(address - 1, true);
  assert.is(instruction >> 8, 0xbe);
  assert.is(words.getUint16(address + 1, true), 0x4770, "bx lr");
  const r = new Uint32Array(16);
  r.set(registers);
  rom.functions[instruction & 0xff]?.(r);
  return r;
}

function lookedUp(table: 0x14 | 0x16, name: string): number {
  const code = name.charCodeAt(0) | (name.charCodeAt(1) << 8);
  return call(words.getUint16(0x18, true), words.getUint16(table, true), code)[0] ?? 0;
}

test("the ROM's tables: what is there by its two letters, what is not is 0", () => {
  assert.equal([words.getUint8(0x10), words.getUint8(0x11), words.getUint8(0x12), words.getUint8(0x13)], [0x4d, 0x75, 1, 3]);
  assert.is(lookedUp(0x14, "XX"), 0);
  const number = (name: string, ...given: number[]) => call(lookedUp(0x14, name), ...given)[0];
  assert.equal([number("P3", 0xf0f00001), number("R3", 0x80000001 + 2), number("L3", 0x00ffffff)], [9, 0xc0000001, 8]);
  assert.equal([number("T3", 0), number("T3", 0x80), number("L3", 0)], [32, 7, 32]);
  RAM.set([1, 2, 3, 4]);
  number("MC", 8, 0, 4);
  number("S4", 0, 9, 4);
  assert.equal([...RAM.subarray(0, 12)], [9, 9, 9, 9, 0, 0, 0, 0, 1, 2, 3, 4]);
  number("IF");
  number("RE", 4096, 8192, 4096, 0x20);
  number("RP", 256, 8, 3);
  number("UB");
  assert.equal(flashed, ["erase 4096 8192", "program 256 1,2,3", "loader"]);
});

test("floating point: each entry beside JavaScript's", () => {
  const bits = new DataView(new ArrayBuffer(8));
  const float = (value: number) => (bits.setFloat32(0, value), [bits.getUint32(0)]);
  const double = (value: number) => (bits.setFloat64(0, value), [bits.getUint32(4), bits.getUint32(0)]);
  const ofFloat = ([a = 0]: Uint32Array) => (bits.setUint32(0, a), bits.getFloat32(0));
  const ofDouble = ([a = 0, b = 0]: Uint32Array) => (bits.setUint32(0, b), bits.setUint32(4, a), bits.getFloat64(0));
  const signed = ([a = 0]: Uint32Array) => a | 0;
  const wide = ([a = 0, b = 0]: Uint32Array) => BigInt.asIntN(64, (BigInt(b) << 32n) | BigInt(a));
  for (const [name, put, get] of [
    ["SF", float, ofFloat],
    ["SD", double, ofDouble],
  ] as const) {
    const table = lookedUp(0x16, name);
    assert.is(words.getUint8(table - 2), 32, "its entries are counted before it");
    const at = (offset: number, ...given: number[]) => call(words.getUint32(table + offset, true), ...given);
    assert.is(get(at(0x00, ...put(1.5), ...put(-4))), -2.5);
    assert.is(get(at(0x04, ...put(1.5), ...put(-4))), 5.5);
    assert.is(get(at(0x08, ...put(1.5), ...put(-4))), -6);
    assert.is(get(at(0x0c, ...put(1.5), ...put(-4))), -0.375);
    assert.is(get(at(0x18, ...put(2.25))), 1.5);
    assert.is(signed(at(0x1c, ...put(-1.5))), -2);
    assert.is(signed(at(0x20, ...put(-1.5), 1)), -3);
    assert.is(signed(at(0x1c, ...put(1e20))), 2 ** 31 - 1);
    assert.is(at(0x24, ...put(-5))[0], 0);
    assert.is(at(0x28, ...put(3.75), 2)[0], 15);
    assert.is(get(at(0x2c, 0xfffffffe)), -2);
    assert.is(get(at(0x30, 3, 1)), 1.5);
    assert.is(get(at(0x34, 0x80000000)), 2 ** 31);
    assert.is(get(at(0x38, 5, 2)), 1.25);
    for (const [offset, value] of [
      [0x3c, Math.cos(1)],
      [0x40, Math.sin(1)],
      [0x44, Math.tan(1)],
      [0x4c, Math.E],
      [0x50, 0],
    ] as const)
      assert.ok(Math.abs(get(at(offset, ...put(1))) - value) < 1e-6, String(offset));
    const both = at(0x48, ...put(1));
    assert.ok(Math.abs(get(both.subarray(put(1).length)) - Math.cos(1)) < 1e-6);
    assert.ok(Math.abs(get(at(0x58, ...put(1), ...put(-1))) - Math.atan2(1, -1)) < 1e-6);
    assert.is(get(at(0x5c, 0, 0xffffffff)), -(2 ** 32));
    assert.is(get(at(0x60, 6, 0, 2)), 1.5);
    assert.is(get(at(0x64, 0, 0x80000000)), 2 ** 63);
    assert.is(get(at(0x68, 0, 1, 32)), 1);
    assert.is(wide(at(0x6c, ...put(-1.5))), -2n);
    assert.is(wide(at(0x70, ...put(1.5), 40)), 3n << 39n);
    assert.is(wide(at(0x74, ...put(-7))), 0n);
    assert.is(wide(at(0x78, ...put(2 ** 32 * 1.5), 1)), 3n << 32n);
  }
  const convert = (name: string, ...given: number[]) => call(words.getUint32(lookedUp(0x16, name) + 0x7c, true), ...given);
  assert.is(ofDouble(convert("SF", ...float(0.1))), Math.fround(0.1));
  assert.is(ofFloat(convert("SD", ...double(0.1))), Math.fround(0.1));
});

test.run();
