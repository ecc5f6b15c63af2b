/**
 * `git+URL#REF`, `hg+URL#REF`, `svn+URL#REF`: a repository, fetched by the machine's own client, so that its credentials, proxies and configuration simply work. What
 * is checked out, git's submodules included and the client's own folders left out, becomes one archive of `downloads/`, the same for the same commit.
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

export interface RepositoryRef {
  readonly kind: "git" | "hg" | "svn";
  readonly url: string;
  /** A branch, a tag or a commit; of Subversion a revision's number; "" for what the repository has checked out. */
  readonly ref: string;
}

export interface RepositoryFetched extends Fetched {
  /** 40 hex digits; of Subversion a number. */
  readonly commit: string;
}

type Run = (args: readonly string[]) => Promise<ClientEnd>;

interface Client {
  /** For messages. */
  readonly title: string;
  /** Variables that keep it from asking: nobody is there to answer. */
  vars(vars: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>>;
  /** Into the folder `repo`. */
  fetch(ref: RepositoryRef, run: Run): Promise<ClientEnd>;
  /** Prints the commit that is checked out. */
  readonly head: readonly string[];
}

const CLIENTS: Readonly<Record<RepositoryRef["kind"], Client>> = {
  git: {
    title: "git",
    vars: (vars) => ({ GIT_TERMINAL_PROMPT: "0", GIT_SSH_COMMAND: vars["GIT_SSH_COMMAND"] ?? "ssh -oBatchMode=yes" }),
    fetch: clone,
    head: ["-C", "repo", "rev-parse", "HEAD"],
  },
  hg: {
    title: "hg (Mercurial)",
    vars: () => ({ HGPLAIN: "1" }),
    fetch: ({ url, ref }, run) =>
      run(["clone", "--noninteractive", "--quiet", ...(ref === "" ? [] : ["--updaterev", ref]), "--", url, "repo"]),
    head: ["log", "-R", "repo", "-r", ".", "-T", "{node}"],
  },
  svn: {
    title: "svn (Subversion)",
    vars: () => ({}),
    // An @ of the address would be taken for a peg revision.
    fetch: ({ url, ref }, run) =>
      run(["checkout", "--non-interactive", "--quiet", "-r", ref === "" ? "HEAD" : ref, "--", `${url}@`, "repo"]),
    head: ["info", "--show-item", "last-changed-revision", "--no-newline", "repo"],
  },
};

let counter = 0;

/** null: it is no repository's address. Code: source.syntax (exit 3), an address that a client would take for an option. */
export function parseRepository(text: string): Result<RepositoryRef> | null {
  const match = /^(git|hg|svn)\+([^#]*)(?:#(.*))?$/s.exec(text);
  if (match === null) return null;
  const [kind, url, ref] = [match[1] as RepositoryRef["kind"], match[2] ?? "", match[3] ?? ""];
  const isRef = !/^-|[\x00-\x20]|\.\./.test(ref) && (kind !== "svn" || /^\d*$/.test(ref));
  if (url !== "" && !/^-|[\x00-\x20]/.test(url) && isRef) return { ok: true, value: { kind, url, ref } };
  const hint = kind === "svn" ? "expected svn+https://HOST/PATH#REVISION, a number" : `expected ${kind}+https://HOST/PATH#TAG`;
  return fail(failure("source.syntax", 3, `"${text.slice(0, 100)}" is no address of a repository`, { hint }));
}

/** Codes: source.no-client, .no-network, .not-found, .denied, .failed, fetch.offline, fetch.aborted, fetch.write; exit 4, with the client's own last lines. */
export async function fetchRepository(
  ref: RepositoryRef,
  context: FetchContext,
  vars: Readonly<Record<string, string | undefined>>,
): Promise<Result<RepositoryFetched>> {
  const { kind } = ref;
  const label = `${kind}+${ref.url}${ref.ref === "" ? "" : `#${ref.ref}`}`;
  if (context.network === null)
    return fail(failure("fetch.offline", 4, `${label} is not here, and fb is offline`, { hint: "run once without --offline" }));
  const client = CLIENTS[kind];
  const program = findProgram([kind], vars);
  if (program === null)
    return fail(
      failure("source.no-client", 4, `${label} needs ${client.title}, which is not on PATH`, {
        hint: `install ${client.title}, or name an archive of it`,
      }),
    );
  const folder = join(context.downloads, `.part-${partialKey(label, null)}-${processName()}-g${counter++}`);
  const run: Run = (args) =>
    runClient({
      argv: [program, ...args],
      folder,
      vars: { ...vars, ...client.vars(vars) },
      signal: context.signal,
      onBytes: (bytes) => context.onProgress(bytes, null),
    });
  try {
    workFolder(folder);
    const fetched = await client.fetch(ref, run);
    if (fetched.aborted) return fail(interrupted(label));
    if (fetched.code !== 0) return fail(troubleOf(label, kind, fetched));
    const head = await run(client.head);
    if (head.aborted) return fail(interrupted(label));
    if (head.code !== 0) return fail(troubleOf(label, kind, head));
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
async function clone({ url, ref }: RepositoryRef, run: Run): Promise<ClientEnd> {
  const quiet = ["-c", "advice.detachedHead=false", "clone", "--quiet"];
  const shallow = ["--depth", "1", "--shallow-submodules", "--recurse-submodules"];
  if (!/^[0-9a-f]{7,40}$/.test(ref)) return run([...quiet, ...shallow, ...(ref === "" ? [] : ["--branch", ref]), "--", url, "repo"]);
  const all = await run([...quiet, "--no-checkout", "--", url, "repo"]);
  if (all.code !== 0) return all;
  const checked = await run(["-C", "repo", "-c", "advice.detachedHead=false", "checkout", "--quiet", ref, "--"]);
  return checked.code === 0 ? run(["-C", "repo", "submodule", "--quiet", "update", "--init", "--recursive"]) : checked;
}

/** The clients' own folders. */
const OWN: ReadonlySet<string> = new Set([".git", ".hg", ".svn"]);

/** A tar of a folder's files in their order, without owners, times and what is the client's own. */
async function pack(folder: string, to: string): Promise<void> {
  const { create } = await import("tar");
  const paths: string[] = [];
  const walk = (at: string): void => {
    for (const entry of readdirSync(join(folder, at), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (OWN.has(entry.name)) continue;
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

function troubleOf(label: string, kind: RepositoryRef["kind"], end: ClientEnd): Failure {
  const said = end.lastLines.slice(-6).join("\n  ");
  const make = (code: string, what: string, hint: string) => failure(code, 4, `${label}: ${what}\n  ${said}`, { hint });
  if (
    /could not resolve host|network is unreachable|could not connect|failed to connect|connection (refused|timed out)|no route to host|name or service not known|unable to connect|temporary failure in name/i.test(
      said,
    )
  )
    return make(
      "source.no-network",
      "its host can not be reached",
      `connect to the network, or configure ${kind}'s own proxy, or map the url in [mirrors]`,
    );
  if (/remote branch .* not found|pathspec .* did not match|unknown revision|reference is not a tree|no such revision/i.test(said))
    return make("source.not-found", "the repository has no such branch, tag or commit", "look at what stands behind the #");
  if (/authentication failed|could not read username|permission denied|access denied|403|authorization (failed|required)/i.test(said))
    return make("source.denied", "the repository wants a login", `give ${kind} credentials for it (its own configuration, an ssh key)`);
  if (/not found|does not exist|not appear to be a git repository|doesn't exist|no such repository|unable to open|404/i.test(said))
    return make("source.not-found", "there is no such repository", "correct the address");
  return make("source.failed", `${kind} failed (${end.code === null ? "it was killed" : `exit ${end.code}`})`, "try its command by hand");
}
