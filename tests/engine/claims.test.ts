/** Claims: all or none, counted or named, given back once. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Pool } from "../../engine/claims.ts";
import type { Claim } from "../../engine/types.ts";

const cpu = (units: number): Claim => ({ on: "cpu", units });
const device = (mode: "exclusive" | "monitor", name = "/dev/a"): Claim => ({ on: "device", device: name, mode });
const CONSOLE: Claim = { on: "console" };

/** name, what is held, what is asked for, whether it is given. */
const table: readonly (readonly [string, readonly Claim[], readonly Claim[], boolean])[] = [
  ["nothing is always there", [cpu(4)], [], true],
  ["the last unit", [cpu(3)], [cpu(1)], true],
  ["one too many", [cpu(4)], [cpu(1)], false],
  ["more than there is takes all of it", [], [cpu(99)], true],
  ["and then nothing is left", [cpu(99)], [cpu(1)], false],
  ["one of two claims is held", [CONSOLE], [cpu(1), CONSOLE], false],
  ["resources are apart", [cpu(4)], [{ on: "network", units: 1 }], true],
  ["one console", [CONSOLE], [CONSOLE], false],
  ["a device while it is flashed", [device("exclusive")], [device("monitor")], false],
  ["flashing while it is monitored", [device("monitor")], [device("exclusive")], false],
  ["two monitors", [device("monitor")], [device("monitor")], true],
  ["two devices", [device("exclusive")], [device("exclusive", "/dev/b")], true],
];
for (const [name, held, asked, given] of table) {
  test(name, () => {
    const pool = new Pool({ cpu: 4, network: 2, disk: 1 });
    const first = pool.take(held);
    assert.ok(first);
    const second = pool.take(asked);
    assert.is(second !== null, given);
    second?.release();
    // Given back twice counts once.
    first?.release();
    first?.release();
    assert.ok(pool.take([cpu(4), CONSOLE, device("exclusive"), { on: "network", units: 2 }]));
    assert.is(pool.take([cpu(1)]), null);
  });
}

test("what is refused takes nothing", () => {
  const pool = new Pool({ cpu: 2, network: 1, disk: 1 });
  const console = pool.take([CONSOLE]);
  assert.is(pool.take([cpu(2), CONSOLE]), null);
  assert.ok(pool.take([cpu(2)]));
  console?.release();
});

test.run();
