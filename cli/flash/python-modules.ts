/**
 * What an uploader written in Python needs beside its own files: packages that pip brings into a folder of fb's cache, once the script has said that a module is missing. PlatformIO's
 * installer does so where it unpacks such a package. There is one folder for each Python and list of packages; it is whole or not there, as pip fills another, which is then renamed.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, makeFolders } from "../../cache/folders.ts";
import { processName } from "../../cache/processes.ts";
import { runClient, workFolder } from "../../cache/sources/client.ts";
import { errorCode } from "../../cache/trouble.ts";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Result } from "../../engine/types.ts";

/** No Python takes as long to say what it is. */
const PATIENCE_MS = 10_000;
const PIP = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-warn-script-location", "--retries=1"];

/** Null: nothing was brought yet, or there is no such Python. */
export async function knownModules(python: string, packages: readonly string[]): Promise<string | null> {
  const folder = await folderFor(python, packages);
  return folder !== null && existsSync(folder) ? folder : null;
}

/** The folder for PYTHONPATH. Failure (exit 5) with pip's last word. */
export async function fetchModules(python: string, packages: readonly string[], stop: AbortSignal): Promise<Result<string>> {
  const bad = (why: string) =>
    fail<string>(failure("flash.not-started", 5, `pip could not bring ${packages.join(", ")}: ${why}`, { hint: "" }));
  const folder = await folderFor(python, packages);
  if (folder === null) return bad(`no ${python}`);
  const work = `${folder}.part-${processName()}`;
  try {
    workFolder(work);
    const argv = [python, ...PIP, "--target", "modules", ...packages] as const;
    const end = await runClient({ argv, folder: work, vars: process.env, signal: stop, onBytes: () => {} });
    if (end.code !== 0) return bad(end.lastLines.findLast((line) => /error/i.test(line)) ?? end.lastLines.at(-1) ?? "it was ended");
    renameSync(join(work, "modules"), folder);
    return ok(folder);
  } catch (error) {
    // Another fb was first.
    return existsSync(folder) ? ok(folder) : bad(errorCode(error));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function folderFor(python: string, packages: readonly string[]): Promise<string | null> {
  const cache = cacheFolder(process.env);
  if (!cache.ok) return null;
  const version = await new Promise<string | null>((done) =>
    execFile(python, ["-c", "import sys; print(sys.executable, sys.version)"], { timeout: PATIENCE_MS }, (error, said) =>
      done(error === null ? said : null),
    ),
  );
  if (version === null) return null;
  const folder = join(cache.value, "python");
  makeFolders(folder);
  const key = createHash("sha256").update(JSON.stringify([version, packages]));
  return join(folder, key.digest("hex").slice(0, 16));
}
