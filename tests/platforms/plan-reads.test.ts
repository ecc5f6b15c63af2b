/**
 * Law of edits, for plans of families: where all that a plan asked of the disk is answered as before, the plan is the same. A cached plan is used by just that. The
 * projects and cores of recorded/, with generated edits of any of their files.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { newSeed, Random } from "../random.ts";
import { memoryIo } from "../rules/memory-io.ts";
import { planned } from "../rules/memory-plan.ts";

type Files = Readonly<Record<string, string>>;

const EDITS = 16;
const seed = newSeed();
const LINES = [
  "#include <SPI.h>",
  "#ifdef __arm__",
  "#endif",
  "#define LATER 1",
  "int later;",
  '#include "later.h"',
  "MEMORY { }",
  "// nothing",
];
const NAMES = ["later.h", "later.c", "later.cpp", "later.S", "later.ld", "library.json", "later.txt"];

/** One more file, one less, another name, another text or another line. */
function edited(files: Files, r: Random): Files {
  const paths = Object.keys(files).filter((path) => path !== "platformio.ini");
  const path = r.pick(paths);
  const { [path]: text = "", ...others } = files;
  const beside = path.slice(0, path.lastIndexOf("/") + 1) + r.pick(NAMES);
  switch (r.below(5)) {
    case 0:
      return { ...files, [beside]: `${r.pick(LINES)}\n` };
    case 1:
      return others;
    case 2:
      return { ...others, [beside]: text };
    case 3:
      return { ...files, [path]: `${r.pick(LINES)}\n` };
    default:
      return { ...files, [path]: `${text}\n${r.pick(LINES)}\n` };
  }
}

/** What a tree of files says to all that was asked. */
function answers(files: Files, asked: readonly string[]): string {
  const io = memoryIo(files);
  const answer = (ask: string): unknown => {
    const at = ask.indexOf(" ");
    const [kind, path] = [ask.slice(0, at), ask.slice(at + 1)];
    switch (kind) {
      case "file":
        return io.text(path);
      case "listing":
        return io.list(path);
      case "includes":
      case "directives":
      case "digest":
      case "exists":
        return io[kind](path);
      default:
        throw new Error(ask);
    }
  };
  return JSON.stringify(asked.map(answer));
}

const tally = { same: 0, other: 0 };
const folder = join(import.meta.dirname, "recorded");
for (const file of readdirSync(folder))
  test(`${file}: ${EDITS} edits (FB_SEED=${seed})`, () => {
    const recorded = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const r = new Random(seed);
    const envs = Object.keys(recorded.commands);
    const plan = (files: Files, env: string): { readonly said: string; readonly asked: readonly string[] } => {
      const project = planned(files, "", recorded.framework);
      try {
        return { said: JSON.stringify(project.actions(env)), asked: project.asked };
      } catch (error) {
        return { said: (error as Error).message, asked: project.asked };
      }
    };
    let files: Files = recorded.files;
    for (let n = 0; n < EDITS; n++) {
      const env = r.pick(envs);
      const before = plan(files, env);
      const next = edited(files, r);
      if (answers(files, before.asked) === answers(next, before.asked)) {
        tally.same++;
        assert.is(plan(next, env).said, before.said, `${env}, edit ${n}`);
      } else tally.other++;
      // Too many of them, and nothing can be planned any more.
      files = n % 8 === 7 ? recorded.files : next;
    }
  });

test("of the edits some changed an answer and some did not", () => assert.ok(tally.same > 0 && tally.other > 0, JSON.stringify(tally)));

test.run();
