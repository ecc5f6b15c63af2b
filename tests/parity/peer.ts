/**
 * PlatformIO with stand-ins for its compilers: they write down their arguments, so what is recorded is what the shell made of PlatformIO's commands, and
 * nothing is compiled. `pio` is taken from PATH; PLATFORMIO_CORE_DIR names the folder with its platform native and tool-scons. The folder of FB_ATMELAVR, a
 * checkout of its AVR platform, and two packages of the core folder make AVR builds possible too. What a sketch becomes is left to a real g++.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** What the project's folder and the core's are called in recorded words. */
export const PROJECT = "/P";
export const CORE = "/CORE";

/** Texts by path. */
export type Files = Readonly<Record<string, string>>;

/** Pauses are none. Folders below a folder come in the order of their names, as in fb: where PlatformIO takes the disk's (of an old mbed library), every machine has its own. */
const CUSTOM = `import os, time
time.sleep = lambda seconds: None
walk = os.walk
def walk_sorted(*args, **named):
    for root, folders, files in walk(*args, **named):
        folders.sort()
        yield root, folders, sorted(files)
os.walk = walk_sorted
`;

/** No build of stand-ins takes so long. */
const LIMIT_S = 120;

export interface Calls {
  /** Each call: the tool's name and its arguments, with PROJECT and CORE for the folders. */
  readonly calls: readonly (readonly string[])[];
  /** What pio said when it failed; empty when it did not. */
  readonly error: string;
}

export class Peer {
  /** A Python that has PlatformIO. */
  readonly python: string;
  /** AVR projects can be built too. */
  readonly avr: boolean;
  private readonly pio: string;
  private readonly from: string;
  private readonly work = mkdtempSync(join(tmpdir(), "fb-parity-"));
  private readonly bin = join(this.work, "bin");
  private readonly log = join(this.work, "log");
  private core: string | null = null;

  private constructor(pio: string, python: string, from: string) {
    this.pio = pio;
    this.python = python;
    this.from = from;
    this.avr = process.env["FB_ATMELAVR"] !== undefined;
  }

  /** A text says what is missing. */
  static find(): Peer | string {
    const pio = (process.env["PATH"] ?? "")
      .split(delimiter)
      .map((folder) => join(folder, "pio"))
      .find((path) => existsSync(path));
    if (pio === undefined) return "there is no pio on PATH";
    const python = /^#!(\S+)/.exec(readFileSync(pio, "utf8"))?.[1];
    if (python === undefined) return `${pio} does not name its Python in its first line`;
    const from = process.env["PLATFORMIO_CORE_DIR"];
    if (from === undefined || !existsSync(join(from, "platforms", "native")))
      return "PLATFORMIO_CORE_DIR does not name a folder with PlatformIO's platform native";
    return new Peer(pio, python, from);
  }

  version(): string {
    return spawnSync(this.pio, ["--version"], { encoding: "utf8" }).stdout.trim();
  }

  /** A new folder for a project with these files. */
  project(files: Files): string {
    const folder = mkdtempSync(join(this.work, "project-"));
    for (const [path, text] of Object.entries(files)) writeFileTo(join(folder, path), text);
    return folder;
  }

  /** `pio run` in a folder. */
  run(folder: string, envs: readonly string[] = []): Calls {
    this.core ??= this.setUp();
    const { core } = this;
    rmSync(this.log, { force: true });
    // pio starts SCons: a limit of both.
    const ran = spawnSync(
      "timeout",
      ["-s", "KILL", String(LIMIT_S), this.pio, "run", "-d", folder, "-j", "1", "-s", ...envs.flatMap((env) => ["-e", env])],
      {
        env: {
          PATH: [this.bin, dirname(this.pio), "/usr/bin", "/bin"].join(delimiter),
          HOME: this.work,
          PLATFORMIO_CORE_DIR: core,
          PLATFORMIO_SETTING_ENABLE_TELEMETRY: "no",
          PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL: "9999",
          // A library that is unknown here is asked for elsewhere, in vain, and again, and again: without pauses.
          PYTHONPATH: join(this.work, "python"),
          HTTPS_PROXY: "http://127.0.0.1:9",
          HTTP_PROXY: "http://127.0.0.1:9",
        },
        encoding: "utf8",
      },
    );
    const text = existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
    const calls = text
      .split("\u001e")
      .filter((line) => line !== "")
      .map((line) =>
        line
          .split("\u001f")
          .slice(0, -1)
          .map((word) => word.replaceAll(core, CORE).replaceAll(folder, PROJECT)),
      );
    return { calls, error: ran.status === 0 ? "" : ran.stderr.trim() || `exit ${ran.status}` };
  }

