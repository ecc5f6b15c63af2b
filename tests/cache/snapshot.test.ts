/** The snapshot: nothing changed is a hit, any one change is not; damage is as no snapshot. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { signFile } from "../../cache/signature.ts";
import { checkSnapshot } from "../../cache/snapshot.ts";
import type { SnapshotRecord } from "../../cache/snapshot-format.ts";
import { resolveProgram, runVolatile } from "../../cache/snapshot-world.ts";
import { writeSnapshot } from "../../cache/snapshot-write.ts";
import { temporary } from "./help.ts";
import { newSeed, Random } from "../random.ts";

/** A project with one of everything. Its times lie in the past, so that nothing in it is too young. */
function project(): { dir: string; file: string; vars: Record<string, string>; build: string } {
  const dir = realpathSync(temporary());
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  for (const path of [
    "src/a.cpp",
    "src/b ü.cpp",
    "include/h.h",
    "lib/one/one.h",
    ".fb/build/uno/a.o",
    ".fb/build/uno/firmware.hex",
    "volatile.txt",
  ])
    write(path, path);
  write("bin/tool", "#!/bin/sh\n");
  chmodSync(join(dir, "bin/tool"), 0o755);
  mkdirSync(join(dir, "bin2"));
  symlinkSync("../lib/one", join(dir, ".fb/pkg"));
  symlinkSync("nowhere/at-all", join(dir, "include/dangling.h"));
  const age = (path: string) => {
    for (const e of readdirSync(path, { withFileTypes: true })) {
      if (e.isDirectory()) age(join(path, e.name));
      else if (!e.isSymbolicLink()) utimesSync(join(path, e.name), 1_000_000, 1_000_000);
    }
    utimesSync(path, 1_000_000, 1_000_000);
  };
  age(dir);
  const vars = { PATH: `bin2:${dir}/bin:/bin:/usr/bin`, TOKEN: "hush", HOME: "/h" };
  return { dir, file: join(dir, ".fb/state/snapshot"), vars, build: "fb 1" };
}

type Project = ReturnType<typeof project>;

/** now: ctimes cannot be set, so the clock is put ahead to make all of the project old, or back to make none of it old. */
function record(p: Project, old: boolean): SnapshotRecord {
  const sign = (path: string) => {
    const s = signFile(resolve(p.dir, path));
    if (s === null) throw new Error(path);
    return s;
  };
  const volatileOutput = runVolatile("cat volatile.txt", p);
  if (volatileOutput === null) throw new Error("volatile");
  return {
    kept: null,
    dir: p.dir,
    files: ["src/a.cpp", "src/b ü.cpp", "include/h.h", ".fb/build/uno/a.o", `${p.dir}/.fb/build/uno/firmware.hex`].map((path) => ({
      path,
      signature: sign(path),
    })),
    folders: [
      {
        path: "src",
        signature: sign("src"),
        entries: [
          { name: "a.cpp", is: "file" },
          { name: "b ü.cpp", is: "file" },
        ],
        hidden: [],
      },
      {
        path: "",
        signature: sign(""),
        entries: (
          ["bin", "bin2", "include", "lib", "src"].map((name) => ({ name, is: "dir" })) as { name: string; is: "file" | "dir" }[]
        ).concat({
          name: "volatile.txt",
          is: "file",
        }),
        hidden: [".fb"],
      },
    ],
    absent: [
      "include/x.h",
      "include/deep/er/y.h",
      "include/deep/z.h",
      "src/x.h",
      "include/dangling.h",
      `${p.dir}/lib/one/two.h`,
      "boards/none.json",
      "include/h.h/odd",
    ],
    missingFolders: [],
    values: { HOME: "/h", "sysenv.TOKEN": "hush", UNSET: undefined },
    programs: { tool: join(p.dir, "bin/tool"), "not-there": null },
    volatile: { "cat volatile.txt": volatileOutput },
    links: { ".fb/pkg": "../lib/one" },
    build: p.build,
    payload: 'done "ü"\n\0',
    now: old ? BigInt(Date.now() + 3_600_000) * 1_000_000n : 0n,
    device: sign("").dev,
  };
}

