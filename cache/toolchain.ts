/**
 * What a gcc toolchain is: version, digest, where it searches by itself, which of fb's flags it takes. Found out by asking it, then remembered.
 *
 * Asking costs some twenty processes and the hashing of 50 MB (0.3 s); remembering costs one stat a guarded file (about twenty). The memo has, by the
 * spelling of the programs and the flags that choose a multilib, what was found with the signatures of all files that it was derived from; a signature
 * that differs means asking again. The digest covers content only, so the same toolchain elsewhere has the same digest: the programs that rules call,
 * what the driver runs (cc1, cc1plus, lto1, collect2, lto-wrapper, as, ld, the linker's plugin) and the specs that it reads. Libraries and start
 * files are reads of each link (`-Wl,-t`), headers are reads of each compile.
 */
import { fail, failure, ok } from "../engine/failure.ts";
import type { Digest, Failure, Memo, Result, Signature } from "../engine/types.ts";

export interface ToolchainIo {
  sign(path: string): Signature | null;
  /** Content of a file that is there. */
  read(path: string): Uint8Array;
  realpath(path: string): string | null;
  /** Runs in the project's folder with LC_ALL=C.UTF-8 and nothing else, as actions do. */
  exec(argv: readonly string[]): Answer;
  /** The same for many, at once. */
  execAll(argvs: readonly (readonly string[])[]): readonly Answer[];
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
}

export interface Toolchain {
  /** As `-dumpversion` says: `5.4.0`. */
  readonly version: string;
  readonly digest: Digest;
  /** Absolute, links resolved: the files (and the compiler's own folder) whose signatures vouch for all of this. */
  readonly guards: readonly string[];
  /** Built-in include folders in lookup order, spelled as depfiles spell them. */
  readonly includesC: readonly string[];
  readonly includesCxx: readonly string[];
  /** Built-in library folders of the link, in lookup order. */
  readonly libraries: readonly string[];
  /** Of `tries` those that C and C++ take without a word. */
  readonly accepted: readonly string[];
}

/** Part of every memo key: another number when what is remembered changes. */
const SCHEMA = 1;

/** From the memo where every guarded file is as it was, else by asking. Failure `toolchain.probe` (exit 4): the compiler does not run or does not answer as gcc. */
export function probeToolchain(ask: ToolchainAsk, io: ToolchainIo, memo: Memo): Result<Toolchain> {
  const name = `toolchain:${SCHEMA}:${JSON.stringify([ask.cc, ask.cxx, ask.programs, ask.arch, ask.hide, ask.tries, io.realpath(ask.cc), io.realpath(ask.cxx)])}`;
  const known = memo.value(name);
  if (known !== undefined) {
    const kept = JSON.parse(known) as Kept;
    if (kept.signatures.every(([path, signature]) => signed(path, io) === signature)) return ok(kept.toolchain);
  }
  const found = askToolchain(ask, io, memo);
  if (!found.ok) return found;
  memo.setValue(name, JSON.stringify(found.value));
  return ok(found.value.toolchain);
}

/**
 * The macros that the compiler defines by itself, as `#define` lines. `driver` is how commands name it, `flags` those that choose macros (`-mmcu`, `-std`, `-O`).
 * Remembered by the toolchain's digest.
 */
export function predefines(
  toolchain: Toolchain,
  driver: string,
  language: "c" | "c++",
  flags: readonly string[],
  io: ToolchainIo,
  memo: Memo,
): Result<string> {
  const name = `predefines:${SCHEMA}:${JSON.stringify([toolchain.digest, language, flags])}`;
  const known = memo.value(name);
  if (known !== undefined) return ok(known);
  const ran = io.exec([driver, ...flags, "-dM", "-E", "-x", language, "/dev/null"]);
  if (ran.code !== 0) return fail(silent(driver, "to list its macros", ran));
  memo.setValue(name, ran.stdout);
  return ok(ran.stdout);
}

interface Kept {
  readonly signatures: readonly (readonly [path: string, signature: string])[];
  readonly toolchain: Toolchain;
}

function signed(path: string, io: ToolchainIo): string {
  const s = io.sign(path);
  return s === null ? "" : [s.dev, s.ino, s.size, s.mtimeNs, s.ctimeNs].join(" ");
}

/** What the driver runs. cc1plus is not there where only C is installed; ar is run by gcc-ar. */
const RUNS = ["cc1", "cc1plus", "lto1", "collect2", "lto-wrapper", "as", "ld", "ar", "nm"];
/** Where a driver without PATH finds programs that it knows by bare name (execvp's default). */
const BARE = ["/bin", "/usr/bin"];

