/**
 * The prototypes that a sketch leaves out: which functions need one, and where it must stand.
 *
 * A function used before it is defined gets it before the declaration of the first use, but not before the types that it names; one that no text names
 * earlier may still be called by a header's macro: if its types are plain, it gets one before the first function. The prototype is the function's head
 * with its layout, under a #line of its own, in the same `#if` conditions: those not open at its place are repeated around it.
 */
import type { Declaration, FunctionHead } from "./cpp-declarations.ts";
import { push } from "./cpp-uses.ts";
import { applied, blanked, chain, conditions, type Edit, type Sketch } from "./sketch.ts";

/** A prototype to be written before the token `gap`. */
interface Prototype {
  readonly gap: number;
  readonly declaration: Declaration;
  readonly head: FunctionHead;
  /** Default arguments go into it and out of the definition. */
  readonly takesDefaults: boolean;
}

/** Words that are known wherever Arduino.h is: a function that names no other type may be declared anywhere. */
const PLAIN = new Set(
  (
    "void bool char short int long float double signed unsigned const volatile static inline struct enum class " +
    "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t size_t byte word boolean String Print Stream"
  ).split(" "),
);
/** Every core declares these itself. */
const ENTRY_POINTS = new Set(["setup", "loop", "main"]);
/** Words that a type's name follows. */
const TYPE_PREFIXES = new Set("const volatile struct class union enum typename".split(" "));

export class Prototypes {
  private readonly sketch: Sketch;
  /** Name → heads of the prototypes that the sketch has itself. */
  private readonly declared = new Map<string, FunctionHead[]>();
  /** Gap of the first function: where all that is hidden may be declared. */
  private readonly base: number;

  constructor(sketch: Sketch) {
    this.sketch = sketch;
    for (const { is, head } of sketch.all) if (is === "prototype" && head !== null) push(this.declared, head.name, head);
    this.base = sketch.all.find((d) => d.is === "function")?.gap ?? 0;
  }

  /** The edits that bring all of them in. */
  edits(): Edit[] {
    const edits: Edit[] = [];
    const gaps = new Map<number, string[]>();
    for (const declaration of this.sketch.all) {
      const p = this.prototype(declaration);
      if (p === null) continue;
      push(gaps, p.gap, this.written(p));
      if (!p.takesDefaults) continue;
      for (const [start, end] of this.defaults(p.head)) edits.push({ start, end, text: blanked(this.sketch.source.slice(start, end)) });
    }
    for (const [gap, list] of gaps) edits.push(this.sketch.insertion(gap, list.join("")));
    return edits;
  }

  /** Whether the word is known wherever Arduino.h is. */
  static isPlainWord(word: string): boolean {
    return PLAIN.has(word);
  }

  /** The token that first uses a function which is defined later and not declared before; null if there is none. */
  lateUse(declaration: Declaration): number | null {
    const { head } = declaration;
    if (declaration.is !== "function" || head === null || this.cannotBeDeclared(declaration, head)) return null;
    const use = this.sketch.uses.first(declaration, head);
    return use === null || this.isDeclaredBefore(head, use) ? null : use;
  }

  private cannotBeDeclared(declaration: Declaration, head: FunctionHead): boolean {
    return this.sketch.branches[declaration.first]?.dead === true || this.isDeduced(head) || ENTRY_POINTS.has(head.name);
  }

  private prototype(declaration: Declaration): Prototype | null {
    const { head } = declaration;
    if (declaration.is !== "function" || head === null || this.cannotBeDeclared(declaration, head)) return null;
    const use = this.lateUse(declaration);
    if (use === null && this.isDeclaredBefore(head, declaration.first)) return null;
    // An operator is used without its name.
    if (use === null && this.text(head.nameAt) !== "operator" && !this.isPlain(head)) return null;
    const wanted = use === null ? this.base : this.sketch.gapOf(use);
    if (wanted >= declaration.gap) return null;
    const gap = this.sketch.place(declaration, wanted, this.requirements(declaration, head));
    return gap < 0 ? null : { gap, declaration, head, takesDefaults: use !== null };
  }

  /** `auto f() {…}`: its type is known only behind its body. */
  private isDeduced(head: FunctionHead): boolean {
    let auto = false;
    for (let k = head.from; k < head.nameAt; k++) auto ||= this.text(k) === "auto";
    return auto && this.text(head.close + 1) !== "->" && !this.sketch.tokens.slice(head.close, head.to).some((t) => t.text === "->");
  }

  private isPlain(head: FunctionHead): boolean {
    return this.typeWords(head).every((k) => PLAIN.has(this.text(k)) || this.sketch.known.has(this.text(k)));
  }

  /** The words of a head that may name types and macros: all but its own name and those of its parameters. */
  typeWords(head: FunctionHead): number[] {
    const words: number[] = [];
    for (let k = head.from; k < head.to; k++)
      if (k !== head.nameAt && this.sketch.tokens[k]?.is === "word" && !this.namesParameter(k, head)) words.push(k);
    return words;
  }

  private namesParameter(k: number, head: FunctionHead): boolean {
    if (k < head.open || k > head.close || ![",", ")", "[", "="].includes(this.text(k + 1))) return false;
    const before = this.sketch.tokens[k - 1];
    if (before?.is === "word") return !TYPE_PREFIXES.has(before.text);
    return before?.text === "*" || before?.text === "&" || before?.text === ">" || before?.text === "...";
  }

