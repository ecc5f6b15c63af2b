/** Firmware is never stale: one row a way in which a build tool was, or could be, caught with an old answer; judged by running what was built. */
import { test } from "uvu";
import { config } from "./stale/config.ts";
import { lookups } from "./stale/lookups.ts";
import { play } from "./stale/row.ts";
import { sources } from "./stale/sources.ts";

const only = process.env["FB_ROW"] ?? "";
for (const row of [...sources, ...lookups, ...config]) if (row.name.includes(only)) test(row.name, () => play(row));

test.run();
