/** What the page of a graph shows, without a browser: every item has one place, boxes do not lie on each other, what is needed stands left. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { pageData } from "../../../cli/graph-page.ts";
import type { PageData } from "../../../cli/page/data.ts";
import type { Group } from "../../../cli/page/items.ts";
import { type Box, layout, type Line } from "../../../cli/page/layout.ts";
import { Model } from "../../../cli/page/model.ts";
import { FIRMWARE, viewOfTable } from "../../engine/query/project.ts";
import { newSeed, Random } from "../../random.ts";

const view = viewOfTable(FIRMWARE);
const everything = Array.from({ length: view.size }, (_, id) => id);
const page = (more: Partial<PageData> = {}): PageData => ({ ...pageData(view, everything, { project: "p", query: null }, null), ...more });

function groupsOf(root: Group): Group[] {
  return [root, ...root.groups.flatMap(groupsOf)];
}

test("items: an action with what it makes is one; every node has an item, every item one group", () => {
  const { tree } = new Model(page());
  const link = tree.items.find((i) => i.kind === "link" && i.env === "uno");
  assert.equal(
    link?.nodes.map((node) => view.label(node)),
    ["link:uno:firmware.elf", ".fb/build/uno/release/firmware.elf", ".fb/build/uno/release/firmware.map"],
  );
  const held = groupsOf(tree.root).flatMap((g) => g.items);
  assert.is(held.length, tree.items.length);
  assert.is(new Set(held).size, held.length);
  assert.is(tree.root.count, held.length);
  // What only says how things are built is not drawn.
  assert.not.ok(tree.items.some((i) => i.title === "platformio.ini"));
  const radio = tree.items.find((i) => i.title === "include/radio.h");
  assert.equal(
    (tree.usedBy.get(radio?.id ?? -1) ?? []).map((id) => view.label(id)),
    ["compile:mega:src/radio.c.o", "compile:uno:src/radio.c.o"],
  );
});

test("groups: by env, library, kind and folder, none with more than a person takes in", () => {
  const rows = Array.from({ length: 900 }, (_, i) => ({
    kind: "compile" as const,
    env: "uno",
    rule: "c",
    makes: [`lib/big/d${i % 9}/f${i}.c.o`],
    takes: [`!lib/big/d${i % 9}/f${i}.c`],
  }));
  const big = viewOfTable({ ...FIRMWARE, rows: [...FIRMWARE.rows, ...rows] });
  const ids = Array.from({ length: big.size }, (_, id) => id);
  const model = new Model(pageData(big, ids, { project: "p", query: null }, null));
  for (const group of groupsOf(model.tree.root))
    assert.ok(group.items.length <= 36 && group.groups.length <= 72, `${group.key} holds ${group.items.length} and ${group.groups.length}`);
  const keys = groupsOf(model.tree.root).map((g) => g.key);
  assert.is(new Set(keys).size, keys.length, "each has a name of its own");
  assert.ok(keys.some((key) => key.startsWith("/uno/lib/big/")));
  assert.ok(keys.includes("/sources"));
  assert.ok(model.scene().boxes.length < 120);
});

test("whatever is open, each item is drawn once, by itself or by a group", () => {
  const model = new Model(page());
  const random = new Random(newSeed());
  const groups = groupsOf(model.tree.root).filter((g) => g.key !== "");
  for (let step = 0; step < 60; step++) {
    model.toggle(random.pick(groups));
    const scene = model.scene();
    for (const item of model.tree.items) assert.ok(scene.byKey.has(model.keyOf(item)), `${item.title} is nowhere`);
    for (const { from, to } of scene.lines) assert.ok(scene.byKey.get(from)?.isOpen === false && scene.byKey.get(to)?.isOpen === false);
  }
  const hidden = random.pick(model.tree.items);
  model.open.clear();
  model.reveal(hidden);
  assert.is(model.scene().byKey.get(`i${hidden.id}`)?.item, hidden);
});

test("layout: boxes of one box do not overlap and lie in it; what is needed stands left", () => {
  const seed = newSeed();
  for (let i = 0; i < 200; i++) {
    const random = new Random(seed + i);
    let count = 0;
    const closed: string[] = [];
    const box = (depth: number): Box => {
      const key = `b${count++}`;
      const inner = depth > 0 && random.chance(0.4) ? Array.from({ length: 1 + random.below(5) }, () => box(depth - 1)) : [];
      if (inner.length === 0) closed.push(key);
      return { key, inner, width: 60 + random.below(120), height: 30 + random.below(20) };
    };
    const boxes = Array.from({ length: 1 + random.below(14) }, () => box(2));
    const lines: Line[] = [];
    for (let k = 0; k < closed.length * 1.5; k++) {
      const [a, b] = [random.below(closed.length), random.below(closed.length)];
      if (a < b) lines.push({ from: closed[a] as string, to: closed[b] as string });
    }
    const { placed, width, height } = layout(boxes, lines);
    const at = new Map(placed.map((p) => [p.key, p]));
    assert.is(placed.length, count);
    const check = (siblings: readonly Box[], x0: number, y0: number, x1: number, y1: number): void => {
      const places = siblings.map((s) => at.get(s.key) as (typeof placed)[number]);
      for (const p of places)
        assert.ok(
          p.x >= x0 - 0.01 && p.y >= y0 - 0.01 && p.x + p.width <= x1 + 0.01 && p.y + p.height <= y1 + 0.01,
          `FB_SEED=${seed + i}: ${p.key} leaves its box`,
        );
      for (const [k, p] of places.entries())
        for (const q of places.slice(k + 1))
          assert.ok(
            p.x + p.width <= q.x || q.x + q.width <= p.x || p.y + p.height <= q.y || q.y + q.height <= p.y,
            `FB_SEED=${seed + i}: ${p.key} lies on ${q.key}`,
          );
      for (const s of siblings) {
        const p = at.get(s.key) as (typeof placed)[number];
        check(s.inner, p.x, p.y, p.x + p.width, p.y + p.height);
      }
    };
    check(boxes, 0, 0, width, height);
    if (boxes.every((b) => b.inner.length === 0))
      for (const { from, to } of lines)
        assert.ok((at.get(from)?.x ?? 0) < (at.get(to)?.x ?? 0), `FB_SEED=${seed + i}: ${from} stands left of ${to}`);
  }
});

test("the critical path is the longest of all chains", () => {
  const random = new Random(newSeed());
  for (let i = 0; i < 30; i++) {
    const data = page();
    const model = new Model({ ...data, ms: data.argv.map((argv) => (argv === null ? -1 : random.below(100))) });
    const { tree, critical } = model;
    const longest = (id: number): number => Math.max(0, model.data.ms[id] ?? 0) + Math.max(0, ...(tree.uses.get(id) ?? []).map(longest));
    assert.is(critical.ms, Math.max(...tree.items.map((item) => longest(item.id))));
    assert.is(
      critical.path.reduce((sum, id) => sum + (model.data.ms[id] ?? 0), 0),
      critical.ms,
    );
    for (let k = 1; k < critical.path.length; k++)
      assert.ok(tree.uses.get(critical.path[k] as number)?.includes(critical.path[k - 1] as number), "each is made of the one before it");
  }
});

test("search: all words, the nearest names first", () => {
  const model = new Model(page());
  const labels = (text: string): string[] => model.search(text, 3).found.map((f) => f.label);
  assert.is(labels("main.cpp")[0], "src/main.cpp");
  assert.equal(labels("MAIN uno compile"), ["compile:uno:src/main.cpp.o"]);
  assert.equal(labels("nowhere"), []);
  assert.is(model.search("o", 3).found.length, 3);
});

test.run();
