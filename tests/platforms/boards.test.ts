/**
 * Boards of the table build an empty sketch with the system's compiler and core: here one of each MCU and variant that the core has. With FB_ALL_BOARDS=1
 * in the environment all of them (two minutes).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readBoardTable } from "../../rules/boards.ts";
import { diskIo, must, PLATFORMS, planByHand, runAll } from "./builder.ts";

const dir = mkdtempSync(join(tmpdir(), "fb-boards-"));
test.after(() => rmSync(dir, { recursive: true, force: true }));
const core = "/usr/share/arduino/hardware/arduino/avr";
const file = `${PLATFORMS}/avr/boards.json`;
const table = must(readBoardTable(file, readFileSync(file, "utf8")));
const variants = (diskIo(dir).list(`${core}/variants`) ?? []).map((entry) => entry.name);

interface Facts {
  readonly name: string;
  readonly vendor: string;
  readonly build: Readonly<Record<string, unknown>> & { readonly mcu: string; readonly variant: string };
  readonly upload: Readonly<Record<string, unknown>>;
}
const facts = (id: string) => table.get(id)?.json as unknown as Facts;

test("the table", () => {
  assert.is(table.ids.length, 126);
  for (const id of table.ids) {
    const { name, vendor, build, upload } = facts(id);
    for (const text of [name, vendor, build.mcu, build.variant, build["f_cpu"], build["extra_flags"], upload["protocol"]])
      assert.type(text, "string", id);
    assert.is(build["core"], "arduino", id);
    for (const bytes of [upload["maximum_size"], upload["maximum_ram_size"]]) assert.ok(Number.isInteger(bytes) && Number(bytes) > 0, id);
    if (build["usb_product"] !== undefined) assert.ok(Array.isArray(build["hwids"]), id);
  }
});

const known = table.ids.filter((id) => variants.includes(facts(id).build.variant));
const kinds = new Map(known.map((id) => [`${facts(id).build.mcu} ${facts(id).build.variant}`, id] as const));
const chosen = process.env["FB_ALL_BOARDS"] === "1" ? known : [...kinds.values()];
/** What avr-libc 2.0 of Debian has no start files for. */
const UNKNOWN = /unknown MCU|cannot find crt|device type not defined|specs/;

test(`an empty sketch for ${chosen.length} boards`, async () => {
  mkdirSync(join(dir, "src"), { recursive: true });
  writeFileSync(join(dir, "src/main.cpp"), "#include <Arduino.h>\nvoid setup() {}\nvoid loop() {}\n");
  const left: string[] = [];
  for (const id of chosen) {
    writeFileSync(join(dir, "platformio.ini"), `[env:b]\nplatform = atmelavr\nframework = arduino\nboard = ${id}\n`);
    rmSync(join(dir, ".fb/build"), { recursive: true, force: true });
    try {
      runAll(dir, (await planByHand(dir, "b", "quick")).actions);
      assert.match(readFileSync(join(dir, ".fb/build/b/quick/firmware.hex"), "utf8"), /:00000001FF/, id);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      assert.ok(UNKNOWN.test(text), `${id}: ${text}`);
      left.push(id);
    }
  }
  assert.ok(left.length < chosen.length / 10, `not built: ${left.join(" ")}`);
  if (process.env["FB_ALL_BOARDS"] === "1")
    console.log(`${chosen.length - left.length} built; unknown to the compiler: ${left.join(" ") || "none"}`);
});

test.run();
