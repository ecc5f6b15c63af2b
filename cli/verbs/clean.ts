/** `fb clean`: removes what fb made in a project; the cache outside it stays. */
import type { Command } from "../command.ts";
import { complain, type Faces, tellWait } from "../faces.ts";
import { acquireLock } from "../host/lock.ts";
import { INTERRUPTED, watchSignals } from "../host/signals.ts";
import { projectFolder } from "../project-folder.ts";
import { type Removed, removeMade } from "../remove-made.ts";
import { bytes, count } from "../show/text.ts";

type CleanCommand = Extract<Command, { verb: "clean" }>;

/** Waits for whoever works in the project. A project whose ini is broken can be cleaned too. */
export async function cleanVerb(command: CleanCommand, faces: Faces): Promise<number> {
  const folder = projectFolder(command.project ?? command.dir);
  if (!folder.ok) return complain(faces, [folder.failure]);
  const signals = watchSignals(() => {});
  try {
    const lock = await acquireLock(folder.value, {
      request: ["clean"],
      onWait: (holder) => tellWait(faces, holder),
      stop: signals.stop,
      form: null,
    });
    if (lock === null) return INTERRUPTED;
    try {
      const removed = removeMade(folder.value, command.envs, command.all);
      if (!removed.ok) return complain(faces, [removed.failure]);
      faces.out.write(removed.value.length === 0 ? "nothing to remove\n" : removed.value.map(said).join(""));
      return 0;
    } finally {
      lock.release();
    }
  } finally {
    signals.close();
  }
}

function said(removed: Removed): string {
  return `removed ${removed.path}: ${count(removed.files, "file")}, ${bytes(removed.bytes)}\n`;
}
