/** What the page shows: which groups are open, which boxes and lines follow from that, and how far things are apart. No DOM. */
import { criticalPath } from "./critical.ts";
import type { PageData, RunStatus } from "./data.ts";
import { type Group, type Item, type Tree, treeOf } from "./items.ts";
import { type Box, layout, type Line, type Placed } from "./layout.ts";

/** So many boxes a person takes in at once. */
const FIRST_BOXES = 40;
/** An env shows what is in it, as long as it is no more than this. */
const MOST_FIRST_BOXES = 130;
const LETTER = 6.9;
const MOST_LETTERS = 30;

export interface Shown extends Placed {
  readonly item: Item | null;
  readonly group: Group | null;
}

export interface Scene {
  readonly boxes: readonly Shown[];
  readonly byKey: ReadonlyMap<string, Shown>;
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

export interface Tally {
  readonly kinds: ReadonlyMap<string, number>;
  readonly did: ReadonlyMap<RunStatus, number>;
}

export class Model {
  readonly data: PageData;
  readonly tree: Tree;
  readonly critical: ReturnType<typeof criticalPath>;
  readonly open = new Set<string>();
  private readonly tallies = new Map<Group, Tally>();

  constructor(data: PageData) {
    this.data = data;
    this.tree = treeOf(data);
    this.critical = criticalPath(this.tree, data.ms);
    this.reset();
  }

  /** Opens the outer groups as long as few boxes come of it: envs first, then what is in them, the smallest first. */
  reset(): void {
    this.open.clear();
    this.open.add(this.tree.root.key);
    let boxes = this.tree.root.groups.length + this.tree.root.items.length;
    let layer = [...this.tree.root.groups];
    while (layer.length > 0) {
      const size = (g: Group): number => g.groups.length + g.items.length;
      const isOfEnv = (g: Group): boolean =>
        this.data.envs.some((env) => env !== "" && (g.key === `/${env}` || g.key.startsWith(`/${env}/`)));
      const inOrder = layer.sort((a, b) => Number(isOfEnv(b)) - Number(isOfEnv(a)) || size(a) - size(b));
      const opened: Group[] = [];
      for (const group of inOrder) {
        if (boxes + size(group) > (group.parent === this.tree.root && isOfEnv(group) ? MOST_FIRST_BOXES : FIRST_BOXES)) continue;
        this.open.add(group.key);
        boxes += size(group);
        opened.push(group);
      }
      layer = opened.flatMap((g) => g.groups);
    }
  }

  /** Opens all groups that an item lies in. */
  reveal(item: Item): void {
    for (let group = this.tree.home.get(item) ?? null; group !== null; group = group.parent) this.open.add(group.key);
  }

  toggle(group: Group): void {
    if (this.open.has(group.key)) this.open.delete(group.key);
    else this.open.add(group.key);
  }

  /** The box that stands for an item now. */
  keyOf(item: Item): string {
    let key = itemKey(item);
    for (let group = this.tree.home.get(item) ?? null; group !== null; group = group.parent)
      if (!this.open.has(group.key)) key = groupKey(group);
    return key;
  }

  scene(): Scene {
    const groups = new Map<string, Group>();
    const items = new Map<string, Item>();
    const boxOf = (group: Group): Box => {
      const key = groupKey(group);
      groups.set(key, group);
      return {
        key,
        inner: this.open.has(group.key) ? inner(group) : [],
        width: Math.max(110, widthOf(group.title) * 1.08 + 44),
        height: 46,
      };
    };
    const inner = (group: Group): Box[] => [
      ...group.groups.map(boxOf),
      ...group.items.map((item) => {
        const key = itemKey(item);
        items.set(key, item);
        return { key, inner: [], width: Math.max(90, widthOf(item.drawn) + 50), height: 30 };
      }),
    ];
    const boxes = inner(this.tree.root);
    const lines = new Map<string, Line>();
    const keys = new Map(this.tree.items.map((item) => [item.id, this.keyOf(item)]));
    for (const [id, uses] of this.tree.uses) {
      const to = keys.get(id) as string;
      for (const use of uses) {
        const from = keys.get(use) as string;
        if (from !== to) lines.set(`${from}\n${to}`, { from, to });
      }
    }
    const drawn = layout(boxes, [...lines.values()]);
    const shown = drawn.placed.map((p): Shown => ({ ...p, item: items.get(p.key) ?? null, group: groups.get(p.key) ?? null }));
    return { ...drawn, boxes: shown, byKey: new Map(shown.map((b) => [b.key, b])), lines: [...lines.values()] };
  }

  /** What is below a group, counted. */
  tally(group: Group): Tally {
    let tally = this.tallies.get(group);
    if (tally === undefined) {
      const kinds = new Map<string, number>();
      const did = new Map<RunStatus, number>();
      const add = <K>(to: Map<K, number>, key: K, n: number): void => void to.set(key, (to.get(key) ?? 0) + n);
      for (const item of group.items) {
        add(kinds, item.kind, 1);
        const status = this.data.run?.did[item.id]?.status;
        if (status !== undefined) add(did, status, 1);
      }
      for (const inner of group.groups) {
        const { kinds: k, did: d } = this.tally(inner);
        for (const [kind, n] of k) add(kinds, kind, n);
        for (const [status, n] of d) add(did, status, n);
      }
      tally = { kinds, did };
      this.tallies.set(group, tally);
    }
    return tally;
  }

  /** Items of whose nodes one has all the words in its label, the best first, at most so many; and how many there are. */
  search(text: string, most: number): { readonly found: readonly { readonly item: Item; readonly label: string }[]; readonly all: number } {
    const words = text
      .toLowerCase()
      .split(/\s+/)
      .filter((w) => w !== "");
    if (words.length === 0) return { found: [], all: 0 };
    const hits: { readonly item: Item; readonly label: string; readonly rank: number }[] = [];
    for (const [id, label] of this.data.labels.entries()) {
      const low = label.toLowerCase();
      if (!words.every((word) => low.includes(word))) continue;
      const base = low.slice(Math.max(low.lastIndexOf("/"), low.lastIndexOf(":")) + 1);
      const first = words[0] as string;
      const rank = (base === first ? 0 : base.startsWith(first) ? 1 : base.includes(first) ? 2 : 3) * 1000 + Math.min(999, label.length);
      hits.push({ item: this.tree.itemOf[id] as Item, label, rank });
    }
    hits.sort((a, b) => a.rank - b.rank);
    return { found: hits.slice(0, most), all: hits.length };
  }
}

export function itemKey(item: Item): string {
  return `i${item.id}`;
}

export function groupKey(group: Group): string {
  return `g${group.key}`;
}

/** A title as it fits into its box: the end tells more. */
export function clipped(title: string): string {
  return title.length <= MOST_LETTERS ? title : `…${title.slice(title.length - MOST_LETTERS + 1)}`;
}

function widthOf(title: string): number {
  return Math.min(title.length, MOST_LETTERS) * LETTER;
}

/** `84 ms`, `1.2 s`. */
export function timeText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
