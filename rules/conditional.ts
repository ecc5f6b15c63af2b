/**
 * The files that a source makes a preprocessor read, for the finder's `chain+` and `deep+`, in two readings. PlatformIO's own small preprocessor (SCons'
 * cpp.py: its conditions, no macros but those of the flags and of lines met on the way) decides which libraries are found, and in which order. What it knows
 * nothing of (the compiler's predefined macros, `__has_include`, `#if FEATURE` of `-DFEATURE`) a second reading tells, as the compiler that gets the
 * source afterwards: what that would look for in vain is in a library that is missing. Both follow only includes that lead into the project or a
 * library, and read each file once.
 */
import { folderOf } from "../engine/paths.ts";
import { defineMacro, evaluateC, expandedText, type Macros } from "./c-conditions.ts";
import type { Directive } from "./directives.ts";
import type { FileTree } from "./file-tree.ts";
import { callMacro, evaluatePython, isTrue, Loud, type PythonValue, Quiet } from "./python-conditions.ts";

export interface ConditionalInput {
  readonly tree: FileTree;
  /** The directives of a file; empty if it is not there. */
  directives(path: string): readonly Directive[];
}

/** PlatformIO follows no deeper. */
const DEEPEST = 99;

/**
 * The files that PlatformIO's preprocessor reads from `path`, in order. `folders`: where includes are looked up, in order. `defines`: -D and -U as the compiler
 * gets them. Null where it gives up on the file, which then counts with all its includes.
 */
export function conditionalIncludes(
  path: string,
  folders: readonly string[],
  defines: readonly string[],
  input: ConditionalInput,
): string[] | null {
  return new PythonReading(path, folders, defines, input).read();
}

export interface CompilerInput extends ConditionalInput {
  /** The `#define` lines of the compiler itself. */
  readonly predefines: string;
  /** Where the compiler looks for the source's includes, in order. */
  readonly given: readonly string[];
  /** Whether it has an include elsewhere: in folders of its own, or of the framework. */
  elsewhere(text: string): boolean;
}

/** The files of `folders` that the compiler of `path` would look for in vain, each with the file that includes it. */
export function unmetIncludes(
  path: string,
  folders: readonly string[],
  defines: readonly string[],
  input: CompilerInput,
): ReadonlyMap<string, string> {
  return new CompilerReading(path, folders, defines, input).read();
}

interface Line extends Directive {
  /** A line that is none: from here on `current` is another file. */
  readonly current: string | null;
}

/** One `#if` that is open. `later`: what a following #elif or #else does. */
interface Open {
  active: boolean;
  readonly outer: boolean;
  later: "evaluate" | "off";
}

abstract class Reading {
  protected readonly input: ConditionalInput;
  protected readonly folders: readonly string[];
  protected readonly top: string;
  protected readonly result = new Set<string>();
  /** Lines still to be read, the next one last. */
  private readonly lines: Line[] = [];
  /** How many of them lead back to another file. */
  private depth = 0;
  private readonly open: Open[] = [];
  protected current: string;

  constructor(path: string, folders: readonly string[], input: ConditionalInput) {
    this.input = input;
    this.folders = folders;
    this.top = path;
    this.current = path;
  }

  protected abstract skips(line: Directive): boolean;
  protected abstract holds(text: string): boolean;
  protected abstract isDefined(name: string): boolean;
  protected abstract define(text: string): void;
  protected abstract undefine(name: string): void;
  protected abstract target(text: string): { readonly text: string; readonly quote: boolean } | null;
  protected abstract lookUp(text: string, quote: boolean): string | null;

  protected walk(): string[] {
    this.push(this.top);
    for (let line = this.lines.pop(); line !== undefined; line = this.lines.pop()) {
      if (line.current !== null) {
        this.current = line.current;
        this.depth--;
      } else if (!this.skips(line)) this.step(line);
    }
    return [...this.result].filter((path) => path !== this.top);
  }

  private push(path: string): void {
    const lines = this.input.directives(path);
    for (let i = lines.length - 1; i >= 0; i--) {
      const { name, rest, hidden } = lines[i] as Directive;
      this.lines.push({ name, rest, hidden, current: null });
    }
  }

  private get active(): boolean {
    return this.open.at(-1)?.active ?? true;
  }

