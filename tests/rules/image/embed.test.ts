/** Objects of files: what objcopy's have, read back by fb's own reader of ELF files. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readElf } from "../../../rules/elf.ts";
import { embed } from "../../../rules/image/embed.ts";
import { noHash } from "./elf-writer.ts";
import { optionsOf } from "../../../rules/image/image-tool.ts";

const files: Record<string, Uint8Array> = {
  "certs/ca.pem": new TextEncoder().encode("hello\n"),
  "a b.bin": new Uint8Array([0, 1, 255]),
  empty: new Uint8Array(),
};

function object(args: string): Uint8Array | null {
  const result = embed.make(optionsOf(args.split(",")), (path) => files[path] ?? new Uint8Array(), noHash);
  if (result === null) return null;
  if (!result.ok) throw new Error(result.failure.message);
  return result.value.bytes;
}

test("a section for each file, texts with a zero at their end, symbols as objcopy has them", () => {
  const bytes = object("--out,x.o,--machine,riscv,--text,certs/ca.pem,--binary,a b.bin,empty");
  const read = readElf("x.o", bytes ?? new Uint8Array());
  if (!read.ok) throw new Error(read.failure.message);
  const elf = read.value;
  const embedded = elf.sections.filter(({ name }) => name === ".rodata.embedded");
  assert.equal(
    embedded.map((section) => [...elf.content(section)]),
    [[...new TextEncoder().encode("hello\n\0")], [0, 1, 255], []],
  );
  assert.equal(
    elf.symbols().map(({ name, value, bind, section }) => [name, value, bind, section === null ? null : elf.sections[section]?.name]),
    [
      ["certs_ca_pem", 7],
      ["a_b_bin", 3],
      ["empty", 0],
    ].flatMap(([name, size]) => [
      [`_binary_${name}_start`, 0, "global", ".rodata.embedded"],
      [`_binary_${name}_end`, size, "global", ".rodata.embedded"],
      [`_binary_${name}_size`, size, "global", null],
    ]),
  );
});

test("a machine that it does not know is a mistake of the rule", () => {
  assert.is(object("--out,x.o,--machine,avr,--text,empty"), null);
  assert.is.not(object("--out,x.o,--machine,xtensa,--text,empty"), null);
});

test.run();
