/** What a load or store does, told from its machine code as Debian's assembler makes it, and the registers that QEMU lacks. What runs: tests/e2e/ststm32.test.ts. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { accessOf } from "../../../../cli/device/sim/qemu/access.ts";
import type { Debugger } from "../../../../cli/device/sim/qemu/debugger.ts";
import { Registers, STM32F2_F4 } from "../../../../cli/device/sim/qemu/registers.ts";
import { F2_F4_USARTS, Usarts } from "../../../../cli/device/sim/qemu/usarts.ts";

/** r0 = 0x40023800, r1 = 4, r2 = 0xabcd1234, r7 = 0x40023c00; the rest 0. */
const CORE = [0x40023800, 4, 0xabcd1234, 0, 0, 0, 0, 0x40023c00, 0, 0, 0, 0, 0, 0, 0, 0];

const CASES: ReadonlyArray<
  readonly [text: string, code: readonly [number, number], told: readonly [number, "load" | "store", number, number] | null]
> = [
  ["ldr r2, [r0]", [0x6802, 0], [2, "load", 0x40023800, 4]],
  ["str r2, [r0, #8]", [0x6082, 0], [2, "store", 0x40023808, 4]],
  ["ldrb r3, [r0, #2]", [0x7883, 0], [3, "load", 0x40023802, 1]],
  ["strh r2, [r0, #4]", [0x8082, 0], [2, "store", 0x40023804, 2]],
  ["ldr r0, [r0, r1]", [0x5840, 0], [0, "load", 0x40023804, 4]],
  ["strb r2, [r0, r1]", [0x5442, 0], [2, "store", 0x40023804, 1]],
  ["ldrsh r2, [r0, r1]", [0x5e42, 0], [2, "load", 0x40023804, 2]],
  ["ldr.w r8, [r0, #0x74]", [0xf8d0, 0x8074], [8, "load", 0x40023874, 4]],
  ["str.w r2, [r0, #0x400]", [0xf8c0, 0x2400], [2, "store", 0x40023c00, 4]],
  ["ldrb.w r2, [r0, #1]", [0xf890, 0x2001], [2, "load", 0x40023801, 1]],
  ["strh.w r2, [r0, #0x70]", [0xf8a0, 0x2070], [2, "store", 0x40023870, 2]],
  ["ldr.w r2, [r0, r1, lsl #2]", [0xf850, 0x2021], [2, "load", 0x40023810, 4]],
  ["ldr r2, [r7, #-4]", [0xf857, 0x2c04], [2, "load", 0x40023bfc, 4]],
  ["str r2, [r0], #4", [0xf840, 0x2b04], [2, "store", 0x40023800, 4]],
  ["str r2, [r0, #4]!", [0xf840, 0x2f04], [2, "store", 0x40023804, 4]],
  ["movs r0, #1", [0x2001, 0], null],
  ["ldm r0, {r2, r3}", [0xc80c, 0], null],
  ["ldrd r2, r3, [r0]", [0xe9d0, 0x2300], null],
];

for (const [text, code, told] of CASES)
  test(text, () => {
    const access = accessOf(code, CORE);
    assert.equal(access && [access.register, access.stored === null ? "load" : "store", access.address, access.bytes], told);
    if (access !== null && access.stored !== null) assert.is(access.stored, 0xabcd1234);
  });

/** Registers at their addresses, and by their bits' words. */
function used() {
  const registers = new Registers(STM32F2_F4);
  const place = (address: number) => {
    const found = registers.places.find(({ start, bytes }) => address >= start && address < start + bytes);
    if (found === undefined) throw new Error(address.toString(16));
    return found;
  };
  return {
    read: (address: number, bytes: 1 | 2 | 4 = 4) => registers.touch(place(address), { register: 0, stored: null, address, bytes }),
    write: (address: number, stored: number, bytes: 1 | 2 | 4 = 4) =>
      registers.touch(place(address), { register: 0, stored, address, bytes }),
  };
}

test("a clock that is switched on is ready, one that is off is not; the system follows its switch", () => {
  const { read, write } = used();
  assert.is(read(0x40023800), 0x83);
  write(0x40023800, 0x10083);
  assert.is(read(0x40023800), 0x30083);
  // PLLON by its bit's word.
  write(0x42470060, 1);
  assert.equal([read(0x40023800), read(0x42470060), read(0x42470064)], [0x03030083, 1, 1]);
  write(0x42470060, 0);
  assert.is(read(0x40023800), 0x00030083);
  write(0x40023808, 2, 1);
  assert.equal([read(0x40023808), read(0x40023808, 1)], [0xa, 0xa]);
  write(0x4002380a, 0xffff, 2);
  assert.is(read(0x40023808), 0xffff000a);
  write(0x40023808, 0x80000001);
  assert.is(read(0x40023808), 0x80000005, "no sign");
  write(0x40023c00, 0x705);
  assert.is(read(0x40023c00), 0x705, "wait states");
});

/** A chip that stands still: what is asked of it, and the interrupts that were made pending. */
function standing(memory: Map<number, number>) {
  const made: (readonly number[])[] = [];
  const chip = {
    step: () => Promise.resolve(),
    word: (at: number) => Promise.resolve(memory.get(at) ?? 0),
    setWord: (at: number, value: number) => memory.set(at, value),
    perform: (at: number, registers: readonly number[]) => Promise.resolve(made.push([at, ...registers])),
  };
  return { made, chip: chip as unknown as Debugger };
}

const [DR, CR1, SR, PENDING] = [0x40004404, 0x4000440c, 0x40004400, 0xe000e204];

test("the interrupt of a USART is made while it is asked for: after what is sent, what is read, and what it is told", async () => {
  const memory = new Map([[SR, 0xc0]]);
  const { made, chip } = standing(memory);
  const usarts = new Usarts(F2_F4_USARTS);
  const use = async (at: number) => usarts.places.find(({ start }) => start === at)?.used(chip);
  await use(DR);
  assert.equal(made, [], "nobody asks");
  memory.set(CR1, 0x2088);
  for (const at of [CR1, DR, DR]) assert.is(await use(at), true);
  assert.equal(made, Array(3).fill([0x080ffffc, PENDING, 1 << 6]));
  assert.is(memory.get(0x080ffffc), 0x6001, "str r1, [r0]");
  memory.set(SR, 0x80).set(CR1, 0x2048);
  await use(DR);
  assert.is(made.length, 3, "all was sent, and is said to be no more");
});

test("a QEMU that makes it is left alone; so is one whose flash is full", async () => {
  const own = standing(
    new Map([
      [SR, 0xc0],
      [CR1, 0x80],
      [PENDING, 1 << 6],
    ]),
  );
  const usarts = new Usarts(F2_F4_USARTS);
  for (const place of usarts.places.slice(2, 4)) assert.is(await place.used(own.chip), false);
  assert.equal([own.made, usarts.idle], [[], null]);
  const full = standing(
    new Map([
      [SR, 0xc0],
      [CR1, 0x80],
      [0x080ffffc, 7],
    ]),
  );
  assert.is(await new Usarts(F2_F4_USARTS).places[3]?.used(full.chip), true);
  assert.equal(full.made, []);
});

test.run();
