/**
 * Places boxes: what is needed lies left of what needs it. Boxes in a box are placed by themselves, so an opened group keeps together. In layers (Sugiyama's method, short:
 * longest ways, sweeps of barycentres); a layer of many is folded into columns, and what has nothing to do with each other is a block.
 */
export interface Box {
  readonly key: string;
  readonly inner: readonly Box[];
  /** Without its inner boxes, or if it has none. */
  readonly width: number;
  readonly height: number;
}

export interface Placed {
  readonly key: string;
  /** From the corner of the whole. */
  x: number;
  y: number;
  readonly width: number;
  readonly height: number;
  readonly isOpen: boolean;
}

const PAD = 14;
const HEAD = 30;
const GAP_X = 56;
const GAP_Y = 10;
/** So many stand below each other whatever their height. */
const FEW = 6;
/** What one of many boxes takes sideways: a folded layer comes out half as wide again as it is high. */
const WIDTH_OF_A_COLUMN = 600;

/** Between boxes at any depth: `from` is needed by `to`. */
export interface Line {
  readonly from: string;
  readonly to: string;
}

/** Every box with its place; those of open boxes after them. lines: between closed boxes. */
export function layout(
  boxes: readonly Box[],
  lines: readonly Line[],
): { readonly placed: readonly Placed[]; readonly width: number; readonly height: number } {
  const parents = new Map<string, string | null>();
  const note = (all: readonly Box[], parent: string | null): void => {
    for (const box of all) {
      parents.set(box.key, parent);
      note(box.inner, box.key);
    }
  };
  note(boxes, null);
  const chain = (key: string): string[] => {
    const up: string[] = [];
    for (let at: string | null | undefined = key; at !== null && at !== undefined; at = parents.get(at)) up.unshift(at);
    return up;
  };
  // Each line counts where its two ends part.
  const within = new Map<string | null, Map<string, Set<string>>>();
  for (const { from, to } of lines) {
    const [a, b] = [chain(from), chain(to)];
    let at = 0;
    while (at < a.length && at < b.length && a[at] === b[at]) at++;
    const [x, y] = [a[at], b[at]];
    if (x === undefined || y === undefined) continue;
    const parent = at === 0 ? null : (a[at - 1] as string);
    const needs = within.get(parent) ?? new Map<string, Set<string>>();
    within.set(parent, needs);
    const needed = needs.get(y) ?? new Set<string>();
    needs.set(y, needed);
    needed.add(x);
  }
  return inside(boxes, null, within);
}

function inside(
  boxes: readonly Box[],
  parent: string | null,
  within: ReadonlyMap<string | null, ReadonlyMap<string, ReadonlySet<string>>>,
): ReturnType<typeof layout> {
  const inner = new Map(boxes.filter((b) => b.inner.length > 0).map((box) => [box.key, inside(box.inner, box.key, within)]));
  const sized = boxes.map((box) => {
    const open = inner.get(box.key);
    return open === undefined
      ? { key: box.key, width: box.width, height: box.height }
      : { key: box.key, width: Math.max(box.width, open.width + 2 * PAD), height: open.height + HEAD + PAD };
  });
  const { places, width, height } = arrange(sized, within.get(parent) ?? new Map());
  const placed: Placed[] = [];
  for (const [i, { key, width: w, height: h }] of sized.entries()) {
    const { x, y } = places[i] as { x: number; y: number };
    const open = inner.get(key);
    placed.push({ key, x, y, width: w, height: h, isOpen: open !== undefined });
    for (const p of open?.placed ?? []) placed.push({ ...p, x: p.x + x + PAD, y: p.y + y + HEAD });
  }
  return { placed, width, height };
}

interface Sized {
  readonly key: string;
  readonly width: number;
  readonly height: number;
}

