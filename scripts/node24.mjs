/** Runs a TypeScript file on Node 24: `node scripts/node24.mjs FILE.ts ARG…`, whatever Node started it. */
import { spawnSync } from "node:child_process";
import { ensurePackages, node24 } from "./setup.mjs";

ensurePackages();
const ran = spawnSync(node24(), process.argv.slice(2), { stdio: "inherit" });
process.exit(ran.status ?? 1);
