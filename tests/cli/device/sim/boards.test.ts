/** SimBoards: processes of virtual boards, started when they are wanted, kept, and ended together. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { coresAtHand, SimBoards, type SimPlace } from "../../../../cli/device/sim/boards.ts";
import type { Result } from "../../../../engine/types.ts";

const CORE = "/usr/share/arduino/hardware/arduino/avr";
const folder = mkdtempSync(join(tmpdir(), "fb-boards-"));
test.after(() => rmSync(folder, { recursive: true }));

function placeOf(result: Result<SimPlace>): SimPlace {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

/** Opens the port and lets it go: the board answers. */
function opens({ host, port }: SimPlace): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => socket.end());
    socket.on("error", () => resolve(false)).on("close", (wrong) => resolve(!wrong));
  });
}

if (!existsSync(CORE)) process.stdout.write("skipped: no Arduino core\n");
else
  test("each board has a port of its own, asked twice it is the same; after close there is none, and it begins anew", async () => {
    const boards = new SimBoards(() => [CORE]);
    try {
      const [uno, again, second, mega] = (
        await Promise.all([boards.portOf("uno", 1), boards.portOf("uno", 1), boards.portOf("uno", 2), boards.portOf("mega", 1)])
      ).map(placeOf);
      assert.is(uno?.port, again?.port);
      assert.is(new Set([uno?.port, second?.port, mega?.port]).size, 3);
      assert.equal(
        boards
          .list()
          .map(({ board, unit }) => `${board}/${unit}`)
          .sort(),
        ["mega/1", "uno/1", "uno/2"],
      );
      if (mega === undefined) throw new Error("no mega");
      assert.ok(await opens(mega));
      assert.is(mega.note, null);
      await boards.close();
      assert.equal(boards.list(), []);
      assert.not(await opens(mega));
      assert.ok(await opens(placeOf(await boards.portOf("mega", 1))));
    } finally {
      await boards.close();
    }
  });

test("no core, no such board: exit 5, and what to do; asked again it is tried again", async () => {
  const none = new SimBoards(() => coresAtHand(folder, null).filter((core) => core !== CORE));
  for (let i = 0; i < 2; i++) {
    const refused = await none.portOf("uno", 1);
    assert.ok(!refused.ok);
    if (refused.ok) return;
    assert.is(refused.failure.exit, 5);
    assert.match(refused.failure.hint, /fb deps/);
  }
  mkdirSync(join(folder, "core"));
  const boards = new SimBoards(() => [join(folder, "core"), ...coresAtHand(folder, null)]);
  const odd = await boards.portOf("nonsense", 1);
  assert.ok(!odd.ok);
});

test.run();
