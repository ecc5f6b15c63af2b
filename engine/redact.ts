/** Credentials in urls: no message, log or lock shows them. */

/** Names of a query's parameters that log in or sign: `private_token`, `access_token`, `X-Amz-Signature`, `sig`. */
const LOGIN = /token|secret|passw|signature|credential|api[-_]?key|accesskey|^(?:sig|auth|pwd)$/i;

/**
 * A text without the credentials of the urls in it: of http and https all that stands before the host (a token may be the user alone), of others the password
 * (`ssh://git@HOST` needs its user); of all the parameters of the query that log in.
 */
export function withoutCredentials(text: string): string {
  if (!text.includes("://")) return text;
  return withoutLogin(text).replace(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"<>]*)@/gi, (_, scheme: string, who: string) => {
    if (/https?:\/\/$/i.test(scheme)) return scheme;
    const colon = who.indexOf(":");
    return `${scheme}${colon < 0 ? who : who.slice(0, colon)}@`;
  });
}

function withoutLogin(text: string): string {
  if (!text.includes("?")) return text;
  // What a sentence puts behind a url is none of it.
  return text.replace(/(:\/\/[^\s?#"<>]*)\?([^\s#"<>]*?)(?=[:;,.')\]]*(?:[\s#"<>]|$))/g, (whole, address: string, query: string) => {
    const all = query.split("&");
    const kept = all.filter((parameter) => !LOGIN.test(parameter.split("=", 1)[0] ?? ""));
    return kept.length === all.length ? whole : kept.length === 0 ? address : `${address}?${kept.join("&")}`;
  });
}
