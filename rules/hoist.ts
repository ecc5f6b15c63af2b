/**
 * Types that a sketch uses before it defines them: in an earlier tab, or in the head of a function that is used earlier. The tabs of a sketch are one
 * program to their author, and the order in which they are merged is not his choice; so such a type moves up to its first use, leaving blanks behind.
 * It moves only if that cannot change it: outside of every `#if`, with no `#pragma` on the way, and with all that it names known at the new place.
 */
import type { Declaration } from "./cpp-declarations.ts";
import { directiveParts } from "./cpp-tokens.ts";
import { Prototypes } from "./prototypes.ts";
import { applied, blanked, type Edit, Sketch } from "./sketch.ts";

/** In: the merged tabs. Out: the same with types moved up where that is needed. */
export function hoisted(source: string): string {
  const sketch = new Sketch(source);
  const prototypes = new Prototypes(sketch);
  const edits: Edit[] = [];
  const moved = new Map<Declaration, number>();
  const tabs = sketch.tokens.flatMap((t, k) => (t.is === "directive" && /^#line 1 /.test(t.text) ? [k] : []));
  const needed = needs(sketch, prototypes);
  for (const declaration of sketch.all) {
    if (!isMovable(sketch, declaration)) continue;
    const at = Math.min(firstMention(sketch, declaration, tabs), needed.get(declaration) ?? sketch.tokens.length);
    if (at >= declaration.first) continue;
    const gap = sketch.place(declaration, sketch.gapOf(at), 0);
    const along = gap < 0 || gap > sketch.gapOf(at) ? null : movedWith(sketch, declaration, gap, new Set());
    for (const d of along ?? []) moved.set(d, Math.min(gap, moved.get(d) ?? gap));
  }
  const gaps = new Map<number, string>();
  for (const [declaration, gap] of [...moved].sort(([a], [b]) => a.first - b.first)) {
    const start = sketch.start(declaration.first);
    const end = sketch.tokens[declaration.end - 1]?.end ?? start;
    const text = source.slice(start, end);
    gaps.set(gap, (gaps.get(gap) ?? "") + sketch.lines(declaration.first, text));
    edits.push({ start, end, text: blanked(text) });
  }
  for (const [gap, text] of gaps) edits.push(sketch.insertion(gap, text));
  return edits.length === 0 ? source : applied(source, edits);
}

/** A type alone: no variable with it, no condition or linkage around it, nothing but it behind a macro's call. */
function isMovable(sketch: Sketch, d: Declaration): boolean {
  if (d.is !== "type" || d.linkage.length > 0 || d.gap !== d.first || sketch.branches[d.first] !== null || sketch.text(d.end - 1) !== ";")
    return false;
  for (let k = d.first; k < d.end; k++) if (sketch.tokens[k]?.is === "directive") return false;
  const first = sketch.text(d.first);
  return first === "typedef" || (first === "using" && sketch.text(d.first + 2) === "=") || sketch.text(d.end - 2) === "}";
}

/** The first token in an earlier tab that names the type; the end of the text if there is none, or if the sketch declares the name there. */
function firstMention(sketch: Sketch, d: Declaration, tabs: readonly number[]): number {
  const tab = tabs.findLast((t) => t < d.first) ?? 0;
  let first = sketch.tokens.length;
  for (const name of d.names) {
    if (sketch.known.get(name)?.[0] !== d) continue;
    const at = sketch.uses.mentions(name).find((k) => !/^(?:\.|->|::)$/.test(sketch.text(k - 1))) ?? first;
    if (at < tab) first = Math.min(first, at);
  }
  return first;
}

/** Type → the first use of a function whose prototype must name the type. */
function needs(sketch: Sketch, prototypes: Prototypes): ReadonlyMap<Declaration, number> {
  const first = new Map<Declaration, number>();
  for (const f of sketch.all) {
    const use = prototypes.lateUse(f);
    if (use === null || f.head === null) continue;
    for (const k of prototypes.typeWords(f.head)) {
      const d = sketch.known.get(sketch.text(k))?.[0];
      if (d !== undefined && d.end <= f.first && use < d.first) first.set(d, Math.min(use, first.get(d) ?? use));
    }
  }
  return first;
}

/**
 * The type and those that must move with it, because it names them; null if it cannot move: something that it names would not be the same at `gap`.
 * The set holds what is already on the way.
 */
function movedWith(sketch: Sketch, d: Declaration, gap: number, along: Set<Declaration>): ReadonlySet<Declaration> | null {
  along.add(d);
  const includes = passes(sketch, gap, d.first);
  if (includes === null) return null;
  const own = new Set(d.names);
  for (let k = d.first; k < d.end; k++) {
    const word = sketch.text(k);
    if (sketch.tokens[k]?.is !== "word" || own.has(word)) continue;
    const from = sketch.known.get(word)?.[0];
    if (from !== undefined && from.first < d.first && from.end > gap && !along.has(from)) {
      if (!isMovable(sketch, from) || movedWith(sketch, from, gap, along) === null) return null;
    }
    // A type or function that is none of the sketch's may come from a header that is included on the way.
    const typeLike = sketch.tokens[k + 1]?.is === "word" || ["*", "&", "<", "::", "("].includes(sketch.text(k + 1));
    if (includes && from === undefined && typeLike && !Prototypes.isPlainWord(word)) return null;
  }
  return along;
}

/** Whether an #include lies between the tokens; null if something does that no declaration may pass. */
function passes(sketch: Sketch, from: number, to: number): boolean | null {
  let includes = false;
  for (let k = from; k < to; k++) {
    if (sketch.tokens[k]?.is !== "directive") continue;
    const [name] = directiveParts(sketch.text(k));
    if (name === "pragma" || name === "undef") return null;
    includes ||= name === "include";
  }
  return includes;
}
