/** Compiler flags as PlatformIO reads them from an ini, a board or a library manifest: text to items sorted into scopes. */
import { failure, warning } from "../engine/failure.ts";
import type { Failure } from "../engine/types.ts";
import { shellArguments, shellEscape, splitWords } from "./shellwords.ts";
import { expandText, expressionsIn, type Variables } from "./subst.ts";

/**
 * Two words that belong together: a define with a value (name, value), or an option with its argument (`-include`, file).
 * `number` says that the value is one to PlatformIO, which compares numbers by value (`007` and `7.0` are both 7).
 */
export interface Pair {
  readonly name: string;
  readonly value: string;
  readonly number: boolean;
}

/** A string is one argument, a define without value, a folder or a library, as its scope says. Strings still hold `$NAME`, and quotes for a shell. */
export type Item = string | Pair;

/** SCons' construction variables, in its order. `includes` is CPPPATH and `libpath` LIBPATH: folders as `projectFolder` writes them, exactly. */
export interface Scopes {
  readonly asflags: readonly Item[];
  readonly cflags: readonly Item[];
  readonly ccflags: readonly Item[];
  readonly cxxflags: readonly Item[];
  readonly defines: readonly Item[];
  readonly cppflags: readonly Item[];
  readonly includes: readonly Item[];
  readonly libpath: readonly Item[];
  readonly libs: readonly Item[];
  readonly linkflags: readonly Item[];
  readonly asppflags: readonly Item[];
}

export type Scope = keyof Scopes;

export const scopeNames: readonly Scope[] = [
  "asflags",
  "cflags",
  "ccflags",
  "cxxflags",
  "defines",
  "cppflags",
  "includes",
  "libpath",
  "libs",
  "linkflags",
  "asppflags",
];

export const noScopes: Scopes = {
  asflags: [],
  cflags: [],
  ccflags: [],
  cxxflags: [],
  defines: [],
  cppflags: [],
  includes: [],
  libpath: [],
  libs: [],
  linkflags: [],
  asppflags: [],
};

export interface FlagContext {
  readonly variables: Variables;
  /** Absolute path of the project: folders below it are written relative to it. */
  readonly projectDir: string;
  /** The folder that a relative `-I` or `-L` starts from: "" is the project, else a library's folder, relative to the project or absolute. */
  readonly base: string;
  /** What the commands of `commandsIn` printed. */
  readonly commands: ReadonlyMap<string, string>;
  /** Of `debug_build_flags` PlatformIO takes define values as text: no numbers, no quotes kept from the shell. */
  readonly plain: boolean;
  /** Where the flags were written, for messages. */
  readonly option: string;
  readonly file: string | null;
  readonly line: number;
  readonly column: number;
}

export interface Parsed {
  readonly scopes: Scopes;
  /** Warnings of words that do not do what they seem to, errors (exit 3) of quotes left open. */
  readonly notes: readonly Failure[];
}

/** The shell commands among flag items: an item that starts with `!` stands for what the rest of it prints. */
export function commandsIn(items: readonly string[]): string[] {
  return items.filter((item) => item.startsWith("!")).map((item) => item.slice(1));
}

const TAKES_ARGUMENT = new Set(["-include", "-imacros", "-isysroot", "-isystem", "-iquote", "-idirafter", "-arch", "--param"]);
const ALSO_LINKS = new Set(["-mno-cygwin", "-pthread", "-openmp", "-fmerge-all-constants", "-fopenmp"]);

/**
 * Sorts flag items into scopes, by the rules of SCons' `ParseFlags` and PlatformIO's `ParseFlagsExtended`: what is no known option goes to the compilers
 * only, never to the linker. Each item is one line or list element of the ini; its words are split as `splitWords` does. A folder that does not exist
 * is taken relative to the project all the same (PlatformIO: relative to the platform's own folder).
 */
export function parseFlags(items: readonly string[], context: FlagContext): Parsed {
  const parser = new Parser(context);
  for (const item of items) parser.item(item);
  return { scopes: parser.scopes, notes: parser.notes };
}

type Pending = "" | "define" | "includes" | "libpath" | "libs" | "lost" | "-dylib_file" | string;

class Parser {
  readonly context: FlagContext;
  readonly scopes: { -readonly [S in Scope]: Item[] };
  readonly notes: Failure[] = [];

  constructor(context: FlagContext) {
    this.context = context;
    this.scopes = mutable(noScopes);
  }

  item(item: string): void {
    const { context } = this;
    let text = item;
    if (item.startsWith("!")) {
      const output = context.commands.get(item.slice(1));
      if (output === undefined) throw new Error(`output of command ${item} was not handed in`);
      text = output;
    }
    for (const expression of expressionsIn(text)) {
      this.warn(
        "flags.expression",
        `${context.option}: ${expression} is a Python expression to PlatformIO; fb takes it as empty`,
        "Write the value itself, or a plain ${NAME}.",
      );
    }
    const words = splitWords(text);
    if (words === null) {
      this.notes.push(
        failure("flags.open-quote", 3, `${context.option}: a quote or backslash is left open in ${text}`, {
          ...this.place(),
          hint: "Close the quote, or put \\ before it.",
        }),
      );
      return;
    }
    let pending: Pending = "";
    for (const [i, word] of words.entries()) {
      if (pending !== "") {
        this.argument(pending, word);
        pending = "";
      } else if (word !== "") {
        pending = this.word(word, words[i - 1] ?? "");
      }
    }
  }

