/** Credentials that a project writes into its urls: kept apart from them, and given to the host that they are for. */
import { withoutCredentials } from "../../engine/redact.ts";

/** Urls without credentials and fragment, and the same with what the project gives. */
export type Credentials = ReadonlyMap<string, string>;

export const noCredentials: Credentials = new Map();

/** Of all urls in texts of a project: the items of `lib_deps` and `platform_packages`. */
export function credentialsIn(texts: Iterable<string>): Credentials {
  const found = new Map<string, string>();
  for (const text of texts)
    for (const [url] of text.matchAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s#"<>]+/gi)) {
      const bare = withoutCredentials(url);
      if (bare !== url) found.set(plain(bare), plain(url));
    }
  return found;
}

/** The url with its credentials, where some are known. */
export function withCredentials(url: string, credentials: Credentials): string {
  const hash = url.indexOf("#");
  const [bare, rest] = hash < 0 ? [url, ""] : [url.slice(0, hash), url.slice(hash)];
  const known = credentials.get(plain(bare));
  return known === undefined ? url : known + rest;
}

/** For a url that carries credentials the header that says them (RFC 7617); none otherwise: undici does not read them from the url. */
export function authorizationOf(url: URL): Readonly<Record<string, string>> {
  if (url.username === "" && url.password === "") return {};
  const said = `${decoded(url.username)}:${decoded(url.password)}`;
  return { authorization: `Basic ${Buffer.from(said, "utf8").toString("base64")}` };
}

/** Whatever stands before the address of a repository. */
function plain(url: string): string {
  return url.replace(/^(?:git|hg|svn)\+/i, "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
