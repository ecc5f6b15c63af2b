/** Reads a tar archive (v7, ustar, pax, GNU) into a tree. `tar`'s strict parser reads the headers; nothing of it touches the disk. */
import type { Parser, ReadEntry } from "tar";
import { shown } from "./names.ts";
import { damagedHint, hostileHint, Refusal } from "./refusal.ts";
import type { Tree } from "./tree.ts";

/** Names of pax's long headers and of GNU's; libarchive allows the same. */
const maxMetaBytes = 1 << 20;

/** @param bytes the archive without its compression */
export async function readTar(bytes: AsyncIterable<Uint8Array>, tree: Tree): Promise<void> {
  const { Parser } = await import("tar");
  const parser = new Parser({ strict: true, maxMetaEntrySize: maxMetaBytes, brotli: false, zstd: false });
  let failed: unknown = null;
  let ended = false;
  // Handlers run inside of write(); what they throw must not unwind through the parser's streams.
  const guarded = <A>(work: (argument: A) => void) => {
    return (argument: A) => {
      if (failed !== null) return;
      try {
        work(argument);
      } catch (error) {
        failed = error;
      }
    };
  };
  parser.on("error", (error: Error) => {
    failed ??= new Refusal("extract.damaged", `is no sound tar archive (${error.message})`, damagedHint);
  });
  parser.on(
    "ignoredEntry",
    guarded((entry: ReadEntry) => refuseType(entry)),
  );
  parser.on("entry", (entry: ReadEntry) => {
    guarded(() => take(entry, tree, guarded))(undefined);
    entry.resume();
  });
  parser.on("end", () => (ended = true));
  for await (const chunk of bytes) {
    tree.count(chunk.length);
    write(parser, chunk);
    if (failed !== null) throw failed;
  }
  parser.end();
  if (failed !== null) throw failed;
  if (!ended) throw new Refusal("extract.damaged", "ends in the middle of an entry", damagedHint);
}

/** Its answer says whether an entry still flows; all of them do, since their handlers are synchronous. */
function write(parser: Parser, chunk: Uint8Array): void {
  parser.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
}

type Guarded = <A>(work: (argument: A) => void) => (argument: A) => void;

function take(entry: ReadEntry, tree: Tree, guarded: Guarded): void {
  const name = entry.path;
  // GNU's sparse files in pax form keep their map in front of the data: unpacked as they are they would be silently wrong.
  if (/(^|\/)GNUSparseFile\.\d+\//.test(name))
    throw new Refusal("extract.entry", `"${shown(name)}" is a sparse file`, "pack it without --sparse");
  switch (entry.type) {
    case "Directory":
      tree.folder(name);
      return;
    case "SymbolicLink":
      tree.link(name, entry.linkpath ?? "");
      return;
    case "Link":
      tree.hardLink(name, entry.linkpath ?? "");
      return;
    case "File":
    case "OldFile":
    case "ContiguousFile": {
      // Before ustar a folder was told by its slash.
      if (name.endsWith("/")) {
        tree.folder(name);
        return;
      }
      const sink = tree.file(name, entry.mode ?? 0o644);
      if (sink === null) return;
      entry.on(
        "data",
        guarded((chunk: Uint8Array) => sink.write(chunk)),
      );
      entry.on("end", () => guarded(() => sink.end())(undefined));
      return;
    }
    default:
      refuseType(entry);
  }
}

function refuseType(entry: ReadEntry): never {
  throw entry.meta
    ? new Refusal("extract.limit", `has an extended header of ${entry.size} bytes, the limit is ${maxMetaBytes}`, hostileHint)
    : new Refusal("extract.entry", `"${shown(entry.path)}" is a ${entry.type}: only files, folders and links are unpacked`, hostileHint);
}
