import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseCommand } from "../../cli/args.ts";
import { flagsOf, VERBS, verbsHere } from "../../cli/flags.ts";
import { completionScript, helpText } from "../../cli/help.ts";
import { splitWords } from "../../rules/shellwords.ts";

const topics = [null, "targets", ...Object.keys(VERBS)];

for (const topic of topics)
  test(`fb help ${topic ?? ""} fits 80 columns and ends in one newline`, () => {
    const text = helpText(topic);
    for (const line of text.split("\n")) {
      assert.ok([...line].length <= 80, line);
      assert.is(line.trimEnd(), line);
    }
    assert.match(text, /[^\n]\n$/);
  });

test("the overview names every verb, with those to come", () => {
  const text = helpText(null);
  for (const name of Object.keys(VERBS)) assert.ok(text.includes(name), name);
});

test("a verb's help names its flags; examples come before them", () => {
  for (const name of verbsHere) {
    const text = helpText(name);
    for (const f of flagsOf(name)) assert.ok(text.includes(`--${f.name}`), `${name} --${f.name}`);
    assert.ok(text.indexOf(`  fb ${name}`) < text.indexOf("usage:") && text.includes(`  fb ${name}`), name);
  }
});

test("every example is a command line that fb accepts", () => {
  let examples = 0;
  for (const topic of topics) {
    if (topic !== null && VERBS[topic]?.here === false) continue;
    const above = helpText(topic).split("usage:")[0] ?? "";
    for (const line of above.split("\n")) {
      const words = /^ {2}fb(?: (.*?))?(?: {2,}| [>]|$)/.exec(line);
      if (words === null) continue;
      examples++;
      const r = parseCommand(splitWords(words[1] ?? "") ?? []);
      assert.ok(r.ok, `${line}: ${r.ok ? "" : r.failure.message}`);
    }
  }
  assert.ok(examples > 40, String(examples));
});

/** What bash offers at the end of these words, as readline splits them. */
function offered(words: readonly string[]): string[] {
  const script = `${completionScript("bash")}\nCOMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _fb; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8", cwd: import.meta.dirname });
  assert.is(run.stderr, "");
  return run.stdout.split("\n").filter((w) => w !== "");
}

if (spawnSync("bash", ["--version"]).status === 0)
  test("bash completes verbs, flags, targets and PlatformIO's names", () => {
    assert.equal(offered(["fb", "bo"]), ["boards"]);
    assert.equal(offered(["fb", "cache", "veri"]), ["verify"]);
    assert.equal(offered(["fb", "run", "--keep"]), ["--keep-going"]);
    // A folder of tests is called flash, too.
    assert.equal([...new Set(offered(["fb", "run", ":", "fl"]))], ["flash", "flash-eeprom", "flash-fs"]);
    assert.ok(offered(["fb", "run", ":"]).includes("firmware"));
    assert.equal(offered(["fb", "run", "-t", "up"]), ["upload", "uploadeep", "uploadfs"]);
    assert.equal(offered(["fb", "help", "tar"]), ["targets"]);
    assert.equal(offered(["fb", "build", "help.te"]), ["help.test.ts"]);
  });

test("the scripts for zsh and fish name every verb", () => {
  for (const name of verbsHere) {
    assert.ok(completionScript("zsh").includes(` ${name})`), name);
    assert.ok(completionScript("fish").includes(`-a ${name} `), name);
  }
  assert.ok(completionScript("zsh").startsWith("#compdef fb\n"));
  assert.is(
    completionScript("fish")
      .split("\n")
      .filter((l) => l !== "" && !l.startsWith("complete -c fb ")).length,
    0,
  );
});

test.run();