  private step({ name, rest }: Directive): void {
    const top = this.open.at(-1);
    switch (name) {
      case "if":
        if (rest.trim() !== "") this.enter(this.holds(rest.trimStart()));
        return;
      case "ifdef":
      case "ifndef": {
        const word = /^\s+(.+)$/.exec(rest)?.[1];
        if (word !== undefined) this.enter(this.isDefined(word.trimStart()) === (name === "ifdef"));
        return;
      }
      case "elif":
        if (top === undefined || rest.trim() === "") return;
        if (top.later === "off") top.active = false;
        else if (this.holds(rest.trimStart())) {
          top.active = top.outer;
          top.later = "off";
        }
        return;
      case "else":
        if (top !== undefined) top.active = top.later === "evaluate" && top.outer;
        return;
      case "endif":
        this.open.pop();
        return;
      case "define":
        if (this.active) this.define(rest);
        return;
      case "undef": {
        const word = /^\s+([A-Za-z_]\w*)/.exec(rest)?.[1];
        if (this.active && word !== undefined) this.undefine(word);
        return;
      }
      case "include":
        if (this.active && rest.trim() !== "") this.include(rest);
        return;
      default:
    }
  }

  private enter(holds: boolean): void {
    const outer = this.active;
    this.open.push({ active: holds && outer, outer, later: holds ? "off" : "evaluate" });
  }

  private include(rest: string): void {
    const target = this.target(rest.trim());
    if (target === null) return;
    const path = this.lookUp(target.text, target.quote);
    if (path === null || path === this.top || this.result.has(path)) return;
    this.result.add(path);
    if (this.depth >= DEEPEST) return;
    this.depth++;
    this.lines.push({ name: "", rest: "", hidden: false, current: this.current });
    this.push(path);
    this.current = path;
  }
}

class PythonReading extends Reading {
  private readonly macros = new Map<string, PythonValue>();
  /** Folders that an include was found in, which then come before all others. */
  private readonly preferred: string[] = [];

  constructor(path: string, folders: readonly string[], defines: readonly string[], input: ConditionalInput) {
    super(path, folders, input);
    for (const flag of defines) {
      if (!flag.startsWith("-D")) continue;
      const at = flag.indexOf("=");
      const value = flag.slice(at + 1);
      if (at < 0) this.macros.set(flag.slice(2), null);
      else this.macros.set(flag.slice(2, at), /^\d+$/.test(value) ? Number(value) : value);
    }
  }

  read(): string[] | null {
    try {
      return this.walk();
    } catch (error) {
      if (error instanceof Loud || error instanceof Quiet) return null;
      throw error;
    }
  }

  protected skips(): boolean {
    return false;
  }

  protected holds(text: string): boolean {
    return isTrue(evaluatePython(text, this.macros));
  }

  protected isDefined(name: string): boolean {
    return this.macros.has(name);
  }

