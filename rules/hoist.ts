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
  const neededAt = (d: Declaration): number => Math.min(firstMention(sketch, d), firstNeed(sketch, prototypes, d));
  for (const declaration of sketch.all) {
    if (!isMovable(sketch, declaration)) continue;
    const at = neededAt(declaration);
    if (at >= declaration.first) continue;
    const gap = sketch.place(declaration, sketch.gapOf(at), 0);
    if (gap < 0 || gap > sketch.gapOf(at) || !isKnownAt(sketch, declaration, gap, moved)) continue;
    moved.set(declaration, gap);
  }
  const gaps = new Map<number, string>();
  for (const [declaration, gap] of moved) {
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
function firstMention(sketch: Sketch, d: Declaration): number {
  const tab = sketch.tokens.findLastIndex((t, k) => k < d.first && t.is === "directive" && /^#line 1 /.test(t.text));
  const names = new Set(d.names.filter((n) => sketch.known.get(n)?.[0] === d));
  const at = sketch.tokens.findIndex(
    (t, k) => k < tab && t.is === "word" && names.has(t.text) && !/^(?:\.|->|::)$/.test(sketch.text(k - 1)),
  );
  return at < 0 ? sketch.tokens.length : at;
}

/** The first use of a function whose prototype must name the type. */
function firstNeed(sketch: Sketch, prototypes: Prototypes, d: Declaration): number {
  let first = sketch.tokens.length;
  for (const f of sketch.all) {
    if (f.is !== "function" || f.head === null || f.first < d.end) continue;
    if (!prototypes.typeWords(f.head).some((k) => sketch.known.get(sketch.text(k))?.[0] === d)) continue;
    const use = prototypes.lateUse(f);
    if (use !== null && use < d.first) first = Math.min(first, use);
  }
  return first;
}

/** Whether all that the type names and is not its own is the same at `gap` as where it stands. */
function isKnownAt(sketch: Sketch, d: Declaration, gap: number, moved: ReadonlyMap<Declaration, number>): boolean {
  let includes = false;
  for (let k = gap; k < d.first; k++) {
    if (sketch.tokens[k]?.is !== "directive") continue;
    const [name] = directiveParts(sketch.text(k));
    if (name === "pragma") return false;
    includes ||= name === "include" || name === "undef";
  }
  const own = new Set(d.names);
  for (let k = d.first; k < d.end; k++) {
    if (sketch.tokens[k]?.is !== "word" || own.has(sketch.text(k))) continue;
    const from = sketch.known.get(sketch.text(k))?.[0];
    if (from !== undefined && from !== d && from.end > gap && from.first < d.first && (moved.get(from) ?? Number.POSITIVE_INFINITY) > gap)
      return false;
    // A type that is none of the sketch's may come from a header that is included on the way.
    const typeLike = sketch.tokens[k + 1]?.is === "word" || ["*", "&", "<", "::"].includes(sketch.text(k + 1));
    if (includes && from === undefined && typeLike && !Prototypes.isPlainWord(sketch.text(k))) return false;
  }
  return true;
}
