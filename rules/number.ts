/** Numbers as boards, linker scripts and project files write them. */

/** `40000000L`, `0x1000`, `512K`, `4M`, `1.5MB` (K: 1024; a part of one is cut off) as a number; null for anything else. */
export function numberOf(text: string | null): number | null {
  const match = /^(?:(0x[\da-f]+)|(\d*\.?\d+)(?:([KM])B?|B)?)[UL]*$/i.exec(text?.trim() ?? "");
  if (match === null) return null;
  const [, hex, digits, unit] = match;
  if (hex !== undefined) return Number(hex);
  const factor = unit === undefined ? 1 : unit.toUpperCase() === "K" ? 1024 : 1024 * 1024;
  return Math.trunc(Number(digits) * factor);
}
