/** The USB ids of every board that fb's platforms know: by them a port is told to be a board. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readBoardTable, usbIds } from "../../rules/boards.ts";
import { home } from "../home.ts";
import { textOf } from "../host/look.ts";
import type { BoardIds, Hwids } from "./ports.ts";

let known: readonly BoardIds[] | null = null;

/** Boards without USB ids of their own are not among them: what is plugged in of those is only a converter. Read once a process. */
export function boardIds(): readonly BoardIds[] {
  known ??= readdirSync(join(home(), "platforms")).flatMap((platform) => idsIn(join(home(), "platforms", platform, "boards.json")));
  return known;
}

/** The USB ids of all of them. */
export function knownHwids(): Hwids {
  return boardIds().flatMap((board) => board.hwids);
}

function idsIn(file: string): readonly BoardIds[] {
  const text = textOf(file);
  if (text === null) return [];
  const table = readBoardTable(file, text);
  if (!table.ok) return [];
  return table.value.ids.map((id) => ({ id, hwids: usbIds(table.value.get(id)?.json ?? {}) })).filter(({ hwids }) => hwids.length > 0);
}
