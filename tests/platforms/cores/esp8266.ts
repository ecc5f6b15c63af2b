/** A core in the shape of the ESP8266's: sources, variants, linker scripts, the SDK's archives (empty), a bootloader to be linked. All of it small and our own. */

/** By its flash's layout: where the program's segment ends, where the file system lies, its block. */
const LAYOUTS: Readonly<Record<string, readonly [number, number, number, number]>> = {
  "512k64": [0x69ff0, 0x4026b000, 0x4027b000, 0x1000],
  "1m": [0xf9ff0, 0x402fb000, 0x402fb000, 0],
  "1m64": [0xe9ff0, 0x402eb000, 0x402fb000, 0x1000],
  "1m256": [0xb9ff0, 0x402bb000, 0x402fb000, 0x1000],
  "2m": [0xfeff0, 0x403fb000, 0x403fb000, 0],
  "2m64": [0xfeff0, 0x403f0000, 0x403fb000, 0x1000],
  "2m1m": [0xfeff0, 0x40300000, 0x403fa000, 0x2000],
  "4m1m": [0xfeff0, 0x40500000, 0x405fa000, 0x2000],
  "4m2m": [0xfeff0, 0x40400000, 0x405fa000, 0x2000],
  "16m14m": [0xfeff0, 0x40400000, 0x411fa000, 0x2000],
};

const hex = (value: number) => `0x${value.toString(16)}`;

function script([length, start, end, block]: readonly [number, number, number, number]): string {
  return `MEMORY
{
  dram0_0_seg : org = 0x3FFE8000, len = 0x14000
  irom0_0_seg : org = 0x40201010, len = ${hex(length)}
}
PROVIDE ( _FS_start = ${hex(start)} );
PROVIDE ( _FS_end = ${hex(end)} );
PROVIDE ( _FS_page = ${block === 0 ? "0x0" : "0x100"} );
PROVIDE ( _FS_block = ${hex(block)} );
INCLUDE "local.eagle.app.v6.common.ld"
`;
}

const COMMON = `#ifdef VTABLES_IN_DRAM
#define TABLES dram0_0_seg
#else
#define TABLES irom0_0_seg
#endif
MEMORY
{
  iram1_0_seg : org = 0x40100000, len = MMU_IRAM_SIZE
}
ENTRY(app_entry)
SECTIONS
{
  .data : ALIGN(4) { *(.data .data.*) . = ALIGN(4); } > dram0_0_seg
  .rodata : ALIGN(4) { *(.rodata .rodata.*) . = ALIGN(4); } > dram0_0_seg
  .bss (NOLOAD) : ALIGN(8) { *(.bss .bss.* COMMON) . = ALIGN(8); } > dram0_0_seg
  .text : ALIGN(4) { LONG(MMU_ICACHE_SIZE) *(.entry.literal .entry.text) *(.iram.literal .iram.text) . = ALIGN(4); } > iram1_0_seg
  .text1 : ALIGN(4) { *(.text1) . = ALIGN(4); } > iram1_0_seg
  .irom0.text : ALIGN(4) { LONG(0) LONG(0) LONG(0) LONG(0) *(.literal .literal.* .text .text.* .irom0.literal .irom0.text) . = ALIGN(4); } > irom0_0_seg
}
`;

const SDK = ["phy", "pp", "net80211", "wpa", "crypto", "main", "wps", "espnow", "smartconfig", "airkiss", "wpa2"];
const LIBRARIES = ["hal", "bearssl", "stdc++", "stdc++-exc", "m", "c"];
const LWIP = ["lwip2-536-feat", "lwip2-1460-feat", "lwip2-536", "lwip2-1460", "lwip6-536-feat", "lwip6-1460-feat"];

const archives = (folder: string, names: readonly string[]) => names.map((name) => [`${folder}/lib${name}.a`, "!<arch>\n"]);

const SOURCES: Readonly<Record<string, string>> = {
  "package.json": '{ "name": "framework-arduinoespressif8266", "version": "3.30102.0" }\n',
  "platform.txt": "version=3.1.2\n",
  "cores/esp8266/Arduino.h": `#pragma once
#include <pins_arduino.h>
#include <sdk.h>
#ifdef __cplusplus
extern "C" {
#endif
int core(int value);
void setup(void);
void loop(void);
#ifdef __cplusplus
}
#endif
`,
  "cores/esp8266/core.c":
    '#include "Arduino.h"\n#include <lwip.h>\nint core(int value) { return value + LED_BUILTIN + F_CPU / ARDUINO + MSS; }\n',
  "cores/esp8266/main.cpp": `#include "Arduino.h"
static const char board[] = ARDUINO_BOARD;
extern "C" __attribute__((section(".entry.text"))) void app_entry(void) {
  core(board[sdk(0) & 7]);
  setup();
  for (;;) loop();
}
const void *tables[] = {(const void *)app_entry};
`,
  "cores/esp8266/start.S": `#include "other.h"
  .section .iram.text, "ax"
  .global _DebugExceptionVector, _DoubleExceptionVector, _KernelExceptionVector, _NMIExceptionVector, _UserExceptionVector
  .global _printf_float, _scanf_float
  .align 4
_DebugExceptionVector:
_DoubleExceptionVector:
_KernelExceptionVector:
_NMIExceptionVector:
_UserExceptionVector:
_printf_float:
_scanf_float:
  movi a2, OTHER
  ret.n
`,
  "cores/esp8266/other.h": "#define OTHER 1\n",
  "cores/esp8266/sdk.c": "#include <sdk.h>\nint sdk(int value) { return value + 1; }\n",
  "tools/sdk/include/sdk.h": '#pragma once\n#ifdef __cplusplus\nextern "C"\n#endif\nint sdk(int value);\n',
  "tools/sdk/lwip2/include/lwip.h": "#define MSS TCP_MSS\n",
  "tools/sdk/ld/eagle.app.v6.common.ld.h": COMMON,
  "libraries/README": "",
  ...Object.fromEntries(archives("tools/sdk/lib", [...LIBRARIES, ...LWIP])),
  ...Object.fromEntries(["NONOSDK22x_190703", "NONOSDK305"].flatMap((sdk) => archives(`tools/sdk/lib/${sdk}`, SDK))),
  ...Object.fromEntries(Object.entries(LAYOUTS).map(([name, layout]) => [`tools/sdk/ld/eagle.flash.${name}.ld`, script(layout)])),
};

/** By their paths in the package, for boards with these variants. */
export function esp8266Core(variants: readonly string[]): Record<string, string> {
  return {
    ...SOURCES,
    ...Object.fromEntries(variants.map((name, i) => [`variants/${name}/pins_arduino.h`, `#pragma once\n#define LED_BUILTIN ${i + 1}\n`])),
  };
}

/** The bootloader, for `gcc -nostdlib -T eboot.ld`: what the package has as bootloaders/eboot/eboot.elf. */
export const EBOOT = {
  "eboot.c":
    'const char name[] = "eboot of a test";\nvoid start(const char *text) { for (;;) *(volatile const char *)text; }\nvoid entry(void) { start(name); }\n',
  "eboot.ld":
    "ENTRY(entry)\nSECTIONS\n{\n  . = 0x4010f000;\n  .text : { *(.literal .text .literal.* .text.*) . = ALIGN(4); }\n  .rodata : { *(.rodata*) . = ALIGN(4); }\n}\n",
} as const;
