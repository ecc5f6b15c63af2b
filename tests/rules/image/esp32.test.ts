/** Images, partition tables and merged images of ESP32 chips: digests of what esptool 4.8.1 (elf2image, merge_bin) and gen_esp32part.py of ESP-IDF 4.4 made of the same, recorded by hand. */
import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { imageTool } from "../../../cli/tools/image.ts";
import type { Disk } from "../../../engine/types.ts";
import { esp32Image } from "../../../rules/image/esp32-image.ts";
import { partitionTable, readPartitions } from "../../../rules/image/esp32-partitions.ts";
import type { Hash } from "../../../rules/image/image-tool.ts";
import { mergedImage } from "../../../rules/image/merged.ts";
import type { ImageToolName } from "../../../rules/inner-tools.ts";
import { PLACES, PROGRAMS, TABLES } from "./esp32-cases.ts";
import { elfOf, noise } from "./elf-writer.ts";

const hash: Hash = (algorithm, bytes) => createHash(algorithm).update(bytes).digest();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const IMAGES: Readonly<Record<string, string>> = {
  esp32: "f638dea9ce8256d03aa661dbfed054f9e90a64f6e103555e4ab18e12752a2317",
  esp32s2: "364b8af30d23bb380506368a25737dbbe9c498064dcb44440b52d4960438ce84",
  esp32s3: "57749c8aaabe894115cffaed29330b7c73e4748ba2acde82134d70354728dbc9",
  esp32c3: "89280116b9766a572289d0b4a3edade6163f6dd11d728b7ed68818364e9e71ac",
  esp32c6: "9edf8a08a1c30e9ef89edef862f881e28ac327dd03bb6a79ffe88b9fe0cd1f48",
  esp32h2: "bb614c33b1d3cf04f74d59596cf30a62fd3b5cbb1d130ad3b1643f2168c039b4",
};
const BINARIES: Readonly<Record<string, string>> = {
  usual: "148b959cbff1c38aa8e1d5c0ba9d612c54997b945e56a63f41223eef650653a1",
  free: "84f0f90a736d6b160f5ff170e97ef5329727d9ab4001b81fa2d7587ee1f764d1",
  many: "27951065c50947a52e86e3244ae857c880bf64fb378f10e11e6afdd89a8ab290",
};

for (const [chip, [elf, mode, frequency, size]] of Object.entries(PROGRAMS))
  test(`as esptool elf2image: ${chip}`, () => {
    const image = esp32Image(chip, "firmware.elf", elf, { mode, frequency, size }, hash);
    assert.is(image?.ok === true ? sha256(image.value) : JSON.stringify(image), IMAGES[chip]);
  });

const UNDIGESTED: Readonly<Record<string, string>> = {
  esp32: "5386cb048e41970b8ba4db1e33c25b93fc23e8101166240cc696de1b3a4a9d6d",
  esp32s3: "858044b3081f25278fe107eb3d2d4ede0ce044f34c955f357d15d1427c413ef6",
  esp32c3: "04f85603084ba1aa85b5ba33e722bfea393437cb1162d7a7bdcd30141520f4ff",
};
for (const [chip, is] of Object.entries(UNDIGESTED))
  test(`as esptool elf2image --dont-append-digest: ${chip}`, () => {
    const program = PROGRAMS[chip];
    if (program === undefined) throw new Error(chip);
    const [elf, mode, frequency, size] = program;
    const image = esp32Image(chip, "firmware.elf", elf, { mode, frequency, size }, hash, null, false);
    assert.is(image?.ok === true ? sha256(image.value) : JSON.stringify(image), is);
  });

test("as esptool elf2image --elf-sha256-offset 0xb0: over zeros within a segment only", () => {
  const elf = elfOf(0x4037c000, [
    { name: ".flash.appdesc", address: 0x3c000020, content: new Uint8Array(256), flags: 2 },
    { name: ".iram0.text", address: 0x4037c000, content: noise(100, 1), flags: 6 },
  ]);
  const made = (at: number) => {
    const image = esp32Image("esp32c3", "firmware.elf", elf, { mode: "dio", frequency: "80m", size: "4MB" }, hash, at);
    return image === null ? "" : image.ok ? sha256(image.value) : image.failure.code;
  };
  assert.is(made(0xb0), "fb7edfb9adc5ba8a99d74babc5c1a1870ca3d7bcbe3eb857f1e7f8781394bf4f");
  for (const at of [0, 0x10, 0x101, 0x140, 0x100000]) assert.is(made(at), "image.digest", String(at));
});

