// Builds and flashes the sketch beside this file, then talks to it: node self-test.mjs [PORT]. Without a port: a virtual Uno.
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { Daemon, SerialMonitor } from "fb";

const port = process.argv[2] ?? "sim:uno";
const daemon = await Daemon.connect();
const deployed = await daemon.deploy({ projectDir: dirname(fileURLToPath(import.meta.url)), port });
assert.equal(deployed.exitCode, 0, deployed.message);

// Opening the port resets the board.
const monitor = await SerialMonitor.attach(port, { baudRate: 115200 });
await monitor.expect(/^ready$/, 30);
for (const [a, b] of [
  [2, 3],
  [-40, 7],
  [1000, 234],
]) {
  await monitor.write(`add ${a} ${b}\n`);
  const [sum] = await monitor.expect(/^-?\d+$/, 10);
  assert.equal(Number(sum), a + b);
  console.log(`${a} + ${b} = ${sum}`);
}
await monitor.detach();
await daemon.close();
