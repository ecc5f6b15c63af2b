/** What changes while a run goes on, or the very moment it ends: the next run's answer is the new one. */
import { spawnSync } from "node:child_process";
import * as assert from "uvu/assert";
import type { Event } from "../../../engine/types.ts";
import { diagnostics, executed, freshFolder, isNoop, result, TestProject } from "../harness.ts";
import { calls, TOOLS, tool, toolchain } from "./tools.ts";

interface Scene {
  readonly name: string;
  play(): void | Promise<void>;
}

const NATIVE = "[env:pc]\nplatform = native\n";
const answer = (p: TestProject): number | null => spawnSync(p.path(".fb/build/pc/release/program")).status;

/** Each digit of the answer comes from another kind of input. */
const KINDS: Readonly<Record<string, (value: number) => string>> = {
  "src/main.c": (value) =>
    `#include "v.h"\nint lib(void);\nextern const char script;\nint main(void) { return ${value} + 3 * H + 9 * lib() + 27 * script + 81 * F; }\n`,
  "include/v.h": (value) => `#define H ${value}\n`,
  "lib/one/one.c": (value) => `int lib(void) { return ${value}; }\n`,
  "v.ld": (value) => `SECTIONS { .fbdata : { script = .; BYTE(${value}) } }\nINSERT AFTER .data;\n`,
  "platformio.ini": (value) => `${NATIVE}build_flags = -DF=${value} -Wl,-T,v.ld\nlib_deps = one\n`,
};
const write = (p: TestProject, value: number): void => {
  for (const [path, text] of Object.entries(KINDS)) p.write(path, text(value));
};

const MOMENTS: readonly (readonly [string, (event: Event) => boolean])[] = [
  ["when it plans", (e) => e.type === "hello"],
  ["when it begins to compile", (e) => e.type === "start" && e.kind === "compile"],
  ["when a compile has ended", (e) => e.type === "end" && e.kind === "compile"],
  ["when it begins to link", (e) => e.type === "start" && e.kind === "link"],
  ["when the link has ended", (e) => e.type === "end" && e.kind === "link"],
  ["when it says its result", (e) => e.type === "result"],
];

export const meanwhile: readonly Scene[] = [
  ...MOMENTS.map(
    ([name, is]): Scene => ({
      name: `source, header, library, linker script and ini saved ${name}`,
      async play() {
        const p = new TestProject({});
        write(p, 1);
        // Something is there already, so that what is kept from before could deceive, too.
        p.run();
        assert.is(answer(p), 1 + 3 + 9 + 27 + 81);
        write(p, 0);
        const running = p.start(["run", "--json"]);
        await running.until(is);
        write(p, 1);
        await running.ended;
        p.run();
        assert.is(answer(p), 1 + 3 + 9 + 27 + 81);
        isNoop(p.run());
      },
    }),
  ),
  {
    name: "a header saved while it is being compiled: its new content counts, in this run or the next",
    async play() {
      // The compiler reads late.h late: a large header before it takes it some time.
      const large = Array.from({ length: 60_000 }, (_, i) => `static inline int f${i}(int x) { return x + ${i}; }`).join("\n");
      const main = '#include "large.h"\n#include "late.h"\nint main(void) { return LATE; }\n';
      const p = new TestProject({
        "platformio.ini": NATIVE,
        "src/main.c": main,
        "include/late.h": "#define LATE 1\n",
        "include/large.h": large,
      });
      const running = p.start(["run", "--json"]);
      await running.until((e) => e.type === "start" && e.kind === "compile");
      p.write("include/late.h", "#define LATE 2\n");
      const ran = await running.ended;
      assert.is(ran.code, 0, ran.stderr);
      p.run();
      assert.is(answer(p), 2);
      isNoop(p.run());
    },
  },
  {
    name: "edits of equal size, each at once after the run that took the last: within one tick of the disk's clock",
    play() {
      const p = new TestProject({ "platformio.ini": NATIVE, "src/main.c": '#include "v.h"\nint main(void) { return V; }\n' });
      for (let value = 1; value < 9; value++) {
        p.write("src/v.h", `#define V ${value}\n`);
        assert.ok(executed(p.run()).includes("compile src/main.c"), `edit ${value}`);
        assert.is(answer(p), value);
        p.write("src/v.h", `#define V ${value}\n`);
        isNoop(p.run());
      }
    },
  },
  {
    name: "a compiler exchanged while it compiles: the run fails, and neither version's results are the other's",
    async play() {
      const version = (value: number) => calls("/usr/bin/gcc", `-DV=${value}`);
      const p = new TestProject(
        { "platformio.ini": `${NATIVE}${TOOLS}\n`, "src/main.c": "int main(void) { return V; }\n", "src/slow.c": "int slow;\n" },
        { folder: `${freshFolder()}/project` },
      );
      toolchain({ "bin/gcc": version(1) }).prepare(p);
      const running = p.start(["run", "--json", "-j", "1"]);
      await running.until((e) => e.type === "start" && e.kind === "compile");
      tool(p, "bin/gcc", version(2));
      const ran = await running.ended;
      assert.is(ran.code, 4, ran.stderr);
      assert.ok(diagnostics(ran).some((d) => d.code === "toolchain.changed"));
      p.run();
      assert.is(answer(p), 2);
      tool(p, "bin/gcc", version(1));
      assert.is(result(p.run()).status, "ok");
      assert.is(answer(p), 1);
      isNoop(p.run());
    },
  },
];
