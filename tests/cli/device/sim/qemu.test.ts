/** Virtual boards that are QEMU, behind their port: images that they take or refuse, what is typed, clients that go, ends. With a stand-in for QEMU; the real one: tests/e2e/ststm32.test.ts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { flashChip } from "../../../../cli/device/sim/qemu/flash-chip.ts";
import { ImageReader, imageMessage } from "../../../../cli/device/sim/qemu/image.ts";
import { lackOf, type Machine, machineNamed } from "../../../../cli/device/sim/qemu/machines.ts";
import type { SimPort } from "../../../../cli/device/sim/one-client.ts";
import { serveQemu } from "../../../../cli/device/sim/qemu/port.ts";
import { virtual } from "../../../../cli/flash/virtual.ts";
import { CUSTOM } from "../../../../rules/uploads.ts";

import { fakeQemu } from "./fake-qemu.ts";

const folder = mkdtempSync(join(tmpdir(), "fb-virtual-"));
const served: SimPort[] = [];
test.after(async () => {
  for (const port of served) await port.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A machine of fb's, run by a script. */
function machine(name: string, script: string): Machine {
  const known = machineNamed(name);
  if (known === null) throw new Error(name);
  return { ...known, registers: [], usarts: null, program: fakeQemu(join(folder, `q${Math.random()}`), [name], script) };
}

async function serve(name: string, script: string): Promise<number> {
  const port = await serveQemu(machine(name, script));
  served.push(port);
  return port.port;
}

/** One client, until what it hears fits. */
async function hears(port: number, pattern: RegExp, typed = ""): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  if (typed !== "") socket.write(typed, "latin1");
  const heard = await heardUntil(socket, pattern);
  socket.destroy();
  return heard;
}

async function heardUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let heard = "";
  for await (const bytes of socket.setEncoding("latin1")) if (pattern.test((heard += bytes as string))) break;
  return heard;
}

const write = async (port: number, bytes: string | Buffer, name = "netduinoplus2") => {
  const socket = connect(port, "127.0.0.1");
  socket.end(imageMessage({ machine: name, bytes: Buffer.from(bytes) }));
  return (await heardUntil(socket, /$^/)).trim().split("\n").at(-1) ?? "";
};

test("an image is told from what is typed, in whatever pieces it comes", () => {
  const message = imageMessage({ machine: "esp32", bytes: Buffer.from("an image") });
  for (const size of [1, 3, 7, 8, 9, 1000]) {
    const reader = new ImageReader();
    let last: unknown = null;
    for (let at = 0; at < message.length; at += size) {
      assert.ok(last === null || last === "more");
      last = reader.take(message.subarray(at, at + size));
    }
    assert.equal(last, { machine: "esp32", bytes: Buffer.from("an image") });
  }
  const typed = new ImageReader();
  assert.is(typed.take(Buffer.from("\0")), "more");
  assert.is(typed.take(Buffer.from("fb:")), "more");
  assert.equal(typed.take(Buffer.from("x")), { serial: Buffer.from("\0fb:x") }, "nothing that was held back is lost");
  assert.equal(typed.take(Buffer.from("\0fb:img\n")), { serial: Buffer.from("\0fb:img\n") });
  assert.equal(new ImageReader().take(Buffer.from("hello")), { serial: Buffer.from("hello") });
});

test("without an image it is silent; then each client finds it just started, and is heard", async () => {
  const port = await serve("netduinoplus2", 'printf "start %s\\n" "$(cat "$image")" >&3; exec sed -u "s/^/heard /" <&4 >&4');
  const idle = connect(port, "127.0.0.1");
  await once(idle, "connect");
  let said = "";
  idle.on("data", (bytes) => (said += String(bytes)));
  idle.end("hello\n");
  await once(idle, "close");
  assert.is(said, "");
  assert.is(await write(port, "one"), "taken: 3 bytes");
  assert.match(await hears(port, /heard b/, "a\nb\n"), /^start one\n(?:.*\n)*heard a\nheard b/);
  assert.match(await hears(port, /heard/, "again\n"), /^start one\nheard again/);
  assert.is(await write(port, "another", "olimex-stm32-h405"), "taken: 7 bytes", "another board with that chip");
  assert.match(await hears(port, /\n/), /start another/);
});

test("an image for another chip is refused, and the one that it has stays", async () => {
  const port = await serve("netduino2", 'cat "$image" >&3; exec sleep 600');
  assert.is(await write(port, "mine\n", "netduino2"), "taken: 5 bytes");
  const why = "sim:netduino2 is an STM32F205, and this image is for sim:netduinoplus2 (STM32F405)";
  assert.is(await write(port, "other\n"), why);
  assert.is(await hears(port, /\n/), "mine\n");
});

