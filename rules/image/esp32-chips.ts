/** What images of ESP32 chips hang on: facts of the chips' memories and boot ROMs, as esptool 4.8 and 5.6 have them. */

export interface Chip {
  readonly id: number;
  /** Where its bootloader lies in the flash. */
  readonly bootloader: number;
  /** Addresses at which flash is mapped, code and data: from, to. */
  readonly mapped: readonly (readonly [number, number])[];
  /** How long the pages may be in which flash is mapped, the longest first; without it: 64 KiB. */
  readonly pages?: readonly number[];
  /** Codes of the flash's frequencies. */
  readonly frequencies: Readonly<Record<string, number>>;
  /** Kinds of memory: from, to, name. They overlap. */
  readonly memory: readonly (readonly [number, number, string])[];
}

const USUAL = { "80m": 0xf, "40m": 0x0, "26m": 0x1, "20m": 0x2 };

const C6: Chip = {
  id: 13,
  bootloader: 0,
  mapped: [
    [0x42000000, 0x42800000],
    [0x42800000, 0x43000000],
  ],
  pages: [0x10000, 0x8000, 0x4000, 0x2000],
  frequencies: { "80m": 0x0, "40m": 0x0, "20m": 0x2 },
  memory: [
    [0x42800000, 0x43000000, "DROM"],
    [0x40800000, 0x40880000, "DRAM"],
    [0x4004ac00, 0x40050000, "DROM_MASK"],
    [0x40000000, 0x4004ac00, "IROM_MASK"],
    [0x42000000, 0x42800000, "IROM"],
    [0x50000000, 0x50004000, "RTC"],
    [0x600fe000, 0x60100000, "MEM_INTERNAL2"],
  ],
};

/** By the name of board JSON's build.mcu. */
export const CHIPS: Readonly<Record<string, Chip>> = {
  esp32: {
    id: 0,
    bootloader: 0x1000,
    mapped: [
      [0x400d0000, 0x40400000],
      [0x3f400000, 0x3f800000],
    ],
    frequencies: USUAL,
    memory: [
      [0x3f400000, 0x3f800000, "DROM"],
      [0x3f800000, 0x3fc00000, "EXTRAM_DATA"],
      [0x3ff80000, 0x3ff82000, "RTC_DRAM"],
      [0x3ff90000, 0x40000000, "BYTE_ACCESSIBLE"],
      [0x3ffae000, 0x40000000, "DRAM"],
      [0x3ffe0000, 0x3ffffffc, "DIRAM_DRAM"],
      [0x40000000, 0x40070000, "IROM"],
      [0x40070000, 0x40078000, "CACHE_PRO"],
      [0x40078000, 0x40080000, "CACHE_APP"],
      [0x40080000, 0x400a0000, "IRAM"],
      [0x400a0000, 0x400bfffc, "DIRAM_IRAM"],
      [0x400c0000, 0x400c2000, "RTC_IRAM"],
      [0x400d0000, 0x40400000, "IROM"],
      [0x50000000, 0x50002000, "RTC_DATA"],
    ],
  },
  esp32s2: {
    id: 2,
    bootloader: 0x1000,
    mapped: [
      [0x40080000, 0x40b80000],
      [0x3f000000, 0x3f3f0000],
    ],
    frequencies: USUAL,
    memory: [
      [0x3f000000, 0x3ff80000, "DROM"],
      [0x3f500000, 0x3ff80000, "EXTRAM_DATA"],
      [0x3ff9e000, 0x3ffa0000, "RTC_DRAM"],
      [0x3ff9e000, 0x40000000, "BYTE_ACCESSIBLE"],
      [0x3ff9e000, 0x40072000, "MEM_INTERNAL"],
      [0x3ffb0000, 0x40000000, "DRAM"],
      [0x40000000, 0x4001a100, "IROM_MASK"],
      [0x40020000, 0x40070000, "IRAM"],
      [0x40070000, 0x40072000, "RTC_IRAM"],
      [0x40080000, 0x40800000, "IROM"],
      [0x50000000, 0x50002000, "RTC_DATA"],
    ],
  },
  esp32s3: {
    id: 9,
    bootloader: 0,
    mapped: [
      [0x42000000, 0x44000000],
      [0x3c000000, 0x3e000000],
    ],
    frequencies: USUAL,
    memory: [
      [0x3c000000, 0x3d000000, "DROM"],
      [0x3d000000, 0x3e000000, "EXTRAM_DATA"],
      [0x600fe000, 0x60100000, "RTC"],
      [0x3fc88000, 0x3fd00000, "DRAM"],
      [0x3fc88000, 0x403e2000, "MEM_INTERNAL"],
      [0x40000000, 0x4001a100, "IROM_MASK"],
      [0x40370000, 0x403e0000, "IRAM"],
      [0x42000000, 0x42800000, "IROM"],
      [0x50000000, 0x50002000, "RTC_DATA"],
    ],
  },
  esp32c3: {
    id: 5,
    bootloader: 0,
    mapped: [
      [0x42000000, 0x42800000],
      [0x3c000000, 0x3c800000],
    ],
    frequencies: USUAL,
    memory: [
      [0x3c000000, 0x3c800000, "DROM"],
      [0x3fc80000, 0x3fce0000, "DRAM"],
      [0x3fc88000, 0x3fd00000, "BYTE_ACCESSIBLE"],
      [0x3ff00000, 0x3ff20000, "DROM_MASK"],
      [0x40000000, 0x40060000, "IROM_MASK"],
      [0x42000000, 0x42800000, "IROM"],
      [0x4037c000, 0x403e0000, "IRAM"],
      [0x50000000, 0x50002000, "RTC"],
      [0x600fe000, 0x60100000, "MEM_INTERNAL2"],
    ],
  },
  esp32c6: C6,
  esp32c5: {
    id: 23,
    bootloader: 0x2000,
    mapped: [[0x42000000, 0x44000000]],
    frequencies: { "80m": 0xf, "40m": 0x0, "20m": 0x2 },
    memory: [
      [0x40800000, 0x40860000, "DRAM"],
      [0x4003a000, 0x40040000, "DROM_MASK"],
      [0x40000000, 0x4003a000, "IROM_MASK"],
      [0x42000000, 0x44000000, "IROM"],
      [0x50000000, 0x50004000, "RTC"],
      [0x600fe000, 0x60100000, "MEM_INTERNAL2"],
    ],
  },
  esp32p4: {
    id: 18,
    bootloader: 0x2000,
    mapped: [[0x40000000, 0x4c000000]],
    frequencies: USUAL,
    memory: [
      [0x40000000, 0x4c000000, "IROM"],
      [0x4ff00000, 0x4ffa0000, "DRAM"],
      [0x4fc00000, 0x4fc20000, "IROM_MASK"],
      [0x50108000, 0x50110000, "RTC"],
      [0x600fe000, 0x60100000, "MEM_INTERNAL2"],
    ],
  },
  esp32h2: { ...C6, id: 16, frequencies: { "48m": 0xf, "24m": 0x0, "16m": 0x1, "12m": 0x2 } },
};
