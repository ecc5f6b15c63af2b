/** Boards in their boot ROM's loader: UF2 files copied to folders that are drives, picotool (a stand-in) that finds a board or none, a virtual board in the place of both. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { PicoBoard } from "../../../cli/device/sim/pico/board.ts";
import { servePort } from "../../../cli/device/sim/port.ts";
import { drive, mountedFolders, picotool } from "../../../cli/flash/bootsel.ts";
import type { InnerSurroundings, InnerUpload } from "../../../cli/flash/inner.ts";
import { uf2Of } from "../../../rules/image/uf2.ts";
import { CUSTOM } from "../../../rules/uploads.ts";

const folder = mkdtempSync(join(tmpdir(), "fb-bootsel-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const image = uf2Of(new Map([[0x10000000, new Uint8Array(256).fill(7)]]), 0xe48bff56);
writeFileSync(join(folder, "firmware.uf2"), image);

/** A folder that looks like a loader's drive. */
function drives(name: string, info = true): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  if (info) writeFileSync(join(path, "INFO_UF2.TXT"), "UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n");
  return path;
}

async function ran(upload: InnerUpload, args: readonly string[], more: Partial<InnerSurroundings> = {}): Promise<readonly string[]> {
  const stop = new AbortController().signal;
  const around = { folder, stop, patience: 0.02, uploader: CUSTOM, drives: () => [], onProgress: () => {}, ...more };
  const done = await upload(args, around);
  return done.ok ? ["ok", done.value] : [done.failure.code, String(done.failure.exit), `${done.failure.message} | ${done.failure.hint}`];
}

const TO = (port: string) => ["--port", port, "--image", "firmware.uf2"];

test("the drive that has an INFO_UF2.TXT gets the file, whole; others are left alone", async () => {
  const [plain, pico] = [drives("plain", false), drives("RPI RP2")];
  const percents: number[] = [];
  const [how] = await ran(drive, TO(""), { drives: () => [plain, pico, join(folder, "gone")], onProgress: (_, p) => percents.push(p) });
  assert.is(how, "ok");
  assert.equal(readFileSync(join(pico, "firmware.uf2")), Buffer.from(image));
  assert.is(existsSync(join(plain, "firmware.uf2")), false);
  assert.is(percents.at(-1), 100);
});

test("one that is mounted while it is waited for; one that is named, though others are there", async () => {
  let looks = 0;
  const late = drives("late");
  assert.is((await ran(drive, TO("/dev/ttyACM0"), { drives: () => (++looks > 3 ? [late] : []) }))[0], "ok");
  assert.ok(existsSync(join(late, "firmware.uf2")));
  const named = drives("named");
  assert.is((await ran(drive, TO(named), { drives: () => [late] }))[0], "ok");
  assert.ok(existsSync(join(named, "firmware.uf2")));
});

test("a drive that is known by another file", async () => {
  const [nucleo, pico] = [drives("NODE_F411RE", false), drives("pico")];
  const marked = [...TO(""), "--", "MBED.HTM", "mbed.htm"];
  const [none, exit, says] = await ran(drive, marked, { drives: () => [nucleo, pico] });
  assert.equal([none, exit], ["flash.no-drive", "5"]);
  assert.match(says ?? "", /no drive with a file MBED\.HTM or mbed\.htm.*plug the board in/);
  writeFileSync(join(nucleo, "mbed.htm"), "");
  assert.is((await ran(drive, marked, { drives: () => [pico, nucleo] }))[0], "ok");
  assert.equal([existsSync(join(nucleo, "firmware.uf2")), existsSync(join(pico, "firmware.uf2"))], [true, false]);
});

