/** `file:` urls: copied as if they had been downloaded. */
import { createHash } from "node:crypto";
import { renameSync, rmSync, statSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { failure } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";
import { makeFolders } from "../folders.ts";
import { errorCode, writeTrouble } from "../trouble.ts";
import { hashInto, partialKey, takePartial } from "./partial.ts";
import { type Fetched, type FetchContext, type FetchRequest, headOfFile, interrupted, isStopped, judge } from "./request.ts";

export async function fetchFile(request: FetchRequest, context: FetchContext): Promise<Result<Fetched>> {
  let path: string;
  try {
    path = fileURLToPath(request.url);
    if (!statSync(path).isFile()) throw new Error("it is no file");
  } catch (error) {
    const message = `${request.url} can not be read: ${errorCode(error)}`;
    return { ok: false, failure: failure("fetch.not-found", 4, message, { hint: "correct the path" }) };
  }
  return adoptFile(path, request, context);
}

/**
 * A file from elsewhere becomes one of the downloads, if it is what was asked for. It is copied: its owner may change it later, and what is
 * hashed is the copy.
 */
export async function adoptFile(
  path: string,
  request: FetchRequest,
  context: Pick<FetchContext, "downloads" | "onProgress" | "signal">,
): Promise<Result<Fetched>> {
  let partial: string | null = null;
  try {
    makeFolders(context.downloads);
    partial = takePartial(context.downloads, partialKey(request.url, request.sha256));
    const data = join(partial, "data");
    rmSync(data, { force: true });
    await copyFile(path, data);
    const hash = createHash("sha256");
    const size = await hashInto(hash, data, context.signal);
    const sha256 = hash.digest("hex");
    const wrong = judge(request, size, sha256, headOfFile(data));
    if (wrong !== null) return { ok: false, failure: wrong };
    const file = join(context.downloads, sha256);
    renameSync(data, file);
    context.onProgress(size, size);
    return { ok: true, value: { file, url: request.url, sha256, size, cached: false } };
  } catch (error) {
    if (isStopped(context)) return { ok: false, failure: interrupted(request.url) };
    return { ok: false, failure: writeTrouble("fetch.write", context.downloads, error) };
  } finally {
    if (partial !== null) rmSync(partial, { recursive: true, force: true });
  }
}
