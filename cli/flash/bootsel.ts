/**
 * Uploads to boards with an RP2040 or RP2350, which take programs in their boot ROM's loader ("BOOTSEL"): by picotool, or as UF2 files on the drive that the loader is. Whoever calls has touched
 * the serial port at 1200 baud where there was one, after which a program of the Arduino core goes there; without a port a person has held the button. `fb tool picotool`, `fb tool drive`.
 */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, statSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { fail, failure, ok } from "../../engine/failure.ts";
import type { Failure, Result } from "../../engine/types.ts";
import { clock } from "../host/clock.ts";
import type { InnerSurroundings, InnerUpload } from "./inner.ts";
import { runUploader } from "./uploader.ts";
import { isNet, sendImage } from "./virtual.ts";

/** So long a board may take until it is found as what it is in its loader (PlatformIO waits 3 s for picotool; drives are mounted by a desktop), and how often it is looked for. */
const PICOTOOL_MS = 3000;
const DRIVE_MS = 10_000;
const LOOK_MS = 250;
/** What a UF2 drive has. */
const INFO = "INFO_UF2.TXT";
const PIECE = 64 * 1024;
const HOLD = "hold the BOOTSEL button while you plug the board in";

interface Wanted {
  /** "": none; HOST:PORT: a virtual board; else a serial port or, for drive, a folder. */
  readonly port: string;
  /** A UF2 file. */
  readonly image: string;
  readonly command: readonly string[];
}

/** `--port PORT --image FILE`, then for picotool `-- COMMAND…`, for drive `-- FILE…`: files of which a board's drive has one, where it is no UF2 loader's. */
function wantedOf(args: readonly string[]): Wanted | null {
  const [a, port, b, image, dashes, ...command] = args;
  const sound = a === "--port" && b === "--image" && (dashes === undefined || (dashes === "--" && command.length > 0));
  return sound && port !== undefined && image !== undefined ? { port, image, command } : null;
}

function usage(name: string, rest: string): Result<string> {
  return fail(failure("tool.usage", 2, `usage: fb tool ${name} --port PORT --image UF2${rest}`));
}

/** Failures (exit 5): `flash.no-bootsel`, `flash.failed`, `flash.not-started`; those of a virtual board. */
export const picotool: InnerUpload = async (args, around) => {
  const wanted = wantedOf(args);
  const [program = ""] = wanted?.command ?? [];
  if (wanted === null || program === "") return usage("picotool", " -- PICOTOOL ARGUMENT…");
  if (isNet(wanted.port)) return toVirtual(wanted, around);
  // Its own message tells more than a wait that was for nothing.
  await until(() => /^\s*type:/m.test(spawnSync(program, ["info", "-d"], { encoding: "utf8" }).stdout ?? ""), PICOTOOL_MS, around);
  const { folder, stop, uploader, onProgress } = around;
  const end = await runUploader({
    vars: {},
    argv: wanted.command,
    cwd: folder,
    uploader,
    idle: uploader.idle * around.patience,
    stop,
    onProgress,
  });
  if (end.why === "exited" && end.code === 0) return ok(end.output);
  const said = end.output.trim().split("\n").at(-1) ?? "";
  if (end.why === "not-started")
    return fail(bad("flash.not-started", `picotool could not be started: ${said}`, "fb doctor checks the tools"));
  if (/no (accessible )?RP|no device|BOOTSEL/i.test(end.output)) {
    const rights = /permission|accessible/i.test(end.output) ? "; on Linux a udev rule lets users reach it" : "";
    return fail(bad("flash.no-bootsel", `picotool found no board in its loader (${said})`, `${HOLD}, then run it again${rights}`));
  }
  const why = end.why === "exited" ? `ended with exit code ${end.code}` : `said nothing for ${uploader.idle} s and was ended`;
  return fail(bad("flash.failed", `picotool ${why}${said === "" ? "" : ` (${said})`}`, "fb run -v shows its command and all that it said"));
};

/** Failures (exit 5): `flash.no-drive`, `flash.two-drives`, `flash.drive`; those of a virtual board. */
export const drive: InnerUpload = async (args, around) => {
  const wanted = wantedOf(args);
  if (wanted === null) return usage("drive", " [-- FILE…]");
  if (isNet(wanted.port)) return toVirtual(wanted, around);
  const named = wanted.port !== "" && isFolder(wanted.port) ? wanted.port : null;
  const marks = wanted.command.length === 0 ? [INFO] : wanted.command;
  const find = () => (named === null ? around.drives() : [named]).filter((folder) => marks.some((mark) => existsSync(join(folder, mark))));
  await until(() => find().length > 0, DRIVE_MS, around);
  const [found, ...others] = find();
  if (found === undefined) {
    const file = marks.join(" or ");
    const where = named === null ? `no drive with a file ${file} is mounted` : `${named} has no file ${file}`;
    const loader = marks[0] === INFO;
    const hint = `${loader ? HOLD : "plug the board in, and mount the drive that it is"}; a drive that is not found by itself: upload_port = its folder`;
    return fail(bad("flash.no-drive", `${loader ? "no board is in its loader" : "no board is there"}: ${where}`, hint));
  }
  if (others.length > 0)
    return fail(bad("flash.two-drives", `several boards are there: ${[found, ...others].join(", ")}`, "name one: -p FOLDER"));
  return copied(join(around.folder, wanted.image), found, marks, around);
};

function bad(code: string, message: string, hint: string): Failure {
  return failure(code, 5, message, { hint });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

async function until(is: () => boolean, ms: number, { patience, stop }: InnerSurroundings): Promise<void> {
  const end = performance.now() + ms * patience;
  while (!is() && performance.now() < end && !stop.aborted) await clock.sleep(LOOK_MS * patience, stop);
}

/** The loader starts the program when it has all blocks: the drive may be gone before the file is closed. */
function copied(image: string, folder: string, marks: readonly string[], { onProgress }: InnerSurroundings): Result<string> {
  const bytes = readFileSync(image);
  let done = 0;
  try {
    const file = openSync(join(folder, basename(image)), "w");
    try {
      for (; done < bytes.length; onProgress("writing", (done / bytes.length) * 100))
        done += writeSync(file, bytes, done, Math.min(PIECE, bytes.length - done));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (done < bytes.length || marks.some((mark) => existsSync(join(folder, mark)))) {
      const why = error instanceof Error ? error.message : String(error);
      const hint = "the cable, or a drive that is full or read-only; what is on the board now is incomplete: flash it again";
      return fail(bad("flash.drive", `${folder} took ${done} of ${bytes.length} bytes: ${why}`, hint));
    }
  }
  return ok(`${folder} has it: ${bytes.length} bytes\n`);
}

/** A virtual board takes UF2 files at its port; picotool does not reach it. */
async function toVirtual({ port, image }: Wanted, around: InnerSurroundings): Promise<Result<string>> {
  return sendImage(port, readFileSync(join(around.folder, image)), image, around);
}

/** Folders where something is mounted: by Linux's own table, on a Mac below /Volumes. */
export function mountedFolders(): readonly string[] {
  try {
    const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
    // Blanks in names are written in octal.
    const folders = lines.flatMap((line) => line.split(" ")[1] ?? []);
    return folders.map((text) => text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8))));
  } catch {
    return existsSync("/Volumes") ? readdirSync("/Volumes").map((name) => join("/Volumes", name)) : [];
  }
}
