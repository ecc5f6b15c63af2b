/** PlatformIO and fbuild on the same project with the same compiler and core as fb; whichever is not there is passed over. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, createReadStream, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { type Command, type Contender, inTurns, type Measured, time } from "./measure.ts";
import { edit, remove, withLibraries, write } from "./projects.ts";

export interface PeerBench {
  readonly scratch: string;
  /** Path of fb's program. */
  readonly fb: string;
  readonly runs: number;
  /** A project for uno. */
  readonly blink: string;
  /** The stand-in toolchain of projects.ts. */
  readonly toolchain: string;
  say(what: string, ours: Measured, other: Measured, is: "ratio" | "difference", limit: number | null): void;
}

function version(program: string): string | null {
  const ran = spawnSync(program, ["--version"], { encoding: "utf8" });
  return ran.status === 0 ? ran.stdout.trim() : null;
}

/** As they call themselves; none for those that are not on PATH. */
export function peerVersions(): string[] {
  return ["pio", "fbuild"].flatMap((program) => version(program) ?? []);
}

/**
 * What is needed beyond PATH, by environment variables: AVR_TOOLCHAIN and ARDUINO_CORE (the packages all three use), FB_PEERS (fbuild: a folder with www/*.tar.gz of
 * both; unset, the one around PLATFORMIO_CORE_DIR), FB_ATMELAVR (PlatformIO: a checkout of its AVR platform, put into a core folder beside the packages of
 * PLATFORMIO_CORE_DIR; unset, the one that is installed there). Nothing is downloaded.
 */
export async function besidePeers(bench: PeerBench): Promise<void> {
  const { AVR_TOOLCHAIN: compiler, ARDUINO_CORE: core } = process.env;
  if (compiler === undefined || core === undefined) {
    console.log("peers: skipped, AVR_TOOLCHAIN and ARDUINO_CORE do not name the packages that all use");
    return;
  }
  const ours = project(bench, "peer-fb", [`toolchain-atmelavr@symlink://${compiler}`, `framework-arduino-avr@symlink://${core}`]);
  const fb: Peer = {
    name: "fb",
    folder: ours,
    build: { argv: [bench.fb, "run", "-j2"], cwd: ours, vars: { FB_CACHE_DIR: join(bench.scratch, "peer-cache") } },
    forget: () => remove(join(ours, ".fb"), join(bench.scratch, "peer-cache")),
  };
  const pio = platformio(bench);
  if (typeof pio === "string") console.log(`PlatformIO: skipped, ${pio}`);
  else compare(bench, fb, pio);
  const other = await fbuild(bench);
  if (typeof other === "string") console.log(`fbuild: skipped, ${other}`);
  else {
    compare(bench, fb, other.peer);
    other.end();
  }
  if (version("pio") !== null && existsSync(join(process.env["PLATFORMIO_CORE_DIR"] ?? "", "platforms/native"))) libraries(bench);
}

interface Peer {
  readonly name: string;
  readonly folder: string;
  readonly build: Command;
  /** Removes what was built, everywhere. */
  readonly forget: () => void;
}

function compare({ scratch, runs, say }: PeerBench, fb: Peer, peer: Peer): void {
  const contest = (what: string, prepare: (peer: Peer) => (turn: number) => void) => {
    const [a, b] = inTurns(
      [fb, peer].map((p): Contender => ({ name: p.name, ...p.build, prepare: prepare(p) })),
      runs,
      scratch,
    );
    if (a !== undefined && b !== undefined) say(`uno blink beside ${peer.name}, ${what}`, a, b, "ratio", null);
  };
  contest("cold", (p) => () => p.forget());
  contest("unchanged", () => () => {});
  contest("one edit", (p) => (turn) => edit(join(p.folder, "src/Blink.ino"), turn));
}

function project({ scratch, blink }: PeerBench, name: string, packages: readonly string[]): string {
  const folder = join(scratch, name);
  cpSync(blink, folder, { recursive: true, filter: (path) => !path.endsWith("/.fb") });
  const lines = packages.length === 0 ? "" : `platform_packages =\n${packages.map((p) => `  ${p}\n`).join("")}`;
  write(join(folder, "platformio.ini"), `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\n${lines}`);
  return folder;
}

