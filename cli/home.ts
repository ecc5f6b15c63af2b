/** Where fb itself is installed, and which build of it runs. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

declare const __FB_BUILD__: string | undefined;

/** The digest of fb's code and platforms, set when it was bundled; running from sources has none and believes no snapshot. */
export const buildId: string = typeof __FB_BUILD__ === "undefined" ? "sources" : __FB_BUILD__;

export const version = "0.1.0";

/** The folder with package.json and platforms/, found from the program that runs. */
export function home(): string {
  let dir = dirname(realpathSync(process.argv[1] ?? "."));
  while (!existsSync(join(dir, "platforms")) || !existsSync(join(dir, "package.json"))) {
    const above = dirname(dir);
    if (above === dir) throw new Error(`fb's platforms are not beside ${process.argv[1]}`);
    dir = above;
  }
  return dir;
}
