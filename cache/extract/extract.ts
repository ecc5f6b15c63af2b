/** Unpacks an archive into a new folder, or leaves nothing: tar (plain, gz, bz2, xz, zst), zip and deb, told by their first bytes. */
import { closeSync, fstatSync, openSync, rmSync } from "node:fs";
import { failure } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { errorCode, writeTrouble } from "../trouble.ts";
import { bytesOf, findOnPath, type FindProgram, headOf, type Span } from "./decompress.ts";
import { dataOf } from "./deb.ts";
import { type Kind, kindOf, magicBytes } from "./magic.ts";
import { shown } from "./names.ts";
import { damagedHint, Refusal } from "./refusal.ts";
import { readTar } from "./tar.ts";
import { defaultLimits, type Entry, type Limits, Tree } from "./tree.ts";
import { readZip } from "./zip.ts";

export interface ExtractOptions {
  /** What messages call the archive: its url, or its file. */
  readonly label: string;
  /** Only this folder of the archive, its name taken off; "" for all. */
  readonly subfolder: string;
  /** Takes off the single top folder, where there is one. */
  readonly strip: boolean;
  /** Globs of files that are executable whatever the archive says. */
  readonly executables: readonly string[];
  readonly limits: Limits;
  readonly foldCase: boolean;
  /** What becomes of links that lead out of the folder: "omit" for Debian's packages, whose links may name files of other packages. */
  readonly outsideLinks: "refuse" | "omit";
  /** Files become 0444 or 0555 instead of 0644 or 0755. */
  readonly readOnly: boolean;
  readonly signal: AbortSignal | null;
  /** Told of bytes of the archive that are done, and how many it has. */
  readonly onProgress: (bytes: number, total: number) => void;
  readonly findProgram: FindProgram;
}

export const extractDefaults: Omit<ExtractOptions, "label"> = {
  subfolder: "",
  strip: false,
  executables: [],
  limits: defaultLimits,
  foldCase: process.platform === "darwin" || process.platform === "win32",
  outsideLinks: "refuse",
  readOnly: false,
  signal: null,
  onProgress: () => {},
  findProgram: findOnPath,
};

export interface Extracted {
  /** The archive's own kind; of a compressed tar the compression. */
  readonly kind: Kind;
  /** All that was made, sorted by path. */
  readonly entries: readonly Entry[];
  /** Links that led out and were left out (`outsideLinks`). */
  readonly omitted: readonly string[];
}

/**
 * @param into a folder that is not there yet, in one that is: nobody else may write to it. Gone again after a failure.
 * Codes: extract.escape, .entry, .limit, .damaged, .unknown, .html, .subfolder, .empty, .write, .read, .aborted; all of exit 4.
 */
export async function extract(archive: string, into: string, options: ExtractOptions): Promise<Result<Extracted>> {
  let fd: number;
  try {
    fd = openSync(archive, "r");
  } catch (error) {
    const text = `cannot read ${archive}: ${errorCode(error)}`;
    return { ok: false, failure: failure("extract.read", 4, text, { file: archive, hint: "fetch it again" }) };
  }
  let tree: Tree | null = null;
  try {
    const whole: Span = { path: archive, fd, start: 0, end: fstatSync(fd).size };
    tree = new Tree(into, { ...options, isExecutable: await matcher(options.executables) }, whole.end);
    const kind = await read(whole, tree, options);
    return { ok: true, value: { kind, ...tree.finish() } };
  } catch (error) {
    tree?.close();
    if (tree !== null) rmSync(into, { recursive: true, force: true });
    return { ok: false, failure: failureOf(error, archive, into, options) };
  } finally {
    closeSync(fd);
  }
}

function failureOf(error: unknown, archive: string, into: string, options: ExtractOptions) {
  if (options.signal?.aborted === true)
    return failure("extract.aborted", 4, `unpacking ${options.label} was interrupted`, { file: archive });
  if (error instanceof Refusal) return failure(error.code, 4, `${options.label}: ${error.message}`, { file: archive, hint: error.hint });
  if (error instanceof Error && "code" in error) return writeTrouble("extract.write", into, error);
  throw error;
}

async function matcher(globs: readonly string[]): Promise<(path: string) => boolean> {
  if (globs.length === 0) return () => false;
  const { default: picomatch } = await import("picomatch");
  return picomatch([...globs], { dot: true });
}

async function read(whole: Span, tree: Tree, options: ExtractOptions): Promise<Kind> {
  const { kind } = headOf(whole);
  const check = () => options.signal?.throwIfAborted();
  let done = 0;
  const onZipBytes = (n: number) => options.onProgress(Math.min((done += n), whole.end), whole.end);
  if (kind === "zip") await readZip(whole.path, tree, onZipBytes, check);
  else if (kind === "html")
    throw new Refusal(
      "extract.html",
      "is an HTML page, no archive",
      "open the url in a browser: it may want a login, or a proxy answers in its place",
    );
  else {
    const span = kind === "deb" ? dataOf(whole) : whole;
    const inner = kind === "deb" ? headOf(span).kind : kind;
    if (inner === "unknown" || inner === "zip" || inner === "deb" || inner === "html") throw unknown(headOf(span).head);
    const raw = bytesOf(span, inner, options.findProgram, (n) => {
      check();
      options.onProgress(Math.min((done += n), whole.end), whole.end);
    });
    await readTar(inner === "tar" ? raw : onlyTar(raw, inner), tree);
  }
  check();
  return kind;
}

/** Passes a stream on whose first block is a tar header; anything else that was compressed is named. */
async function* onlyTar(bytes: AsyncIterable<Uint8Array>, compression: Kind): AsyncGenerator<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  let known = false;
  for await (const chunk of bytes) {
    if (known) yield chunk;
    else {
      head = Buffer.concat([head, chunk]);
      if (head.length < magicBytes) continue;
      known = true;
      if (kindOf(head) !== "tar" && !isEndMark(head)) throw unknown(head, compression);
      yield head;
    }
  }
  if (!known) throw unknown(head, compression);
}

/** A tar of nothing begins with its end: zeros. */
function isEndMark(head: Uint8Array): boolean {
  return head.subarray(0, magicBytes).every((byte) => byte === 0);
}

function unknown(head: Uint8Array, compression?: Kind): Refusal {
  const start = head.length === 0 ? "it is empty" : `it begins with "${shown(Buffer.from(head.subarray(0, 16)).toString("latin1"))}"`;
  return head.length === 0 && compression === undefined
    ? new Refusal("extract.damaged", "is an empty file", damagedHint)
    : new Refusal(
        "extract.unknown",
        compression === undefined
          ? `is no archive that fb can unpack (tar, tar.gz, tar.bz2, tar.xz, tar.zst, zip, deb): ${start}`
          : `is ${compression} data, but what is in it is no tar archive: ${start}`,
        "check that the url names an archive",
      );
}
