/** The page of `fb size --html`: a treemap to go into, flash or RAM, search, what differs. Its data lies in the page; it asks no network. */
import { escaped } from "../draw.ts";
import { element, findBox } from "../find-box.ts";
import type { ProgramData, SizeData } from "./data.ts";
import { type Area, areasOf, type Memory, type Placed, placed } from "./treemap.ts";

const data = JSON.parse(element("data").textContent ?? "") as SizeData;
const map = element("map");
const panel = element("panel");
const trail = element("path");

/** A title beside which its number has room: one that is cut would be another number. */
const NUMBERED = 84;
/** Longer lists are cut. */
const MOST = 30;
/** Far enough apart to be told from each other, in the order in which libraries are given one. */
const HUES = [212, 28, 145, 275, 350, 180, 52, 315, 95, 240, 10, 165];
const NUMBER = new Intl.NumberFormat("en");

let program = data.programs[0] as ProgramData;
let memory: Memory = "flash";
let root = areasOf(program, memory);
/** What fills the map. */
let here = root;
let selected: Area | null = null;
let shown = new Map<string, Area>();

function hueOf(area: Area): string {
  let library = area;
  while (library.parent !== null && library.parent !== root) library = library.parent;
  const place = program.symbols.length === 0 ? 0 : libraries().indexOf(library.title);
  return library.title === "other" || place < 0 ? "grey" : `${HUES[place % HUES.length]}`;
}

/** A library has one colour in flash and RAM. */
let names: string[] | null = null;
function libraries(): string[] {
  names ??= [...new Set(program.symbols.map((s) => s.library))].filter((l) => l !== "other").sort();
  return names;
}

function tint(area: Area): string {
  const hue = hueOf(area);
  return hue === "grey" ? `--hue:215` : `--hue:${hue}`;
}

// ── drawing ──

function draw(): void {
  trail.innerHTML = wayTo(here)
    .map((a) => (a === here ? `<b>${escaped(a.title)}</b>` : `<a data-go="${escaped(a.key)}" tabindex="0">${escaped(a.title)}</a>`))
    .join(" › ");
  panel.innerHTML = selected !== null ? symbolText(selected) : areaPanel(here);
  panel.scrollTop = 0;
  // What the way takes is not the map's.
  const { width, height } = map.getBoundingClientRect();
  const all = placed(here.inner.length > 0 ? here : (here.parent ?? here), { x: 0, y: 0, width, height });
  shown = new Map(all.map(({ area }) => [area.key, area]));
  map.innerHTML = all.map(areaText).join("");
  element<HTMLButtonElement>("up").disabled = here === root && selected === null;
  for (const m of ["flash", "ram"] as const) element(m).setAttribute("aria-pressed", String(m === memory));
}

function areaText({ area, rect, titled }: Placed): string {
  const { x, y, width, height } = rect;
  const classes = ["area", area.kind];
  if (titled) classes.push("titled");
  if (hueOf(area) === "grey") classes.push("grey");
  if (area === selected) classes.push("selected");
  const small = width < 34 || height < 17;
  if (small) classes.push("tiny");
  const isLeaf = area.inner.length === 0;
  const label =
    small || !(isLeaf || titled)
      ? ""
      : `<b>${escaped(drawn(area))}</b>${(titled ? width >= NUMBERED : height >= 33) ? `<span>${NUMBER.format(area.bytes)}</span>` : ""}`;
  const place = `left:${x.toFixed(1)}px;top:${y.toFixed(1)}px;width:${width.toFixed(1)}px;height:${height.toFixed(1)}px`;
  const tip = `${area.title}: ${bytesText(area.bytes)}${area.section === "" ? "" : `, ${area.section}`}${area.kind === "symbol" ? `, ${area.parent?.title}` : ""}`;
  return `<div class="${classes.join(" ")}" data-key="${escaped(area.key)}" role="button" tabindex="${small ? -1 : 0}" title="${escaped(tip)}" style="${tint(area)};${place}">${label}</div>`;
}

