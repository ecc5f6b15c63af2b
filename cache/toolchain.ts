/**
 * What a gcc toolchain is: version, digest, where it searches by itself, which of fb's flags it takes. Found out by asking it, then remembered.
 *
 * Asking costs some twenty processes and the hashing of 50 MB, at once on two cores (0.1 s); remembering costs one stat a guarded file (about twenty). The memo has, by the
 * spelling of the programs and the flags that choose a multilib, what was found with the signatures of all files that it was derived from; a signature
 * that differs means asking again. The digest covers content only, so the same toolchain elsewhere has the same digest: the programs that rules call,
 * what the driver runs (cc1, cc1plus, lto1, collect2, lto-wrapper, as, ld, the linker's plugin) and the specs that it reads. Libraries and start
 * files are reads of each link (`-Wl,-t`), headers are reads of each compile.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import { hashFile } from "./blobs.ts";
import type { Digest, Failure, Memo, Result, Signature } from "../engine/types.ts";

export interface ToolchainIo {
  sign(path: string): Signature | null;
  realpath(path: string): string | null;
  /** Runs in the project's folder with LC_ALL=C.UTF-8 and nothing else, as actions do. */
  exec(argv: readonly string[]): Answer;
  /** The same for many, at once, while this process goes on. */
  execAll(argvs: readonly (readonly string[])[]): Promise<readonly Answer[]>;
  sha256(data: Uint8Array | string): Digest;
}

/** How a program ended, and what it said. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolchainAsk {
  /** The C and C++ drivers as commands name them: an absolute path, or one below `.fb/pkg`. */
  readonly cc: string;
  readonly cxx: string;
  /** Further programs that rules call, as commands name them; those that are not there are left out. */
  readonly programs: readonly string[];
  /** Flags that choose a multilib (`-mmcu=atmega328p`). */
  readonly arch: readonly string[];
  /** Flags that hide places (`-no-canonical-prefixes`), since they change how folders are spelled. */
  readonly hide: readonly string[];
  /** Flags to try one by one. */
  readonly tries: readonly string[];
  /** For messages: the package's name. */
  readonly name: string;
  /** What predefines() will be asked for: asked along, since then it costs nothing. */
  readonly macros: Macros | null;
}

/** `driver` is how commands name it, `flags` those that choose macros (`-mmcu`, `-std`, `-O`). */
export interface Macros {
  readonly driver: string;
  readonly language: "c" | "c++";
  readonly flags: readonly string[];
}

export interface Guarded {
  readonly path: string;
  /** From before it was read, as signed() writes it. */
  readonly signature: string;
}

export interface Toolchain {
  /** As `-dumpversion` says: `5.4.0`. */
  readonly version: string;
  readonly digest: Digest;
  /** Absolute, links resolved: the files (and folders in which the compiler looks for its parts) whose signatures vouch for all of this. */
  readonly guards: readonly Guarded[];
  /** Built-in include folders in lookup order, spelled as depfiles spell them. */
  readonly includesC: readonly string[];
  readonly includesCxx: readonly string[];
  /** Built-in library folders of the link, in lookup order. */
  readonly libraries: readonly string[];
  /** Of `tries` those that C and C++ take without a word. */
  readonly accepted: readonly string[];
}

/** Part of every memo key: another number when what is remembered changes. */
const SCHEMA = 2;

/** From the memo where every guarded file is as it was, else by asking. Failure `toolchain.probe` (exit 4): the compiler does not run or does not answer as gcc. */
export async function probeToolchain(ask: ToolchainAsk, io: ToolchainIo, memo: Memo): Promise<Result<Toolchain>> {
  const name = `toolchain:${SCHEMA}:${JSON.stringify([ask.cc, ask.cxx, ask.programs, ask.arch, ask.hide, ask.tries, io.realpath(ask.cc), io.realpath(ask.cxx)])}`;
  const known = memo.value(name);
  if (known !== undefined) {
    const kept = JSON.parse(known) as Toolchain;
    if (isAsProbed(kept, io)) return ok(kept);
  }
  const found = await askToolchain(ask, io, memo);
  if (!found.ok) return found;
  memo.setValue(name, JSON.stringify(found.value));
  return found;
}

/** The macros that the compiler defines by itself, as `#define` lines. Remembered by the toolchain's digest. */
export function predefines(toolchain: Toolchain, macros: Macros, io: ToolchainIo, memo: Memo): Result<string> {
  const known = memo.value(macrosName(toolchain, macros));
  if (known !== undefined) return ok(known);
  return keepMacros(toolchain, macros, io.exec(macrosQuestion(macros)), memo);
}

function macrosName({ digest }: Toolchain, { language, flags }: Macros): string {
  return `predefines:${SCHEMA}:${JSON.stringify([digest, language, flags])}`;
}

