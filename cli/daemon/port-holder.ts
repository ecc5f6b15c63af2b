/** Who listens at a TCP port of this machine, as far as /proc tells. */
import { linkOf, namesIn, textOf } from "../host/look.ts";

/** `process 123 (python3 -m http.server)`; null where it can not be told (not Linux, another user's). */
export function portHolder(port: number): string | null {
  if (process.platform !== "linux") return null;
  const inodes = new Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap((table) => listeners(table, port)));
  if (inodes.size === 0) return null;
  for (const pid of namesIn("/proc").filter((name) => /^\d+$/.test(name)))
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`) ?? "")?.[1];
      if (inode !== undefined && inodes.has(inode)) return `process ${pid} (${commandOf(pid)})`;
    }
  return null;
}

/** The inodes of sockets that listen (state 0A) at a port: proc(5), /proc/net/tcp. */
function listeners(table: string, port: number): string[] {
  return (textOf(table) ?? "")
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const words = line.trim().split(/\s+/);
      const [, local = "", , state] = words;
      return state === "0A" && Number.parseInt(local.split(":")[1] ?? "", 16) === port ? [words[9] ?? ""] : [];
    });
}

function commandOf(pid: string): string {
  const words = (textOf(`/proc/${pid}/cmdline`) ?? "").split("\0").join(" ").trim();
  return words.slice(0, 200) || (textOf(`/proc/${pid}/comm`) ?? "").trim();
}