const rewrite = (p: Project, path: string, text: string) => writeFileSync(join(p.dir, path), text);

/** Each change of the project after which its result cannot be believed, and what is said of it. */
const changes: readonly (readonly [string, (p: Project) => void, RegExp])[] = [
  ["an input's content", (p) => rewrite(p, "src/a.cpp", "other"), /src\/a\.cpp changed/],
  ["an input's content of equal size", (p) => rewrite(p, "src/b ü.cpp", "SRC/b ü.cpp"), /src\/b ü\.cpp changed/],
  [
    "an input replaced by its equal",
    (p) => (writeFileSync(join(p.dir, "t"), "src/a.cpp"), renameSync(join(p.dir, "t"), join(p.dir, "src/a.cpp"))),
    /src\/a\.cpp changed/,
  ],
  ["an input's mtime", (p) => utimesSync(join(p.dir, "include/h.h"), 1, 2), /include\/h\.h changed/],
  ["an input gone", (p) => unlinkSync(join(p.dir, "include/h.h")), /include\/h\.h/],
  ["an output's content", (p) => rewrite(p, ".fb/build/uno/a.o", "edited"), /a\.o changed/],
  ["an output gone", (p) => unlinkSync(join(p.dir, ".fb/build/uno/firmware.hex")), /firmware\.hex is gone/],
  ["all outputs gone", (p) => rmSync(join(p.dir, ".fb/build"), { recursive: true }), /is gone/],
  ["a file added to a listed folder", (p) => rewrite(p, "src/c.cpp", ""), /src\/c\.cpp was added/],
  ["a folder added to a listed folder", (p) => mkdirSync(join(p.dir, "test")), /^test was added/],
  ["a file in place of a folder", (p) => (rmSync(join(p.dir, "bin2"), { recursive: true }), rewrite(p, "bin2", "")), /bin2 was/],
  ["a link to a file added to a listed folder", (p) => symlinkSync("a.cpp", join(p.dir, "src/l.cpp")), /src\/l\.cpp was added/],
  ["an absent file there", (p) => rewrite(p, "include/x.h", ""), /include\/x\.h is there now/],
  ["an absent file there through a link", (p) => symlinkSync("h.h", join(p.dir, "include/x.h")), /include\/x\.h is there now/],
  ["an absent folder there", (p) => mkdirSync(join(p.dir, "include/deep")), /include\/deep is there now/],
  ["an absent file in a package there", (p) => rewrite(p, "lib/one/two.h", ""), /two\.h is there now/],
  ["an absent folder at the top", (p) => (mkdirSync(join(p.dir, "boards")), rewrite(p, "boards/none.json", "")), /boards/],
  [
    "where a dangling link leads",
    (p) => (mkdirSync(join(p.dir, "include/nowhere")), rewrite(p, "include/nowhere/at-all", "")),
    /include\/dangling\.h is there now/,
  ],
  ["a variable", (p) => (p.vars["HOME"] = "/other"), /HOME/],
  ["a variable unset", (p) => delete p.vars["HOME"], /HOME/],
  ["a variable set", (p) => (p.vars["UNSET"] = ""), /UNSET/],
  ["a ${sysenv.TOKEN}", (p) => (p.vars["TOKEN"] = "psst"), /TOKEN/],
  ["a ${sysenv.TOKEN} unset", (p) => delete p.vars["TOKEN"], /TOKEN/],
  ["a program earlier on PATH", (p) => (rewrite(p, "bin2/tool", ""), chmodSync(join(p.dir, "bin2/tool"), 0o755)), /tool is no longer/],
  ["a program gone", (p) => unlinkSync(join(p.dir, "bin/tool")), /tool is no longer/],
  ["a program not executable any more", (p) => chmodSync(join(p.dir, "bin/tool"), 0o644), /tool is no longer/],
  ["PATH", (p) => (p.vars["PATH"] = "bin2:/bin:/usr/bin"), /tool is no longer/],
  [
    "a program that was not there",
    (p) => (rewrite(p, "bin/not-there", ""), chmodSync(join(p.dir, "bin/not-there"), 0o755)),
    /not-there is no longer missing/,
  ],
  ["what a !command prints", (p) => rewrite(p, "volatile.txt", "2"), /!cat volatile\.txt/],
  ["a !command that fails", (p) => unlinkSync(join(p.dir, "volatile.txt")), /!cat volatile\.txt/],
  [
    "where a link leads",
    (p) => (unlinkSync(join(p.dir, ".fb/pkg")), symlinkSync("../lib/two", join(p.dir, ".fb/pkg"))),
    /\.fb\/pkg no longer leads/,
  ],
  [
    "a link that is a folder now",
    (p) => (unlinkSync(join(p.dir, ".fb/pkg")), mkdirSync(join(p.dir, ".fb/pkg"))),
    /\.fb\/pkg no longer leads/,
  ],
  ["fb's build", (p) => (p.build = "fb 2"), /fb itself/],
];

