/** Where the cache lies, and whether that place can hold it. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { Result } from "../engine/types.ts";
import { errorCode, trouble } from "./trouble.ts";

/** Numbers of statfs(2) for filesystems that several machines share: LMDB's lock and memory map do not work across them. */
const networkTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xfe534d42, "SMB2"],
  [0xff534d42, "CIFS"],
  [0x5346414f, "AFS"],
  [0x6b414653, "AFS"],
  [0x73757245, "Coda"],
  [0x01021997, "9p"],
  [0x0bd00bd0, "Lustre"],
  [0x00c36400, "Ceph"],
  [0x47504653, "GPFS"],
  [0x19830326, "BeeGFS"],
  [0x7461636f, "OCFS2"],
  [0x01161970, "GFS2"],
]);
const fuse = 0x65735546;
const networkFuse = /^fuse\.(sshfs|s3fs|rclone|gcsfuse|glusterfs|ceph|davfs|curlftpfs|juicefs|blobfuse2?|smbnetfs|nfs)/;

/**
 * The folder of the cache: $FB_CACHE_DIR, else $XDG_CACHE_HOME/fb, else ~/.cache/fb (fb-dev with FB_DEV_MODE=1). Made if it is not there: one of $FB_CACHE_DIR
 * as the user's umask says, since several may share it, any other for the user alone (XDG Base Directory Specification). Plans lie in it, with all words of commands.
 * @param vars the environment of fb's process
 */
export function cacheFolder(vars: Readonly<Record<string, string | undefined>>): Result<string> {
  const folder = cachePath(vars);
  try {
    makeFolders(folder, (vars["FB_CACHE_DIR"] ?? "") === "" ? 0o700 : 0o777);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return { ok: false, failure: unwritable(folder, errorCode(error)) };
  }
  const network = networkFilesystem(folder);
  if (network !== null) {
    return {
      ok: false,
      failure: trouble(
        "error",
        "cache.network",
        folder,
        `the cache folder ${folder} is on a network filesystem (${network}), where its database would break`,
        "set FB_CACHE_DIR to a folder on a local disk",
      ),
    };
  }
  return { ok: true, value: folder };
}

/**
 * mkdir -p that throws the true reason: Node's own says ENOENT where the disk is read-only, and in a folder of the kernel (/proc) never ends. mode: of those that
 * are made.
 */
export function makeFolders(folder: string, mode = 0o777): void {
  if (whyNotMade(folder, mode) === null) return;
  if (!existsSync(dirname(folder))) makeFolders(dirname(folder), mode);
  // Its parent is there now, perhaps because another process has just made it.
  const error = whyNotMade(folder, mode);
  if (error !== null) throw error;
}

/** Null when the folder is there; the error where it says that a part of the path is not. Throws any other. */
function whyNotMade(folder: string, mode: number): unknown {
  try {
    mkdirSync(folder, mode);
    return null;
  } catch (error) {
    const code = errorCode(error);
    if ((code === "EEXIST" || code === "EISDIR") && statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return null;
    if (code !== "ENOENT") throw error;
    return error;
  }
}

/** Only the name: nothing is looked at or made. */
export function cachePath(vars: Readonly<Record<string, string | undefined>>): string {
  const own = vars["FB_CACHE_DIR"];
  if (own !== undefined && own !== "") return resolve(own);
  const name = vars["FB_DEV_MODE"] === "1" ? "fb-dev" : "fb";
  const xdg = vars["XDG_CACHE_HOME"];
  // The XDG base directory specification: a relative value is invalid and ignored.
  if (xdg !== undefined && isAbsolute(xdg)) return join(xdg, name);
  const home = vars["HOME"];
  return join(home !== undefined && home !== "" ? home : homedir(), ".cache", name);
}

export function unwritable(folder: string, why: string) {
  return trouble(
    "error",
    "cache.read-only",
    folder,
    `cannot write to the cache folder ${folder}: ${why}`,
    "make it writable, or set FB_CACHE_DIR to a folder that is",
  );
}

/** The name of the network filesystem that the folder is on; null if it is a local one or cannot be told. */
function networkFilesystem(folder: string): string | null {
  if (process.platform !== "linux") return null;
  try {
    const type = statfsSync(folder).type >>> 0;
    return networkName(type, type === fuse ? readFileSync("/proc/self/mountinfo", "utf8") : "", folder);
  } catch {
    return null;
  }
}

/**
 * @param type statfs(2)'s f_type
 * @param mountinfo text of /proc/self/mountinfo (proc(5)), used for FUSE only: its type says nothing of what is behind it
 */
export function networkName(type: number, mountinfo: string, folder: string): string | null {
  if (type !== fuse) return networkTypes.get(type) ?? null;
  let best = "";
  let kind = "";
  for (const line of mountinfo.split("\n")) {
    const words = line.split(" ");
    const at = (words[4] ?? "").replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const inside = at !== "" && (folder === at || at === "/" || folder.startsWith(`${at}/`));
    if (!inside || at.length < best.length) continue;
    best = at;
    kind = words[words.indexOf("-") + 1] ?? "";
  }
  return networkFuse.test(kind) ? kind : null;
}
