/** The USB ids of every board that fb's platforms know: by them a port is told to be a board. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readBoardTable, usbIds } from "../../rules/boards.ts";
import { home } from "../home.ts";
import type { BoardIds } from "./ports.ts";

let known: readonly BoardIds[] | null = null;

/** Boards without USB ids of their own are not among them: what is plugged in of those is only a converter. Read once a process. */
export function boardIds(): readonly BoardIds[] {
  known ??= readdirSync(join(home(), "platforms")).flatMap((platform) => idsIn(join(home(), "platforms", platform, "boards.json")));
  return known;
}

function idsIn(file: string): readonly BoardIds[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  const table = readBoardTable(file, text);
  if (!table.ok) return [];
  return table.value.ids.map((id) => ({ id, hwids: usbIds(table.value.get(id)?.json ?? {}) })).filter(({ hwids }) => hwids.length > 0);
}
