/** fb gives the answers that PlatformIO gave to recorded cases; `npm run parity` asks it new ones. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { iniKind } from "./ini.ts";
import { checkLine, type Kind, seeded } from "./kind.ts";
import { librariesKind } from "./libraries.ts";
import { projectsKind } from "./projects.ts";
import { readRecorded } from "./recorded.ts";
import { registryKind } from "./registry.ts";
import { sketchesKind } from "./sketches.ts";
import { specsKind } from "./specs.ts";
import { newSeed } from "../random.ts";

function every<C extends object, A>(kind: Kind<C, A>, least: number): void {
  const lines = readRecorded<A>(kind.name);
  test(`${kind.name}: at least ${least} cases are recorded`, () => {
    assert.ok(lines.length >= least, `${lines.length} cases`);
    assert.is(new Set(lines.map((line) => line.id)).size, lines.length);
  });
  for (const line of lines) test(`${kind.name} ${line.id}`, async () => assert.is(await checkLine(kind, line), ""));
}

every(iniKind, 500);
every(projectsKind, 200);
every(librariesKind, 90);
every(specsKind, 70);
every(registryKind, 160);

// PlatformIO's conversion refuses many of these; as written out with all prototypes, a compiler takes every one.
const seed = newSeed();
for (const id of seeded(seed, 24)) {
  test(`sketch ${id}: converted, it compiles`, async () => {
    const sketch = sketchesKind.make(id);
    if (sketch === null) throw new Error(id);
    assert.is(await sketchesKind.compare(sketch, { text: null }), "");
  });
}

test.run();
