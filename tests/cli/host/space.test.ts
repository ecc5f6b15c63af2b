/** Whether a failure is one of a full disk, asked of a small one: only what somebody said, or an empty disk, is certain. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { fullDisk, fullFolder } from "../../../cli/host/space.ts";
import { tempDir } from "./help.ts";

type Said = { readonly full: ReturnType<typeof fullFolder>; readonly failure: ReturnType<typeof fullDisk> | null };

const SPACE = join(import.meta.dirname, "../../../cli/host/space.ts");
const ASK = `import(process.argv[1]).then(({ fullDisk, fullFolder }) => {
  const full = fullFolder(process.argv[2], process.argv[3], [process.argv[4], "/"]);
  console.log(JSON.stringify({ full, failure: full === null ? null : fullDisk(full) }));
});`;

/** What is thought of an action's log on a disk of this many megabytes, of its own mount namespace; null where nobody may mount. */
function thought(folder: string, megabytes: number, kind: string, log: string): Said | null {
  const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$1" || exit 99; [ ${megabytes} -gt 1 ] || head -c 1m /dev/zero >"$1/x"; shift; exec "$@"`;
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", "-e", ASK, SPACE, kind, log, folder];
  const ran = spawnSync("unshare", ["-rm", "/bin/sh", "-c", script, "sh", folder, ...node], { encoding: "utf8" });
  return ran.status === 0 ? (JSON.parse(ran.stdout) as Said) : null;
}

for (const [what, megabytes, kind, log, guessed] of [
  ["silence, and no room", 1, "compile", "", false],
  ["silence, and little room", 16, "compile", "", true],
  ["silence, and little room, but a person's own step", 16, "step", "", null],
  ["silence, and room", 64, "compile", "", null],
  ["the tool says so, and has removed what it wrote", 64, "link", "ld: final link failed: No space left on device\n", false],
  ["the source is at fault", 16, "compile", "src/a.c:1:2: error: expected ';'\n", null],
  ["a flag is at fault", 16, "compile", "cc1: error: unrecognized command line option '-x'\n", null],
  ["a library is not there", 16, "link", "/usr/bin/ld: cannot find -lnone\n", null],
] as const)
  test(what, () => {
    const folder = tempDir();
    const said = thought(folder, megabytes, kind, log);
    if (said === null) return void process.stdout.write("(skipped: no mount namespaces here) ");
    assert.equal(said.full, guessed === null ? null : { folder, guessed });
    if (guessed === null) return;
    assert.is(said.failure?.code, "disk.full");
    assert.match(
      said.failure?.message ?? "",
      guessed ? /there may have been no space left .*, which has 17 MB$/ : /^no space left on the disk of/,
    );
    assert.match(said.failure?.hint ?? "", guessed ? /If it fails as before/ : /run again; `fb cache gc` shrinks fb's own cache$/);
  });

test.run();
