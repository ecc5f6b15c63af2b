/** What a word of a query stands for: a node by its label, a target in every env, everything, all below a folder. */
import { isAction, type View } from "../view.ts";
import type { Word } from "./parse.ts";
import { QueryProblem } from "./problem.ts";

/** Words that stand for every node. */
export const EVERYTHING: ReadonlySet<string> = new Set(["//…", "//...", "//:all", ":all", "//…:all", "//...:all"]);

/** Of a word that does not stand for everything. near: the names nearest to one that is none, best first. Throws QueryProblem for one that stands for nothing. */
export function nodesOf(view: View, word: Word, near: (word: string, names: Iterable<string>) => readonly string[]): readonly number[] {
  const { text } = word;
  const found = lookUp(view, text);
  if (found.length > 0) return found;
  const names = suggestions(view, text, near).map((name) => `"${name}"`);
  const hint =
    names.length > 0
      ? `did you mean ${names.join(" or ")}?`
      : "`fb query //...` lists every label; `fb query 'kind(target, //...)'` the targets";
  throw new QueryProblem(`nothing is called "${text}"`, word.at, hint);
}

function lookUp(view: View, text: string): readonly number[] {
  const exact = view.named(text);
  if (exact.length > 0) return exact;
  const env = text.startsWith(":all@") ? text.slice(5) : null;
  if (env !== null) return [...Array(view.size).keys()].filter((id) => view.env(id) === env);
  if (text.startsWith(":") && !text.includes("@")) return view.beginning(`${text}@`);
  if (text.startsWith("pkg:") && !text.includes("@")) return view.beginning(`${text}@`);
  const folder = /^(?:\.\/)?(.*)\/(?:…|\.\.\.)$/.exec(text)?.[1];
  if (folder !== undefined) return view.beginning(`${folder}/`).filter((id) => view.kind(id) === "file");
  return text.startsWith("./") ? view.named(text.slice(2)) : [];
}

/** So many candidates are compared letter by letter. */
const MOST_COMPARED = 5000;

function suggestions(view: View, text: string, near: (word: string, names: Iterable<string>) => readonly string[]): readonly string[] {
  const labels: string[] = [];
  for (let id = 0; id < view.size; id++) labels.push(view.label(id));
  const ends = labels.filter((label) => label.endsWith(`/${text}`) || label.endsWith(`:${text}`));
  if (ends.length > 0) return shortest(ends);
  const isOwn = (id: number): boolean => !isAction(view.kind(id)) && !/^(\.fb\/|\/)/.test(labels[id] as string);
  const own = labels
    .filter((_, id) => isOwn(id))
    .flatMap((label) => (label.startsWith(":") ? [label.slice(0, label.lastIndexOf("@")), label] : [label]));
  const close = near(text, new Set(own.slice(0, MOST_COMPARED)));
  if (close.length > 0) return close;
  return text.length < 3 ? [] : shortest(labels.filter((label) => label.includes(text)));
}

function shortest(labels: readonly string[]): readonly string[] {
  return [...new Set(labels)].sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).slice(0, 3);
}
