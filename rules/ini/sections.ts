/** The sections of all files read so far, and the order in which a section and those that it extends are searched. */
import type { Failure, Result } from "../../engine/types.ts";
import { expandPercent } from "./interpolate.ts";
import { DEFAULT_SECTION, type IniFile, type IniOption, placeOfText, valuePlace } from "./lex.ts";
import type { Place } from "./problem.ts";
import { problem } from "./problem.ts";
import { splitList } from "./text.ts";

/** The sections to search, and what ended the list early: what stands before that can still be found. */
export interface Walk {
  readonly order: readonly string[];
  readonly failure: Failure | null;
}

export class Sections {
  readonly #options = new Map<string, Map<string, IniOption>>();
  readonly #places = new Map<string, Place>();
  readonly #defaults = new Map<string, IniOption>();
  readonly #walks = new Map<string, Walk>();
  readonly #own = new Map<string, readonly IniOption[]>();

  /** Adds a file. An option that is there already is replaced, but keeps its position. */
  merge(file: IniFile): void {
    this.#walks.clear();
    this.#own.clear();
    for (const section of file.sections) {
      let options = section.name === DEFAULT_SECTION ? this.#defaults : this.#options.get(section.name);
      if (options === undefined) {
        options = new Map();
        this.#options.set(section.name, options);
        this.#places.set(section.name, section);
      }
      for (const option of section.options) options.set(option.name, option);
    }
  }

  /** In the order of their first appearance, without [DEFAULT]. */
  names(): string[] {
    return [...this.#options.keys()];
  }

  has(section: string): boolean {
    return this.#options.has(section);
  }

  place(section: string): Place | null {
    return this.#places.get(section) ?? null;
  }

  /** A section's options in file order, then those of [DEFAULT] that it does not set. Empty for a section that is not there. */
  own(section: string): readonly IniOption[] {
    const known = this.#own.get(section);
    if (known !== undefined) return known;
    const options = this.#options.get(section);
    const defaults = [...this.#defaults.values()].filter((each) => !options?.has(each.name));
    const own = options === undefined ? [] : [...options.values(), ...defaults];
    this.#own.set(section, own);
    return own;
  }

  /** The option `name` (in lower case) in this very section or in [DEFAULT]; `[DEFAULT]` itself can be asked. */
  find(section: string, name: string): IniOption | undefined {
    const options = section === DEFAULT_SECTION ? this.#defaults : this.#options.get(section);
    if (options === undefined) return undefined;
    return options.get(name) ?? this.#defaults.get(name);
  }

  /** What a section extends, as written; empty when it extends nothing. Only `%` is interpolated here, `${}` is not. */
  extended(section: string): Result<readonly string[]> {
    const option = this.has(section) ? this.find(section, "extends") : undefined;
    if (option === undefined) return { ok: true, value: [] };
    const text = expandPercent(option, section, this);
    return text.ok ? { ok: true, value: splitList(text.value) } : text;
  }

  /**
   * The sections to search for an option of `root`, the first hit wins: itself, then what it extends, the last named first and
   * each with its own extends before the next, and for an env `[env]` at last. Ends with a failure where a section extends itself.
   */
  walk(root: string): Walk {
    const known = this.#walks.get(root);
    if (known !== undefined) return known;
    const order: string[] = [];
    let failure = this.#visit(root, [], order);
    if (failure === null && root.startsWith("env:")) failure = this.#visit("env", [], order);
    const walk = { order, failure };
    this.#walks.set(root, walk);
    return walk;
  }

  #visit(section: string, path: readonly string[], order: string[]): Failure | null {
    if (path.includes(section)) return this.#cycle(section, path);
    // Seen before: all that it could add was added then.
    if (!this.has(section) || order.includes(section)) return null;
    order.push(section);
    const names = this.extended(section);
    if (!names.ok) return names.failure;
    for (const name of names.value.toReversed()) {
      const failure = this.#visit(name, [...path, section], order);
      if (failure !== null) return failure;
    }
    return null;
  }

  #cycle(section: string, path: readonly string[]): Failure {
    const loop = path.slice(path.indexOf(section));
    const last = loop.at(-1) ?? section;
    const option = this.find(last, "extends");
    const chain = [...loop, section].map((name) => `[${name}]`).join(" → ");
    const place = option === undefined ? this.place(last) : splitPlace(option, section);
    return problem(
      "ini.extends-cycle",
      `section [${section}] extends itself: ${chain}`,
      place,
      `remove ${section} from the extends of [${last}]`,
    );
  }
}

/** Where one name stands in an `extends` list. */
export function splitPlace(option: IniOption, name: string): Place {
  const piece = option.pieces.find((p) => splitList(p.text).includes(name));
  if (piece === undefined) return option.value.includes(name) ? placeOfText(option, name) : valuePlace(option);
  return { file: option.file, line: piece.line, column: piece.column + piece.text.indexOf(name) };
}
