/** Rounds of waiting that are counted instead of run: a program waits as long with that as without, in a small part of the instructions. */
import { avrInstruction, CPU } from "avr8js";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Waiting } from "../../../../cli/device/sim/waiting.ts";
import { newSeed, Random } from "../../../random.ts";

const UCSRA = 0xc0;
/** `loop:` lds r24, UCSRA; sbrc r24, 7; rjmp out */
const LOOK = [0x9180, UCSRA, 0xfd87];

interface Program {
  readonly name: string;
  readonly words: readonly number[];
  /** Where it is when it has waited enough. */
  readonly out: number;
}

/** Counts in r20…r22, as gcc does with a long, until r22 is 2 and it gives up; a byte may come before. */
const COUNTS: Program = {
  name: "a counter of three bytes",
  // subi r20, 0xff; sbci r21, 0xff; sbci r22, 0xff; cpi r22, 2; brne loop; out: nop
  words: [...LOOK, 0xc005, 0x5f4f, 0x4f5f, 0x4f6f, 0x3062, 0xf7b9, 0x0000],
  out: 9,
};
/** Does nothing else. */
const LOOKS: Program = { name: "nothing but looks", words: [...LOOK, 0xc001, 0xcffb, 0x0000], out: 5 };
/** Writes to RAM what differs in each round. */
const WRITES: Program = {
  name: "rounds that write to memory",
  // inc r20; sts 0x200, r20; rjmp loop
  words: [...LOOK, 0xc004, 0x9543, 0x9340, 0x0200, 0xcff8, 0x0000],
  out: 8,
};

/** Until the program is out; until: cycles at which something comes from outside, again and again. */
function wait(
  { words, out }: Program,
  skips: boolean,
  comesAt: number,
  slice: number,
): { readonly end: readonly number[]; readonly run: number } {
  const cpu = new CPU(Uint16Array.from(words));
  const waiting = new Waiting(cpu);
  cpu.readHooks[UCSRA] = () => {
    if (skips) waiting.look();
    return cpu.data[UCSRA] ?? 0;
  };
  cpu.addClockEvent(() => {
    cpu.data[UCSRA] = 0x80;
  }, comesAt);
  let run = 0;
  while (cpu.pc !== out) {
    waiting.until = (Math.floor(cpu.cycles / slice) + 1) * slice;
    avrInstruction(cpu);
    cpu.tick();
    run++;
  }
  return { end: [cpu.cycles, ...cpu.data], run };
}

const random = new Random(newSeed());
for (const program of [COUNTS, LOOKS, WRITES])
  test(`${program.name}: the same end, after as many cycles`, () => {
    const cases = [[40_000_000, 32_000], ...Array.from({ length: 40 }, () => [1 + random.below(300_000), 100 + random.below(50_000)])];
    for (const [comesAt = 0, slice = 0] of program === COUNTS ? cases : cases.slice(1)) {
      const all = wait(program, false, comesAt, slice);
      const some = wait(program, true, comesAt, slice);
      assert.equal(some.end, all.end, `a byte after ${comesAt} cycles, looked up every ${slice}`);
      if (program === WRITES) assert.is(some.run, all.run);
      else if (comesAt > 10 * slice && slice > 10_000) assert.ok(some.run < all.run / 10, `${some.run} of ${all.run}`);
    }
  });

test.run();
