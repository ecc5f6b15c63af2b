import { test } from "uvu";
import * as assert from "uvu/assert";
import { renderSizes } from "../../../cli/show/size.ts";
import { artifact } from "./script.ts";

const row = (env: string, flash: number, ram: number, total: number | null = 32256) => ({
  env,
  flash: { used: flash, total },
  ram: { used: ram, total: total === null ? null : 2048 },
});

test("bars as PlatformIO's users know them, with the difference to the last build", () => {
  const result = { artifacts: [artifact("uno")], size: [row("uno", 16_128, 2048)] };
  const previous = () => ({ flash: 16_200, ram: 2048 });
  assert.is(
    renderSizes(result, previous, false),
    `uno  .fb/build/uno/release/firmware.hex
  RAM:   [==========] 100.0% (used 2048 bytes from 2048 bytes)
  Flash: [=====     ]  50.0% (used 16128 bytes from 32256 bytes, -72)
`,
  );
});

test("what is nearly full is yellow, what does not fit red", () => {
  const text = renderSizes({ artifacts: [], size: [row("uno", 31_000, 3000)] }, () => null, true);
  assert.ok(text.includes("\x1b[1;31m[==========] 146.5% OVERFLOW\x1b[0m"), text);
  assert.ok(text.includes("\x1b[1;33m[==========]  96.1%\x1b[0m"), text);
});

test("without a known size: bytes only", () => {
  assert.is(
    renderSizes({ artifacts: [], size: [row("native", 16_000, 100, null)] }, () => null, false),
    "native\n  RAM:   used 100 bytes\n  Flash: used 16000 bytes\n",
  );
  assert.is(
    renderSizes({ artifacts: [artifact("x")], size: [] }, () => null, false),
    "x  .fb/build/x/release/firmware.hex\n",
  );
  assert.is(
    renderSizes({ artifacts: [], size: [] }, () => null, false),
    "",
  );
});

test("many envs: one line each", () => {
  const envs = ["uno", "nano", "mega2560", "micro"];
  const result = { artifacts: envs.map((e) => artifact(e)), size: envs.map((e, i) => row(e, 1030 * (i + 1), 9)) };
  assert.is(
    renderSizes(result, (env) => (env === "nano" ? { flash: 2000, ram: 9 } : null), false),
    `uno       Flash   3.2% (1030 of 32256 bytes)  RAM   0.4% (9 of 2048 bytes)  firmware.hex
nano      Flash   6.4% (2060 of 32256 bytes, +60)  RAM   0.4% (9 of 2048 bytes)  firmware.hex
mega2560  Flash   9.6% (3090 of 32256 bytes)  RAM   0.4% (9 of 2048 bytes)  firmware.hex
micro     Flash  12.8% (4120 of 32256 bytes)  RAM   0.4% (9 of 2048 bytes)  firmware.hex
`,
  );
});

test.run();