  /** Whether the sketch itself declares this function before the token. */
  private isDeclaredBefore(head: FunctionHead, at: number): boolean {
    const others = (this.declared.get(head.name) ?? []).filter((other) => other.from < at);
    if (others.length === 0) return false;
    const signature = this.signature(head);
    return others.some((other) => sameParameters(this.signature(other), signature));
  }

  /** The parameters' tokens without default arguments, one list each. */
  private signature(head: FunctionHead): string[][] {
    return this.parameters(head.open, head.close).map(({ from, equals }) =>
      this.sketch.tokens.slice(from, equals).map((token) => token.text),
    );
  }

  /** What stands between two brackets, parted by commas: tokens [from, equals) without the default that begins at `equals`, which ends before `to`. */
  private parameters(open: number, close: number): { from: number; equals: number; to: number }[] {
    const found: { from: number; equals: number; to: number }[] = [];
    let from = open + 1;
    let equals = -1;
    let depth = 0;
    for (let k = open + 1; k <= close; k++) {
      const text = this.text(k);
      if (k === close || (text === "," && depth === 0)) {
        found.push({ from, equals: equals < 0 ? k : equals, to: k });
        from = k + 1;
        equals = -1;
      } else if ("([{".includes(text)) depth++;
      else if (")]}".includes(text)) depth--;
      else if (text === "=" && depth === 0 && equals < 0) equals = k;
      else if (text === "<" && depth === 0) k = this.templateEnd(k, close, equals >= 0);
    }
    return found;
  }

  /** The `>` of template arguments that begin at `open`; `open` itself where it is "less than", as it may be in a value. */
  private templateEnd(open: number, close: number, inValue: boolean): number {
    if (inValue && this.sketch.tokens[open - 1]?.is !== "word") return open;
    let depth = 0;
    let angles = 0;
    for (let k = open; k < close; k++) {
      const text = this.text(k);
      if ("([{".includes(text)) depth++;
      else if (")]}".includes(text)) depth--;
      else if (depth > 0) continue;
      else if (text === "<") angles++;
      else if (text === ">" && --angles === 0) return k;
      // No template argument holds one, the next parameter's default does.
      else if (inValue && (text === "=" || text === "?")) return open;
    }
    return open;
  }

  /** The token before which a prototype would name what is not known yet. */
  private requirements(declaration: Declaration, head: FunctionHead): number {
    let after = 0;
    const need = (word: string, complete: boolean): void => {
      const brings = (this.sketch.known.get(word) ?? []).filter((d) => d.end <= declaration.first);
      const first = (complete ? brings.find((d) => this.text(d.end - 2) === "}" || d.is !== "type") : undefined) ?? brings[0];
      after = Math.max(after, first?.end ?? 0);
    };
    for (const k of this.typeWords(head)) need(this.text(k), this.text(k + 1) === "::");
    for (const branch of chain(this.sketch.branches[declaration.first]))
      for (const word of branch.text.match(/[A-Za-z_]\w*/g) ?? []) need(word, false);
    return after;
  }

  /** Source ranges of `= value` in the parameters and template parameters. */
  private defaults(head: FunctionHead): (readonly [start: number, end: number])[] {
    return [...head.templates, [head.open, head.close] as const].flatMap(([open, close]) =>
      this.parameters(open, close)
        .filter(({ equals, to }) => equals < to)
        .map(({ equals, to }) => [this.sketch.start(equals), this.sketch.tokens[to - 1]?.end ?? 0] as const),
    );
  }

  private written(p: Prototype): string {
    const { head, declaration, gap } = p;
    const start = this.sketch.start(head.from);
    const whole = this.sketch.source.slice(start, this.sketch.tokens[head.to - 1]?.end ?? start);
    const removed = p.takesDefaults ? [] : this.defaults(head);
    const text = `${applied(
      whole,
      removed.map(([from, to]) => ({ start: from - start, end: to - start, text: "" })),
    )};`;
    const { linkage } = declaration;
    const opened = new Set(chain(this.sketch.branches[gap]).map(conditions));
    const missing = chain(this.sketch.branches[declaration.first]).filter((b) => !opened.has(conditions(b)));
    const before = missing.map((b) => `${conditions(b)}\n`).join("");
    const linked = `${linkage.map((l) => `${l} { `).join("")}${text}${linkage.map(() => " }").join("")}`;
    return `${before}${this.sketch.lines(head.from, linked)}${missing.map(() => "#endif\n").join("")}`;
  }

  private text(k: number): string {
    return this.sketch.text(k);
  }
}

/** Whether two parameter lists are the same but for the parameters' names. */
function sameParameters(a: readonly (readonly string[])[], b: readonly (readonly string[])[]): boolean {
  const isEmpty = (l: readonly (readonly string[])[]): boolean => l.length === 1 && ["", "void"].includes(l[0]?.join(" ") ?? "");
  if (isEmpty(a) && isEmpty(b)) return true;
  return a.length === b.length && a.every((p, i) => readings(p).some((x) => readings(b[i] ?? []).includes(x)));
}

/** A parameter as text, and again without each word that may be its name: the last, one before `[`, one in `(*name)`. */
function readings(parameter: readonly string[]): string[] {
  const texts = [parameter.join(" ")];
  for (const [i, text] of parameter.entries()) {
    const last = i > 0 && i === parameter.length - 1;
    const nested = /^[*&]$/.test(parameter[i - 1] ?? "") && parameter[i + 1] === ")";
    if (!/^[A-Za-z_]\w*$/.test(text) || PLAIN.has(text) || !(last || nested || parameter[i + 1] === "[")) continue;
    texts.push(parameter.filter((_, k) => k !== i).join(" "));
  }
  return texts;
}
