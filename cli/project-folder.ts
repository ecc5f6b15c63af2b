/** Where a project is: the folder with its ini. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fail, failure, ok } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { CONFIG_FILE } from "../rules/ini/config-file.ts";

/** The folder of the project that a command speaks of: absolute, links resolved. Fails (exit 3) where there is no platformio.ini. */
export function projectFolder(dir: string | null): Result<string> {
  const folder = resolve(dir ?? ".");
  if (!existsSync(folder)) return fail(failure("project.no-folder", 3, `there is no folder ${folder}`, { hint: "check the path" }));
  if (existsSync(join(folder, CONFIG_FILE))) return ok(realpathSync(folder));
  const above = parentProject(folder);
  const hint =
    above === null
      ? "`fb init --board uno` makes a project here; -C DIR names another folder"
      : `the project around it is ${above}: fb -C ${relative(folder, above) || "."}`;
  return fail(failure("project.none", 3, `there is no ${CONFIG_FILE} in ${folder}`, { hint }));
}

function parentProject(folder: string): string | null {
  for (let dir = dirname(folder); dir !== dirname(dir); dir = dirname(dir)) if (existsSync(join(dir, CONFIG_FILE))) return dir;
  return null;
}