  /** The second word of an option. */
  argument(pending: Pending, word: string): void {
    const { scopes } = this;
    if (pending === "define") this.define(word);
    else if (pending === "includes" || pending === "libpath") this.folder(pending, word);
    else if (pending === "libs") scopes.libs.push(word);
    else if (pending === "-dylib_file") scopes.linkflags.push(word);
    else if (pending !== "lost") {
      const pair: Pair = { name: pending, value: word, number: false };
      scopes.ccflags.push(pair);
      if (pending === "-isysroot" || pending === "-arch") scopes.linkflags.push(pair);
    }
  }

  /** Sorts one word, which stands after another of its item; returns what the next word is to it, "" if nothing. */
  word(word: string, after: string): Pending {
    const { scopes } = this;
    if (!/^[-+]/.test(word)) {
      this.bare(word, after);
    } else if (word === "-dylib_file") {
      scopes.linkflags.push(word);
      return word;
    } else if (word.startsWith("-L")) {
      if (word === "-L") return "libpath";
      this.folder("libpath", word.slice(2));
    } else if (word.startsWith("-l")) {
      if (word === "-l") return "libs";
      scopes.libs.push(word.slice(2));
    } else if (word.startsWith("-I")) {
      if (word === "-I") return "includes";
      this.folder("includes", word.slice(2));
    } else if (word.startsWith("-Wa,")) {
      scopes.asflags.push(word.slice(4));
      scopes.ccflags.push(word);
    } else if (word.startsWith("-Wl,-rpath=") || word.startsWith("-Wl,-R")) {
      this.warn(
        "flags.lost",
        `${this.context.option}: ${word} has no effect, as in PlatformIO: a run path is never passed to the linker`,
        "Write -Wl,-rpath,FOLDER.",
      );
    } else if (word.startsWith("-Wl,")) {
      scopes.linkflags.push(word);
    } else if (word.startsWith("-Wp,")) {
      scopes.cppflags.push(word);
    } else if (word.startsWith("-D")) {
      if (word === "-D") return "define";
      this.define(word.slice(2));
    } else if (word === "-framework" || word.startsWith("-F")) {
      this.warn(
        "flags.lost",
        `${this.context.option}: ${word} has no effect: frameworks are of macOS only`,
        "Remove it, or put it into the flags of the macOS env.",
      );
      return word === "-framework" || word === "-F" ? "lost" : "";
    } else if (word.startsWith("-frameworkdir=")) {
      this.warn("flags.lost", `${this.context.option}: ${word} has no effect: frameworks are of macOS only`, "Remove it.");
    } else if (ALSO_LINKS.has(word) || word.startsWith("-fsanitize") || word.startsWith("+")) {
      scopes.ccflags.push(word);
      scopes.linkflags.push(word);
    } else if (word === "-mwindows") {
      scopes.linkflags.push(word);
    } else if (word.startsWith("-std=")) {
      scopes[word.includes("++", 5) ? "cxxflags" : "cflags"].push(word);
    } else if (word.startsWith("-stdlib=")) {
      scopes.cxxflags.push(word);
    } else if (TAKES_ARGUMENT.has(word)) {
      return word;
    } else {
      scopes.ccflags.push(word);
    }
    return "";
  }

  define(text: string): void {
    const at = text.indexOf("=");
    if (at < 0) {
      this.scopes.defines.push(text);
      return;
    }
    const name = text.slice(0, at);
    const value = text.slice(at + 1);
    const number = this.context.plain ? null : pythonNumber(value);
    if (number !== null) this.scopes.defines.push({ name, value: number, number: true });
    else this.scopes.defines.push({ name, value: this.context.plain ? value : value.replaceAll('"', '\\"'), number: false });
  }

  folder(scope: "includes" | "libpath", text: string): void {
    const { variables, projectDir, base } = this.context;
    const path = shellArguments(expandText(text, variables)).join(" ");
    this.scopes[scope].push(projectFolder(path, projectDir, base));
  }

  /** A word without a dash is a library file to SCons; PlatformIO then makes `-l<absolute path>` of it, which no linker finds. */
  bare(word: string, after: string): void {
    const file = projectFolder(word, this.context.projectDir, this.context.base);
    this.scopes.libs.push(file.startsWith("/") ? file : `./${file}`);
    const hint = /\.(ld|lds)$/i.test(word)
      ? `For a linker script write -Wl,-T${word}.`
      : after === "-Xlinker"
        ? `For the linker write -Wl,${word}.`
        : /^-[uezT]$/.test(after)
          ? `For the linker write -Wl,${after},${word}.`
          : /\.(a|o|so)$/i.test(word)
            ? `To link this file write -Wl,${word}.`
            : `A library is -l${word}, an argument of ${after === "" ? "an option" : after} must be joined to it.`;
    this.warn(
      "flags.bare-word",
      `${this.context.option}: the word "${word}" is not an option; as in PlatformIO it is passed to the linker as a library, which will not be found`,
      hint,
    );
  }

