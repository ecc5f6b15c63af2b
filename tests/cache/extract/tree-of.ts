/** A folder as text, one line an entry, to compare folders by. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { sha } from "../help.ts";

/** Kind, permissions of files, content or target, path; with `times`, also what a write would change. */
export function treeOf(root: string, times = false): string[] {
  const lines: string[] = [];
  const walk = (folder: string) => {
    for (const name of readdirSync(join(root, folder)).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const full = join(root, path);
      const at = lstatSync(full, { bigint: true });
      const stamp = times ? ` ${at.ino} ${at.mode} ${at.mtimeNs} ${at.nlink}` : "";
      if (at.isSymbolicLink()) lines.push(`l ${path} -> ${readlinkSync(full)}${stamp}`);
      else if (at.isDirectory()) {
        lines.push(`d ${path}${stamp}`);
        walk(path);
      } else lines.push(`f ${(Number(at.mode) & 0o111) !== 0 ? "x" : "-"} ${sha(readFileSync(full))} ${path}${stamp}`);
    }
  };
  walk("");
  return lines;
}
