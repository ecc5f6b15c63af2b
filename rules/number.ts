/** Numbers as boards, linker scripts and project files write them. */

/** `40000000L`, `0x1000`, `512K`, `4M` (K: 1024) as a number; null for anything else. */
export function numberOf(text: string | null): number | null {
  const match = /^(?:(0x[\da-f]+)|(\d+)(?:([KM])B?)?)[UL]*$/i.exec(text?.trim() ?? "");
  if (match === null) return null;
  const [, hex, digits, unit] = match;
  if (hex !== undefined) return Number(hex);
  const factor = unit === undefined ? 1 : unit.toUpperCase() === "K" ? 1024 : 1024 * 1024;
  return Number(digits) * factor;
}
