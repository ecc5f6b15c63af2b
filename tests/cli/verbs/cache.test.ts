import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { freshFolder, result, TestProject } from "../../e2e/harness.ts";

const FILES = { "platformio.ini": "[env:a]\nplatform = native\n", "src/main.c": "int main(void) { return 0; }\n" };

interface Stats {
  readonly entries: number;
  readonly blobs: number;
  readonly bytes: number;
  readonly packages: { readonly count: number; readonly bytes: number };
  readonly limit: number;
}

function json<T>(project: TestProject, action: string, exit = 0, vars: Record<string, string> = {}): T {
  const ran = project.fb(["cache", action, "--json"], { vars });
  assert.is(ran.code, exit, ran.stderr);
  return JSON.parse(ran.stdout) as T;
}

function blobs(project: TestProject): string[] {
  const found = readdirSync(join(project.cache, "blobs"), { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  return found.map((e) => join(e.parentPath, e.name));
}

test("stats: nothing in a new cache, what a build left in a used one", () => {
  const project = new TestProject(FILES);
  assert.equal(json<Stats>(project, "stats").entries, 0);
  const actions = result(project.run()).actions;
  const held = json<Stats>(project, "stats");
  assert.ok(held.entries >= actions && held.blobs > 0 && held.bytes > 0, JSON.stringify(held));
  assert.is(held.limit, 10e9);
  assert.equal(held.packages, { count: 0, bytes: 0 });
  assert.match(project.fb(["cache", "stats"]).stdout, project.cache);
  assert.is(json<Stats>(project, "stats", 0, { FB_CACHE_LIMIT: "5MB" }).limit, 5e6);
});

test("verify: a sound cache is sound; damage is named, removed, and built again", () => {
  const project = new TestProject(FILES);
  project.run();
  assert.match(project.fb(["cache", "verify"]).stdout, "all sound");
  const [blob = ""] = blobs(project);
  const bytes = readFileSync(blob);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x20;
  writeFileSync(blob, bytes);
  const found = json<{ badBlobs: number }>(project, "verify", 4);
  assert.is(found.badBlobs, 1);
  assert.match(project.fb(["cache", "verify"]).stdout, "all sound");
  project.fb(["clean", "--all"]);
  project.run();
  assert.match(project.fb(["cache", "verify"]).stdout, "all sound");
});

test("gc: within the bound there is nothing to do; a bad bound is refused", () => {
  const project = new TestProject(FILES);
  project.run();
  const before = json<Stats>(project, "stats");
  assert.equal(json<{ entries: number; blobs: number }>(project, "gc").entries, 0);
  assert.equal(json<Stats>(project, "stats").blobs, before.blobs);
  const ran = project.fb(["cache", "gc"], { vars: { FB_CACHE_LIMIT: "lots" } });
  assert.is(ran.code, 4);
  assert.match(ran.stderr, "FB_CACHE_LIMIT");
});

test("clear: empty, and builds go on", () => {
  const project = new TestProject(FILES);
  project.run();
  const before = json<Stats>(project, "stats");
  const gone = json<Stats>(project, "clear");
  assert.equal([gone.entries, gone.blobs], [before.entries, before.blobs]);
  const after = json<Stats>(project, "stats");
  assert.equal([after.entries, after.blobs], [0, 0]);
  project.fb(["clean", "--all"]);
  assert.ok(result(project.run()).ran > 0);
});

test("a cache folder that cannot be: exit 4 and what to do", () => {
  const file = join(freshFolder(), "file");
  writeFileSync(file, "");
  const ran = new TestProject({}).fb(["cache", "stats"], { vars: { FB_CACHE_DIR: join(file, "cache") } });
  assert.is(ran.code, 4);
  assert.match(ran.stderr, "FB_CACHE_DIR");
  assert.ok(statSync(file).isFile());
});

test.run();