function macrosQuestion({ driver, language, flags }: Macros): readonly string[] {
  return [driver, ...flags, "-dM", "-E", "-x", language, "/dev/null"];
}

function keepMacros(toolchain: Toolchain, macros: Macros, ran: Answer, memo: Memo): Result<string> {
  if (ran.code !== 0) return fail(silent(macros.driver, "to list its macros", ran));
  memo.setValue(macrosName(toolchain, macros), ran.stdout);
  return ok(ran.stdout);
}

/** Whether everything that the probe looked at is as it was then. */
export function isAsProbed({ guards }: Toolchain, io: Pick<ToolchainIo, "sign">): boolean {
  return guards.every(({ path, signature }) => signed(path, io) === signature);
}

function signed(path: string, io: Pick<ToolchainIo, "sign">): string {
  const s = io.sign(path);
  return s === null ? "" : [s.dev, s.ino, s.size, s.mtimeNs, s.ctimeNs].join(" ");
}

/** What the driver runs. cc1plus is not there where only C is installed; ar is run by gcc-ar. */
const RUNS = ["cc1", "cc1plus", "lto1", "collect2", "lto-wrapper", "as", "ld", "ar", "nm"];
/** Where a driver without PATH finds programs that it knows by bare name (execvp's default). */
const BARE = ["/bin", "/usr/bin"];

async function askToolchain(ask: ToolchainAsk, io: ToolchainIo, memo: Memo): Promise<Result<Toolchain>> {
  const { cc, cxx, arch, hide, macros } = ask;
  const files = new Set<string>();
  const add = (path: string): void => {
    const candidates = path.includes("/") ? [path] : BARE.map((folder) => `${folder}/${path}`);
    const real = candidates.map((each) => io.realpath(each)).find((each) => each !== null && io.sign(each) !== null);
    if (real !== undefined && real !== null) files.add(real);
  };
  const signatures = new Map<string, string>();
  const digests = new Map<string, Digest>();
  const hashThem = (): void => {
    for (const path of files) {
      if (digests.has(path)) continue;
      // Before the content is read, so that a change while it is read is seen next time.
      signatures.set(path, signed(path, io));
      digests.set(path, digestOf(path, io, memo));
    }
  };

  // Which programs the driver runs is asked first: they are hashed while it answers the rest.
  const programs = io.execAll([
    ...RUNS.map((program) => [cc, ...hide, `-print-prog-name=${program}`]),
    // Beside the libraries in older versions, beside cc1 in others.
    ...["file", "prog"].map((kind) => [cc, ...arch, ...hide, `-print-${kind}-name=liblto_plugin.so`]),
  ]);
  for (const program of [cc, cxx, ...ask.programs]) add(program);
  hashThem();
  const named = (await programs).map((ran) => ran.stdout.trim());
  for (const path of named.slice(0, RUNS.length)) if (path !== "") add(path);
  for (const path of named.slice(RUNS.length)) if (path.includes("/")) add(path);
  const others = io.execAll([
    [cc, "-dumpversion"],
    [cc, "-dumpfullversion"],
    [cc, ...arch, ...hide, "-E", "-v", "-x", "c", "/dev/null"],
    [cxx, ...arch, ...hide, "-E", "-v", "-x", "c++", "/dev/null"],
    [cc, ...arch, ...hide, "-print-search-dirs"],
    ...(macros === null ? [] : [macrosQuestion(macros)]),
  ]);
  hashThem();
  const [version = NONE, full = NONE, c = NONE, cxxRan = NONE, folders = NONE, defined = NONE] = await others;

  if (version.code !== 0) return fail(silent(cc, "for its version", version));
  const number = (full.code === 0 && full.stdout.trim() !== "" ? full.stdout : version.stdout).trim();
  if (!/^\d+(\.\d+)*/.test(number)) return fail(silent(cc, "for its version", version));

  if (c.code !== 0) return fail(silent(cc, "where it looks for headers", c));
  if (cxxRan.code !== 0) return fail(silent(cxx, "where it looks for headers", cxxRan));
  // Without these a header that appears before a built-in one would go unseen, so an answer without them is none.
  for (const [driver, ran] of [
    [cc, c],
    [cxx, cxxRan],
  ] as const)
    if (searched(ran.stderr).length === 0) return fail(silent(`${driver} -E -v`, "for its search list on stderr", ran));
  for (const line of `${c.stderr}\n${cxxRan.stderr}`.split("\n")) {
    const specs = /^Reading specs from (.+)$/.exec(line)?.[1];
    if (specs !== undefined) add(specs);
    // Behind a wrapper (ccache's, a script) it is the driver's own name.
    const driver = /^COLLECT_GCC=(.+)$/.exec(line)?.[1];
    if (driver !== undefined) add(driver);
  }
  hashThem();

  const accepted = await taken(ask, io, isQuiet(c.stderr) && isQuiet(cxxRan.stderr));
  if (!accepted.ok) return accepted;

  // A specs file, or a program, that appears where the compiler looks for one is read without being named: adding one changes the folder's times.
  const install = /^install: (.+)$/m.exec(folders.stdout)?.[1];
  const prefixes = /^programs: =?(.+)$/m.exec(folders.stdout)?.[1]?.split(":") ?? [];
  const homes = new Set([...(install === undefined ? [] : [install]), ...prefixes].flatMap((folder) => io.realpath(folder) ?? []));
  for (const home of homes) signatures.set(home, signed(home, io));
  const hashed = [...files].sort();
  const lines = hashed.map((path) => `${path.slice(path.lastIndexOf("/") + 1)} ${digests.get(path)}`).sort();
  const toolchain: Toolchain = {
    version: number,
    digest: io.sha256(`gcc ${number}\n${lines.join("\n")}\n`),
    guards: [...hashed, ...homes].map((path) => ({ path, signature: signatures.get(path) ?? "" })),
    includesC: searched(c.stderr),
    includesCxx: searched(cxxRan.stderr),
    libraries: libraryFolders(folders.stdout),
    accepted: accepted.value,
  };
  if (macros !== null && defined.code === 0) keepMacros(toolchain, macros, defined, memo);
  return ok(toolchain);
}

