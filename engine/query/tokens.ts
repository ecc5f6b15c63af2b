/**
 * A query cut into tokens, as the Bazel query reference ("Tokens: the query language lexicon") has them: words, quoted words, and the signs `( ) , + - ^ =`. Of a word
 * without quotes the first character is no hyphen and no asterisk; operators between words need space around "-", which may be part of a word.
 */
import { QueryProblem } from "./problem.ts";

export interface Token {
  readonly is: "word" | "quoted" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

const SIGNS = new Set(["(", ")", ",", "+", "-", "^", "="]);
/** Beyond Bazel's letters, digits and `*\/@.-_:$~[]`: the characters of other alphabets, "…" among them, and two that file names like. */
const IN_WORD = /[\p{L}\p{M}\p{N}*/@.\-_:$~[\]…%#]/u;

/** Ends with a token "end", behind the last character. */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < query.length; ) {
    const c = String.fromCodePoint(query.codePointAt(at) ?? 0);
    if (/\s/.test(c)) {
      at += c.length;
    } else if (c === '"' || c === "'") {
      const end = query.indexOf(c, at + 1);
      if (end < 0) throw new QueryProblem(`this quote has no end`, at, `close it with ${c}`);
      tokens.push({ is: "quoted", text: query.slice(at + 1, end), at });
      at = end + 1;
    } else if (SIGNS.has(c)) {
      tokens.push({ is: "sign", text: c, at });
      at += 1;
    } else if (c === "*" || !IN_WORD.test(c)) {
      throw new QueryProblem(
        `unexpected ${JSON.stringify(c)}`,
        at,
        c === "*" ? 'a word that begins with "*" is quoted' : "a label or pattern with such a character is quoted: '…' or \"…\"",
      );
    } else {
      const from = at;
      for (let next = c; at < query.length && IN_WORD.test(next); next = String.fromCodePoint(query.codePointAt(at) ?? 0))
        at += next.length;
      tokens.push({ is: "word", text: query.slice(from, at), at: from });
    }
  }
  tokens.push({ is: "end", text: "", at: query.length });
  return tokens;
}
