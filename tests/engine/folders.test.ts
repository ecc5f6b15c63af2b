/** What is believed of folders from one look to the next, against the disk: whatever comes and goes, in the same tick of its clock too. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Folders } from "../../engine/guard.ts";
import { newSeed, Random } from "../random.ts";
import { MemDisk } from "./mem-disk.ts";

const NAMES = ["x.h", "y.h", "z"];
const PLACES = ["", "a/", "a/b/", "c/"].flatMap((folder) => NAMES.map((name) => folder + name));
/** Where links lead; what lies there comes and goes without the links' folders changing. */
const TARGETS = ["far/x.h", "far/y.h", "gone"];

function change(disk: MemDisk, random: Random): void {
  const place = random.pick([...PLACES, ...TARGETS]);
  const doing = random.below(6);
  const isTaken =
    disk.sign(place) !== null ||
    disk.links(place.includes("/") ? place.slice(0, place.lastIndexOf("/")) : ".").has(place.split("/").at(-1) ?? "");
  if (doing === 0 && isTaken) disk.remove(place);
  else if (doing === 1 && !isTaken) disk.makeDir(place);
  else if (doing === 2 && !isTaken && !TARGETS.includes(place)) disk.link(place, `/p/${random.pick(TARGETS)}`);
  else if (doing === 3) disk.remove(random.pick(["a/b", "c", "far"]));
  else if (!disk.isDir(place)) disk.write(place, `${random.below(3)}`);
}

test("generated: what counts as absent is absent, and most of it is not asked for again", () => {
  const seed = newSeed();
  let asked = 0;
  let looks = 0;
  for (let n = 0; n < 60; n++) {
    const random = new Random(seed + n);
    const disk = new MemDisk();
    const folders = new Folders(disk);
    for (let attempt = 0; attempt < 12; attempt++) {
      const clock = disk.now();
      for (let i = random.below(4); i > 0; i--) {
        if (random.chance(0.5)) disk.tick();
        change(disk, random);
      }
      if (random.chance(0.7)) disk.tick();
      const look = folders.look();
      for (const place of random.some(PLACES, 0.7)) {
        const isThere = () => {
          asked++;
          return disk.sign(place) !== null && !disk.isDir(place);
        };
        const absent = folders.isAbsent(place, look, (s) => s.mtimeNs < clock && s.ctimeNs < clock, isThere);
        assert.is(absent, disk.sign(place) === null || disk.isDir(place), `seed ${seed} + ${n}, ${place}`);
        looks++;
      }
    }
  }
  assert.ok(asked < 0.7 * looks, `${asked} of ${looks}`);
});

test.run();
