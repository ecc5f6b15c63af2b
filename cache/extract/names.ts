/** Names inside archives: what is a name below the folder, and what may never be written. */
import { hostileHint, Refusal } from "./refusal.ts";

/** Linux' NAME_MAX, in bytes of UTF-8; other systems' limits are the same or counted in characters. */
const segmentBytes = 255;
/** Real toolchains stay under 200; with the store's own folder in front this stays under every system's PATH_MAX but Windows' old one. */
const pathChars = 1024;
/** Windows opens a device for each of these, whatever the suffix ("Naming Files, Paths, and Namespaces"). */
const devices = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;

/** A name for messages: control characters escaped, at most 120 characters. */
export function shown(name: string): string {
  const text = JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
  return text.slice(1, -1);
}

/**
 * The parts of an entry's name; `.` and doubled slashes are dropped, so the top folder itself is []. Throws a Refusal for absolute names, `..`, NUL, backslashes,
 * drive letters, and names longer than any real one; on Windows also for devices, colons and trailing dots or spaces.
 */
export function segmentsOf(name: string, windows: boolean = process.platform === "win32"): string[] {
  const refuse = (why: string): never => {
    throw new Refusal("extract.escape", `the entry "${shown(name)}" ${why}`, hostileHint);
  };
  if (name.includes("\0")) refuse("has a NUL in its name");
  if (name.startsWith("/")) refuse("has an absolute name");
  if (/^[A-Za-z]:/.test(name)) refuse("has a drive letter in its name");
  if (name.includes("\\")) refuse("has a backslash in its name");
  if (name.length > pathChars) refuse(`has a name of ${name.length} characters, the limit is ${pathChars}`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  for (const part of parts) {
    if (part === "..") refuse('leaves the folder by ".."');
    if (part.length > segmentBytes / 4 && Buffer.byteLength(part) > segmentBytes) refuse(`has a part of more than ${segmentBytes} bytes`);
    if (windows && (devices.test(part) || /[<>:"|?*\x01-\x1f]|[. ]$/.test(part))) refuse("can not be a name on Windows");
  }
  return parts;
}
