/** Which folder of the store a package lies in: names and versions come from registries, indexes and archives, and may be hostile. */
import { failure } from "../engine/failure.ts";
import type { Result } from "../engine/types.ts";
import { shown } from "./extract/names.ts";

/** `@` and a digest follow the version, and the whole must stay under NAME_MAX (255). */
const nameChars = 100;
const versionChars = 60;

/**
 * `NAME@VERSION`, a single folder name on every system, different for different packages. A scope's slash (`@scope/name`) and a `owner/name` become `+`;
 * Debian's epoch (`1:2.0`) gets PyPI's mark (`1!2.0`); what else is not plain (letters, digits, single spaces, `. _ + - ~ !`) is refused, as are a dot or dash in front.
 * Code: store.name (exit 3).
 */
export function packageFolder(name: string, version: string): Result<string> {
  const flat = name.replace(/^@([^/]+)\/([^/]+)$/, "$1+$2").replace(/^([^/]+)\/([^/]+)$/, "$1+$2");
  const why = trouble(flat, nameChars);
  if (why !== null) return refuse("name", name, why);
  const plain = version.replace(/^(\d+):/, "$1!");
  const whyNot = trouble(plain, versionChars);
  if (whyNot !== null) return refuse("version", version, whyNot);
  return { ok: true, value: `${flat}@${plain}` };
}

function trouble(text: string, limit: number): string | null {
  if (text === "") return "it is empty";
  if (text.length > limit) return `it has ${text.length} characters, the limit is ${limit}`;
  if (/^[.\-~+]/.test(text)) return `it begins with "${text[0]}"`;
  if (text.includes("..")) return 'it has ".." in it';
  if (text.endsWith(".")) return "it ends with a dot";
  const odd = /[^A-Za-z0-9._+\-~! ]/u.exec(text)?.[0] ?? (/^ | $| {2}/.test(text) ? " " : null);
  return odd === null ? null : `it has ${JSON.stringify(odd)} in it`;
}

function refuse<T>(what: "name" | "version", text: string, why: string): Result<T> {
  const message = `the package ${what} "${shown(text)}" can not be used: ${why}`;
  const hint =
    "expected letters, digits and . _ + - ~ !, beginning with a letter or digit; correct the manifest, index or option that names it";
  return { ok: false, failure: failure("store.name", 3, message, { hint }) };
}
