/** What panic handlers print, as devices said it, and which addresses of it are asked about. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { CrashReader } from "../../../cli/monitor/crash.ts";

function addresses(...lines: readonly string[]): string[][] {
  const reader = new CrashReader();
  return lines.map((line) => [...reader.read(line).addresses]);
}

test("ESP32: of a backtrace the code, not the stack; registers that point to code", () => {
  assert.equal(
    addresses(
      "Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.",
      "Core  1 register dump:",
      "PC      : 0x400d1a2c  PS      : 0x00060730  A0      : 0x800d2c11  A1      : 0x3ffb2190",
      "A2      : 0x00000000  A3      : 0x3ffc0000  A4      : 0x00000001  A5      : 0x400d1a2c",
      "Backtrace: 0x400d1a29:0x3ffb2190 0x400d2c0e:0x3ffb21b0 0x40089b2a:0x3ffb21d0 |<-CORRUPTED",
      "abort() was called at PC 0x400e1f0b on core 0",
      "ELF file SHA256: 1f2e3d4c5b6a7988",
      "I (1234) wifi: 0x400d1a2c",
    ),
    [
      [],
      [],
      ["0x400d1a2c", "0x00060730", "0x800d2c11", "0x3ffb2190"],
      [],
      ["0x400d1a29", "0x400d2c0e", "0x40089b2a"],
      ["0x400e1f0b"],
      [],
      [],
    ],
  );
  assert.is(new CrashReader().read("ELF file SHA256: 1F2e3d4c5b6a7988").elf, "1f2e3d4c5b6a7988");
});

test("ESP32-C3: MEPC, RA, and the words of its stack", () => {
  assert.equal(
    addresses(
      "MEPC    : 0x42003e28  RA      : 0x42075ee2  SP      : 0x3fca11b0  GP      : 0x3fc8e600  ",
      "A2      : 0x40382bde  A3      : 0x40382d98  A4      : 0x4038449c  A5      : 0x3fcdf4f8  ",
      "",
      "Stack memory:",
      "3fc92bb0: 0xa5a5a5a5 0x42003e28 0x403869d0 0x00000000 0x3fc8ac00",
      "3fc92bd0: 0x3fc8a210 0x42003e28",
      "",
      "",
      "Rebooting...",
      "ESP-ROM:esp32c3-api1-20210207",
      "rst:0xc (RTC_SW_CPU_RST),boot:0xc (SPI_FAST_FLASH_BOOT)",
      "3fc92bb0: 0xa5a5a5a5 0x42003e28",
    ),
    [
      ["0x42003e28", "0x42075ee2", "0x3fca11b0", "0x3fc8e600"],
      ...[[], [], []],
      ["0xa5a5a5a5", "0x42003e28", "0x403869d0", "0x00000000", "0x3fc8ac00"],
      ["0x3fc8a210", "0x42003e28"],
      ...[[], [], [], [], [], []],
    ],
  );
});

test("ESP8266: the cause in words, epc1, the stack between its marks, the last allocation that failed", () => {
  const reader = new CrashReader();
  assert.match(reader.read("Exception (28):").says[0] ?? "", /^exception 28, LoadProhibited: .*null pointer$/);
  assert.match(reader.read("Fatal exception (0):").says[0] ?? "", /IllegalInstruction/);
  assert.equal(reader.read("Exception (7):").says, [], "a number that has no meaning");
  assert.equal(
    addresses(
      "epc1=0x40216c64 epc2=0x00000000 epc3=0x00000000 excvaddr=0x0e9a0000 depc=0x00000000",
      ">>>stack>>>",
      "",
      "ctx: cont",
      "sp: 3ffffcd0 end: 3fffffc0 offset: 0190",
      "3ffffe60:  4024c564 00000004 3ffffea0 4020f0a4  ",
      "3fff4560:  3fff0ecc 00000005 3fff4570 402108e8 <",
      "<<<stack<<<",
      "3ffffe60:  4024c564 00000004 3ffffea0 4020f0a4  ",
      "last failed alloc call: 40201A34(4096)",
      "last failed alloc caller: 0x40201a34",
    ),
    [
      ["0x40216c64", "0x00000000", "0x0e9a0000"],
      ...[[], [], [], []],
      ["0x4024c564", "0x00000004", "0x3ffffea0", "0x4020f0a4"],
      ["0x3fff0ecc", "0x00000005", "0x3fff4570", "0x402108e8"],
      ...[[], []],
      ["0x40201a34"],
      [],
    ],
  );
});

test("a stack that is never ended does not make a trace of all that follows; a long line takes no time", () => {
  const lines = [">>>stack>>>", ...Array.from({ length: 6 }, (_, i) => `value ${i}`), "3ffffe60:  4024c564 00000004"];
  assert.equal(addresses(...lines).flat(), []);
  const long = `3ffffe60: ${"4024c564 ".repeat(7000)}!`;
  assert.equal(addresses(">>>stack>>>", long).flat(), []);
});

test.run();
