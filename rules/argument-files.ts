/** Files that only a command's arguments name, and no depfile or trace: response files, with the words in them, specs, plugins and profiles. */
import { collapse } from "../engine/paths.ts";
import type { PlanIo, ProjectPath } from "../engine/types.ts";

export interface ArgumentFiles {
  /** Those that are there. */
  readonly files: readonly ProjectPath[];
  /** The arguments with response files replaced by what is in them, and `-Wl,A,B` and `-Wp,A,B` by `A` and `B`; what is the assembler's keeps its `-Wa,`. */
  readonly words: readonly string[];
  /** The arguments for which other words stand. */
  readonly opened: ReadonlyMap<string, readonly string[]>;
}

/** gcc gives up at 2,000 response files; nobody nests them so deep by intention. */
const DEPTH = 20;

/** What is not there counts as looked for, so that it is seen when it comes. made: what steps write before; it is not read here, since it may not be there yet. */
export function argumentFiles(args: readonly string[], made: readonly string[], io: Pick<PlanIo, "read">): ArgumentFiles {
  const files = new Set<ProjectPath>();
  const text = (name: string): string | null => {
    const path = collapse(name) as ProjectPath;
    if (made.includes(path)) files.add(path);
    const content = path.startsWith(".fb/build/") || made.includes(path) ? null : io.read(path);
    if (content === null) return null;
    files.add(path);
    return new TextDecoder().decode(content);
  };
  const open = (word: string, depth: number): readonly string[] => {
    if (/^-W[lap],/.test(word)) {
      const parts = word
        .slice(4)
        .split(",")
        .flatMap((part) => open(part, depth));
      return word.startsWith("-Wa") ? [`-Wa,${parts.join(",")}`] : parts;
    }
    const content = word.startsWith("@") && word !== "@" && depth < DEPTH ? text(word.slice(1)) : null;
    return content === null ? [word] : responseWords(content).flatMap((each) => open(each, depth + 1));
  };
  const replaced = new Map<string, readonly string[]>();
  const words = args.flatMap((arg) => {
    const others = replaced.get(arg) ?? open(arg, 0);
    if (others.length !== 1 || others[0] !== arg) replaced.set(arg, others);
    return others;
  });
  const specs = words.flatMap((word) => /^--?specs=(.+)$/.exec(word)?.[1] ?? []);
  // `%include <FILE>` in a specs file reads another one (gcc's manual, "Spec Files").
  const seen = new Set<string>();
  for (let name = specs.shift(); name !== undefined; name = specs.shift()) {
    if (seen.has(name)) continue;
    seen.add(name);
    specs.push(...[...(text(name) ?? "").matchAll(/^%include(?:_noerr)?[ \t]*<([^>\n]+)>/gm)].map((m) => m[1] ?? ""));
  }
  for (const word of words) {
    const named = /^-f(?:plugin|profile-use|auto-profile|sanitize-ignorelist)=(.+)$/.exec(word)?.[1];
    if (named !== undefined) text(named);
  }
  return { files: [...files], words, opened: replaced };
}

/** The words of a response file, as libiberty's `expandargv` takes them apart: white space separates, quotes join, a backslash takes the next character as it is. */
function responseWords(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')+/g)].map(([word]) =>
    word.replace(/\\([\s\S])|["']/g, (_, escaped: string | undefined) => escaped ?? ""),
  );
}