test("no drive, a folder that is none, two of them, one that can not be written to", async () => {
  const [none, exit, says] = await ran(drive, TO(""));
  assert.equal([none, exit], ["flash.no-drive", "5"]);
  assert.match(says ?? "", /INFO_UF2\.TXT.*hold the BOOTSEL button.*upload_port/);
  assert.is((await ran(drive, TO(drives("empty", false))))[0], "flash.no-drive");
  const two = await ran(drive, TO(""), { drives: () => [drives("a"), drives("b")] });
  assert.is(two[0], "flash.two-drives");
  assert.match(two[2] ?? "", /\/a, .*\/b/);
  const full = drives("full");
  mkdirSync(join(full, "firmware.uf2"));
  const refused = await ran(drive, TO(full));
  assert.equal(refused.slice(0, 2), ["flash.drive", "5"]);
  assert.match(refused[2] ?? "", /took 0 of 512 bytes/);
  assert.is((await ran(drive, ["firmware.uf2"]))[0], "tool.usage");
});

/** A picotool that says to `info -d` what there is, and notes its other calls. */
function standIn(name: string, info: string, load: string): string {
  const path = join(folder, name);
  const note = `echo "$*" >> ${JSON.stringify(`${path}.log`)}`;
  writeFileSync(path, `#!/bin/sh\nif [ "$1" = info ]; then ${info}; else ${note}; ${load}; fi\n`);
  chmodSync(path, 0o755);
  return path;
}

test("picotool is called when it finds a board; what it says when it finds none, or fails, is told", async () => {
  const count = join(folder, "count");
  const later = `echo x >> ${JSON.stringify(count)}; [ $(wc -l < ${JSON.stringify(count)}) -gt 2 ] && echo ' type: RP2040'`;
  const good = standIn("good", later, "echo 'Loading into Flash: [==============================]  100%'");
  const load = (program: string) => [...TO("/dev/ttyACM0"), "--", program, "load", "-v", "-x", "firmware.elf"];
  const [how, output] = await ran(picotool, load(good), { patience: 1 });
  assert.is(how, "ok");
  assert.match(output ?? "", /Loading/);
  assert.is(readFileSync(`${good}.log`, "utf8"), "load -v -x firmware.elf\n");
  assert.is(readFileSync(count, "utf8").length, 6, "asked until it was there");
  const nobody = standIn("nobody", "true", "echo 'No accessible RP-series devices in BOOTSEL mode were found.'; exit 249");
  const none = await ran(picotool, load(nobody));
  assert.equal(none.slice(0, 2), ["flash.no-bootsel", "5"]);
  assert.match(none[2] ?? "", /hold the BOOTSEL button.*udev/);
  const broken = await ran(picotool, load(standIn("broken", "echo type: RP2350", "echo 'ERROR: flash verify failed'; exit 1")));
  assert.is(broken[0], "flash.failed");
  assert.match(broken[2] ?? "", /exit code 1 \(ERROR: flash verify failed\)/);
  assert.is((await ran(picotool, load(join(folder, "absent"))))[0], "flash.not-started");
  assert.is((await ran(picotool, TO("")))[0], "tool.usage");
});

test("a virtual board takes the UF2 at its port, whichever way it is; one for another chip it refuses", async () => {
  const port = await servePort(new PicoBoard());
  try {
    const at = `127.0.0.1:${port.port}`;
    assert.equal(await ran(drive, TO(at)), ["ok", `taken: ${image.length} bytes\n`]);
    assert.is((await ran(picotool, [...TO(at), "--", join(folder, "absent"), "load", "x"]))[0], "ok");
    writeFileSync(join(folder, "other.uf2"), uf2Of(new Map([[0x20000000, new Uint8Array(256)]]), 0xe48bff56));
    const refused = await ran(drive, ["--port", at, "--image", "other.uf2"]);
    assert.is(refused[0], "flash.refused");
    assert.match(refused[2] ?? "", /outside of the flash/);
  } finally {
    await port.close();
  }
  assert.is((await ran(drive, TO(`127.0.0.1:${port.port}`)))[0], "flash.refused");
});

test("what is mounted on this machine", () => {
  if (process.platform === "linux") assert.ok(mountedFolders().includes("/"));
});

test.run();
