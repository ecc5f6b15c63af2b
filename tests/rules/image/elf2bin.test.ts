/** Images of the ESP8266: digests of what the core's tools/elf2bin.py (3.1.2) wrote of the same ELF files, recorded by hand. */
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { esp8266Image } from "../../../rules/image/elf2bin.ts";
import { INNER_VERSIONS, innerTool } from "../../../rules/inner-tools.ts";
import { elfOf, noise } from "./elf-writer.ts";

const section = (name: string, address: number, length: number, seed: number) => ({ name, address, content: noise(length, seed) });
const eboot = elfOf(0x4010f480, [section(".text", 0x4010f000, 300, 1), section(".rodata", 0x4010f12c, 20, 2)]);

function app(i: number, [irom, text, text1, data, rodata]: readonly [number, number, number, number, number]): Uint8Array {
  return elfOf(0x40100004 + i, [
    ...[section(".data", 0x3ffe8000, data, 3), section(".rodata", 0x3ffe8010, rodata, 4), section(".text", 0x40100000, text, 5)],
    ...[section(".text1", 0x40107000, text1, 6), section(".irom0.text", 0x40201010, irom, 7), section(".comment", 0, 9, 8)],
  ]);
}

const RECORDED = [
  [[100, 40, 0, 8, 12], "qio", 40e6, 4 << 20, "84de7aa8a85f1d027b8326d4fcae6f9975052f63a9578199b54a3d205d7a5aca"],
  [[160, 33, 5, 1, 7], "dout", 80e6, 512 << 10, "3455bcbb9f38f643f418c54402d257cad7eac86ed7ea70939084c2a969847a43"],
  [[20, 3, 1, 4, 1], "dio", 26e6, 16 << 20, "55bcf435d550471d96b6077faf26fe894bad7706dfe1e05ec3c11a40967218c5"],
] as const;

for (const [i, [sizes, mode, frequency, size, digest]] of RECORDED.entries())
  test(`as elf2bin.py: ${mode} ${frequency / 1e6} MHz ${size / 1024} KiB`, () => {
    const image = esp8266Image(["eboot.elf", eboot], ["app.elf", app(i, sizes)], { mode, frequency, size });
    assert.ok(image?.ok);
    assert.is(image?.ok ? createHash("sha256").update(image.value).digest("hex") : "", digest);
  });

test("a program without a section, a bootloader that is too long, no ELF file, an unknown flash", () => {
  const flash = { mode: "dio", frequency: 40e6, size: 1 << 20 };
  const why = (boot: Uint8Array, program: Uint8Array) => {
    const image = esp8266Image(["eboot.elf", boot], ["app.elf", program], flash);
    return image === null || image.ok ? null : [image.failure.code, image.failure.file];
  };
  const whole = app(0, [20, 4, 4, 4, 4]);
  assert.equal(why(eboot, eboot), ["image.no-section", "app.elf"]);
  assert.equal(why(elfOf(0, [section(".text", 0, 4060, 1), section(".rodata", 0, 8, 1)]), whole), ["image.eboot", "eboot.elf"]);
  assert.equal(why(new Uint8Array(10), whole), ["elf.malformed", "eboot.elf"]);
  assert.is(esp8266Image(["e", eboot], ["a", whole], { ...flash, size: 3 << 20 }), null);
  assert.is(esp8266Image(["e", eboot], ["a", whole], { ...flash, mode: "fast" }), null);
});

test("each tool of fb's own stands in keys with its version", () => {
  for (const [name, version] of Object.entries(INNER_VERSIONS))
    assert.is(innerTool(["fb", "tool", name, "${in}"]), `fb tool ${name} ${version}`);
  assert.is(innerTool(["fb", "tool", "size"]), "fb");
  assert.is(innerTool(["gcc"]), "fb");
});

test.run();