/** PlatformIO with a core folder of its own; or why not. */
function platformio(bench: PeerBench): Peer | string {
  const { FB_ATMELAVR: given, PLATFORMIO_CORE_DIR: from } = process.env;
  if (version("pio") === null) return "pio is not on PATH";
  const platform = given ?? join(from ?? "", "platforms/atmelavr");
  if (from === undefined || !existsSync(platform))
    return "FB_ATMELAVR does not name a checkout of its AVR platform, or PLATFORMIO_CORE_DIR is not set";
  const core = join(bench.scratch, "pio-core");
  mkdirSync(join(core, "packages"), { recursive: true });
  for (const name of ["tool-scons", "toolchain-atmelavr", "framework-arduino-avr"])
    symlinkSync(join(from, "packages", name), join(core, "packages", name));
  cpSync(platform, join(core, "platforms/atmelavr"), { recursive: true });
  const spec = { owner: "platformio", id: null, name: "atmelavr", requirements: null, uri: null };
  write(join(core, "platforms/atmelavr/.piopm"), JSON.stringify({ type: "platform", name: "atmelavr", version: "5.2.0", spec }));
  const folder = project(bench, "peer-pio", []);
  const vars = {
    PLATFORMIO_CORE_DIR: core,
    PLATFORMIO_SETTING_ENABLE_TELEMETRY: "no",
    PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL: "9999",
  };
  return {
    name: "PlatformIO",
    folder,
    build: { argv: ["pio", "run", "-j2"], cwd: folder, vars },
    forget: () => remove(join(folder, ".pio")),
  };
}

/**
 * fbuild, its daemon running; or why not. In the user's own home, since client and daemon do not find each other in another: so what it has cached stays warm,
 * also where it builds cold.
 */
async function fbuild(bench: PeerBench): Promise<{ peer: Peer; end: () => void } | string> {
  if (version("fbuild") === null) return "fbuild is not on PATH";
  const www = join(process.env["FB_PEERS"] ?? dirname(process.env["PLATFORMIO_CORE_DIR"] ?? ""), "www");
  const archives = ["toolchain-atmelavr", "framework-arduino-avr"];
  if (!archives.every((name) => existsSync(join(www, `${name}.tar.gz`))))
    return "FB_PEERS does not name a folder with www/toolchain-atmelavr.tar.gz and www/framework-arduino-avr.tar.gz";
  const server = createServer((request, response) => {
    const name = archives.find((each) => request.url === `/${each}.tar.gz`);
    if (name === undefined) response.writeHead(404).end();
    else createReadStream(join(www, `${name}.tar.gz`)).pipe(response);
  }).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  const folder = project(
    bench,
    "peer-fbuild",
    archives.map((name) => `${name} @ http://127.0.0.1:${port}/${name}.tar.gz`),
  );
  // The first build fetches from this process, so this process may not wait for it.
  const code = await new Promise((done) => spawn("fbuild", ["build", "-e", "uno"], { cwd: folder, stdio: "ignore" }).once("exit", done));
  server.close();
  const end = () => void spawnSync("fbuild", ["daemon", "stop"], { cwd: folder });
  if (code !== 0) {
    end();
    return `its first build ended with ${code}`;
  }
  const peer = {
    name: "fbuild",
    folder,
    build: { argv: ["fbuild", "build", "-e", "uno"], cwd: folder },
    forget: () => remove(join(folder, ".fbuild")),
  };
  return { peer, end };
}

/** PlatformIO's native platform calls the gcc on PATH: the stand-in, for both. */
function libraries(bench: PeerBench): void {
  const [ours, theirs] = ["fb", "pio"].map((name) => {
    const folder = join(bench.scratch, `peer-libraries-${name}`);
    withLibraries(folder, bench.toolchain, 40, 12);
    return folder;
  });
  if (ours === undefined || theirs === undefined) return;
  write(join(theirs, "platformio.ini"), "[env:native]\nplatform = native\n");
  const contenders: Contender[] = [
    { name: "fb", argv: [bench.fb, "run", "-j2"], cwd: ours, vars: { FB_CACHE_DIR: join(bench.scratch, "peer-cache") } },
    { name: "PlatformIO", argv: ["pio", "run", "-j2"], cwd: theirs, vars: { PATH: `${bench.toolchain}/bin:${process.env["PATH"]}` } },
  ];
  for (const c of contenders) time(c, bench.scratch);
  const [a, b] = inTurns(contenders, bench.runs, bench.scratch);
  if (a !== undefined && b !== undefined) bench.say("40 libraries x 12 files beside PlatformIO, unchanged", a, b, "ratio", null);
}
