/**
 * `git+URL#REF`: a repository, fetched by the machine's own git, so that its credentials, proxies and configuration simply work. What is checked out, submodules
 * included and git's own folders left out, becomes one archive of `downloads/`, the same for the same commit.
 */
import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { adoptFile } from "../fetch/file-url.ts";
import { partialKey } from "../fetch/partial.ts";
import { fail, type Fetched, type FetchContext, interrupted, isStopped } from "../fetch/request.ts";
import { processName } from "../processes.ts";
import { writeTrouble } from "../trouble.ts";
import { type ClientEnd, findProgram, runClient, workFolder } from "./client.ts";

export interface GitRef {
  readonly url: string;
  /** A branch, a tag or a commit; "" for what the repository has checked out. */
  readonly ref: string;
}

export interface GitFetched extends Fetched {
  /** 40 hex digits. */
  readonly commit: string;
}

let counter = 0;

/** null: it is no repository's address. Code: source.syntax (exit 3), an address that git would take for an option. */
export function parseGit(text: string): Result<GitRef> | null {
  const match = /^git\+([^#]*)(?:#(.*))?$/s.exec(text);
  if (match === null) return null;
  const [url, ref] = [match[1] ?? "", match[2] ?? ""];
  if (url !== "" && !/^-|[\x00-\x20]/.test(url) && !/^-|[\x00-\x20]|\.\./.test(ref)) return { ok: true, value: { url, ref } };
  const hint = "expected git+https://HOST/PATH.git#TAG";
  return fail(failure("source.syntax", 3, `"${text.slice(0, 100)}" is no address of a git repository`, { hint }));
}

/** Codes: source.no-client, .no-network, .not-found, .denied, .failed, fetch.offline, fetch.aborted, fetch.write; exit 4, with git's own last lines. */
export async function fetchGit(
  ref: GitRef,
  context: FetchContext,
  vars: Readonly<Record<string, string | undefined>>,
): Promise<Result<GitFetched>> {
  const label = `git+${ref.url}${ref.ref === "" ? "" : `#${ref.ref}`}`;
  if (context.network === null)
    return fail(failure("fetch.offline", 4, `${label} is not here, and fb is offline`, { hint: "run once without --offline" }));
  const git = findProgram(["git"], vars);
  if (git === null)
    return fail(
      failure("source.no-client", 4, `${label} needs git, which is not on PATH`, { hint: "install git, or name an archive of it" }),
    );
  const folder = join(context.downloads, `.part-${partialKey(label, null)}-${processName()}-g${counter++}`);
  const run = (args: readonly string[]): Promise<ClientEnd> =>
    runClient({
      argv: [git, ...args],
      folder,
      // Nobody is there to answer a question.
      vars: { ...vars, GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: vars["GIT_SSH_COMMAND"] ?? "ssh -oBatchMode=yes" },
      signal: context.signal,
      onBytes: (bytes) => context.onProgress(bytes, null),
    });
  try {
    workFolder(folder);
    const cloned = await clone(ref, run);
    if (cloned.aborted) return fail(interrupted(label));
    if (cloned.code !== 0) return fail(troubleOf(label, cloned));
    const head = await run(["-C", "repo", "rev-parse", "HEAD"]);
    if (head.aborted) return fail(interrupted(label));
    if (head.code !== 0) return fail(troubleOf(label, head));
    const packed = join(folder, "packed.tar");
    await pack(join(folder, "repo"), packed);
    const got = await adoptFile(packed, { url: label, sha256: null, size: null, archive: true }, context);
    return got.ok ? { ok: true, value: { ...got.value, commit: head.stdout.trim() } } : got;
  } catch (error) {
    return fail(isStopped(context) ? interrupted(label) : writeTrouble("fetch.write", context.downloads, error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A commit can be asked of few servers by its name, so for one all of the history is fetched. */
async function clone({ url, ref }: GitRef, run: (args: readonly string[]) => Promise<ClientEnd>): Promise<ClientEnd> {
  const quiet = ["-c", "advice.detachedHead=false", "clone", "--quiet"];
  const shallow = ["--depth", "1", "--shallow-submodules", "--recurse-submodules"];
  if (!/^[0-9a-f]{7,40}$/.test(ref)) return run([...quiet, ...shallow, ...(ref === "" ? [] : ["--branch", ref]), "--", url, "repo"]);
  const all = await run([...quiet, "--no-checkout", "--", url, "repo"]);
  if (all.code !== 0) return all;
  const checked = await run(["-C", "repo", "-c", "advice.detachedHead=false", "checkout", "--quiet", ref, "--"]);
  return checked.code === 0 ? run(["-C", "repo", "submodule", "--quiet", "update", "--init", "--recursive"]) : checked;
}

/** A tar of a folder's files in their order, without owners, times and git's own. */
async function pack(folder: string, to: string): Promise<void> {
  const { create } = await import("tar");
  const paths: string[] = [];
  const walk = (at: string): void => {
    for (const entry of readdirSync(join(folder, at), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name === ".git") continue;
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else paths.push(`./${path}`);
    }
  };
  walk("");
  const half = `${to}.half`;
  await create({ cwd: folder, file: half, portable: true, mtime: new Date(0), noDirRecurse: true, strict: true }, paths);
  renameSync(half, to);
}

function troubleOf(label: string, end: ClientEnd): Failure {
  const said = end.lastLines.slice(-6).join("\n  ");
  const make = (code: string, what: string, hint: string) => failure(code, 4, `${label}: ${what}\n  ${said}`, { hint });
  if (
    /could not resolve host|network is unreachable|could not connect|failed to connect|connection (refused|timed out)|no route to host/i.test(
      said,
    )
  )
    return make(
      "source.no-network",
      "its host can not be reached",
      "connect to the network, or configure git's own proxy, or map the url in [mirrors]",
    );
  if (/remote branch .* not found|pathspec .* did not match|unknown revision|reference is not a tree/i.test(said))
    return make("source.not-found", "the repository has no such branch, tag or commit", "look at what stands behind the #");
  if (/authentication failed|could not read username|permission denied|access denied|403/i.test(said))
    return make("source.denied", "the repository wants a login", "give git credentials for it (git credential, an ssh key)");
  if (/not found|does not exist|not appear to be a git repository/i.test(said))
    return make("source.not-found", "there is no such repository", "correct the address");
  return make("source.failed", `git failed (${end.code === null ? "it was killed" : `exit ${end.code}`})`, "try its command by hand");
}