for (const [chip, frequency, flash, ram, rtc, is] of [
  ["esp32c5", "80m", 0x42000020, 0x40800000, 0x50000000, "24281ae24916526704b5c38eecd6e915aa4af7bad6a7295cf1c55ba32c632ae0"],
  ["esp32p4", "40m", 0x40000020, 0x4ff00000, 0x50108000, "1c76132084f523c30f3b5938b592c6710c3fe11d1df4b1658c825cff168a54fe"],
] as const)
  test(`as esptool 5.6: ${chip}`, () => {
    const description = new Uint8Array(256);
    new DataView(description.buffer).setUint32(0, 0xabcd5432, true);
    const elf = elfOf(ram, [
      { name: ".flash.text", address: flash, content: noise(66_000, 2), flags: 6 },
      { name: ".flash.appdesc", address: flash + 0x20000, content: description, flags: 2 },
      { name: ".flash.rodata", address: flash + 0x20100, content: noise(4000, 1), flags: 2 },
      { name: ".iram0.text", address: ram, content: noise(30_001, 3), flags: 6 },
      { name: ".dram0.data", address: chip === "esp32c5" ? 0x40810000 : 0x4ff40000, content: noise(33, 4), flags: 3 },
      { name: ".rtc.data", address: rtc, content: noise(40, 5), flags: 3 },
    ]);
    const image = esp32Image(chip, "firmware.elf", elf, { mode: "dio", frequency, size: "16MB" }, hash, 0xb0);
    assert.is(image?.ok === true ? sha256(image.value) : JSON.stringify(image), is);
  });

/** A program of a C6 or H2 whose description tells the length of its pages (a power of two, 0: nothing). */
const paged = (told: number, at: number, text: number) => {
  const description = new Uint8Array(256);
  new DataView(description.buffer).setUint32(0, 0xabcd5432, true);
  description[180] = told;
  return elfOf(0x40800000, [
    { name: ".flash.appdesc", address: at, content: description, flags: 2 },
    { name: ".flash.rodata", address: at + 0x100, content: noise(3000, 1), flags: 2 },
    { name: ".flash.text", address: text, content: noise(40_000, 2), flags: 6 },
    { name: ".iram0.text", address: 0x40800000, content: noise(20_000, 3), flags: 6 },
  ]);
};
for (const [chip, told, at, text, is] of [
  ["esp32c6", 16, 0x42010020, 0x42020020, "d17b0457019694f6b853b7e65f8b5531fafbf979f6cb79a01c05d58d7c58fd85"],
  ["esp32c6", 15, 0x42008020, 0x42010020, "65f43bec65e8fb61a3adf052bc087eaff20d1aedd8783681679ff15733e0382d"],
  ["esp32h2", 14, 0x42004020, 0x42008020, "3d92fabe776c3c3f58558f02ed62acf03d1f9a359f021b09c38a3c865b4a3036"],
  ["esp32c6", 13, 0x42002020, 0x42004020, "ea98221a12c9a58204d22ed091f1279caa1f296f992bd83e307dc4ea69021a2a"],
  ["esp32c6", 0, 0x42010020, 0x42020020, "fbd03aae80bfe64c4e16b0ed6a5845ac5425ef246f7568f6697a17a8799ab309"],
  ["esp32h2", 0, 0x42004020, 0x42008020, "7532896215d544620afc52dcbb1936ded960a329cd97f019f52353a2d2243dcd"],
  ["esp32c6", 17, 0x42020020, 0x42040020, "image.segments"],
  // Its pages are always of 64 KiB.
  ["esp32c3", 14, 0x42004020, 0x42008020, "image.segments"],
] as const)
  test(`as esptool 5.6, pages of flash as the program says: ${chip} ${told}, ${at.toString(16)}`, () => {
    const frequency = chip === "esp32h2" ? "48m" : "80m";
    const image = esp32Image(chip, "firmware.elf", paged(told, at, text), { mode: "dio", frequency, size: "2MB" }, hash, 0xb0);
    assert.is(image === null ? "" : image.ok ? sha256(image.value) : image.failure.code, is);
  });

for (const [name, text] of Object.entries(TABLES))
  test(`as gen_esp32part.py: ${name}`, () => {
    const table = readPartitions("p.csv", text);
    if (!table.ok) throw new Error(table.failure.message);
    const bytes = partitionTable("p.csv", table.value, hash);
    assert.is(bytes.ok ? sha256(bytes.value) : "", BINARIES[name]);
  });

test("as esptool merge_bin: plain, as long as the flash, for a later place", () => {
  const files = PLACES.map(([offset, content], i) => ({ file: `m${i}`, offset, content }));
  const merged = (from: number, to: number) => {
    const image = mergedImage(files, from, to);
    return image.ok ? sha256(image.value) : image.failure.code;
  };
  assert.is(merged(0, 0), "8812db08409f086e87712d8e54ed2a5d0ff6039dab02b691b5eb313e79b40ee9");
  assert.is(merged(0, 1 << 20), "7f2d25f48b515265193648c4b8e6008f2f945cd93ed75493e51eb83e031af022");
  assert.is(merged(0x1000, 0), "549697ca6651c567631890c08de3650fe962d4499639bed274b3e230dbe25a3e");
  assert.is(merged(0x2000, 0), "image.overlap");
  const over = mergedImage([...files, { file: "x", offset: 0x8bff, content: noise(1, 1) }]);
  assert.is(over.ok ? "" : over.failure.code, "image.overlap");
});

