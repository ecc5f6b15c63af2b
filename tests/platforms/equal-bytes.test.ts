/** The same sources give the same bytes in another folder, under another env's name and in a second run: what `sharing = "all"` promises. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { hashOf, planByHand, runAll } from "./builder.ts";

const root = mkdtempSync(join(tmpdir(), "fb-equal-"));
test.after(() => rmSync(root, { recursive: true, force: true }));
const folders = [join(root, "a"), join(root, "b ü c")];

/** Everything that is known to leak a place or a chance: __FILE__, assert, an unnamed namespace, templates with statics, string literals, .S with -g. */
const FILES: Readonly<Record<string, string>> = {
  "src/main.cpp": `#include "app.h"
#include <assert.h>
namespace { struct Local { int v; }; Local local{3}; }
template <class T> T twice(T t) { static T z; return t + z++; }
static const char *here = __FILE__;
int value() { assert(local.v); return twice(local.v) + here[0] + header()[0]; }
`,
  "src/c.c": "static int q; int c_function(int a) { return q += a; }\nconst char *here_c(void) { return __FILE__; }\n",
  "src/s.S": '#include "asm.h"\n.global LABEL\nLABEL:\n nop\n',
  "src/t.s": ".global t_label\nt_label:\n nop\n",
  "include/asm.h": "#define LABEL s_label\n",
  "include/app.h": "inline const char *header() { return __FILE__; }\n",
};
const SETUP = "#include <Arduino.h>\nint value();\nvoid setup() { Serial.begin(9600); Serial.println(value()); }\nvoid loop() {}\n";

function ini(packages: string): string {
  const avr = `platform = atmelavr\nboard = uno\nframework = arduino\n${packages}`;
  return `[env:one]\n${avr}[env:two-longer]\n${avr}[env:pc]\nplatform = native\n[env:pc-too]\nplatform = native\n`;
}

function lay(packages: string, avr: boolean): void {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
    const files = {
      ...FILES,
      "platformio.ini": ini(packages),
      [`src/${avr ? "setup" : "entry"}.cpp`]: avr ? SETUP : "int value();\nint main() { return value() == 0; }\n",
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  }
}

async function outputs(envs: readonly string[], profile: "release" | "quick" | "debug"): Promise<Map<string, Set<string>>> {
  const seen = new Map<string, Set<string>>();
  for (const folder of folders)
    for (const env of envs) {
      const { actions } = await planByHand(folder, env, profile);
      runAll(folder, actions);
      const build = `.fb/build/${env}/${profile}/`;
      const note = (name: string, digest: string) => seen.set(name, (seen.get(name) ?? new Set()).add(digest));
      for (const {
        argv,
        outputs: [out = ""],
        discover,
      } of actions) {
        note(out.replace(build, ""), hashOf(folder, out));
        // Lines are broken by length, and the target's name has another one; what is read is the same.
        if (discover.by === "depfile")
          note(
            `reads of ${out.replace(build, "")}`,
            (readFileSync(join(folder, discover.path), "utf8").split(": ")[1] ?? "").split(/[\s\\]+/).join(" "),
          );
        assert.not.ok(
          argv.some((word) => word.includes(folder)),
          "no command names the project's folder",
        );
      }
    }
  return seen;
}

async function check(envs: readonly string[], profile: "release" | "quick" | "debug"): Promise<void> {
  const seen = await outputs(envs, profile);
  assert.ok(seen.size > 8);
  for (const [name, digests] of seen) {
    assert.is(digests.size, 1, `${name} differs (${profile})`);
    if (name.startsWith("reads of "))
      assert.not.ok(
        [...digests].some((text) => text.includes(root)),
        `${name}: an absolute path`,
      );
  }
}

const given = process.env["AVR_TOOLCHAIN"];
const toolchains = [
  ["the system's avr-gcc", ""],
  ...(given === undefined ? [] : [["$AVR_TOOLCHAIN", `platform_packages = toolchain-atmelavr@symlink://${given}\n`]]),
] as const;
for (const [name, packages] of toolchains)
  for (const profile of ["release", "quick", "debug"] as const)
    test(`${name}, ${profile}`, async () => {
      lay(packages, true);
      await check(["one", "two-longer"], profile);
    });

for (const profile of ["release", "debug"] as const)
  for (const flags of ["", "build_flags = -O2 -flto -g -Wl,-flto\n"])
    test(`native, ${profile} ${flags.trim()}`, async () => {
      lay("", false);
      for (const folder of folders)
        writeFileSync(join(folder, "platformio.ini"), ini("").replaceAll("platform = native\n", `platform = native\n${flags}`));
      await check(["pc", "pc-too"], profile);
    });

test.run();
