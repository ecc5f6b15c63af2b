/**
 * Packages of pioarduino's shape: the platform package names addresses, and what lies at a tool's is a list of archives (`tools.json`), one a system. fb fetches the one for
 * this machine, checked and locked with those of all others; the installer that the list is for never runs.
 */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ends, type Ran, result, TestProject } from "./harness.ts";
import { archive, type Content, LEAST_CORE, PackageServer, sha256, TOOLCHAIN } from "./package-server.ts";

const SYSTEMS: Readonly<Record<string, string>> = { x64: "linux-amd64", arm64: "linux-arm64" };
const HERE = SYSTEMS[process.arch] ?? "linux-amd64";
const OTHER = HERE === "linux-amd64" ? "macos-arm64" : "win64";

const server = await PackageServer.start();
test.after(() => void server.close());

const SKETCH = "#include <Arduino.h>\nvoid setup() {}\nvoid loop() {}\n";
const board = {
  name: "Acme",
  vendor: "Acme",
  frameworks: ["arduino"],
  build: { core: "arduino", variant: "standard", mcu: "atmega328p", f_cpu: "8000000L" },
};

/** A toolchain's archive and the package that lists it; change: of what the list says for this system. */
function listing(
  name: string,
  change: Readonly<Record<string, unknown>> = {},
  system = HERE,
): { readonly list: string; readonly file: Buffer } {
  const file = archive(`${name}.tar.xz`, TOOLCHAIN, "avr-gcc");
  const url = server.put(`vendor/${name}.tar.xz`, file);
  const about = { url, sha256: sha256(file), size: file.length, ...change };
  const versions = [
    { name: "old", status: "supported", [HERE]: { ...about, url: `${server.url}/no-such` } },
    { name: "esp-7.3.0_20260121", status: "recommended", [system]: about, [OTHER]: { ...about, url: `${url}.other` } },
  ];
  const content: Content = {
    "package.json": JSON.stringify({ name: "toolchain-atmelavr", version: "7.3.0+20260121" }),
    "tools.json": JSON.stringify({
      version: 2,
      tools: [{ name: "toolchain-atmelavr", install: "always", strip_container_dirs: 1, versions }],
    }),
  };
  return { list: server.put(`${name}-list.tar.gz`, archive(`${name}-list.tar.gz`, content, ".")), file };
}

function platform(name: string, list: string): string {
  const core = server.put("core.tar.gz", archive("core.tar.gz", LEAST_CORE, "core"));
  const packages = {
    "toolchain-atmelavr": { type: "toolchain", owner: "pioarduino", version: list, "package-version": "7.3.0+20260121" },
    "framework-arduino-avr": { type: "framework", owner: "pioarduino", version: core },
    "tool-esp_install": { type: "tool", version: `${server.url}/installer-that-nobody-needs.zip` },
  };
  const content = {
    "platform.json": JSON.stringify({ name: "atmelavr", version: "5.0.1", packages }),
    "platform.py": 'raise SystemExit("ran")\n',
    "boards/acme.json": JSON.stringify(board),
  };
  return server.put(`${name}.tar.gz`, archive(`${name}.tar.gz`, content, "platform-atmelavr"));
}

function project(address: string, more: Readonly<Record<string, string>> = {}): TestProject {
  const ini = `[env:a]\nplatform = atmelavr=${address}\nboard = acme\nframework = arduino\n`;
  return new TestProject({ "platformio.ini": ini, "src/main.cpp": SKETCH, ...more });
}
function run(p: TestProject, args: readonly string[] = []): Promise<Ran> {
  return p.start(["run", ...args, "--json"], { vars: { FB_REGISTRY: "http://no-such-host.invalid" } }).ended;
}
function fetched(run: Ran): string[] {
  return ends(run)
    .filter((e) => e.status === "ran" && e.kind === "fetch")
    .map((e) => e.label);
}

test("the archive for this machine is fetched and locked, and those of others; the same on another machine and offline", async () => {
  const { list } = listing("good");
  const p = project(platform("good-platform", list));
  const first = await run(p);
  assert.is(first.code, 0, first.stderr);
  assert.ok(fetched(first).includes("toolchain-atmelavr 7.3.0+20260121"), fetched(first).join("\n"));
  assert.ok(!server.asked.some((path) => path.includes("installer")));
  const lock = p.read("fb.lock");
  const block = /\[tool\."pioarduino\/toolchain-atmelavr@7\.3\.0\+20260121"\][\s\S]*?\n\]\nwants = \[\n.*\n\]/.exec(lock)?.[0] ?? "";
  assert.match(block, /vendor\/good\.tar\.xz", sha256 = "[0-9a-f]{64}", size = \d+, digest = "/);
  assert.match(block, /system = "(darwin_arm64|windows_amd64)", from = "\S+good\.tar\.xz\.other"/);
  assert.match(block, /wants = \[\n.*good-list\.tar\.gz/);
  assert.is(result(await run(p)).upToDate, result(first).actions);
  const told = (await p.start(["deps"], { vars: { FB_REGISTRY: "http://no-such-host.invalid" } }).ended).stdout;
  assert.match(told, /toolchain-atmelavr +7\.3\.0\+20260121 .*good\.tar\.xz/);
  assert.match(told, /framework-arduino-avr +9\.9\.9 .*core\.tar\.gz/, "the version that its own files tell");
  const image = p.digest(".fb/build/a/release/firmware.hex");
  const asked = server.asked.length;
  p.remove(".fb");
  const again = await run(p, ["--offline", "--locked"]);
  assert.is(again.code, 0, again.stderr);
  assert.is(p.digest(".fb/build/a/release/firmware.hex"), image);
  assert.is(server.asked.length, asked);
  const other = project("", { "platformio.ini": p.read("platformio.ini"), "fb.lock": lock });
  const there = await run(other, ["--locked"]);
  assert.is(there.code, 0, there.stderr);
  assert.is(other.digest(".fb/build/a/release/firmware.hex"), image);
  assert.is(other.read("fb.lock"), lock);
  assert.not.ok(
    server.asked.slice(asked).some((path) => path.includes("good-list")),
    "the lock has the archive itself",
  );
});

test("a wrong sum: exit 4, and nothing of it is locked; none for this machine: it is said", async () => {
  const wrong = await run(project(platform("wrong-platform", listing("wrong", { sha256: "0".repeat(64) }).list)));
  assert.is(wrong.code, 4, wrong.stderr);
  assert.match(wrong.stderr, /toolchain-atmelavr 7\.3\.0\+20260121.*wrong\.tar\.xz/);
  const p = project(platform("far-platform", listing("far", {}, "linux-i686").list));
  const far = await run(p);
  assert.is(far.code, 3, far.stderr);
  assert.match(far.stderr, /package toolchain-atmelavr 7\.3\.0\+20260121 is published for no machine like this one \(linux_\w+\)/);
});

test.run();
