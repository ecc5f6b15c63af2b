/** JSON text with the place of its first error: V8's message names one only sometimes. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Lines and columns count from 1, columns in UTF-16 units. */
export type ParsedJson =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly expected: string; readonly line: number; readonly column: number };

/** Parses RFC 8259 JSON (a byte order mark at the start is passed over). `expected` says what should stand at the place. */
export function parseJson(source: string): ParsedJson {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { at, expected } = firstError(text);
    const before = text.slice(0, at);
    return { ok: false, expected, line: before.split("\n").length, column: at - before.lastIndexOf("\n") };
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value below dotted keys; undefined where there is none. */
export function dotted(value: Json, path: string): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path.split(".")) {
    if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

const TOKEN =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** What may come next: v a value, V a value or "]", k a key, K a key or "}", c ":", ] and } a comma or that bracket, . the end. */
function firstError(text: string): { at: number; expected: string } {
  const wanted = ["v"];
  let end = 0;
  for (;;) {
    const want = wanted.pop();
    TOKEN.lastIndex = end;
    const found = TOKEN.exec(text);
    const at =
      found === null ? text.length - text.slice(end).trimStart().length : TOKEN.lastIndex - (found[1] ?? found[2] ?? found[3] ?? "").length;
    if (want === undefined) return { at, expected: "the end of the file" };
    const token = found?.[1] ?? (found?.[2] !== undefined ? '"' : found === null ? "" : "0");
    end = TOKEN.lastIndex;
    if ((want === "V" && token === "]") || (want === "K" && token === "}")) {
      wanted.pop();
      continue;
    }
    if (want === "]" || want === "}") {
      if (token === want) continue;
      if (token !== ",") return { at, expected: `"," or "${want}"` };
      wanted.push(want, want === "]" ? "v" : "k");
    } else if (want === "k" || want === "K") {
      if (token !== '"') return { at, expected: 'a name in double quotes (no comma before "}")' };
      wanted.push("v", "c");
    } else if (want === "c") {
      if (token !== ":") return { at, expected: '":"' };
    } else if (token === "{") wanted.push("}", "K");
    else if (token === "[") wanted.push("]", "V");
    else if (token !== '"' && token !== "0") return { at, expected: "a value: text in double quotes, a number, true, false, null, [ or {" };
  }
}
