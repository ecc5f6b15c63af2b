/** What is behind addresses that a crashed program prints: functions and lines of the env's program, by the toolchain's addr2line. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { FLAGS, readSections } from "../../rules/elf.ts";
import type { BuildInfo } from "../build-info.ts";
import { CrashReader } from "./crash.ts";

/** For people, what a line tells of a crash; nothing where it is no trace. In the order of the calls. */
export type FrameFinder = (line: string) => Promise<readonly string[]>;

/** A trace has a few dozen frames, the stack of an ESP8266 a few hundred words. */
const MOST = 1000;
const PATIENCE_MS = 5000;

interface Asked {
  readonly addresses: readonly string[];
  readonly says: readonly string[];
  readonly elf: string;
  answer(frames: readonly string[]): void;
}

/** The program as it is on the disk. */
interface Program {
  readonly sha256: string;
  isCode(address: number): boolean;
}

/** output: the env's output folder, with firmware.elf and build_info.json; they are looked for when a trace comes, and once it is said that they are not there. */
export function frameFinder(folder: string, output: string): FrameFinder {
  const frames = new Frames(folder, output);
  return (line) => frames.of(line);
}

class Frames {
  readonly #folder: string;
  readonly #output: string;
  readonly #reader = new CrashReader();
  /** What came while addr2line ran: it is started once for all of it, as it takes its time with a large program. */
  #waiting: Asked[] = [];
  #runs = false;
  #said = new Set<string>();
  /** By the file's size and time. */
  #program: { readonly stamp: string; readonly is: Program } | null = null;

  constructor(folder: string, output: string) {
    this.#folder = folder;
    this.#output = output;
  }

  of(line: string): Promise<readonly string[]> {
    const told = this.#reader.read(line);
    if (told.addresses.length === 0 && told.says.length === 0 && told.elf === "") return Promise.resolve([]);
    return new Promise((answer) => {
      this.#waiting.push({ ...told, answer });
      if (!this.#runs) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#runs = true;
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.splice(0);
      const notes: string[] = [];
      const found = await this.#look(asked, notes);
      for (const each of asked) {
        const frames = each.addresses.flatMap((address) => found.get(Number(address)) ?? []);
        each.answer([...each.says, ...notes.splice(0), ...frames]);
      }
    }
    this.#runs = false;
  }

  /** Frames by their address. notes: what is said once is added to it. */
  async #look(asked: readonly Asked[], notes: string[]): Promise<ReadonlyMap<number, readonly string[]>> {
    const elf = join(this.#output, "firmware.elf");
    const once = (note: string) => {
      if (!this.#said.has(note)) notes.push(note);
      this.#said.add(note);
    };
    const program = this.#read(elf);
    if (program === null) {
      once(`what is behind the addresses is not known: ${elf} is not there (fb run makes it)`);
      return new Map();
    }
    const other = asked.find((each) => each.elf !== "" && !/^0+$/.test(each.elf) && !program.sha256.startsWith(each.elf));
    if (other !== undefined)
      once(`the board runs another program than ${elf} (its sha256 begins with ${other.elf}): what its addresses mean is uncertain`);
    const addresses = [...new Set(asked.flatMap((each) => each.addresses))].filter((address) => program.isCode(Number(address)));
    if (addresses.length === 0) return new Map();
    const addr2line = findAddr2line(this.#folder, join(this.#folder, this.#output, "build_info.json"));
    if (addr2line === null) {
      once("what is behind the addresses is not known: there is no addr2line beside the compiler");
      return new Map();
    }
    return this.#ask(addr2line, elf, addresses.slice(0, MOST));
  }

  #ask(addr2line: string, elf: string, addresses: readonly string[]): Promise<ReadonlyMap<number, readonly string[]>> {
    return new Promise((done) =>
      execFile(
        addr2line,
        ["-e", elf, "-f", "-C", "-p", "-a", "-i", ...addresses],
        { cwd: this.#folder, timeout: PATIENCE_MS },
        (error, said) => done(error === null ? this.#framesIn(said) : new Map()),
      ),
    );
  }

  /** addr2line: a line that begins with the address, and one for each function that it is inlined into. */
  #framesIn(said: string): ReadonlyMap<number, readonly string[]> {
    const frames = new Map<number, string[]>();
    let of: string[] = [];
    for (const line of said.split("\n")) {
      const [, address] = /^(0x[0-9a-f]+): /i.exec(line) ?? [];
      if (address !== undefined) {
        of = [];
        frames.set(Number(address), of);
      }
      if (line !== "" && !/(?:: |by\) )\?\?/.test(line)) of.push(this.#shown(line));
    }
    return frames;
  }

  /** Paths as the project has them: what is built names the folder by /proc/self/cwd. */
  #shown(line: string): string {
    const plain = line.replace(/ \(discriminator \d+\)$/, "").replace(/ at \?\?:[?0]$/, "");
    for (const above of ["/proc/self/cwd", this.#folder]) {
      const at = plain.indexOf(` at ${above}/`);
      if (at >= 0) return `${plain.slice(0, at)} at ${plain.slice(at + ` at ${above}/`.length)}`;
    }
    return plain;
  }

  /** Null: there is none, or it is no ELF file. */
  #read(elf: string): Program | null {
    const path = join(this.#folder, elf);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    const stamp = `${stat.size} ${stat.mtimeMs}`;
    if (this.#program?.stamp !== stamp) {
      const bytes = readFileSync(path);
      const sections = readSections(elf, bytes);
      if (!sections.ok) return null;
      const code = sections.value.filter(({ flags, size }) => (flags & FLAGS.execute) !== 0 && size > 0);
      const isCode = (at: number) => code.some(({ address, size }) => at >= address && at < address + size);
      this.#program = { stamp, is: { sha256: createHash("sha256").update(bytes).digest("hex"), isCode } };
    }
    return this.#program.is;
  }
}

/** Beside the compiler, by its prefix: avr-g++ → avr-addr2line. */
function findAddr2line(folder: string, buildInfo: string): string | null {
  try {
    const { tools } = JSON.parse(readFileSync(buildInfo, "utf8")) as BuildInfo;
    const compilers = Object.values(tools).flatMap(({ programs }) => Object.values(programs).filter((path) => /(gcc|g\+\+)$/.test(path)));
    for (const compiler of compilers) {
      const near = resolve(folder, dirname(compiler), basename(compiler).replace(/(gcc|g\+\+)$/, "addr2line"));
      if (existsSync(near)) return near;
    }
  } catch {
    // Not built yet.
  }
  return null;
}