for (const old of [true, false])
  for (const [name, change, says] of changes)
    test(`stale: ${name} (${old ? "folders trusted" : "folders too young"})`, () => {
      const p = project();
      assert.is(writeSnapshot(p.file, "r", record(p, old)), null);
      assert.equal(checkSnapshot(p.file, "r", p), { payload: 'done "ü"\n\0' });
      change(p);
      const answer = checkSnapshot(p.file, "r", p);
      assert.ok(answer !== null && "stale" in answer, JSON.stringify(answer));
      assert.match(answer.stale, says);
    });

for (const [name, change] of [
  ["nothing", () => {}],
  ["a file that nobody looked for", (p) => rewrite(p, "include/unknown.h", "")],
  ["a listed folder's time", (p) => utimesSync(join(p.dir, "src"), 5, 5)],
  ["a file added to a listed folder and removed", (p) => (rewrite(p, "src/tmp", ""), unlinkSync(join(p.dir, "src/tmp")))],
  ["a hidden entry", (p) => (rewrite(p, ".fb/x", ""), utimesSync(p.dir, 5, 5))],
  ["other variables", (p) => (p.vars["OTHER"] = "1")],
  ["a !command's file, with equal content", (p) => rewrite(p, "volatile.txt", "volatile.txt")],
] as const satisfies readonly (readonly [string, (p: Project) => void])[])
  test(`still good: ${name}`, () => {
    for (const old of [true, false]) {
      const p = project();
      writeSnapshot(p.file, "r", record(p, old));
      change(p);
      assert.equal(checkSnapshot(p.file, "r", p), { payload: 'done "ü"\n\0' });
    }
  });

test("the answer is the same from any current folder", () => {
  const p = project();
  writeSnapshot(p.file, "r", record(p, true));
  const before = process.cwd();
  process.chdir(p.dir);
  try {
    assert.equal(checkSnapshot(p.file, "r", p), { payload: 'done "ü"\n\0' });
    rewrite(p, "include/h.h", "new");
    assert.equal(checkSnapshot(p.file, "r", p), { stale: "include/h.h changed", changed: null });
  } finally {
    process.chdir(before);
  }
});

test("a project that was moved", () => {
  const p = project();
  writeSnapshot(p.file, "r", record(p, true));
  const there = `${p.dir}-moved`;
  renameSync(p.dir, there);
  const found = checkSnapshot(join(there, ".fb/state/snapshot"), "r", { ...p, dir: there });
  assert.is(found !== null && "stale" in found ? found.stale : "", `the project was moved from ${p.dir}`);
});

test("what should be absent but is there by now is not written", () => {
  const p = project();
  const r = record(p, true);
  rewrite(p, "include/x.h", "");
  assert.is(writeSnapshot(p.file, "r", r), "include/x.h is there now");
  assert.is(checkSnapshot(p.file, "r", p), null);
});

test("where a file was looked for there may be a folder, until a file takes its place; a folder that was missing may not be there", () => {
  const p = project();
  mkdirSync(join(p.dir, "include/folder.h"));
  const r = record(p, true);
  assert.is(writeSnapshot(p.file, "r", { ...r, missingFolders: ["include/folder.h"] }), "include/folder.h is there now");
  assert.is(writeSnapshot(p.file, "r", { ...r, absent: [...r.absent, "include/folder.h"] }), null);
  assert.ok("payload" in (checkSnapshot(p.file, "r", p) ?? {}));
  rmSync(join(p.dir, "include/folder.h"), { recursive: true });
  rewrite(p, "include/folder.h", "");
  const found = checkSnapshot(p.file, "r", p);
  assert.is(found !== null && "stale" in found ? found.stale : "", "include/folder.h is there now");
});

