/** What images and partition tables of ESP32 chips are made from in tests; what Espressif's own tools made of the same stands in esp32.test.ts. */
import { elfOf, noise } from "./elf-writer.ts";

const section = (name: string, address: number, length: number, seed: number, flags = 2) => ({
  name,
  address,
  content: noise(length, seed),
  flags,
});

/** By chip: an ELF file, and the flash's settings. */
export const PROGRAMS: Readonly<Record<string, readonly [elf: Uint8Array, mode: string, frequency: string, size: string]>> = {
  esp32: [
    elfOf(0x40080400, [
      ...[
        section(".flash.text", 0x400d0020, 70_000, 1, 6),
        section(".flash.appdesc", 0x3f400020, 256, 2),
        section(".flash.rodata", 0x3f400120, 9001, 3),
      ],
      ...[
        section(".dram0.data", 0x3ffb0000, 1000, 4, 3),
        section(".iram0.vectors", 0x40080000, 1027, 5, 6),
        section(".iram0.text", 0x40080404, 30_000, 6, 6),
      ],
      section(".comment", 0, 20, 7, 0),
    ]),
    ...(["dio", "80m", "4MB"] as const),
  ],
  esp32s2: [
    elfOf(0x40028000, [
      section(".flash.text", 0x40080020, 5000, 1, 6),
      section(".flash.rodata", 0x3f000020, 300, 2),
      section(".dram0.data", 0x3ffb8000, 40, 3, 3),
    ]),
    ...(["qio", "40m", "16MB"] as const),
  ],
  esp32s3: [
    elfOf(0x40374400, [
      ...[section(".flash.text", 0x42000020, 20_000, 1, 6), section(".flash.rodata", 0x3c010020, 300, 2)],
      ...[section(".iram0.text", 0x40374000, 70_000, 3, 6), section(".dram0.data", 0x3fc90000, 8, 4, 3)],
    ]),
    ...(["dout", "80m", "8MB"] as const),
  ],
  esp32c3: [
    elfOf(0x40380000, [
      section(".iram0.text", 0x40380000, 77, 1, 6),
      section(".dram0.data", 0x3fc8a000, 33, 2, 3),
      section(".dram0.bootdesc", 0x3fc8b000, 80, 3),
    ]),
    ...(["dio", "80m", "2MB"] as const),
  ],
  esp32c6: [
    elfOf(0x40800000, [
      section(".flash.rodata", 0x42820020, 4000, 1),
      section(".flash.text", 0x42000020, 66_000, 2, 6),
      section(".iram0.text", 0x40800000, 3, 3, 6),
    ]),
    ...(["dio", "80m", "4MB"] as const),
  ],
  esp32h2: [
    elfOf(0x40800000, [section(".flash.text", 0x42000020, 65_500, 1, 6), section(".iram0.text", 0x40810000, 9, 2, 6)]),
    ...(["qout", "48m", "4MB"] as const),
  ],
};

export const TABLES: Readonly<Record<string, string>> = {
  usual:
    "# Name,   Type, SubType, Offset,  Size, Flags\nnvs,      data, nvs,     0x9000,  0x5000,\notadata,  data, ota,     0xe000,  0x2000,\napp0,     app,  ota_0,   0x10000, 0x140000,\napp1,     app,  ota_1,   0x150000,0x140000,\nspiffs,   data, spiffs,  0x290000,0x160000,\ncoredump, data, coredump,0x3F0000,0x10000,\n",
  free: "nvs, data, nvs, , 20K\r\nphy, data, phy, , 0x1000\r\n\r\nfactory, app, factory, , 1M, encrypted\r\n# the rest\r\na name that is too long, 0x40, 0x01, , -4M\r\nown, data, , , 4096\r\n",
  many: `${Array.from({ length: 16 }, (_, i) => `app${i},app,ota_${i},,64K`).join("\n")}\nfat,data,fat,,0x1000`,
};

/** At their places. */
export const PLACES: readonly (readonly [offset: number, content: Uint8Array])[] = [
  [0x10000, noise(3000, 1)],
  [0x1000, noise(20_000, 2)],
  [0x8000, noise(0xc00, 3)],
];