function askToolchain(ask: ToolchainAsk, io: ToolchainIo, memo: Memo): Result<Kept> {
  const { cc, cxx } = ask;
  const { version, full, c, cxx: cxxRan, folders, programs: runs, plugins, accepted } = answers(ask, io);
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

  const files = new Set<string>();
  const add = (path: string): void => {
    const candidates = path.includes("/") ? [path] : BARE.map((folder) => `${folder}/${path}`);
    const real = candidates.map((each) => io.realpath(each)).find((each) => each !== null && io.sign(each) !== null);
    if (real !== undefined && real !== null) files.add(real);
  };
  for (const program of [cc, cxx, ...ask.programs]) add(program);
  for (const program of runs) add(program.stdout.trim());
  for (const plugin of plugins) if (plugin.stdout.includes("/")) add(plugin.stdout.trim());
  for (const line of `${c.stderr}\n${cxxRan.stderr}`.split("\n")) {
    const specs = /^Reading specs from (.+)$/.exec(line)?.[1];
    if (specs !== undefined) add(specs);
  }

  // A specs file that appears in the compiler's own folder is read without being named: adding one changes the folder's times.
  const install = /^install: (.+)$/m.exec(folders.stdout)?.[1];
  const home = install === undefined ? null : io.realpath(install);
  const programs = [...files].sort();
  const guards = home === null ? programs : [...programs, home];
  // Before the content is read, so that a change while it is read is seen next time.
  const signatures = guards.map((path) => [path, signed(path, io)] as const);
  const lines = programs.map((path) => `${path.slice(path.lastIndexOf("/") + 1)} ${digestOf(path, io, memo)}`).sort();
  const toolchain: Toolchain = {
    version: number,
    digest: io.sha256(`gcc ${number}\n${lines.join("\n")}\n`),
    guards,
    includesC: searched(c.stderr),
    includesCxx: searched(cxxRan.stderr),
    libraries: libraryFolders(folders.stdout),
    accepted,
  };
  return ok({ signatures, toolchain });
}

interface Answers {
  readonly version: Answer;
  readonly full: Answer;
  readonly c: Answer;
  readonly cxx: Answer;
  readonly folders: Answer;
  readonly programs: readonly Answer[];
  readonly plugins: readonly Answer[];
  readonly accepted: readonly string[];
}

/** All there is to ask, asked at once: one after the other it takes a third of a cold build of blink. */
function answers({ cc, cxx, arch, hide, tries }: ToolchainAsk, io: ToolchainIo): Answers {
  const asked = [
    [cc, "-dumpversion"],
    [cc, "-dumpfullversion"],
    [cc, ...arch, ...hide, "-E", "-v", "-x", "c", "/dev/null"],
    [cxx, ...arch, ...hide, "-E", "-v", "-x", "c++", "/dev/null"],
    [cc, ...arch, ...hide, "-print-search-dirs"],
    ...RUNS.map((program) => [cc, ...hide, `-print-prog-name=${program}`]),
    // Beside the libraries in older versions, beside cc1 in others.
    ...["file", "prog"].map((kind) => [cc, ...arch, ...hide, `-print-${kind}-name=liblto_plugin.so`]),
    ...tries.map((flag) => [cc, ...arch, flag, "-E", "-x", "c", "/dev/null"]),
    ...tries.map((flag) => [cxx, ...arch, flag, "-E", "-x", "c++", "/dev/null"]),
  ];
  const [version, full, c, cxxRan, folders, ...more] = io.execAll(asked);
  if (version === undefined || full === undefined || c === undefined || cxxRan === undefined || folders === undefined)
    throw new Error("fewer answers than questions");
  const cut = (count: number) => more.splice(0, count);
  const programs = cut(RUNS.length);
  const plugins = cut(2);
  const inC = cut(tries.length);
  const accepted = tries.filter((_, i) => takes(inC[i]) && takes(more[i]));
  return { version, full, c, cxx: cxxRan, folders, programs, plugins, accepted };
}

/** Of an answer to a flag. clang only warns of one that it does not know. */
function takes(ran: Answer | undefined): boolean {
  return ran?.code === 0 && !/unknown|unrecogni[sz]ed|unused/.test(ran.stderr);
}

/** The digest of a file's content; the memo's where it knows the signature. */
function digestOf(path: string, io: ToolchainIo, memo: Memo): Digest {
  const signature = io.sign(path);
  const known = signature === null ? undefined : memo.digest(path, signature);
  if (known !== undefined) return known;
  const digest = io.sha256(io.read(path));
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
