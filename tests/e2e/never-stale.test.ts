/** Firmware is never stale: one row a way in which a build tool was, or could be, caught with an old answer; judged by running what was built. */
import { test } from "uvu";
import { config } from "./stale/config.ts";
import { lookups } from "./stale/lookups.ts";
import { meanwhile } from "./stale/meanwhile.ts";
import { play } from "./stale/row.ts";
import { sources } from "./stale/sources.ts";
import { tools } from "./stale/tools.ts";

/** FB_ROW=TEXT plays the rows whose names have it. */
const only = process.env["FB_ROW"] ?? "";
for (const row of [...sources, ...lookups, ...config, ...tools]) if (row.name.includes(only)) test(row.name, () => play(row));
for (const scene of meanwhile) if (scene.name.includes(only)) test(scene.name, () => scene.play());

test.run();
