/** One way in which firmware could be stale: a project, one change to it, and what its program answers before and after. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { AVR, ends, executed, FB, freshFolder, isNoop, type Ran, result, TestProject, unoCache } from "../harness.ts";

/** Texts by path from the project's folder; `../` leads to a folder of the row's own. null: no such file or folder. */
export type Files = Readonly<Record<string, string | null>>;

/** By hand what no text says: there, and back to how it was. */
export interface ByHand {
  readonly there: (p: TestProject) => void;
  readonly back: (p: TestProject) => void;
}

export type Target = "pc" | "avr" | "arduino";

export interface Row {
  readonly name: string;
  /** Options of its env. */
  readonly ini?: string;
  /** "avr" (an uno without framework) and "arduino" answer over their serial port, in a simulator; a native program, the default, by its exit code. */
  readonly on?: Target;
  /** Beside platformio.ini and, if not said, a main program that includes v.h and answers V. */
  readonly files?: Files;
  /** What no text says, done before the first run. */
  readonly prepare?: (p: TestProject) => void;
  readonly change?: Files;
  /** Instead of change. */
  readonly byHand?: ByHand;
  /** The files of change are written one after the other, with a run after each; each adds one to the answer. */
  readonly oneByOne?: boolean;
  /** The environment of runs before and after the change. */
  readonly vars?: { readonly before?: Vars; readonly after?: Vars };
  /** The answer after the change; a pattern: the build fails and says so. 2 if not said. Before it is always 1. */
  readonly after?: number | RegExp;
  /** What the change makes run, or brings back from the cache; not looked at if not said. */
  readonly done?: readonly string[];
}

type Vars = (p: TestProject) => Readonly<Record<string, string | undefined>>;

/** Sends one digit. */
export const SENDS = "#include <avr/io.h>\nint main(void) { UCSR0B = 1 << TXEN0; UDR0 = '0' + V; for (;;); }\n";
const NATIVE = '#include "v.h"\nint main(void) { return V; }\n';
const SKETCH = '#include <Arduino.h>\n#include "v.h"\nvoid setup() { Serial.begin(115200); Serial.print(V); }\nvoid loop() {}\n';

const caches = new Map<string, string>();
/** All rows of a kind share one cache: what one of them left in it must not deceive another. */
function cacheOf(on: Target): string {
  let cache = caches.get(on);
  if (cache === undefined) caches.set(on, (cache = on === "arduino" ? unoCache() : freshFolder("shared")));
  return cache;
}

/**
 * Builds, changes, builds, changes back, builds, and asks the program each time. Every change follows the end of a run at once: the run's snapshot is as
 * young as can be. The last state must be an unchanged one.
 */
export function play(row: Row): void {
  const on = row.on ?? "pc";
  const project = new TestProject({}, { folder: join(freshFolder(), "project"), cache: cacheOf(on) });
  const main: Files = on === "arduino" ? { "src/main.cpp": SKETCH } : { "src/main.c": on === "pc" ? NATIVE : `#include "v.h"\n${SENDS}` };
  put(project, { "platformio.ini": iniOf(row), ...main, ...row.files });
  row.prepare?.(project);
  const { change = {}, byHand = null } = row;
  const before = Object.fromEntries(Object.keys(change).map((path) => wasAt(project, path)));
  const vars = { before: row.vars?.before?.(project) ?? {}, after: row.vars?.after?.(project) ?? {} };
  const after = row.after ?? (row.oneByOne === true ? 1 + Object.keys(change).length : 2);

  const first = project.run([], { vars: vars.before });
  assert.is(answer(project, on, first), 1, `at first\n${first.stderr}`);
  if (row.oneByOne === true) {
    let expected = 1;
    for (const [path, text] of Object.entries(change).slice(0, -1)) {
      put(project, { [path]: text });
      assert.is(answer(project, on, project.run()), ++expected, path);
    }
  }
  put(project, change);
  byHand?.there(project);
  const second = project.run([], { vars: vars.after, exit: typeof after === "number" ? 0 : 1 });
  if (typeof after === "number") assert.is(answer(project, on, second), after, "after the change");
  else assert.match(JSON.stringify(second.events), after);
  if (row.done !== undefined) assert.equal(done(second), row.done);
  put(project, before);
  byHand?.back(project);
  const third = project.run([], { vars: vars.before });
  assert.is(answer(project, on, third), 1, "changed back");
  if (row.done !== undefined) assert.equal(executed(third), [], "going back is free");
  isNoop(project.run([], { vars: vars.before }));
}

function iniOf({ on, ini = "" }: Row): string {
  if (on === "arduino") return `[env:uno]\n${AVR}${ini}\n`;
  return on === "avr" ? `[env:uno]\nplatform = atmelavr\nboard = uno\n${ini}\n` : `[env:pc]\nplatform = native\n${ini}\n`;
}

function done(ran: Ran): string[] {
  return ends(ran)
    .filter((e) => e.status === "ran" || e.status === "hit")
    .map((e) => `${e.kind} ${e.label}`)
    .sort();
}

/** What brings back the text of a file; of one that was not there, what removes it and the folders that it needed. */
function wasAt(project: TestProject, path: string): [string, string | null] {
  if (existsSync(project.path(path))) return [path, readFileSync(project.path(path), "utf8")];
  const folder = dirname(path);
  return folder === "." || existsSync(project.path(folder)) ? [path, null] : wasAt(project, folder);
}

/** In their order. */
export function put(project: TestProject, files: Files): void {
  for (const [path, text] of Object.entries(files))
    if (text === null) rmSync(project.path(path), { recursive: true, force: true });
    else project.write(path, text);
}

/** Of the image that the run names. */
function answer(project: TestProject, on: Target, ran: Ran): number | null {
  const image = project.path(result(ran).artifacts[0]?.path ?? "");
  if (on === "pc") return spawnSync(image).status;
  const chip = ["--mcu", "atmega328p", "--clock", "16000000", "--timeout", "0.02"];
  return Number(spawnSync(FB, ["tool", "emulate", image, ...chip], { encoding: "utf8" }).stdout);
}

/** A link that leads to `target`, in the place of another. */
export function link(project: TestProject, path: string, target: string): void {
  rmSync(project.path(path), { force: true });
  symlinkSync(target, project.path(path));
}

/** A time that no clock of this machine gives again. */
export const OLD = new Date(1e12);

export function age(project: TestProject, path: string): void {
  utimesSync(project.path(path), OLD, OLD);
}

export const V = (value: number): string => `#define V ${value}\n`;
