/**
 * The quick answer. If the last result of these very words, in this folder, still stands, it is said again, before anything else is loaded: no LMDB, no
 * parsing, not even of the command line. Anything else is for request.cjs, which knows equal requests in other words, and main.cjs.
 */
import { existsSync, writeSync } from "node:fs";
import { checkSnapshot } from "../cache/snapshot.ts";
import { runMain } from "./compiled.ts";
import { putFound } from "./found.ts";
import { type Payload, wordsAlias } from "./payload.ts";
import { sayAgain } from "./say.ts";

declare const __FB_BUILD__: string;

// cli/fb's word to this Node alone.
delete process.env["NODE_COMPILE_CACHE"];
const words = process.argv.slice(2);
const folder = workingFolder();
const rest = words.includes("query") ? "./look.cjs" : unchanged(words);
if (rest === "./main.cjs") runMain();
else require(rest);

/** Node has none to tell where it was deleted or moved away for ever. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    writeSync(2, "error: the folder that fb was started in is not there any more\n  hint: cd to the one that is there now\n");
    process.exit(4);
  }
}

/** Prints the result of an unchanged request and ends the process. Where there is none to trust: who goes on. */
function unchanged(words: readonly string[]): "./request.cjs" | "./main.cjs" {
  const began = process.hrtime.bigint();
  const now = { dir: folder, vars: process.env, build: __FB_BUILD__ };
  const found = checkSnapshot(".fb/state/snapshot", wordsAlias(words), now);
  // In a project that was not built yet the words are not looked into twice.
  if (found === null) return existsSync("platformio.ini") && !existsSync(".fb/state/snapshot") ? "./main.cjs" : "./request.cjs";
  if ("stale" in found) {
    if (found.changed !== null) putFound({ ...found.changed, dir: now.dir });
    return "./main.cjs";
  }
  const { said } = JSON.parse(found.payload) as Payload;
  sayAgain(said, Number((process.hrtime.bigint() - began) / 1_000_000n));
  // All is said, to the descriptors. Otherwise Node takes its heap down piece by piece, which is 0.7 ms.
  process.exit();
}
