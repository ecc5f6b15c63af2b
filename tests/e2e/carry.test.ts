/** `fb cache export` and `import` through the binary: a project goes to a machine without network, and is built there of what was made here. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { executed, freshFolder, type Ran, restored, result, TestProject } from "./harness.ts";
import { archive, type Content, LEAST_CORE, PackageServer, TOOLCHAIN } from "./package-server.ts";

const server = await PackageServer.start();
test.after(() => void server.close());

const LIBRARY: Content = { "src/Far.h": "int far();\n", "src/Far.cpp": "int far() { return 5; }\n" };

const place = (name: string, content: Content): string => server.put(name, archive(name, content));
const FILES = {
  "platformio.ini": `[env:uno]\nplatform = atmelavr\nboard = uno\nframework = arduino\nplatform_packages =\n  toolchain-atmelavr @ ${place("toolchain.tar.gz", TOOLCHAIN)}\n  framework-arduino-avr @ ${place("core.tar.gz", LEAST_CORE)}\nlib_deps = ${place("far.tar.gz", LIBRARY)}\n`,
  "src/main.cpp": "#include <Arduino.h>\n#include <Far.h>\nvoid setup() { far(); }\nvoid loop() {}\n",
};

const home = new TestProject(FILES);
const built = await home.start(["run", "--json"]).ended;
const CARRIED = join(freshFolder("carried"), "all.tar.gz");
/** The import of a file into an empty cache. */
function imported(file: string, cache = freshFolder("cache")): { readonly ran: Ran; readonly cache: string; readonly p: TestProject } {
  const p = new TestProject({ ...FILES, "fb.lock": home.read("fb.lock") }, { cache });
  return { ran: p.fb(["cache", "import", file, "--json"]), cache, p };
}

test("a project is carried: offline and locked the same bytes, and nothing is compiled", async () => {
  assert.is(built.code, 0, built.stderr);
  for (const name of ["all.tar", "all.tar.zst", "all.tar.gz"]) {
    const file = join(CARRIED, "..", name);
    const exported = home.fb(["cache", "export", file, "--json"]);
    assert.is(exported.code, 0, exported.stderr);
    const counts = JSON.parse(exported.stdout) as { packages: number; downloads: number; entries: number; blobs: number };
    assert.equal([counts.packages, counts.downloads], [3, 3]);
    assert.ok(counts.entries > 5 && counts.blobs > 5, exported.stdout);
    const asked = server.asked.length;
    const { ran, p } = imported(file);
    assert.is(ran.code, 0, ran.stderr);
    const there = await p.start(["run", "--offline", "--locked", "--json"]).ended;
    assert.is(there.code, 0, there.stderr);
    assert.is(result(there).artifacts[0]?.sha256, result(built).artifacts[0]?.sha256);
    assert.equal(
      executed(there).filter((each) => !each.startsWith("plan")),
      [],
    );
    assert.ok(
      restored(there).some((each) => each.endsWith("Far.cpp")),
      restored(there).join(),
    );
    assert.is(server.asked.length, asked);
    assert.is(p.fb(["cache", "verify"]).code, 0);
  }
});

test("an import that is done again changes nothing; what is not the project's is carried with --all only", () => {
  const { ran, cache, p } = imported(CARRIED);
  assert.is(ran.code, 0, ran.stderr);
  const packages = readdirSync(join(cache, "packages")).sort();
  const again = JSON.parse(p.fb(["cache", "import", CARRIED, "--json"]).stdout) as { entries: number };
  assert.is(again.entries, 0);
  assert.equal(readdirSync(join(cache, "packages")).sort(), packages);
  assert.equal(
    readdirSync(cache).filter((name) => name.startsWith(".")),
    [],
  );
  const other = new TestProject(
    { "platformio.ini": "[env:a]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" },
    { cache },
  );
  const file = join(freshFolder("carried"), "other.tar");
  const own = JSON.parse(other.fb(["cache", "export", file, "--json"]).stdout) as { packages: number; entries: number };
  assert.equal([own.packages, own.entries], [0, 0]);
  const all = JSON.parse(other.fb(["cache", "export", file, "--all", "--json"]).stdout) as { packages: number; entries: number };
  assert.ok(all.packages === 3 && all.entries > 5, JSON.stringify(all));
});