const NONE: Answer = { code: 127, stdout: "", stderr: "" };

/** Of the flags to try those that both compilers take. allHidden: they took all of `hide` when they were asked for their folders. */
async function taken(
  { cc, cxx, arch, hide, tries }: ToolchainAsk,
  io: ToolchainIo,
  allHidden: boolean,
): Promise<Result<readonly string[]>> {
  const open = tries.filter((flag) => !allHidden || !hide.includes(flag));
  if (open.length === 0) return ok(tries);
  const answers = await io.execAll([
    ...open.map((flag) => [cc, ...arch, flag, "-E", "-x", "c", "/dev/null"]),
    ...open.map((flag) => [cxx, ...arch, flag, "-E", "-x", "c++", "/dev/null"]),
  ]);
  const refused = new Set<string>();
  for (const [i, ran] of answers.entries()) {
    const flag = open[i % open.length] ?? "";
    if (takes(ran)) continue;
    // A compiler that was killed, or found no memory, has refused nothing: to remember that would make other builds than elsewhere.
    if (ran.code !== 0 && !ran.stderr.includes(flag.split("=")[0] ?? flag))
      return fail(silent(i < open.length ? cc : cxx, `for ${flag}`, ran));
    refused.add(flag);
  }
  return ok(tries.filter((flag) => !refused.has(flag)));
}

/** Of an answer to a flag. clang only warns of one that it does not know. */
function takes(ran: Answer | undefined): boolean {
  return ran?.code === 0 && isQuiet(ran.stderr);
}

function isQuiet(log: string): boolean {
  return !/unknown|unrecogni[sz]ed|unused/.test(log);
}

/** The digest of a file's content; the memo's where it knows the signature. */
function digestOf(path: string, io: ToolchainIo, memo: Memo): Digest {
  const signature = io.sign(path);
  const known = signature === null ? undefined : memo.digest(path, signature);
  if (known !== undefined) return known;
  const digest = hashFile(path).digest as Digest;
  if (signature !== null) memo.remember(path, signature, digest);
  return digest;
}

/** The folders that `-E -v` lists (gcc and clang): for `"…"` first, there are none built in, then for `<…>`. */
function searched(log: string): string[] {
  const lines = log.split("\n");
  const from = lines.findIndex((line) => line.startsWith("#include <...>"));
  const to = lines.findIndex((line) => line.startsWith("End of search list"));
  if (from < 0 || to < from) return [];
  // clang marks a folder of frameworks, in which headers are not found by their path.
  return lines
    .slice(from + 1, to)
    .map((line) => line.trim())
    .filter((line) => !line.endsWith("(framework directory)"));
}

/** `libraries: =A:B` of -print-search-dirs. */
function libraryFolders(text: string): string[] {
  const line = text.split("\n").find((each) => each.startsWith("libraries: ="));
  return line === undefined
    ? []
    : line
        .slice("libraries: =".length)
        .split(":")
        .map((folder) => folder.replace(/\/+$/, ""));
}

function silent(driver: string, about: string, ran: { readonly code: number; readonly stderr: string }): Failure {
  const said = ran.stderr.trim().split("\n")[0] ?? "";
  const message = `asked ${driver} ${about}: it exited with ${ran.code}${said === "" ? "" : ` and said "${said}"`}`;
  return failure("toolchain.probe", 4, message, {
    hint: "expected a gcc (or clang) that runs on this machine: install it again, or name another with platform_packages",
  });
}
