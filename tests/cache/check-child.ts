/** What `fb tool check-lmdb FOLDER` does, for the tests. */
import { readThrough } from "../../cache/check.ts";

process.exitCode = await readThrough(process.argv[2] ?? "");
