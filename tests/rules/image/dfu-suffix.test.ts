/** The suffix by which dfu-util knows a file's device: what Debian's dfu-suffix 0.11 writes. */
import { test } from "uvu";
import { noHash } from "./elf-writer.ts";
import * as assert from "uvu/assert";
import { dfuSuffix } from "../../../rules/image/dfu-suffix.ts";
import { optionsOf } from "../../../rules/image/image-tool.ts";

const PROGRAM = "a program";
/** `dfu-suffix -v 0x0483 -p 0xDF11 -d 0xffff -a FILE` of PROGRAM. */
const WITH_SUFFIX = "612070726f6772616dffff11df8304000155464410b2ec8351";

function hex(args: readonly string[]): string | null {
  const made = dfuSuffix.make(optionsOf(args), () => new TextEncoder().encode(PROGRAM), noHash);
  if (made === null) return null;
  if (!made.ok) throw new Error(made.failure.message);
  return Buffer.from(made.value.bytes).toString("hex");
}

test("the bytes are those of dfu-suffix", () => {
  assert.is(hex(["f.bin", "--vid", "0x0483", "--pid", "0xDF11"]), WITH_SUFFIX);
});

test("without ids or file there is none", () => {
  assert.is(hex(["f.bin", "--vid", "0x0483"]), null);
  assert.is(hex(["f.bin", "--vid", "x", "--pid", "0xDF11"]), null);
  assert.is(hex(["--vid", "0x0483", "--pid", "0xDF11"]), null);
});

test.run();
