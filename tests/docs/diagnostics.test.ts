/** docs/diagnostics.md lists every code that a message can have, and none that no message has. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const sources = globSync("{engine,rules,cache,cli}/**/*.ts", { cwd: root }).map((f) => readFileSync(join(root, f), "utf8"));
const documented = new Set(
  [...readFileSync(join(root, "docs/diagnostics.md"), "utf8").matchAll(/`([a-z]+\.[a-z-]+)`/g)].map((m) => m[1] ?? ""),
);

/** First arguments of the functions that make failures. */
const CALLS = /\b(?:failure|warning|problem|trouble|writeTrouble)\(\s*(?:"(?:error|warning)",\s*)?"([a-z]+\.[a-z-]+)"/g;
const made = new Set(sources.flatMap((text) => [...text.matchAll(CALLS)].map((m) => m[1] ?? "")));

test("every code is documented", () => {
  assert.ok(made.size > 80, `only ${made.size} codes were found in the sources`);
  assert.equal([...made].filter((code) => !documented.has(code)).sort(), []);
});

test("every documented code is said somewhere", () => {
  const all = sources.join("\n");
  // Some are put together: usage.* from a word, framework.no-* from what is missing.
  const put = (code: string) => ["usage", "framework"].includes(code.split(".")[0] ?? "");
  assert.equal([...documented].filter((code) => !put(code) && !all.includes(`"${code}"`) && !code.endsWith(".toml")).sort(), []);
});

test.run();