function arrange(
  boxes: readonly Sized[],
  needs: ReadonlyMap<string, ReadonlySet<string>>,
): { readonly places: { x: number; y: number }[]; readonly width: number; readonly height: number } {
  const at = new Map(boxes.map((b, i) => [b.key, i]));
  const left = boxes.map((b) => [...(needs.get(b.key) ?? [])].flatMap((k) => at.get(k) ?? []));
  const right: number[][] = boxes.map(() => []);
  for (const [i, list] of left.entries()) for (const j of list) (right[j] as number[]).push(i);
  const ranks = ranksOf(left, right);
  const lonely = boxes.map((_, i) => (left[i] as number[]).length + (right[i] as number[]).length === 0);
  const columns: number[][] = [];
  for (const [i, rank] of ranks.entries()) if (!lonely[i]) (columns[rank] ??= []).push(i);
  // From the right end, so that what is needed stands next to what needs it.
  const ordered = columns.filter((c) => c !== undefined).reverse();
  sweep(ordered, left, right);
  const alone = boxes.flatMap((_, i) => (lonely[i] ? [i] : []));
  const wished = (column: readonly number[]): number => {
    const whole = total(column, boxes);
    return column.length <= FEW ? whole : Math.min(whole, Math.sqrt(whole * WIDTH_OF_A_COLUMN));
  };
  const tallest = Math.max(320, ...boxes.map((b) => b.height), ...ordered.map(wished));
  const strips = ordered.flatMap((column) =>
    folded(column, boxes, tallest).map((strip, k, all) => ({ strip, isLast: k === all.length - 1 })),
  );
  const places = boxes.map(() => ({ x: 0, y: 0 }));
  let x = 0;
  let height = 0;
  for (const { strip, isLast } of strips) {
    const wide = Math.max(...strip.map((i) => (boxes[i] as Sized).width));
    let y = 0;
    for (const i of strip) {
      const box = boxes[i] as Sized;
      places[i] = { x: x + (wide - box.width) / 2, y };
      y += box.height + GAP_Y;
    }
    height = Math.max(height, y - GAP_Y);
    x += wide + (isLast ? GAP_X : GAP_Y * 2);
  }
  // Each strip in the middle, then as near to its neighbours as its order allows.
  for (const { strip } of strips) {
    const used = total(strip, boxes);
    for (const i of strip) (places[i] as { y: number }).y += (height - used) / 2;
  }
  for (let round = 0; round < 4; round++)
    for (const { strip } of round % 2 === 0 ? strips : [...strips].reverse())
      align(strip, boxes, places, round % 2 === 0 ? left : right, height);
  let width = Math.max(0, x - GAP_X);
  if (alone.length > 0) {
    const y0 = strips.length === 0 ? 0 : height + GAP_Y * 3;
    const area = alone.reduce((sum, i) => sum + ((boxes[i] as Sized).width + GAP_Y) * ((boxes[i] as Sized).height + GAP_Y), 0);
    const block = folded(alone, boxes, Math.max(160, Math.sqrt(area * 0.6)));
    let bx = 0;
    let bottom = y0;
    for (const strip of block) {
      let y = y0;
      for (const i of strip) {
        places[i] = { x: bx, y };
        y += (boxes[i] as Sized).height + GAP_Y;
      }
      bottom = Math.max(bottom, y - GAP_Y);
      bx += Math.max(...strip.map((i) => (boxes[i] as Sized).width)) + GAP_Y;
    }
    width = Math.max(width, bx - GAP_Y);
    height = bottom;
  }
  return { places, width, height };
}

/** Steps to the farthest end on the right. A line that would close a circle does not count. */
function ranksOf(left: readonly (readonly number[])[], right: readonly (readonly number[])[]): number[] {
  const ranks = left.map(() => -1);
  const onPath = new Set<number>();
  const rank = (i: number): number => {
    if (ranks[i] !== -1) return ranks[i] as number;
    onPath.add(i);
    let most = 0;
    for (const user of right[i] as number[]) if (!onPath.has(user)) most = Math.max(most, rank(user) + 1);
    onPath.delete(i);
    ranks[i] = most;
    return most;
  };
  for (const i of left.keys()) rank(i);
  return ranks;
}

function sweep(columns: number[][], left: readonly (readonly number[])[], right: readonly (readonly number[])[]): void {
  const place = new Map<number, number>();
  const note = (column: readonly number[]): void => {
    for (const [k, i] of column.entries()) place.set(i, k / column.length);
  };
  columns.forEach(note);
  for (let round = 0; round < 6; round++) {
    const neighbours = round % 2 === 0 ? left : right;
    for (const column of round % 2 === 0 ? columns : [...columns].reverse()) {
      const centre = new Map(
        column.map((i) => [
          i,
          mean(
            (neighbours[i] as number[]).map((j) => place.get(j) ?? 0),
            place.get(i) ?? 0,
          ),
        ]),
      );
      column.sort((a, b) => (centre.get(a) as number) - (centre.get(b) as number) || a - b);
      note(column);
    }
  }
}

function mean(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : values.reduce((a, b) => a + b, 0) / values.length;
}

function total(column: readonly number[], boxes: readonly Sized[]): number {
  return column.reduce((sum, i) => sum + (boxes[i] as Sized).height + GAP_Y, -GAP_Y);
}

function folded(column: readonly number[], boxes: readonly Sized[], tallest: number): number[][] {
  const strips: number[][] = [];
  const count = Math.max(1, Math.ceil(total(column, boxes) / tallest));
  const each = total(column, boxes) / count;
  let strip: number[] = [];
  let used = 0;
  for (const i of column) {
    const { height } = boxes[i] as Sized;
    if (strip.length > 0 && used + height / 2 > each) {
      strips.push(strip);
      strip = [];
      used = 0;
    }
    strip.push(i);
    used += height + GAP_Y;
  }
  strips.push(strip);
  return strips;
}

function align(
  strip: readonly number[],
  boxes: readonly Sized[],
  places: { x: number; y: number }[],
  neighbours: readonly (readonly number[])[],
  height: number,
): void {
  const middle = (i: number): number => (places[i] as { y: number }).y + (boxes[i] as Sized).height / 2;
  const wished = strip.map((i) => mean((neighbours[i] as number[]).map(middle), middle(i)) - (boxes[i] as Sized).height / 2);
  let low = 0;
  const tops = strip.map((i, k) => {
    const y = Math.max(low, wished[k] as number);
    low = y + (boxes[i] as Sized).height + GAP_Y;
    return y;
  });
  // What was pushed beyond the end comes back.
  let end = height;
  for (let k = strip.length - 1; k >= 0; k--) {
    const box = boxes[strip[k] as number] as Sized;
    const y = Math.min(tops[k] as number, end - box.height);
    places[strip[k] as number] = { x: (places[strip[k] as number] as { x: number }).x, y };
    end = y - GAP_Y;
  }
}