  place(): { file: string | null; line: number; column: number } {
    return { file: this.context.file, line: this.context.line, column: this.context.column };
  }

  warn(code: string, message: string, hint: string): void {
    this.notes.push(warning(code, message, { ...this.place(), hint }));
  }
}

/** Arguments that stand in no ini: flags that a platform file brings. Each is one argument exactly as the tool shall get it, `$` and quotes included. */
export interface PlainFlags {
  readonly asflags: readonly string[];
  readonly asppflags: readonly string[];
  readonly cflags: readonly string[];
  readonly ccflags: readonly string[];
  readonly cxxflags: readonly string[];
  readonly cppflags: readonly string[];
  readonly linkflags: readonly string[];
  /** NAME or NAME=VALUE. */
  readonly defines: readonly string[];
  /** Folders relative to the project, or absolute. */
  readonly includes: readonly string[];
  readonly libpath: readonly string[];
  /** Without -l. */
  readonly libs: readonly string[];
}

/** What a library is called that is linked by its path, in front of that. */
const LIBRARY_FILE = "file";

/** Scopes of a platform's or framework's own flags: nothing in them is expanded or unquoted later. A library with a slash is a file, linked by its path. */
export function plainScopes(flags: PlainFlags): Scopes {
  const once = (text: string): string => shellEscape(text).replaceAll("$", "$$$$");
  const twice = (text: string): string => shellEscape(text).replaceAll("$", "$$$$$$$$");
  const define = (text: string): Item => {
    const at = text.indexOf("=");
    if (at < 0) return twice(text);
    const value = text.slice(at + 1);
    return { name: twice(text.slice(0, at)), value: twice(value), number: pythonNumber(value) !== null };
  };
  return {
    asflags: flags.asflags.map(once),
    asppflags: flags.asppflags.map(once),
    cflags: flags.cflags.map(once),
    ccflags: flags.ccflags.map(once),
    cxxflags: flags.cxxflags.map(once),
    cppflags: flags.cppflags.map(once),
    linkflags: flags.linkflags.map(once),
    defines: flags.defines.map(define),
    includes: [...flags.includes],
    libpath: [...flags.libpath],
    libs: flags.libs.map((text) => (text.includes("/") ? { name: LIBRARY_FILE, value: once(text), number: false } : once(text))),
  };
}

/** A copy whose lists can be changed. */
export function mutable(scopes: Scopes): { -readonly [S in Scope]: Item[] } {
  return {
    asflags: [...scopes.asflags],
    cflags: [...scopes.cflags],
    ccflags: [...scopes.ccflags],
    cxxflags: [...scopes.cxxflags],
    defines: [...scopes.defines],
    cppflags: [...scopes.cppflags],
    includes: [...scopes.includes],
    libpath: [...scopes.libpath],
    libs: [...scopes.libs],
    linkflags: [...scopes.linkflags],
    asppflags: [...scopes.asppflags],
  };
}

export function isEmpty(scopes: Scopes): boolean {
  return scopeNames.every((name) => scopes[name].length === 0);
}

export function sameItem(a: Item, b: Item): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  if (a.name !== b.name || a.number !== b.number) return false;
  return a.value === b.value || (a.number && Number(a.value) === Number(b.value));
}

/**
 * A folder as commands name it: relative to the project without `./` and `..` ("." is the project itself), or absolute when it lies outside.
 * `text` is absolute, or relative to `base`; a leading `#` is SCons' name for the project's folder.
 */
export function projectFolder(text: string, projectDir: string, base: string): string {
  const path = text.startsWith("#") ? text.replace(/^#\/?/, "") : text;
  const start = text.startsWith("#") || base === "" ? projectDir : base.startsWith("/") ? base : `${projectDir}/${base}`;
  const absolute = collapse(path.startsWith("/") ? path : `${start}/${path}`);
  if (absolute === collapse(projectDir)) return ".";
  const prefix = `${collapse(projectDir)}/`;
  return absolute.startsWith(prefix) ? absolute.slice(prefix.length) : absolute;
}

/** An absolute path without empty, `.` and `..` parts. */
function collapse(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The text that Python prints for a define's value once PlatformIO took it as a number: all digits, or digits with one dot. Null for any other text. */
export function pythonNumber(value: string): string | null {
  if (/^\d+$/.test(value)) return value.replace(/^0+(?=\d)/, "");
  if (!/^(\d+\.\d*|\.\d+)$/.test(value)) return null;
  const number = Number(value);
  if (!Number.isFinite(number)) return "inf";
  const [mantissa = "", power = "0"] = number.toExponential().split("e");
  const exponent = Number(power);
  if (number !== 0 && (exponent < -4 || exponent >= 16)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const digits = mantissa.replace(".", "");
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return `${whole}.${rest === "" ? "0" : rest}`;
}
