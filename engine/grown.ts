/**
 * What a plan grew, as bytes (packed.ts): the form in which a result holds it, in the caches as in memory. Its actions share most of their words, so packed they
 * are for 30,000 actions 13 MB instead of 40 MB of JSON, and what is read back is shared as well.
 */
import { type Json, Packer, packedBytes, packedFrom, type Reference, Unpacker } from "./packed.ts";
import type { Planned } from "./types.ts";

export function packPlanned(planned: Planned): Uint8Array {
  const packer = new Packer();
  const whole = packer.add(planned as unknown as Json);
  return packedBytes(packer.finish(), whole);
}

/** What was packed; equal parts of it are one object, which nobody may change. The bytes are those of packPlanned: who keeps them answers for that. */
export function unpackPlanned(bytes: Uint8Array): Planned {
  const { packed, root } = packedFrom(bytes);
  return new Unpacker(packed).value(root as Reference) as unknown as Planned;
}
