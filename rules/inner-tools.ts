/** The tools of fb's own that rules may name, `run = ["fb", "tool", NAME, …]`: what stands for them in keys. */

/** One more whenever the same arguments give another output: results of the one before are not taken any more. */
export const INNER_VERSIONS = {
  elf2bin: 1,
  embed: 1,
  uf2: 1,
  substitute: 1,
  "dfu-suffix": 1,
  lines: 1,
  "esp32-image": 2,
  "esp32-partitions": 1,
  merge: 1,
  littlefs: 1,
} as const;

export type ImageToolName = keyof typeof INNER_VERSIONS;

/** What the key of an action has in place of a tool's digest. run: its words as the rule writes them. */
export function innerTool([program, verb, name = ""]: readonly string[]): string {
  const version = program === "fb" && verb === "tool" ? Object.entries(INNER_VERSIONS).find(([each]) => each === name)?.[1] : undefined;
  return version === undefined ? "fb" : `fb tool ${name} ${version}`;
}
