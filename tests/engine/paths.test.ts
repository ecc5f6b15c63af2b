/** Paths: one spelling a file, links respected, canonical forms that go back. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { canonical, canonicalText, collapse, folderOf, fromCanonical, Paths } from "../../engine/paths.ts";

/** A disk of real paths: `links` maps a folder to where it leads. */
function host(links: Record<string, string>) {
  return {
    realpath(path: string): string | null {
      const absolute = path === "." ? "/p" : path.startsWith("/") ? path : `/p/${path}`;
      for (const [from, to] of Object.entries(links))
        if (absolute === from || absolute.startsWith(`${from}/`)) return collapse(to + absolute.slice(from.length));
      return collapse(absolute);
    },
  };
}

test("collapse", () => {
  for (const [path, want] of [
    ["a/./b//c", "a/b/c"],
    ["a/../b", "b"],
    ["../a", "../a"],
    ["a/../../b", "../b"],
    ["/a/../../b", "/b"],
    ["a/b/", "a/b/"],
    [".", "."],
  ] as const) {
    assert.is(collapse(path), want, path);
  }
});

test("normal: roots, absolute paths, and `..` behind a link", () => {
  const paths = new Paths("/p", host({ "/p/src/link": "/elsewhere/deep", "/p/.fb/pkg/core": "/opt/core" }));
  paths.addRoot({ prefix: ".fb/pkg/core", real: "/opt/core" });
  for (const [path, want] of [
    ["src/main.cpp", "src/main.cpp"],
    ["src/../include/x.h", "include/x.h"],
    ["./src//a.h", "src/a.h"],
    ["/p/src/a.h", "src/a.h"],
    ["/opt/core/x.h", ".fb/pkg/core/x.h"],
    [".fb/pkg/core/a/../x.h", ".fb/pkg/core/x.h"],
    ["src/link/../x.h", "/elsewhere/x.h"],
    ["src/link/sub/../x.h", "src/link/x.h"],
    ["../other/x.h", "../other/x.h"],
    ["src/../../other/./x.h", "../other/x.h"],
    ["/usr/lib/gcc/avr/5.4.0/../../../avr/include/io.h", "/usr/lib/avr/include/io.h"],
  ] as const) {
    assert.is(paths.normal(path), want, path);
  }
});

test("canonical goes back", () => {
  const out = ".fb/build/uno/release";
  for (const path of [
    "src/main.cpp",
    ".fb/build/uno/release/src/a.o",
    ".fb/build/uno/release",
    "/usr/include/stdio.h",
    ".fb/build/uno/release2/x",
  ]) {
    assert.is(fromCanonical(canonical(path, out), out), path);
  }
  assert.is(canonical(".fb/build/uno/release/a.o", out), "@out/a.o");
  assert.is(canonical(".fb/build/uno/release2/x", out), ".fb/build/uno/release2/x");
  assert.is(canonicalText("-o .fb/build/uno/release/a.o", out), "-o @out/a.o");
});

test("folderOf", () => {
  for (const [path, want] of [
    ["a/b", "a"],
    ["a", ""],
    ["/a", "/"],
    ["a/b/", "a"],
  ] as const)
    assert.is(folderOf(path), want, path);
});

test.run();
