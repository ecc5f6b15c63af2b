/** What is behind addresses, asked of the toolchains' real addr2line about real programs. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { frameFinder } from "../../../cli/monitor/decode.ts";

const scratch = mkdtempSync(join(tmpdir(), "fb-decode-"));
test.after(() => rmSync(scratch, { recursive: true, force: true }));

/** Each with what it needs to link a program that has no library. */
const COMPILERS: readonly (readonly [program: string, ...args: string[]])[] = [
  ["avr-gcc", "-mmcu=atmega328p"],
  ["xtensa-lx106-elf-gcc", "-mlongcalls", "-nostdlib", "-Wl,-Ttext=0x40201000"],
  ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-nostdlib", "-Wl,-Ttext=0x42000020"],
  ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-nostdlib", "-Wl,-Ttext=0x08000100"],
];

const SOURCE = `volatile unsigned char sum;
static inline __attribute__((always_inline)) void inlined(unsigned char n) {
  sum += n;
}
__attribute__((noinline)) void deepest(unsigned char n) {
  inlined(n);
}
int main(void) {
  for (;;) deepest(3);
}
`;

function onPath(program: string): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((at) => join(at, program)).find((path) => existsSync(path)) ?? null;
}

/** A project whose program is built as fb builds: in its folder, by a name for it that does not say where it is. */
class Built {
  readonly folder: string;
  readonly compiler: string;

  constructor(compiler: string) {
    this.compiler = compiler;
    this.folder = mkdtempSync(join(scratch, "p-"));
    mkdirSync(join(this.folder, "out"));
    mkdirSync(join(this.folder, "src"));
    writeFileSync(join(this.folder, "src/crash.c"), SOURCE);
  }

  run(program: string, ...args: readonly string[]): string {
    const ran = spawnSync(program, args, { cwd: this.folder, env: { ...process.env, PWD: "/proc/self/cwd" }, encoding: "utf8" });
    assert.is(ran.status, 0, ran.stderr);
    return ran.stdout;
  }

  build(args: readonly string[], debug: readonly string[] = ["-gdwarf-2"]): void {
    this.run(this.compiler, ...args, "-Os", ...debug, "-Wl,--entry=main", "src/crash.c", "-o", "out/firmware.elf");
  }

  knowsItsTools(): void {
    writeFileSync(join(this.folder, "out/build_info.json"), JSON.stringify({ tools: { gcc: { programs: { cc: this.compiler } } } }));
  }

  address(name: string): string {
    const row = this.run(this.compiler.replace(/gcc$/, "nm"), "out/firmware.elf").split("\n");
    return `0x${(row.find((line) => line.endsWith(` ${name}`)) ?? "").slice(0, 8)}`;
  }

  get sha256(): string {
    return createHash("sha256")
      .update(readFileSync(join(this.folder, "out/firmware.elf")))
      .digest("hex");
  }
}

for (const [program, ...args] of COMPILERS) {
  const compiler = onPath(program);
  if (compiler === null) test(`left out: ${program}`, () => console.error(`no ${program}: what it makes is not decoded`));
  else
    test(`${program}: traces name functions and lines of the project; other lines, and addresses of no code, do not`, async () => {
      const built = new Built(compiler);
      built.build(args);
      built.knowsItsTools();
      const find = frameFinder(built.folder, "out");
      const [deepest, main, sum] = ["deepest", "main", "sum"].map((name) => built.address(name));
      const frames = await find(`Backtrace: ${deepest}:0x3ffb1f90 ${main}:0x3ffb1fb0 0x7ffffff0:0x3ffb1fd0 |<-CORRUPTED`);
      assert.match(frames[0] ?? "", new RegExp(`^${deepest}: inlined at src/crash\\.c:[23]$`));
      assert.match(frames[1] ?? "", /^ \(inlined by\) deepest at src\/crash\.c:[56]$/);
      assert.match(frames[2] ?? "", new RegExp(`^${main}: main at src/crash\\.c:[6-9]$`));
      assert.is(frames.length, 3);
      assert.equal(await find(`a value of ${deepest}`), []);
      assert.equal(await find("PC: nowhere"), []);
      assert.equal(await find(`PC: ${sum}`), [], "data");
      // As fast as they come, in their order.
      const all = await Promise.all(
        [`MEPC    : ${main}  RA      : 0x00000000`, ">>>stack>>>", `3ffffe60:  ${deepest?.slice(2)} 00000004`, "<<<stack<<<"].map(find),
      );
      assert.equal(
        all.map((each) => each[0]?.replace(/ at .*/, "") ?? ""),
        [`${main}: main`, "", `${deepest}: inlined`, ""],
      );
    });
}

const [program = "", ...args] = COMPILERS.find(([each]) => onPath(each) !== null) ?? [];
const compiler = onPath(program);
(compiler === null ? test.skip : test)(
  "what is missing is said once; a program that is built meanwhile is found; one that is not the board's is told",
  async () => {
    const built = new Built(compiler ?? "");
    const find = frameFinder(built.folder, "out");
    const line = () => find(`PC: ${existsSync(join(built.folder, "out/firmware.elf")) ? built.address("main") : "0x40201234"}`);
    assert.equal(await line(), ["what is behind the addresses is not known: out/firmware.elf is not there (fb run makes it)"]);
    assert.equal(await line(), []);
    built.build(args, []);
    assert.equal(await line(), ["what is behind the addresses is not known: there is no addr2line beside the compiler"]);
    assert.equal(await line(), []);
    built.knowsItsTools();
    assert.equal(await line(), [`${built.address("main")}: main`], "without debug information the function alone");
    const before = built.sha256;
    assert.equal(await find(`ELF file SHA256: ${before.slice(0, 16)}`), []);
    assert.equal(await find("ELF file SHA256: 0000000000000000"), []);
    built.build(args);
    assert.match((await line())[0] ?? "", /main at src\/crash\.c:/, "it is another file by now");
    const [other = "", ...more] = await find(`ELF file SHA256: ${before.slice(0, 16)}`);
    assert.match(other, new RegExp(`another program than out/firmware\\.elf .*${before.slice(0, 16)}`));
    assert.equal([...more, ...(await find(`ELF file SHA256: ${before.slice(0, 16)}`))], []);
  },
);

test.run();
