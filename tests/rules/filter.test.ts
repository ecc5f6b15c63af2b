/** matchSources() against what PlatformIO's match_src_files selected (fixtures/filters.json, made by record-filter.ts), and its own rules. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { defaultFilter, filterText, matchSources, objectPath, sourceKind } from "../../rules/filter.ts";
import type { GlobTree } from "../../rules/python-glob.ts";
import type { FilterCase, Tree } from "./filter-cases.ts";

interface Recorded {
  readonly tree: Tree;
  readonly cases: readonly (FilterCase & { readonly expect: readonly string[] })[];
}

/** The tree as a disk would list it, links followed. */
function treeOf({ files, links }: Tree, listed: string[] = []): GlobTree {
  const target = new Map(links);
  const real = (path: string): string => {
    let at = "";
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..") at = at.includes("/") ? at.slice(0, at.lastIndexOf("/")) : at === "" ? ".." : "";
      else {
        at = at === "" ? part : `${at}/${part}`;
        const to = target.get(at);
        if (to !== undefined) at = real(to);
      }
    }
    return at;
  };
  const kind = (path: string): "file" | "dir" | null =>
    files.includes(path) ? "file" : path === "" || files.some((file) => file.startsWith(`${path}/`)) ? "dir" : null;
  return {
    list(dir) {
      listed.push(dir);
      const folder = real(dir);
      if (kind(folder) !== "dir") return null;
      const prefix = folder === "" ? "" : `${folder}/`;
      const paths = [...files, ...target.keys()].filter((path) => path.startsWith(prefix) && path !== prefix);
      const names = new Set(paths.map((path) => path.slice(prefix.length).split("/")[0] ?? ""));
      return [...names].sort().map((name) => ({ name, is: kind(real(prefix + name)) ?? "file" }));
    },
  };
}

const fixtures: Recorded[] = JSON.parse(
  readFileSync(process.env["FB_FILTER_FIXTURE"] ?? join(import.meta.dirname, "fixtures", "filters.json"), "utf8"),
);
for (const { tree, cases } of fixtures) {
  for (const one of cases) {
    test(`${one.root || "."}: ${one.filter}`, () => assert.equal(matchSources(one.filter, treeOf(tree), one.root), one.expect));
  }
}

test("an env without filter has the default one; variables are replaced before anything else", () => {
  const variables = new Map([["PIOENV", "uno"]]);
  assert.is(filterText([], variables), defaultFilter);
  assert.is(filterText(["  "], variables), defaultFilter);
  assert.is(filterText(["+<${PIOENV}.c>", "-<$PIOENV>", "+<$NONE>"], variables), "+<uno.c> -<uno> +<>");
});

test("kinds go by extension, and case counts", () => {
  const kinds = {
    "a.c": "c",
    "a.cc": "cxx",
    "a.cpp": "cxx",
    "a.cxx": "cxx",
    "a.c++": "cxx",
    "a.S": "asm-cpp",
    "a.sx": "asm-cpp",
    "a.spp": "asm-cpp",
    "a.SPP": "asm-cpp",
  };
  for (const [path, kind] of Object.entries({ ...kinds, "a.s": "asm", "a.asm": "asm", "a.ASM": "asm", "x/.c": "c" }))
    assert.is(sourceKind(path), kind, path);
  for (const path of ["a.C", "a.CPP", "a.h", "a.hpp", "a.ino", "a.ipp", "c", "a.c/x", "a.", "a.c.o"])
    assert.is(sourceKind(path), null, path);
});

test("objects keep the whole name and stay in the build folder", () => {
  assert.is(objectPath("src", "main.cpp"), "src/main.cpp.o");
  assert.is(objectPath("src", "a/b.c"), "src/a/b.c.o");
  assert.is(objectPath("src", "../other/o.c"), "other/o.c.o");
  assert.is(objectPath("src", "../../../x/o.c"), "_/_/x/o.c.o");
  assert.is(objectPath("lib/A", "./x.c"), "lib/A/x.c.o");
});

test("only what a pattern leads into is listed", () => {
  const listed: string[] = [];
  const tree = { files: ["src/a.c", "src/b/c.c", "src/d/e.c", "src/d/f/g.c"], links: [] };
  assert.equal(matchSources("+<d/*.c>", treeOf(tree, listed), "src"), ["d/e.c"]);
  assert.equal([...new Set(listed)].sort(), ["src", "src/d"]);
});

test("what a link leads back to from below is there once", () => {
  const tree = {
    files: ["src/a.c", "src/d/e/b.c"],
    links: [
      ["src/d/loop", "src"],
      ["src/d/e/up", "src/d"],
    ] as const,
  };
  assert.equal(matchSources("+<*> +<**/*.c>", treeOf(tree), "src"), ["a.c", "d/e/b.c"]);
  assert.equal(matchSources("+<d/loop/a.c>", treeOf(tree), "src"), ["d/loop/a.c"], "a pattern that names the link goes through it");
});

test("folders of the same content nest as deep as they like if they differ somewhere", () => {
  assert.equal(matchSources("+<*>", treeOf({ files: ["src/x/x/x/x/a.c", "src/x/a.c"], links: [] }), "src"), ["x/a.c", "x/x/x/x/a.c"]);
});

test("a pattern may name a folder anywhere on the disk", () => {
  const listings: Record<string, readonly { name: string; is: "file" | "dir" }[]> = {
    "/": [{ name: "opt", is: "dir" }],
    "/opt": [{ name: "x", is: "dir" }],
    "/opt/x": [
      { name: "a.c", is: "file" },
      { name: "b.cpp", is: "file" },
    ],
  };
  const tree: GlobTree = { list: (dir) => listings[dir] ?? null };
  assert.equal(matchSources("+</opt/x/>", tree, "src"), ["/opt/x/a.c", "/opt/x/b.cpp"]);
  assert.equal(matchSources("+</opt/*/*.c> +</none/>", tree, "src"), ["/opt/x/a.c"]);
  assert.equal(matchSources("+<*> -<../x/b.cpp>", tree, "/opt/x"), ["a.c"]);
  assert.is(objectPath("src", "/opt/x/a.c"), "src/opt/x/a.c.o");
});

test("a folder that is not there has no sources", () => {
  assert.equal(matchSources(defaultFilter, { list: () => null }, "src"), []);
});

test.run();
