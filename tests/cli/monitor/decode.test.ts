/** What is behind addresses, asked of the toolchain's real addr2line about a real program. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { frameFinder } from "../../../cli/monitor/decode.ts";

const folder = mkdtempSync(join(tmpdir(), "fb-decode-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const compiler = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((at) => join(at, "avr-gcc"))
  .find((path) => existsSync(path));
if (compiler === undefined) process.stdout.write("(not tested: avr-gcc is missing) ");

const SOURCE = `#include <stdint.h>
volatile uint8_t sum;
__attribute__((noinline)) void deepest(uint8_t n) {
  sum += n;
}
int main(void) {
  for (;;) deepest(3);
}
`;

function run(program: string, ...args: readonly string[]): string {
  const ran = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  assert.is(ran.status, 0, ran.stderr);
  return ran.stdout;
}

(compiler === undefined ? test.skip : test)(
  "lines that are traces name functions and lines; others, and addresses of nothing, do not",
  async () => {
    assert.is(frameFinder(folder, "out"), null, "nothing is built yet");
    mkdirSync(join(folder, "out"));
    writeFileSync(join(folder, "crash.c"), SOURCE);
    run("avr-gcc", "-mmcu=atmega328p", "-Os", "-g", "crash.c", "-o", "out/firmware.elf");
    assert.is(frameFinder(folder, "out"), null, "nobody says which toolchain it was");
    writeFileSync(join(folder, "out/build_info.json"), JSON.stringify({ tools: { avr: { programs: { cc: compiler } } } }));
    const find = frameFinder(folder, "out");
    const row = run("avr-nm", "out/firmware.elf")
      .split("\n")
      .find((line) => line.endsWith(" T deepest"));
    const address = `0x${(row ?? "").slice(0, 8)}`;
    const [frame, ...more] = (await find?.(`Backtrace: ${address}:0x3ffb1f90 0x7ffffff0`)) ?? [];
    assert.match(frame ?? "", /deepest at .*crash\.c:[34]$/);
    assert.equal(more, []);
    assert.equal(await find?.(`a value of ${address}`), []);
    assert.equal(await find?.("PC: nowhere"), []);
  },
);

test.run();