/** An object without the folders that its library tells. */
function drawn({ title, kind }: Area): string {
  return kind === "object" ? title.replace(/^.*\/(?=[^/]+$)/, "").replace(/^lib[^(]*\((.*)\)$/, "$1") : title;
}

function wayTo(area: Area): Area[] {
  return area.parent === null ? [area] : [...wayTo(area.parent), area];
}

function bytesText(bytes: number): string {
  return `${NUMBER.format(bytes)} ${Math.abs(bytes) === 1 ? "byte" : "bytes"}`;
}

function change(bytes: number): string {
  return bytes === 0
    ? ""
    : ` <span class="${bytes > 0 ? "grown" : "shrunk"}">${bytes > 0 ? "+" : "−"}${NUMBER.format(Math.abs(bytes))}</span>`;
}

// ── the side ──

function areaPanel(area: Area): string {
  const { versus } = program;
  const rows = area.inner.slice(0, MOST).map((inner) => rowText(inner, area.bytes));
  const more = area.inner.length - rows.length;
  const title = area === root ? program.path : area.title;
  const kind = area === root ? "Libraries" : area.kind === "library" ? "Objects" : "Symbols";
  return [
    `<h2>${escaped(title)}</h2>`,
    area === root
      ? usageText()
      : `<div class="sum"><div><b>${NUMBER.format(area.bytes)}</b><span>bytes of ${memory === "flash" ? "flash" : "RAM"}</span></div><div><b>${share(area.bytes, root.bytes)}</b><span>of all</span></div></div>`,
    area.kind === "object" ? broughtText(area.title) : "",
    `<h3>${kind}</h3><ul data-list="inner">${rows.join("")}</ul>${more > 0 ? `<p class="more">and ${more} more</p>` : ""}`,
    area === root ? `<h3>Largest symbols</h3><ul data-list="largest">${largest().join("")}</ul>` : "",
    area === root && versus !== null ? versusText(versus) : "",
  ].join("");
}

function usageText(): string {
  return (["flash", "ram"] as const)
    .map((m) => {
      const { used, total } = program[m];
      const over = total !== null && used > total;
      const bar =
        total === null ? "" : `<div class="bar${over ? " over" : ""}"><i style="width:${Math.min(100, (used / total) * 100)}%"></i></div>`;
      const of = total === null ? "" : ` of ${NUMBER.format(total)}, ${share(used, total)}`;
      return `<h3>${m === "flash" ? "Flash" : "RAM"}</h3><p><b>${NUMBER.format(used)}</b>${of}${change(program.versus?.[m] ?? 0)}</p>${bar}`;
    })
    .join("");
}

function share(part: number, all: number): string {
  return `${((part / Math.max(1, all)) * 100).toFixed(1)} %`;
}

function rowText(area: Area, all: number): string {
  const swatch = area.kind === "library" ? `<i class="dot swatch${hueOf(area) === "grey" ? " grey" : ""}" style="${tint(area)}"></i> ` : "";
  return `<li><a data-go="${escaped(area.key)}" tabindex="0">${swatch}${escaped(area.title)}</a><span class="ms">${NUMBER.format(area.bytes)} · ${share(area.bytes, all)}</span></li>`;
}

function largest(): string[] {
  const all = leaves(root).sort((a, b) => b.bytes - a.bytes);
  return all.slice(0, 12).map((a) => rowText(a, root.bytes));
}

function leaves(area: Area): Area[] {
  return area.kind === "symbol" ? [area] : area.inner.flatMap(leaves);
}

function broughtText(object: string): string {
  const by = program.broughtBy[object];
  return by === undefined ? "" : `<h3>Linked because of</h3><p data-list="brought">${escaped(by)}</p>`;
}

function symbolText(area: Area): string {
  const object = area.parent?.title ?? "";
  const changed = program.versus?.symbols.find((s) => s.name === area.title && s.object === object && s.section === area.section);
  return [
    `<h2>${escaped(area.title)}</h2>`,
    `<div class="sum"><div><b>${NUMBER.format(area.bytes)}</b><span>bytes of ${memory === "flash" ? "flash" : "RAM"}</span></div><div><b>${share(area.bytes, root.bytes)}</b><span>of all</span></div></div>`,
    changed === undefined ? "" : `<p>${change(changed.bytes)} against ${escaped(program.versus?.to ?? "")}</p>`,
    `<h3>Section</h3><p>${escaped(area.section)}</p>`,
    `<h3>Object</h3><p><a data-go="${escaped(area.parent?.key ?? "")}" tabindex="0">${escaped(object)}</a></p>`,
    broughtText(object),
    `<h3>Library</h3><p><a data-go="${escaped(area.parent?.parent?.key ?? "")}" tabindex="0">${escaped(area.parent?.parent?.title ?? "")}</a></p>`,
  ].join("");
}

function versusText(versus: NonNullable<ProgramData["versus"]>): string {
  const libs = versus.libraries
    .filter((l) => l[memory] !== 0)
    .map((l) => `<li><span>${escaped(l.name)}</span><span class="ms">${change(l[memory])}</span></li>`);
  const symbols = versus.symbols
    .slice(0, MOST)
    .map((s) => `<li><span>${escaped(s.name)}</span><span class="ms">${change(s.bytes)}</span></li>`);
  const none = libs.length + symbols.length === 0 ? `<p class="dim">the same</p>` : "";
  return `<h3>Against ${escaped(versus.to)}</h3>${none}<ul data-list="versus">${libs.join("")}</ul><ul data-list="changed">${symbols.join("")}</ul>`;
}

// ── going in and out ──

/** An area fills the map; a symbol is marked in its object. */
function go(area: Area): void {
  selected = area.kind === "symbol" ? area : null;
  here = area.kind === "symbol" ? (area.parent ?? root) : area;
  draw();
}

function out(): void {
  if (selected !== null) selected = null;
  else here = here.parent ?? root;
  draw();
}

function find(key: string): Area | null {
  const look = (area: Area): Area | null => {
    if (area.key === key) return area;
    for (const inner of area.inner) {
      const found = key.startsWith(inner.key) ? look(inner) : null;
      if (found !== null) return found;
    }
    return null;
  };
  return look(root);
}

/** A click goes one level in, towards what was clicked. */
function enter(target: Element): void {
  const key = target.closest("[data-key]")?.getAttribute("data-key");
  const area = key === null || key === undefined ? undefined : shown.get(key);
  if (area === undefined) return;
  const way = wayTo(area);
  go(way[way.indexOf(here) + 1] ?? area);
}

map.addEventListener("click", (e) => enter(e.target as Element));
map.addEventListener("keydown", (e) => {
  if (e.key === "Enter") enter(e.target as Element);
});
for (const side of [panel, trail]) {
  const follow = (target: Element): void => {
    const key = target.closest("[data-go]")?.getAttribute("data-go");
    const area = key === null || key === undefined ? null : find(key);
    if (area !== null) go(area);
  };
  side.addEventListener("click", (e) => follow(e.target as Element));
  side.addEventListener("keydown", (e) => {
    if (e.key === "Enter") follow(e.target as Element);
  });
}
element("up").addEventListener("click", out);

function show(next: ProgramData, which: Memory): void {
  const key = next === program ? (selected ?? here).key : "";
  [program, memory] = [next, which];
  names = null;
  root = areasOf(program, memory);
  // What there is nothing of in this memory is left.
  const same = find(key) ?? root;
  document.title = `${data.project}: fb size ${program.env}`;
  for (const b of element("envs").children) b.setAttribute("aria-pressed", String(b.textContent === program.env));
  go(same);
}

for (const m of ["flash", "ram"] as const) element(m).addEventListener("click", () => show(program, m));
if (data.programs.length > 1)
  element("envs").replaceChildren(
    ...data.programs.map((p) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = p.env;
      button.addEventListener("click", () => show(p, memory));
      return button;
    }),
  );

