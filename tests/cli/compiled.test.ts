/** The kept compiled code of main.cjs: made by the first run of each way, used by the next, and as good as none when it is damaged or of another build. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const test = suite("compiled code");
const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "fb-compiled-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** dist/ in small: a program that says its argument a function at a time, and who starts it. */
async function bundle(id: string): Promise<void> {
  const main = `import { wentWay } from ${JSON.stringify(join(root, "cli/compiled.ts"))};
    const ways: Record<string, () => string> = { a: () => "said a ${id}", b: () => "said b ${id}", c: () => { process.exitCode = 1; return "failed"; } };
    const way = process.argv[2] ?? "a";
    wentWay(way);
    console.log(ways[way]?.());`;
  const start = `import { runMain } from ${JSON.stringify(join(root, "cli/compiled.ts"))}; runMain();`;
  for (const [name, contents] of [
    ["main", main],
    ["fb", start],
  ] as const)
    await build({
      stdin: { contents, resolveDir: root, loader: "ts" },
      bundle: true,
      platform: "node",
      format: "cjs",
      define: { __FB_BUILD__: JSON.stringify(id) },
      outfile: join(folder, `${name}.cjs`),
    });
}

function say(way: string): string {
  try {
    return execFileSync(process.execPath, [join(folder, "fb.cjs"), way], { encoding: "utf8" }).trim();
  } catch (error) {
    return String((error as { stdout?: string }).stdout).trim();
  }
}

function kept(): string {
  const names = readdirSync(folder).filter((name) => name.startsWith("main.cjs.v"));
  assert.is(names.length, 1, `one file of code: ${names}`);
  return join(folder, names[0] ?? "");
}

function head(): string {
  return readFileSync(kept(), "latin1").split("\n", 1)[0] ?? "";
}

test("is kept by way, and no more after the ways are known", async () => {
  await bundle("one");
  assert.is(say("a"), "said a one");
  assert.match(head(), /^one \d+ a$/);
  assert.is(say("b"), "said b one");
  assert.match(head(), /^one \d+ a,b$/);
  const before = readFileSync(kept());
  assert.is(say("a"), "said a one");
  assert.equal(readFileSync(kept()), before);
});

test("a way that failed is not kept", () => {
  assert.is(say("c"), "failed");
  assert.match(head(), / a,b$/);
});

test("damaged code, cut code and code of another build are made again", async () => {
  const good = readFileSync(kept());
  for (let i = 0; i < 20; i++) {
    const bad = Buffer.from(good);
    const at = Math.floor((bad.length * (i + 0.5)) / 20);
    bad[at] = (bad[at] ?? 0) ^ 0x5a;
    writeFileSync(kept(), bad);
    assert.is(say("b"), "said b one", `byte ${at}`);
  }
  writeFileSync(kept(), good.subarray(0, good.length / 2));
  assert.is(say("a"), "said a one");
  assert.match(head(), /^one \d+ a$/);
  await bundle("two");
  assert.is(say("a"), "said a two");
  assert.match(head(), /^two \d+ a$/);
});

test.run();
