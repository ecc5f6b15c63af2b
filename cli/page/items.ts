/**
 * What is drawn of a graph, and where it is at home. An item is an action with the files that it makes, or a target, a package, a file that nothing makes; groups hold items
 * and groups: env, then library, then kind, then folder. No group shows more than a few dozen things at once.
 */
import type { PageData } from "./data.ts";

export interface Item {
  /** The node. */
  readonly id: number;
  readonly title: string;
  /** The title as it is drawn: without the folders that its groups tell. */
  drawn: string;
  readonly kind: string;
  readonly env: string;
  /** The nodes that it stands for: itself, and what it makes. */
  readonly nodes: readonly number[];
}

export interface Group {
  /** Path of titles, the same in every page of a project. */
  readonly key: string;
  readonly title: string;
  readonly parent: Group | null;
  readonly groups: Group[];
  readonly items: Item[];
  /** All items below it. */
  count: number;
}

export interface Tree {
  readonly root: Group;
  readonly items: readonly Item[];
  /** By node: its item. */
  readonly itemOf: readonly Item[];
  /** By item: the group that holds it. */
  readonly home: ReadonlyMap<Item, Group>;
  /** Between items, from what is made to what it is made of; by item id. */
  readonly uses: ReadonlyMap<number, readonly number[]>;
  readonly usedBy: ReadonlyMap<number, readonly number[]>;
}

/** More leaves than this are split: by folder, then by pages. */
const MOST = 36;
/** So many of one kind in a library are worth a group of their own. */
const MANY_OF_A_KIND = 6;
const COMPILE = "compile";
/** `part9` before `part10`. */
const collator = new Intl.Collator("en", { numeric: true });
const byTitle = (a: { readonly title: string }, b: { readonly title: string }): number => collator.compare(a.title, b.title);
/** Of an env: more are in a group. */
const MANY_TARGETS = 8;

export function listAt({ ends, values }: PageData["edges"], id: number): readonly number[] {
  return values.slice(id === 0 ? 0 : ends[id - 1], ends[id]);
}

export function treeOf(data: PageData): Tree {
  const kindOf = (id: number): string => data.kinds[data.kind[id] as number] as string;
  const isAction = (id: number): boolean => data.argv[id] !== null && data.argv[id] !== undefined;
  const owner = data.labels.map((_, id) => {
    if (kindOf(id) !== "file") return id;
    return listAt(data.edges, id).find(isAction) ?? id;
  });
  const nodes = new Map<number, number[]>();
  for (const [id, of] of owner.entries()) nodes.set(of, [...(nodes.get(of) ?? (of === id ? [] : [of])), id]);
  const items = new Map<number, Item>();
  for (const [id, all] of nodes) {
    const env = data.envs[data.env[id] as number] as string;
    const title = titleOf(data.labels[id] as string, kindOf(id), env);
    items.set(id, {
      id,
      title,
      drawn: title,
      kind: kindOf(id),
      env,
      nodes: [...new Set([id, ...all])],
    });
  }
  const itemOf = owner.map((of) => items.get(of) as Item);
  const uses = new Map<number, number[]>();
  const usedBy = new Map<number, number[]>();
  for (const item of items.values()) {
    const made = new Set(item.nodes.flatMap((node) => listAt(data.edges, node)).map((node) => (itemOf[node] as Item).id));
    made.delete(item.id);
    uses.set(item.id, [...made]);
    for (const of of made) {
      const list = usedBy.get(of);
      if (list === undefined) usedBy.set(of, [item.id]);
      else list.push(item.id);
    }
  }
  const root = newGroup("", "", null);
  const isLonely = ({ id, kind }: Item): boolean => kind === "file" && (uses.get(id) ?? []).length + (usedBy.get(id) ?? []).length === 0;
  // Of the whole graph: what only says how things are built, as platformio.ini.
  const all = [...items.values()].filter((item) => data.query !== null || !isLonely(item));
  const targets = new Map<string, number>();
  for (const { kind, env } of all) if (kind === "target") targets.set(env, (targets.get(env) ?? 0) + 1);
  const byId = (id: number): Item => items.get(id) as Item;
  for (const item of all) {
    let group = root;
    for (const step of placeOf(item, uses, byId, (targets.get(item.env) ?? 0) > MANY_TARGETS)) group = child(group, step);
    group.items.push(item);
  }
  arrange(root);
  const home = new Map<Item, Group>();
  count(root, home);
  shorten(root, 0);
  return { root, items: all, itemOf, home, uses, usedBy };
}

function newGroup(key: string, title: string, parent: Group | null): Group {
  return { key, title, parent, groups: [], items: [], count: 0 };
}

function child(group: Group, title: string): Group {
  const there = group.groups.find((g) => g.title === title);
  if (there !== undefined) return there;
  const made = newGroup(`${group.key}/${title}`, title, group);
  group.groups.push(made);
  return made;
}

/** Without what its groups say already. */
function titleOf(label: string, kind: string, env: string): string {
  if (kind === "target") return label.slice(0, label.lastIndexOf("@"));
  if (kind === "package") return label.slice("pkg:".length);
  if (kind === "file") return label;
  return label.slice(`${kind}:${env}:`.length);
}