test("a line that makes no sense is told with its place", () => {
  const says = (...lines: string[]): [number, string] | null => {
    const read = readPartitions("p.csv", ["# table", ...lines].join("\n"));
    return read.ok ? null : [read.failure.line, read.failure.message];
  };
  const NVS = "nvs,data,nvs,0x9000,0x5000";
  assert.is(says(NVS), null);
  assert.equal(says(NVS, "a,apps,ota_0,,1M"), [3, 'expected a type, found "apps"']);
  assert.equal(says("a,app,,,1M"), [2, 'expected a subtype of app, found ""']);
  assert.equal(says("a,app,ota_16,,1M"), [2, 'expected a subtype of app, found "ota_16"']);
  assert.equal(says("a,app,ota_0,,"), [2, 'expected a size, found ""']);
  assert.equal(says("a,app,ota_0,ten,1M"), [2, 'expected an offset, found "ten"']);
  assert.equal(says(`${NVS},locked`), [2, 'expected a flag (encrypted, readonly), found "locked"']);
  assert.equal(says("a,data,nvs,0x8000,4K"), [2, 'partition "a" begins at 0x8000, where the partition table ends at 0x9000']);
  assert.equal(says(NVS, "b,data,phy,0xd000,4K"), [3, 'partition "b" begins at 0xd000, where partition "nvs" ends at 0xe000']);
  assert.equal(says("a,app,ota_0,0x11000,1M"), [2, 'partition "a" begins at 0x11000, which is no multiple of 0x10000']);
  assert.equal(says(NVS, "nvs,data,phy,,4K"), [3, 'there are two partitions "nvs"']);
  assert.equal(says("o,data,ota,,0x1000"), [2, 'partition "o" has 0x1000 bytes: data, ota has 0x2000']);
  assert.equal(says("o,data,ota,,0x2000", "p,data,ota,,0x2000"), [3, "there are two partitions of type data, ota"]);
});

test("programs that no image can be made of; chips and flashes that there are not", () => {
  const flash = { mode: "dio", frequency: "80m", size: "4MB" };
  const at = (...addresses: number[]) =>
    elfOf(
      0,
      addresses.map((address, i) => ({ name: `.s${i}`, address, content: noise(8, i) })),
    );
  const code = (chip: string, elf: Uint8Array, more = {}) => {
    const image = esp32Image(chip, "f.elf", elf, { ...flash, ...more }, hash);
    return image === null ? null : image.ok ? "ok" : image.failure.code;
  };
  assert.is(code("esp32", at(0x400d0020, 0x400d1020)), "image.segments");
  assert.is(code("esp32", at(...Array.from({ length: 17 }, (_, i) => 0x40080000 + 32 * i))), "image.segments");
  assert.is(code("esp32", elfOf(0, [])), "image.segments");
  assert.is(code("esp32", noise(100, 1)), "elf.malformed");
  assert.is(code("esp32", at(0x40080000)), "ok");
  assert.is(code("esp9000", at(0x40080000)), null);
  assert.is(code("esp32h2", at(0x40810000)), "image.flash", "its flash has no 80 MHz");
  const odd = esp32Image("esp32", "f.elf", at(0x40080000), { ...flash, size: "16M" }, hash);
  assert.equal(odd?.ok === false ? [odd.failure.message, odd.failure.hint] : odd, [
    'an image for esp32 has a flash size of 1MB, 2MB, 4MB, 8MB, 16MB, 32MB, 64MB, 128MB, found "16M"',
    "set board_upload.flash_size to one of these, as [env:NAME] or the board has it",
  ]);
  assert.is(code("esp32", at(0x40080000), { mode: "fast" }), "image.flash");
});

test("as tools of rules: fb tool esp32-image, esp32-partitions, merge", () => {
  const files: Record<string, Uint8Array> = {
    "f.elf": PROGRAMS["esp32"]?.[0] ?? noise(1, 1),
    "p.csv": new TextEncoder().encode(TABLES["usual"]),
  };
  const disk = {
    read: (path: string) => files[path] ?? new Uint8Array(),
    writeAtomic: (path: string, bytes: Uint8Array) => {
      files[path] = bytes;
    },
  } as unknown as Disk;
  const run = (name: ImageToolName, ...args: string[]) => {
    const done = imageTool(name, disk, args);
    return done.ok ? "" : done.failure.code;
  };
  assert.is(run("esp32-image", "f.elf", "--chip", "esp32", "--mode", "dio", "--frequency", "80m", "--size", "4MB", "--out", "f.bin"), "");
  assert.is(sha256(files["f.bin"] ?? noise(0, 0)), IMAGES["esp32"]);
  assert.is(run("esp32-partitions", "p.csv", "--out", "p.bin"), "");
  assert.is(sha256(files["p.bin"] ?? noise(0, 0)), BINARIES["usual"]);
  assert.is(run("merge", "0x10000", "f.bin", "0x8000", "p.bin", "--out", "all.bin"), "");
  assert.equal(files["all.bin"]?.subarray(0x8000, 0x8c00), files["p.bin"]);
  assert.is(run("merge", "0x10000", "--out", "all.bin"), "tool.usage");
  assert.is(run("esp32-image", "f.elf", "--out", "f.bin"), "tool.usage");
});

test.run();
