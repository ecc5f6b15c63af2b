/** `[mirrors]`: a url prefix stands for another. */

/**
 * The url that is asked instead: the longest prefix that matches wins, its rest is kept. A prefix matches at a boundary only (`https://a.example` is no prefix of
 * `https://a.example.org/x`), scheme and host without case. Applied once: what a mirror gives is not looked up again.
 */
export function mirrored(url: string, mirrors: ReadonlyMap<string, string>): string {
  let best: string | null = null;
  for (const prefix of mirrors.keys()) if (matches(url, prefix) && (best === null || prefix.length > best.length)) best = prefix;
  const to = best === null ? undefined : mirrors.get(best);
  if (best === null || to === undefined) return url;
  const rest = url.slice(best.length);
  if (rest === "" || best.endsWith("/") === to.endsWith("/")) return to + rest;
  return best.endsWith("/") ? `${to}/${rest}` : to + rest.replace(/^\//, "");
}

function matches(url: string, prefix: string): boolean {
  if (prefix === "" || url.length < prefix.length) return false;
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;
  const fold = (text: string) => text.replace(origin, (found) => found.toLowerCase());
  if (!fold(url).startsWith(fold(prefix))) return false;
  const next = url[prefix.length];
  return prefix.endsWith("/") || next === undefined || "/?#".includes(next);
}