function placeOf(
  item: Item,
  uses: ReadonlyMap<number, readonly number[]>,
  byId: (id: number) => Item,
  manyTargets: boolean,
): readonly string[] {
  const { kind, title, env, id } = item;
  if (kind === "target") return manyTargets ? [env, "targets"] : [env];
  if (kind === "package") return ["packages", title];
  if (kind === "file") {
    const home = (uses.get(id) ?? []).map(byId).find((i) => i.kind === "package");
    if (home !== undefined) return ["packages", home.title, ...foldersOf(title.replace(/^\.fb\/pkg\/[^/]+\//, ""))];
    return title.startsWith("/") ? ["this machine", ...foldersOf(title)] : ["sources", ...foldersOf(title)];
  }
  const root = env === "" ? "packages" : env;
  const inputs = kind === "archive" ? (uses.get(id) ?? []).map(byId).filter((i) => i.env === env && i.kind === "compile") : [];
  const library = libraryOf(inputs[0]?.title ?? title);
  return library === ""
    ? [root]
    : [root, library, ...(kind === "archive" ? [] : [plural(kind)]), ...foldersOf(title.slice(library.length + 1))];
}

/** `lib/Servo` of `lib/Servo/src/Servo.cpp.o`; the first folder of anything else, "" at the top. */
function libraryOf(title: string): string {
  const parts = title.split("/");
  if (parts.length === 1) return "";
  return /^lib/.test(parts[0] as string) && parts.length > 2 ? parts.slice(0, 2).join("/") : (parts[0] as string);
}

function plural(kind: string): string {
  return { compile: "compiles", step: "steps", link: "links" }[kind] ?? kind;
}

function foldersOf(path: string): string[] {
  return path
    .split("/")
    .slice(0, -1)
    .filter((part) => part !== "");
}

/** Makes groups worth looking at: small folders are their parent's, a folder of nothing but a folder is one with it, long lists are split. */
function arrange(group: Group): void {
  for (const inner of group.groups) arrange(inner);
  const depth = group.key.split("/").length - 1;
  for (const inner of [...group.groups]) {
    const isSmall = inner.groups.length === 0 && inner.items.length < (depth >= 2 ? MANY_OF_A_KIND : 2);
    if (depth === 0 || !isSmall || group.items.length + inner.items.length > MOST) continue;
    group.groups.splice(group.groups.indexOf(inner), 1);
    group.items.push(...inner.items);
  }
  for (const [i, inner] of group.groups.entries()) {
    let only = inner;
    while (depth >= 1 && only.items.length === 0 && only.groups.length === 1) {
      const next = only.groups[0] as Group;
      // That there is one kind alone its boxes say.
      const title =
        next.title === plural(COMPILE) ? only.title : only.title === plural(COMPILE) ? next.title : `${only.title}/${next.title}`;
      only = { ...next, title };
    }
    group.groups[i] = only;
  }
  group.groups.sort(byTitle);
  group.items.sort(byTitle);
  const pages =
    group.items.length > MOST ? paged(group, group.items.splice(0), (item) => item.title.slice(item.title.lastIndexOf("/") + 1), "#") : [];
  for (const { page, some } of pages) page.items.push(...some);
  // Of an env its libraries are worth more room.
  const outer =
    group.groups.length > (depth <= 1 ? 2 * MOST : MOST) ? paged(group, group.groups.splice(0), (inner) => inner.title, "##") : [];
  for (const { page, some } of outer) page.groups.push(...some);
  group.groups.push(...outer.map((o) => o.page), ...pages.map((o) => o.page));
  adopt(group);
}

function adopt(group: Group): void {
  for (const inner of group.groups) {
    (inner as { parent: Group | null }).parent = group;
    adopt(inner);
  }
}

/** Groups for parts of a long list; mark: what tells them apart. */
function paged<T>(
  group: Group,
  all: readonly T[],
  name: (of: T) => string,
  mark: string,
): { readonly page: Group; readonly some: readonly T[] }[] {
  const size = Math.ceil(all.length / Math.ceil(all.length / MOST));
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => {
    const some = all.slice(i * size, (i + 1) * size);
    return { page: newGroup(`${group.key}/${mark}${i}`, `${name(some[0] as T)} … ${name(some.at(-1) as T)}`, group), some };
  });
}

function shorten(group: Group, depth: number): void {
  const base = ({ title }: Item): string => title.slice(title.lastIndexOf("/") + 1);
  const bases = new Set(group.items.map(base));
  const tells = depth >= 2 && bases.size === group.items.length;
  for (const item of group.items) if (tells && item.kind !== "target") item.drawn = base(item);
  for (const inner of group.groups) shorten(inner, depth + 1);
}

function count(group: Group, home: Map<Item, Group>): number {
  group.count = group.items.length;
  for (const item of group.items) home.set(item, group);
  for (const inner of group.groups) group.count += count(inner, home);
  return group.count;
}
