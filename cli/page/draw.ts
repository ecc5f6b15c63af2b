/** The scene as SVG. */
import type { PageData } from "./data.ts";
import { clipped, type Model, type Scene, type Shown, timeText } from "./model.ts";

export interface Look {
  readonly selected: string | null;
  /** Boxes on the critical path, where it is to be seen. */
  readonly path: ReadonlySet<string> | null;
}

/** Beyond so many lines each is drawn fainter. */
const MANY_LINES = 300;

export function sceneText(model: Model, scene: Scene, look: Look): string {
  const near = new Set<string>();
  const selected = look.selected === null ? null : (scene.byKey.get(look.selected) ?? null);
  const lit: string[] = [];
  const base: string[] = [];
  for (const line of scene.lines) {
    const path = curve(scene.byKey.get(line.from), scene.byKey.get(line.to));
    if (look.path?.has(line.from) && look.path.has(line.to)) lit.push(`<path class="lit path" d="${path}"/>`);
    else if (selected !== null && line.to === selected.key) {
      near.add(line.from);
      lit.push(`<path class="lit in" d="${path}"/>`);
    } else if (selected !== null && line.from === selected.key) {
      near.add(line.to);
      lit.push(`<path class="lit" d="${path}"/>`);
    } else base.push(path);
  }
  // Of an opened group nothing is dimmed: its lines are those of what is in it.
  const dims = selected !== null && !selected.isOpen && look.path === null;
  const isFar = (box: Shown): boolean => dims && box !== selected && !near.has(box.key) && !box.isOpen;
  const open = scene.boxes.filter((b) => b.isOpen);
  const closed = scene.boxes.filter((b) => !b.isOpen);
  const box = (b: Shown): string => boxText(model, b, look, isFar(b));
  return `${open.map(box).join("")}<path class="edges${dims || look.path !== null ? " behind" : base.length > MANY_LINES ? " many" : ""}" d="${base.join("")}"/>${lit.join("")}${closed.map(box).join("")}`;
}

function curve(from: Shown | undefined, to: Shown | undefined): string {
  if (from === undefined || to === undefined) return "";
  const [x0, y0, x1, y1] = [from.x + from.width, from.y + from.height / 2, to.x, to.y + to.height / 2];
  const bend = Math.max(24, Math.min(160, Math.abs(x1 - x0) / 2));
  return `M${n(x0)} ${n(y0)}C${n(x0 + bend)} ${n(y0)} ${n(x1 - bend)} ${n(y1)} ${n(x1)} ${n(y1)}`;
}

function n(value: number): string {
  return value.toFixed(1);
}

function boxText(model: Model, box: Shown, look: Look, isFar: boolean): string {
  const classes = ["box"];
  if (box.isOpen) classes.push("open");
  if (box.key === look.selected) classes.push("selected");
  if (look.path?.has(box.key) === true && !box.isOpen) classes.push("onpath");
  if (isFar || (look.path !== null && !look.path.has(box.key) && !box.isOpen)) classes.push("far");
  const expanded = box.group === null ? "" : ` aria-expanded="${box.isOpen}"`;
  const inside = box.group !== null ? groupText(model, box) : itemText(model.data, box);
  return `<g class="${classes.join(" ")}" data-key="${escaped(box.key)}" role="button" tabindex="0"${expanded} transform="translate(${n(box.x)} ${n(box.y)})">${inside}</g>`;
}

function itemText(data: PageData, { item, width, height }: Shown): string {
  if (item === null) return "";
  const did = data.run?.did[item.id]?.status;
  const ms = data.ms[item.id] ?? -1;
  const status =
    did === undefined ? "" : `<circle class="c-${did === "cancelled" ? "failed" : did}" cx="${width - 12}" cy="${height / 2}" r="4.5"/>`;
  const rounded = item.kind === "target" ? height / 2 : 6;
  const tip = `${data.labels[item.id]}${ms >= 0 ? `, ${timeText(ms)}` : ""}${did === undefined ? "" : `, ${did}`}`;
  return `<title>${escaped(tip)}</title><rect class="card" width="${n(width)}" height="${height}" rx="${rounded}"/><rect class="c-${escaped(item.kind)}" x="9" y="${height / 2 - 5}" width="10" height="10" rx="${item.kind === "target" ? 5 : 3}"/><text x="26" y="${height / 2 + 4}">${escaped(clipped(item.drawn))}</text>${status}`;
}

function groupText(model: Model, box: Shown): string {
  const { group, width, height } = box;
  if (group === null) return "";
  const { kinds, did } = model.tally(group);
  const title = `<text class="strong" x="14" y="19">${escaped(clipped(group.title))}</text>`;
  if (box.isOpen)
    return `<rect class="card" width="${n(width)}" height="${n(height)}" rx="10"/>${title}<text class="small" x="${n(width - 20)}" y="19">−</text>`;
  const [[kind, count] = ["file", 0]] = [...kinds].sort((a, b) => b[1] - a[1]);
  const says = `${count} ${count === 1 ? kind : plural(kind)}${kinds.size > 1 ? ` +${group.count - count}` : ""}`;
  let x = 14;
  const whole = width - 28;
  const bars = (["ran", "hit", "failed"] as const).map((status) => {
    const part = ((did.get(status) ?? 0) / group.count) * whole;
    if (part === 0) return "";
    const bar = `<rect class="c-${status}" x="${n(x)}" y="${height - 6}" width="${n(Math.max(3, part))}" height="3" rx="1.5"/>`;
    x += Math.max(3, part);
    return bar;
  });
  return `<title>${escaped(group.title)}: ${group.count}</title><rect class="under" x="4" y="4" width="${n(width)}" height="${height}" rx="8"/><rect class="card" width="${n(width)}" height="${height}" rx="8"/>${title}<text class="small" x="14" y="34">${escaped(says)}</text><text class="small" x="${n(width - 18)}" y="20">+</text>${bars.join("")}`;
}

/** Of the names of kinds. */
export function plural(kind: string): string {
  return kind === "archive" ? "archives" : kind === "objcopy" ? "images" : kind === "size" ? "sizes" : `${kind}s`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);
}
