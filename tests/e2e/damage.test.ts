/** Damaged files under the cache and under a project's .fb: a miss or a rebuild with the right bytes, never a wrong build, a crash, or poison for others. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  cpSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isClean, isSpoken, projectOf, rounds, seeded, sources } from "./faults.ts";
import { freshFolder, type Ran, TestProject } from "./harness.ts";
import type { Random } from "../random.ts";

/** Of each kind of file; FB_DAMAGES=100 for more. */
const DAMAGES = rounds("FB_DAMAGES", 3);
const FILES = sources(1, 2);
const EDITED = sources(2, 2);

type Damage = readonly [name: string, of: (file: string, random: Random) => void];

const bytes = (random: Random, n: number) => Buffer.from(Array.from({ length: n }, () => random.below(256)));

function edit(file: string, how: (content: Buffer) => Buffer): void {
  const content = readFileSync(file);
  chmodSync(file, 0o644);
  writeFileSync(file, how(content));
}

const DAMAGE: readonly Damage[] = [
  ["truncated", (file, random) => (chmodSync(file, 0o644), truncateSync(file, random.below(statSync(file).size)))],
  ["emptied", (file) => (chmodSync(file, 0o644), truncateSync(file, 0))],
  ["zeroed", (file) => edit(file, (b) => Buffer.alloc(b.length))],
  [
    "replaced by garbage",
    (file, random) => edit(file, (b) => bytes(random, random.below(2) === 0 ? Math.min(b.length, 65536) : 1 + random.below(5000))),
  ],
  [
    "flipped in a few bits",
    (file, random) =>
      edit(file, (b) => {
        for (let i = 0; i <= random.below(8) && b.length > 0; i++) {
          const at = random.below(b.length);
          b[at] = (b[at] ?? 0) ^ (1 << random.below(8));
        }
        return b;
      }),
  ],
  [
    "with a page of another place",
    (file, random) =>
      edit(file, (b) => {
        const page = () => 4096 * random.below(Math.max(1, Math.floor(b.length / 4096)));
        b.copy(b, page(), page(), Math.min(b.length, page() + 4096));
        return b;
      }),
  ],
];
const FOLDER: Damage = ["replaced by a folder", (file) => (rmSync(file), mkdirSync(file))];

function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort();
}

/** A cache that holds a build of both versions, and a project that was built from it; copied for each damage. */
let made: { readonly cache: string; readonly project: string } | null = null;
function start(): TestProject {
  if (made === null) {
    const project = projectOf(EDITED);
    project.run();
    for (const [path, text] of Object.entries(FILES)) if (project.read(path) !== text) project.write(path, text);
    project.run();
    made = { cache: project.cache, project: project.folder };
  }
  const cache = freshFolder("cache");
  const folder = freshFolder();
  cpSync(made.cache, cache, { recursive: true, preserveTimestamps: true });
  cpSync(made.project, folder, { recursive: true, preserveTimestamps: true });
  return new TestProject({}, { cache, folder });
}

/** Runs that must succeed and leave what a clean build leaves; none may say that fb has a bug. */
function isRight(project: TestProject, files: Readonly<Record<string, string>>, what: string): Ran {
  for (const [path, text] of Object.entries(files)) if (!project.exists(path) || project.read(path) !== text) project.write(path, text);
  const ran = project.fb(["run", "--json"]);
  isSpoken(ran, what);
  assert.is(ran.code, 0, `${what}\n${ran.stderr}`);
  isClean(project, files, what);
  return ran;
}

/** Everything that may rest on the damaged place: the project again, after an edit, from the cache alone, and another project with that cache. */
function judge(project: TestProject, what: string): void {
  isRight(project, FILES, `${what}: the next run`);
  isRight(project, EDITED, `${what}: an edit`);
  const other = projectOf(FILES, project.cache);
  isRight(other, FILES, `${what}: another project`);
  other.remove(".fb");
  isRight(other, EDITED, `${what}: another project, another version`);
  const verified = project.fb(["cache", "verify"]);
  isSpoken(verified, what);
  assert.ok(verified.code === 0 || verified.code === 4, `${what}\n${verified.stderr}`);
  const again = project.fb(["cache", "verify"]);
  assert.is(again.code, 0, `${what}: what verify removed is gone\n${again.stdout}${again.stderr}`);
  for (const verb of [["stats"], ["gc"]]) {
    const ran = project.fb(["cache", ...verb]);
    isSpoken(ran, what);
    assert.is(ran.code, 0, `${what}: ${verb.join(" ")}\n${ran.stderr}`);
  }
}

/** Damages one file after the other, in one way after the other, and judges each. */
function damaged(name: string, files: (project: TestProject) => readonly string[]): void {
  test(`damaged: ${name}`, () => {
    const { seed, random } = seeded();
    const seen: string[] = [];
    for (let i = 0; i < DAMAGES; i++) {
      const project = start();
      // Half of the time without what would stand in for it.
      const bare = random.below(2) === 0;
      const chosen = files(project);
      const file = random.pick(chosen);
      const kinds = name === "a blob" ? [...DAMAGE, FOLDER] : DAMAGE;
      const [how, apply] = kinds[(i + seed) % kinds.length] ?? FOLDER;
      const times = statSync(file);
      const what = `seed ${seed}, damage ${i}: ${file.slice(file.indexOf("/", project.folder.length - 3))} ${how}${bare ? ", .fb/build gone" : ""}`;
      apply(file, random);
      // As silent damage would leave it: the time of the last write stays.
      if (existsSync(file) && random.below(2) === 0) utimesSync(file, times.atime, times.mtime);
      if (bare && project.exists(".fb/build")) project.remove(".fb/build");
      judge(project, what);
      seen.push(file);
      for (const folder of [project.folder, project.cache]) rmSync(folder, { recursive: true });
    }
    assert.is(seen.length, DAMAGES);
  });
}

damaged("a blob", (p) => below(join(p.cache, "blobs")));
damaged("the cache's database", (p) => below(join(p.cache, "actions")));
damaged("what else the cache keeps", (p) => below(p.cache).filter((f) => !/\/(blobs|actions)\//.test(f)));
damaged("an output", (p) => below(p.path(".fb/build")));
damaged("the project's state", (p) => below(p.path(".fb/state")));

test.run();
