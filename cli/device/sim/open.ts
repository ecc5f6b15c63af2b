/** Makes a virtual board from an Arduino core's folder: its flash holds the board's own bootloader and nothing else, its fuses and lock bits are set. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fail, failure, ok } from "../../../engine/failure.ts";
import type { Result } from "../../../engine/types.ts";
import { Board } from "./board.ts";
import { type BoardFacts, boardFacts } from "./board-facts.ts";
import { loadHex } from "./hex.ts";

/** What Arduino's boards run at. */
const CLOCK_HZ = 16_000_000;

export interface OpenBoard {
  readonly board: Board;
  readonly facts: BoardFacts;
  /** The board's own: it changes when the board programs itself. */
  readonly flash: Uint8Array;
  /** Where it is made of another board's parts; null: it is what its name says. */
  readonly note: string | null;
}

/** name: what follows "sim:"; core: a folder with boards.txt and bootloaders/. */
export function openBoard(name: string, core: string): Result<OpenBoard> {
  const list = join(core, "boards.txt");
  const text = readText(list);
  if (!text.ok) return text;
  const all = boardFacts(name, text.value, list);
  if (!all.ok) return all;
  let first: Result<OpenBoard> | null = null;
  for (const facts of all.value) {
    const opened = withBootloader(facts, join(core, "bootloaders", facts.bootloader));
    if (opened.ok && first !== null && !first.ok) {
      const note = `sim:${name} has the bootloader ${facts.bootloader}: its own is no use (${first.failure.message})`;
      return ok({ ...opened.value, note });
    }
    if (opened.ok) return opened;
    first ??= opened;
  }
  return first ?? fail(failure("device.sim", 5, `sim:${name} is made of no board`));
}

/** file: an Intel hex image of the bootloader. */
export function withBootloader(facts: BoardFacts, file: string): Result<OpenBoard> {
  const hex = readText(file);
  if (!hex.ok) return hex;
  const { chip, fuses, lock } = facts;
  const flash = new Uint8Array(chip.flashBytes).fill(0xff);
  const loaded = loadHex(hex.value, flash, file);
  return loaded.ok ? ok({ board: new Board(chip, CLOCK_HZ, { flash, fuses, lock }), facts, flash, note: null }) : loaded;
}

function readText(file: string): Result<string> {
  try {
    return ok(readFileSync(file, "utf8"));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail(
      failure("device.sim-core", 5, `a virtual board needs the Arduino core's files: ${why}`, { file, hint: "fb deps brings it" }),
    );
  }
}
