/** Credentials in urls: no message, log or lock shows them. */

/**
 * A text without the credentials of the urls in it: of http and https all that stands before the host (a token may be the user alone), of others the password
 * (`ssh://git@HOST` needs its user).
 */
export function withoutCredentials(text: string): string {
  if (!text.includes("://")) return text;
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"<>]*)@/gi, (_, scheme: string, who: string) => {
    if (/https?:\/\/$/i.test(scheme)) return scheme;
    const colon = who.indexOf(":");
    return `${scheme}${colon < 0 ? who : who.slice(0, colon)}@`;
  });
}
