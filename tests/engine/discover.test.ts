/** What a compile or a link read, and where it looked: against a preprocessor's rules by hand, and traces as two real linkers printed them. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Discovery } from "../../engine/discover.ts";
import { Files } from "../../engine/files.ts";
import type { ActionSpec, Discover, Read } from "../../engine/types.ts";
import { includesOf } from "../../rules/includes.ts";
import { Machine, worldOf } from "./machine.ts";
import { files, spec } from "./spec.ts";
import { PLANNER, PROGRAMS } from "./model.ts";

function discovery(there: Readonly<Record<string, string>>): Discovery {
  const machine = new Machine();
  for (const [path, text] of Object.entries(there)) machine.disk.write(path, text);
  const world = worldOf(machine, { programs: PROGRAMS, planner: PLANNER, includesOf });
  return new Discovery(new Files(world), world.paths);
}

interface Compile {
  readonly there: Readonly<Record<string, string>>;
  readonly depfile: string;
  readonly argv?: readonly string[];
  readonly quote?: readonly string[];
  readonly search?: readonly string[];
  /** Files as they are, places where nothing was with a "!". Precompiled headers (.gch) only where the case is about them. */
  readonly want: readonly string[];
}

const compiles: Readonly<Record<string, Compile>> = {
  "a header, and the place before it": {
    there: { "a.c": "#include <x.h>", "two/x.h": "" },
    depfile: "a.o: a.c two/x.h",
    want: ["!one/x.h", "two/x.h"],
  },
  "quotes look beside the includer first": {
    there: { "src/a.c": '#include "x.h"', "two/x.h": "" },
    depfile: "a.o: src/a.c two/x.h",
    want: ["!one/x.h", "!src/x.h", "two/x.h"],
  },
  "angles do not": { there: { "src/a.c": "#include <x.h>", "one/x.h": "" }, depfile: "a.o: src/a.c one/x.h", want: ["one/x.h"] },
  "beside the including header, not the source": {
    there: { "src/a.c": "#include <deep/x.h>", "one/deep/x.h": '#include "y.h"', "one/y.h": "" },
    depfile: "a.o: src/a.c one/deep/x.h one/y.h",
    want: ["!one/deep/y.h", "one/deep/x.h", "one/y.h"],
  },
  "-iquote comes between": {
    there: { "src/a.c": '#include "x.h"\n#include <z.h>', "one/x.h": "", "one/z.h": "" },
    depfile: "a.o: src/a.c one/x.h one/z.h",
    quote: ["q"],
    want: ["!q/x.h", "!src/x.h", "one/x.h", "one/z.h"],
  },
  "nothing is looked for behind what was found": {
    there: { "a.c": "#include <x.h>", "one/x.h": "", "two/x.h": "" },
    depfile: "a.o: a.c one/x.h",
    want: ["one/x.h"],
  },
  "a folder in a header's place is nothing": {
    there: { "a.c": "#include <string>", "one/string/x.h": "", "two/string": "" },
    depfile: "a.o: a.c two/string",
    want: ["!one/string", "two/string"],
  },
  "an include that #if left out": {
    there: { "a.c": "#if 0\n#include <x.h>\n#include <gone.h>\n#endif", "two/x.h": "" },
    depfile: "a.o: a.c",
    want: [],
  },
  "__has_include that found": {
    there: { "a.c": "#if __has_include(<x.h>)\n#endif", "two/x.h": "" },
    depfile: "a.o: a.c",
    want: ["!one/x.h", "two/x.h"],
  },
  "__has_include that found nothing": {
    there: { "src/a.c": '#if __has_include("x.h")\n#endif' },
    depfile: "a.o: src/a.c",
    want: ["!one/x.h", "!src/x.h", "!two/x.h"],
  },
  "include_next goes on behind its own folder": {
    there: { "a.c": "#include <x.h>", "one/x.h": "#include_next <x.h>", "three/x.h": "" },
    depfile: "a.o: a.c one/x.h three/x.h",
    search: ["one", "two", "three"],
    want: ["!two/x.h", "one/x.h", "three/x.h"],
  },
  "a macro names a header": {
    there: { "src/a.c": "#include CONFIG", "two/cfg/x.h": "" },
    depfile: "a.o: src/a.c two/cfg/x.h",
    want: ["!one/cfg/x.h", "!src/cfg/x.h", "two/cfg/x.h"],
  },
  "a macro names a header that another include explains": {
    there: { "src/a.c": "#include <x.h>\n#include CONFIG", "two/x.h": "" },
    depfile: "a.o: src/a.c two/x.h",
    want: ["!one/x.h", "!src/x.h", "two/x.h"],
  },
  "-include looks in the working folder first": {
    there: { "src/a.c": "", "two/x.h": "" },
    argv: ["cc", "-include", "x.h", "src/a.c"],
    depfile: "a.o: src/a.c two/x.h",
    want: ["!one/x.h", "!x.h", "two/x.h"],
  },
  ".incbin looks in the working folder first; no depfile names it": {
    there: { "src/a.c": 'asm(".incbin \\"logo.bin\\"");', "two/logo.bin": "" },
    depfile: "a.o: src/a.c",
    want: ["!logo.bin", "!one/logo.bin", "!src/logo.bin", "two/logo.bin"],
  },
  "the first include may come precompiled, from each place up to the header's": {
    there: { "src/a.c": '#include "x.h"\n#include "y.h"', "one/x.h": "", "one/y.h": "" },
    depfile: "a.o: src/a.c one/x.h one/y.h",
    want: ["!one/x.h.gch", "!src/x.h", "!src/x.h.gch", "!src/y.h", "one/x.h", "one/y.h"],
  },
  "a precompiled header is read, and no depfile names it or its header": {
    there: { "a.c": "#include <x.h>\n#include <y.h>", "one/x.h.gch": "", "one/x.h": "", "one/y.h": "" },
    depfile: "a.o: a.c one/y.h",
    want: ["!one/y.h.gch", "one/x.h.gch", "one/y.h"],
  },
  "one spelling a file": {
    there: { "src/a.c": '#include "../inc/./x.h"', "inc/x.h": "" },
    depfile: "a.o: src/a.c src/../inc/./x.h",
    want: ["inc/x.h"],
  },
};
for (const [name, c] of Object.entries(compiles)) {
  test(`compile: ${name}`, () => {
    const source = Object.keys(c.there)[0] ?? "";
    const discover: Discover = { by: "depfile", path: "a.d" as Read["path"], quote: c.quote ?? [], search: c.search ?? ["one", "two"] };
    const found = discovery(c.there).compiled(spec({ name: "a", argv: c.argv ?? [], inputs: files(source), discover }), c.depfile);
    const reads = found.reads.map((r) => (r.is === "absent" ? "!" : "") + r.path).sort();
    const says = c.want.some((path) => path.endsWith(".gch")) ? reads : reads.filter((path) => !path.endsWith(".gch"));
    assert.equal(says, [...c.want].sort());
  });
}

