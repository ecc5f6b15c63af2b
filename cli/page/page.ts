/** The page of `fb graph --html`: pan, zoom, open, close, search, select. Its data lies in the page; it asks no network. */
import type { PageData } from "./data.ts";
import { sceneText } from "./draw.ts";
import { element, findBox } from "./find-box.ts";
import type { Group, Item } from "./items.ts";
import { groupKey, itemKey, Model, type Scene } from "./model.ts";
import { groupText, itemText, overviewText } from "./panel.ts";

const model = new Model(JSON.parse(element("data").textContent ?? "") as PageData);
const svg = element<SVGSVGElement>("drawing");
const all = element<SVGGElement>("all");
const panel = element("panel");
const critical = element<HTMLButtonElement>("critical");

let scene: Scene = model.scene();
let selected: string | null = null;
let showsPath = false;
const camera = { x: 0, y: 0, scale: 1 };

// ── drawing ──

function draw(): void {
  const path = showsPath ? new Set(model.critical.path.map((id) => model.keyOf(model.tree.itemOf[id] as Item))) : null;
  all.innerHTML = sceneText(model, scene, { selected, path });
  const { item = null, group = null } = scene.byKey.get(selected ?? "") ?? {};
  panel.innerHTML = item !== null ? itemText(model, item) : group !== null ? groupText(model, group) : overviewText(model);
  panel.scrollTop = 0;
  move();
}

function move(): void {
  all.setAttribute("transform", `translate(${camera.x} ${camera.y}) scale(${camera.scale})`);
}

function fit(): void {
  const { width, height } = svg.getBoundingClientRect();
  const margin = 36;
  camera.scale = Math.min(1.25, Math.max(0.12, Math.min((width - margin * 2) / scene.width, (height - margin * 2) / scene.height)));
  camera.x = (width - scene.width * camera.scale) / 2;
  camera.y = (height - scene.height * camera.scale) / 2;
  move();
}

/** The same box stays where it was on the screen. */
function redraw(anchor: string | null): void {
  const before = anchor === null ? undefined : scene.byKey.get(anchor);
  scene = model.scene();
  const after = anchor === null ? undefined : scene.byKey.get(anchor);
  if (before !== undefined && after !== undefined) {
    camera.x += (before.x - after.x) * camera.scale;
    camera.y += (before.y - after.y) * camera.scale;
  }
  draw();
}

function centre(key: string): void {
  const box = scene.byKey.get(key);
  if (box === undefined) return;
  const { width, height } = svg.getBoundingClientRect();
  camera.scale = Math.max(camera.scale, 0.75);
  camera.x = width / 2 - (box.x + box.width / 2) * camera.scale;
  camera.y = height / 2 - (box.y + box.height / 2) * camera.scale;
  move();
}

function select(key: string | null): void {
  selected = key;
  draw();
}

function toggle(group: Group): void {
  model.toggle(group);
  selected = groupKey(group);
  redraw(selected);
}

/** Opens what hides a node, and goes there. */
function go(node: number): void {
  const item = model.tree.itemOf[node];
  if (item === undefined) return;
  model.reveal(item);
  selected = itemKey(item);
  redraw(null);
  centre(selected);
}

// ── the drawing's events ──

let drag: { readonly x: number; readonly y: number; moved: boolean } | null = null;

svg.addEventListener("pointerdown", (e) => {
  drag = { x: e.clientX - camera.x, y: e.clientY - camera.y, moved: false };
});
window.addEventListener("pointermove", (e) => {
  if (drag === null || e.buttons === 0) return;
  const [x, y] = [e.clientX - drag.x, e.clientY - drag.y];
  if (!drag.moved && Math.hypot(x - camera.x, y - camera.y) < 4) return;
  drag.moved = true;
  svg.classList.add("dragging");
  camera.x = x;
  camera.y = y;
  move();
});
window.addEventListener("pointerup", () => {
  svg.classList.remove("dragging");
});
svg.addEventListener("click", (e) => {
  if (drag?.moved === true) return;
  act((e.target as Element).closest("[data-key]"));
});
svg.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" && e.key !== " ") return;
  e.preventDefault();
  act((e.target as Element).closest("[data-key]"));
});
svg.addEventListener(
  "wheel",
  (e) => {
    e.preventDefault();
    const box = svg.getBoundingClientRect();
    const [x, y] = [e.clientX - box.left, e.clientY - box.top];
    const scale = Math.min(3, Math.max(0.06, camera.scale * Math.exp(-e.deltaY * 0.0014)));
    camera.x = x - ((x - camera.x) * scale) / camera.scale;
    camera.y = y - ((y - camera.y) * scale) / camera.scale;
    camera.scale = scale;
    move();
  },
  { passive: false },
);

function act(target: Element | null): void {
  const key = target?.getAttribute("data-key") ?? null;
  const group = key === null ? null : (scene.byKey.get(key)?.group ?? null);
  if (group !== null) toggle(group);
  else select(key);
}

panel.addEventListener("click", (e) => follow(e.target as Element));
panel.addEventListener("keydown", (e) => {
  if (e.key === "Enter") follow(e.target as Element);
});

function follow(target: Element): void {
  const node = target.closest("[data-go]")?.getAttribute("data-go");
  if (node !== null && node !== undefined) go(Number(node));
}

// ── search ──

const search = findBox({
  find: (text) => {
    const { found, all: count } = model.search(text, 40);
    return { found, count };
  },
  row: ({ item, label }) => {
    const dot = document.createElement("i");
    dot.className = `dot c-${item.kind}`;
    return [dot, label];
  },
  go: ({ item }) => go(item.id),
});

// ── buttons and keys ──

critical.disabled = model.critical.path.length === 0;
critical.addEventListener("click", () => {
  showsPath = !showsPath;
  critical.setAttribute("aria-pressed", String(showsPath));
  if (showsPath) for (const id of model.critical.path) model.reveal(model.tree.itemOf[id] as Item);
  selected = null;
  redraw(null);
  if (showsPath) fit();
});
element("reset").addEventListener("click", () => {
  model.reset();
  showsPath = false;
  critical.setAttribute("aria-pressed", "false");
  selected = null;
  redraw(null);
  fit();
});
element("fit").addEventListener("click", fit);
window.addEventListener("resize", move);
window.addEventListener("keydown", (e) => {
  if (e.target === search) return;
  if (e.key === "f") fit();
  else if (e.key === "Escape") select(null);
});

const { data } = model;
document.title = `${data.project}: fb graph`;
const title = element("title");
title.textContent = data.project;
const note = document.createElement("small");
note.textContent = data.query ?? `${model.tree.items.filter((i) => data.argv[i.id] !== null).length} actions`;
title.append(note);
draw();
fit();
