/** Real esptool, of two generations, and the mock of Espressif's ROM loader that answers it: PyPI's esp32-mock-bootloader. Installed by pip below the test's own folder. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, watch } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { freshFolder, TestProject } from "./harness.ts";

/** What esptool needs to write: it does without the rest of what it asks for, which signs and burns fuses. */
const OLD = ["esptool==4.11.0", "pyserial==3.5", "intelhex==2.3.0"];
const NEW = ["esptool==5.6.0", "pyserial==3.5", "intelhex==2.3.0", "click==8.5.1", "rich==15.0.0", "rich_click==1.9.9", "esp-pylib==1.2.0"];
const MOCK = "esp32-mock-bootloader==0.3.0";

export interface Esptools {
  /** Folders for PYTHONPATH. */
  readonly old: string;
  readonly fresh: string;
}

/** Null, and why on stderr: no Python, no pip, no registry. */
export async function installEsptools(): Promise<Esptools | null> {
  const folders = { old: freshFolder("esptool4"), fresh: freshFolder("esptool5") };
  const install = async (folder: string, packages: readonly string[]) => {
    const words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile", "--target", folder];
    const child = spawn("python3", [...words, ...packages], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    const code = await new Promise<number | null>((done) => child.on("error", () => done(null)).on("close", done));
    return code === 0 ? null : said.trim().split("\n").at(-1) || "no python3 with pip";
  };
  const [one, two] = await Promise.all([install(folders.old, OLD), install(folders.fresh, [...NEW, MOCK])]);
  const why = one ?? two;
  if (why === null) return folders;
  console.error(`no esptool: nothing is written by it (${why})`);
  return null;
}

/** A folder to put before PATH, with `esptool`; it notes its process, which the file `pid` then names. */
export function esptoolOnPath(folder: string): { readonly bin: string; readonly pid: string } {
  const made = new TestProject({}, { folder: freshFolder("path") });
  const pid = made.path("pid");
  made.write("bin/esptool", `#!/bin/sh\necho $$ > '${pid}'\nPYTHONPATH='${folder}' exec python3 -m esptool "$@"\n`);
  chmodSync(made.path("bin/esptool"), 0o755);
  return { bin: made.path("bin"), pid };
}

/** A chip that waits in its ROM loader, at a pty. */
export class MockChip {
  readonly port: string;
  readonly #child: ChildProcess;
  readonly #tools: Esptools;
  readonly #chip: string;

  private constructor(port: string, child: ChildProcess, tools: Esptools, chip: string) {
    this.port = port;
    this.#child = child;
    this.#tools = tools;
    this.#chip = chip;
  }

  static async start(chip: string, tools: Esptools): Promise<MockChip> {
    const file = join(freshFolder("port"), "port");
    const env = { ...process.env, PYTHONPATH: tools.fresh };
    const args = ["-m", "esp32_mock_bootloader.cli", "run", "--chip", chip, "--pty", "--port-file", file];
    const child = spawn("python3", args, { env, stdio: ["ignore", "ignore", "inherit"] });
    const named = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
    await new Promise<void>((done, failed) => {
      const look = watch(dirname(file), () => {
        if (named() === "") return;
        look.close();
        done();
      });
      child.on("exit", (code) => failed(new Error(`the mock of ${chip} ended with ${code}`)));
    });
    return new MockChip(named(), child, tools, chip);
  }

  /** The port is gone with it. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((done) => this.#child.on("close", done));
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** What its flash holds. */
  flash(from: number, size: number): Buffer {
    const file = join(freshFolder("flash"), "flash.bin");
    const words = ["--chip", this.#chip, "--port", this.port, "--baud", "921600", "read_flash", String(from), String(size), file];
    const ran = spawnSync("python3", ["-m", "esptool", ...words], {
      env: { ...process.env, PYTHONPATH: this.#tools.old },
      encoding: "utf8",
    });
    assert.is(ran.status, 0, ran.stdout + ran.stderr);
    return readFileSync(file);
  }
}
