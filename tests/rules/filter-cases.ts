/** Generated source trees and filters, from a seed. */

export interface Tree {
  /** Project paths; one that ends in "/" is an empty folder. */
  readonly files: readonly string[];
  /** Links: path, and the project path that it leads to. */
  readonly links: readonly (readonly [path: string, target: string])[];
}

export interface FilterCase {
  readonly root: string;
  readonly filter: string;
}

const TREES: readonly Tree[] = [
  {
    files: [
      "src/main.cpp",
      "src/a.c",
      "src/B.c",
      "src/Z/a.c",
      "src/b.c",
      "src/Z/y/deep.cpp",
      "src/.hidden.c",
      "src/.git/x.c",
      "src/d/.git/y.c",
      "src/d/.svn/z.c",
      "src/.svn/q.c",
      "src/d/e/f.S",
      "src/d/e/g.s",
      "src/d/h.asm",
      "src/d/notes.txt",
      "src/i.h",
      "src/j.ino",
      "src/k.C",
      "src/l.cc",
      "src/m.cxx",
      "src/n.c++",
      "src/[odd].c",
      "src/sp ace/p.c",
      "src/.cfg/r.c",
      "src/empty/",
      "src/c",
      "lib/x/x.c",
      "lib/x/y.cpp",
      "test/t.c",
      "other/o.c",
      "other/p/q.cpp",
      "src/x.c/inner.c",
    ],
    links: [
      ["src/link", "other"],
      ["src/d/alias.c", "other/o.c"],
    ],
  },
  {
    files: [
      "main.c",
      "a/b/c/d.c",
      "a/b/c/.e/f.c",
      "a/b/b.cpp",
      "a/a.c",
      "b/a.c",
      "b/b/b/b.c",
      "ab/x.sx",
      "abc/y.spp",
      "abc/z.SPP",
      "lib/l.c",
      "test/t.cpp",
      "a]b.c",
      "-.c",
      "^.c",
      "!.c",
      "a.c.c",
      ".c",
      "é/ü.c",
      "日.cpp",
      "a1.c",
      "a2.c",
      "a10.c",
      "arch/avr/io.c",
      "arch/arm/io.c",
      "arch/esp32/io.c",
      ".vscode/v.c",
    ],
    links: [["a/up", "b"]],
  },
];

const FIXED = [
  "+<*>",
  "+<*> -<.git/> -<.svn/>",
  "+<*.c>",
  "+<**/*.c>",
  "+<**>",
  "+<**/>",
  "+<d>",
  "+<d/>",
  "+<d/*>",
  "+<d/**>",
  "+<Z/>",
  "-<*> +<Z>",
  "+<*> -<Z/a.c>",
  "+<../other/>",
  "+<../other/*.c>",
  "+<../lib/**/*.cpp>",
  "+<[ab].c>",
  "+<?.c>",
  "+<[!a]*>",
  "+<.*>",
  "+<.*/>",
  "+<.hidden.c>",
  "+<sp ace>",
  "+<sp ace/p.c>",
  "+<a.c>+<b.c>",
  "a.c",
  "",
  "+<link>",
  "+<link/*>",
  "+<l*>",
  "+<*/>",
  "+<*/*>",
  "+<*/*/*.c>",
  "+<d\\e>",
  "+<./d>",
  "+<d/../Z>",
  "+<d//e>",
  "+<none>",
  "+<none/*>",
  "+<x.c>",
  "+<[[]odd].c>",
  "+<*> -<**/e/>",
  "+<**/e>",
  "+<**/.git/**>",
  "+<Z/**/deep.cpp>",
  "+<**/**/a.c>",
  "+<z/>",
  "+<*.C>",
  "+<*.asm>",
  "+<*> -<*.c> +<a.c>",
  "+<empty>",
  "+<main.cpp/>",
  "+<main.cpp/*>",
  "+<a> +<b> -<a/b>",
  "+<a/b/../../b>",
  "+<a**>",
  "+<**b>",
  "+<[a-b]*>",
  "+<[b-a]*>",
  "+<[]]>",
  "+<a[]]b.c>",
  "+<[^].c>",
  "+<[^a].c>",
  "+<[!^].c>",
  "+<[-].c>",
  "+<[a-].c>",
  "+<[!].c>",
  "+<arch/*/io.c> -<arch/esp*/>",
  "+<é>",
  "+<日*>",
  "+<a?.c>",
  "+<a[0-9].c>",
  "+<..>",
  "+<../>",
  "+<..> -<../lib>",
  "+<.>",
  "+<./*>",
  "+< a.c>",
  "+<a.c >",
  "+<a.c>, -<b.c>",
  "+<*>-<d/>+<d/h.asm>",
  "+ <*>",
  "<*>",
  "+<>",
  "+<*",
  "+<a|b>",
  "+<[a.c>",
  "+<d/[!h]*>",
  "+<**/.*>",
  "+<**/.*/*.c>",
];

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

/** `count` cases over the trees, the fixed filters first. */
export function filterCases(seed: number, count: number): { tree: Tree; cases: FilterCase[] }[] {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  return TREES.map((tree, i) => {
    const names = [...new Set(tree.files.flatMap((file) => file.split("/")))].filter((name) => name !== "");
    const vague = (name: string): string => {
      const at = Math.floor(next() * name.length);
      return pick([
        name,
        name,
        "*",
        "*",
        "**",
        `${name.slice(0, at)}*`,
        `*${name.slice(at)}`,
        `${name.slice(0, at)}?${name.slice(at + 1)}`,
        `[${name.charAt(0)}]${name.slice(1)}`,
        "..",
        "*.c",
        ".*",
        "*.cpp",
      ]);
    };
    const pattern = (): string => {
      const file = pick(tree.files)
        .split("/")
        .slice(i === 0 ? 1 : 0);
      const parts =
        next() < 0.6
          ? file.map((part) => (next() < 0.5 ? part : vague(part)))
          : Array.from({ length: 1 + Math.floor(next() * 3) }, () => vague(pick(names)));
      return parts.join("/") + (next() < 0.2 ? "/" : "");
    };
    const generated = Array.from({ length: Math.max(0, Math.floor(count / TREES.length) - FIXED.length) }, () =>
      Array.from({ length: 1 + Math.floor(next() * 4) }, () => `${pick(["+", "+", "-"])}<${pattern()}>`).join(pick([" ", "", ", "])),
    );
    const root = i === 0 ? "src" : "";
    const fixed = FIXED.filter((filter) => i === 0 || !filter.includes("<.."));
    // No ".." behind another name: through a link it leads elsewhere on a disk than in a path, and fb goes by the path.
    return {
      tree,
      cases: [...fixed, ...generated.filter((filter) => !/\/\.\./.test(filter) && (i === 0 || !filter.includes("..")))].map((filter) => ({
        root,
        filter,
      })),
    };
  });
}