test("secrets are not in the file", () => {
  const p = project();
  writeSnapshot(p.file, "r", record(p, true));
  assert.not.ok(readFileSync(p.file).includes("hush"));
});

test("an empty record", () => {
  const p = project();
  const empty = {
    ...record(p, true),
    files: [],
    folders: [],
    absent: [],
    missingFolders: [],
    values: {},
    programs: {},
    volatile: {},
    links: {},
    payload: "",
  };
  writeSnapshot(p.file, "", empty);
  assert.equal(checkSnapshot(p.file, "", p), { payload: "" });
});

test("one record a request; the least recently used of more than sixteen goes", () => {
  const p = project();
  const r = record(p, true);
  const clock = Date.now;
  let t = 1_000_000;
  Date.now = () => t++;
  try {
    for (let i = 0; i < 16; i++) writeSnapshot(p.file, `request ${i}`, { ...r, payload: `${i}` });
    assert.equal(checkSnapshot(p.file, "request 0", p), { payload: "0" });
    writeSnapshot(p.file, "request 5", { ...r, payload: "five" });
    writeSnapshot(p.file, "request 16", { ...r, payload: "16" });
    writeSnapshot(p.file, "request 17", { ...r, payload: "17" });
  } finally {
    Date.now = clock;
  }
  const found = Array.from({ length: 18 }, (_, i) => checkSnapshot(p.file, `request ${i}`, p)).map((a) =>
    a !== null && "payload" in a ? a.payload : null,
  );
  assert.equal(found, ["0", null, null, "3", "4", "five", ...Array.from({ length: 12 }, (_, i) => `${i + 6}`)]);
  assert.is(checkSnapshot(p.file, "request", p), null);
  assert.equal(readdirSync(dirname(p.file)), ["snapshot"]);
});

test("damage anywhere: never a wrong payload, mostly no snapshot", () => {
  const p = project();
  writeSnapshot(p.file, "other", { ...record(p, true), payload: "other" });
  writeSnapshot(p.file, "r", record(p, true));
  const whole = readFileSync(p.file);
  const random = new Random(newSeed());
  const times = [16, 144];
  for (let i = 0; i < 600; i++) {
    const at = i < 150 ? i : random.below(whole.length);
    const bad = Buffer.from(whole);
    bad[at] = (bad[at] as number) ^ (1 << random.below(8));
    writeFileSync(p.file, bad);
    const answer = checkSnapshot(p.file, "r", p);
    // Times of use and the other request's record do not matter.
    if (answer !== null) assert.equal(answer, { payload: 'done "ü"\n\0' }, `byte ${at}`);
    if (at < 16) assert.is(answer, null);
    if (at >= (times[0] as number) && at < (times[1] as number)) assert.is.not(answer, null);
  }
  for (let i = 0; i < 300; i++) {
    writeFileSync(p.file, whole);
    truncateSync(p.file, i < 100 ? i * 2 : random.below(whole.length));
    const answer = checkSnapshot(p.file, "r", p);
    if (answer !== null) assert.equal(answer, { payload: 'done "ü"\n\0' });
  }
  writeFileSync(p.file, "");
  assert.is(checkSnapshot(p.file, "r", p), null);
  assert.is(writeSnapshot(p.file, "r", record(p, true)), null);
  assert.equal(checkSnapshot(p.file, "r", p), { payload: 'done "ü"\n\0' });
});

test("no file, or a folder in its place, is no snapshot", () => {
  const p = project();
  assert.is(checkSnapshot(p.file, "r", p), null);
  mkdirSync(p.file, { recursive: true });
  assert.is(checkSnapshot(p.file, "r", p), null);
});

