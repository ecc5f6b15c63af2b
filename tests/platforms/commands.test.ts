/** The command lines of the platforms are PlatformIO 6.2.0's, in its order, plus what platforms/README.md lists as fb's own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { planByHand } from "./builder.ts";

const dir = mkdtempSync(join(tmpdir(), "fb-commands-"));
test.after(() => rmSync(dir, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), text);
}
for (const file of ["include/a.h", "src/m.cpp", "src/m.c", "src/s.S", "src/t.s"]) put(file, "");
put(
  "platformio.ini",
  `[env]
platform = atmelavr
framework = arduino
build_flags = -DUSER -Wextra -std=gnu++14 -Iown -Wl,-Map,x.map
[env:uno]
board = uno
[env:nano]
board = nanoatmega328
[env:mega]
board = megaatmega2560
[env:leo]
board = leonardo
[env:bare]
board = uno
framework =
[env:pc]
platform = native
framework =
`,
);

/** What fb puts into PlatformIO's command lines. */
const OWN = new Set([
  "-no-canonical-prefixes",
  "-fno-canonical-system-headers",
  "-pipe",
  "-gdwarf-2",
  "-DDECIMAL_DIG=__DECIMAL_DIG__",
  "-Wl,-t",
]);
const fw = ".fb/pkg/framework-arduino-avr@1.8.6";

/** Commands by the name of their first output, without fb's additions; `BUILD` is the output folder. */
async function commands(env: string, profile: "release" | "quick" | "debug"): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const action of (await planByHand(dir, env, profile)).actions) {
    const words: string[] = [];
    for (let i = 0; i < action.argv.length; i++) {
      const word = action.argv[i] ?? "";
      if (word === "-MD" || word.startsWith("-frandom-seed=")) continue;
      if (word === "-MF" || word === "--MD") i++;
      else if (!OWN.has(word)) words.push(word.includes(" ") ? `'${word}'` : word);
    }
    const build = `.fb/build/${env}/${profile}`;
    const text = words
      .join(" ")
      .replaceAll(build, "BUILD")
      .replaceAll(/\.fb\/pkg\/framework-arduino-avr@[\d.]+/g, fw)
      .replaceAll("/usr/bin/", "");
    found.set((action.outputs[0] ?? "").replace(`${build}/`, ""), text);
  }
  return found;
}

const boards = [
  { env: "uno", mcu: "atmega328p", define: "ARDUINO_AVR_UNO", variant: "standard", usb: "" },
  { env: "nano", mcu: "atmega328p", define: "ARDUINO_AVR_NANO", variant: "eightanaloginputs", usb: "" },
  { env: "mega", mcu: "atmega2560", define: "ARDUINO_AVR_MEGA2560", variant: "mega", usb: "" },
  {
    ...{ env: "leo", mcu: "atmega32u4", define: "ARDUINO_AVR_LEONARDO", variant: "leonardo" },
    usb: ` -DUSB_VID=0x2341 -DUSB_PID=0x8036 '-DUSB_PRODUCT="Arduino Leonardo"' -DUSB_MANUFACTURER="Arduino"`,
  },
];

