/** `import { SerialMonitor, Daemon } from "fb"` by Node scripts in a project that has fb as a dependency. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as api from "../../cli/daemon/api.ts";
import type * as Fb from "../../cli/daemon/fb.d.ts";
import { AVR, BLINK, FB, type RunOptions, TestProject } from "./harness.ts";

/** What is published is what is there: this compiles, or it is not. */
const published: typeof Fb = api;

const projects: TestProject[] = [];
const servers: Server[] = [];
test.after(() => {
  for (const p of projects) p.fb(["daemon", "kill"]);
  for (const server of servers) server.close();
});

/** A project whose scripts can import fb, and have a device that says a line a moment after each line that it is sent. */
async function place(files: Readonly<Record<string, string>> = {}): Promise<{ p: TestProject; port: string }> {
  const p = new TestProject({ "package.json": '{"type":"module"}', ...files });
  projects.push(p);
  mkdirSync(p.path("node_modules"));
  symlinkSync(dirname(dirname(FB)), p.path("node_modules/fb"));
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.write("booted\nready 7\n");
    socket.on("data", (data) => {
      for (const line of String(data)
        .split("\n")
        .filter((l) => l !== ""))
        socket.write(line === "bye" ? "good bye\n" : `you said ${line}\n`);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return { p, port: `socket://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const VARS = { FB_DAEMON_PORT: "0" };

/** Runs a script; what it printed. */
async function script(p: TestProject, port: string, text: string, options: RunOptions & { readonly node?: string } = {}): Promise<string> {
  p.write("script.js", text);
  const child = spawn(options.node ?? process.execPath, ["script.js", port], {
    cwd: p.folder,
    env: p.vars({ vars: VARS }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (d) => (out += d));
  child.stderr.on("data", (d) => (err += d));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.is(code, 0, err);
  return out;
}

const MONITOR = `import { SerialMonitor } from "fb";
const monitor = await SerialMonitor.attach(process.argv[2], { baudRate: 9600, description: "a test" });
const ready = await monitor.expect(/ready (\\d+)/, 20);
console.log("ready", ready[1]);
console.log("wrote", await monitor.write("hello\\n"));
console.log((await monitor.expect("you said .*", 20))[0]);
try {
  await monitor.expect(/never/, 0.05);
} catch (error) {
  console.log(error.name, error.code);
}
await monitor.write("bye\\n");
const lines = [];
for await (const line of monitor) {
  lines.push(line);
  if (line === "good bye") break;
}
console.log(JSON.stringify(lines));
await monitor.detach();
`;
const SAID = 'ready 7\nwrote 6\nyou said hello\nFbError monitor.timeout\n["booted","ready 7","you said hello","good bye"]\n';

test("SerialMonitor: attach, expect, write, iterate, detach; the process ends by itself", async () => {
  assert.equal(Object.keys(published).sort(), ["Daemon", "FbError", "SerialMonitor"]);
  const { p, port } = await place();
  assert.is(await script(p, port, MONITOR), SAID);
  assert.equal(JSON.parse(p.fb(["daemon", "locks", "--json"]).stdout).port_locks, []);
});

if (spawnSync("node", ["-e", "process.exit(process.versions.node.split('.')[0] === '20' ? 0 : 1)"]).status === 0)
  test("the same on Node 20", async () => {
    const { p, port } = await place();
    assert.is(await script(p, port, MONITOR, { node: "node" }), SAID);
  });

test("Daemon: devices, leases, and monitors that are told of them", async () => {
  const { p, port } = await place();
  const out = await script(
    p,
    port,
    `import { Daemon, SerialMonitor } from "fb";
const port = process.argv[2];
await Daemon.connect({ start: false }).then(() => console.log("?"), (e) => console.log(e.code));
const events = [];
const monitor = await SerialMonitor.attach(port, { onEvent: (e) => events.push(e) });
await monitor.expect(/ready/, 20);
const daemon = await Daemon.connect();
const lease = await daemon.lease(port, { description: "flash it" });
console.log(lease.port === port, lease.device);
const other = await Daemon.connect();
await other.lease(port).catch((e) => console.log(e.code, e.exit, /held by flash it/.test(e.message)));
const [device] = (await daemon.devices()).filter((d) => d.id === lease.device);
console.log(device.connected, device.claims.map((c) => c.mode).join());
const taken = await other.lease(port, { takeover: "mine now" });
console.log(await lease.lost);
await taken.release();
await monitor.expect(/ready/, 20);
console.log(events.map((e) => e.is).join());
await daemon.close();
await other.close();
await monitor.detach();
await SerialMonitor.attach("/dev/there-is-none").catch((e) => console.log(e.code, e.exit));
await SerialMonitor.attach("ftp://x").catch((e) => console.log(e.code, e.exit));
`,
  );
  const id = port.replace("socket://", "socket-").replace(":", "-");
  assert.match(out.split("\n")[4] ?? "", /took the device: mine now/);
  assert.equal(
    out.split("\n").filter((_, i) => i !== 4),
    [
      "daemon.none",
      `true ${id}`,
      "device.busy 5 true",
      "true exclusive,monitor",
      "preempted,reconnected",
      "device.not-found 5",
      "device.address 2",
      "",
    ],
  );
});

test("Daemon.build: events, the result, what fails, what is cancelled", async () => {
  const { p, port } = await place({ "platformio.ini": `[env:uno]\n${AVR}`, "src/main.cpp": BLINK });
  const out = await script(
    p,
    port,
    `import { Daemon } from "fb";
import { writeFileSync } from "node:fs";
const daemon = await Daemon.connect();
const kinds = new Set();
const projectDir = process.cwd();
const built = await daemon.build({ projectDir, environment: "uno", onEvent: (e) => kinds.add(e.type) });
console.log(built.success, built.exitCode, built.outputFile.endsWith("firmware.hex"), kinds.has("end"));
writeFileSync("src/main.cpp", "int main( {");
const failed = await daemon.build({ projectDir });
console.log(failed.success, failed.exitCode, failed.outputFile);
await daemon.build({ projectDir: "relative" }).catch((e) => console.log(e.code));
writeFileSync("platformio.ini", "[env:uno]\\nplatform = atmelavr\\nboard = uno\\nframework = arduino\\nbuild_flags = !sleep 1000\\n");
const stop = new AbortController();
const cancelled = await daemon.build({ projectDir, signal: stop.signal, onEvent: () => stop.abort() });
console.log(cancelled.exitCode);
await daemon.close();
`,
  );
  assert.equal(out.split("\n"), ["true 0 true true", "false 1 null", "daemon.refused", "130", ""]);
});

if (spawnSync("avrdude", ["-?"]).error === undefined)
  test("examples/self-test flashes a virtual Uno and talks to it", async () => {
    const { p } = await place();
    cpSync(join(dirname(dirname(FB)), "examples/self-test"), p.folder, { recursive: true });
    const out = await script(p, "sim:uno", p.read("self-test.mjs"));
    assert.is(out, "2 + 3 = 5\n-40 + 7 = -33\n1000 + 234 = 1234\n");
  });

test.run();
