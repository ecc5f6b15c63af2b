import { test } from "uvu";
import * as assert from "uvu/assert";
import { TestProject } from "../../e2e/harness.ts";

const empty = new TestProject({});

test("--json has the contract's fields, sorted by id", () => {
  const boards = JSON.parse(empty.fb(["boards", "--json"]).stdout) as { id: string }[];
  assert.equal(
    boards.find((b) => b.id === "uno"),
    { id: "uno", name: "Arduino Uno", platform: "atmelavr", mcu: "atmega328p", f_cpu: 16000000, flash: 32256, ram: 2048 },
  );
  assert.equal(
    boards.map((b) => b.id),
    boards.map((b) => b.id).sort(),
  );
});

test("a query keeps the boards that have all its words", () => {
  const ids = (JSON.parse(empty.fb(["boards", "NANO 328p", "--json"]).stdout) as { id: string }[]).map((b) => b.id);
  assert.ok(ids.includes("nanoatmega328") && !ids.includes("nanoatmega168"), ids.join(" "));
});

test("for people: columns under their titles", () => {
  const { stdout, code } = empty.fb(["boards", "nanoatmega"]);
  assert.is(code, 0);
  const [head = "", ...rows] = stdout.trimEnd().split("\n");
  const at = head.indexOf("CHIP");
  assert.ok(rows.length >= 3);
  for (const row of rows) assert.match(row.slice(at), /^atmega(168|328p) +16 MHz +(14|30) kB +[12] kB +atmelavr$/);
});

test("nothing found: exit 2 and ids that are near; with --json an empty list", () => {
  const ran = empty.fb(["boards", "unoo"]);
  assert.is(ran.code, 2);
  assert.is(ran.stdout, "");
  assert.match(ran.stderr, 'did you mean "uno"');
  assert.is(empty.fb(["boards", "unoo", "--json"]).stdout, "[]\n");
});

test("the project's own boards are there, and stand for others of their id", () => {
  const board = (name: string) =>
    JSON.stringify({ name, platform: "atmelavr", build: { mcu: "atmega328p", f_cpu: "8000000L" }, upload: { maximum_size: 1000 } });
  const project = new TestProject({ "platformio.ini": "", "boards/mine.json": board("My own"), "boards/uno.json": board("Changed Uno") });
  const found = JSON.parse(project.fb(["boards", "--json"]).stdout) as { id: string; name: string; flash: number }[];
  assert.is(found.find((b) => b.id === "mine")?.flash, 1000);
  assert.equal(
    found.filter((b) => b.id === "uno").map((b) => b.name),
    ["Changed Uno"],
  );
  const elsewhere = empty.fb(["boards", "mine", "-C", project.folder]);
  assert.match(elsewhere.stdout, "My own");
});

test("a broken platformio.ini is told of, and the platforms' boards are listed all the same", () => {
  const ran = new TestProject({ "platformio.ini": "board = x\n" }).fb(["boards", "leonardo"]);
  assert.is(ran.code, 0);
  assert.match(ran.stdout, "leonardo");
  assert.match(ran.stderr, "platformio.ini:1");
});

test.run();