for (const { env, mcu, define, variant, usb } of boards) {
  test(`AVR release, ${env}`, async () => {
    const all = await commands(env, "release");
    const cc = `-Wextra -mmcu=${mcu} -Os -Wall -ffunction-sections -fdata-sections -flto`;
    const d = `-DPLATFORMIO=60200 -D${define} -DUSER -DF_CPU=16000000L -DARDUINO_ARCH_AVR -DARDUINO=10808${usb}`;
    const core = `-Iown -I${fw}/cores/arduino -I${fw}/variants/${variant}`;
    const i = `-Iinclude -Isrc ${core}`;
    const cxx = "-std=gnu++14 -fno-exceptions -fno-threadsafe-statics -fpermissive -std=gnu++11";
    assert.is(all.get("src/m.cpp.o"), `avr-g++ -o BUILD/src/m.cpp.o -c ${cxx} ${cc} ${d} ${i} src/m.cpp`);
    assert.is(all.get("src/m.c.o"), `avr-gcc -o BUILD/src/m.c.o -c -std=gnu11 -fno-fat-lto-objects ${cc} ${d} ${i} src/m.c`);
    assert.is(all.get("src/s.S.o"), `avr-gcc -mmcu=${mcu} -x assembler-with-cpp ${d} ${i} -c -o BUILD/src/s.S.o src/s.S`);
    assert.is(all.get("src/t.s.o"), `avr-as -mmcu=${mcu} -o BUILD/src/t.s.o src/t.s`);
    assert.is(
      all.get("FrameworkArduino/main.cpp.o"),
      `avr-g++ -o BUILD/FrameworkArduino/main.cpp.o -c ${cxx} ${cc} ${d} ${core} ${fw}/cores/arduino/main.cpp`,
    );
    assert.match(all.get("libFrameworkArduino.a") ?? "", /^avr-gcc-ar rcsD BUILD\/libFrameworkArduino\.a BUILD\/FrameworkArduino\//);
    const objects = "BUILD/src/m.c.o BUILD/src/m.cpp.o BUILD/src/s.S.o BUILD/src/t.s.o";
    assert.is(
      all.get("firmware.elf"),
      `avr-g++ -o BUILD/firmware.elf -Wl,-Map,x.map -mmcu=${mcu} -Os -Wl,--gc-sections -flto -fuse-linker-plugin ${objects} -LBUILD ` +
        "-Wl,--start-group BUILD/libFrameworkArduinoVariant.a BUILD/libFrameworkArduino.a -lm -Wl,--end-group",
    );
    assert.is(all.get("firmware.hex"), "avr-objcopy -O ihex -R .eeprom BUILD/firmware.elf BUILD/firmware.hex");
  });
}

test("AVR debug: no -Os, -Og -g2 -ggdb2 at the end of each scope", async () => {
  const all = await commands("uno", "debug");
  assert.match(
    all.get("src/m.c.o") ?? "",
    / -mmcu=atmega328p -Wall -ffunction-sections -fdata-sections -flto -Og -g2 -ggdb2 -DPLATFORMIO=60200 /,
  );
  assert.match(all.get("src/m.c.o") ?? "", / -DARDUINO=10808 -D__PLATFORMIO_BUILD_DEBUG__ -I/);
  assert.match(all.get("src/s.S.o") ?? "", /^avr-gcc -mmcu=atmega328p -g -x assembler-with-cpp -g2 -ggdb2 -D/);
  assert.is(all.get("src/t.s.o"), "avr-as -mmcu=atmega328p -g -o BUILD/src/t.s.o src/t.s");
  assert.match(all.get("firmware.elf") ?? "", / -mmcu=atmega328p -Wl,--gc-sections -flto -fuse-linker-plugin -Og -g2 -ggdb2 BUILD/);
});

test("AVR quick: the platform's LTO flags are gone, nothing else is", async () => {
  const release = await commands("uno", "release");
  for (const [name, quick] of await commands("uno", "quick")) {
    const expected = (release.get(name) ?? "").replaceAll(/ -(flto|fno-fat-lto-objects|fuse-linker-plugin)(?= )/g, "");
    assert.is(quick, expected, name);
  }
});

test("AVR without a framework: the platform's flags come before the user's", async () => {
  const all = await commands("bare", "release");
  assert.is(
    all.get("src/m.cpp.o"),
    "avr-g++ -o BUILD/src/m.cpp.o -c -Wno-error=narrowing -fno-exceptions -fno-threadsafe-statics -fpermissive -std=gnu++11 -std=gnu++14 " +
      "-mmcu=atmega328p -Os -Wall -ffunction-sections -fdata-sections -flto -Wextra " +
      "-DF_CPU=16000000L -DPLATFORMIO=60200 -DARDUINO_AVR_UNO -DUSER -Iinclude -Isrc -Iown src/m.cpp",
  );
});

test("native", async () => {
  const release = await commands("pc", "release");
  assert.is(release.get("src/m.c.o"), "gcc -o BUILD/src/m.c.o -c -Wextra -DPLATFORMIO=60200 -DUSER -Iinclude -Isrc -Iown src/m.c");
  assert.is(
    release.get("src/m.cpp.o"),
    "g++ -o BUILD/src/m.cpp.o -c -std=gnu++14 -Wextra -DPLATFORMIO=60200 -DUSER -Iinclude -Isrc -Iown src/m.cpp",
  );
  assert.is(release.get("src/s.S.o"), "gcc -DPLATFORMIO=60200 -DUSER -Iinclude -Isrc -Iown -c -o BUILD/src/s.S.o src/s.S");
  assert.is(release.get("src/t.s.o"), "as -o BUILD/src/t.s.o src/t.s");
  const objects = "BUILD/src/m.c.o BUILD/src/m.cpp.o BUILD/src/s.S.o BUILD/src/t.s.o";
  assert.is(release.get("program"), `g++ -o BUILD/program -Wl,-Map,x.map ${objects} -LBUILD`);
  const debug = await commands("pc", "debug");
  assert.is(
    debug.get("src/m.c.o"),
    "gcc -o BUILD/src/m.c.o -c -Wextra -Og -g2 -ggdb2 -DPLATFORMIO=60200 -DUSER -D__PLATFORMIO_BUILD_DEBUG__ -Iinclude -Isrc -Iown src/m.c",
  );
  assert.is(
    debug.get("src/s.S.o"),
    "gcc -g -g2 -ggdb2 -DPLATFORMIO=60200 -DUSER -D__PLATFORMIO_BUILD_DEBUG__ -Iinclude -Isrc -Iown -c -o BUILD/src/s.S.o src/s.S",
  );
  assert.is(debug.get("program"), `g++ -o BUILD/program -Wl,-Map,x.map -Og -g2 -ggdb2 ${objects} -LBUILD`);
});

test.run();
