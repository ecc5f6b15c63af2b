/** Finds the files' archive in a Debian package: `ar` members debian-binary, control.tar.*, data.tar.* (deb(5), version 2). */
import { readSync } from "node:fs";
import type { Span } from "./decompress.ts";
import { damagedHint, Refusal } from "./refusal.ts";

const headerBytes = 60;

/** The span of data.tar.* within an open .deb. */
export function dataOf(deb: Span): Span {
  const header = Buffer.alloc(headerBytes);
  // A package has three members; signed ones a few more.
  for (let at = deb.start + 8, n = 0; n < 16; n++) {
    if (readSync(deb.fd, header, 0, headerBytes, at) < headerBytes) break;
    const text = header.toString("latin1");
    const size = /^(\d{1,10}) *$/.exec(text.slice(48, 58))?.[1];
    if (size === undefined || text.slice(58) !== "`\n") break;
    const start = at + headerBytes;
    const end = start + Number(size);
    const name = text.slice(0, 16).replace(/[ /]+$/, "");
    if (/^data\.tar(\.[a-z0-9]+)?$/.test(name)) {
      if (end > deb.end) throw new Refusal("extract.damaged", `ends before its ${name} does`, damagedHint);
      return { ...deb, start, end };
    }
    at = end + (end % 2);
  }
  throw new Refusal("extract.damaged", "is an ar archive without a data.tar: no Debian package, or a cut off one", damagedHint);
}