  protected define(text: string): void {
    const match = /^\s+([_A-Za-z]\w*)(\([^)]*\))?\s*(.*)/.exec(text);
    if (match === null) return;
    const [, name = "", parameters, body = ""] = match;
    const constant = evaluatePython(body, null);
    const fixed = typeof constant === "boolean" ? Number(constant) : Number.isInteger(constant) ? (constant as number) : null;
    if (fixed === null && body.includes("defined ")) this.macros.set(name, evaluatePython(body, this.macros));
    else if (parameters === undefined) this.macros.set(name, fixed ?? body);
    else this.macros.set(name, { parameters: parameters.slice(1, -1).split(/,\s*/), body: fixed ?? body.split("##") });
  }

  protected undefine(name: string): void {
    this.macros.delete(name);
  }

  /** Follows macros to a text that starts with a quote or an angle. */
  protected target(text: string): { text: string; quote: boolean } | null {
    let at: PythonValue = text;
    for (let steps = 0; ; steps++) {
      if (typeof at !== "string" || steps > DEEPEST) throw new Loud("no text");
      if (at.startsWith("<") || at.startsWith('"')) return { text: at.slice(1, -1), quote: at.startsWith('"') };
      const value: PythonValue | undefined = this.macros.get(at);
      if (value !== undefined) {
        if (typeof value !== "string") throw new Loud("no text");
        at = value.replace(/\\([<">])/g, "$1");
      } else {
        const call = /(\S+)\(([^)]*)\)/.exec(at);
        if (call === null) return null;
        const macro = this.macros.get(call[1] ?? "");
        if (macro === undefined) throw new Loud("unknown macro");
        at = macro !== null && typeof macro === "object" ? callMacro(macro, (call[2] ?? "").split(/,\s*/)) : macro;
      }
      if (at === "" || at === null || at === 0) return null;
    }
  }

  protected lookUp(text: string, quote: boolean): string | null {
    const { tree } = this.input;
    const own = folderOf(this.top);
    const folders = quote ? [own, ...this.folders] : [...this.folders, own];
    for (const folder of [...(quote ? [folderOf(this.current)] : []), ...this.preferred, ...folders]) {
      const path = tree.find(folder, text);
      if (path === null) continue;
      // By the letters of the path, as PlatformIO does: `lib/A` also stands before `lib/AB/x.h`.
      const from = folders.find((each) => path.startsWith(each));
      if (from !== undefined && this.preferred[this.preferred.length - 1] !== from) this.preferred.push(from);
      return path;
    }
    return null;
  }
}

let last: { readonly text: string; readonly macros: Macros } | null = null;

/** The macros that `#define` lines make; the last ones are kept, since every file of an env starts from the same. */
function predefined(text: string): Macros {
  if (last?.text !== text) {
    const macros: Macros = new Map();
    for (const [, name = "", parameters, body = ""] of text.matchAll(/^#define (\w+)(?:\(([^)]*)\))? ?(.*)$/gm))
      defineMacro(macros, name, parameters ?? null, body);
    last = { text, macros };
  }
  return last.macros;
}

class CompilerReading extends Reading {
  private readonly macros: Macros;
  private readonly compiler: CompilerInput;
  private readonly unmet = new Map<string, string>();

  constructor(path: string, folders: readonly string[], defines: readonly string[], input: CompilerInput) {
    super(path, folders, input);
    this.compiler = input;
    this.macros = new Map(predefined(input.predefines));
    if (path.endsWith(".c")) this.macros.delete("__cplusplus");
    for (const flag of defines) {
      const match = /^-([DU])([A-Za-z_]\w*)(?:\(([^)]*)\))?(?:=(.*))?$/s.exec(flag);
      if (match === null) continue;
      if (match[1] === "U") this.macros.delete(match[2] ?? "");
      else defineMacro(this.macros, match[2] ?? "", match[3] ?? null, match[4] ?? "1");
    }
  }

  read(): ReadonlyMap<string, string> {
    this.walk();
    return this.unmet;
  }

  protected skips(line: Directive): boolean {
    return line.hidden;
  }

  /** What is no expression may hold: better one library too many. */
  protected holds(text: string): boolean {
    return evaluateC(text, this.macros, (name, quote) => (this.found(name, quote) ?? this.missed(name)) !== null) ?? true;
  }

  protected isDefined(name: string): boolean {
    return this.macros.has(name.trim());
  }

  protected define(text: string): void {
    const match = /^\s+([_A-Za-z]\w*)(?:\(([^)]*)\))?(.*)/.exec(text);
    if (match !== null) defineMacro(this.macros, match[1] ?? "", match[2] ?? null, match[3] ?? "");
  }

  protected undefine(name: string): void {
    this.macros.delete(name);
  }

  protected target(text: string): { text: string; quote: boolean } | null {
    const whole = /^["<]/.test(text) ? text : expandedText(text, this.macros);
    const match = /^(?:"([^"]*)"|<([^>]*)>)/.exec(whole);
    return match === null ? null : { text: match[1] ?? match[2] ?? "", quote: match[1] !== undefined };
  }

  protected lookUp(text: string, quote: boolean): string | null {
    const path = this.found(text, quote);
    if (path !== null) return path;
    const missed = this.missed(text);
    if (missed !== null && !this.unmet.has(missed)) this.unmet.set(missed, this.current);
    return missed;
  }

  private found(text: string, quote: boolean): string | null {
    return firstOf([...(quote ? [folderOf(this.current)] : []), ...this.compiler.given], text, this.input.tree);
  }

  private missed(text: string): string | null {
    const path = firstOf(this.folders, text, this.input.tree);
    return path === null || this.compiler.elsewhere(text) ? null : path;
  }
}

function firstOf(folders: readonly string[], text: string, tree: FileTree): string | null {
  for (const folder of folders) {
    const path = tree.find(folder, text);
    if (path !== null) return path;
  }
  return null;
}