test("a flash chip is as large as the bootloader in it says, or as the image needs", async () => {
  const port = await serve("esp32c3", 'printf "%s %s\\n" "$(wc -c <"$image")" "$*" >&3; exec sleep 600');
  const MB = 1024 * 1024;
  for (const [bytes, header, size] of [
    [100, 0x00, 2],
    [2 * MB, 0x10, 2],
    [2 * MB + 1, 0x1f, 4],
    [100, 0x2f, 4],
    [100, 0x40, 16],
  ] as const) {
    const image = Buffer.alloc(bytes, 1);
    image.set([0xe9, 1, 2, header]);
    assert.is(await write(port, image, "esp32c3"), `taken: ${bytes} bytes`);
    const said = await hears(port, /\n/);
    assert.match(said, new RegExp(`^${size * MB} .*-M esp32c3 .*-icount 3 .*-drive file=.*,if=mtd,format=raw`));
  }
  for (const [bytes, header] of [
    [16 * MB + 1, 0x40],
    [100, 0x50],
  ] as const) {
    const image = Buffer.alloc(bytes, 1);
    image.set([0xe9, 1, 2, header]);
    assert.match(await write(port, image, "esp32c3"), /larger flash chip/);
  }
  const late = Buffer.alloc(0x1004);
  late.set([0xe9, 1, 2, 0x20], 0x1000);
  const [at0, at4k] = [flashChip(late, 0), flashChip(late, 0x1000)];
  assert.equal([at0?.length, at4k?.length, at4k?.[0x1000], at4k?.at(-1)], [2 * MB, 4 * MB, 0xe9, 0xff]);
});

test("its end is told, with its last words; the next client starts it again", async () => {
  const port = await serve("netduinoplus2", "echo hi >&3; echo 'qemu: fatal: Lockup' >&2; exit 1");
  await write(port, "x");
  for (let i = 0; i < 2; i++) assert.match(await hears(port, /ended/), /^hi\n\r\n.* ended: qemu: fatal: Lockup/);
});

test("it is gone with its client", async () => {
  const pids = join(folder, "pids");
  const port = await serve("netduinoplus2", `echo $$ >>${pids}; echo up >&3; exec sleep 600`);
  await write(port, "x");
  await hears(port, /up/);
  await hears(port, /up/);
  const [first] = readFileSync(pids, "utf8").split("\n");
  assert.throws(() => process.kill(Number(first), 0), /ESRCH/);
});

test("it is gone with the process that started it, however that ends", async () => {
  const pids = join(folder, "pids2");
  const here = (path: string) => JSON.stringify(new URL(`../../../../cli/device/sim/qemu/${path}`, import.meta.url).href);
  const script = `import { Qemu } from ${here("qemu.ts")}; new Qemu(JSON.parse(process.argv[1] ?? ""), "x").onSerial = () => process.exit(9);`;
  const slow = machine("netduinoplus2", `echo $$ >>${pids}; echo up >&3; exec sleep 600`);
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script, JSON.stringify(slow)], { stdio: "inherit" });
  assert.equal(await once(holder, "exit"), [9, null]);
  const pid = Number(readFileSync(pids, "utf8"));
  for (const end = performance.now() + 20_000; performance.now() < end; await new Promise((resolve) => setTimeout(resolve, 20)))
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
  assert.unreachable("it is there still");
});

test("who comes while another has it is refused", async () => {
  const port = await serve("netduinoplus2", "echo up >&3; exec sleep 600");
  await write(port, "x");
  const first = connect(port, "127.0.0.1");
  await heardOnce(first);
  const second = connect(port, "127.0.0.1");
  const [error] = (await once(second, "error")) as [NodeJS.ErrnoException];
  assert.is(error.code, "ECONNRESET");
  first.destroy();
});

function heardOnce(socket: Socket): Promise<unknown> {
  return once(socket, "data");
}

test("what is lacking: no program, a program without the machine, and what has it", async () => {
  const told = async (each: Machine) => {
    const lack = await lackOf(each);
    return lack === null ? null : [lack.code, lack.exit, lack.message, lack.hint];
  };
  assert.is(await told(machine("netduinoplus2", "")), null);
  const [esp, l475] = [machineNamed("esp32"), machineNamed("b-l475e-iot01a")];
  if (esp === null || l475 === null) throw new Error("no machines");
  const [code, exit, , hint] = (await told({ ...esp, program: join(folder, "none") })) ?? [];
  assert.equal([code, exit], ["device.no-qemu", 5]);
  assert.match(String(hint), /Espressif's QEMU .*github\.com\/espressif\/qemu/);
  const old = fakeQemu(join(folder, "old"), ["netduinoplus2"], "exit 1");
  assert.equal(await told({ ...l475, program: old }), [
    ...["device.no-machine", 5],
    `sim:b-l475e-iot01a: the ${old} that is here (7.2.22) has no machine b-l475e-iot01a`,
    "QEMU 9.1 has it",
  ]);
  assert.match(String((await told({ ...esp, program: old }))?.[3]), /Espressif/);
});

test("fb tool virtual: refusals name the board to take", async () => {
  const port = await serve("netduino2", "exec sleep 600");
  const around = { folder, stop: new AbortController().signal, patience: 1, uploader: CUSTOM, drives: () => [], onProgress() {} };
  const image = fakeQemu(join(folder, "image.elf"), [], "");
  const run = async (args: readonly string[]) => {
    const done = await virtual(args, around);
    return done.ok ? done.value : [done.failure.code, done.failure.exit, done.failure.hint];
  };
  const to = (at: string, name: string) => ["--port", at, "--image", "image.elf", "--machine", name];
  assert.is(await run(to(`127.0.0.1:${port}`, "netduino2")), `taken: ${readFileSync(image).length} bytes\n`);
  assert.equal(await run(to(`127.0.0.1:${port}`, "netduinoplus2")), ["flash.refused", 5, "-p sim:netduinoplus2"]);
  assert.equal(await run(to("/dev/ttyACM0", "netduino2")), ["flash.port", 5, "-p sim:netduino2"]);
  assert.match(String((await run(to(`127.0.0.1:${port}`, "")))[2]), /sim:netduinoplus2 \(STM32F405\)/);
  assert.equal((await run(["--port"]))[0], "tool.usage");
});

test.run();