  remove(folder: string): void {
    rmSync(folder, { recursive: true });
  }

  close(): void {
    rmSync(this.work, { recursive: true });
  }

  /** A core folder of our own: the platforms, packages by link, the AVR toolchain's programs replaced by stand-ins. */
  private setUp(): string {
    const core = join(this.work, "core");
    this.standIns(this.bin, "");
    writeFileTo(join(this.work, "python", "sitecustomize.py"), CUSTOM);
    mkdirSync(join(core, "packages"), { recursive: true });
    cpSync(join(this.from, "platforms"), join(core, "platforms"), { recursive: true });
    symlinkSync(join(this.from, "packages", "tool-scons"), join(core, "packages", "tool-scons"));
    const atmelavr = process.env["FB_ATMELAVR"];
    if (atmelavr === undefined) return core;
    symlinkSync(join(this.from, "packages", "framework-arduino-avr"), join(core, "packages", "framework-arduino-avr"));
    const toolchain = join(core, "packages", "toolchain-atmelavr");
    this.standIns(join(toolchain, "bin"), "avr-");
    for (const name of ["package.json", ".piopm"]) cpSync(join(this.from, "packages", "toolchain-atmelavr", name), join(toolchain, name));
    cpSync(atmelavr, join(core, "platforms", "atmelavr"), { recursive: true });
    const spec = { owner: "platformio", id: null, name: "atmelavr", requirements: null, uri: null };
    const installed = { type: "platform", name: "atmelavr", version: "5.2.0", spec };
    writeFileSync(join(core, "platforms", "atmelavr", ".piopm"), JSON.stringify(installed));
    return core;
  }

  /** An Arduino core that is quickly compiled, in place of the real one. */
  useFramework(files: Files): void {
    this.core ??= this.setUp();
    const folder = join(this.core, "packages", "framework-arduino-avr");
    rmSync(folder);
    for (const [path, text] of Object.entries(files)) writeFileTo(join(folder, path), text);
    for (const name of ["package.json", ".piopm"]) cpSync(join(this.from, "packages", "framework-arduino-avr", name), join(folder, name));
  }

  private standIns(folder: string, prefix: string): void {
    mkdirSync(folder, { recursive: true });
    const script = `#!/bin/sh
if [ "$*" = "-v" ] || [ "$*" = "--version" ]; then echo "gcc version 12.2.0" >&2; exit 0; fi
case " $* " in *" -fpreprocessed "*) exec /usr/bin/g++ "$@";; esac
{ printf '%s\\037' "\${0##*/}" "$@"; printf '\\036'; } >> '${this.log}'
out=; last=
for a; do [ "$last" = -o ] && out=$a; last=$a; done
case "\${0##*/}" in *ar) out=$2;; *objcopy) out=$last;; esac
[ -n "$out" ] && : > "$out"
exit 0
`;
    for (const tool of ["gcc", "g++", "as", "ar", "ranlib", "gcc-ar", "gcc-ranlib", "objcopy", "size"]) {
      writeFileSync(join(folder, prefix + tool), script);
      chmodSync(join(folder, prefix + tool), 0o755);
    }
  }
}

/** Makes the folders that it needs; a name that ends with a slash is a folder. */
export function writeFileTo(file: string, text: string): void {
  if (file.endsWith("/")) mkdirSync(file, { recursive: true });
  else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