/** The exported archive with something changed in it. */
function tampered(change: (folder: string) => void): string {
  const folder = freshFolder("tampered");
  const tar = (args: readonly string[]) => {
    const ran = spawnSync("tar", args, { encoding: "utf8" });
    assert.is(ran.status, 0, ran.stderr);
  };
  tar(["-C", folder, "-xf", CARRIED]);
  spawnSync("chmod", ["-R", "u+w", folder]);
  change(folder);
  const file = join(freshFolder("carried"), "tampered.tar");
  tar(["-C", folder, "-cPf", file, ...readdirSync(folder)]);
  return file;
}

function firstBlob(folder: string): string {
  const [two = ""] = readdirSync(join(folder, "blobs"));
  const [rest = ""] = readdirSync(join(folder, "blobs", two));
  return join(folder, "blobs", two, rest);
}

function firstPackage(folder: string): string {
  return join(folder, "packages", readdirSync(join(folder, "packages")).sort()[0] ?? "");
}

const TAMPERED: readonly (readonly [string, (folder: string) => void, RegExp])[] = [
  ["a blob of another content", (f) => writeFileSync(firstBlob(f), "x"), /blobs\/.* is not what its name says/],
  [
    "a download of another content",
    (f) => writeFileSync(join(f, "downloads", readdirSync(join(f, "downloads"))[0] ?? ""), "x"),
    /downloads\//,
  ],
  ["a file of a package changed", (f) => writeFileSync(join(firstPackage(f), "platform.txt"), "x"), /packages\/.*platform\.txt/],
  ["a file more in a package", (f) => writeFileSync(join(firstPackage(f), "more"), "x"), /more does not belong to it/],
  ["a package without a manifest", (f) => rmSync(join(firstPackage(f), ".fb-manifest")), /manifest is damaged/],
  ["a file where none belongs", (f) => writeFileSync(join(f, "actions"), "x"), /actions is not what its name says/],
  ["no mark", (f) => rmSync(join(f, "fb-cache")), /not written by `fb cache export`/],
  ["a newer fb's", (f) => writeFileSync(join(f, "fb-cache"), '{"schema":2}'), /newer fb/],
  ["a link out of a package", (f) => symlinkSync("../../../../../etc", join(firstPackage(f), "out")), /out.*leads|link/],
  [
    "packages that are a link to elsewhere",
    (f) => {
      renameSync(join(f, "packages"), join(f, "real"));
      symlinkSync(join(f, "real"), join(f, "packages"));
    },
    /link|real/,
  ],
];

for (const [what, change, says] of TAMPERED)
  test(`an archive with ${what} is refused as a whole`, () => {
    const { ran, cache } = imported(tampered(change));
    assert.is(ran.code, 4, ran.stdout);
    assert.match(ran.stderr, says);
    for (const name of ["packages", "downloads", "blobs"])
      assert.equal(existsSync(join(cache, name)) ? readdirSync(join(cache, name)) : [], [], name);
    assert.equal(
      readdirSync(cache).filter((name) => name.startsWith(".")),
      [],
    );
  });

test("a name that leads out of the cache writes nothing there", () => {
  const folder = freshFolder("evil");
  mkdirSync(join(folder, "in"));
  writeFileSync(join(folder, "evil"), "x");
  const file = join(folder, "evil.tar");
  assert.is(spawnSync("tar", ["-C", join(folder, "in"), "-cPf", file, "../evil"]).status, 0);
  const cache = join(freshFolder("deep"), "cache");
  mkdirSync(cache);
  const { ran } = imported(file, cache);
  assert.is(ran.code, 4, ran.stdout);
  assert.match(ran.stderr, /\.\./);
  assert.equal(readdirSync(join(cache, "..")), ["cache"]);
});

test("records that are cut off, or name what is not there, are left out", async () => {
  const file = tampered((folder) => {
    const text = readFileSync(join(folder, "records"), "utf8");
    writeFileSync(join(folder, "records"), `${text.slice(0, text.length / 2)}\n["results","zz","!!"]\n[1]\n`);
    rmSync(firstBlob(folder));
  });
  const { ran, p } = imported(file);
  assert.is(ran.code, 0, ran.stderr);
  const there = await p.start(["run", "--offline", "--locked", "--json"]).ended;
  assert.is(there.code, 0, there.stderr);
  assert.is(result(there).artifacts[0]?.sha256, result(built).artifacts[0]?.sha256);
});

