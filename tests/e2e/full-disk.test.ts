/** A full disk under the cache, the project, its .fb or TMPDIR: a message that names it, exit 4, nothing corrupt; with space again the next run is right. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { isClean, isSpoken, projectOf, rounds, seeded, sources } from "./faults.ts";
import { FB, freshFolder, type TestProject } from "./harness.ts";
import type { Random } from "../random.ts";

/** How full the disk is, in how many places: FB_LEVELS=40 for more. */
const LEVELS = rounds("FB_LEVELS", 2);
const PLACES = ["cache", "project", ".fb", "TMPDIR"] as const;
type Place = (typeof PLACES)[number];
/** What runs out: room for content (in pages of 4 kB), or for files. */
const KINDS = ["size", "nr_inodes"] as const;
type Kind = (typeof KINDS)[number];

/**
 * In a mount namespace of its own, with a tmpfs at $AT: fb runs on the disk as it is (cold), or after a build with room for $LEVEL more (edit); then
 * with room again, then once more. Prints each exit code; what each run said is in $SAID.
 */
const SCRIPT = `
mount -t tmpfs -o size=1g,nr_inodes=100k tmpfs "$AT" || exit 99
[ "$FROM" = "" ] || cp -a "$FROM/." "$AT/"
cd "$FOLDER"
run() { name=$1; shift; "$FB" "$@" >"$SAID/$name.out" 2>"$SAID/$name.err"; echo "$name $?"; }
left() { if [ "$KIND" = size ]; then echo "size=$(( $(df -k --output=used "$AT" | tail -1) + $1 ))k"; else echo "nr_inodes=$(( $(df --output=iused "$AT" | tail -1) + $1 ))"; fi; }
if [ "$EDIT" != "" ]; then run before run --json; echo "$EDIT" >VERSION; fi
if [ "$RESTORE" != "" ]; then run all run --json; rm -rf .fb/*; fi
if [ "$LEVEL" = all ]; then
  left 0
  run first run --json
  left 0
else
  mount -o "remount,$(left $LEVEL)" "$AT" || exit 98
  run first run --json
  mount -o remount,size=1g,nr_inodes=100k "$AT"
  run second run --json
  run verify cache verify
  run third run --json
fi
cp -a .fb/build "$SAID/"
`;

interface Case {
  readonly place: Place;
  readonly kind: Kind;
  /** Kilobytes or files that there is room for; "all": enough. */
  readonly level: number | "all";
  /** The version that is edited in after a build; null: the first build meets the full disk. */
  readonly edit: number | null;
  /** Whether all of it has been built before, so that it comes from the cache. */
  readonly restore: boolean;
}

interface Seen {
  /** The folder that was too small. */
  readonly at: string;
  readonly codes: ReadonlyMap<string, number>;
  /** KIND=NUMBER lines, the disk's use before and after. */
  readonly used: readonly number[];
  readonly said: (run: string) => { readonly stdout: string; readonly stderr: string };
  /** Holds .fb/build as it came out in the end. */
  readonly after: TestProject;
}

/** Null where nobody may mount. */
function meet({ place, kind, level, edit, restore }: Case): Seen | null {
  const project = projectOf(sources(1, 2));
  const said = freshFolder("said");
  const empty = freshFolder("disk");
  const at = { cache: project.cache, project: empty, ".fb": project.path(".fb"), TMPDIR: empty }[place];
  mkdirSync(at, { recursive: true });
  const vars = {
    FB,
    AT: at,
    SAID: said,
    KIND: kind,
    LEVEL: String(level),
    EDIT: edit === null ? "" : String(edit),
    RESTORE: restore ? "yes" : "",
    FROM: place === "project" ? project.folder : "",
    FOLDER: place === "project" ? empty : project.folder,
    ...(place === "TMPDIR" ? { TMPDIR: empty } : {}),
  };
  const ran = spawnSync("unshare", ["-rm", "/bin/sh", "-c", SCRIPT], { env: project.vars({ vars }), encoding: "utf8" });
  if (ran.status === 99 || ran.status === 1 || ran.error !== undefined) return null;
  assert.is(ran.status, 0, ran.stderr);
  const text = (name: string) => readFileSync(join(said, name), "utf8");
  const after = projectOf({});
  cpSync(join(said, "build"), after.path(".fb/build"), { recursive: true });
  for (const folder of [project.folder, project.cache]) rmSync(folder, { recursive: true });
  return {
    at,
    codes: new Map([...ran.stdout.matchAll(/^(\w+) (\d+)$/gm)].map(([, run = "", code]) => [run, Number(code)])),
    used: [...ran.stdout.matchAll(/=(\d+)k?$/gm)].map(([, n]) => Number(n)),
    said: (run) => ({ stdout: text(`${run}.out`), stderr: text(`${run}.err`) }),
    after,
  };
}

/** Levels spread over what a build needs of the disk, one in each part of it. */
function levels(need: number, random: Random, kind: Kind): number[] {
  const step = kind === "size" ? 4 : 1;
  // Not 0: of an empty tmpfs it would mean that there is no limit.
  return Array.from({ length: LEVELS }, (_, i) => Math.max(1, Math.floor((need * (i + random.next())) / LEVELS / step)) * step);
}

for (const place of PLACES)
  for (const kind of KINDS)
    test(`${kind === "size" ? "no space" : "no room for another file"}: ${place}`, () => {
      const { seed, random } = seeded();
      const edit = random.below(2) === 0 ? null : 2;
      const restore = random.below(3) === 0;
      const whole = meet({ place, kind, level: "all", edit, restore });
      if (whole === null) return void process.stdout.write("(skipped: no mount namespaces here) ");
      assert.is(whole.codes.get("first"), 0, whole.said("first").stderr);
      const [before = 0, after = 0] = whole.used;
      const refused: number[] = [];
      // Of TMPDIR nothing is kept: it holds a few files of a few kilobytes while a compiler runs.
      const need = place === "TMPDIR" ? { size: 24, nr_inodes: 6 }[kind] : after - before;
      for (const level of levels(need, random, kind)) {
        const what = `seed ${seed}: ${place}, ${kind} ${level}${edit === null ? "" : ", an edit"}${restore ? ", to restore" : ""}`;
        const seen = meet({ place, kind, level, edit, restore });
        if (seen === null) throw new Error("mounted once, but not again");
        const first = seen.said("first");
        const code = seen.codes.get("first");
        isSpoken(first, what);
        assert.ok(code === 0 || code === 4, `${what}: exit ${code}\n${first.stderr}`);
        if (code === 4) refused.push(level);
        assert.match(first.stdout, /"type":"result".*\n$/, what);
        if (code === 4) {
          assert.match(first.stderr, /no space left|disk is full|ENOSPC/i, what);
          const named = place === "cache" || place === "TMPDIR" ? seen.at : ".fb";
          assert.ok(first.stderr.includes(named), `${what}: ${named} is not named\n${first.stderr}`);
        }
        for (const run of ["second", "third", "verify"]) {
          assert.is(seen.codes.get(run), 0, `${what}: ${run}\n${seen.said(run).stderr}`);
          isSpoken(seen.said(run), what);
        }
        assert.match(seen.said("third").stdout, /"ran":0,"hits":0/, what);
        isClean(seen.after, sources(edit ?? 1, 2), what);
      }
      process.stdout.write(`(${refused.length} of ${LEVELS} were too full) `);
    });

test.run();
