/**
 * Every board of the AVR platform whose variant the installed core has builds a blinking sketch. One project with an env a board; FB_FEW=1 takes one
 * board of each chip and variant.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BLINK, diagnostics, FB, isNoop, result, TestProject } from "./harness.ts";

const VARIANTS = "/usr/share/arduino/hardware/arduino/avr/variants";

interface BoardFile {
  readonly build: { readonly core: string; readonly mcu: string; readonly variant: string };
  readonly upload: { readonly maximum_size: number };
}

const boards = JSON.parse(readFileSync(join(FB, "../../platforms/avr/boards.json"), "utf8")) as Record<string, BoardFile>;
const there = Object.keys(boards).filter((id) => existsSync(join(VARIANTS, boards[id]?.build.variant ?? "")));
const missing = Object.keys(boards).filter((id) => !there.includes(id));

function chosen(): readonly string[] {
  if (process.env["FB_FEW"] !== "1") return there;
  const kinds = new Map(there.map((id) => [`${boards[id]?.build.mcu} ${boards[id]?.build.variant}`, id] as const));
  return [...kinds.values()];
}

const nameOf = (id: string) => id.replace(/[^\w-]/g, "_");
const section = (id: string) => `[env:${nameOf(id)}]\nboard = ${id}\n`;
const COMMON = "[env]\nplatform = atmelavr\nframework = arduino\n";

test(`${chosen().length} of ${there.length} boards build`, () => {
  const ids = chosen();
  assert.ok(there.length > 60, "the core has the usual variants");
  const project = new TestProject({
    "platformio.ini": COMMON + ids.map(section).join(""),
    "src/blink.cpp": BLINK.replaceAll("13", "LED_BUILTIN"),
  });
  // No board without a LED: pins_arduino.h names one, or the sketch's own does.
  project.edit("src/blink.cpp", "void setup", "#ifndef LED_BUILTIN\n#define LED_BUILTIN 1\n#endif\nvoid setup");
  const ran = project.fb(["run", "-k", "--json"]);
  const built = new Map(result(ran).artifacts.map((a) => [a.env, a]));
  const failed = ids.filter((id) => !built.has(nameOf(id)));
  assert.equal(failed, [], ran.stderr.slice(0, 3000));
  assert.is(ran.code, 0);
  for (const id of ids) {
    const size = result(ran).size.find((s) => s.env === nameOf(id));
    assert.ok((size?.flash.used ?? 0) > 100 && (size?.flash.used ?? 0) < (boards[id]?.upload.maximum_size ?? 0), id);
    assert.is(size?.flash.total, boards[id]?.upload.maximum_size, id);
    assert.match(project.read(built.get(nameOf(id))?.path ?? ""), /^:10[^]*:00000001FF\s*$/, id);
  }
  isNoop(project.run());
});

test("a board whose variant the core does not have: exit 3, the variant and the line are named", () => {
  const id = missing[0] ?? "";
  assert.ok(id !== "");
  const project = new TestProject({ "platformio.ini": COMMON + section(id), "src/blink.cpp": BLINK });
  const [found] = diagnostics(project.run([], { exit: 3 }));
  assert.equal([found?.file, found?.line], ["platformio.ini", 5]);
  assert.ok(found?.message.includes(boards[id]?.build.variant ?? "?"), found?.message);
});

test("a board of the project, and board_build overrides, reach the compiler", () => {
  const project = new TestProject({
    "platformio.ini": `${COMMON}[env:mine]\nboard = mine\nboard_build.f_cpu = 8000000L\n`,
    "boards/mine.json": JSON.stringify({
      name: "Mine",
      vendor: "Me",
      frameworks: ["arduino"],
      build: { core: "arduino", mcu: "atmega328p", f_cpu: "16000000L", variant: "standard", extra_flags: "-DMY_BOARD" },
      upload: { maximum_size: 30000, maximum_ram_size: 2048, protocol: "arduino", speed: 57600 },
    }),
    "src/blink.cpp": `#if F_CPU != 8000000L || !defined(MY_BOARD)\n#error not as asked for\n#endif\n${BLINK}`,
  });
  const ran = project.run();
  assert.is(result(ran).size[0]?.flash.total, 30000);
  project.edit("boards/mine.json", "30000", "29000");
  const edited = project.run();
  assert.is(result(edited).size[0]?.flash.total, 29000);
  assert.is(result(edited).ran, 1, "only the size report is made again");
});

test.run();
