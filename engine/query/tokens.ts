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
/** Beyond Bazel's letters, digits and `*\/@.-_:$~[]`: two that file names like, and all that is not ASCII, "…" too. (Unicode's classes take 10 ms to compile.) */
const IN_WORD = /[\w*/@.\-:$~[\]%#]|[^\x00-\x7f]/;
const SPACE = /\s/;

/** Ends with a token "end", behind the last character. */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < query.length; ) {
    const c = String.fromCodePoint(query.codePointAt(at) ?? 0);
    if (SPACE.test(c)) {
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
      while (at < query.length && isInWord(query, at)) at++;
      tokens.push({ is: "word", text: query.slice(from, at), at: from });
    }
  }
  tokens.push({ is: "end", text: "", at: query.length });
  return tokens;
}

function isInWord(query: string, at: number): boolean {
  const c = query[at] as string;
  return IN_WORD.test(c) && !SPACE.test(c);
}