test("no file of an export, and no project: said", () => {
  const file = join(freshFolder("odd"), "a.tar");
  writeFileSync(file, "<html>");
  assert.is(imported(file).ran.code, 4);
  const empty = freshFolder("empty");
  const p = new TestProject({}, { folder: empty });
  const refused = p.fb(["cache", "export", file]);
  assert.is(refused.code, 3);
  assert.match(refused.stderr, /--all/);
});

// ── collection ──

/** Days ago. */
function aged(path: string, days: number): void {
  const then = new Date(Date.now() - days * 86_400_000);
  utimesSync(path, then, then);
}

test("packages and downloads that nobody used for 30 days are collected, others stay; what a run uses is of today", async () => {
  const { ran, cache, p } = imported(CARRIED);
  assert.is(ran.code, 0, ran.stderr);
  assert.is((await p.start(["run", "--offline", "--json"]).ended).code, 0);
  const packages = readdirSync(join(cache, "packages"));
  assert.equal(readdirSync(join(cache, "used")).sort(), packages.sort());
  for (const name of packages) aged(join(cache, "packages", name), 90);
  const far = packages.find((name) => name.startsWith("far@")) ?? "";
  const core = packages.find((name) => name.startsWith("framework")) ?? "";
  aged(join(cache, "used", far), 31);
  aged(join(cache, "used", core), 29);
  const [first = "", second = ""] = readdirSync(join(cache, "downloads"));
  aged(join(cache, "downloads", first), 31);
  aged(join(cache, "downloads", second), 29);
  const gc = JSON.parse(p.fb(["cache", "gc", "--json"]).stdout) as { packages: number; downloads: number };
  assert.equal([gc.packages, gc.downloads], [1, 1]);
  assert.equal(
    readdirSync(join(cache, "packages")).sort(),
    packages.filter((name) => name !== far),
  );
  assert.not.ok(existsSync(join(cache, "downloads", first)));
  // A run of few changes uses packages too.
  const other = imported(CARRIED);
  const start = () => other.p.start(["run", "--offline", "--json"]).ended;
  await start();
  aged(join(other.cache, "used", far), 31);
  other.p.edit("src/main.cpp", "far();", "far(); far();");
  assert.equal(
    executed(await start()).filter((each) => each.startsWith("compile")),
    ["compile src/main.cpp"],
  );
  assert.equal((JSON.parse(other.p.fb(["cache", "gc", "--json"]).stdout) as { packages: number }).packages, 0);
});

test("doctor names what is stored, or would be fetched; verify finds a changed file of a package", () => {
  const { cache, p } = imported(CARRIED);
  const doctor = p.fb(["doctor"]);
  assert.is(doctor.code, 0, doctor.stdout);
  assert.match(doctor.stdout, /ok +packages +.*far 0\.0\.0\+url.*: manifests are sound/);
  assert.match(doctor.stdout, /ok +env uno +avr-gcc .*packages\/toolchain-atmelavr@/);
  assert.match(p.fb(["cache", "verify"]).stdout, /3 packages: all sound/);
  const core = join(cache, "packages", readdirSync(join(cache, "packages")).find((name) => name.startsWith("framework")) ?? "");
  chmodSync(join(core, "platform.txt"), 0o644);
  writeFileSync(join(core, "platform.txt"), "name=Other\nversion=9.9.9\n");
  const verified = p.fb(["cache", "verify"]);
  assert.is(verified.code, 4);
  assert.match(verified.stderr, /framework-arduino-avr.*was changed: platform\.txt/);
  const empty = new TestProject(FILES);
  assert.match(empty.fb(["doctor"]).stdout, /note +env uno +to be fetched: toolchain-atmelavr/);
});

test("clear takes packages and downloads too; a project then says what is missing, offline", async () => {
  const { cache, p } = imported(CARRIED);
  const cleared = JSON.parse(p.fb(["cache", "clear", "--json"]).stdout) as { packages: { count: number } };
  assert.is(cleared.packages.count, 3);
  for (const name of ["packages", "downloads", "used"]) assert.not.ok(existsSync(join(cache, name)), name);
  const failed = await p.start(["run", "--offline", "--json"]).ended;
  assert.is(failed.code, 4);
  assert.match(failed.stderr, /fb cache import/);
});

test.run();
