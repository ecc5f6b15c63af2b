/** What hides values of environment variables that an ini names. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { secretName } from "../../cache/snapshot-world.ts";
import { HIDDEN, masker } from "../../cli/secrets.ts";

const mask = masker(["HOME", ...["PASS", "LONGER", "LEVEL", "UNSET"].map(secretName)], {
  HOME: "/root",
  PASS: "hunter2",
  LONGER: "hunter2hunter",
  LEVEL: "3",
});

test("a value is hidden wherever it stands, the longest first; one that is no secret is not", () => {
  assert.is(mask("-DA=hunter2 -DB=hunter2hunter /root", "name"), "-DA=${sysenv.PASS} -DB=${sysenv.LONGER} /root");
});

test("a short one only where an argument ends with it", () => {
  assert.is(mask("-DL=3", "name"), "-DL=${sysenv.LEVEL}");
  assert.is(mask("-std=c++23 -O3", "name"), "-std=c++23 -O3");
});

test("what is kept to be compared has a digest", () => {
  const [, name, digest] = HIDDEN.exec(mask("-DA=hunter2")) ?? [];
  assert.is(name, "PASS");
  assert.is(digest, "f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7");
});

test.run();
