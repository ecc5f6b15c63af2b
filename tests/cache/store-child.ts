/** A process that installs: `STORE ARCHIVE SHA256`; prints what it installed. */
import { plainLayout, Store } from "../../cache/store.ts";

const [folder = "", archive = "", sha256 = ""] = process.argv.slice(2);
const got = await new Store(folder).install({ name: "tool", version: "1.0", archive, sha256, label: archive, layout: plainLayout });
process.stdout.write(got.ok ? `${got.value.folder}\n` : `${got.failure.code}: ${got.failure.message}\n`);
process.exitCode = got.ok ? 0 : 1;