// ── search ──

const search = findBox<Area>({
  find: (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const all = (area: Area): Area[] => [...(area === root ? [] : [area]), ...area.inner.flatMap(all)];
    const fits = words.length === 0 ? [] : all(root).filter((a) => words.every((w) => a.key.toLowerCase().includes(w) && lowest(a, words)));
    const found = fits.sort((a, b) => b.bytes - a.bytes || Number(a.inner.length > 0) - Number(b.inner.length > 0)).slice(0, MOST);
    return { found, count: fits.length };
  },
  row: (area) => {
    const name = document.createElement("span");
    name.textContent = area.title;
    const size = document.createElement("span");
    size.className = "dim";
    size.textContent = `${NUMBER.format(area.bytes)} ${area.kind === "symbol" ? (area.parent?.title ?? "") : area.kind}`;
    return [name, size];
  },
  go,
});

/** Its own title has one of the words: what merely lies in such a library is not meant. */
function lowest({ title }: Area, words: readonly string[]): boolean {
  return words.some((w) => title.toLowerCase().includes(w));
}

window.addEventListener("resize", draw);
window.addEventListener("keydown", (e) => {
  if (e.target === search) return;
  if (e.key === "Escape" || e.key === "Backspace") out();
});

element("title").textContent = data.project;
show(program, memory);
