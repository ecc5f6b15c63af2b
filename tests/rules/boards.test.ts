/** Boards: where they are looked for, what an env's options do to them, what is said when they are wrong. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Result } from "../../engine/types.ts";
import {
  type BoardIo,
  checkVariant,
  findBoard,
  listBoards,
  overlayBoard,
  projectBoards,
  readBoardTable,
  withDefaults,
} from "../../rules/boards.ts";

function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}
const uno = {
  name: "Arduino Uno",
  vendor: "Arduino",
  build: { mcu: "atmega328p", f_cpu: "16000000L", variant: "standard", extra_flags: "-DARDUINO_AVR_UNO" },
  upload: { speed: 115200, maximum_size: 32256, maximum_ram_size: 2048, require_upload_port: true },
};
const leonardo = {
  name: "Arduino Leonardo",
  vendor: 'Ardu"ino',
  build: {
    mcu: "atmega32u4",
    usb_product: 'Arduino "Leonardo"',
    hwids: [
      ["0x2341", "0x8036"],
      ["0x2341", "0x0036"],
    ],
    extra_flags: ["-DA", "-DB"],
  },
  upload: {},
};
const table = must(readBoardTable("boards.json", JSON.stringify({ uno, leonardo, megaatmega2560: { ...uno, name: "Mega" } })));
const place = { file: "platformio.ini", line: 3, column: 9 };

function files(all: Readonly<Record<string, string>>): BoardIo {
  return {
    read: (path) => all[path] ?? null,
    list: (folder) =>
      Object.keys(all)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => ({ name: path.slice(folder.length + 1), is: "file" })),
  };
}
const find = (id: string, all: Readonly<Record<string, string>> = {}) =>
  findBoard(id, ["boards", "/home/boards"], table, "atmelavr", files(all), place);

test("the project's own board comes before the platform's, and before the user's", () => {
  assert.is(must(find("uno")).file, "boards.json");
  const own = { "boards/uno.json": '{"name":"Mine"}', "/home/boards/uno.json": '{"name":"Home"}' };
  assert.is(must(find("uno", own)).json["name"], "Mine");
  assert.is(must(find("uno", { "/home/boards/uno.json": '{"name":"Home"}' })).json["name"], "Home");
});

const wrong = [
  ["unoo", {}, "board.unknown", "platformio.ini", 3, /did you mean "uno"\?, or describe the board in boards\/unoo\.json/],
  ["mineX", { "boards/mine.json": "{}" }, "board.unknown", "platformio.ini", 3, /did you mean "mine"/],
  ["../secret", { "/etc/secret.json": "{}" }, "board.unknown", "platformio.ini", 3, /^fb boards lists them$/],
  ["m", { "boards/m.json": '{"name": "M",\n "build": {"mcu": "a",}\n}' }, "board.syntax", "boards/m.json", 2, /correct/],
  ["m", { "boards/m.json": '{"name": "M"' }, "board.syntax", "boards/m.json", 1, /correct/],
  ["m", { "boards/m.json": "[]" }, "board.shape", "boards/m.json", 1, /examples/],
  ["m", { "boards/m.json": '{"build":{}}' }, "board.shape", "boards/m.json", 1, /"name"/],
  ["m", { "boards/m.json": '{"name":"M","build":[]}' }, "board.shape", "boards/m.json", 1, /\{ … \}/],
  ["m", { "boards/m.json": '{"name":"M","platforms":["espressif32"]}' }, "board.other-platform", "boards/m.json", 1, /platform =/],
] as const;
for (const [id, all, code, file, line, hint] of wrong)
  test(`${code}: ${id} ${Object.values(all).join("").replaceAll("\n", " ")}`, () => {
    const found = find(id, all);
    if (found.ok) throw new Error("expected a failure");
    assert.equal([found.failure.code, found.failure.exit, found.failure.file, found.failure.line], [code, 3, file, line]);
    assert.match(found.failure.hint, hint);
  });

test("options are laid over the board as PlatformIO lays them", () => {
  const lay = (path: string, value: string) => overlayBoard(must(find("uno")), [{ path, value, origin: place }]);
  const value = (path: string, text: string, name = path) => must(lay(path, text)).values.get(name);
  assert.is(value("build.f_cpu", "8000000L"), "8000000L");
  assert.is(value("upload.maximum_size", " 1_000 "), "1000");
  assert.is(value("upload.require_upload_port", "YES"), "true");
  assert.is(value("upload.require_upload_port", "on"), "false");
  assert.is(value("build.new.key", "x"), "x");
  assert.is(value("Build.MCU", "atmega168", "build.mcu"), "atmega168");
  assert.is(must(lay("build.mcu", "atmega168")).mcu, "atmega168");
  assert.is(value("build.usb_product", "X", "build.usb_product"), "X");
  const bad = lay("upload.speed", "fast");
  if (bad.ok) throw new Error("expected a failure");
  assert.equal([bad.failure.code, bad.failure.line], ["board.value", 3]);
  assert.is(uno.upload.maximum_size, 32256, "the table itself is not changed");
});

test("names for templates", () => {
  const plain = must(overlayBoard(must(find("uno")), []));
  assert.is(plain.values.get("upload.speed"), "115200");
  assert.equal(plain.values.get("usb.defines"), []);
  assert.equal(plain.extraFlags, ["-DARDUINO_AVR_UNO"]);
  const usb = must(overlayBoard(must(find("leonardo")), []));
  const defines = ["USB_VID=0x2341", "USB_PID=0x8036", 'USB_PRODUCT="Arduino Leonardo"', 'USB_MANUFACTURER="Arduino"'];
  assert.equal(usb.values.get("usb.defines"), defines);
  assert.equal([usb.values.get("upload.maximum_size"), usb.values.get("upload.maximum_ram_size")], ["0", "0"]);
  assert.equal(usb.extraFlags, ["-DA", "-DB"]);
});

test("a variant that the core does not have", () => {
  const board = must(overlayBoard(must(find("uno")), [{ path: "build.variant", value: "standart", origin: null }]));
  const listing = [
    { name: "standard", is: "dir" },
    { name: "mega", is: "dir" },
    { name: "standart", is: "file" },
  ] as const;
  const found = checkVariant(board, listing, "core/variants", place);
  assert.match(found?.message ?? "", /needs the variant "standart", which core\/variants does not have: it has standard, mega$/);
  assert.match(found?.hint ?? "", /did you mean "standard"\?/);
  assert.is(checkVariant(must(overlayBoard(must(find("uno")), [])), listing, "core/variants", place), null);
});

test("listing: every word, in any field, without case", () => {
  const own = projectBoards(
    ["boards"],
    ["atmelavr"],
    files({ "boards/my.json": '{"name":"My UNO","build":{"f_cpu":8000000}}', "boards/bad.json": "{" }),
  );
  const ids = (query: string) => listBoards(query, [{ name: "atmelavr", boards: table }], own).map((line) => line.id);
  assert.equal(ids(""), ["leonardo", "megaatmega2560", "my", "uno"]);
  assert.equal(ids("UNO"), ["my", "uno"]);
  assert.equal(ids("arduino 328p"), ["megaatmega2560", "uno"]);
  assert.equal(listBoards("uno arduino", [{ name: "atmelavr", boards: table }], []), [
    { id: "uno", name: "Arduino Uno", platform: "atmelavr", mcu: "atmega328p", f_cpu: 16000000, flash: 32256, ram: 2048 },
  ]);
});

test("a platform's board gives what the JSON does not say, and nothing else", () => {
  const json = { name: "B", build: { mcu: "m" }, upload: {} };
  const board = withDefaults(
    { id: "b", file: "f", json },
    new Map<string, string | readonly string[]>([
      ["build.mcu", "x"],
      ["build.fs", "spiffs"],
      ["upload.protocols", ["a", "b"]],
    ]),
  );
  assert.equal(board.json, { name: "B", build: { mcu: "m", fs: "spiffs" }, upload: { protocols: ["a", "b"] } });
});

test.run();