test("compile: what is passed over is told", () => {
  const discover: Discover = { by: "depfile", path: "a.d" as Read["path"], quote: [], search: ["one", "two"] };
  const found = discovery({ "a.c": "#include <x.h>", "one/x.h": "", "two/x.h": "" }).compiled(
    spec({ name: "a", inputs: files("a.c"), discover }),
    "a.o: a.c two/x.h",
  );
  assert.equal([...new Set(found.passedOver.map((trail) => trail.place))], ["one/x.h"]);
});

/** `-Wl,-t out/main.o out/f.o out/libg.a -Lout -lh`, as ld 2.26 (avr-gcc 5.4) and ld 2.40 (gcc 12) print it; "WARNING" stands for a tool's own words. */
const AVR = `/usr/lib/gcc/avr/5.4.0/../../../avr/bin/ld: mode avr5
/usr/lib/gcc/avr/5.4.0/../../../avr/lib/avr5/crtatmega328p.o
out/main.o
out/f.o
(out/libg.a)g.o
(/usr/lib/gcc/avr/5.4.0/avr5/libgcc.a)_exit.o
/tmp/ccDbX37n.ltrans0.ltrans.o
out/main.o: warning: WARNING
`;
const HOST = `/usr/lib/gcc/x86_64-linux-gnu/12/../../../x86_64-linux-gnu/Scrt1.o
out/main.o
out/f.o
out/libg.a
out/libh.a
/lib/x86_64-linux-gnu/libm.so.6
/tmp/cchCSogp.ltrans0.ltrans.o
out/libg.a
WARNING of a plugin
`;
const SYSTEM = {
  "/usr/lib/avr/lib/avr5/crtatmega328p.o": "",
  "/usr/lib/gcc/avr/5.4.0/avr5/libgcc.a": "",
  "/usr/lib/gcc/x86_64-linux-gnu/12/x": "",
  "/usr/lib/x86_64-linux-gnu/Scrt1.o": "",
  "/usr/lib/gcc/avr/bin/x": "",
  "/usr/avr/lib/x": "",
  "/lib/x86_64-linux-gnu/libm.so.6": "",
  "out/main.o": "",
  "out/f.o": "",
  "out/libg.a": "",
  "out/libh.a": "",
};
const link = (libraries: readonly string[], search: readonly string[]): ActionSpec =>
  spec({ name: "l", kind: "link", inputs: files("out/main.o", "out/f.o"), discover: { by: "trace", libraries, search } });

test("link: the trace of ld 2.26, with archives and LTO", () => {
  const { reads, log } = discovery(SYSTEM).linked(link([], []), AVR);
  assert.equal(
    reads.map((r) => r.path),
    ["/usr/lib/avr/lib/avr5/crtatmega328p.o", "/usr/lib/gcc/avr/5.4.0/avr5/libgcc.a", "out/libg.a"],
  );
  assert.is(log, "out/main.o: warning: WARNING\n");
});

test("link: the trace of ld 2.40, with shared libraries and LTO", () => {
  const { reads, log } = discovery(SYSTEM).linked(link([], []), HOST);
  assert.equal(
    reads.map((r) => r.path),
    ["/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib/x86_64-linux-gnu/Scrt1.o", "out/libg.a", "out/libh.a"],
  );
  assert.is(log, "WARNING of a plugin\n");
});

test("link: other linkers' forms: -lNAME (PATH) and ARCHIVE(MEMBER)", () => {
  const { reads, log } = discovery(SYSTEM).linked(link([], []), "-lh (out/libh.a)\nout/libg.a(g.o)\n");
  assert.equal(
    reads.map((r) => r.path),
    ["out/libg.a", "out/libh.a"],
  );
  assert.is(log.trim(), "");
});

test("link: -l looks in each folder, for .so before .a, and :NAME for that name", () => {
  const { reads } = discovery(SYSTEM).linked(link(["h", ":libg.a"], ["first", "out", "last"]), HOST);
  assert.equal(
    reads.filter((r) => r.is === "absent").map((r) => r.path),
    ["first/libg.a", "first/libh.a", "first/libh.so", "out/libh.so"],
  );
});

test("link: a failing linker's words are kept", () => {
  const text =
    "/usr/bin/ld: out/main.o: in function `main':\nmain.c:(.text+0x5): undefined reference to `f'\ncollect2: error: ld returned 1 exit status\n";
  assert.is(discovery(SYSTEM).linked(link([], []), text).log, text);
});

test.run();
