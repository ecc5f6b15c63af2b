/**
 * Why a command did not start, from the files and not from a shell's text (which is in the user's language).
 *
 * A shell says 127 for ENOENT and 126 for EACCES, ENOEXEC and E2BIG, and so may a program of its own; so the reason must be seen on disk, else the code is taken
 * for the program's. 2 is what dash ends with after it has tried to read a foreign binary as a script.
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Bytes that Linux takes in one argument (MAX_ARG_STRLEN, execve(2)), the closing zero included. */
const ONE_ARGUMENT = 131_072;
/** ELF e_machine by Node's name of the processor. */
const MACHINES: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  ia32: 3,
  arm: 40,
  riscv64: 243,
  ppc64: 21,
  s390x: 22,
  loong64: 258,
};

export interface Started {
  readonly argv: readonly string[];
  /** The whole environment that the command was given. */
  readonly vars: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What can be said without trying; null if it may start. */
export function whyNever(argv: readonly string[], vars: Readonly<Record<string, string>>): string | null {
  const program = argv[0];
  if (program === undefined || program === "") return "the command is empty; give it a program to run";
  if (program.startsWith("-")) return `the program's name ${program} begins with "-"; name it with its folder`;
  const bad = argv.findIndex((a) => a.includes("\0"));
  if (bad >= 0) return `argument ${bad} of ${program} holds a zero byte, which no command line can carry`;
  for (const [name, value] of Object.entries(vars)) {
    if (name === "" || /[=\0]/.test(name)) return `"${name}" cannot be the name of an environment variable`;
    if (value.includes("\0")) return `the environment variable ${name} holds a zero byte, which none can carry`;
  }
  return null;
}

/** `code`: what the shell said. Null: it did start, and the code is its own. */
export function whyUnstarted(command: Started, code: number): string | null {
  if (code !== 126 && code !== 127 && code !== 2) return null;
  const name = command.argv[0] ?? "";
  const found = find(name, command);
  if (code === 2) return found === null ? null : whyForeign(found, name);
  if (found === null) {
    if (name.includes("/")) return `${name} is not there; install the package it belongs to, or correct the path`;
    return `${name} was not found on PATH (${command.vars.PATH ?? "which is not set"}); install it, or name it with its folder`;
  }
  const s = fs.statSync(found, { throwIfNoEntry: false });
  if (s?.isDirectory()) return `${found} is a folder, not a program`;
  try {
    fs.accessSync(found, fs.constants.X_OK);
  } catch {
    return `${found} may not be executed; make it executable (chmod +x) and see that its disk is not mounted noexec`;
  }
  return whyForeign(found, name) ?? whyTooLong(command) ?? whyInterpreter(found);
}

/** For a failed execve(2) whose errno is known. */
export function whyErrno(command: Started, code: string): string {
  const name = command.argv[0] ?? "";
  if (code === "E2BIG") return whyTooLong(command) ?? `the command line of ${name} is too long; use a response file`;
  return whyUnstarted(command, code === "ENOENT" ? 127 : 126) ?? `${name} could not be started (${code})`;
}

function find(name: string, { vars, cwd }: Started): string | null {
  if (name.includes("/")) {
    const at = path.resolve(cwd, name);
    return fs.existsSync(at) ? at : null;
  }
  let refused: string | null = null;
  for (const folder of (vars.PATH ?? "/usr/bin:/bin").split(path.delimiter)) {
    const at = path.resolve(cwd, folder, name);
    if (!fs.statSync(at, { throwIfNoEntry: false })?.isFile()) continue;
    try {
      fs.accessSync(at, fs.constants.X_OK);
      return at;
    } catch {
      refused ??= at;
    }
  }
  return refused;
}

function head(file: string): Buffer {
  try {
    const fd = fs.openSync(file, "r");
    try {
      const buffer = Buffer.alloc(4096);
      return buffer.subarray(0, fs.readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

function whyForeign(file: string, name: string): string | null {
  const bytes = head(file);
  const machine = MACHINES[process.arch];
  if (process.platform !== "linux" || bytes.length < 20 || bytes.toString("latin1", 0, 4) !== "\x7fELF" || machine === undefined)
    return null;
  const built = bytes[5] === 2 ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18);
  if (built === machine || (process.arch === "x64" && built === MACHINES.ia32)) return null;
  const other = Object.entries(MACHINES).find(([, m]) => m === built)?.[0] ?? `processor ${built}`;
  return `${name} is built for ${other}, this machine is ${process.arch}; use a package for this machine (\`--packages system\`)`;
}

function whyTooLong({ argv, vars }: Started): string | null {
  let total = 0;
  for (const [i, a] of argv.entries()) {
    const bytes = Buffer.byteLength(a) + 1;
    if (bytes > ONE_ARGUMENT)
      return `argument ${i} of ${argv[0]} is ${bytes - 1} bytes long, the system takes ${ONE_ARGUMENT - 1}; use a response file`;
    total += bytes + 8;
  }
  for (const [name, value] of Object.entries(vars)) {
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
    if (bytes > ONE_ARGUMENT)
      return `the environment variable ${name} is ${bytes} bytes long, the system takes ${ONE_ARGUMENT - 1}; shorten it`;
    total += bytes + 8;
  }
  return total > ONE_ARGUMENT ? `the command line of ${argv[0]} has ${total} bytes, more than the system takes; use a response file` : null;
}

/** The interpreter that a script or an ELF file names and that is not there: a 32-bit toolchain on a system without 32-bit libraries says ENOENT of itself. */
function whyInterpreter(file: string): string | null {
  const text = head(file).toString("latin1");
  const script = /^#![ \t]*([^ \t\r\n]+)(\r?)/.exec(text);
  const named = script?.[1] ?? (text.startsWith("\x7fELF") ? /(\/[\w./-]*\/ld[\w.-]*\.so[\w.]*)\0/.exec(text)?.[1] : undefined);
  if (named === undefined) return null;
  if (script?.[2] === "\r")
    return `${file} has Windows line ends, so its interpreter "${named}\\r" is not found; convert it to Unix line ends`;
  if (fs.existsSync(named)) return null;
  const hint = script
    ? "install it, or correct the first line"
    : "install the system's 32-bit C library (libc6-i386, or glibc.i686), or another package of the tool";
  return `${file} needs ${named}, which is not there; ${hint}`;
}