test("generated: every file, folder and absent path of a larger project counts", () => {
  const random = new Random(newSeed());
  const dir = realpathSync(temporary());
  const files: string[] = [];
  for (let i = 0; i < 120; i++) {
    const path = `d${i % 7}/e${i % 3}/f${i}`;
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), "x");
    files.push(path);
  }
  const absent = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `d${i % 7}/none${i % 5}/g${i}` : `d${i % 7}/e${i % 3}/g${i}`));
  const file = join(dir, ".fb/state/snapshot");
  const now = { dir, vars: {}, build: "b" };
  const write = () => {
    const sign = (path: string) => signFile(join(dir, path)) ?? assert.unreachable();
    writeSnapshot(file, "r", {
      dir,
      kept: null,
      files: files.map((path) => ({ path, signature: sign(path) as never })),
      folders: [],
      absent,
      missingFolders: [],
      values: {},
      programs: {},
      volatile: {},
      links: {},
      build: "b",
      payload: "p",
      now: BigInt(Date.now() + 3_600_000) * 1_000_000n,
      device: (sign("") as unknown as { dev: bigint }).dev,
    });
  };
  write();
  for (let i = 0; i < 100; i++) {
    assert.equal(checkSnapshot(file, "r", now), { payload: "p" });
    const pick = <T>(list: readonly T[]) => random.pick(list);
    let undo = () => {};
    if (random.next() < 0.5) writeFileSync(join(dir, pick(files)), `${i}`);
    else {
      const path = pick(absent);
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), "");
      undo = () => rmSync(path.includes("none") ? join(dir, dirname(path)) : join(dir, path), { recursive: true });
    }
    const answer = checkSnapshot(file, "r", now);
    assert.ok(answer !== null && "stale" in answer);
    undo();
    write();
  }
});

test("an alias finds the record of one request: the last that was kept with it; at most eight stay", () => {
  const p = project();
  const keep = (request: string, alias: string | null) =>
    assert.is(writeSnapshot(p.file, request, { ...record(p, true), payload: request }, alias), null);
  const finds = (name: string) => {
    const found = checkSnapshot(p.file, name, p);
    return found !== null && "payload" in found ? found.payload : null;
  };
  keep("r", "words");
  keep("r", null);
  keep("other", "other words");
  assert.equal([finds("r"), finds("words"), finds("other words")], ["r", "r", "other"]);
  keep("other", "words");
  assert.equal([finds("r"), finds("words"), finds("other words")], ["r", "other", "other"]);
  for (let i = 0; i < 8; i++) keep("r", `${i}`);
  assert.equal([finds("0"), finds("7"), finds("words")], ["r", "r", "other"]);
  keep("r", "8");
  assert.equal([finds("0"), finds("1"), finds("8")], [null, "r", "r"]);
});

test("programs: as execvp finds them", () => {
  const p = project();
  assert.is(resolveProgram("tool", p), join(p.dir, "bin/tool"));
  assert.is(resolveProgram("bin/tool", p), join(p.dir, "bin/tool"));
  assert.is(resolveProgram("bin2", { ...p, vars: { PATH: p.dir } }), null);
  assert.is(resolveProgram("tool", { ...p, vars: {} }), null);
});

test("nothing heavy is loaded to compare", () => {
  const p = project();
  writeSnapshot(p.file, "r", { ...record(p, true), volatile: {}, values: { HOME: "/h" } });
  const module = fileURLToPath(new URL("../../cache/snapshot.ts", import.meta.url));
  const script = `
    const before = new Set(process.moduleLoadList);
    const { checkSnapshot } = await import(${JSON.stringify(module)});
    const answer = checkSnapshot(${JSON.stringify(p.file)}, "r", ${JSON.stringify({ dir: p.dir, vars: p.vars, build: p.build })});
    console.log(JSON.stringify({ answer, heavy: process.moduleLoadList.filter((m) => !before.has(m) && /crypto|child_process|zlib|NativeModule (net|http)/.test(m)) }));`;
  const ran = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const out = JSON.parse(ran.stdout) as { answer: { payload: string }; heavy: string[] };
  assert.is(out.answer.payload, 'done "ü"\n\0');
  assert.equal(
    out.heavy.filter((m) => !/child_process/.test(m)),
    [],
  );
});

test.run();
