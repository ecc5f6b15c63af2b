/**
 * A part of a file as a stream of its decompressed bytes. gzip and zstd are Node's own; bzip2 and xz run beside it where the system has them (another core,
 * and ten times as fast), else through decoders in JavaScript and WebAssembly.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, createReadStream, readSync } from "node:fs";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { type Compression, type Kind, kindOf, magicBytes } from "./magic.ts";
import { damagedHint, Refusal } from "./refusal.ts";

/** Of what is read and of what comes out. With a quarter of it a toolchain takes a third longer: each piece is a new buffer, and a turn of the loop. */
const chunkBytes = 1 << 20;
/** Pieces that the decoder's thread may have ready: it works on while the one before is written, which is synchronous. */
const piecesAhead = 3;

/** Bytes of an open file, from `start` up to before `end`. */
export interface Span {
  readonly path: string;
  readonly fd: number;
  readonly start: number;
  readonly end: number;
}

/** Finds a program; null: it is not there, and the own decoder is used. */
export type FindProgram = (name: "bzip2" | "xz") => string | null;

export const findOnPath: FindProgram = (name) => {
  for (const folder of (process.env["PATH"] ?? "").split(":")) {
    const path = join(folder, name);
    try {
      if (folder === "") continue;
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
};

export function headOf(span: Span): { readonly kind: Kind; readonly head: Uint8Array } {
  const head = Buffer.alloc(Math.min(magicBytes, span.end - span.start));
  const read = readSync(span.fd, head, 0, head.length, span.start);
  const bytes = head.subarray(0, read);
  return { kind: kindOf(bytes), head: bytes };
}

/**
 * The span's bytes, decompressed if `kind` is a compression. The iteration throws a Refusal where they are damaged.
 * @param onRead told of bytes of the span that were read
 */
export async function* bytesOf(span: Span, kind: Kind, find: FindProgram, onRead: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(span.path, { start: span.start, end: span.end - 1, highWaterMark: chunkBytes });
  let told = 0;
  const tell = () => {
    onRead(raw.bytesRead - told);
    told = raw.bytesRead;
  };
  const compression = kind === "gzip" || kind === "bzip2" || kind === "xz" || kind === "zstd" ? kind : null;
  if (compression === null) {
    for await (const chunk of raw) {
      tell();
      yield chunk as Uint8Array;
    }
    return;
  }
  const stream = compression === "gzip" || compression === "zstd" ? builtIn(raw, compression) : await outside(raw, compression, find);
  try {
    for await (const chunk of stream) {
      tell();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof Refusal || !(error instanceof Error)) throw error;
    throw new Refusal("extract.damaged", `its ${compression} data is damaged or cut off (${error.message})`, damagedHint);
  } finally {
    raw.destroy();
  }
}

function builtIn(raw: Readable, compression: "gzip" | "zstd"): AsyncIterable<Uint8Array> {
  // Counted in pieces: of a stream of bytes an iteration takes all that is ready in one new buffer.
  const options = { chunkSize: chunkBytes, readableObjectMode: true, readableHighWaterMark: piecesAhead };
  const decoder = compression === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  pipeline(raw, decoder, () => {});
  return decoder;
}

async function outside(
  raw: Readable,
  compression: Exclude<Compression, "gzip" | "zstd">,
  find: FindProgram,
): Promise<AsyncIterable<Uint8Array>> {
  const program = find(compression);
  if (program !== null) return throughProgram(raw, program);
  if (compression === "xz") {
    // CommonJS whose names Node cannot tell beforehand.
    const { default: xz } = (await import("xz-decompress")) as unknown as { readonly default: typeof import("xz-decompress") };
    return fromWeb(new xz.XzReadableStream(Readable.toWeb(raw) as ReadableStream<Uint8Array>));
  }
  const { default: unbzip2 } = await import("unbzip2-stream");
  return throughOldStream(raw, unbzip2());
}

/**
 * The programs write 4 and 8 kB at a time, and each piece would be a turn of the loop and a buffer of 64 kB: dd gathers them (POSIX: where only the size of its
 * outputs is given, inputs are put together), which takes 240 MB from 1.3 s of this process to 0.3. The program's exit code comes by a pipe of its own.
 */
const GATHERED = '{ "$0" -dc; echo $? >&3; } | exec dd obs=1048576 2>/dev/null';

/** XZ_OPT, XZ_DEFAULTS and BZIP2 would change what the programs do, so they get none but what finds dd. */
async function* throughProgram(raw: Readable, program: string): AsyncGenerator<Uint8Array> {
  const env = { LC_ALL: "C", PATH: process.env["PATH"] ?? "" };
  const child = spawn("/bin/sh", ["-c", GATHERED, program], { stdio: ["pipe", "pipe", "pipe", "pipe"], env });
  const ended = new Promise<string | null>((resolve) => {
    let said = "";
    let code = "";
    child.stderr.on("data", (d: Buffer) => (said = (said + d).slice(-1000)));
    child.stdio[3]?.on("data", (d: Buffer) => (code += d));
    child.on("error", (error) => resolve(`${program}: ${error.message}`));
    child.on("close", (_, signal) => resolve(code === "0\n" ? null : said.trim() || `${program} ended with ${signal ?? code.trim()}`));
  });
  try {
    pipeline(raw, child.stdin, () => {});
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    const trouble = await ended;
    if (trouble !== null) throw new Error(trouble);
  } finally {
    child.kill("SIGKILL");
  }
}

async function* fromWeb(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** A stream of Node 0.8's kind: what it gives is queued here, and it is paused while someone looks at it. */
async function* throughOldStream(raw: Readable, old: NodeJS.ReadWriteStream): AsyncGenerator<Uint8Array> {
  const got: Uint8Array[] = [];
  let failure: Error | null = null;
  old.on("data", (chunk: Uint8Array) => got.push(chunk));
  old.on("error", (error: Error) => (failure = error));
  const taken = function* () {
    if (failure !== null) throw failure;
    for (let chunk = got.shift(); chunk !== undefined; chunk = got.shift()) yield chunk;
  };
  for await (const chunk of raw) {
    old.write(chunk as Uint8Array);
    yield* taken();
  }
  old.end();
  yield* taken();
}
