/** fb gives the answers that PlatformIO gave to recorded cases; `npm run parity` asks it new ones. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { iniKind } from "./ini.ts";
import { checkLine, type Kind } from "./kind.ts";
import { readRecorded } from "./recorded.ts";

function every<C extends object, A>(kind: Kind<C, A>, least: number): void {
  const lines = readRecorded<A>(kind.name);
  test(`${kind.name}: at least ${least} cases are recorded`, () => {
    assert.ok(lines.length >= least, `${lines.length} cases`);
    assert.is(new Set(lines.map((line) => line.id)).size, lines.length);
  });
  for (const line of lines) test(`${kind.name} ${line.id}`, () => assert.is(checkLine(kind, line), ""));
}

every(iniKind, 500);

test.run();
