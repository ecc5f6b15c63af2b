/** Where in the project's own files something is written that became a cause. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { RULE_FILE_NAME as RULE_FILE } from "../../rules/project.ts";
import type { Cause } from "../../engine/types.ts";
import { CONFIG_FILE } from "../../rules/ini/config-file.ts";
import { openProject } from "../open-project.ts";

/** folder: the project's. `platformio.ini:7`; "" where nothing is found. */
export function placeIn(folder: string): (cause: Cause) => string {
  const inis = iniFiles(folder);
  return (cause) => {
    switch (cause.cause) {
      case "arg-added":
        return lineWith(folder, [...inis, RULE_FILE], (line) => wordsOf(cause.arg).some((word) => line.includes(word)));
      case "var-changed":
        return lineWith(folder, inis, (line) => line.includes(`\${sysenv.${cause.name}}`));
      case "rule-changed":
        return lineWith(
          folder,
          [RULE_FILE],
          (line) => line.includes(`[rule.${cause.name}]`) || new RegExp(`^\\s*name\\s*=\\s*["']${cause.name}["']`).test(line),
        );
      default:
        return "";
    }
  };
}

/** With its extra_configs, where it can be read. */
function iniFiles(folder: string): readonly string[] {
  const open = openProject(folder);
  return open.ok ? open.value.project.config.files : [CONFIG_FILE];
}

/** An argument as it may be written: `-DX=1` also as `-D X=1`. */
function wordsOf(arg: string): readonly string[] {
  return /^-[DUIL]./.test(arg) ? [arg, `${arg.slice(0, 2)} ${arg.slice(2)}`] : [arg];
}

function lineWith(folder: string, files: readonly string[], matches: (line: string) => boolean): string {
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(resolve(folder, file), "utf8");
    } catch {
      continue;
    }
    const at = text.split("\n").findIndex((line) => !/^\s*[;#]/.test(line) && matches(line));
    if (at >= 0) return `${file}:${at + 1}`;
  }
  return "";
}
